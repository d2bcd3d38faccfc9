package collector

import (
	"math"
	"sync"
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
)

// Bounds of the history.
const (
	// historySpan is how far back it goes.
	historySpan = 10 * time.Minute
	// maxPoints is how many points are kept of a container: one in 5 s, however often somebody asks. When there is not enough room
	// for all containers, it is half of that, and half of that again, down to minPoints, one in 40 s.
	maxPoints, minPoints = 120, 15
	// maxGap is the longest time over which a mean is given: over more than a quarter of what is shown it would hide what happened.
	maxGap = historySpan / 4
	// trailBytes is what a container takes besides its points, with its place in the map.
	trailBytes = 304
)

// Point is what is remembered of a container, or of the host, of one moment. Numbers are in base units; NaN = unknown. They are kept
// with the precision of a float32, seven digits.
type Point struct {
	Time time.Time
	// Memory is the working set in bytes at Time.
	Memory float64
	// What follows is the mean since the Point before, unknown when the container was started since, or that was more than 2.5 minutes ago.
	CPU                                     float64 // cores
	Throttled                               float64 // 0-1: throttled periods of all periods
	Receive, Transmit                       float64 // bytes per second, all interfaces
	Read, Write                             float64 // bytes per second, all devices
	CPUPressure, MemoryPressure, IOPressure float64 // 0-1: the part of the time in which some task waited
}

// key names a container of an engine by its id there; the zero key is the host.
type key struct{ engine, id string }

// reading is what one collection read of a container or of the host.
type reading struct {
	key
	facts *engine.Container // nil for the host
	at    time.Time         // when the numbers were taken
	known bool              // there are numbers
	numbers
}

// numbers are what is remembered of a reading.
type numbers struct {
	counters

	waited                             [3]float64 // seconds of pressure: processor, memory, io
	workingSet, usage, maxUsage, limit float64    // of memory, in bytes
}

func numbersOf(s *cgroups.Stats) numbers {
	p, m := &s.Pressure, &s.Memory
	return numbers{
		counters: sum(s), waited: [3]float64{p.CPU.Some, p.Memory.Some, p.IO.Some},
		workingSet: m.WorkingSet, usage: m.Usage, maxUsage: m.MaxUsage, limit: m.Limit,
	}
}

// started is when the run began that was read.
func (r *reading) started() time.Time {
	if r.facts == nil {
		return time.Time{}
	}
	return r.facts.Started
}

// row holds the numbers of a Point in the order of its fields.
type row [10]float32

// history keeps the points of the host and of every container that has readings. All have theirs at the same moments, the frames,
// whose times are kept once. It is safe for concurrent use; nil remembers nothing.
type history struct {
	budget int // in bytes

	mu     sync.Mutex // guards the fields below
	frames frames
	epoch  time.Time // from which on time is divided into parts; see due
	trails map[key]*trail
}

// frames are the moments of which there are points.
type frames struct {
	kept  uint64      // how many of the latest are kept
	count uint64      // how many there were since they were last numbered; the first is 0
	times []time.Time // that of a frame is at frame % kept
}

// oldest is the number of the oldest frame that is kept.
func (f *frames) oldest() uint64 { return f.count - min(f.count, f.kept) }

// time is that of a frame.
func (f *frames) time(frame uint64) time.Time { return f.times[frame%f.kept] }

func newFrames(kept, count uint64) frames {
	return frames{kept: kept, count: count, times: make([]time.Time, kept)}
}

// spacing is the time between two, at least.
func (f *frames) spacing() time.Duration { return historySpan / time.Duration(f.kept) }

// trail is what is remembered of one container.
type trail struct {
	frame uint64 // in which it was last met
	first uint64 // frame from which on rows holds something
	known uint64 // the latest frame in which it had readings
	rows  []row  // that of a frame is at frame % len(rows)
	base  base
}

// base holds the counters at the latest point; the zero value while there are none.
type base struct {
	at, started time.Time
	sums        counters
	waited      [3]float64 // as in numbers
}

// newHistory returns a history of at most budget bytes; nil when there is no room.
func newHistory(budget int) *history {
	if budget <= 0 {
		return nil
	}
	return &history{budget: budget, frames: newFrames(maxPoints, 0), trails: map[key]*trail{}}
}

// spacing is the time between two frames, at least.
func (h *history) spacing() time.Duration {
	if h == nil {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.frames.spacing()
}

// record takes in a collection, with everything that was read in it, unless it comes too soon after the one before. What is not in it
// is forgotten.
func (h *history) record(now time.Time, all []reading) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.due(now) {
		return
	}
	h.makeRoom(now, h.meet(all))
	if h.frames.count == 0 {
		h.epoch = now.Add(-h.frames.spacing() / 2) // whoever comes in time is far from the ends of a part
	}
	h.frames.times[h.frames.count%h.frames.kept] = now
	for i := range all {
		h.write(&all[i])
	}
	h.frames.count++
}

// due says whether it is time for a frame: the span is divided into equal parts, each of which has one at most. A little irregularity
// of those who ask costs none.
func (h *history) due(now time.Time) bool {
	if h.frames.count == 0 {
		return true
	}
	spacing, latest := h.frames.spacing(), h.frames.time(h.frames.count-1)
	return now.Sub(latest) >= spacing/2 && now.Sub(h.epoch)/spacing != latest.Sub(h.epoch)/spacing
}

