package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"
)

// wire is the far end of a connection to an engine: it answers every request, and remembers it, or whatever else it was sent.
type wire struct {
	address string

	mu   sync.Mutex // guards the field below
	seen []string
}

func newWire(t *testing.T) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return w
}

func (w *wire) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		r, err := http.ReadRequest(in)
		if err != nil {
			w.note(err.Error())
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Header.Del("User-Agent")
		w.note(fmt.Sprintf("%s %s %v%s", r.Method, r.RequestURI, r.Header, body))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n")
	}
}

func (w *wire) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, what)
}

// take returns what came since it was called last: "METHOD target map[further headers]body".
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// TestReadOnly_everyMethod calls every method that the client of the Docker library has: those that only read what tallyman may
// ask for send that, and no other sends a byte.
func TestReadOnly_everyMethod(t *testing.T) {
	w := newWire(t)
	c := newClient(t, Options{Host: "tcp://" + w.address, APIVersion: "1.51"})
	lib, err := c.newLibrary()
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]string{
		"ContainerInspect":        "GET /v1.51/containers/1/json",
		"ContainerInspectWithRaw": "GET /v1.51/containers/1/json",
		"ContainerList":           "GET /v1.51/containers/json?before=1&since=1",
		"ContainerStats":          "GET /v1.51/containers/1/stats?stream=0",
		"ContainerStatsOneShot":   "GET /v1.51/containers/1/stats?one-shot=1&stream=0",
		"DiskUsage":               "GET /v1.51/system/df",
		"Events":                  "GET /v1.51/events?since=1&until=1",
		"ImageList":               "GET /v1.51/images/json",
		"Info":                    "GET /v1.51/info",
		"Ping":                    "HEAD /_ping",
		"ServerVersion":           "GET /v1.51/version",
	}
	// These send nothing by themselves.
	local := []string{
		"ClientVersion", "Close", "DaemonHost", "Dialer", "HTTPClient", "NegotiateAPIVersion", "NegotiateAPIVersionPing", "NewVersionError",
	}
	// These dial by themselves, past any transport.
	dial := []string{"ContainerAttach", "ContainerExecAttach", "DialHijack"}
	refused := 0
	for m := range reflect.TypeOf(lib).Methods() {
		err := call(t, lib, m)
		seen := w.take()
		if want, ok := reads[m.Name]; ok {
			if diff := cmp.Diff(seen, []string{want + " map[]"}); diff != "" {
				t.Errorf("%s: (-sent +want)\n%s", m.Name, diff)
			}
			continue
		}
		if len(seen) > 0 {
			t.Errorf("%s: sent %q", m.Name, seen)
		}
		switch {
		case slices.Contains(local, m.Name):
		case slices.Contains(dial, m.Name):
			if err == nil {
				t.Errorf("%s: no error", m.Name)
			}
		case !errors.Is(err, ErrNotAllowed):
			t.Errorf("%s: got %v, want ErrNotAllowed", m.Name, err)
		default:
			refused++
		}
	}
	if refused < 90 {
		t.Errorf("only %d methods were refused", refused)
	}
	if _, err := lib.Dialer()(t.Context()); err == nil {
		t.Error("the library's dialer finds an engine")
	}
}

// call calls a method with arguments made up for it, and returns its error.
func call(t *testing.T, lib *client.Client, m reflect.Method) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	args := []reflect.Value{reflect.ValueOf(lib)}
	for n := 1; n < m.Type.NumIn() && !(m.Type.IsVariadic() && n == m.Type.NumIn()-1); n++ {
		args = append(args, argument(ctx, m.Type.In(n)))
	}
	for _, result := range m.Func.Call(args) {
		switch r := result.Interface().(type) {
		case error:
			return r
		case <-chan error:
			return <-r // ends with ctx at the latest
		}
	}
	return nil
}

