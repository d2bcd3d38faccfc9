package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fakeengine"
	"tallyman/internal/pki"
)

func TestNewClient_badOptions(t *testing.T) {
	noCerts, junk := t.TempDir(), t.TempDir()
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if err := os.WriteFile(filepath.Join(junk, name), []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(o Options, want ...string) {
		t.Helper()
		_, err := NewClient(o)
		if err == nil {
			t.Errorf("%+v: no error", o)
			return
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is more than one line", err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("got %q, want it to contain %q", err, w)
			}
		}
	}
	f(Options{Host: "/var/run/docker.sock"}, `"/var/run/docker.sock"`, "perhaps unix:///var/run/docker.sock")
	f(Options{Host: "localhost:2375"}, `"localhost:2375"`, "perhaps tcp://localhost:2375")
	f(Options{Host: "nonsense"}, `"nonsense"`, "want unix:///path")
	f(Options{Host: "ftp://x:1"}, `"ftp"`, "want unix:///path")
	f(Options{Host: "unix://docker.sock"}, "absolute", "unix:///docker.sock")
	f(Options{Host: "unix://"}, "absolute")
	f(Options{Host: "unix:///" + strings.Repeat("x", 200)}, "107")
	f(Options{Host: "tcp://10.0.0.5"}, `"tcp://10.0.0.5"`, "port is missing", "2376")
	f(Options{Host: "tcp://:2375"}, "host name is missing")
	f(Options{Host: "tcp://"}, "host name is missing")
	f(Options{Host: "tcp://h:99999"}, "1 to 65535")
	f(Options{Host: "tcp://h:port"}, `"tcp://h:port"`, "want tcp://host:port")
	f(Options{Host: "tcp://u:secret@h:1"}, "user and password")
	f(Options{Host: "tcp://h:1/v1.41"}, "nothing may follow the port")
	f(Options{Host: "ssh://me@h"}, "ssh", "unix:///tmp/docker.sock")
	f(Options{Host: "npipe:////./pipe/docker_engine"}, "Windows")
	f(Options{Host: "fd://"}, "dockerd itself")
	f(Options{APIVersion: "latest"}, `"latest"`, "1.41")
	f(Options{APIVersion: "1"}, `"1"`, "1.41")
	f(Options{APIVersion: "1.41/../containers"}, "1.41")
	f(Options{Timeout: -time.Second}, "-1s")
	f(Options{MaxResponseBytes: -1}, "-1")
	f(Options{Host: "tcp://h:2376", TLSVerify: true}, "ca.pem, cert.pem and key.pem", "~/.docker is not read")
	f(Options{Host: "tcp://h:2376", CertPath: noCerts}, noCerts, "ca.pem, cert.pem and key.pem", "no such file")
	f(Options{Host: "tcp://h:2376", CertPath: junk}, junk, "ca.pem holds no certificate")
	f(Options{Host: "http://h:2376", CertPath: junk}, "http is plain", "https://h:2376")
	if err := os.Truncate(filepath.Join(junk, "ca.pem"), maxPEM+1); err != nil {
		t.Fatal(err)
	}
	f(Options{Host: "tcp://h:2376", CertPath: junk}, junk, "ca.pem has 1048577 bytes")
	if err := os.Mkdir(filepath.Join(noCerts, "ca.pem"), 0o700); err != nil {
		t.Fatal(err)
	}
	f(Options{Host: "tcp://h:2376", CertPath: noCerts}, noCerts, "ca.pem is no file")

	certs := t.TempDir()
	authority := pki.New(t, pki.Options{Name: "ca"})
	authority.Write(t, certs, authority.Issue(t, pki.Options{}))
	if err := os.WriteFile(filepath.Join(certs, "key.pem"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(Options{Host: "tcp://h:2376", CertPath: certs}, certs, "matching pair")
	if err := os.Remove(filepath.Join(certs, "key.pem")); err != nil {
		t.Fatal(err)
	}
	f(Options{Host: "tcp://h:2376", CertPath: certs}, "key.pem")
}

func TestNewClient_goodOptions(t *testing.T) {
	f := func(o Options, network, address, scheme string) {
		t.Helper()
		c, err := NewClient(o)
		if err != nil {
			t.Errorf("%+v: %v", o, err)
			return
		}
		if c.host.network != network || c.host.address != address || c.host.scheme != scheme {
			t.Errorf("%+v: got %+v", o, c.host)
		}
	}
	f(Options{}, "unix", "/var/run/docker.sock", "http")
	f(Options{TLSVerify: true}, "unix", "/var/run/docker.sock", "http") // a unix socket needs no TLS, as for Docker
	f(Options{Host: "tcp://h:2375", APIVersion: "v1.41"}, "tcp", "h:2375", "http")
	f(Options{Host: "tcp://h:2375/"}, "tcp", "h:2375", "http")
	f(Options{Host: "http://h:2375"}, "tcp", "h:2375", "http")
	f(Options{Host: "https://h:2376"}, "tcp", "h:2376", "https")
	f(Options{Host: "tcp://[::1]:2375"}, "tcp", "[::1]:2375", "http")
}

func TestClient_noTracing(t *testing.T) {
	c := newClient(t, Options{})
	lib, err := c.newLibrary()
	if err != nil {
		t.Fatal(err)
	}
	if got := lib.HTTPClient().Transport; got != http.RoundTripper(c.guard) {
		t.Errorf("the library put a %T around the guard", got)
	}
}

func TestGuard_neverFollowsRedirects(t *testing.T) {
	w := newWire(t)
	s := httptest.NewServer(http.RedirectHandler("http://"+w.address+"/info", http.StatusFound))
	defer s.Close()
	c := newClient(t, Options{Host: "tcp://" + s.Listener.Addr().String()})
	err := c.connect(t.Context())
	var status *StatusError
	if !errors.As(err, &status) || status.Code != http.StatusFound {
		t.Errorf("got %v", err)
	}
	if seen := w.take(); len(seen) > 0 {
		t.Errorf("these went on: %q", seen)
	}
}

func TestClient_negotiation(t *testing.T) {
	f := func(name string, fo fakeengine.Options, o Options, want string) {
		t.Helper()
		e := fakeengine.ForTest(t, fo)
		o.Host = e.Host()
		c := newClient(t, o)
		if err := c.connect(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if got := c.APIVersion(); got != want {
			t.Errorf("%s: got API version %q, want %q", name, got, want)
		}
		items, err := c.list(t.Context())
		if err != nil || len(items) != 28 {
			t.Errorf("%s: list gave %d containers and error %v", name, len(items), err)
		}
	}
	f("20.10", fakeengine.Options{Version: "20.10.24"}, Options{}, "1.41")
	f("28", fakeengine.Options{Version: "28.5.2"}, Options{}, "1.51")
	f("29 is newer than the library", fakeengine.Options{Version: "29.7.2"}, Options{}, "1.51")
	f("pinned", fakeengine.Options{Version: "29.7.2"}, Options{APIVersion: "v1.44"}, "1.44")
	f("ping without version", fakeengine.Options{Version: "20.10.24", HideAPIVersion: true}, Options{}, "1.41")
	f("ping without version, 29", fakeengine.Options{Version: "29.7.2", HideAPIVersion: true}, Options{}, "1.51")
}

func TestClient_negotiationWithoutAnyHint(t *testing.T) {
	e := fakeengine.ForTest(t, fakeengine.Options{Version: "29.7.2", HideAPIVersion: true})
	e.SetFault("/version", fakeengine.Fault{Status: 403, Body: "<html>forbidden</html>"})
	c := newClient(t, Options{Host: e.Host()})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.APIVersion(); got != fallbackAPIVersion {
		t.Errorf("got %q, want %q", got, fallbackAPIVersion)
	}
	if _, err := c.list(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClient_pingWithoutHEAD(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.43")
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	defer s.Close()
	c := newClient(t, Options{Host: "tcp://" + s.Listener.Addr().String()})
	if err := c.connect(t.Context()); err != nil || c.APIVersion() != "1.43" {
		t.Errorf("got version %q, error %v", c.APIVersion(), err)
	}
}

func TestClient_pinnedVersionRefused(t *testing.T) {
	for _, version := range []string{"1.24", "1.99"} {
		e := fakeengine.ForTest(t, fakeengine.Options{Version: "29.7.2"})
		c := newClient(t, Options{Host: e.Host(), APIVersion: version})
		if err := c.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.list(t.Context())
		if !isWrongVersion(err) || !strings.Contains(c.problem(err), version) || !strings.Contains(c.problem(err), "leave it out") {
			t.Errorf("got %v, problem %q", err, c.problem(err))
		}
	}
}

func TestClient_badAnswers(t *testing.T) {
	e := fakeengine.ForTest(t, fakeengine.Options{})
	c := newClient(t, Options{Host: e.Host(), MaxResponseBytes: 1 << 20, Timeout: 300 * time.Millisecond})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := e.ID("eng-host")
	f := func(name string, fault fakeengine.Fault, word, text string) {
		t.Helper()
		e.SetFault("/containers/{id}/json", fault)
		e.SetFault("/containers/json", fault)
		_, inspectErr := c.inspect(t.Context(), id)
		_, listErr := c.list(t.Context())
		for _, err := range []error{inspectErr, listErr} {
			if err == nil || reason(err) != word || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v with reason %q, want %q and reason %q", name, err, reason(err), text, word)
			}
			if got := c.problem(err); got == "" || strings.Contains(got, "\n") || len(got) > maxMessage {
				t.Errorf("%s: problem %q", name, got)
			}
		}
		e.ClearFaults()
		if _, err := c.inspect(t.Context(), id); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	f("500", fakeengine.Fault{Status: 500, Body: `{"message":"out of\nluck"}`}, "status", "status 500: out of luck")
	f("503 without body", fakeengine.Fault{Status: 503}, "status", "status 503: Service Unavailable")
	f("403 of a proxy", fakeengine.Fault{Status: 403, Body: "<html><body><h1>403 Forbidden</h1>" + strings.Repeat("x", 5000)}, "forbidden", "status 403: Forbidden, in HTML")
	f("404 of a proxy", fakeengine.Fault{Status: 404, Body: `{"message":"page not found"}`}, "forbidden", "status 404: page not found")
	f("long text", fakeengine.Fault{Status: 400, Body: strings.Repeat("long ", 1000)}, "status", "long long")
	f("HTML", fakeengine.Fault{HTML: true}, "parse", "HTML instead of JSON")
	f("cut", fakeengine.Fault{Cut: true}, "io", "unexpected EOF")
	f("never", fakeengine.Fault{Hang: true}, "timeout", "deadline exceeded")
	f("slow", fakeengine.Fault{Delay: time.Minute}, "timeout", "deadline exceeded")

	e.SetFault("/containers/{id}/json", fakeengine.Fault{HalfJSON: true})
	if _, err := c.inspect(t.Context(), id); err == nil || reason(err) != "parse" {
		t.Errorf("half JSON: got %v", err)
	}
	e.SetFault("/containers/{id}/json", fakeengine.Fault{Status: 404, Body: `{"message":"No such container"}`})
	if _, err := c.inspect(t.Context(), id); !isNotFound(err) {
		t.Errorf("404: got %v", err)
	}
}

func TestClient_wrongContainer(t *testing.T) {
	e := fakeengine.ForTest(t, fakeengine.Options{})
	c := newClient(t, Options{Host: e.Host()})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The fake resolves names too: the answer to another id than asked for is not taken.
	e.SetFault("/containers/"+e.ID("eng-host")+"/json", fakeengine.Fault{Status: 200, Body: `{"Id":"` + e.ID("eng-none") + `"}`})
	if _, err := c.inspect(t.Context(), e.ID("eng-host")); !errors.Is(err, errMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestClient_endlessBodies(t *testing.T) {
	e := fakeengine.ForTest(t, fakeengine.Options{})
	c := newClient(t, Options{Host: e.Host(), MaxResponseBytes: 4 << 20})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"/containers/{id}/json", "/containers/json", "/events", "/info", "/version"} {
		e.SetFault(pattern, fakeengine.Fault{Endless: true})
	}
	if _, err := c.inspect(t.Context(), e.ID("eng-host")); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "/containers/{id}/json") {
		t.Errorf("inspect: %v", err)
	}
	if _, err := c.list(t.Context()); err == nil {
		t.Error("list: no error")
	}
	if _, err := c.describe(t.Context()); err != nil {
		t.Errorf("describe: %v", err) // the facts stay empty
	}
	stream, err := c.follow(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.close()
	if _, _, err := stream.next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("events: %v", err)
	}
}

func TestClient_exactLimitIsAllowed(t *testing.T) {
	for _, limit := range []int64{9, 10, 11} {
		b := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("0123456789")), endpoint: "/x", limit: limit, left: limit}
		data, err := io.ReadAll(b)
		if want := limit < 10; errors.Is(err, ErrTooLarge) != want || int64(len(data)) > limit {
			t.Errorf("limit %d: got %d bytes, error %v", limit, len(data), err)
		}
	}
}

func TestClient_eventsHeaderTimeout(t *testing.T) {
	e := fakeengine.ForTest(t, fakeengine.Options{})
	c := newClient(t, Options{Host: e.Host(), Timeout: 100 * time.Millisecond})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.SetFault("/events", fakeengine.Fault{Hang: true})
	if _, err := c.follow(t.Context(), time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	e.ClearFaults()
	stream, err := c.follow(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.close()
	time.AfterFunc(300*time.Millisecond, func() { e.Emit("container", "start", e.ID("eng-host"), nil) })
	if _, _, err := stream.next(); err != nil {
		t.Errorf("the timeout of the headers must not end the stream: %v", err)
	}
}

func TestClient_notConnected(t *testing.T) {
	c := newClient(t, Options{Host: "unix:///nonexistent/docker.sock"})
	if _, err := c.list(t.Context()); !errors.Is(err, errNotConnected) {
		t.Errorf("got %v", err)
	}
	err := c.connect(t.Context())
	if got := c.problem(err); !strings.Contains(got, "no socket /nonexistent/docker.sock") {
		t.Errorf("got problem %q of %v", got, err)
	}
}
