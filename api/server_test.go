package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
	"tallyman/internal/self"
)

// update makes the tests write their golden files: go test ./api -update.
var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a Source that gives what it was told to.
type fake struct {
	mu   sync.Mutex // guards the fields below
	snap *collector.Snapshot
	err  error
	// answers are those to RefreshDisk.
	answers []engine.RefreshAnswer
	// What is remembered, and written; not changed once it is served.
	history   []collector.Point
	lastWords []collector.LastWords
	events    []collector.Event
	logs      []engine.LogLine
	logsErr   error
	// follow is what Follow does; nil = it fails.
	follow func(ctx context.Context, seq uint64) (*collector.Follower, error)

	calls atomic.Int64
}

func (f *fake) Snapshot(ctx context.Context) (*collector.Snapshot, error) {
	f.calls.Add(1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap, f.err
}

func (f *fake) Raw(c *collector.Container) (any, error) {
	if c.Source != collector.SourceCgroup {
		return nil, cgroups.ErrNotFound
	}
	return map[string]any{"pids": map[string]int{"current": 3}}, nil
}

func (f *fake) History(string, string) []collector.Point { return f.history }

func (f *fake) LastWords() []collector.LastWords { return f.lastWords }

func (f *fake) Events(limit int) []collector.Event {
	if limit > 0 {
		return f.events[max(len(f.events)-limit, 0):]
	}
	return f.events
}

func (f *fake) Follow(ctx context.Context, seq uint64) (*collector.Follower, error) {
	if f.follow != nil {
		return f.follow(ctx, seq)
	}
	return nil, errors.New("not followed here")
}

func (f *fake) Logs(_ context.Context, _ *collector.Container, tail int) ([]engine.LogLine, error) {
	return f.logs[max(len(f.logs)-tail, 0):], f.logsErr
}

func (f *fake) RefreshDisk() []engine.RefreshAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.answers)
}

func (f *fake) set(s *collector.Snapshot, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.snap, f.err = s, err
}

// newTest gives a handler over the sample Snapshot, with self-metrics.
func newTest(t testing.TB, o Options) (http.Handler, *fake) {
	t.Helper()
	source, isFake := o.Source.(*fake)
	if !isFake {
		source = &fake{snap: sample.Snapshot()}
		o.Source = source
	}
	if o.Self == nil {
		o.Self = self.New(self.Build{Version: "0.1.0", Revision: "abc", Date: "2026-11-21", Go: "go1.26"}, false)
	}
	if o.Version == "" {
		o.Version = "0.1.0"
	}
	return New(o).Handler(), source
}

// answer is what a client got.
type answer struct {
	StatusCode int
	Status     string
	Header     http.Header
	Body       io.Reader
}

// ask sends one request; headers are "Key: value".
func ask(h http.Handler, method, target string, headers ...string) answer {
	r := httptest.NewRequest(method, target, nil)
	for _, line := range headers {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, http.StatusText(w.Code), w.Header(), w.Body}
}

// bodyOf reads an answer, unpacked if it is compressed.
func bodyOf(t testing.TB, r answer) string {
	t.Helper()
	from := r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		gz, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		gz.Multistream(false)
		from = gz
	}
	b, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r.Body); len(rest) != 0 {
		t.Errorf("%d bytes follow the gzip member", len(rest))
	}
	return string(b)
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, write it with -update):\n%s", path, diff)
	}
}

// addresses are routes that answer 200 over the sample Snapshot.
func addresses() map[string]string {
	return map[string]string{
		"/":                                     "text/html; charset=utf-8",
		"/containers/busy":                      "text/html; charset=utf-8",
		"/events":                               "text/html; charset=utf-8",
		"/events?type=container":                "text/html; charset=utf-8",
		"/static/style.css":                     "text/css; charset=utf-8",
		"/static/app.js":                        "text/javascript; charset=utf-8",
		"/static/icon.svg":                      "image/svg+xml",
		"/metrics":                              "text/plain; version=0.0.4; charset=utf-8",
		"/metrics?collect[]=cpu":                "text/plain; version=0.0.4; charset=utf-8",
		"/api/v1/summary":                       "application/json; charset=utf-8",
		"/api/v1/containers":                    "application/json; charset=utf-8",
		"/api/v1/containers?state=running":      "application/json; charset=utf-8",
		"/api/v1/containers/" + sample.ID("b1"): "application/json; charset=utf-8",
		"/api/v1/containers/busy/cgroup":        "application/json; charset=utf-8",
		"/api/v1/capabilities":                  "application/json; charset=utf-8",
		"/api/v1/containers/busy/history":       "application/json; charset=utf-8",
		"/api/v1/history":                       "application/json; charset=utf-8",
		"/api/v1/events?limit=3":                "application/json; charset=utf-8",
		"/api/v1/last-words":                    "application/json; charset=utf-8",
		"/api/v1/openapi.yaml":                  "application/yaml; charset=utf-8",
		"/-/healthy":                            "text/plain; charset=utf-8",
		"/-/ready":                              "text/plain; charset=utf-8",
	}
}

