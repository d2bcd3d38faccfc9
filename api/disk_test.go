package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tallyman/engine"
	"tallyman/internal/sample"
)

func TestSummary_refresh(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	taken := engine.RefreshAnswer{Taken: true}
	off := engine.RefreshAnswer{Reason: engine.DiskOff}
	busy := engine.RefreshAnswer{Reason: engine.RefreshRunning, Next: time.Now().Add(20 * time.Second)}
	soon := engine.RefreshAnswer{Reason: engine.RefreshTooSoon, Next: time.Now().Add(7 * time.Second)}
	past := engine.RefreshAnswer{Reason: engine.RefreshTooSoon, Next: time.Now().Add(-time.Second)}
	away := engine.RefreshAnswer{Reason: engine.RefreshNotConnected, Next: time.Now().Add(5 * time.Second)}
	f := func(query string, status int, retry, problem string, answers ...engine.RefreshAnswer) {
		t.Helper()
		source.mu.Lock()
		source.answers = answers
		source.mu.Unlock()
		got := ask(h, "GET", "/api/v1/summary"+query)
		body := bodyOf(t, got)
		var answer struct {
			Detail string
			Disk   []struct{ Type string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != status || got.Header.Get("Retry-After") != retry || !strings.Contains(answer.Detail, problem) {
			t.Errorf("%s %+v: got %s, Retry-After %q, %q", query, answers, got.Status, got.Header.Get("Retry-After"), answer.Detail)
		}
		if success := status < 300; success != (len(answer.Disk) == 4) {
			t.Errorf("%s: got %s", query, body)
		}
	}
	f("", 200, "", "", taken)
	f("?refresh=1", 202, "", "", taken)
	f("?refresh=1", 202, "", "", off, soon, taken, busy)
	f("?refresh=1", 429, "7", "refreshed only just: come back in 7 s", busy, soon, off)
	f("?refresh=1", 429, "20", "being refreshed already: come back in 20 s", busy)
	f("?refresh=1", 429, "1", "come back in 1 s", past)
	f("?refresh=1", 503, "5", "not connected: come back in 5 s", away, soon)
	f("?refresh=1", 400, "", "--engine.disk-usage-interval", off, off)
	f("?refresh=1", 400, "", "switched off")
	f("?refresh=yes", 400, "", "want refresh=1", taken)
}

func TestDisk_page(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	body := bodyOf(t, ask(h, "GET", "/"))
	for _, want := range []string{
		`<th scope="row">images</th>`, "4.8 MiB (71.5 %)", "not refreshed: unix:///var/run/docker.sock did not tell", "1 min ago", "6 min ago",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if body = bodyOf(t, ask(h, "GET", "/containers/busy")); !strings.Contains(body, "5.0 MiB of its own, 7.0 MiB with its image, log 1.4 MiB") {
		t.Error("the page of a container does not tell its size")
	}
	source.set(sample.Away(), nil)
	if body = bodyOf(t, ask(h, "GET", "/")); strings.Contains(body, `id="disk"`) {
		t.Error("a disk usage is shown of an engine that is away")
	}
}
