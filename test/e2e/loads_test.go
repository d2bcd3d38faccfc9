package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// load is work that a container does, and the number in which it must show.
type load struct {
	name    string
	options []string // of docker run
	cmd     string   // of a shell
	family  string
	pairs   []string
	least   float64 // the number reaches this before it is compared
	// raw is where containerd's dump has the number, by the version of cgroups; "" = it has none.
	raw1, raw2 string
	// unit is how many of the dump's units are one of ours, by the version of cgroups.
	unit1, unit2 float64
	// only is the version of cgroups that has the number; 0 = both.
	only int
}

// loads are the kinds of work that operators ask an exporter about.
func loads() []load {
	const spin = "while :; do :; done"
	spinning := []string{"--cpus", "0.2"}
	memory := []string{"--memory", "64m", "--memory-swap", "64m"}
	failed := []string{"failure_type", "pgfault", "scope", "hierarchy"}
	return []load{
		{"processor", nil, spin, "container_cpu_usage_seconds_total", []string{"cpu", "total"}, 0.5, "cpu.usage.total", "cpu.usage_usec", 1e9, 1e6, 0},
		{"user time", nil, spin, "container_cpu_user_seconds_total", nil, 0.3, "cpu.usage.user", "cpu.user_usec", 1e9, 1e6, 0},
		{"throttled periods", spinning, spin, "container_cpu_cfs_throttled_periods_total", nil, 3, "cpu.throttling.throttled_periods", "cpu.nr_throttled", 1, 1, 0},
		{"throttled time", spinning, spin, "container_cpu_cfs_throttled_seconds_total", nil, 0.1, "cpu.throttling.throttled_time", "cpu.throttled_usec", 1e9, 1e6, 0},
		{"anonymous memory", memory, "x=$(head -c 8000000 /dev/zero | tr '\\0' x); while :; do sleep 60; done", "container_memory_rss", nil, 8e6, "memory.total_rss", "memory.anon", 1, 1, 0},
		{"page cache", memory, "dd if=/dev/zero of=/file bs=1M count=16; sleep 36000", "container_memory_cache", nil, 16 << 20, "memory.total_cache", "memory.file", 1, 1, 0},
		{"system time", nil, "dd if=/dev/zero of=/dev/null", "container_cpu_system_seconds_total", nil, 0.3, "cpu.usage.kernel", "cpu.system_usec", 1e9, 1e6, 0},
		{"highest usage", memory, "dd if=/dev/zero of=/file bs=1M count=32; rm /file; sleep 36000", "container_memory_max_usage_bytes", nil, 32 << 20, "memory.usage.max", "", 1, 1, 0},
		// Linux 6.18 counts none in cgroup v1.
		{"limit reached", memory, "while :; do dd if=/dev/zero of=/file bs=1M count=100; done", "container_memory_failcnt", nil, 1, "", "memory_events.max", 1, 1, 2},
		{"page faults", memory, "while :; do true | true; done", "container_memory_failures_total", failed, 1000, "memory.total_pg_fault", "memory.pgfault", 1, 1, 0},
		{"usage", memory, "dd if=/dev/zero of=/dev/shm/x bs=1M count=10; sleep 36000", "container_memory_usage_bytes", nil, 10 << 20, "memory.usage.usage", "memory.usage", 1, 1, 0},
		{"direct writes", nil, "dd if=/dev/zero of=/data/file bs=1M count=8 oflag=direct; sleep 36000", "container_fs_writes_bytes_total", nil, 8 << 20, "", "", 1, 1, 2},
		{"fork bomb", []string{"--pids-limit", "20"}, "sh -c 'while :; do sleep 36000 & done'; exec sleep 36000", "container_threads", nil, 19, "pids.current", "pids.current", 1, 1, 0},
		{"killed for want of memory", memory, "while :; do tail /dev/zero; done", "container_oom_events_total", nil, 2, "memory_oom_control.oom_kill", "memory_events.oom_kill", 1, 1, 0},
	}
}

// TestLoads: under work of many kinds, tallyman, the kernel's own files, containerd's library and "docker stats" say the same.
// The container is paused to be compared, so that its numbers hold still.
func TestLoads(t *testing.T) {
	p, e := start(t)
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	version := 1
	if k.Unified {
		version = 2
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-26s %-42s %16s %16s %16s\n", "load", "metric", "kernel", "tallyman", "containerd")
	for i, l := range loads() {
		if l.only != 0 && l.only != version {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			c := comparedLoad{load: l, p: p, e: e, k: k, version: version, container: fmt.Sprintf("tm-load-%d", i)}
			c.run(t)
			fmt.Fprintf(&table, "%-26s %-42s %16v %16v %16s\n", l.name, l.family, c.kernel, c.ours, c.raw)
		})
	}
	t.Logf("cgroup v%d%s", version, table.String())
}

