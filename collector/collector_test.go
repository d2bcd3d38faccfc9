package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/fixture"
	"tallyman/internal/self"
)

// views is an engine that says what a test puts into it, and remembers what it is asked for.
type views struct {
	name string
	atomic.Pointer[engine.View]

	disk *engine.Disk

	mu      sync.Mutex // guards the fields below
	asked   int        // calls of Want
	wanted  []string
	samples map[string]*engine.Sample
	streams engine.StreamsStatus
}

func (v *views) Name() string       { return v.name }
func (v *views) View() *engine.View { return v.Load() }

func (v *views) Want(ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	v.wanted = slices.Clone(ids)
}

func (v *views) Sample(id string) (*engine.Sample, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.samples[id]; s != nil && slices.Contains(v.wanted, id) {
		return s, nil
	}
	return nil, fmt.Errorf("%w: none have come yet", engine.ErrNoSample)
}

func (v *views) Streams() engine.StreamsStatus { return v.streams }
func (v *views) Disk() *engine.Disk            { return v.disk }

func (v *views) Logs(_ context.Context, id string, tail int) ([]engine.LogLine, error) {
	return []engine.LogLine{{Text: fmt.Sprint(v.name, id, tail)}}, nil
}

func (v *views) RefreshDisk() engine.RefreshAnswer { return engine.RefreshAnswer{Reason: v.name} }

// host is a recorded host, with an engine that knows its containers.
type host struct {
	*fixture.Host
	kernel *cgroups.Reader
	engine *views
	now    time.Time
	self   *self.Metrics
}

func newHost(t *testing.T, scenario string, o cgroups.Options) *host {
	t.Helper()
	h := &host{Host: fixture.Open(t, "../cgroups/testdata/"+scenario+".txtar"), engine: &views{disk: &engine.Disk{}}, self: self.New(self.Build{}, false)}
	h.now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o.Root = cgroups.Root{ProcFS: h.Path("proc"), CgroupFS: h.Path("sys/fs/cgroup")}
	kernel, err := cgroups.NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	h.kernel = kernel
	view := &engine.View{Up: true, Synced: h.now, LastContact: h.now, Info: engine.Info{CgroupDriver: h.Containers[0].Driver}}
	for _, c := range h.Containers {
		view.Containers = append(view.Containers, &engine.Container{
			ID: c.ID, Name: c.Name, Image: "busybox:latest", State: engine.StateRunning, PID: c.PID, CgroupParent: c.Parent,
			Started: h.now.Add(-time.Hour), NetworkOwner: c.ID,
		})
	}
	h.engine.Store(view)
	return h
}

// say changes what the engine says of one container, as package engine does: a new Container in a new View.
func (h *host) say(name string, change func(*engine.Container)) {
	view := *h.engine.Load()
	view.Containers = append([]*engine.Container(nil), view.Containers...)
	for i, c := range view.Containers {
		if c.Name == name {
			changed := *c
			change(&changed)
			view.Containers[i] = &changed
		}
	}
	h.engine.Store(&view)
}

func (h *host) collector(o collector.Options) *collector.Collector {
	o.Now = func() time.Time { return h.now }
	o.Self = h.self
	return collector.New([]collector.Engine{h.engine}, h.kernel, o)
}

// file is a file of a container's cgroup on a v2 host with the cgroupfs driver.
func (h *host) file(t *testing.T, name, file string) string {
	return "sys/fs/cgroup/docker/" + h.Container(t, name).ID + "/" + file
}

func snapshot(t *testing.T, c *collector.Collector) *collector.Snapshot {
	t.Helper()
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func container(t *testing.T, s *collector.Snapshot, name string) *collector.Container {
	t.Helper()
	for i := range s.Containers {
		if s.Containers[i].Name == name {
			return &s.Containers[i]
		}
	}
	t.Fatalf("no container %q in the snapshot", name)
	return nil
}

func TestSnapshot_joins(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"v1-hybrid-cgroupfs", "v2-cgroupfs", "v2-systemd"} {
		h := newHost(t, scenario, cgroups.Options{})
		s := snapshot(t, h.collector(collector.Options{}))
		if got, want := len(s.Containers), len(h.Containers); got != want || s.Engines[0].Sources.Cgroup != want {
			t.Fatalf("%s: got %d containers, %d from cgroups, want %d", scenario, got, s.Engines[0].Sources.Cgroup, want)
		}
		for i, c := range s.Containers {
			if c.Name != h.Containers[i].Name || !strings.Contains(c.ID, h.Containers[i].ID) {
				t.Errorf("%s: container %d is %s %s", scenario, i, c.Name, c.ID)
			}
			if math.IsNaN(c.Stats.CPU.Usage) || len(c.Stats.Network) == 0 || c.LastSeen != float64(h.now.Unix()) || c.Problem != "" {
				t.Errorf("%s: %s was not read: %+v", scenario, c.Name, c)
			}
		}
		if s.Host.ID != "/" || s.Host.Name != "" || math.IsNaN(s.Host.Stats.Memory.Usage) || s.Machine.Cores != 2 {
			t.Errorf("%s: host %+v, machine %+v", scenario, s.Host, s.Machine)
		}
		limits := container(t, s, h.Containers[3].Name)
		if limits.LimitCores != 1.5 {
			t.Errorf("%s: %s may use %v cores, want 1.5", scenario, limits.Name, limits.LimitCores)
		}
	}
}

