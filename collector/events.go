package collector

import (
	"context"

	"tallyman/engine"
)

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

// Events gives up to limit of the latest events of all engines, the oldest first; limit <= 0 = all that are remembered.
func (c *Collector) Events(limit int) []Event { return nil }

// Follow gives every event after the one numbered seq that is still remembered, and then those that come, until ctx ends.
func (c *Collector) Follow(ctx context.Context, seq uint64) (*Follower, error) { return nil, nil }
