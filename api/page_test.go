package api

import (
	"bytes"
	"strings"
	"testing"

	"tallyman/api/metrics"
	"tallyman/collector"
	"tallyman/internal/sample"
)

func TestPage_index(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	page := bodyOf(t, ask(h, "GET", "/"))
	for _, want := range []string{
		"quay-7", "4 of 13 need attention:</b>", `<bdi>crashloop</bdi></a> restarting, <a`, `<bdi>busy</bdi></a> throttled</p>`, "restarting again and again: 17 restarts, last with exit code 1",
		"killed for want of memory", "unhealthy: 7 failed probes in a row", "exit code 137 (SIGKILL)", "38.0 MiB",
		`href="containers/` + sample.ID("b1") + `"`, "97.5 %", "59.4 % of 64.0 MiB", "0.1.0", "–", "1.2 KiB/s", "09:30:00 UTC", "listed 3 min ago", "cgroup v2 by systemd",
		"pressure is switched off: add psi=1", "state:exited",
		`href="static/style.css"`, `src="static/app.js"`, "13", "Docker 28.5.2",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	safe(t, page)
	source.set(sample.Away(), nil)
	page = bodyOf(t, ask(h, "GET", "/"))
	for _, want := range []string{"away", "connection refused", `data-q="state:unknown">unknown <b>13</b>`, "have ended is not known while the engine is away", `href="containers/` + sample.ID("b1") + `"`} {
		if !strings.Contains(page, want) {
			t.Errorf("while the engine is away, %q is not on the page", want)
		}
	}
	source.set(&collector.Snapshot{Host: sample.Blank("/", "", "")}, nil)
	if page = bodyOf(t, ask(h, "GET", "/")); !strings.Contains(page, "There are no containers.") {
		t.Error("the page without containers does not say so")
	}
}

func TestPage_containers(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	for _, c := range source.snap.Containers {
		page := bodyOf(t, ask(h, "GET", "/containers/"+containerID(&c)))
		safe(t, page)
		if !strings.Contains(page, containerID(&c)) || !strings.Contains(page, `href="../static/style.css"`) {
			t.Errorf("%q: got %.300s", c.Name, page)
		}
	}
	page := bodyOf(t, ask(h, "GET", "/containers/unhealthy"))
	for _, want := range []string{
		"&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;b&gt;image&lt;/b&gt;:1", "permission denied", "container_memory_rss", "30.0 MiB", "evil",
		"unhealthy, 7 failed probes in a row", "2026-11-19 09:30:00 UTC", "2026-10-22 09:30:00 UTC", "names another image now</th><td>no</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	got := ask(h, "GET", "/containers/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
	if page := bodyOf(t, got); got.StatusCode != 404 || !strings.Contains(page, "there is no such container") {
		t.Errorf("got %s", got.Status)
	}
}

// safe wants a page without anything that its Content-Security-Policy would stop, or that came in as text.
func safe(t *testing.T, page string) {
	t.Helper()
	for _, never := range []string{"<script>", "<b>image", " style=", "<style", " onclick", "http://", "https://", "javascript:", "ZgotmplZ", "NaN", "0001-01-01", "%!"} {
		if strings.Contains(page, never) {
			t.Errorf("%q is on the page", never)
		}
	}
	if strings.Count(page, "<script") != strings.Count(page, `<script src="`) || !strings.HasSuffix(page, "</html>\n") {
		t.Error("the page has another script than ours, or no end")
	}
}

func TestPage_assetsAreOurs(t *testing.T) {
	t.Parallel()
	entries, err := assets.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := assets.ReadFile("page/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), `xmlns="http://www.w3.org/2000/svg"`, "")
		if strings.Contains(text, "//") && (strings.Contains(text, "http:") || strings.Contains(text, "https:")) {
			t.Errorf("%s wants something from elsewhere", e.Name())
		}
		if strings.Contains(text, "eval(") || strings.Contains(text, "innerHTML") {
			t.Errorf("%s makes code or markup from text", e.Name())
		}
		if len(content) > 12<<10 {
			t.Errorf("%s has %d bytes", e.Name(), len(content))
		}
	}
	if bytes.Contains(openAPIDocument, []byte("\t")) {
		t.Error("openapi.yaml has a tab")
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"container_memory_rss": "1.0 KiB", "container_fs_reads_bytes_total": "1.0 KiB", "container_cpu_user_seconds_total": "1024 s",
		"container_last_seen": "1970-01-01 00:17:04 UTC", "container_start_time_seconds": "1970-01-01 00:17:04 UTC",
		"container_threads": "1\u202f024", "container_memory_failcnt": "1\u202f024", "container_spec_memory_limit_bytes": "1.0 KiB",
	} {
		for _, f := range metrics.Families() {
			if got := readable(&f, 1024); f.Name == name && got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	}
}
