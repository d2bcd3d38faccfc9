package engine

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// session is one stay with an engine, from the connect to its loss, which the event stream tells. One goroutine, run, owns all its state and
// the tracker; the others only ask the engine and send what it said.
type session struct {
	*Inventory
	info     Info
	stream   *eventStream // nil = it is refused, and the containers are listed now and then
	jobs     *jobs
	rechecks rechecks
	wait     sync.WaitGroup // every goroutine started here

	events     chan streamed
	inspects   chan answer
	lists      chan listAnswer
	imageLists chan imagesAnswer
	pings      chan error
	listing    bool // a list is under way
	listOnly   bool // inspects are refused, and no longer asked for
	images     imagesWatch
	pinging    bool // a ping is under way
	up         bool // the first list was published
	contact    time.Time
	published  time.Time // the latest publication, for minPublishInterval
	counting   time.Time // since when counts wait to be published; zero = none do

	// sync holds the containers of the latest list that are still to be inspected; nil = that is done.
	sync     map[string]listed
	listedAt time.Time

	// When something is due; zero = it is not.
	resyncAt, pingAt, patienceAt, retryAt, placeAt, publishAt time.Time
}

// streamed is what the event stream brought: an event, a skippable error, or, with ended, the error that ended it.
type streamed struct {
	event event
	err   error
	ended bool
}

// answer is the end of one inspect.
type answer struct {
	id  string
	in  inspected
	err error
}

// listAnswer is the end of one list.
type listAnswer struct {
	items  []listed
	err    error
	stream *eventStream // opened before the list, where it was refused at first; nil = it still is
}

const (
	// maxEventsAtOnce bounds how long events can keep the loop from its other work.
	maxEventsAtOnce = 256
	// maxEventsWaiting is how many events may wait for the loop. dockerd silently drops those that a slow reader leaves
	// unread beyond 1024.
	maxEventsWaiting = 1024
)

func newSession(i *Inventory, info Info, stream *eventStream) *session {
	return &session{
		Inventory: i,
		info:      info,
		stream:    stream,
		jobs:      newJobs(),
		events:    make(chan streamed, maxEventsWaiting),
		// Room for every answer that can be under way: no goroutine ever waits for the loop.
		inspects:   make(chan answer, maxInFlight),
		lists:      make(chan listAnswer, 1),
		imageLists: make(chan imagesAnswer, 1),
		pings:      make(chan error, 1),
		contact:    i.o.Now(),
	}
}

// run is the loop. It returns why the engine was lost, nil when ctx ended.
func (s *session) run(ctx context.Context) error {
	s.listen(ctx)
	s.startList(ctx)
	s.tracker.images.changed() // nobody knows what the stream has missed
	s.startImages(ctx)
	s.pingAt = time.Now().Add(s.o.Ping)
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case e := <-s.events:
			err = s.streamed(e)
		case a := <-s.inspects:
			err = s.inspected(a)
		case l := <-s.lists:
			err = s.listed(ctx, l)
		case l := <-s.imageLists:
			err = s.imagesListed(l)
		case e := <-s.pings:
			err = s.ponged(e)
		case <-wake.C:
		}
		if err == nil {
			err = s.drain()
		}
		if err != nil {
			s.publish(true) // what was learnt before the end, such as the exits of a stopping engine
			return err
		}
		s.due(ctx, time.Now())
		s.dispatch(ctx)
		s.publish(false)
		wake.Reset(s.untilNext())
	}
}

// listen has the stream read, if there is one.
func (s *session) listen(ctx context.Context) {
	if stream := s.stream; stream != nil {
		s.wait.Go(func() { s.read(ctx, stream) })
	}
}

// close ends the stream, if there is one.
func (s *session) close() {
	if s.stream != nil {
		s.stream.close()
	}
}

// read passes events on until the stream ends. It is the only reader: dockerd drops events of a reader that is slow.
func (s *session) read(ctx context.Context, stream *eventStream) {
	for {
		ev, skippable, err := stream.next()
		select {
		case s.events <- streamed{ev, err, err != nil && !skippable}:
		case <-ctx.Done():
			return
		}
		if err != nil && !skippable {
			return
		}
	}
}

