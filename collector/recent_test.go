package collector_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

func TestSnapshot_pressure(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{})
	some := func(what string, total int) {
		h.Write(t, h.file(t, "web", what+".pressure"), fmt.Sprintf("some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n", total))
	}
	some("cpu", 1_000_000)
	some("memory", 0)
	some("io", 0)
	if r := container(t, snapshot(t, c), "web").Rates; !math.IsNaN(r.CPUPressure) || !math.IsNaN(r.MemoryPressure) || !math.IsNaN(r.IOPressure) {
		t.Errorf("the first snapshot has rates %+v", r)
	}
	some("cpu", 3_500_000)
	some("io", 12_000_000)
	h.now = h.now.Add(10 * time.Second)
	r := container(t, snapshot(t, c), "web").Rates
	if r.CPUPressure != 0.25 || r.MemoryPressure != 0 || r.IOPressure != 1 {
		t.Errorf("got %+v, want a quarter of the time for the processor, none for memory, all of it for io", r)
	}
}

// TestSnapshot_recent: kills and restarts count as recent for RecentFor, and those before the first snapshot only when their
// time is known.
func TestSnapshot_recent(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: -1})
	kills := func(n int) { h.Write(t, h.file(t, "web", "memory.events"), fmt.Sprintf("oom_kill %d\n", n)) }
	check := func(what string, oomKills, restarts float64) {
		t.Helper()
		if got := container(t, snapshot(t, c), "web").Recent; got.OOMKills != oomKills || got.Restarts != restarts {
			t.Errorf("%s: got %+v, want %v kills and %v restarts", what, got, oomKills, restarts)
		}
	}
	kills(5)
	h.say("web", func(c *engine.Container) { c.Restarts = 3 })
	check("a run that began long ago", 0, 0)
	kills(7)
	check("two kills more", 2, 0)
	h.now = h.now.Add(6 * time.Minute)
	kills(8)
	h.say("web", func(c *engine.Container) { c.Restarts = 5 })
	check("one more, and two restarts", 3, 2)
	h.now = h.now.Add(4 * time.Minute)
	check("the first ones are long ago now", 1, 2)
	h.now = h.now.Add(6 * time.Minute)
	check("all are", 0, 0)
	for i := range 100 {
		kills(9 + i)
		snapshot(t, c)
	}
	check("more than are remembered one by one", 100, 0)

	young := h.collector(collector.Options{MaxAge: -1})
	h.say("web", func(c *engine.Container) { c.Started = h.now.Add(-time.Minute) })
	if got := container(t, snapshot(t, young), "web").Recent; got != (collector.Recent{OOMKills: 108, Restarts: 1}) {
		t.Errorf("met for the first time in a young run: got %+v", got)
	}
	ended := h.collector(collector.Options{MaxAge: -1})
	h.say("web", func(c *engine.Container) {
		c.State, c.OOMKilled, c.Started, c.Finished = engine.StateExited, true, h.now.Add(-time.Hour), h.now.Add(-time.Minute)
	})
	if got := container(t, snapshot(t, ended), "web").Recent; got != (collector.Recent{OOMKills: 1}) {
		t.Errorf("met for the first time after its end: got %+v", got)
	}
	if got := snapshot(t, ended).Host.Recent; !math.IsNaN(got.OOMKills) || !math.IsNaN(got.Restarts) {
		t.Errorf("the host: got %+v", got)
	}
}
