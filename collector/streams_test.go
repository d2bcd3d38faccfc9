package collector_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/fakeengine"
	"tallyman/internal/fixture"
)

// TestStreams_agree: the engine's statistics of a container come out as the files of its cgroup do. The containers were paused
// when both were recorded.
func TestStreams_agree(t *testing.T) {
	t.Parallel()
	// What the engine does not tell.
	both := []string{
		"CPU.BurstPeriods", "CPU.Burst", "CPU.Shares", "CPU.PeriodMicros", "Memory.Kernel", "Memory.Swap", "Memory.RefaultFile",
		"Memory.RefaultAnon", "Memory.OOMKills", "Pids.Processes", "IO[].DiscardBytes",
		"Pressure.CPU.Some", "Pressure.CPU.Full", "Pressure.Memory.Some", "Pressure.Memory.Full", "Pressure.IO.Some", "Pressure.IO.Full",
	}
	f := func(scenario string, absent ...string) {
		t.Helper()
		h := fixture.Open(t, "testdata/streams-"+scenario+".txtar")
		kernel, err := cgroups.NewReader(cgroups.Options{Root: cgroups.Root{ProcFS: h.Path("proc"), CgroupFS: h.Path("sys/fs/cgroup")}})
		if err != nil {
			t.Fatal(err)
		}
		e := follow(t, fakeengine.Options{Recording: os.DirFS(h.Path("engine")), StatsEvery: 10 * time.Millisecond})
		read := collector.New([]collector.Engine{e}, kernel, collector.Options{Source: collector.SourceCgroup})
		streamed := collector.New([]collector.Engine{e}, kernel, collector.Options{Source: collector.SourceEngine, MaxAge: -1})
		want := snapshot(t, read)
		got := snapshot(t, streamed)
		for deadline := time.Now().Add(15 * time.Second); got.Engines[0].Sources.Engine < len(h.Containers); got = snapshot(t, streamed) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %+v", scenario, got.Engines[0])
			}
			time.Sleep(2 * time.Millisecond)
		}
		values := 0
		for i := range want.Containers {
			w, g := &want.Containers[i], &got.Containers[i]
			if w.ID != g.ID || w.LimitCores != g.LimitCores && w.Source == collector.SourceCgroup || w.LastSeen > g.LastSeen {
				t.Errorf("%s %s: got %s, %v cores, seen at %v, want %s, %v, %v", scenario, w.Name, g.ID, g.LimitCores, g.LastSeen, w.ID, w.LimitCores, w.LastSeen)
			}
			if running := w.Source == collector.SourceCgroup; running != (g.Source == collector.SourceEngine) || running == math.IsNaN(g.SampleAge) || g.Problem != "" && running {
				t.Errorf("%s %s: from %s, %v s old, %q", scenario, w.Name, g.Source, g.SampleAge, g.Problem)
			}
			values += compare(t, scenario+" "+w.Name, &g.Stats, &w.Stats, slices.Concat(both, absent))
		}
		if values < 5*25 {
			t.Errorf("%s: only %d numbers were compared", scenario, values)
		}
	}
	f("v1-20.10.24")
	f("v2-26.1.5", "Memory.MaxUsage", "Memory.FailCount", "Memory.OwnPageFaults", "Memory.OwnMajorPageFaults",
		"Memory.Events.Low", "Memory.Events.High", "Memory.Events.Max", "Memory.Events.OOMKill", "Memory.Events.OOMGroupKill",
		"Memory.SwapEvents.High", "Memory.SwapEvents.Max", "Memory.SwapEvents.Fail", "IO[].Reads", "IO[].Writes")
}

