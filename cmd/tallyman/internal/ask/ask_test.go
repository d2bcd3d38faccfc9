package ask

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tallyman/api/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is a server that answers everything the same way.
func answering(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// client asks a server, with a short patience.
func client(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestNew_refuses: what cannot be right is refused at once, in one line that names the flag and does not show a password.
func TestNew_refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("{{{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o    Options
		want []string
	}{
		{Options{URL: "host:10180"}, []string{"--url", "host:10180", "http://host:10180"}},
		{Options{URL: "/var/run/docker.sock"}, []string{"--url", "http://host:10180"}},
		{Options{URL: "tcp://host:1"}, []string{"--url", "tcp://host:1"}},
		{Options{URL: "http://u:hidden@"}, []string{"--url", "xxxxx"}},
		{Options{URL: "http://u:hidden@host:port"}, []string{"--url", "xxxxx@host:port"}},
		{Options{URL: "http://host/?x=1"}, []string{"--url"}},
		{Options{URL: "https://host", CAFile: dir + "/none.pem"}, []string{"--url.ca-file", "none.pem", "PEM"}},
		{Options{URL: "https://host", CAFile: garbage}, []string{"--url.ca-file", "PEM"}},
		{Options{URL: "https://host", ConfigFile: garbage}, []string{"--url.config.file", "garbage", "promtool"}},
		{Options{URL: "https://host", ConfigFile: dir + "/none.yml"}, []string{"--url.config.file", "none.yml"}},
	} {
		_, err := New(tt.o)
		if err == nil {
			t.Errorf("%+v is taken", tt.o)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q does not say %q", tt.o, err, want)
			}
		}
		if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: got %q", tt.o, err)
		}
	}
}