func TestSnapshot_shared(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: time.Second})
	first := snapshot(t, c)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if s, err := c.Snapshot(t.Context()); s != first || err != nil {
				t.Errorf("got another snapshot, %v", err)
			}
		})
	}
	all.Wait()
	h.now = h.now.Add(time.Second)
	if snapshot(t, c) == first {
		t.Error("got the same snapshot after MaxAge")
	}
}

// TestSnapshot_news: what the engine says is in the next snapshot, and only the containers it spoke of are read again.
func TestSnapshot_news(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: time.Second})
	snapshot(t, c)
	usage := container(t, snapshot(t, c), "db").Stats.Memory.Usage
	for _, name := range []string{"web", "db"} {
		h.Write(t, h.file(t, name, "memory.max"), "1048576\n")
		h.Write(t, h.file(t, name, "memory.current"), "12345\n")
	}
	h.say("web", func(c *engine.Container) { c.Name = "renamed" })
	s := snapshot(t, c)
	if got := container(t, s, "renamed").Stats.Memory; got.Usage != 12345 || got.Limit != 1<<20 {
		t.Errorf("renamed: got %v of %v, want the new numbers: limits, too", got.Usage, got.Limit)
	}
	if got := container(t, s, "db").Stats.Memory.Usage; got != usage {
		t.Errorf("db: got %v, want that of the shared reading", got)
	}
	h.now = h.now.Add(time.Second)
	if got := container(t, snapshot(t, c), "db").Stats.Memory.Usage; got != 12345 {
		t.Errorf("db: got %v after MaxAge", got)
	}
}

func TestSnapshot_readForEverybody(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: -1})
	first := snapshot(t, c)
	if snapshot(t, c) == first {
		t.Error("a negative MaxAge shares snapshots")
	}
}

func TestSnapshot_stopped(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{})
	before := *container(t, snapshot(t, c), "web")
	open := h.kernel.Descriptors().Files
	h.say("web", func(c *engine.Container) { c.State, c.PID = engine.StateExited, 0 })
	after := container(t, snapshot(t, c), "web")
	if after.ID != before.ID || !math.IsNaN(after.Stats.CPU.Usage) || !math.IsNaN(after.LastSeen) || after.Source != collector.SourceNone {
		t.Errorf("got %+v, want the same id and no readings", after)
	}
	if h.kernel.Descriptors().Files >= open {
		t.Error("the files of the stopped container are still open")
	}
	view := *h.engine.Load()
	view.Containers = view.Containers[1:]
	h.engine.Store(&view)
	if s := snapshot(t, c); len(s.Containers) != len(h.Containers)-1 {
		t.Errorf("got %d containers after one was removed", len(s.Containers))
	}
}

// TestSnapshot_restarted: a restarted container has a new cgroup of the same name; files that are not kept show it here.
func TestSnapshot_restarted(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{MaxDescriptors: 1})
	c := h.collector(collector.Options{})
	snapshot(t, c)
	if err := os.Remove(h.Path(h.file(t, "web", "memory.peak"))); err != nil { // the new cgroup has no such file
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	web := container(t, snapshot(t, c), "web")
	if web.Source != collector.SourceCgroup || math.IsNaN(web.Stats.CPU.Usage) || !math.IsNaN(web.Stats.Memory.MaxUsage) {
		t.Errorf("got %+v, want the readings of the new cgroup", web)
	}
	if err := os.RemoveAll(h.Path("sys/fs/cgroup/docker/" + h.Container(t, "web").ID)); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	if web := container(t, snapshot(t, c), "web"); web.Source != collector.SourceNone || web.Problem == "" {
		t.Errorf("got %+v, want no readings and a reason", web)
	}
}

