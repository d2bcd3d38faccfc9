package collector

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tallyman/engine"
)

// maxLastWords is how many runs that have ended are remembered.
const maxLastWords = 50

// LastWords is what is remembered of a run of a container that has ended. NaN = unknown. Its numbers are of the latest reading before the
// end: up to --history.interval earlier, for a young run less. A run that was over before it could be read has none.
type LastWords struct {
	Engine, ID, Name, Image string // as Container; ID is that of the engine
	Started, Finished       time.Time
	HasExitCode             bool
	ExitCode                int
	// OOMKilled says that a process of it was killed for want of memory; the run may have gone on.
	OOMKilled bool
	// PeakMemory is in bytes, page cache included: the kernel's word or, where it does not tell (cgroup v2 before Linux 5.19), the
	// largest usage that was seen. Of a run that was OOMKilled it is no less than its limit: that is when the kernel kills.
	PeakMemory     float64
	CPU            float64 // seconds
	ThrottledRatio float64 // 0-1, over the whole run
	// Removed says that the engine knows the container no more.
	Removed bool
}

// ending is a run that has ended.
type ending struct {
	LastWords

	limit float64 // of memory, in bytes; NaN = none is known
	// told says that an event told of the end, at LastWords.Finished unless exact says that it was the engine's own word.
	told, exact bool
}

// What is forgiven between the time of an event and that of what it tells.
const (
	// eventLag is how much later an event may come.
	eventLag = time.Minute
	// clockSlack is how much earlier: engine 29 rounds the times of events for older API versions.
	clockSlack = 10 * time.Millisecond
)

// end adds the run that a container is in, or was in unseen, to those that have ended.
func (r *runs) end(k key, l *life, at time.Time, told bool) *ending {
	e := &ending{
		LastWords: LastWords{
			Engine: k.engine, ID: k.id, Name: l.name, Image: l.image, Finished: at,
			PeakMemory: math.NaN(), CPU: math.NaN(), ThrottledRatio: math.NaN(),
		},
		limit: math.NaN(), told: told, exact: !told,
	}
	if l.live {
		e.Started, e.OOMKilled, e.limit = l.started, l.oom, l.limit
		e.PeakMemory, e.CPU = l.peak, l.cpu
		if e.ThrottledRatio = l.throttled / l.periods; l.periods == 0 {
			e.ThrottledRatio = 0
		}
	}
	if math.IsNaN(e.limit) && l.facts != nil && l.facts.Limits.Memory > 0 {
		e.limit = float64(l.facts.Limits.Memory)
	}
	l.live, l.oom, l.last = false, false, e
	r.ended = append(r.ended, e)
	slices.SortStableFunc(r.ended, func(a, b *ending) int { return a.Finished.Compare(b.Finished) })
	if len(r.ended) > maxLastWords {
		r.ended = slices.Delete(r.ended, 0, len(r.ended)-maxLastWords)
	}
	return e
}

// died takes in a "die" event.
func (r *runs) died(k key, l *life, ev engine.Event) {
	var e *ending
	earlier := l.live && ev.Time.Before(l.started)
	if earlier || !l.live { // the facts may have been faster
		e = r.untold(k, ev.Time)
	}
	switch {
	case e != nil:
	case earlier: // and they did not tell of it: the present run goes on
		e = r.end(k, &life{name: l.name, image: l.image}, ev.Time, true)
		l.last = e
	default:
		e = r.end(k, l, ev.Time, true)
	}
	e.told = true
	if ev.HasExitCode {
		e.HasExitCode, e.ExitCode = true, ev.ExitCode
	}
}

// untold finds the end that a "die" event is of, when the engine's facts have told of it before.
func (r *runs) untold(k key, at time.Time) *ending {
	for _, e := range slices.Backward(r.ended) {
		if e.Engine == k.engine && e.ID == k.id && !e.told && within(e.Finished, at) {
			return e
		}
	}
	return nil
}

// ofFacts finds the end that the engine's facts are of: the first of which the event came no earlier.
func (r *runs) ofFacts(k key, f *engine.Container) *ending {
	for _, e := range r.ended {
		switch {
		case e.Engine != k.engine || e.ID != k.id:
		case e.exact && e.Finished.Equal(f.Finished), !e.exact && within(f.Finished, e.Finished):
			return e
		}
	}
	return nil
}

// within says whether what happened at one time may have been told by an event at another.
func within(at, event time.Time) bool {
	return !event.Before(at.Add(-clockSlack)) && event.Sub(at) <= eventLag
}

// refine takes in what the engine's facts say of an end.
func (e *ending) refine(f *engine.Container) {
	e.Finished, e.exact = f.Finished, true
	if e.Started.After(e.Finished) { // an event comes a moment after what it tells, which can be more than a short run takes
		e.Started = e.Finished
	}
	if f.State.HasProcesses() {
		return // the rest is of the next run
	}
	if f.Started.Before(f.Finished) {
		e.Started = f.Started
	}
	e.OOMKilled = e.OOMKilled || f.OOMKilled
	if f.HasExited && !e.HasExitCode {
		e.HasExitCode, e.ExitCode = true, f.ExitCode
	}
	if f.Limits.Memory > 0 && math.IsNaN(e.limit) {
		e.limit = float64(f.Limits.Memory)
	}
}

// list gives what is known of the runs that have ended, the latest first.
func (r *runs) list() []LastWords {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]LastWords, 0, len(r.ended))
	for _, e := range r.ended {
		words := e.LastWords
		if words.OOMKilled && !math.IsNaN(e.limit) && !(words.PeakMemory >= e.limit) {
			words.PeakMemory = e.limit
		}
		out = append(out, words)
	}
	slices.SortStableFunc(out, func(a, b LastWords) int {
		return cmp.Or(b.Finished.Compare(a.Finished), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// LastWords is what is remembered of runs that have ended, the latest first: the latest 50 of all engines. A container that was not
// running when tallyman met it has its latest run among them, without numbers.
func (c *Collector) LastWords() []LastWords {
	c.lookAtRuns(c.views())
	return c.runs.list()
}
