package engine

import "time"

// Limits of the inspects that are under way at once. dockerd can hang on one container while it is well otherwise, so an
// inspect that takes long gives up its place, and a container that hung is left alone for a while.
const (
	maxYoung      = 4  // inspects younger than slowAfter
	maxBackground = 3  // of these, for a resync; one place is always left for events
	maxInFlight   = 16 // all together
	maxWaiting    = 8192
	slowAfter     = time.Second
	retryMin      = time.Second
	retryMax      = 5 * time.Minute
)

// jobs decides which container is to be inspected next: each at most once at a time, a burst of events only once more.
// It does no I/O and is not for concurrent use.
type jobs struct {
	byID       map[string]*job
	urgent     []string // event-driven
	background []string // of a resync
	inFlight   map[string]*job
	failed     map[string]*job // those with a retryAt
}

// job is what is known of the inspects of one container. It is dropped when there is nothing left to remember.
type job struct {
	queued, urgent bool
	started        time.Time // zero = not in flight
	again          bool      // an event came while it was in flight
	dropped        bool      // the container was destroyed while it was in flight
	failures       int
	retryAt        time.Time // zero = no retry planned
}

func newJobs() *jobs {
	return &jobs{byID: map[string]*job{}, inFlight: map[string]*job{}, failed: map[string]*job{}}
}

// ask queues an inspect. It says false when too many are waiting: then only a resync helps.
func (q *jobs) ask(id string, urgent bool) bool {
	j := q.byID[id]
	if j == nil {
		if urgent && len(q.byID) >= maxWaiting {
			return false
		}
		j = q.inFlight[id]
		if j == nil {
			j = &job{}
		}
		j.dropped = false
		q.byID[id] = j
	}
	switch {
	case !j.started.IsZero():
		j.again = j.again || urgent
	case !j.retryAt.IsZero():
		// It failed lately: the retry will see this change as well.
	case urgent && !(j.queued && j.urgent):
		j.queued, j.urgent = true, true // the place in background, if any, is passed over
		q.urgent = append(q.urgent, id)
	case !j.queued:
		j.queued = true
		q.background = append(q.background, id)
	}
	return true
}

// drop forgets a container that is gone.
func (q *jobs) drop(id string) {
	if j := q.byID[id]; j != nil {
		j.dropped = true
		delete(q.byID, id)
		delete(q.failed, id)
	}
}

// clear forgets all but what is in flight, whose answers count no more.
func (q *jobs) clear() {
	for _, j := range q.inFlight {
		j.dropped = true
	}
	clear(q.byID)
	clear(q.failed)
	q.urgent, q.background = nil, nil
}

// next takes a container to be inspected now; "" = none may be.
func (q *jobs) next(now time.Time) string {
	young := 0
	for _, j := range q.inFlight {
		if now.Sub(j.started) < slowAfter {
			young++
		}
	}
	if young >= maxYoung || len(q.inFlight) >= maxInFlight {
		return ""
	}
	id := q.pop(&q.urgent, true)
	if id == "" && young < maxBackground {
		id = q.pop(&q.background, false)
	}
	if id == "" {
		return ""
	}
	j := q.byID[id]
	j.queued, j.urgent, j.started = false, false, now
	q.inFlight[id] = j
	return id
}

// pop takes the first id of a queue that still has its place there.
func (q *jobs) pop(queue *[]string, urgent bool) string {
	for len(*queue) > 0 {
		id := (*queue)[0]
		j := q.byID[id]
		*queue = (*queue)[1:]
		if j != nil && j.queued && j.urgent == urgent {
			return id
		}
	}
	*queue = nil
	return ""
}

// done takes in the end of an inspect. stale = an event came meanwhile; valid = the answer still counts.
func (q *jobs) done(id string, failed bool, now time.Time) (stale, valid bool) {
	j := q.inFlight[id]
	delete(q.inFlight, id)
	if j == nil || j.dropped {
		return false, false
	}
	stale = j.again
	j.again, j.started = false, time.Time{}
	if failed {
		j.retryAt = now.Add(min(retryMin<<min(j.failures, 16), retryMax))
		j.failures++
		q.failed[id] = j
		return stale, true
	}
	j.failures = 0
	delete(q.byID, id)
	if stale {
		q.ask(id, true)
	}
	return stale, true
}

// retry queues what has waited long enough after a failure, and says when the next one is due; zero = none.
func (q *jobs) retry(now time.Time) (next time.Time) {
	for id, j := range q.failed {
		switch {
		case !j.retryAt.After(now):
			j.retryAt = time.Time{}
			delete(q.failed, id)
			q.ask(id, true)
		case next.IsZero() || j.retryAt.Before(next):
			next = j.retryAt
		}
	}
	return next
}

// waiting says whether an inspect is queued.
func (q *jobs) waiting() bool { return len(q.urgent)+len(q.background) > 0 }
