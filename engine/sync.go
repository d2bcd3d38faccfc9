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
		if s.listOnly {
			s.tracker.settle(ev.id)
			s.resyncSoon()
			return
		}
		if ev.action == "create" {
			s.rechecks.created(ev.id, time.Now())
		} else {
			s.rechecks.forget(ev.id)
		}
		if !s.jobs.ask(ev.id, true) {
			s.o.Self.CollectError("/events", "overflow")
			s.resyncSoon()
		}
	case readdress:
		if !s.listOnly {
			s.rechecks.moved(ev.container, time.Now())
		}
	case forget:
		s.jobs.drop(ev.id)
		s.rechecks.forget(ev.id)
		s.arrived(ev.id)
	case relist:
		s.imagesSoon()
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
	if failed && s.client.guard.accesses.refusals(inspectPattern) >= enoughRefusals {
		s.relyOnList()
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
		if s.listOnly {
			s.listOnly = false
			s.resyncSoon()
		}
	}
	if !stale || failed {
		s.arrived(a.id)
	}
	return nil
}

// enoughRefusals is how many inspects must have been refused, and none answered, until no more are asked for: an
// authorization plugin may forbid a few containers only.
const enoughRefusals = 5

// relyOnList goes on without inspects. One is tried after each list, as they may be allowed again.
func (s *session) relyOnList() {
	s.listOnly = true
	s.jobs.clear()
	s.rechecks = rechecks{}
	s.finishSync()
	s.sync = nil
}

// startList asks for the complete list. Where the event stream is refused, it is tried again first.
func (s *session) startList(ctx context.Context) {
	if s.listing {
		return
	}
	s.listing = true
	s.tracker.beginList()
	again := s.stream == nil && s.up
	s.wait.Go(func() {
		var l listAnswer
		if again {
			l.stream, _ = s.client.follow(ctx, time.Time{}) // the error is as before, or the list says it, too
		}
		l.items, l.err = s.client.list(ctx)
		s.lists <- l
	})
}

// listed takes in a list: what it does not name is gone, what it names is inspected.
func (s *session) listed(ctx context.Context, l listAnswer) error {
	s.listing = false
	defer s.tracker.endList()
	if l.stream != nil {
		s.stream = l.stream
		s.listen(ctx)
	}
	interval := s.o.Resync
	if s.stream == nil {
		interval = min(interval, s.o.Poll)
	}
	s.resyncAt = time.Now().Add(interval - time.Duration(s.o.Rand()*float64(interval)/10))
	if l.err != nil {
		if !s.up || s.stream == nil || isWrongVersion(l.err) {
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
	for id := range s.sync {
		if s.tracker.entries[id] == nil {
			delete(s.sync, id) // destroyed meanwhile
		}
	}
	if s.listOnly {
		s.relyOnList()
		ids = ids[:min(len(ids), 1)]
	}
	for _, id := range ids {
		s.jobs.ask(id, false)
	}
	if len(s.sync) == 0 {
		s.finishSync()
	} else if !s.up && s.patienceAt.IsZero() {
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
