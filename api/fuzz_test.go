package api

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// fuzzed are the addresses whose query and whose id are fuzzed.
func fuzzed() []string {
	return []string{"/api/v1/summary", "/api/v1/containers", "/api/v1/containers/{id}", "/api/v1/containers/{id}/cgroup", "/api/v1/capabilities"}
}

func FuzzQuery(f *testing.F) {
	h, _ := newTest(f, Options{})
	for _, query := range []string{
		"", "state=running", "name=a", "state=x&name=%ff", "%zz", "state=&name=", "name=[a-", "label=a=b*&sort=-cpu&limit=3", "engine=&refresh=1", "limit=-1", "sort=%00",
	} {
		for i := range len(fuzzed()) {
			f.Add(i, query, "busy", `W/"1"`)
		}
	}
	f.Fuzz(func(t *testing.T, i int, query, id, tag string) {
		if i < 0 || i >= len(fuzzed()) {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.URL.RawQuery = strings.ReplaceAll(fuzzed()[i], "{id}", id), query
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 304, 400, 404, 409, 414}, w.Code) {
			t.Errorf("%s: got %d", r.URL, w.Code)
		}
		want := "application/problem+json"
		switch w.Code {
		case 200:
			want = "application/json; charset=utf-8"
		case 304:
			want = ""
		}
		if got := w.Header().Get("Content-Type"); got != want && strings.HasPrefix(r.URL.Path, "/api/") {
			t.Errorf("%s: got %d, %s", r.URL, w.Code, got)
		}
		if strings.Contains(want, "json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: no JSON: %s", r.URL, w.Body)
		}
	})
}