// drain takes in the events that have already come, so that a burst costs one publication.
func (s *session) drain() error {
	for range maxEventsAtOnce {
		select {
		case e := <-s.events:
			if err := s.streamed(e); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// touch notes that the engine was heard.
func (s *session) touch() {
	s.contact = s.o.Now()
	s.pingAt = time.Now().Add(s.o.Ping)
}

// due does what its time has come for.
func (s *session) due(ctx context.Context, now time.Time) {
	if reached(&s.resyncAt, now) {
		s.startList(ctx)
		s.tracker.images.changed() // no event may have told of it
		s.imagesSoon()
	}
	if reached(&s.images.at, now) {
		s.startImages(ctx)
	}
	if reached(&s.pingAt, now) {
		s.startPing(ctx)
	}
	if reached(&s.patienceAt, now) {
		s.finishSync()
	}
	reached(&s.placeAt, now)
	for _, id := range s.rechecks.due(now) {
		s.jobs.ask(id, true)
	}
	s.retryAt = s.jobs.retry(now)
}

// reached says whether a time has come, and clears it then.
func reached(at *time.Time, now time.Time) bool {
	if at.IsZero() || at.After(now) {
		return false
	}
	*at = time.Time{}
	return true
}

// untilNext is the time to the next thing that is due.
func (s *session) untilNext() time.Duration {
	next := time.Time{}
	for _, at := range []time.Time{
		s.resyncAt, s.images.at, s.pingAt, s.patienceAt, s.retryAt, s.placeAt, s.publishAt, s.rechecks.next,
	} {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(time.Until(next), 0)
}

// dispatch starts as many inspects as the limits allow.
func (s *session) dispatch(ctx context.Context) {
	for {
		id := s.jobs.next(time.Now())
		if id == "" {
			break
		}
		s.wait.Go(func() {
			in, err := s.client.inspect(ctx, id)
			s.inspects <- answer{id, in, err}
		})
	}
	s.placeAt = time.Time{}
	if s.jobs.waiting() {
		s.placeAt = time.Now().Add(slowAfter / 4) // places are freed by age, too
	}
}

// startPing asks whether a silent engine is still there. One that hangs keeps its connections open and says nothing: only
// asking tells it from one where nothing happens.
func (s *session) startPing(ctx context.Context) {
	if s.pinging {
		return
	}
	s.pinging = true
	s.wait.Go(func() { s.pings <- s.client.ping(ctx) })
}

// ponged takes in the end of a ping.
func (s *session) ponged(err error) error {
	s.pinging = false
	if err != nil {
		return fmt.Errorf("ping a silent engine: %w", err)
	}
	s.touch()
	return nil
}

// publish makes a View of what changed, at once or, when the last one is only just out, in a moment.
func (s *session) publish(last bool) {
	s.publishAt = time.Time{}
	old := s.View()
	if !s.up && !last {
		return // half a list must not be taken for the whole
	}
	if old.Up && !s.tracker.changed() && old.LastContact.Equal(s.contact) {
		return
	}
	now := time.Now()
	if at := s.publishable(now); old.Up && !last && at.After(now) {
		s.publishAt = at
		return
	}
	s.published, s.counting = now, time.Time{}
	next := &View{
		Containers:  old.Containers,
		Up:          s.up,
		Problem:     old.Problem,
		Reason:      old.Reason,
		Synced:      old.Synced,
		LastContact: s.contact,
		Info:        s.info,
		Access:      s.access(),
		Events:      s.tracker.eventCounts(old.Events),
	}
	if s.up {
		next.Problem, next.Reason = "", ""
		next.Synced = s.listedAt
		next.Containers = s.tracker.containers(old.Containers)
	}
	s.view.Store(next)
}

// publishable says when the next View may be out. Counts alone wait a moment for the inspect that most events lead to, so
// that it needs not wait for them.
func (s *session) publishable(now time.Time) time.Time {
	if s.counting.IsZero() {
		s.counting = now
	}
	at := s.published.Add(minPublishInterval)
	if counted := s.counting.Add(minPublishInterval); !s.tracker.containersChanged() && counted.After(at) {
		return counted
	}
	return at
}
