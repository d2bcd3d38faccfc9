package e2e

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// socketProxy stands before an engine's socket and lets through what docs/remote.md lists, and nothing else.
type socketProxy struct {
	Host string

	mu sync.Mutex // guards the fields below
	// refused is one of the endpoints that is not let through, either.
	refused string
	// strange are requests that docs/remote.md does not list.
	strange []string
}

// endpoints are those of docs/remote.md, by what is missing without them: a name of tallyman_capability.
func endpoints() map[string]*regexp.Regexp {
	all := map[string]*regexp.Regexp{}
	for name, path := range map[string]string{
		"ping": "/_ping", "version": "/version", "info": "/info", "events": "/events", "list": "/containers/json",
		"inspect": "/containers/[0-9a-f]{64}/json", "images": "/images/json", "disk_usage": "/system/df",
		"stats": "/containers/[0-9a-f]{64}/stats",
	} {
		all[name] = regexp.MustCompile(`^(/v1\.[0-9]+)?` + path + `$`)
	}
	return all
}

func newSocketProxy(t *testing.T, e docker.Engine, refused string) *socketProxy {
	t.Helper()
	socket := socketOf(t, e)
	// Not t.TempDir: its path is too long for a socket.
	folder, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	p := &socketProxy{Host: "unix://" + filepath.Join(folder, "proxy.sock"), refused: refused}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	forward.FlushInterval = -1
	forward.ErrorLog = log.New(io.Discard, "", 0) // a client that goes is no news
	forward.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.allows(r) {
			http.Error(w, "<html><body><h1>403 Forbidden</h1>Request forbidden by administrative rules.</body></html>", http.StatusForbidden)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	server.Listener.Close()
	if server.Listener, err = net.Listen("unix", strings.TrimPrefix(p.Host, "unix://")); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return p
}

// allows says whether a request is let through.
func (p *socketProxy) allows(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, path := range endpoints() {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && path.MatchString(r.URL.Path) {
			return name != p.refused
		}
	}
	p.strange = append(p.strange, r.Method+" "+r.URL.Path)
	return false
}

// allow lets everything through that docs/remote.md lists.
func (p *socketProxy) allow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = ""
}

// finish checks that nothing was asked for that docs/remote.md does not list.
func (p *socketProxy) finish(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.strange) > 0 {
		t.Errorf("asked for what docs/remote.md does not list: %q", p.strange)
	}
}

// missing says what of the engine's capabilities is not as wanted: all can be had but one; "" = it is.
func missing(page scrape.Page, without string) string {
	for _, name := range []string{"engine", "inspect", "events", "info", "version", "disk_usage"} {
		if name == without {
			if !page.Is(0, "tallyman_capability", "name", name, "reason", "forbidden") {
				return name + " is not said to be forbidden"
			}
			continue
		}
		if !page.Is(1, "tallyman_capability", "name", name, "reason", "") {
			return fmt.Sprintf("%s cannot be had: %v", name, page.All("tallyman_capability", "name", name))
		}
	}
	return ""
}

// TestSocketProxy: a proxy that lets through what docs/remote.md lists is enough; each endpoint that it refuses costs just what docs/remote.md
// says.
func TestSocketProxy(t *testing.T) {
	e := populated(t)
	containers := e.Containers(t, "tm-")
	// calm is one that runs, and does nothing.
	const calm = "tm-limits"
	if c := containers[calm]; c == nil || !c.HasProcesses() {
		t.Fatalf("there is no running %s", calm)
	}
	for name, want := range map[string]string{
		"": "", "ping": "", "version": "version", "info": "info", "events": "events", "inspect": "inspect", "disk_usage": "disk_usage",
	} {
		t.Run("without "+name, func(t *testing.T) {
			proxy := newSocketProxy(t, e, name)
			p := launch(t, program.Options{Path: binary(t), Host: proxy.Host, Args: []string{"--engine.resync=2s"}})
			page := p.WaitFor(t, limit, func(page scrape.Page) string {
				if !page.Is(1, "tallyman_engine_up") {
					return "tallyman_engine_up is not 1"
				}
				for name := range containers {
					if len(page.All("container_state", "name", name)) != 7 || len(page.All("container_info", "name", name)) != 1 {
						return name + " is not served"
					}
				}
				if len(page.All("container_cpu_usage_seconds_total", "name", calm)) == 0 {
					return calm + " has no processor time"
				}
				return missing(page, want)
			})
			for family, known := range map[string]bool{
				"container_restarts_total": name != "inspect", "container_start_time_seconds": name != "inspect",
				"container_network_receive_bytes_total": name != "inspect",
				"container_memory_usage_bytes":          true, "container_creation_time_seconds": true,
				"container_fs_root_bytes": name != "disk_usage",
			} {
				if got := len(page.All(family, "name", calm)) > 0; got != known {
					t.Errorf("%s of %s: served %v, want %v", family, calm, got, known)
				}
			}
			n := strings.Count(p.Log(), "the engine refuses a request") + strings.Count(p.Log(), "disk usage unknown")
			if want != "" && n != 1 || want == "" && n != 0 {
				t.Errorf("logged %d times:\n%s", n, p.Log())
			}
			follows(t, e, p, "tm-proxied")
			if name == "events" || name == "inspect" {
				proxy.allow()
				p.WaitFor(t, limit, func(page scrape.Page) string {
					if len(page.All("container_restarts_total", "name", calm)) == 0 {
						return "restarts are not known"
					}
					return missing(page, "")
				})
				follows(t, e, p, "tm-proxied")
			}
			proxy.finish(t)
		})
	}
	t.Run("without list", func(t *testing.T) {
		proxy := newSocketProxy(t, e, "list")
		p := launch(t, program.Options{Path: binary(t), Host: proxy.Host})
		saysWhy(t, p, "forbidden", "answered 403 to GET /containers/json", "allow that in the proxy")
		proxy.allow()
		p.Ready(t)
		proxy.finish(t)
	})
}

// follows checks that a new container, its end and its removal are seen.
func follows(t *testing.T, e docker.Engine, p *program.Program, name string) {
	t.Helper()
	e.Remove(t, name)
	state := func(want string) func(scrape.Page) string {
		return func(page scrape.Page) string {
			if page.Is(1, "container_state", "name", name, "state", want) {
				return ""
			}
			return name + " is not " + want
		}
	}
	e.Run(t, "run", "-d", "--name", name, "--network", "none", image, "sleep", "36000")
	p.WaitFor(t, limit, state("running"))
	e.Run(t, "kill", name)
	p.WaitFor(t, limit, state("exited"))
	e.Run(t, "rm", "-f", name)
	p.WaitFor(t, limit, func(page scrape.Page) string {
		if gone(page, name) {
			return ""
		}
		return name + " is still there"
	})
}