// TestSnapshot_oneBad: the trouble of one container costs the others nothing.
func TestSnapshot_oneBad(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.Write(t, h.file(t, "web", "memory.stat"), "anon nonsense\nfile 5\n")
	s := snapshot(t, h.collector(collector.Options{}))
	web := container(t, s, "web")
	if web.Stats.Memory.Cache != 5 || !math.IsNaN(web.Stats.Memory.RSS) || !strings.Contains(web.Problem, "memory.stat") {
		t.Errorf("web: got %+v, problem %q", web.Stats.Memory, web.Problem)
	}
	for _, c := range s.Containers {
		if c.Name != "web" && c.Problem != "" {
			t.Errorf("%s: %s", c.Name, c.Problem)
		}
	}
	want := `
# HELP tallyman_collect_errors_total Readings that failed, by part (kernel file or engine endpoint) and reason.
# TYPE tallyman_collect_errors_total counter
tallyman_collect_errors_total{part="memory.stat",reason="parse"} 1
`
	if err := testutil.GatherAndCompare(h.self.Gatherer(), strings.NewReader(want), "tallyman_collect_errors_total"); err != nil {
		t.Error(err)
	}
}

// TestSnapshot_crashLoop: a container whose cgroup ended a moment before the engine says so is no error; one that stays
// without a cgroup is.
func TestSnapshot_crashLoop(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	var log bytes.Buffer
	c := h.collector(collector.Options{MaxAge: -1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := os.RemoveAll(h.Path("sys/fs/cgroup/docker/" + h.Container(t, "web").ID)); err != nil {
		t.Fatal(err)
	}
	check := func(after time.Duration, want int) {
		t.Helper()
		h.now = h.now.Add(after)
		if web := container(t, snapshot(t, c), "web"); web.Problem == "" || web.Source != collector.SourceNone {
			t.Errorf("got source %q, problem %q", web.Source, web.Problem)
		}
		n, err := testutil.GatherAndCount(h.self.Gatherer(), "tallyman_collect_errors_total")
		if err != nil || n != want {
			t.Errorf("%d kinds of errors were counted, want %d: %v", n, want, err)
		}
	}
	check(0, 0)
	check(4*time.Second, 0)
	h.say("web", func(c *engine.Container) { c.PID = 4_000_000 }) // the next run
	check(4*time.Second, 0)
	check(6*time.Second, 1)
	if want := "name=web id=/docker/" + h.Container(t, "web").ID; strings.Count(log.String(), want) != 1 {
		t.Errorf("the log does not name the container once, as %s: %s", want, &log)
	}
}

func TestSnapshot_engineAway(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{StaleAfter: time.Minute})
	snapshot(t, c)
	view := *h.engine.Load()
	view.Up, view.Problem = false, "connection refused"
	h.engine.Store(&view)
	h.now = h.now.Add(30 * time.Second)
	s := snapshot(t, c)
	if web := container(t, s, "web"); !s.Engines[0].Fresh || s.Engines[0].Up || web.Facts == nil || math.IsNaN(web.Stats.CPU.Usage) {
		t.Errorf("after 30 s: got %+v", web)
	}
	h.now = h.now.Add(30 * time.Second)
	s = snapshot(t, c)
	web := container(t, s, "web")
	if s.Engines[0].Fresh || web.Facts != nil || web.Name != "web" || math.IsNaN(web.Stats.CPU.Usage) || math.IsNaN(web.LastSeen) {
		t.Errorf("after StaleAfter: got %+v, want its name and its kernel's numbers, but no facts", web)
	}
}

func TestSnapshot_rates(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{})
	h.Write(t, h.file(t, "web", "cpu.stat"), "usage_usec 1000000\nnr_periods 10\nnr_throttled 1\n")
	if got := container(t, snapshot(t, c), "web").Rates.CPU; !math.IsNaN(got) {
		t.Errorf("the first snapshot has rate %v", got)
	}
	h.Write(t, h.file(t, "web", "cpu.stat"), "usage_usec 6000000\nnr_periods 20\nnr_throttled 6\n")
	h.now = h.now.Add(10 * time.Second)
	rates := container(t, snapshot(t, c), "web").Rates
	if rates.CPU != 0.5 || rates.ThrottledRatio != 0.5 || rates.WriteBytes != 0 {
		t.Errorf("got %+v, want 0.5 cores, half of the periods throttled, nothing written", rates)
	}
	h.Write(t, h.file(t, "web", "cpu.stat"), "usage_usec 5\n")
	h.now = h.now.Add(10 * time.Second)
	if got := container(t, snapshot(t, c), "web").Rates.CPU; !math.IsNaN(got) {
		t.Errorf("got rate %v of a counter that went back", got)
	}
}