// compare checks that two readings are equal but for what may be absent in the first, and counts the numbers in it.
func compare(t *testing.T, what string, got, want *cgroups.Stats, absent []string) (values int) {
	t.Helper()
	var walk func(g, w reflect.Value, path string)
	walk = func(g, w reflect.Value, path string) {
		switch g.Kind() {
		case reflect.Struct:
			for i := range g.NumField() {
				walk(g.Field(i), w.Field(i), strings.TrimPrefix(path+"."+g.Type().Field(i).Name, "."))
			}
		case reflect.Slice:
			if g.Len() != w.Len() {
				t.Errorf("%s: %s: got %v, want %v", what, path, g, w)
				return
			}
			for i := range g.Len() {
				walk(g.Index(i), w.Index(i), path+"[]")
			}
		case reflect.Float64:
			a, b := g.Float(), w.Float()
			if !math.IsNaN(a) {
				values++
			}
			if strings.HasPrefix(path, "Network[].Rx") && a <= b {
				return // packets came to the paused container between the two
			}
			if a != b && !(math.IsNaN(a) && (math.IsNaN(b) || slices.Contains(absent, path))) {
				t.Errorf("%s: %s: got %v, want %v", what, path, a, b)
			}
		}
	}
	walk(reflect.ValueOf(*got), reflect.ValueOf(*want), "")
	return values
}

