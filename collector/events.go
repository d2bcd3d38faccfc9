package collector

import (
	"context"
	"sync"
	"sync/atomic"

	"tallyman/engine"
)

// maxEvents is how many events are remembered. A follower that is further behind is dropped.
const maxEvents = 1000

// Event is an event of an engine, numbered as tallyman received it.
type Event struct {
	engine.Event

	Seq    uint64 // grows by one from event to event, over all engines; begins at 1
	Engine string // as Container.Engine
}

// Follower is given events as they come.
type Follower struct {
	// Events has the events. It is closed when the context of Follow ends, and when its reader is too slow.
	Events <-chan Event
	// Dropped says, once Events is closed, that the reader was too slow.
	Dropped func() bool
}

// hub remembers the latest events and lets any number of followers read them. All share one memory: a follower costs a goroutine
// and a number. It is safe for concurrent use.
type hub struct {
	mu sync.Mutex // guards the fields below
	// ring holds the latest events; see at.
	ring []Event
	last uint64 // number of the latest event; 0 = there was none
	// news is closed when there is another event.
	news chan struct{}
}

func newHub() *hub { return &hub{news: make(chan struct{})} }

// add numbers an event and remembers it.
func (h *hub) add(from string, ev engine.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	if len(h.ring) < maxEvents {
		h.ring = append(h.ring, Event{})
	}
	*h.at(h.last) = Event{Event: ev, Seq: h.last, Engine: from}
	close(h.news)
	h.news = make(chan struct{})
}

// at is the place of an event that is remembered, by its number. The caller holds mu.
func (h *hub) at(seq uint64) *Event { return &h.ring[(seq-1)%maxEvents] }

// oldest is the number of the oldest event that is remembered; 1 when there was none. The caller holds mu.
func (h *hub) oldest() uint64 {
	if h.last < maxEvents {
		return 1
	}
	return h.last - maxEvents + 1
}

// latest gives up to limit of the latest events, the oldest first; limit <= 0 = all.
func (h *hub) latest(limit int) []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := h.oldest()
	if n := uint64(max(limit, 0)); n > 0 && h.last-from+1 > n {
		from = h.last - n + 1
	}
	out := make([]Event, 0, h.last+1-from)
	for seq := from; seq <= h.last; seq++ {
		out = append(out, *h.at(seq))
	}
	return out
}

// start is the number of the first event for a follower who has seen that numbered seen. A number that was never given is of an
// earlier process: all is news then.
func (h *hub) start(seen uint64) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen > h.last {
		seen = 0
	}
	return max(seen+1, h.oldest())
}

// next gives an event by its number, or, when it has not come yet, what is closed when it comes. forgotten = it came and is
// remembered no more.
func (h *hub) next(seq uint64) (ev Event, news <-chan struct{}, forgotten bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case seq > h.last:
		return Event{}, h.news, false
	case seq < h.oldest():
		return Event{}, nil, true
	}
	return *h.at(seq), nil, false
}

// follow gives to a channel every event from the one numbered seq on, until ctx ends or the reader is too slow, which it says.
func (h *hub) follow(ctx context.Context, seq uint64, to chan<- Event) (dropped bool) {
	for {
		ev, news, forgotten := h.next(seq)
		switch {
		case forgotten:
			return true
		case news != nil:
			select {
			case <-news:
			case <-ctx.Done():
				return false
			}
			continue
		}
		if sent, dropped := h.send(ctx, ev, to); !sent {
			return dropped
		}
		seq++
	}
}

// send waits until the reader takes an event, but not for longer than the event is remembered.
func (h *hub) send(ctx context.Context, ev Event, to chan<- Event) (sent, dropped bool) {
	for {
		h.mu.Lock()
		news, late := h.news, ev.Seq < h.oldest()
		h.mu.Unlock()
		if late {
			return false, true
		}
		select {
		case to <- ev:
			return true, false
		case <-news:
		case <-ctx.Done():
			return false, false
		}
	}
}

// Events gives up to limit of the latest events of all engines, the oldest first; limit <= 0 = all that are remembered, which are
// the latest 1000. What health checks and people execute in containers is not among them: it would push out all else.
func (c *Collector) Events(limit int) []Event { return c.hub.latest(limit) }

// Follow gives every event after the one numbered seq that is still remembered, and then those that come, until ctx ends. A number
// that was not given yet is taken for that of an earlier process: all that is remembered is given then. A reader who is
// more than 1000 events late is dropped. There is no error yet.
func (c *Collector) Follow(ctx context.Context, seq uint64) (*Follower, error) {
	events := make(chan Event)
	var dropped atomic.Bool
	first := c.hub.start(seq)
	go func() {
		defer close(events)
		dropped.Store(c.hub.follow(ctx, first, events))
	}()
	return &Follower{Events: events, Dropped: dropped.Load}, nil
}
