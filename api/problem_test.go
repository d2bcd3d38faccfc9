package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tallyman/collector"
	"tallyman/internal/sample"
)

// TestProblem: whatever is wrong with a request to the API, the answer is a problem; pages answer in plain text.
func TestProblem(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for _, tt := range []struct {
		method, address string
		status          int
		detail          string
	}{
		{"GET", "/api", 404, "/api/v1/openapi.yaml"},
		{"GET", "/api/", 404, "/api/v1/openapi.yaml"},
		{"GET", "/api/v1/nonsense", 404, "/api/v1/openapi.yaml"},
		{"GET", "/api/v1/containers/", 404, "/api/v1/openapi.yaml"},
		{"GET", "/api/v1/containers/../../etc/passwd", 404, "no such address"},
		{"GET", "/api/v1/containers/busy/nonsense", 404, "no such address"},
		{"GET", "/api/v1/containers/nonsense", 404, "no such container"},
		{"GET", "/api/v1/containers/..%2f..%2fetc%2fpasswd", 404, "no such container"},
		{"GET", "/api/v1/containers/created/cgroup", 404, "it does not run"},
		{"GET", "/api/v1/containers/busy?state=running", 400, "want one of engine"},
		{"GET", "/api/v1/containers/busy?engine=nonsense", 400, "no engine"},
		{"GET", "/api/v1/containers/busy/cgroup?x", 400, "want one of engine"},
		{"GET", "/api/v1/capabilities?all=1", 400, "there is none here"},
		{"GET", "/api/v1/summary?refresh=1&refresh=1", 400, "once only"},
		{"GET", "/api/v1/summary?refresh", 400, "want refresh=1"},
		{"GET", "/api/v1/summary?top=3", 400, "want one of refresh"},
		{"GET", "/api/v1/containers?name=" + strings.Repeat("x", 9000), 414, "at most 8192 bytes"},
		{"POST", "/api/v1/containers", 405, "only GET and HEAD"},
		{"DELETE", "/api/v1/nonsense", 405, "only GET and HEAD"},
	} {
		if p := problemOf(t, ask(h, tt.method, tt.address)); p.Status != tt.status || !strings.Contains(p.Detail, tt.detail) || p.Type != "about:blank" {
			t.Errorf("%s %.60s: got %+v, want %d %q", tt.method, tt.address, p, tt.status, tt.detail)
		}
	}
	for _, address := range []string{"/apis", "/nonsense"} {
		if got := ask(h, "GET", address); got.StatusCode != 404 || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: got %s, %s", address, got.Status, got.Header.Get("Content-Type"))
		}
	}
}

// TestProblem_candidates: whoever means several containers is told which, up to twenty.
func TestProblem_candidates(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	source.set(sample.Many(30), nil)
	p := problemOf(t, ask(h, "GET", "/api/v1/containers/000"))
	if p.Status != http.StatusConflict || len(p.Candidates) != 20 || p.Candidates[1].Name != "project-service-1" || p.Type != "urn:tallyman:problem:ambiguous" {
		t.Errorf("got %+v", p)
	}
	source.set(sample.Several(), nil)
	p = problemOf(t, ask(h, "GET", "/api/v1/containers/busy/cgroup"))
	if p.Status != http.StatusConflict || len(p.Candidates) != 2 || p.Candidates[0].Engine != "local" || p.Candidates[1].Engine != `far "away"` {
		t.Errorf("got %+v", p)
	}
}

// slow is a Source that waits.
type slow struct {
	fake

	release chan struct{}
}

func (s *slow) Snapshot(ctx context.Context) (*collector.Snapshot, error) {
	select {
	case <-s.release:
	case <-ctx.Done():
	}
	return s.fake.Snapshot(ctx)
}