// meet notes which trails are of what was read, and tells how many have none yet.
func (h *history) meet(all []reading) (missing int) {
	for i := range all {
		if t := h.trails[all[i].key]; t != nil {
			t.frame = h.frames.count
		} else if all[i].known {
			missing++
		}
	}
	return missing
}

// makeRoom frees what is of no use any more, and makes room for some trails more.
func (h *history) makeRoom(now time.Time, more int) {
	for k, t := range h.trails {
		if t.frame != h.frames.count || t.known < h.frames.oldest() || now.Sub(h.frames.time(t.known)) > historySpan {
			delete(h.trails, k)
		}
	}
	wanted := len(h.trails) + more
	for h.frames.kept > minPoints && historyBytes(wanted, h.frames.kept) > h.budget {
		h.resize(h.frames.kept / 2)
	}
	// Not at once when it would just fit, lest it go back and forth.
	for h.frames.kept < maxPoints && historyBytes(wanted, 2*h.frames.kept) <= h.budget/4*3 {
		h.resize(2 * h.frames.kept)
	}
}

// historyBytes is what some trails take.
func historyBytes(trails int, points uint64) int {
	const timeBytes = 24
	return trails*(rowsBytes(points)+trailBytes) + int(points)*timeBytes
}

// rowsBytes is what the rows of a trail take, 40 bytes each, rounded up as Go's allocator does.
func rowsBytes(points uint64) int {
	switch points {
	case maxPoints:
		return 4864
	case maxPoints / 2:
		return 2688
	case maxPoints / 4:
		return 1280
	}
	return 640
}

// write adds the row of the present frame to the trail of a reading. Where there is no room for all containers, those that came last
// have none.
func (h *history) write(r *reading) {
	t := h.trails[r.key]
	if t == nil {
		if !r.known || historyBytes(len(h.trails)+1, h.frames.kept) > h.budget {
			return
		}
		t = &trail{frame: h.frames.count, first: h.frames.count, rows: make([]row, h.frames.kept)}
		h.trails[r.key] = t
	}
	place := t.row(h.frames.count)
	if !r.known {
		*place, t.base = unknownRow(), base{}
		return
	}
	*place, t.known = t.base.advance(r), h.frames.count
}

// row is the place of a frame.
func (t *trail) row(frame uint64) *row { return &t.rows[frame%uint64(len(t.rows))] }

// advance gives the numbers of a reading, means since the base, and makes it the base.
func (b *base) advance(r *reading) row {
	next := base{at: r.at, started: r.started(), sums: r.counters, waited: r.waited}
	out := unknownRow()
	out[0] = float32(r.workingSet)
	elapsed := next.at.Sub(b.at)
	before := *b
	*b = next
	if before.at.IsZero() || !before.started.Equal(next.started) || elapsed <= 0 || elapsed > maxGap {
		return out
	}
	per := func(now, before float64) float64 {
		if now < before { // another cgroup of the same name
			return math.NaN()
		}
		return (now - before) / elapsed.Seconds()
	}
	now, was := &next.sums, &before.sums
	throttled := per(now.throttled, was.throttled) / per(now.periods, was.periods)
	if now.periods == was.periods {
		throttled = 0 // nothing ran, so nothing was throttled
	}
	for i, v := range []float64{
		per(now.cpu, was.cpu), throttled, per(now.receive, was.receive), per(now.transmit, was.transmit), per(now.read, was.read), per(now.write, was.write),
	} {
		out[1+i] = float32(v)
	}
	for i, waited := range next.waited {
		out[7+i] = float32(math.Min(per(waited, before.waited[i]), 1)) // both were not read at the same instant
	}
	return out
}

func unknownRow() row {
	var r row
	for i := range r {
		r[i] = float32(math.NaN())
	}
	return r
}

// list gives the points of a container, the oldest first.
func (h *history) list(k key, now time.Time) []Point {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.trails[k]
	if t == nil {
		return nil
	}
	out := make([]Point, 0, h.frames.kept)
	for frame := max(t.first, h.frames.oldest()); frame < h.frames.count; frame++ {
		if at := h.frames.time(frame); now.Sub(at) <= historySpan {
			out = append(out, t.row(frame).point(at))
		}
	}
	return out
}

func (r *row) point(at time.Time) Point {
	return Point{
		Time: at, Memory: float64(r[0]), CPU: float64(r[1]), Throttled: float64(r[2]), Receive: float64(r[3]), Transmit: float64(r[4]),
		Read: float64(r[5]), Write: float64(r[6]), CPUPressure: float64(r[7]), MemoryPressure: float64(r[8]), IOPressure: float64(r[9]),
	}
}

// forget frees what is remembered of a container that was removed.
func (h *history) forget(k key) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.trails, k)
}

// size tells how many containers are remembered, the host among them, and what that takes in bytes.
func (h *history) size() (containers, bytes int) {
	if h == nil {
		return 0, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.trails), historyBytes(len(h.trails), h.frames.kept)
}

// History is what is remembered of the last 10 minutes of a container, by its Engine and its id of the engine, or of the host, both "",
// the oldest first: a Point in 5 s at most, or, where there is not enough room for all containers, one in 40 s at the least. A
// container that was removed has none.
func (c *Collector) History(engine, id string) []Point {
	return c.history.list(key{engine, id}, c.opts.Now())
}
