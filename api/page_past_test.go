package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

// past is a Source that remembers: ten minutes of everything, an end, and some events.
func past(s *collector.Snapshot) *fake {
	f := &fake{snap: s}
	now := sample.Now()
	for i := range 41 {
		f.history = append(f.history, collector.Point{
			Time: now.Add(time.Duration(i-40) * 15 * time.Second), Memory: float64(30+i%3) * (1 << 20), CPU: 0.1 + 0.01*float64(i%5), Throttled: 0.5,
			Receive: 1000, Transmit: 2000, Read: math.NaN(), Write: math.NaN(), CPUPressure: 0.125, MemoryPressure: 0, IOPressure: math.NaN(),
		})
	}
	event := func(seq uint64, e engine.Event) {
		e.Time = now.Add(time.Duration(seq) * time.Second)
		f.events = append(f.events, collector.Event{Event: e, Seq: seq})
	}
	event(1, engine.Event{Type: "image", Action: "pull", ID: "busybox:1", Name: "busybox"})
	event(2, engine.Event{Type: "container", Action: "start", ID: sample.ID("b1"), Name: "busy", Image: "nginx:1.29"})
	event(3, engine.Event{Type: "container", Action: "health_status", Detail: "unhealthy", ID: sample.ID("5a"), Name: `<script>alert("n")</script>`})
	event(4, engine.Event{Type: "container", Action: "die", ID: sample.ID("b1"), Name: "busy", HasExitCode: true, ExitCode: 137})
	ended := collector.LastWords{
		ID: sample.ID("b1"), Name: "busy", Image: "nginx:1.29", Started: now.Add(-3 * time.Minute), Finished: now.Add(-20 * time.Second), HasExitCode: true, ExitCode: 137,
		OOMKilled: true, PeakMemory: 63 << 20, CPU: 12.34, ThrottledRatio: 0.4,
	}
	before := ended
	before.Finished, before.OOMKilled, before.ExitCode = now.Add(-5*time.Minute), false, 1
	f.lastWords = []collector.LastWords{ended, before, {
		ID: sample.ID("99"), Name: "gone", Finished: now.Add(-time.Hour), Removed: true, PeakMemory: math.NaN(), CPU: math.NaN(), ThrottledRatio: math.NaN(),
	}}
	f.logs = []engine.LogLine{
		{Time: now, Stream: "stdout", Text: "ready <b>bold</b>"}, {Stream: "stderr", Text: "what went wrong␇"},
	}
	return f
}

// wants asks for a page, and wants all of some texts on it.
func wants(t *testing.T, o Options, address string, texts ...string) string {
	t.Helper()
	h, _ := newTest(t, o)
	page := bodyOf(t, ask(h, "GET", address))
	safe(t, page)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("%s: %q is not on the page", address, text)
		}
	}
	return page
}

func TestPage_past(t *testing.T) {
	t.Parallel()
	page := wants(t, Options{Source: past(sample.Snapshot())}, "/",
		"cpu <b>12.5 %</b>", "memory <b>0.0 %</b>", "io <b>–</b>", `<svg class="spark" viewBox="0 0 120 24"`,
		`aria-label="from 0.100 to 0.140, last 0.100"`, "2 runs", "63.0 MiB", "killed for want of memory", "2 min", "gone</bdi> <span class=\"dim\">removed",
		"health status: unhealthy", "die, exit code 137 (SIGKILL)", `href="events"`)
	if first, second := strings.Index(page, "die, exit code"), strings.Index(page, "> start<"); first < 0 || first > second {
		t.Error("the latest event is not the first")
	}
	if strings.Contains(page, "5 min ago</td>") {
		t.Error("the run before is listed, though the latest is")
	}
}