// TestProblem_throttle: a few requests are answered at a time, a few more wait, and others are told to come back at once.
func TestProblem_throttle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &slow{fake: fake{snap: sample.Snapshot()}, release: make(chan struct{})}
		h := New(Options{Source: source}).Handler()
		var asked sync.WaitGroup
		codes := make(chan int, maxMaking+maxWaiting)
		for range maxMaking + maxWaiting {
			asked.Go(func() { codes <- ask(h, "GET", "/api/v1/summary").StatusCode })
		}
		synctest.Wait()
		got := ask(h, "GET", "/api/v1/containers")
		if p := problemOf(t, got); p.Status != 503 || got.Header.Get("Retry-After") != "1" || !strings.Contains(p.Detail, "too many requests") {
			t.Errorf("got %+v, Retry-After %q", p, got.Header.Get("Retry-After"))
		}
		if got := ask(h, "GET", "/"); got.StatusCode != 503 || bodyOf(t, got) != "too many requests at once: come back in 1 s\n" {
			t.Errorf("a page: got %s", got.Status)
		}
		if got := ask(h, "GET", "/api/v1/openapi.yaml"); got.StatusCode != 200 {
			t.Errorf("what costs nothing: got %s", got.Status)
		}
		close(source.release)
		asked.Wait()
		close(codes)
		for code := range codes {
			if code != 200 {
				t.Errorf("one that waited: got %d", code)
			}
		}
	})
}

// TestETag: an answer that a client has is not sent again until there is a new snapshot.
func TestETag(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	for _, address := range []string{"/api/v1/summary", "/api/v1/containers?sort=-cpu", "/api/v1/containers/busy", "/api/v1/capabilities"} {
		source.set(sample.Snapshot(), nil)
		first := ask(h, "GET", address, "Accept-Encoding: gzip")
		tag := first.Header.Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) || first.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%s: ETag %q, Cache-Control %q", address, tag, first.Header.Get("Cache-Control"))
		}
		for given, want := range map[string]int{
			tag: 304, strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"x", ` + tag: 304, `W/"x"`: 200, "": 200, "nonsense": 200, strings.Trim(tag, `W/"`): 200,
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := ask(h, method, address, "If-None-Match: "+given)
				if got.StatusCode != want || got.Header.Get("ETag") != tag || got.Header.Get("Cache-Control") != "no-cache" {
					t.Errorf("%s %s with %s: got %s, ETag %q", method, address, given, got.Status, got.Header.Get("ETag"))
				}
				if text := bodyOf(t, got); want == 304 && (text != "" || got.Header.Get("Content-Type") != "") {
					t.Errorf("%s: a body of %d bytes", address, len(text))
				}
			}
		}
		source.set(sample.Snapshot(), nil)
		if got := ask(h, "GET", address, "If-None-Match: "+tag); got.StatusCode != 200 || got.Header.Get("ETag") == tag {
			t.Errorf("%s: a new snapshot: got %s, ETag %q", address, got.Status, got.Header.Get("ETag"))
		}
	}
	other, _ := newTest(t, Options{})
	if a, b := ask(h, "GET", "/api/v1/summary"), ask(other, "GET", "/api/v1/summary"); a.Header.Get("ETag") == b.Header.Get("ETag") {
		t.Error("another process has the same tags")
	}
	for _, address := range []string{"/api/v1/containers?limit=0", "/api/v1/containers/nonsense", "/api/v1/containers/busy/cgroup", "/api/v1/summary?refresh=1"} {
		got := ask(h, "GET", address, "If-None-Match: *")
		if got.Header.Get("ETag") != "" || got.StatusCode == 304 || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %s, ETag %q", address, got.Status, got.Header.Get("ETag"))
		}
	}
}

// TestSecrets: no answer holds the value of a label whose key looks secret, nor does a filter tell whether a guess is right.
func TestSecrets(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for address := range addresses() {
		if strings.Contains(bodyOf(t, ask(h, "GET", address)), "hunter2") {
			t.Errorf("%s tells a secret", address)
		}
	}
	if text := bodyOf(t, ask(h, "GET", "/api/v1/containers/busy")); !strings.Contains(text, `"shop.db.password": "***"`) {
		t.Error("the key is not shown")
	}
	right, wrong := ask(h, "GET", "/api/v1/containers?label=shop.db.password=h*"), ask(h, "GET", "/api/v1/containers?label=shop.db.password=x*")
	if right.StatusCode != 400 || bodyOf(t, right) != strings.ReplaceAll(bodyOf(t, wrong), "x*", "h*") {
		t.Error("a secret can be guessed")
	}
}
