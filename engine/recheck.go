package engine

import "time"

// maxRechecks bounds the containers that are looked at again.
const maxRechecks = 1024

// recheckAfter says when a new container is looked at again while it has not started.
var recheckAfter = [...]time.Duration{2 * time.Second, 10 * time.Second, time.Minute}

// rechecks are containers that are looked at again without an event of their own: those that were created and have not started, and those
// whose networks have changed. No engine sends an event when a start fails: what is
// left then is a container in state created, with an exit code, that would not be noticed before the next resync.
type rechecks struct {
	pending map[string]recheck
	next    time.Time // the earliest one; zero = none
}

type recheck struct {
	at   time.Time
	step int
}

// created plans the first look.
func (r *rechecks) created(id string, now time.Time) {
	r.plan(id, recheck{at: now.Add(recheckAfter[0])})
}

// moved plans a single look at one whose networks have changed. A container that ends is disconnected first: the event of its end, which
// follows, makes the look needless.
func (r *rechecks) moved(id string, now time.Time) {
	r.plan(id, recheck{at: now.Add(recheckAfter[0]), step: len(recheckAfter) - 1})
}

func (r *rechecks) plan(id string, c recheck) {
	if _, known := r.pending[id]; !known && len(r.pending) >= maxRechecks {
		return
	}
	if r.pending == nil {
		r.pending = map[string]recheck{}
	}
	r.pending[id] = c
	if r.next.IsZero() || c.at.Before(r.next) {
		r.next = c.at
	}
}

// forget is called when a container has started, has ended or is gone.
func (r *rechecks) forget(id string) { delete(r.pending, id) }

// due returns the containers to be looked at now, and plans the looks after that.
func (r *rechecks) due(now time.Time) []string {
	if r.next.IsZero() || r.next.After(now) {
		return nil
	}
	r.next = time.Time{}
	var ids []string
	for id, c := range r.pending {
		if c.at.After(now) {
			r.plan(id, c)
			continue
		}
		ids = append(ids, id)
		if c.step++; c.step >= len(recheckAfter) {
			delete(r.pending, id)
			continue
		}
		r.plan(id, recheck{at: now.Add(recheckAfter[c.step]), step: c.step})
	}
	return ids
}