func TestPage_containerPast(t *testing.T) {
	t.Parallel()
	page := wants(t, Options{Source: past(sample.Snapshot())}, "/containers/busy",
		`aria-label="CPU, processors: used 0.100 now, limit 0.500"`, `aria-label="Memory, working set: used 31.0 MiB now, limit 64.0 MiB"`,
		`id="chart-pressure"`, `id="chart-network"`, "<title>09:30:00\nused 0.100</title>", `<path class="limit" d="M`, "in 1000 B/s", "out 2.0 KiB/s",
		"Runs that have ended", "12.3s", "40.0 %", "5 min ago", "All events of it", `href="../events?container=`+sample.ID("b1"),
		"0.500, by a quota of 50\u202f000 µs in 100\u202f000 µs", "128.0 MiB", "Network shared with", "sidecar",
		`data-src="../api/v1/containers/`+sample.ID("b1")+`/cgroup"`, `<details id="readings"><summary>106 readings`, "--web.logs")
	if strings.Contains(page, `id="chart-io"`) {
		t.Error("there is a chart of what was never known")
	}
	if strings.Contains(page, "busybox") || strings.Contains(page, "health status") {
		t.Error("events of others are on the page")
	}
	wants(t, Options{Source: past(sample.Snapshot())}, "/containers/sidecar", "Network of", `<a href="`+sample.ID("b1")+`"><bdi>busy</bdi></a>`)
	h, _ := newTest(t, Options{Source: past(sample.Snapshot())})
	if got := ask(h, "GET", "/containers/gone"); got.StatusCode != 404 || !strings.Contains(bodyOf(t, got), "What is remembered of it") {
		t.Errorf("a container that is gone: got %s without its last words", got.Status)
	}
}

func TestPage_logs(t *testing.T) {
	t.Parallel()
	wants(t, Options{Source: past(sample.Snapshot()), Logs: true}, "/containers/busy",
		`<p class="stdout"><time>09:30:00.250</time> <bdi>ready &lt;b&gt;bold&lt;/b&gt;</bdi></p>`, `<p class="stderr"><b title="standard error">err</b> <bdi>what went wrong␇</bdi></p>`)
	if page := wants(t, Options{Source: past(sample.Snapshot())}, "/containers/busy"); strings.Contains(page, "went wrong") {
		t.Error("logs are shown that nobody has switched on")
	}
	h := New(Options{Source: noLogs{past(sample.Snapshot())}, Logs: true}).Handler()
	if page := bodyOf(t, ask(h, "GET", "/containers/busy")); !strings.Contains(page, "They cannot be had: the log driver &lt;none&gt; keeps nothing") {
		t.Error("the page does not say why there are no logs")
	}
}

// noLogs is a Source whose containers keep no logs.
type noLogs struct{ *fake }

func (noLogs) Logs(context.Context, *collector.Container, int) ([]engine.LogLine, error) {
	return nil, errors.New("the log driver <none>\nkeeps nothing")
}

func TestPage_events(t *testing.T) {
	t.Parallel()
	source := past(sample.Snapshot())
	page := wants(t, Options{Source: source}, "/events", "&lt;script&gt;alert(", `data-last="4"`, `all <b>4</b>`, `<a href="events?type=container">container <b>3</b></a>`,
		`href="containers/`+sample.ID("b1")+`"`, `<tr data-seq="3" class="bad">`, `<tr data-seq="4" class="warn">`, `src="static/events.js"`)
	if got := regexp.MustCompile(`data-seq="(\d)"`).FindAllStringSubmatch(page, -1); len(got) != 4 || got[0][1] != "4" || got[3][1] != "1" {
		t.Errorf("got %v, want the latest first", got)
	}
	count := func(query string) int {
		return strings.Count(wants(t, Options{Source: source}, "/events"+query), `data-seq="`)
	}
	for query, want := range map[string]int{
		"?type=image": 1, "?type=container": 3, "?type=volume": 0, "?container=busy": 2, "?container=" + sample.ID("b1")[:12]: 2, "?container=b1": 0,
		"?container=busy&type=image": 0, "?container=nobody": 0,
		"?container=" + url.QueryEscape(`<script>alert("n")</script>`): 1, "?type=" + url.QueryEscape(`"><script>`): 0,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d events, want %d", query, got, want)
		}
	}
	if page := wants(t, Options{Source: source}, "/events?q=DIE"); strings.Count(page, "<tr hidden") != 3 {
		t.Error("q does not filter")
	}
	wants(t, Options{}, "/events", "Nothing has happened")
	for i := range 2000 {
		source.events = append(source.events, collector.Event{Seq: uint64(5 + i), Event: engine.Event{Type: "network", Action: "connect", Time: sample.Now()}})
	}
	if got := count(""); got != pageEvents {
		t.Errorf("%d of 2004 events are on the page, want %d", got, pageEvents)
	}
}

