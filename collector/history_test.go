package collector

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after is a time some seconds later.
func after(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

// busy is a reading of a container that has used a core, a megabyte per second of everything, and half of its time under pressure
// since it began.
func busy(id string, started, at time.Time) reading {
	var s cgroups.Stats
	s.Reset()
	sec := at.Sub(started).Seconds()
	s.CPU.Usage, s.CPU.Periods, s.CPU.ThrottledPeriods = sec, 10*sec, 2.5*sec
	s.Memory.WorkingSet = 100 + sec
	s.IO = []cgroups.IODevice{{ReadBytes: 1e6 * sec, WriteBytes: 2e6 * sec}}
	s.Network = []cgroups.Interface{{RxBytes: 3e6 * sec, TxBytes: 4e6 * sec}}
	s.Pressure.CPU.Some, s.Pressure.Memory.Some, s.Pressure.IO.Some = sec/2, sec/4, sec/8
	return reading{key: key{"", id}, facts: &engine.Container{ID: id, Started: started}, at: at, known: true, numbers: numbersOf(&s)}
}

// idle is a container without readings.
func idle(id string, at time.Time) reading {
	return reading{key: key{"", id}, facts: &engine.Container{ID: id}, at: at}
}

// moved is busy in a cgroup that is younger than its run.
func moved(started, cgroup, at time.Time) reading {
	r := busy("a", cgroup, at)
	r.facts.Started = started
	return r
}

// fleet is readings of many containers.
func fleet(n int, at time.Time) []reading {
	all := make([]reading, 0, n)
	for i := range n {
		all = append(all, busy(fmt.Sprintf("%064d", i), began, at))
	}
	return all
}

// same compares numbers of which both may be unknown.
func same(a, b float64) bool {
	return math.Abs(a-b) <= 1e-6*math.Abs(b) || math.IsNaN(a) && math.IsNaN(b)
}

// steady says whether a Point is what busy does all the time.
func (p *Point) steady() bool {
	return same(p.CPU, 1) && same(p.Throttled, 0.25) && same(p.Read, 1e6) && same(p.Write, 2e6) && same(p.Receive, 3e6) && same(p.Transmit, 4e6) &&
		same(p.CPUPressure, 0.5) && same(p.MemoryPressure, 0.25) && same(p.IOPressure, 0.125)
}

// unknown says whether a Point has no means.
func (p *Point) unknown() bool {
	return math.IsNaN(p.CPU+p.Throttled) && math.IsNaN(p.Read) && math.IsNaN(p.Write) && math.IsNaN(p.Receive) && math.IsNaN(p.Transmit) &&
		math.IsNaN(p.CPUPressure) && math.IsNaN(p.MemoryPressure) && math.IsNaN(p.IOPressure)
}

// TestHistory_means: the numbers of a point are the means since the one before, whatever was read in between.
func TestHistory_means(t *testing.T) {
	t.Parallel()
	h := newHistory(1 << 20)
	for s := 0.0; s <= 30; s += 0.5 {
		h.record(after(s), []reading{busy("", began, after(s))})
	}
	got := h.list(key{}, after(30))
	if len(got) != 7 {
		t.Fatalf("got %d points in 30 s, want one in 5 s", len(got))
	}
	for n, p := range got {
		// The first frame is in the middle of its part of time.
		if want := max(5*float64(n)-2.5, 0); !p.Time.Equal(after(want)) || !same(p.Memory, 100+want) || n == 0 && !p.unknown() || n > 0 && !p.steady() {
			t.Errorf("point %d: got %+v", n, p)
		}
	}
	if other := h.list(key{"", "x"}, after(30)); other != nil {
		t.Errorf("a container that nobody knows has %v", other)
	}
}

// TestHistory_unknown: a mean is not given over a restart, a stop, a counter that went back, or a gap that is too long.
func TestHistory_unknown(t *testing.T) {
	t.Parallel()
	h := newHistory(1 << 20)
	again, cgroup := after(20), after(42)
	for _, step := range []struct {
		at      float64
		r       reading
		unknown bool
	}{
		{0, busy("a", began, after(0)), true},
		{10, busy("a", began, after(10)), false},
		{30, busy("a", again, after(30)), true},
		{40, busy("a", again, after(40)), false},
		{45, moved(again, cgroup, after(45)), true},
		{50, moved(again, cgroup, after(50)), false},
		{60, idle("a", after(60)), true},
		{70, busy("a", again, after(70)), true},
		{70 + 150, busy("a", again, after(70+150)), false},
		{70 + 150 + 151, busy("a", again, after(70+150+151)), true},
	} {
		h.record(after(step.at), []reading{step.r})
		all := h.list(key{"", "a"}, after(step.at))
		p := all[len(all)-1]
		if !p.Time.Equal(after(step.at)) || step.unknown != p.unknown() || !step.unknown && !p.steady() || math.IsNaN(p.Memory) != (!step.r.known) {
			t.Errorf("after %v s: got %+v", step.at, p)
		}
	}
}

// TestHistory_span: 10 minutes are kept, in as many points as fit, and no more.
func TestHistory_span(t *testing.T) {
	t.Parallel()
	for every, want := range map[float64]int{0.7: 120, 5: 120, 4.9: 120, 7: 85, 15: 40, 60: 10} {
		h := newHistory(1 << 20)
		s := 0.0
		for ; s < 4000; s += every {
			h.record(after(s), []reading{busy("", began, after(s))})
		}
		got := h.list(key{}, after(s))
		if len(got) < want-2 || len(got) > want+1 || len(got) > maxPoints {
			t.Errorf("every %v s: got %d points, want about %d", every, len(got), want)
		}
		if first := got[0].Time; after(s).Sub(first) > historySpan || after(s).Sub(first) < historySpan*9/10 {
			t.Errorf("every %v s: the oldest is %v old", every, after(s).Sub(first))
		}
		if left := h.list(key{}, after(s+301)); len(left) > len(got)/2+2 {
			t.Errorf("every %v s: 5 minutes later %d points are left of %d", every, len(left), len(got))
		}
	}
}

// TestHistory_jitter: somebody who asks every 5 s, a little sooner or later, gets a point each time, or nearly.
func TestHistory_jitter(t *testing.T) {
	t.Parallel()
	h := newHistory(1 << 20)
	for n := range 120 {
		s := 5*float64(n) + []float64{0, 0.4, -0.3, 0.1, 1.2, -1.1}[n%6]
		h.record(after(s+2), []reading{busy("", began, after(s+2))})
	}
	got := h.list(key{}, after(600))
	if len(got) < 115 {
		t.Errorf("got %d points", len(got))
	}
	for _, p := range got[1:] {
		if !p.steady() {
			t.Errorf("got %+v", p)
		}
	}
}

// TestHistory_forgets: nothing is left of a container that was removed, or has been stopped for as long as the history goes back.
func TestHistory_forgets(t *testing.T) {
	t.Parallel()
	h := newHistory(1 << 20)
	check := func(s float64, want int, all ...reading) {
		t.Helper()
		h.record(after(s), append(all, busy("", began, after(s))))
		if n, bytes := h.size(); n != want+1 || bytes != historyBytes(n, maxPoints) {
			t.Errorf("after %v s: %d containers in %d bytes, want %d", s, n, bytes, want+1)
		}
	}
	check(0, 2, busy("a", began, after(0)), busy("b", began, after(0)), idle("c", after(0)))
	check(5, 1, busy("a", began, after(5)))
	check(10, 2, busy("a", began, after(10)), busy("b", began, after(10)))
	for s := 15.0; s <= 605; s += 5 {
		check(s, 2, idle("a", after(s)), busy("b", began, after(s)))
	}
	check(615, 1, idle("a", after(615)), busy("b", began, after(615)))
	h.forget(key{"", "b"})
	if h.list(key{"", "b"}, after(620)) != nil {
		t.Error("b is still remembered")
	}
	none := newHistory(0)
	none.record(began, fleet(3, began))
	none.forget(key{})
	if n, bytes := none.size(); none.list(key{}, began) != nil || n+bytes != 0 {
		t.Error("without memory something is remembered")
	}
}

// TestHistory_room: with more containers there are fewer points of each, and what was remembered stays; with fewer there are more
// again. There is never more than there may be.
func TestHistory_room(t *testing.T) {
	t.Parallel()
	const budget = 1_000_000
	h := newHistory(budget)
	seconds, spacing := 0.0, 0.0
	run := func(n, frames int) {
		t.Helper()
		for range frames {
			seconds += 5
			h.record(after(seconds), fleet(n, after(seconds)))
			if _, bytes := h.size(); bytes > budget {
				t.Fatalf("%d containers take %d bytes", n, bytes)
			}
		}
		spacing = h.spacing().Seconds()
	}
	check := func(want float64, atLeast int) {
		t.Helper()
		got := h.list(key{"", fmt.Sprintf("%064d", 0)}, after(seconds))
		if spacing != want || len(got) < atLeast {
			t.Fatalf("after %v s: a point in %v s, %d of them, want one in %v s, %d at least", seconds, spacing, len(got), want, atLeast)
		}
		for n, p := range got {
			if n > 0 && (!p.steady() || !p.Time.After(got[n-1].Time)) || !same(p.Memory, 100+p.Time.Sub(began).Seconds()) {
				t.Fatalf("after %v s: point %d of %d is %+v", seconds, n, len(got), p)
			}
		}
	}
	run(100, 61)
	check(5, 61)
	run(300, 3)
	check(10, 32)
	run(600, 8)
	check(20, 18)
	run(1000, 30)
	check(40, 12)
	run(5000, 20) // the newest have none
	check(40, 13)
	if n, _ := h.size(); n > 1100 || n < 1000 {
		t.Errorf("%d containers are remembered", n)
	}
	run(100, 160)
	check(5, 119)
}

// TestHistory_heap: 5000 containers take no more than they may, by the word of Go's allocator. It is not parallel to others, since it
// measures the process.
func TestHistory_heap(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, n := range []int{300, 1400, 1500, 5000, 9000} {
		const budget = 8_000_000
		h := newHistory(budget)
		before := heap()
		// The ids are not the history's own.
		all := fleet(n, began)
		own := heap()
		for s := range 130 {
			for i := range all {
				all[i].at = after(float64(5 * s))
			}
			h.record(after(float64(5*s)), all)
		}
		after := heap()
		containers, bytes := h.size()
		used := int(after) - int(own)
		t.Logf("%d containers: %d remembered, a point in %v, %d bytes of %d, said to be %d; readings %d", n, containers, h.spacing(), used, budget, bytes, own-before)
		if used > budget || bytes > budget || used > bytes || used < bytes/2 {
			t.Errorf("%d containers: %d bytes are used, %d are said to be, %d may be", n, used, bytes, budget)
		}
		runtime.KeepAlive(all)
	}
}

// BenchmarkHistory is what a collection of 300 containers costs besides.
func BenchmarkHistory(b *testing.B) {
	h, r := newHistory(8_000_000), newRuns()
	all := fleet(300, began)
	view := &engine.View{}
	for i := range all {
		all[i].facts.State = engine.StateRunning
		view.Containers = append(view.Containers, all[i].facts)
	}
	r.look("", view, began)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		at := after(float64(5 * n))
		for i := range all {
			all[i].at = at
		}
		r.read(all)
		h.record(at, all)
	}
}