// follow starts an Engine on a fake one and ends it with the test.
func follow(t *testing.T, o fakeengine.Options) *engine.Engine {
	t.Helper()
	fake := fakeengine.ForTest(t, o)
	e, err := engine.New(engine.Config{Client: engine.Options{Host: fake.Host()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	for deadline := time.Now().Add(15 * time.Second); !e.View().Up; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never up: %s", e.View().Problem)
		}
	}
	return e
}

// sample is what an engine might say of a container at a time.
func sample(at time.Time) *engine.Sample {
	return &engine.Sample{
		Time: at, CPU: engine.SampleCPU{Usage: 7, Online: 64}, Memory: engine.SampleMemory{Usage: 5, InactiveFile: 6, Limit: 1 << 40},
		Network: []engine.SampleInterface{{Name: "eth0", RxBytes: 1}, {Name: "tap0", RxBytes: 2}},
	}
}

// sampled lets the engine have statistics of all its containers.
func (h *host) sampled() {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	h.engine.samples = map[string]*engine.Sample{}
	for _, c := range h.Containers {
		h.engine.samples[c.ID] = sample(h.now)
	}
}

// wanted checks of which containers statistics are wanted.
func (h *host) wanted(t *testing.T, names ...string) {
	t.Helper()
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	var got []string
	for _, id := range h.engine.wanted {
		for _, c := range h.Containers {
			if c.ID == id {
				got = append(got, c.Name)
			}
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("statistics of %q are wanted, want %q", got, names)
	}
}

// names lists all containers in the order of the snapshot.
func (h *host) names() []string {
	var out []string
	for _, c := range h.Containers {
		out = append(out, c.Name)
	}
	return out
}

// hide takes the cgroups of containers away.
func (h *host) hide(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		n := h.Container(t, name)
		if err := os.RemoveAll(h.Path("sys/fs/cgroup/" + cmp.Or(n.Parent, "docker") + "/" + n.ID)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStreams_notNeeded: where all cgroups can be read the engine is never asked for statistics.
func TestStreams_notNeeded(t *testing.T) {
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	synctest.Test(t, func(t *testing.T) {
		c := h.collector(collector.Options{MaxAge: -1})
		end := running(t, c)
		time.Sleep(time.Minute)
		snapshot(t, c)
		h.say("web", func(c *engine.Container) { c.Name = "renamed" })
		time.Sleep(time.Minute)
		end()
	})
	if h.engine.asked != 0 {
		t.Errorf("statistics were asked for %d times", h.engine.asked)
	}
}

// running runs a collector until the function that it returns is called.
func running(t *testing.T, c *collector.Collector) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// TestStreams_one: a container without a cgroup among others that have one gets a stream when that lasts, and loses it when
// its cgroup is there.
func TestStreams_one(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.sampled()
	c := h.collector(collector.Options{MaxAge: -1})
	snapshot(t, c)
	kept := h.Path("sys/fs/cgroup/docker/" + h.Container(t, "web").ID)
	if err := os.Rename(kept, kept+"-away"); err != nil {
		t.Fatal(err)
	}
	h.say("web", func(c *engine.Container) { c.PID++ })
	f := func(after time.Duration, source collector.Source, wanted ...string) {
		t.Helper()
		h.now = h.now.Add(after)
		h.sampled()
		if web := container(t, snapshot(t, c), "web"); web.Source != source || (web.Problem == "") != (source != collector.SourceNone) {
			t.Errorf("got source %q, problem %q", web.Source, web.Problem)
		}
		h.wanted(t, wanted...)
	}
	f(0, collector.SourceNone)
	f(4*time.Second, collector.SourceNone)
	f(2*time.Second, collector.SourceNone, "web")
	f(time.Second, collector.SourceEngine, "web")
	if err := os.Rename(kept+"-away", kept); err != nil {
		t.Fatal(err)
	}
	f(time.Second, collector.SourceEngine, "web")
	f(time.Minute, collector.SourceCgroup)
	f(time.Second, collector.SourceCgroup)
}

// TestStreams_far: of an engine none of whose containers are here, statistics are asked for at once.
func TestStreams_far(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.hide(t, h.names()...)
	h.say("web", func(c *engine.Container) {
		c.Limits = engine.Limits{CPUSet: "0-3,7", CPUQuota: 75000, CPUPeriod: 50000}
	})
	h.say("db", func(c *engine.Container) { c.NetworkOwner = h.Container(t, "web").ID })
	h.sampled()
	c := h.collector(collector.Options{HideInterfaces: func(name string) bool { return name == "tap0" }})
	s := snapshot(t, c)
	h.wanted(t, h.names()...)
	if web := container(t, s, "web"); !strings.Contains(web.Problem, "none have come yet") || web.Source != collector.SourceNone || !math.IsNaN(web.SampleAge) {
		t.Errorf("got %+v", web)
	}
	h.now = h.now.Add(3 * time.Second)
	s = snapshot(t, c)
	web := container(t, s, "web")
	if web.Source != collector.SourceEngine || web.SampleAge != 3 || web.Problem != "" || web.Stats.CPU.Usage != 7 || web.LastSeen != float64(h.now.Unix()) {
		t.Errorf("got %+v", web)
	}
	if web.LimitCores != 1.5 || web.Stats.CPU.CpusetCores != 5 || web.Stats.Memory.WorkingSet != 0 || !math.IsNaN(web.Stats.Memory.Limit) {
		t.Errorf("got limits %v, %+v, %+v", web.LimitCores, web.Stats.CPU, web.Stats.Memory)
	}
	if n := web.Stats.Network; len(n) != 1 || n[0].Name != "eth0" {
		t.Errorf("got %+v", n)
	}
	for asked, want := range map[int64]float64{1<<40 + 100: 1 << 40, 1 << 50: 1 << 50, -1: math.NaN()} {
		h.say("web", func(c *engine.Container) { c.Limits.Memory = asked })
		if got := container(t, snapshot(t, c), "web").Stats.Memory.Limit; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("got limit %v where %d was asked for, want %v", got, asked, want)
		}
	}
	db := container(t, s, "db")
	if db.Stats.Network != nil || db.LimitCores != 64 {
		t.Errorf("got %+v of a container that uses another's network, %v cores", db.Stats.Network, db.LimitCores)
	}
	if got := s.Engines[0]; got.Sources.Engine != len(h.Containers) || !slices.Contains(got.Capabilities, cgroups.Capability{Name: "stats"}) {
		t.Errorf("got %+v", got)
	}
	h.engine.streams = engine.StreamsStatus{Reason: "forbidden", Problem: "403"}
	h.now = h.now.Add(time.Minute)
	if got := snapshot(t, c).Engines[0].Capabilities; !slices.Contains(got, cgroups.Capability{Name: "stats", Reason: "forbidden", Help: "403"}) {
		t.Errorf("got %+v", got)
	}
	h.say("web", func(c *engine.Container) { c.State = engine.StateExited })
	snapshot(t, c)
	h.wanted(t, slices.DeleteFunc(h.names(), func(name string) bool { return name == "web" })...)
}

// TestStreams_beforeAnybodyAsks: the streams of a far engine are opened before the first snapshot, also for containers that
// come later.
func TestStreams_beforeAnybodyAsks(t *testing.T) {
	for _, source := range []collector.Source{"", collector.SourceEngine} {
		h := newHost(t, "v2-cgroupfs", cgroups.Options{})
		h.hide(t, h.names()...)
		h.say("web", func(c *engine.Container) { c.State = engine.StateCreated })
		kernel := &counting{Kernel: h.kernel}
		synctest.Test(t, func(t *testing.T) {
			c := collector.New([]collector.Engine{h.engine}, kernel, collector.Options{Source: source})
			end := running(t, c)
			defer end()
			time.Sleep(1100 * time.Millisecond)
			synctest.Wait()
			h.wanted(t, slices.DeleteFunc(h.names(), func(name string) bool { return name == "web" })...)
			h.say("web", func(c *engine.Container) { c.State = engine.StateRunning })
			time.Sleep(time.Second)
			synctest.Wait()
			h.wanted(t, h.names()...)
			asked := h.engine.asked
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if h.engine.asked != asked {
				t.Errorf("asked %d times although nothing happened", h.engine.asked-asked)
			}
			for n := range 100 {
				h.say("db", func(c *engine.Container) { c.FailingStreak = n })
				time.Sleep(time.Second)
			}
			synctest.Wait()
			h.wanted(t, h.names()...)
		})
		if want := map[collector.Source]int{"": len(h.Containers)}[source]; kernel.opened != want {
			t.Errorf("source %q: %d cgroups were looked for, want %d", source, kernel.opened, want)
		}
	}
}

// counting is a kernel that counts how many cgroups are looked for.
type counting struct {
	collector.Kernel
	opened int
}

func (k *counting) Open(t cgroups.Target) (*cgroups.Handle, error) {
	k.opened++
	return k.Kernel.Open(t)
}

// TestStreams_forced: one source is used and the other is not touched.
func TestStreams_forced(t *testing.T) {
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.sampled()
	c := h.collector(collector.Options{Source: collector.SourceEngine, MaxAge: -1, Parts: cgroups.PartMemory})
	snapshot(t, c)
	s := snapshot(t, c)
	h.wanted(t, h.names()...)
	if web := container(t, s, "web"); web.Source != collector.SourceEngine || web.Stats.Memory.Usage != 5 || !math.IsNaN(web.Stats.CPU.Usage) || web.Stats.Network != nil {
		t.Errorf("got %+v", web)
	}
	if s.Host.Source != collector.SourceCgroup || math.IsNaN(s.Host.Stats.CPU.Usage) {
		t.Errorf("the host was not read: %+v", s.Host)
	}
	h = newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.hide(t, h.names()...)
	synctest.Test(t, func(t *testing.T) {
		c := h.collector(collector.Options{Source: collector.SourceCgroup, MaxAge: -1})
		end := running(t, c)
		defer end()
		for range 3 {
			time.Sleep(time.Minute)
			synctest.Wait() // nobody reads the clock meanwhile
			h.now = h.now.Add(time.Minute)
			if web := container(t, snapshot(t, c), "web"); web.Source != collector.SourceNone || web.Problem == "" {
				t.Errorf("got %+v", web)
			}
		}
	})
	if h.engine.asked != 0 {
		t.Errorf("statistics were asked for %d times", h.engine.asked)
	}
}

// TestStreams_rate: rates are taken over the time between two samples, not between two snapshots.
func TestStreams_rate(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{Source: collector.SourceEngine, MaxAge: -1})
	snapshot(t, c)
	f := func(after time.Duration, sampleAt time.Time, usage, want float64) {
		t.Helper()
		h.now = h.now.Add(after)
		next := sample(sampleAt)
		next.CPU.Usage = usage
		h.engine.samples = map[string]*engine.Sample{h.Container(t, "web").ID: next}
		if got := container(t, snapshot(t, c), "web").Rates.CPU; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("after %s: got %v, want %v", after, got, want)
		}
	}
	first := h.now
	f(time.Second, first, 10, math.NaN())
	f(time.Second, first.Add(2*time.Second), 12, 1)
	f(time.Second, first.Add(2*time.Second), 12, 1) // the same sample
	f(time.Second, first.Add(4*time.Second), 16, 2)
}