// comparedLoad is one load with what everybody said of it.
type comparedLoad struct {
	load
	p            *program.Program
	e            docker.Engine
	k            *kernel.Kernel
	version      int
	container    string
	info         *docker.Container
	kernel, ours float64
	raw          string
}

func (c *comparedLoad) run(t *testing.T) {
	c.e.Remove(t, c.container)
	options := append([]string{"run", "-d", "--name", c.container, "--network", "none", "-v", "/data"}, c.options...)
	c.e.Run(t, append(options, image, "sh", "-c", c.cmd)...)
	c.p.WaitFor(t, limit, func(page scrape.Page) string {
		if v := c.value(page); !(v >= c.least) {
			return fmt.Sprintf("%s of %s: got %v, want %v", c.family, c.container, v, c.least)
		}
		return ""
	})
	c.e.Run(t, "pause", c.container)
	defer c.e.Run(t, "unpause", c.container) // rm -f does not end a paused one on every engine
	c.info = c.e.Inspect(t, c.container)[c.container]
	// The kernel gathers memory statistics of several processors with a delay of up to 2 s, and writes back without the
	// container: it is compared until nothing moves.
	for end := time.Now().Add(limit); ; time.Sleep(time.Second) {
		problem := c.compare(t)
		if problem == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(problem)
		}
	}
}

// value is what tallyman says; of several devices, the sum.
func (c *comparedLoad) value(page scrape.Page) float64 {
	all := page.All(c.family, append([]string{"name", c.container}, c.pairs...)...)
	if len(all) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, s := range all {
		sum += s.Value
	}
	return sum
}

// compare asks everybody once; the text says who disagrees.
func (c *comparedLoad) compare(t *testing.T) string {
	t.Helper()
	c.kernel = c.fromKernel(kernel.Container{ID: c.info.ID, PID: c.info.State.Pid})
	page := c.p.Metrics(t)
	c.ours = c.value(page)
	c.raw = "-"
	if c.ours != c.kernel {
		return fmt.Sprintf("%s: tallyman says %v, the kernel %v", c.family, c.ours, c.kernel)
	}
	if path, unit := c.rawPath(); path != "" {
		v := c.fromRaw(t, path) / unit
		c.raw = fmt.Sprint(v)
		if v != c.ours {
			return fmt.Sprintf("%s: tallyman says %v, containerd's library %v", c.family, c.ours, v)
		}
	}
	return c.compareStats(t, page)
}

// fromKernel is the number in the kernel's files; of several devices, the sum.
func (c *comparedLoad) fromKernel(container kernel.Container) float64 {
	if c.family == "container_oom_events_total" {
		return c.k.OOMKills(container)
	}
	sum, found := 0.0, false
	labels := map[string]string{}
	for i := 0; i+1 < len(c.pairs); i += 2 {
		labels[c.pairs[i]] = c.pairs[i+1]
	}
	want := scrape.Series(c.family, labels)
	for series, n := range c.k.Read(container) {
		if series == want || len(c.pairs) == 0 && strings.HasPrefix(series, c.family+"{") {
			sum, found = sum+n.Value, true
		}
	}
	if !found {
		return math.NaN()
	}
	return sum
}

func (c *comparedLoad) rawPath() (string, float64) {
	if c.version == 2 {
		return c.raw2, c.unit2
	}
	return c.raw1, c.unit1
}

// fromRaw walks into the dump; what it leaves out is 0.
func (c *comparedLoad) fromRaw(t *testing.T, path string) float64 {
	t.Helper()
	text, err := c.p.Text(t.Context(), "/api/v1/containers/"+c.container+"/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	var dump struct{ Stat map[string]any }
	if err := json.Unmarshal([]byte(text), &dump); err != nil {
		t.Fatal(err)
	}
	var at any = dump.Stat
	for key := range strings.SplitSeq(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return math.NaN()
		}
		at = object[key]
	}
	v, _ := at.(float64)
	return v
}

// compareStats holds processor time, memory and threads against the engine's own stats, by the formula of "docker stats".
func (c *comparedLoad) compareStats(t *testing.T, page scrape.Page) string {
	t.Helper()
	stats := c.e.Stats(t, c.info.ID)
	inactive, ok := stats.Memory.Stats["total_inactive_file"]
	if !ok {
		inactive = stats.Memory.Stats["inactive_file"]
	}
	for family, want := range map[string]float64{
		"container_memory_working_set_bytes": math.Max(0, stats.Memory.Usage-inactive),
		"container_threads":                  stats.Pids.Current,
		"container_cpu_usage_seconds_total":  stats.CPU.Usage.Total / 1e9,
	} {
		if got, _ := page.Value(family, "name", c.container); got != want {
			return fmt.Sprintf("%s: tallyman says %v, docker stats %v", family, got, want)
		}
	}
	return ""
}
