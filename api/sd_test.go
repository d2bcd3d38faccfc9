package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

// scraped is a host whose containers ask to be scraped in every way, right and wrong.
func scraped() *collector.Snapshot {
	s := sample.Snapshot()
	s.Containers = nil
	n := 0
	add := func(name string, labels map[string]string, change func(*engine.Container)) {
		n++
		c := sample.Blank("", name, "app:1")
		c.Facts = &engine.Container{
			ID: sample.ID(fmt.Sprintf("%02x", n)), Name: name, Image: "app:1", State: engine.StateRunning, Labels: map[string]string{labelScrape: "true"},
			NetworkMode: "bridge", Addresses: []engine.Address{{Network: "bridge", IP: netip.MustParseAddr("172.17.0." + fmt.Sprint(n))}},
			TCPPorts: []engine.Port{{Number: 8080}},
		}
		c.Facts.NetworkOwner = c.Facts.ID
		maps.Copy(c.Facts.Labels, labels)
		if change != nil {
			change(c.Facts)
		}
		c.ID = "/docker/" + c.Facts.ID
		s.Containers = append(s.Containers, c)
	}
	publish := func(addresses ...string) func(*engine.Container) {
		return func(f *engine.Container) {
			for _, a := range addresses {
				f.TCPPorts[0].Published = append(f.TCPPorts[0].Published, netip.MustParseAddrPort(a))
			}
		}
	}
	add("all", map[string]string{labelScrape: "True", labelPort: "9100", labelPath: "/a/metrics", labelScheme: "HTTPS"}, func(f *engine.Container) {
		f.TCPPorts = []engine.Port{{Number: 80}, {Number: 9100, Published: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:19100"), netip.MustParseAddrPort("[::]:19100")}}}
	})
	add("default", map[string]string{
		"com.docker.compose.project": "shop", "shop.db.password": "hunter2", "dsn": "pg://u:hunter2@db/x", "a.b": "1", "a-b": "2", "té": "\xff",
	}, publish("127.0.0.1:18080"))
	add("host", map[string]string{labelPort: "9101"}, func(f *engine.Container) {
		f.NetworkMode, f.NetworkOwner, f.Addresses, f.TCPPorts = "host", "", nil, nil
	})
	add("joined", map[string]string{labelPort: "9102"}, func(f *engine.Container) {
		f.NetworkOwner = sample.ID("01")
		f.NetworkMode, f.Addresses, f.TCPPorts = "container:"+f.NetworkOwner, nil, nil
	})
	add("many-networks", nil, func(f *engine.Container) {
		f.NetworkMode = "shop"
		f.Addresses = []engine.Address{{Network: "mon", IP: netip.MustParseAddr("10.9.0.2")}, {Network: "shop", IP: netip.MustParseAddr("fd00::5")}}
		publish("192.0.2.7:80")(f)
	})
	wrong := func(name, key, value string) { add("wrong-"+name, map[string]string{key: value}, publish("[::]:1234")) }
	wrong("scrape", labelScrape, "yes")
	wrong("port", labelPort, "99999")
	wrong("port-none", labelPort, "0")
	wrong("port-word", labelPort, "http")
	wrong("port-host", labelPort, "evil.example:80")
	wrong("path", labelPath, "metrics")
	wrong("path-host", labelPath, "@evil.example/")
	wrong("path-query", labelPath, "/metrics?a=b")
	wrong("path-line", labelPath, "/metrics\n")
	wrong("scheme", labelScheme, "ftp")
	add("no-port", nil, func(f *engine.Container) { f.TCPPorts = nil })
	add("two-ports", nil, func(f *engine.Container) { f.TCPPorts = []engine.Port{{Number: 80}, {Number: 443}} })
	add("no-network", nil, func(f *engine.Container) { f.NetworkMode, f.Addresses = "none", nil })
	add("orphan", nil, func(f *engine.Container) { f.NetworkOwner = sample.ID("ff") })
	add("untold", map[string]string{labelPort: "80"}, func(f *engine.Container) { f.Listed, f.Addresses = true, nil })
	for state, name := range map[engine.State]string{engine.StateExited: "exited", engine.StatePaused: "paused", engine.StateRestarting: "restarting"} {
		add("not-"+name, nil, func(f *engine.Container) { f.State = state })
	}
	add("not-asking", nil, func(f *engine.Container) { delete(f.Labels, labelScrape) })
	add("not-false", map[string]string{labelScrape: "FALSE", labelPort: "x"}, nil)
	return s
}

// found lists targets as "name address", and problems as "name: problem", of an answer.
func found(t *testing.T, h interface{ get(string) string }, query string) (targets map[string]string, problems map[string]string) {
	t.Helper()
	var groups []schema.TargetGroup
	var without schema.DiscoveryProblems
	if err := json.Unmarshal([]byte(h.get("/api/v1/sd"+query)), &groups); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(h.get("/api/v1/sd/problems"+query)), &without); err != nil {
		t.Fatal(err)
	}
	targets, problems = map[string]string{}, map[string]string{}
	for _, g := range groups {
		targets[strings.TrimPrefix(g.Labels["__meta_docker_container_name"], "/")] = strings.Join(g.Targets, " ")
	}
	for _, p := range without.Containers {
		problems[string(p.Name)] = p.Problem
	}
	return targets, problems
}

// getter asks with GET.
type getter func(string) string

func (g getter) get(address string) string { return g(address) }

func newDiscovery(t *testing.T, o Options) (getter, *fake) {
	t.Helper()
	o.Discovery = true
	h, source := newTest(t, o)
	source.set(scraped(), nil)
	return func(address string) string { return bodyOf(t, ask(h, "GET", "http://quay-7:10180"+address)) }, source
}

// TestDiscovery_golden: the answer is what Prometheus wants, and names no secret.
func TestDiscovery_golden(t *testing.T) {
	t.Parallel()
	h, source := newDiscovery(t, Options{})
	golden(t, "sd.json", h("/api/v1/sd"))
	golden(t, "sd-published.json", h("/api/v1/sd?address=published"))
	golden(t, "sd-problems.json", h("/api/v1/sd/problems"))
	if text := h("/api/v1/sd"); strings.Contains(text, "hunter2") || !json.Valid([]byte(text)) {
		t.Errorf("a secret, or no json:\n%s", text)
	}
	s, _ := newTest(t, Options{Source: source, Discovery: true})
	if tag := ask(s, "GET", "/api/v1/sd").Header.Get("ETag"); tag == "" || ask(s, "GET", "/api/v1/sd/problems", "If-None-Match: "+tag).StatusCode != 304 {
		t.Errorf("ETag %q is not honoured", tag)
	}
	source.set(sample.Snapshot(), nil)
	if text := h("/api/v1/sd"); text != "[]\n" {
		t.Errorf("nobody asks: got %s", text)
	}
}

// TestDiscovery_address: targets are where the client can reach them.
func TestDiscovery_address(t *testing.T) {
	t.Parallel()
	h, _ := newDiscovery(t, Options{})
	f := func(query string, want, problems map[string]string) {
		t.Helper()
		targets, without := found(t, h, query)
		for name := range maps.Keys(targets) {
			if want[name] == "" {
				t.Errorf("%s: %s is a target", query, name)
			}
		}
		for name, address := range want {
			if targets[name] != address {
				t.Errorf("%s: %s: got %q, want %q", query, name, targets[name], address)
			}
		}
		for name, problem := range problems {
			if without[name] != problem {
				t.Errorf("%s: %s: got %q, want %q", query, name, without[name], problem)
			}
		}
	}
	own := map[string]string{
		"all": "172.17.0.1:9100", "default": "172.17.0.2:8080", "host": "quay-7:9101", "joined": "172.17.0.1:9102", "many-networks": "[fd00::5]:8080",
	}
	f("", own, map[string]string{"no-network": "it is in no network", "untold": "the engine does not tell its address: see inspect in /api/v1/capabilities"})
	f("?address=container", own, nil)
	f("?network=mon&host=10.1.2.3", map[string]string{"many-networks": "10.9.0.2:8080", "host": "10.1.2.3:9101"},
		map[string]string{"default": `it is not in the network "mon"`})
	f("?address=published", map[string]string{"all": "quay-7:19100", "host": "quay-7:9101", "many-networks": "192.0.2.7:80"}, map[string]string{
		"default": "its port 8080 is published at 127.0.0.1 only, which nobody but its host can reach", "joined": "its port 9102 is not published",
	})
	f("?address=published&host=localhost", map[string]string{
		"all": "localhost:19100", "default": "127.0.0.1:18080", "host": "localhost:9101", "many-networks": "192.0.2.7:80",
	}, nil)
	f("?address=published&host=%5B::1%5D", map[string]string{
		"all": "[::1]:19100", "default": "127.0.0.1:18080", "host": "[::1]:9101", "many-networks": "192.0.2.7:80",
	}, nil)
}

// TestDiscovery_labels: each mistake is said, and costs only the container that made it.
func TestDiscovery_labels(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	h, _ := newDiscovery(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	_, got := found(t, h, "")
	for name, want := range map[string]string{
		"wrong-scrape":     `label prometheus.io/scrape is "yes": want true or false`,
		"wrong-port":       `label prometheus.io/port is "99999": want a port from 1 to 65535`,
		"wrong-port-none":  `label prometheus.io/port is "0": want a port from 1 to 65535`,
		"wrong-port-word":  `label prometheus.io/port is "http": want a port from 1 to 65535`,
		"wrong-port-host":  `label prometheus.io/port is "evil.example:80": want a port from 1 to 65535`,
		"wrong-path":       `label prometheus.io/path is "metrics": want a path such as /metrics, without a query`,
		"wrong-path-host":  `label prometheus.io/path is "@evil.example/": want a path such as /metrics, without a query`,
		"wrong-path-query": `label prometheus.io/path is "/metrics?a=b": want a path such as /metrics, without a query`,
		"wrong-path-line":  `label prometheus.io/path is "/metrics\\n": want a path such as /metrics, without a query`,
		"wrong-scheme":     `label prometheus.io/scheme is "ftp": want http or https`,
		"no-port":          "it exposes no port: want its port in the label prometheus.io/port",
		"two-ports":        "it has 2 ports: want its port in the label prometheus.io/port",
		"orphan":           "the container whose network it uses is not known",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	for name := range got {
		if strings.HasPrefix(name, "not-") {
			t.Errorf("%s does not ask, and is named", name)
		}
	}
	found(t, h, "?address=published") // what was said is not said again
	if n := strings.Count(log.String(), "labels are wrong"); n != 10 || strings.Count(log.String(), "99999") != 1 {
		t.Errorf("%d lines for 10 containers with wrong labels:\n%s", n, log.String())
	}
}

// TestDiscovery_refused: what is wrong with a request is said, and an engine that is away takes no targets away.
func TestDiscovery_refused(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{Discovery: true})
	f := func(query string, status int, detail string) {
		t.Helper()
		for _, address := range []string{"/api/v1/sd", "/api/v1/sd/problems"} {
			if p := problemOf(t, ask(h, "GET", address+query)); p.Status != status || !strings.Contains(p.Detail, detail) {
				t.Errorf("%s%s: got %+v, want %d %q", address, query, p, status, detail)
			}
		}
	}
	f("?address=ip", 400, "address=ip: want container, their own addresses, or published, the ports of this host")
	f("?address=", 400, "want container")
	f("?host=", 400, "want a host name or an IP address without a port")
	f("?host=a:80", 400, "without a port")
	f("?host=a/b", 400, "without a port")
	f("?host=-a", 400, "without a port")
	f("?host=fe80::1%25eth0", 400, "without a port")
	f("?host=a&host=b", 400, "once only")
	f("?network=", 400, "want the name of a network")
	f("?network=a&address=published", 400, "network is of no use with address=published")
	f("?engine=", 400, "want the name of an engine")
	f("?engine=x", 400, `there is no engine "x": /api/v1/summary lists them`)
	f("?port=80", 400, `there is no parameter "port": want one of address, host, network, engine`)
	away := sample.Away()
	source.set(away, nil)
	f("", 503, "it is not known which containers there are: dial unix /var/run/docker.sock: connect: connection refused")
	early := sample.Snapshot()
	early.Engines[0].Synced = time.Time{}
	source.set(early, nil)
	f("", 503, "the engine has not told yet")
	several := sample.Several()
	source.set(several, nil)
	f("", 503, "far away did not answer within 10s")
	if got := ask(h, "GET", "/api/v1/sd?engine=local"); got.StatusCode != 200 {
		t.Errorf("the engine that is there: got %s", got.Status)
	}
	h, _ = newTest(t, Options{})
	f("", 404, "containers are not offered to Prometheus: start tallyman with --web.sd")
}

// TestDiscovery_host: a request that does not name the host costs only what is to be reached there.
func TestDiscovery_host(t *testing.T) {
	t.Parallel()
	source := &fake{}
	s := New(Options{Source: source, Discovery: true})
	got := s.findTargets(scraped(), &reach{})
	for _, g := range got.targets {
		if g.Labels["__meta_docker_container_name"] == "/host" {
			t.Errorf("got %v", g)
		}
	}
	if len(got.targets) != 4 || got.without[0].Problem != "it is to be reached at its host, and the request does not name that: want ?host=" {
		t.Errorf("got %d targets, %v", len(got.targets), got.without[0])
	}
	for given, want := range map[string]string{
		"a": "a", "a.b-c_d.example": "a.b-c_d.example", "10.0.0.1": "10.0.0.1", "[::1]": "::1", "fd00::1": "fd00::1",
		"": "", "a b": "", "a/b": "", "a:80": "", "a@b": "", ".a": "", "a-": "", "é": "", "fe80::1%x": "", strings.Repeat("a", 300): "",
	} {
		if got := plainHost(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