func TestServer_routes(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for address, contentType := range addresses() {
		got := ask(h, "GET", address)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != contentType {
			t.Errorf("%s: got %s, %s", address, got.Status, got.Header.Get("Content-Type"))
		}
		caching := "no-store"
		if got.Header.Get("ETag") != "" {
			caching = "no-cache"
		}
		for key, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": caching,
		} {
			if v := got.Header.Get(key); v != want {
				t.Errorf("%s: %s is %q, not %q", address, key, v, want)
			}
		}
		if !strings.HasPrefix(got.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self';") {
			t.Errorf("%s: no Content-Security-Policy", address)
		}
		if len(bodyOf(t, got)) == 0 {
			t.Errorf("%s: empty", address)
		}
	}
}

func TestServer_readOnly(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{Pprof: true})
	before := source.calls.Load()
	all := addresses()
	all["/debug/pprof/"], all["/nonsense"] = "", ""
	for address := range all {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			got := ask(h, method, address)
			if got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: got %s, Allow %q", method, address, got.Status, got.Header.Get("Allow"))
			}
		}
	}
	if source.calls.Load() != before {
		t.Error("a refused request made a snapshot")
	}
}

func TestServer_head(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	for address, contentType := range addresses() {
		for _, encoding := range []string{"identity", "gzip"} {
			r, err := http.NewRequestWithContext(t.Context(), "HEAD", server.URL+address, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", encoding)
			got, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(got.Body)
			got.Body.Close()
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != contentType || len(b) != 0 {
				t.Errorf("HEAD %s: got %s, %q and %d bytes", address, got.Status, got.Header.Get("Content-Type"), len(b))
			}
		}
	}
}

func TestServer_unknownAddress(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for _, address := range []string{
		"/nonsense", "/metrics/", "/static/", "/static/index.html", "/static/../server.go", "/static/%2e%2e/server.go", "/debug/pprof/",
		"/debug/pprof/heap", "/containers/", "/favicon.ico",
	} {
		if got := ask(h, "GET", address); got.StatusCode != 404 {
			t.Errorf("%s: got %s", address, got.Status)
		}
	}
	got := ask(h, "GET", "/api/v2/summary")
	if p := problemOf(t, got); p.Status != 404 || !strings.Contains(p.Detail, "/api/v1/openapi.yaml") {
		t.Errorf("got %+v", p)
	}
	if got := ask(h, "GET", "/metrics?collect[]="+strings.Repeat("x", 10000)); got.StatusCode != 414 {
		t.Errorf("a long address: got %s", got.Status)
	}
}

func TestServer_pprof(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{Pprof: true})
	for _, address := range []string{"/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		if got := ask(h, "GET", address); got.StatusCode != 200 {
			t.Errorf("%s: got %s", address, got.Status)
		}
	}
}