// argument makes up a value. The text "1" is good for a name, an id, and a time.
func argument(ctx context.Context, of reflect.Type) reflect.Value {
	v := reflect.New(of).Elem()
	switch of {
	case reflect.TypeFor[context.Context]():
		v.Set(reflect.ValueOf(ctx))
		return v
	case reflect.TypeFor[io.Reader]():
		v.Set(reflect.ValueOf(strings.NewReader("1")))
		return v
	}
	inner := v
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(of.Elem()))
		inner = v.Elem()
	}
	if inner.Kind() != reflect.Struct {
		setText(inner)
		return v
	}
	for _, field := range inner.Fields() {
		setText(field)
	}
	return v
}

func setText(v reflect.Value) {
	if v.Kind() == reflect.String && v.CanSet() {
		v.SetString("1")
	}
}

// allowedPaths are what tallyman may ask for.
func allowedPaths() []string {
	id := strings.Repeat("ab", 32)
	return []string{
		"/_ping", "/version", "/info", "/events", "/containers/json", "/containers/" + id + "/json", "/containers/" + id + "/stats",
		"/system/df", "/images/json",
	}
}

func TestReadOnly_requests(t *testing.T) {
	w := newWire(t)
	c := newClient(t, Options{Host: "tcp://" + w.address})
	id := strings.Repeat("ab", 32)
	f := func(method, target string, allowed bool) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.address+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: c.guard}).Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		var want []string
		if allowed {
			want = []string{method + " " + target + " map[]"}
		}
		if seen := w.take(); allowed != (err == nil) || !cmp.Equal(seen, want) || !allowed && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s %s: allowed %v, got error %v, sent %q", method, target, allowed, err, seen)
		}
	}
	for _, path := range allowedPaths() {
		f("GET", path, true)
		f("HEAD", path, true)
		f("GET", "/v1.41"+path+"?x=1", true)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "get", "Get", "PROPFIND"} {
			f(method, path, false)
		}
	}
	for _, path := range []string{
		"/", "/containers", "/containers/", "/containers/" + id, "/containers/" + id + "/", "/containers/" + id + "/logs",
		"/containers/" + id + "/attach/ws", "/containers/" + id + "/export", "/containers/" + id + "/archive?path=/etc/shadow",
		"/containers/" + id + "/top", "/containers//json", "/containers/a/b/json", "/containers/../info/json", "/containers/x/../../info",
		"/containers/a%2fb/json", "/containers/%2e%2e/json", "/containers/a%20b/json", "/containers/" + strings.Repeat("x", 300) + "/json",
		"/containers/" + id + "/kill%3f/json", "/containers/" + id + "/start;/json", "/containers/x%00/json", "/containers/x%0a/json",
		"/v1.41/v1.41/info", "/v2.0/info", "/v1/info", "/V1.41/info", "/v1.41/../info", "/v1.41//info", "/v1.41/%2e%2e/info", "/v1.41",
		"//info", "/info/", "/info//", "/./info", "/INFO", "/Containers/json", "/info;x", "/info%3fx", "/info%20", "/%69nfo", "/%5fping",
		"/images/x/get", "/images/search?term=x", "/secrets", "/configs", "/swarm/unlockkey", "/exec/" + id + "/json", "/plugins",
		"/distribution/x/json", "/session", "/grpc", "/build", "/volumes", "/containers/json/", "/containers/json/json/json",
		"?/info", "/x?/info", "/containers/create?/info",
	} {
		f("GET", path, false)
	}
}

// TestReadOnly_logs: with logs switched on, just they may be asked for besides, and by nothing but a plain path.
func TestReadOnly_logs(t *testing.T) {
	w := newWire(t)
	c := newClient(t, Options{Host: "tcp://" + w.address, Logs: true})
	id := strings.Repeat("ab", 32)
	for path, allowed := range map[string]bool{
		"/containers/" + id + "/logs": true, "/v1.41/containers/" + id + "/logs?tail=1": true, "/containers/" + id + "/logs/": false,
		"/containers/" + id + "/attach": false, "/containers/a/b/logs": false, "/containers/%2e%2e/logs": false, "/containers//logs": false,
		"/services/" + id + "/logs": false, "/logs": false,
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&http.Client{Transport: c.guard}).Do(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			want := allowed && (method == "GET" || method == "HEAD")
			if seen := w.take(); want != (err == nil) || want != (len(seen) == 1) || !want && !errors.Is(err, ErrNotAllowed) {
				t.Errorf("%s %s: allowed %v, got error %v, sent %q", method, path, want, err, seen)
			}
		}
	}
}