// stuck is a kernel that does not answer.
type stuck struct {
	collector.Kernel
	entered, release chan struct{}
}

func (s *stuck) Machine() cgroups.Machine {
	close(s.entered)
	<-s.release
	return s.Kernel.Machine()
}

func TestSnapshot_giveUp(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	k := &stuck{h.kernel, make(chan struct{}), make(chan struct{})}
	c := collector.New([]collector.Engine{h.engine}, k, collector.Options{})
	done := make(chan error)
	go func() {
		_, err := c.Snapshot(context.Background())
		done <- err
	}()
	<-k.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want to give up with the context", err)
	}
	close(k.release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRun_closes(t *testing.T) {
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	synctest.Test(t, func(t *testing.T) {
		c := h.collector(collector.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		all := func() int { snapshot(t, c); return h.kernel.Descriptors().Files }()
		h.say("web", func(c *engine.Container) { c.State = engine.StateExited })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := h.kernel.Descriptors().Files; n >= all {
			t.Errorf("%d of %d files are open after a container ended and nobody asked", n, all)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if n := h.kernel.Descriptors().Files; n != 0 {
			t.Errorf("%d files are open after the end", n)
		}
	})
}

// TestSnapshot_slices: watched cgroups come and go without noise, and carry neither name nor image.
func TestSnapshot_slices(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-systemd", cgroups.Options{Slices: []string{"/system.slice/*.service"}, MaxDescriptors: 1})
	h.Write(t, "sys/fs/cgroup/system.slice/ssh.service/memory.current", "8192\n")
	c := h.collector(collector.Options{MaxAge: -1})
	got := snapshot(t, c).Slices
	if len(got) != 1 || got[0].ID != "/system.slice/ssh.service" || got[0].Name != "" || got[0].Stats.Memory.Usage != 8192 ||
		got[0].Facts != nil || !math.IsNaN(got[0].LastSeen) {
		t.Errorf("got %+v", got)
	}
	if err := os.RemoveAll(h.Path("sys/fs/cgroup/system.slice/ssh.service")); err != nil {
		t.Fatal(err)
	}
	s := snapshot(t, c)
	if n := len(s.Slices); n != 0 {
		t.Errorf("got %d slices after it ended", n)
	}
}

func TestSnapshot_oomKills(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: -1})
	kills := func() float64 { return container(t, snapshot(t, c), "web").OOMKills }
	kernel := func(n int) {
		h.Write(t, h.file(t, "web", "memory.events"), fmt.Sprintf("oom_kill %d\n", n))
	}
	check := func(what string, want float64) {
		t.Helper()
		if got := kills(); got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	kernel(2)
	check("the kernel's count", 2)
	h.say("web", func(c *engine.Container) { c.OOMKills = 1 })
	check("the engine saw fewer", 2)
	h.say("web", func(c *engine.Container) { c.OOMKills, c.OOMKilled, c.State = 3, true, engine.StateExited })
	check("the last one only the engine saw", 3)
	kernel(0)
	h.say("web", func(c *engine.Container) {
		// The flag stays until the run ends, as dockerd 20.10 leaves it after a restart by policy.
		c.State, c.OOMKilled, c.OOMKillsBefore, c.Started = engine.StateRunning, true, 3, c.Started.Add(time.Minute)
	})
	check("a new run", 3)
	kernel(1)
	check("a kill in the new run", 4)
	h.say("web", func(c *engine.Container) {
		c.OOMKills, c.OOMKillsBefore = 4, 3
	})
	check("the same kill, now told by the engine", 4)
	kernel(0)
	h.say("web", func(c *engine.Container) {
		c.Started, c.OOMKills, c.OOMKillsBefore = c.Started.Add(time.Minute), 7, 6
	})
	check("one run unseen with two kills, one kill in this run", 7)
	kernel(1)
	check("that kill, told by the kernel as well", 7)
	h.say("web", func(c *engine.Container) { c.OOMKills, c.OOMKillsBefore = 0, 0 })
	check("the engine begins anew", 7)
	h.say("web", func(c *engine.Container) { c.Started = time.Time{} })
	if got := kills(); !math.IsNaN(got) {
		t.Errorf("never started: got %v", got)
	}
}
