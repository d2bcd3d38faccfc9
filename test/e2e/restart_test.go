package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/test/env"
	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// ownEngine is an engine of the test's own, which it may stop.
type ownEngine struct {
	docker.Engine

	folder, script string
	options        []string
}

// newEngine starts an engine with a network of its own, so that it does not meddle with that of the one under test.
func newEngine(t *testing.T, options ...string) *ownEngine {
	t.Helper()
	// Not t.TempDir: its path is too long for a socket.
	folder, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	script, err := env.Write(folder, "engine")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(folder, "engine.d")
	e := &ownEngine{
		Engine: docker.Engine{Host: "unix://" + dir + "/docker.sock"}, folder: dir, script: script, options: options,
	}
	t.Cleanup(func() {
		e.run(t, "stop")
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	e.start(t)
	return e
}

func (e *ownEngine) start(t *testing.T) {
	t.Helper()
	e.run(t, "start", e.options...)
}

// run runs the script, which must succeed.
func (e *ownEngine) run(t *testing.T, verb string, options ...string) {
	t.Helper()
	if err := e.try(t, verb, options...); err != nil {
		t.Error(err)
	}
}

// try runs the script; what it starts must not keep its pipes open, so it writes to a file.
func (e *ownEngine) try(t *testing.T, verb string, options ...string) error {
	t.Helper()
	said, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command(e.script, append([]string{verb, e.folder}, options...)...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = append(os.Environ(), "ENGINE_BRIDGE=own", fmt.Sprintf("ENGINE_WAIT=%.0f", limit.Seconds()))
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("engine %s: %w: %s", verb, err, text)
	}
	return nil
}

// TestOwnEngine: an engine that a test starts leaves the network of the one under test alone, and takes none that this host may
// reach through its router: it would no more, and never again if the test is killed.
func TestOwnEngine(t *testing.T) {
	require.OwnEngine(t)
	e := populated(t)
	// Of an engine that was killed with its test before.
	const stale = "tm-stale"
	for _, words := range [][]string{{"add", stale, "type", "bridge"}, {"set", stale, "alias", "/nonexistent/engine.d"}} {
		if out, err := exec.Command("ip", append([]string{"link"}, words...)...).CombinedOutput(); err != nil {
			t.Fatalf("ip link %q: %v: %s", words, err, out)
		}
	}
	before := reached(t)
	newEngine(t)
	if exec.Command("ip", "link", "show", stale).Run() == nil {
		t.Error("the bridge of an engine whose folder is gone was left")
		_ = exec.Command("ip", "link", "delete", stale).Run()
	}
	e.Run(t, "run", "--rm", image, "true") // on the bridge, which is the default
	for added := range reached(t) {
		if !before[added] && !added.Addr().IsLinkLocalUnicast() {
			t.Errorf("the engine took the network %v, want a link-local one", added)
		}
		for known := range before {
			if added != known && added.Overlaps(known) {
				t.Errorf("the engine took the network %v, a part of %v, which was there before", added, known)
			}
		}
	}
}

// reached are the networks that this host reaches directly.
func reached(t *testing.T) map[netip.Prefix]bool {
	t.Helper()
	out, err := exec.Command("ip", "-4", "route", "show", "scope", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[netip.Prefix]bool{}
	for line := range strings.Lines(string(out)) {
		to, _, _ := strings.Cut(line, " ")
		if prefix, err := netip.ParsePrefix(to); err == nil {
			all[prefix] = true
		}
	}
	return all
}

// TestEngineRestart: while dockerd is stopped and started, with and without its containers living on, no scrape fails, and
// afterwards everything is as it was.
func TestEngineRestart(t *testing.T) {
	require.OwnEngine(t)
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("live-restore %v", live), func(t *testing.T) {
			e := newEngine(t, fmt.Sprintf("--live-restore=%v", live))
			if err := shared.script("populate", e.Host, "images"); err != nil {
				t.Fatal(err)
			}
			for _, name := range restarted() {
				e.Run(t, "run", "-d", "--name", name, "--network", "none", "--restart", "always", "--stop-timeout", "1", image, "sleep", "36000")
			}
			p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.enable-pprof"}})
			p.WaitFor(t, limit, all)
			before := calm(t, p)
			everySecond := watch(t, p)
			throughRestart(t, e, p, live)
			everySecond.finish(t)
			after, end := goroutines(t, p), time.Now().Add(limit)
			for after > before && time.Now().Before(end) {
				time.Sleep(100 * time.Millisecond)
				after = goroutines(t, p)
			}
			if after > before {
				t.Errorf("%d goroutines, before the restart there were %d", after, before)
			}
			t.Logf("goroutines but for idle connections: %d before, %d after", before, after)
		})
	}
}

func restarted() []string { return []string{"tm-r1", "tm-r2", "tm-r3"} }

// all says which container is not served as running, with its numbers.
func all(page scrape.Page) string {
	if !page.Is(1, "tallyman_engine_up") {
		return "tallyman_engine_up is not 1"
	}
	for _, name := range restarted() {
		if !page.Is(1, "container_state", "name", name, "state", "running") || len(page.All("container_cpu_usage_seconds_total", "name", name)) != 1 {
			return name + " is not served as running with its processor time"
		}
	}
	return ""
}

// goroutines counts those of tallyman, but for the two of each connection to the engine: idle ones are kept for a while, and
// how many there are depends on chance.
func goroutines(t *testing.T, p *program.Program) int {
	t.Helper()
	text, err := p.Text(t.Context(), "/debug/pprof/goroutine?debug=2")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for stack := range strings.SplitSeq(text, "\n\n") {
		if !strings.Contains(stack, "net/http.(*persistConn)") {
			n++
		}
	}
	return n
}

// calm is the number of goroutines when nothing happens: the least of a few.
func calm(t *testing.T, p *program.Program) int {
	t.Helper()
	least := goroutines(t, p)
	for range 20 {
		least = min(least, goroutines(t, p))
	}
	return least
}

// throughRestart stops and starts the engine. What tallyman said before the stop stays served meanwhile.
func throughRestart(t *testing.T, e *ownEngine, p *program.Program, live bool) {
	t.Helper()
	e.run(t, "halt")
	down := p.WaitFor(t, limit, func(page scrape.Page) string {
		if !page.Is(0, "tallyman_engine_up") {
			return "tallyman_engine_up is not 0"
		}
		return ""
	})
	for _, name := range restarted() {
		if !down.Is(1, "container_info", "name", name) {
			t.Errorf("%s is not known while the engine is away", name)
		}
		if n := len(down.All("container_cpu_usage_seconds_total", "name", name)); live && n != 1 {
			t.Errorf("%s lives on, but has %d series of processor time", name, n)
		}
	}
	e.start(t)
	began := time.Now()
	p.WaitFor(t, limit, all)
	if took := time.Since(began); took > patience(5*time.Second) {
		t.Errorf("it took %v until all was served again, want 5 s at most", took)
	} else {
		t.Logf("all is served again %v after the engine's return", took.Round(time.Millisecond))
	}
}

// watcher scrapes each second: none may fail, and no counter may go back.
type watcher struct {
	stop     context.CancelFunc
	group    sync.WaitGroup
	scrapes  int
	failures []error
	counters scrape.Counters
}

func watch(t *testing.T, p *program.Program) *watcher {
	t.Helper()
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{stop: cancel, counters: scrape.Counters{Birth: k.Birth}}
	w.group.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			// A scrape under way is not cut short by the end of the watch.
			page, err := p.Scrape(context.WithoutCancel(ctx))
			if err != nil {
				w.failures = append(w.failures, err)
			}
			w.counters.Take(page)
			w.scrapes++
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); w.group.Wait() })
	return w
}

// finish ends the watch and judges it.
func (w *watcher) finish(t *testing.T) {
	t.Helper()
	w.stop()
	w.group.Wait()
	if len(w.failures) > 0 {
		t.Errorf("%d of %d scrapes failed: %v", len(w.failures), w.scrapes, w.failures[0])
	}
	for _, what := range w.counters.Wrong() {
		t.Error(what)
	}
	t.Logf("%d scrapes, %d failed; %d values of counters compared with earlier ones, %d went back", w.scrapes, len(w.failures),
		w.counters.Compared(), len(w.counters.Wrong()))
}
