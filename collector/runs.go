package collector

import (
	"math"
	"slices"
	"sync"
	"time"

	"tallyman/engine"
)

// runs remembers the present run of every container, for what is to be said when it ends. A run is told by the engine's events, which
// come first and miss none, and by its facts, which are exact and come also where events are refused. It is safe for
// concurrent use.
type runs struct {
	mu     sync.Mutex // guards the fields below
	lives  map[key]*life
	looked map[string]*engine.View // by engine
	ended  []*ending               // the latest last
	young  []youth
}

// life is a container.
type life struct {
	name, image string
	facts       *engine.Container // as of the latest look; nil = there were none yet
	met         time.Time         // when it was first heard of

	// What follows is of the present run.
	live    bool // there is one
	started time.Time
	since   time.Time // when it was heard of: readings from before are of another run; zero = it was under way already
	oom     bool
	measured

	last *ending // the latest run that has ended
}

// measured is what the readings of a run say.
type measured struct {
	peak, cpu, periods, throttled, limit float64
}

func unmeasured() measured {
	nan := math.NaN()
	return measured{nan, nan, nan, nan, nan}
}

// youth is a run that began a moment ago, which is read more often than others, as it may end soon.
type youth struct {
	key
	since time.Time
	next  time.Duration // the age at which it is read next
}

// Bounds of what is read because a run began a moment ago.
const (
	maxYoung = 256
	grownUp  = 15 * time.Second
)

// unknownAfter is how long a container may be known by events alone.
const unknownAfter = time.Minute

func newRuns() *runs {
	return &runs{lives: map[key]*life{}, looked: map[string]*engine.View{}}
}

// begin notes that a run has begun.
func (l *life) begin(started, since time.Time) {
	l.live, l.started, l.since, l.oom, l.measured = true, started, since, false, unmeasured()
}

// happened takes in an event; now is when it came, and facts what the engine said of the container last, if it did.
func (r *runs) happened(k key, ev engine.Event, facts *engine.Container, now time.Time) {
	if ev.Type != "container" || ev.ID == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lives[k]
	if l == nil {
		if ev.Action != "start" && ev.Action != "die" && ev.Action != "oom" {
			return
		}
		l = r.meet(k, now)
	}
	if facts != nil && l.facts != facts {
		r.see(k, l, facts)
	}
	if ev.Name != "" {
		l.name = ev.Name
	}
	if ev.Image != "" {
		l.image = ev.Image
	}
	switch ev.Action {
	case "start":
		r.start(k, l, ev.Time, now)
	case "oom":
		l.ooms(ev.Time)
	case "die":
		r.died(k, l, ev)
	case "destroy", "remove": // podman's word
		r.remove(k)
	}
}

func (r *runs) meet(k key, now time.Time) *life {
	l := &life{met: now, measured: unmeasured()}
	r.lives[k] = l
	return l
}

// start takes in a "start" event, of which the facts may have told before.
func (r *runs) start(k key, l *life, at, now time.Time) {
	if !l.live || !within(l.started, at) {
		l.begin(at, now)
	}
	r.young = slices.DeleteFunc(r.young, func(y youth) bool { return y.key == k })
	if len(r.young) < maxYoung {
		r.young = append(r.young, youth{k, now, lookEvery})
	}
}

// ooms takes in an "oom" event: it may come after the end of its run.
func (l *life) ooms(at time.Time) {
	if l.last != nil && (!l.live || at.Before(l.started)) {
		l.last.OOMKilled = true
		return
	}
	l.oom = true
}

// remove forgets a container.
func (r *runs) remove(k key) {
	delete(r.lives, k)
	for _, e := range r.ended {
		if e.Engine == k.engine && e.ID == k.id {
			e.Removed = true
		}
	}
}

// look takes in what an engine says of its containers now.
func (r *runs) look(from string, view *engine.View, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looked[from] == view {
		return
	}
	r.looked[from] = view
	there := make(map[string]struct{}, len(view.Containers))
	for _, f := range view.Containers {
		there[f.ID] = struct{}{}
		k := key{from, f.ID}
		l := r.lives[k]
		if l == nil {
			l = r.meet(k, now)
		}
		if l.facts != f {
			r.see(k, l, f)
		}
	}
	for k, l := range r.lives {
		if _, ok := there[k.id]; k.engine == from && !ok && (l.facts != nil || now.Sub(l.met) > unknownAfter) {
			r.remove(k)
		}
	}
}

// see takes in what an engine says of one container. It may be old news: events are faster.
func (r *runs) see(k key, l *life, f *engine.Container) {
	l.facts, l.name, l.image = f, f.Name, f.Image
	if f.Listed {
		return // without times
	}
	told := f.Finished.IsZero()
	if e := r.ofFacts(k, f); e != nil {
		e.refine(f)
		told = true
	}
	if l.last != nil && !f.Finished.After(l.last.Finished) {
		told = true // an earlier one
	}
	running := f.State.HasProcesses()
	switch {
	case !told && l.live && !f.Finished.After(l.started): // it ended before the present run began
	case !told && running && !l.live && l.last == nil: // and before it was met
	case !told:
		r.end(k, l, f.Finished, false).refine(f)
	}
	if running {
		l.seeRunning(f)
	}
}

// seeRunning takes in that a container runs.
func (l *life) seeRunning(f *engine.Container) {
	switch {
	case l.last != nil && !f.Started.After(l.last.Finished): // that run has ended since
	case l.live && within(f.Started, l.started):
		l.started = f.Started // the event came a moment later
	case l.live:
	default:
		l.begin(f.Started, time.Time{})
	}
	if l.live && f.Limits.Memory > 0 {
		l.limit = float64(f.Limits.Memory)
	}
}

// read takes in readings.
func (r *runs) read(all []reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range all {
		n := &all[i]
		if l := r.lives[n.key]; n.known && l != nil && l.live && !n.at.Before(l.since) {
			l.measure(&n.numbers)
		}
	}
}

// measure takes in a reading of the present run.
func (l *life) measure(n *numbers) {
	if n.cpu < l.cpu {
		limit := l.limit
		l.measured = unmeasured() // it was of the run before
		l.limit = limit
	}
	if !math.IsNaN(n.cpu) {
		l.cpu = n.cpu
	}
	if !math.IsNaN(n.periods) {
		l.periods, l.throttled = n.periods, n.throttled
	}
	switch {
	case !math.IsNaN(n.maxUsage):
		l.peak = n.maxUsage
	case n.usage > l.peak || math.IsNaN(l.peak):
		l.peak = n.usage
	}
	if !math.IsNaN(n.limit) {
		l.limit = n.limit
	}
}

// dueYoung tells which young runs are to be read now: those that are 1, 2, 4 and 8 seconds old.
func (r *runs) dueYoung(now time.Time) []key {
	r.mu.Lock()
	defer r.mu.Unlock()
	var due []key
	kept := r.young[:0]
	for _, y := range r.young {
		age := now.Sub(y.since)
		if age >= y.next {
			due = append(due, y.key)
			for y.next <= age {
				y.next *= 2
			}
		}
		if y.next < grownUp {
			kept = append(kept, y)
		}
	}
	r.young = kept
	return due
}

// anyYoung says whether there are runs of which dueYoung has more to tell.
func (r *runs) anyYoung() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.young) > 0
}

// present gives the facts of a container that runs; nil = it does not, as far as is known.
func (r *runs) present(k key) *engine.Container {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lives[k]; l != nil && l.live && l.facts != nil && l.facts.State.HasProcesses() {
		return l.facts
	}
	return nil
}