func TestServer_noSnapshot(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, source := newTest(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	source.set(nil, errors.New("read cgroups:\n no such tree"))
	for address := range addresses() {
		want := 503
		if strings.HasPrefix(address, "/static/") || strings.HasSuffix(address, "openapi.yaml") || strings.HasPrefix(address, "/api/v1/events") || address == "/-/healthy" {
			want = 200
		}
		got := ask(h, "GET", address)
		text := bodyOf(t, got)
		if got.StatusCode != want {
			t.Errorf("%s: got %s", address, got.Status)
		}
		if want == 503 && !strings.Contains(text, "no snapshot of the host: read cgroups: no such tree") {
			t.Errorf("%s: got %q", address, text)
		}
		if address == "/metrics" && strings.Count(text, "\n") != 1 {
			t.Errorf("%s: more than one line: %q", address, text)
		}
	}
	if !strings.Contains(log.String(), "no snapshot to answer with") {
		t.Error("it was not logged")
	}
}

func TestServer_zeroOptions(t *testing.T) {
	t.Parallel()
	h := New(Options{}).Handler()
	if got := ask(h, "GET", "/metrics"); got.StatusCode != 503 {
		t.Errorf("got %s", got.Status)
	}
	if got := ask(New(Options{Source: &fake{snap: &collector.Snapshot{}}}).Handler(), "GET", "/"); got.StatusCode != 200 {
		t.Errorf("got %s", got.Status)
	}
}

// panics is a Source with a bug.
type panics struct{ value any }

func (p panics) Snapshot(context.Context) (*collector.Snapshot, error) { panic(p.value) }

func (p panics) Raw(*collector.Container) (any, error) { panic(p.value) }

func (p panics) History(string, string) []collector.Point { panic(p.value) }

func (p panics) LastWords() []collector.LastWords { panic(p.value) }

func (p panics) Events(int) []collector.Event { panic(p.value) }

func (p panics) Follow(context.Context, uint64) (*collector.Follower, error) { panic(p.value) }

func (p panics) Logs(context.Context, *collector.Container, int) ([]engine.LogLine, error) {
	panic(p.value)
}

func (p panics) RefreshDisk() []engine.RefreshAnswer { panic(p.value) }

func TestServer_recovers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := New(Options{Source: panics{"secret of the house"}, Log: slog.New(slog.NewTextHandler(&log, nil))}).Handler()
	for _, address := range []string{"/metrics", "/", "/api/v1/summary", "/-/ready"} {
		got := ask(h, "GET", address)
		if strings.HasPrefix(address, "/api/") {
			if p := problemOf(t, got); p.Status != 500 || p.Detail != "internal error" {
				t.Errorf("%s: got %+v", address, p)
			}
			continue
		}
		if text := bodyOf(t, got); got.StatusCode != 500 || text != "internal error\n" {
			t.Errorf("%s: got %s: %q", address, got.Status, text)
		}
	}
	if text := log.String(); !strings.Contains(text, "secret of the house") || !strings.Contains(text, "server_test.go") {
		t.Errorf("panic and stack are not in the log: %s", text)
	}
	defer func() {
		if recover() == nil {
			t.Error("ErrAbortHandler did not go through")
		}
	}()
	ask(New(Options{Source: panics{http.ErrAbortHandler}}).Handler(), "GET", "/metrics")
}

func TestServer_goneClient(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, _ := newTest(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for address := range addresses() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", address, nil))
		if strings.HasPrefix(address, "/metrics") && w.Code != 503 {
			t.Errorf("%s: got %d", address, w.Code)
		}
	}
	if log.Len() != 0 {
		t.Errorf("clients that have gone are in the log: %s", &log)
	}
}

func TestServer_ready(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	check := func(want int, text string) {
		t.Helper()
		got := ask(h, "GET", "/-/ready")
		if b := bodyOf(t, got); got.StatusCode != want || !strings.Contains(b, text) {
			t.Errorf("got %s %q, want %d %q", got.Status, b, want, text)
		}
	}
	check(200, "ready")
	source.set(&collector.Snapshot{Engines: []collector.EngineStatus{{Synced: sample.Now()}, {}}}, nil)
	check(503, "have not been listed yet")
	source.set(&collector.Snapshot{Engines: []collector.EngineStatus{{Synced: sample.Now()}, {Problem: "connection refused"}}}, nil)
	check(200, "ready")
	source.set(nil, errors.New("no cgroup tree"))
	check(503, "no cgroup tree")
}

func TestNewHTTPServer(t *testing.T) {
	t.Parallel()
	s := NewHTTPServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
	if s.WriteTimeout <= requestTimeout {
		t.Errorf("an answer may take %v to make, and the connection ends after %v", requestTimeout, s.WriteTimeout)
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "deflate, gzip;q=1.0, *;q=0.5": true, "gzip;q=0": false,
		"gzip; q=0.0": false, "gzip;q=0.001": true, "*": true, "*;q=0": false, "gzip;q=0, *": false, "identity": false,
		"br, *;q=0.1": true, "gzip;q=nonsense": false, "gzip;q=2": false, "gzip;foo=bar;q=0": false, "zgzip": false, "gzip2": false,
		"gzip;q=NaN": false,
	} {
		h := http.Header{}
		if header != "" {
			h.Set("Accept-Encoding", header)
		}
		if got := acceptsGzip(h); got != want {
			t.Errorf("%q: got %v", header, got)
		}
	}
	if !acceptsGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) {
		t.Error("the second header line was not read")
	}
}
