package collector

import (
	"context"
	"time"

	"tallyman/engine"
)

// maxUrgent is how many containers may wait to be read before they end.
const maxUrgent = 64

// Happened takes in an event of an engine, by its Engine.Name. It waits for nothing: it is for engine.Config.OnEvent.
func (c *Collector) Happened(from string, ev engine.Event) {
	k := key{from, ev.ID}
	c.hub.add(from, ev)
	var facts *engine.Container
	if ev.Action == "die" { // the last chance: it may be removed at once
		facts = c.facts(k)
	}
	c.runs.happened(k, ev, facts, c.opts.Now())
	// Whoever is about to be killed can still be read, if that is done at once.
	if c.opts.HistoryInterval > 0 && ev.Type == "container" && (ev.Action == "kill" || ev.Action == "oom") {
		select {
		case c.urgent <- k:
		default:
		}
	}
}

// facts gives what an engine says of a container; nil = nothing.
func (c *Collector) facts(k key) *engine.Container {
	for _, e := range c.engines {
		if e.Name() != k.engine {
			continue
		}
		for _, f := range e.View().Containers {
			if f.ID == k.id {
				return f
			}
		}
	}
	return nil
}

// lookAtRuns takes in what the engines say, for the runs of their containers.
func (c *Collector) lookAtRuns(views []*engine.View) {
	now := c.opts.Now()
	for i, e := range c.engines {
		c.runs.look(e.Name(), views[i], now)
	}
}

// remember takes in what a collection has read of all containers.
func (c *Collector) remember(now time.Time, views []*engine.View) {
	c.lookAtRuns(views)
	c.runs.read(c.readings)
	c.history.record(now, c.readings)
	c.opts.Self.Remembered(c.history.size())
}

// note keeps what was read of a container, or of the host, for remember.
func (c *Collector) note(k key, t *tracked) {
	r := reading{key: k, facts: t.facts, at: t.at}
	if t.latest.Source != SourceNone {
		r.stats = &t.latest.Stats
	}
	c.readings = append(c.readings, r)
}

// peek reads some containers that may end soon. It needs the turn.
func (c *Collector) peek(keys []key) {
	if len(keys) == 0 {
		return
	}
	c.lookAtRuns(c.views())
	for _, k := range keys {
		f := c.runs.present(k)
		for i, e := range c.engines {
			if f != nil && e.Name() == k.engine {
				c.peekAt(c.engines[i], k, f)
			}
		}
	}
}

// peekAt reads one container where its numbers came from before.
func (c *Collector) peekAt(e *followed, k key, f *engine.Container) {
	t := e.track(k.id, c.round)
	now := c.opts.Now()
	n := Container{Name: f.Name}
	n.Stats.Reset()
	if c.opts.Source == SourceEngine || c.opts.Source == "" && !e.local {
		at, err := c.readStream(e, f, &n, now)
		if err == nil {
			c.runs.read([]reading{{key: k, facts: f, at: at, stats: &n.Stats}})
		}
		return
	}
	t.aim(f, &e.View().Info)
	if err := c.readCgroup(e, t, &n, now); err == nil {
		c.runs.read([]reading{{key: k, facts: f, at: now, stats: &n.Stats}})
	}
}

// tick takes a snapshot when nobody has asked for one lately, and says when it is to be called again.
func (c *Collector) tick(ctx context.Context) time.Duration {
	interval := max(c.opts.HistoryInterval, c.history.spacing())
	age := func() time.Duration {
		if s := c.last.Load(); s != nil {
			return c.opts.Now().Sub(s.kernelTime)
		}
		return interval
	}
	if age() >= interval {
		_, _ = c.Snapshot(ctx) // the only error is ctx's
	}
	return max(interval-age(), time.Second)
}

// tidy closes what is open of containers that have no processes any more, and forgets those that are gone.
func (c *Collector) tidy() {
	for _, e := range c.engines {
		known := map[string]bool{} // whether it has processes
		for _, f := range e.View().Containers {
			known[f.ID] = f.State.HasProcesses()
		}
		for id, t := range e.tracked {
			running, there := known[id]
			if !running {
				t.close()
			}
			if !there {
				delete(e.tracked, id)
				c.history.forget(key{e.Name(), id})
			}
		}
	}
}

// close closes everything that is open.
func (c *Collector) close() {
	for _, e := range c.engines {
		for _, t := range e.tracked {
			t.close()
		}
	}
	if c.host != nil {
		c.host.close()
	}
	for _, t := range c.slices {
		t.close()
	}
}
