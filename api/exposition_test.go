package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tallyman/api/metrics"
	"tallyman/collector"
	"tallyman/internal/sample"
	"tallyman/internal/self"
)

// parse reads an exposition.
func parse(t testing.TB, text string) map[string]bool {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range families {
		names[name] = true
	}
	return names
}

func TestMetrics_tableThenSelf(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	text := bodyOf(t, ask(h, "GET", "/metrics"))
	names := parse(t, text)
	for _, name := range []string{
		"container_cpu_usage_seconds_total", "container_state", "machine_cpu_cores", "docker_engine_info", "tallyman_engine_up",
		"tallyman_build_info", "go_goroutines", "process_start_time_seconds", "promhttp_metric_handler_requests_total",
	} {
		if !names[name] {
			t.Errorf("%s is missing", name)
		}
	}
	table := string(metrics.NewWriter(metrics.WriterOptions{}).Append(nil, sample.Snapshot(), metrics.Selection{}))
	if !strings.HasPrefix(text, table) {
		t.Error("the table does not come first, as the writer writes it")
	}
	seen := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, isType := strings.CutPrefix(line, "# TYPE "); isType {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
	}
	if strings.Contains(text, "# EOF") || !strings.HasSuffix(text, "\n") {
		t.Error("the end is not that of the text format")
	}
}

func TestMetrics_encodings(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"identity", "gzip"} { // whichever renders first
		h, _ := newTest(t, Options{})
		texts := map[string]string{}
		for _, encoding := range []string{first, "identity", "gzip", "gzip;q=0", ""} {
			headers := []string{"Accept-Encoding: " + encoding}
			if encoding == "" {
				headers = nil
			}
			got := ask(h, "GET", "/metrics", headers...)
			if got.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%q: Vary is %q", encoding, got.Header.Get("Vary"))
			}
			if zipped := got.Header.Get("Content-Encoding") == "gzip"; zipped != (encoding == "gzip") {
				t.Errorf("%q: compressed %v", encoding, zipped)
			}
			if n := got.Header.Get("Content-Length"); (n != "" && n != "0") != (encoding == "gzip") {
				t.Errorf("%q: Content-Length is %q", encoding, n)
			}
			texts[encoding] = bodyOf(t, got)
		}
		for encoding, text := range texts {
			if text != texts["identity"] {
				t.Errorf("%q differs from identity", encoding)
			}
		}
	}
}

func TestMetrics_filters(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{Groups: metrics.Selection{}.With(metrics.GroupPids, false)})
	for _, c := range []struct{ query, has, hasNot string }{
		{"collect[]=cpu", "container_cpu_usage_seconds_total", "container_memory_rss go_goroutines tallyman_engine_up container_info"},
		{"collect[]=cpu&collect[]=tallyman", "container_cpu_usage_seconds_total go_goroutines tallyman_engine_up", "container_memory_rss"},
		{"exclude[]=cpu", "container_memory_rss go_goroutines", "container_cpu_usage_seconds_total container_threads"},
		{"exclude[]=tallyman&exclude[]=cpu", "container_memory_rss", "go_goroutines tallyman_build_info container_cpu_usage_seconds_total"},
		{"exclude[]=pids", "container_memory_rss", "container_threads"},
		{"unrelated=1", "container_memory_rss", "container_threads"},
	} {
		for _, encoding := range []string{"identity", "gzip"} {
			got := ask(h, "GET", "/metrics?"+c.query, "Accept-Encoding: "+encoding)
			if zipped := got.Header.Get("Content-Encoding") == "gzip"; zipped != (encoding == "gzip") {
				t.Errorf("%s %s: compressed %v", c.query, encoding, zipped)
			}
			names := parse(t, bodyOf(t, got))
			for name := range strings.FieldsSeq(c.has) {
				if !names[name] {
					t.Errorf("%s: %s is missing", c.query, name)
				}
			}
			for name := range strings.FieldsSeq(c.hasNot) {
				if names[name] {
					t.Errorf("%s: %s is there", c.query, name)
				}
			}
		}
	}
}