// TestReadOnly_nothingElse: what a request carries beside method, path and query does not reach the engine.
func TestReadOnly_nothingElse(t *testing.T) {
	w := newWire(t)
	c := newClient(t, Options{Host: "tcp://" + w.address})
	smuggled := " HTTP/1.1\r\nHost: x\r\n\r\nPOST /containers/x/kill"
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   string // what is sent; "" = it is refused
	}{
		"nothing": {func(*http.Request) {}, "GET /info map[]"},
		"other methods": {func(r *http.Request) {
			for _, name := range []string{"X-HTTP-Method-Override", "X-Http-Method", "X-Method-Override", "_method"} {
				r.Header.Set(name, "POST")
			}
		}, "GET /info map[]"},
		"other headers": {func(r *http.Request) {
			r.Header = http.Header{
				"Host": {"x"}, "Connection": {"close", "Upgrade"}, "Transfer-Encoding": {"chunked"}, "Content-Length": {"7"}, "Expect": {"100-continue"},
				"X-Registry-Auth": {"e30="}, "X-Original-Url": {"/containers/create"}, "X-Rewrite-Url": {"/containers/create"}, "User-Agent": {"t"},
			}
		}, "GET /info map[]"},
		"chunks":             {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, "GET /info map[]"},
		"a trailer":          {func(r *http.Request) { r.Trailer = http.Header{"X": {"y"}} }, "GET /info map[]"},
		"a length":           {func(r *http.Request) { r.ContentLength = 7 }, "GET /info map[]"},
		"another host":       {func(r *http.Request) { r.URL.Host, r.Host = "elsewhere:1", "elsewhere:2" }, "GET /info map[]"},
		"another scheme":     {func(r *http.Request) { r.URL.Scheme = "https" }, "GET /info map[]"},
		"a user":             {func(r *http.Request) { r.URL.User = url.UserPassword("a", "b") }, "GET /info map[]"},
		"a smuggled query":   {func(r *http.Request) { r.URL.RawQuery = "x=" + smuggled }, "GET /info?x=" + url.QueryEscape(smuggled) + " map[]"},
		"a smuggled path":    {func(r *http.Request) { r.URL.Path = "/info" + smuggled }, ""},
		"a smuggled method":  {func(r *http.Request) { r.Method = "GET /info" + smuggled }, ""},
		"a smuggled version": {func(r *http.Request) { r.URL.Path = "/v1.41" + smuggled + "/info" }, ""},
		"no method":          {func(r *http.Request) { r.Method = "" }, ""},
		"a raw path":         {func(r *http.Request) { r.URL.RawPath = "/containers/create" }, ""},
		"an opaque address":  {func(r *http.Request) { r.URL.Opaque = "//x/containers/create" }, ""},
		"a body":             {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("body")) }, ""},
		"an upgrade":         {func(r *http.Request) { r.Header.Set("Upgrade", "tcp") }, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.address+"/info", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "t")
		tt.change(r)
		var want []string
		if tt.want != "" {
			want = []string{tt.want}
		}
		resp, err := c.guard.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: got error %v", name, err)
		}
		if diff := cmp.Diff(w.take(), want); diff != "" {
			t.Errorf("%s: (-sent +want)\n%s", name, diff)
		}
	}
}

// TestReadOnly_documented: docs/remote.md lists what a proxy before the engine must let through.
func TestReadOnly_documented(t *testing.T) {
	text, err := os.ReadFile("../docs/remote.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append([]route{logsRoute}, routes...) {
		if !strings.Contains(string(text), "`"+r.pattern+"`") {
			t.Errorf("docs/remote.md does not list %s", r.pattern)
		}
	}
}
