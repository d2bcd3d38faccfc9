package engine

import (
	"context"
	"time"
)

// retryList is the time to the next attempt after a failed resync, at most.
const retryList = time.Minute

// streamed takes in what the event stream brought; the error is that which ended it.
func (s *session) streamed(e streamed) error {
	switch {
	case e.ended:
		return e.err
	case e.err != nil:
		s.o.Self.CollectError("/events", reason(e.err))
		s.resyncSoon() // whatever it was about
	default:
		s.touch()
		s.happened(e.event)
	}
	return nil
}

// happened takes in an event.
func (s *session) happened(ev event) {
	switch s.tracker.event(ev) {
	case inspect:
		if ev.action == "create" {
			s.rechecks.created(ev.id, time.Now())
		} else {
			s.rechecks.forget(ev.id)
		}
		if !s.jobs.ask(ev.id, true) {
			s.o.Self.CollectError("/events", "overflow")
			s.resyncSoon()
		}
	case forget:
		s.jobs.drop(ev.id)
		s.rechecks.forget(ev.id)
		s.arrived(ev.id)
	}
}

// resyncSoon plans a list for the near future; not at once, as what made it necessary may happen again.
func (s *session) resyncSoon() {
	at := time.Now().Add(min(s.o.Resync, 10*time.Second))
	if s.resyncAt.IsZero() || at.Before(s.resyncAt) {
		s.resyncAt = at
	}
}

// inspected takes in the end of an inspect. Only an engine that wants another API version ends the session: whether the
// engine is gone is for the event stream and the ping to say, one container that fails is one container.
func (s *session) inspected(a answer) error {
	gone := isNotFound(a.err)
	failed := a.err != nil && !gone
	if failed && isWrongVersion(a.err) {
		return a.err
	}
	stale, valid := s.jobs.done(a.id, failed, time.Now())
	item, syncing := s.sync[a.id]
	switch {
	case !valid:
	case gone:
		s.tracker.remove(a.id)
	case failed:
		s.tracker.settle(a.id)
		if syncing {
			s.tracker.fallback(item)
		}
	default:
		s.touch()
		s.tracker.inspected(a.in, stale, syncing && !stale)
	}
	if !stale || failed {
		s.arrived(a.id)
	}
	return nil
}

// startList asks for the complete list.
func (s *session) startList(ctx context.Context) {
	if s.listing {
		return
	}
	s.listing = true
	s.tracker.beginList()
	s.wait.Go(func() {
		items, err := s.client.list(ctx)
		s.lists <- listAnswer{items, err}
	})
}

// listed takes in a list: what it does not name is gone, what it names is inspected.
func (s *session) listed(l listAnswer) error {
	s.listing = false
	defer s.tracker.endList()
	s.resyncAt = time.Now().Add(s.o.Resync - time.Duration(s.o.Rand()*float64(s.o.Resync)/10))
	if l.err != nil {
		if !s.up || isWrongVersion(l.err) {
			return l.err
		}
		s.resyncAt = time.Now().Add(min(s.o.Resync, retryList))
		return nil
	}
	s.touch()
	s.listedAt = s.o.Now()
	ids := s.tracker.list(l.items)
	s.sync = make(map[string]listed, len(ids))
	for _, item := range l.items {
		s.sync[item.ID] = item
	}
	for _, id := range ids {
		s.jobs.ask(id, false)
	}
	for id := range s.sync {
		if s.tracker.entries[id] == nil {
			delete(s.sync, id) // destroyed meanwhile
		}
	}
	if len(s.sync) == 0 {
		s.finishSync()
	} else if !s.up {
		s.patienceAt = time.Now().Add(s.o.Patience)
	}
	return nil
}

// arrived notes that a container of the list was inspected.
func (s *session) arrived(id string) {
	if s.sync == nil {
		return
	}
	delete(s.sync, id)
	if len(s.sync) == 0 {
		s.finishSync()
	}
}

// finishSync makes the first list public. Inspects that are still under way come in later like any other; until then the
// list's word counts.
func (s *session) finishSync() {
	for _, item := range s.sync {
		s.tracker.fallback(item)
	}
	if len(s.sync) == 0 {
		s.sync = nil
	}
	s.patienceAt = time.Time{}
	if s.up {
		return
	}
	s.up = true
	s.outage.over()
	s.o.Log.Info("engine connected", "host", s.client.Host(), "version", s.info.Version,
		"api_version", s.info.APIVersion, "containers", len(s.tracker.entries))
}