func TestMetrics_badInput(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{Groups: metrics.Selection{}.With(metrics.GroupIO, false)})
	before := source.calls.Load()
	for query, want := range map[string]string{
		"collect[]=nonsense":             `there is no group "nonsense": the groups are cpu, memory,`,
		"exclude[]=nonsense":             `there is no group "nonsense": the groups are cpu, memory,`,
		"collect[]=":                     `there is no group ""`,
		"collect[]=cpu&exclude[]=memory": "cannot be used together",
		"collect[]=io":                   "start tallyman with --collector.io",
		"collect[]=%zz":                  "cannot be understood",
		"collect[]=cpu;collect[]=memory": "cannot be understood",
	} {
		got := ask(h, "GET", "/metrics?"+query)
		text := bodyOf(t, got)
		if got.StatusCode != 400 || !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: got %s %q, want %q on one line", query, got.Status, text, want)
		}
	}
	if source.calls.Load() != before {
		t.Error("a bad request made a snapshot")
	}
	if text := bodyOf(t, ask(h, "GET", "/metrics")); !strings.Contains(text, `promhttp_metric_handler_requests_total{code="400"} 7`) {
		t.Error("bad requests are not counted")
	}
}

func TestExposition_sharesOneRender(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Many(10)}
	e := newExposition(Options{Source: source, Self: self.New(self.Build{}, false)}, newZipper())
	var all sync.WaitGroup
	texts := make([]string, 40)
	for i := range texts {
		all.Go(func() {
			encoding := []string{"gzip", "identity"}[i%2]
			texts[i] = bodyOf(t, ask(e, "GET", "/metrics", "Accept-Encoding: "+encoding))
		})
	}
	all.Wait()
	for _, text := range texts { // go_* and process_* would differ if it had been rendered twice
		if text != texts[0] {
			t.Fatal("two scrapes of one snapshot differ")
		}
	}
	if e.current.readers != 0 {
		t.Errorf("%d readers are left", e.current.readers)
	}
}

func TestExposition_churn(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Many(1)}
	e := newExposition(Options{Source: source, Self: self.New(self.Build{}, false)}, newZipper())
	server := httptest.NewServer(e)
	defer server.Close()
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for n := range 12 {
				source.set(marked(i*1000+n), nil)
				get(t, server, i%3)
			}
		})
	}
	all.Wait()
}

// marked is a Snapshot whose every container is called after a schema.Number, so that a buffer used for two is seen.
func marked(n int) *collector.Snapshot {
	s := sample.Many(5 + n%7)
	for i := range s.Containers {
		s.Containers[i].Name = fmt.Sprintf("mark-%d", n)
	}
	return s
}

// get scrapes once: plainly, compressed, or giving up in the middle.
func get(t *testing.T, server *httptest.Server, how int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Accept-Encoding", []string{"identity", "gzip", "identity"}[how])
	got, err := server.Client().Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer got.Body.Close()
	if how == 2 {
		_, _ = io.CopyN(io.Discard, got.Body, 100)
		return
	}
	text := bodyOf(t, answer{got.StatusCode, got.Status, got.Header, got.Body})
	parse(t, text)
	first := ""
	for line := range strings.SplitSeq(text, "\n") {
		_, after, found := strings.Cut(line, `name="mark-`)
		mark, _, _ := strings.Cut(after, `"`)
		switch {
		case !found:
		case first == "":
			first = mark
		case mark != first:
			t.Errorf("one scrape has containers of the snapshots %s and %s", first, mark)
			return
		}
	}
}

func TestExposition_keepsOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Many(30)}
	e := newExposition(Options{Source: source}, newZipper())
	ask(e, "GET", "/metrics", "Accept-Encoding: gzip")
	if e.current.zipped == nil {
		t.Error("the compressed text is not kept for others")
	}
	for range 2 {
		source.set(sample.Many(30), nil)
		ask(e, "GET", "/metrics")
	}
	if e.current.zipped != nil || e.spare != nil {
		t.Error("a buffer for the compressed text is kept though nobody asks for it any more")
	}
}

func TestExposition_reusesBuffers(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Many(30)}
	e := newExposition(Options{Source: source}, newZipper())
	scrape := func() { ask(e, "GET", "/metrics", "Accept-Encoding: gzip") }
	scrape()
	before := &e.current.zipped[0]
	source.set(sample.Many(30), nil)
	scrape()
	if &e.current.zipped[0] != before {
		t.Error("a new buffer was made though the old one was free")
	}

	// A response that is still being written keeps its buffer.
	b, err := e.acquire(t.Context(), e.current.snap)
	if err != nil {
		t.Fatal(err)
	}
	was := string(b.zipped)
	for range 3 {
		source.set(marked(7), nil)
		scrape()
	}
	if string(b.zipped) != was {
		t.Error("a buffer was overwritten while it was being read")
	}
	e.release(b, false)
}