// TestClient_troubles: each way in which a server cannot be asked is told apart, in one line without the password.
func TestClient_troubles(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + free.Addr().String()
	free.Close()
	silence := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silence }))
	t.Cleanup(func() { close(silence); hung.Close() })
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := answering(t, 200, "application/json", "{}")
	for name, tt := range map[string]struct {
		url     string
		timeout time.Duration
		want    string
	}{
		"refused":      {refused, 0, "nothing listens there"},
		"hung":         {hung.URL, 50 * time.Millisecond, "did not answer within 50ms"},
		"authority":    {secure.URL, 0, "--url.ca-file"},
		"wants TLS":    {strings.Replace(secure.URL, "https", "http", 1), 0, "want https://"},
		"no TLS":       {strings.Replace(plain, "http", "https", 1), 0, "want http://"},
		"password":     {answering(t, 401, "text/plain", "Unauthorized"), 0, "--url.config.file"},
		"forbidden":    {answering(t, 403, "text/html", "<h1>no"), 0, "403"},
		"other server": {answering(t, 404, "text/html", "<h1>nginx"), 0, "is no tallyman"},
		"a page":       {answering(t, 200, "text/html", "<h1>Grafana"), 0, "is no tallyman"},
		"other JSON":   {answering(t, 200, "application/json", `[1,2]`), 0, "is it a tallyman"},
		"broken JSON":  {answering(t, 200, "application/json", `{"time":`), 0, "is it a tallyman"},
		"bad gateway":  {answering(t, 502, "text/html", "<h1>"), 0, "502"},
		"no snapshot":  {answering(t, 503, "application/json", `{"error":"no snapshot of the host: gone"}`), 0, "503: no snapshot of the host: gone"},
		"a problem":    {answering(t, 503, "application/problem+json", `{"title":"Unavailable","detail":"come back"}`), 0, "503: come back"},
		"older":        {answering(t, 404, "application/json", `{"error":"there is no such address"}`), 0, "older version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := strings.Replace(tt.url, "://", "://user:hidden@", 1)
			c := client(t, Options{URL: u, Timeout: tt.timeout})
			_, err := c.Summary(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "hidden") || strings.Contains(text, "\n") || !strings.Contains(text, "://user:xxxxx@") {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// TestClient_lookup: a host that there is not is named; no test asks a name server.
func TestClient_lookup(t *testing.T) {
	t.Parallel()
	c := client(t, Options{URL: "http://rack7:10180"})
	err := fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "rack7", IsNotFound: true})
	if got := c.trouble(err); got != `cannot be found: there is no host "rack7"` {
		t.Errorf("got %q", got)
	}
}

// TestClient_reaches: through TLS with the authority in a file, a path prefix, and a password out of the address or of a file.
func TestClient_reaches(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "ops" || password != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"version": %q}`, r.RequestURI+" "+r.UserAgent())
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "http.yml")
	if err := os.WriteFile(file, []byte("basic_auth: {username: ops, password: s3cret}\ntls_config: {ca_file: "+ca+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{
		{URL: strings.Replace(s.URL, "://", "://ops:s3cret@", 1) + "/docker/", CAFile: ca, UserAgent: "test"},
		{URL: s.URL + "/docker", ConfigFile: file, UserAgent: "test"},
	} {
		got, err := client(t, o).Summary(t.Context())
		if err != nil || got.Version != "/docker/api/v1/summary test" {
			t.Errorf("%+v: got %q, %v", o, got.Version, err)
		}
	}
	c := client(t, Options{URL: strings.Replace(s.URL, "://", "://ops:s3cret@", 1), CAFile: ca})
	if got := c.Where(); strings.Contains(got, "s3cret") || !strings.Contains(got, "ops:xxxxx@") {
		t.Errorf("where: %q", got)
	}
}

// TestClient_lacking: what a tallyman of another version leaves out, or adds, does no harm: it is unknown, and never zero.
func TestClient_lacking(t *testing.T) {
	t.Parallel()
	c := client(t, Options{URL: answering(t, 200, "application/json", `{
		"time": "2026-11-21T20:00:00Z", "news": {"a": [1]},
		"containers": [{"name": "a", "cpu": {"cores": 0.5}, "memory": {"usage_bytes": null}, "pressure": {"io": 0.25}}, {"name": "b"}]
	}`)})
	got, err := c.Containers(t.Context())
	if err != nil || len(got.Containers) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	a, b := &got.Containers[0], &got.Containers[1]
	if a.CPU.Cores != 0.5 || a.Pressure.IO != 0.25 || a.Name != "a" {
		t.Errorf("got %+v", a)
	}
	for name, v := range map[string]schema.Number{
		"limit": a.CPU.LimitCores, "null": a.Memory.UsageBytes, "memory": a.Memory.LimitBytes, "pressure": a.Pressure.CPU, "restarts": a.Restarts,
		"exit": b.ExitCode, "cores": b.CPU.Cores, "io": b.IO.ReadBytes, "disk": b.Disk.LogBytes, "pids": b.Pids.Threads,
	} {
		if v.Known() {
			t.Errorf("%s is %v, and nobody said so", name, v)
		}
	}
	if b.OOMKilled != nil {
		t.Error("oom_killed is known")
	}
}

// TestClient_addresses: names and ids go into the path, and no further, whatever is in them.
func TestClient_addresses(t *testing.T) {
	t.Parallel()
	var asked []string
	c := Local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		if r.URL.EscapedPath()+"?"+r.URL.RawQuery != r.RequestURI && r.URL.EscapedPath() != r.RequestURI {
			t.Errorf("%q and %q differ", r.URL, r.RequestURI)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, `{"container": {"name": "x"}}`)
	}))
	for _, id := range []string{"abc", "../../etc/passwd", "a b?c#d", "ü"} {
		if _, err := c.Container(t.Context(), "rack 7", id); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.History(t.Context(), "", "abc"); err != nil {
		t.Error(err)
	}
	want := []string{
		"/api/v1/containers/abc?engine=rack+7", "/api/v1/containers/..%2F..%2Fetc%2Fpasswd?engine=rack+7",
		"/api/v1/containers/a%20b%3Fc%23d?engine=rack+7", "/api/v1/containers/%C3%BC?engine=rack+7", "/api/v1/containers/abc/history",
	}
	if strings.Join(asked, " ") != strings.Join(want, " ") {
		t.Errorf("asked for\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
}

// TestLocal: a handler in this process is asked like a server, and its refusals are its own words.
func TestLocal(t *testing.T) {
	t.Parallel()
	c := Local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/history") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error": "no such address"}`)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error": "no snapshot"}`)
	}))
	if _, err := c.Summary(t.Context()); err == nil || err.Error() != "answers 503: no snapshot" {
		t.Errorf("got %v", err)
	}
	if _, err := c.History(t.Context(), "", "x"); !errors.Is(err, ErrNotServed) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Capabilities(t.Context()); err == nil || errors.Is(err, ErrNotServed) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Summary(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestClient_bounded: an answer without end is given up.
func TestClient_bounded(t *testing.T) {
	t.Parallel()
	c := Local(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		block := []byte(strings.Repeat(" ", 1<<20))
		for range maxBody>>20 + 1 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	if _, err := c.Summary(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 128 MB") {
		t.Errorf("got %v", err)
	}
}