// TestPage_table: the address sorts and filters, so that it works without script, and can be shared.
func TestPage_table(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`<tr data-r="\d+" data-s="[^"]*"(?: class="\w+")?( hidden)?>\n<th scope="row"><a href="[^"]*"><bdi>([^<]*)`)
	names := func(query string) (shown []string) {
		t.Helper()
		for _, m := range row.FindAllStringSubmatch(wants(t, Options{Source: past(sample.Snapshot())}, "/"+query), -1) {
			if m[1] == "" {
				shown = append(shown, m[2])
			}
		}
		return shown
	}
	if got := names(""); len(got) != 13 || !slices.Equal(got[:6], []string{"crashloop", "dead", "unhealthy", "busy", "oomed", "exited3"}) {
		t.Errorf("trouble does not come first: %q", got)
	}
	for query, want := range map[string]string{
		"?q=state:exited":           "oomed exited3",
		"?q=state:exited+JAVA":      "oomed",
		"?q=state:attention":        "crashloop dead unhealthy busy",
		"?q=state:unhealthy":        "unhealthy",
		"?q=throttled":              "busy",
		"?q=nothing-like-this":      "",
		"?q=sidecar&sort=nonsense":  "sidecar",
		"?q=state:exited&sort=name": "exited3 oomed",
	} {
		if got := strings.Join(names(query), " "); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	down := names("?sort=restarts&dir=desc")
	if down[0] != "crashloop" || down[1] != "legacy" || down[len(down)-1] != "forgotten" {
		t.Errorf("by restarts, the most first: %q", down)
	}
	if up := names("?sort=restarts&dir=asc"); up[len(up)-1] != "forgotten" || up[len(up)-2] != "crashloop" {
		t.Errorf("by restarts, the least first: %q", up)
	}
	if first := names("?sort=cpu"); first[0] != "busy" {
		t.Errorf("by processors: %q", first)
	}
	wants(t, Options{}, "/?sort=cpu&q=a%22%3E%3Cscript%3E", `aria-sort="descending"><a href="?dir=asc&amp;q=a%22%3E%3Cscript%3E&amp;sort=cpu"`, `value="a&#34;&gt;&lt;script&gt;"`)
	for _, c := range columns() {
		names("?sort=" + c.Key)
	}
}

// TestPage_inert: whatever texts come from containers, they are shown and do nothing.
func TestPage_inert(t *testing.T) {
	t.Parallel()
	s := sample.Snapshot()
	for i, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "new\nline", "\u202egnp.exe", strings.Repeat("x", 4096), "javascript:alert(1)", "{{.}}", "'\"`",
	} {
		c := &s.Containers[i]
		c.Name, c.Image = name, name
		if c.Facts != nil {
			f := *c.Facts
			f.Name, f.Image, f.Labels = name, name, map[string]string{name: name, "db.password": "hunter2"}
			c.Facts = &f
		}
	}
	source := past(s)
	for i := range source.events {
		source.events[i].Name, source.events[i].Image = s.Containers[i].Name, s.Containers[i+1].Name
	}
	h, _ := newTest(t, Options{Source: source, Logs: true})
	addresses := []string{"/", "/events"}
	for i := range s.Containers {
		addresses = append(addresses, "/containers/"+containerID(&s.Containers[i]))
	}
	for _, address := range addresses {
		page := bodyOf(t, ask(h, "GET", address))
		for _, never := range []string{"<script>", "<img", "hunter2", `href="javascript`} {
			if strings.Contains(page, never) {
				t.Errorf("%s: %q is on the page", address, never)
			}
		}
		if strings.Contains(page, "\u202e") && !strings.Contains(page, "<bdi>\u202egnp.exe</bdi>") {
			t.Errorf("%s: a name turns the direction of what follows it", address)
		}
		if address == "/" && len(page) > 150<<10 {
			t.Errorf("long names make the page %d bytes long", len(page))
		}
	}
}

// TestPage_weight: many containers are many rows, and still a page that loads at once.
func TestPage_weight(t *testing.T) {
	t.Parallel()
	for _, n := range []int{300, 1000} {
		h, _ := newTest(t, Options{Source: past(sample.Many(n))})
		got := ask(h, "GET", "/", "Accept-Encoding: gzip")
		zipped := got.Header.Get("Content-Length")
		page := bodyOf(t, got)
		t.Logf("%d containers: %d bytes, %s compressed", n, len(page), zipped)
		if each := len(page) / n; each > 3000 {
			t.Errorf("%d bytes a container", each)
		}
		var z int
		if _, err := fmt.Sscan(zipped, &z); err != nil || z > 150*n {
			t.Errorf("%s bytes compressed for %d containers", zipped, n)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	h, _ := newTest(b, Options{Source: past(sample.Many(300))})
	b.ReportAllocs()
	for b.Loop() {
		if got := ask(h, "GET", "/"); got.StatusCode != 200 {
			b.Fatal(got.Status)
		}
	}
}
