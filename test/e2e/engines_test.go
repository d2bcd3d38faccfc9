package e2e

import (
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/internal/pki"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// engineScrapes is how many scrapes of each tallyman are timed.
const engineScrapes = 150

// TestEngines: one tallyman follows an engine at its socket and one by TLS; the containers of both stand side by side, told apart
// by a label. A third engine, which takes connections and never answers, is said to be away and delays nothing.
func TestEngines(t *testing.T) {
	near := populated(t)
	ca := pki.New(t, pki.Options{Name: "engines"})
	far := newTLSEngine(t, ca, pki.Options{Hosts: []string{"127.0.0.1"}})
	flags := []string{
		"--engine.host=near=" + near.Host, "--engine.host=far=tcp://" + far.address,
		"--engine.tls-dir=far=" + clientFolder(t, ca, ca.Issue(t, pki.Options{})),
	}
	two := launch(t, program.Options{Path: binary(t), Args: flags})
	three := launch(t, program.Options{Path: binary(t), Args: append(flags, "--engine.host=silent=tcp://"+silentEngine(t))})

	containers := near.Containers(t, "tm-")
	for _, p := range []*program.Program{two, three} {
		p.WaitFor(t, limit, func(page scrape.Page) string {
			for _, name := range []string{"near", "far"} {
				if !page.Is(1, "tallyman_engine_up", "engine", name) {
					return name + " is not up"
				}
			}
			for _, name := range restarted() {
				if len(page.All("container_cpu_usage_seconds_total", "engine", "far", "name", name)) != 1 {
					return name + " of the engine by TLS has no processor time"
				}
			}
			for name := range containers {
				if !strings.Contains(name, "crash") && len(page.All("container_state", "engine", "near", "name", name)) != 7 {
					return name + " of the engine at the socket is not there"
				}
			}
			return ""
		})
	}
	three.WaitFor(t, limit, func(page scrape.Page) string {
		if !page.Is(0, "tallyman_engine_up", "engine", "silent") || !page.Is(0, "tallyman_capability", "engine", "silent", "name", "engine", "reason", "timeout") {
			return "it does not say that the third engine gives no answer"
		}
		return ""
	})
	sameBut(t, two, three, "silent")

	without, with := timed(t, two, three)
	t.Logf("%d scrapes each, in turns: without the silent engine p50 %v, p99 %v; with it p50 %v, p99 %v",
		engineScrapes, at(without, 50), at(without, 99), at(with, 50), at(with, 99))
	// A scrape that waited for the engine would take as long as a request to it may.
	const timeout = 10 * time.Second
	if slowest := slices.Max(with); slowest > timeout/2 {
		t.Errorf("a scrape took %v while an engine did not answer", slowest)
	}
}

// silentEngine takes connections and never answers.
func silentEngine(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var held []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, conn)
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
		for _, conn := range held {
			conn.Close()
		}
	})
	return l.Addr().String()
}

// sameBut checks that the containers' series are the same ones, but for those of one engine.
func sameBut(t *testing.T, a, b *program.Program, engine string) {
	t.Helper()
	series := func(page scrape.Page) map[string]bool {
		out := map[string]bool{}
		for family, samples := range page {
			for _, s := range samples {
				// Crash loops come and go.
				if strings.HasPrefix(family, "container_") && s.Labels["engine"] != engine && !strings.Contains(s.Labels["name"], "crash") {
					out[s.Labels["engine"]+" "+s.Labels["id"]+" "+scrape.Series(family, s.Labels)] = true
				}
			}
		}
		return out
	}
	var only []string
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		inA, inB := series(a.Metrics(t)), series(b.Metrics(t))
		only = nil
		for _, name := range slices.Concat(slices.Collect(maps.Keys(inA)), slices.Collect(maps.Keys(inB))) {
			if !inA[name] || !inB[name] {
				only = append(only, name)
			}
		}
		if len(only) == 0 {
			t.Logf("%d series of containers are the same", len(inA))
			return
		}
	}
	t.Errorf("these are not in both: %q", only)
}

// timed scrapes both in turns, so that whatever else the machine does is in both times, and sorts the times.
func timed(t *testing.T, a, b *program.Program) (ofA, ofB []time.Duration) {
	t.Helper()
	once := func(p *program.Program) time.Duration {
		began := time.Now()
		if _, err := p.Text(t.Context(), "/metrics"); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	for range engineScrapes {
		ofA, ofB = append(ofA, once(a)), append(ofB, once(b))
	}
	slices.Sort(ofA)
	slices.Sort(ofB)
	return ofA, ofB
}

// at is a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(10 * time.Microsecond)
}