// failing is a client that has gone in the middle of its answer.
type failing struct{ http.ResponseWriter }

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestExposition_failedWriteLeaksBuffer(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Many(5)}
	e := newExposition(Options{Source: source}, newZipper())
	for _, address := range []string{"/metrics", "/metrics?collect[]=cpu"} {
		for _, encoding := range []string{"identity", "gzip"} {
			r := httptest.NewRequest("GET", address, nil)
			r.Header.Set("Accept-Encoding", encoding)
			e.ServeHTTP(failing{httptest.NewRecorder()}, r)
		}
	}
	before := &e.current.zipped[0]
	source.set(sample.Many(5), nil)
	ask(e, "GET", "/metrics", "Accept-Encoding: gzip")
	if &e.current.zipped[0] == before {
		t.Error("a buffer that a broken connection may still read was used again")
	}
}

func TestExposition_waitingEndsWithClient(t *testing.T) {
	t.Parallel()
	e := newExposition(Options{Source: &fake{snap: sample.Snapshot()}}, newZipper())
	e.turn <- struct{}{} // somebody renders, and takes long
	for range maxStreams {
		e.streams <- struct{}{}
	}
	for _, address := range []string{"/metrics", "/metrics?collect[]=cpu"} {
		for _, encoding := range []string{"identity", "gzip"} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			r, w := httptest.NewRequestWithContext(ctx, "GET", address, nil), httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", encoding)
			e.ServeHTTP(w, r)
			cancel()
			if w.Code != 503 {
				t.Errorf("%s, %s: got %d", address, encoding, w.Code)
			}
		}
	}
}

// heapAfter is the heap in use after scrapes of new snapshots.
func heapAfter(e *exposition, source *fake, containers int, headers ...string) uint64 {
	for range 3 {
		source.set(sample.Many(containers), nil)
		r := httptest.NewRequest("GET", "/metrics", nil)
		for _, h := range headers {
			r.Header.Set("Accept-Encoding", h)
		}
		e.ServeHTTP(&nobody{http.Header{}}, r)
	}
	source.set(nil, nil)
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(e) // or it would be gone before it is measured
	return m.HeapInuse
}

// nobody is a client that reads and forgets.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n *nobody) WriteHeader(int)             {}

func TestExposition_memory(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it renders 1000 containers")
	}
	source := &fake{}
	e := newExposition(Options{Source: source}, newZipper())
	for _, encoding := range []string{"gzip", "identity"} {
		heap := heapAfter(e, source, 1000, encoding)
		t.Logf("heap in use after scrapes of 1000 containers, %s: %d KiB (the snapshot included)", encoding, heap>>10)
		if heap > 16<<20 {
			t.Errorf("%s: %d bytes are in use: the text must not be kept as a whole", encoding, heap)
		}
	}
}

func FuzzMetricsQuery(f *testing.F) {
	for _, query := range []string{"collect[]=cpu", "exclude[]=memory&exclude[]=io", "collect[]=cpu&exclude[]=io", "%zz", "collect%5B%5D=nonsense", ";"} {
		f.Add(query)
	}
	h, _ := newTest(f, Options{})
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.URL = &url.URL{Path: "/metrics", RawQuery: query}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			parse(t, w.Body.String())
		case 400:
			if text := w.Body.String(); strings.Count(text, "\n") != 1 || len(text) > 400 {
				t.Errorf("not one short line: %q", text)
			}
		case 414:
		default:
			t.Errorf("%q: got %d", query, w.Code)
		}
	})
}

func benchmarkScrape(b *testing.B, n int, encoding string) {
	source := &fake{snap: sample.Many(n)}
	e := newExposition(Options{Source: source, Self: self.New(self.Build{}, false)}, newZipper())
	snaps := []*collector.Snapshot{sample.Many(n), sample.Many(n)}
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept-Encoding", encoding)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		source.set(snaps[i%2], nil)
		e.ServeHTTP(&nobody{http.Header{}}, r)
	}
}

func BenchmarkScrape300(b *testing.B)     { benchmarkScrape(b, 300, "identity") }
func BenchmarkScrape300Gzip(b *testing.B) { benchmarkScrape(b, 300, "gzip") }
