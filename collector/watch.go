package collector

import (
	"strings"
	"time"

	"tallyman/cgroups"
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
	if ev.Type == "container" && !strings.HasPrefix(ev.Action, "exec") { // health checks come and go all the time
		select {
		case c.stirred <- struct{}{}:
		default:
		}
	}
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
	r := reading{key: k, facts: t.facts, at: t.at, known: t.latest.Source != SourceNone}
	if r.known {
		r.numbers = numbersOf(&t.latest.Stats)
	}
	c.readings = append(c.readings, r)
}

// peek glances at some containers that may end soon. It needs the turn.
func (c *Collector) peek(keys []key) {
	if len(keys) == 0 {
		return
	}
	views := c.views()
	c.lookAtRuns(views)
	for _, k := range keys {
		f := c.runs.present(k)
		for i, e := range c.engines {
			if f != nil && e.Name() == k.engine {
				c.runs.read([]reading{c.glanceAt(e, f, &views[i].Info)})
			}
		}
	}
}

// glance reads what is to be remembered of all containers, without making a snapshot: that would cost twice as much. It needs
// the turn.
func (c *Collector) glance() {
	now, views := c.opts.Now(), c.views()
	c.glanced, c.readings = now, append(c.readings[:0], c.glanceAtHost(now))
	for i, e := range c.engines {
		if c.opts.Source == "" && !e.local {
			c.search(e, views[i], now)
		}
		for _, f := range views[i].Containers {
			c.readings = append(c.readings, c.glanceAt(e, f, &views[i].Info))
		}
	}
	c.remember(now, views)
}

func (c *Collector) glanceAtHost(now time.Time) reading {
	c.openHost()
	var s cgroups.Stats
	_ = c.host.handle.Read(&s) // what is wrong with it is said when somebody asks
	return reading{at: now, known: true, numbers: numbersOf(&s)}
}

// glanceAt reads one container where its numbers came from before. What is wrong with it is said when somebody asks for a snapshot.
func (c *Collector) glanceAt(e *followed, f *engine.Container, info *engine.Info) reading {
	r := reading{key: key{e.Name(), f.ID}, facts: f, at: c.opts.Now()}
	if !f.State.HasProcesses() {
		return r
	}
	var n Container
	n.Stats.Reset()
	t := e.track(f.ID, c.round)
	if c.opts.Source == SourceEngine || c.opts.Source == "" && (!e.local || r.at.Before(t.searchAt)) {
		at, err := c.readStream(e, f, &n, r.at)
		r.at, r.known = at, err == nil
	} else {
		t.aim(f, info)
		err := readKept(t, &n, func() (*cgroups.Handle, error) { return c.kernel.Open(t.target) }, (*cgroups.Handle).Glance)
		r.known = err == nil || n.Source == SourceCgroup
	}
	if r.known {
		r.numbers = numbersOf(&n.Stats)
	}
	return r
}

// tick reads what is to be remembered when nobody has asked for a snapshot lately, and says when it is to be called again.
func (c *Collector) tick() time.Duration {
	interval := max(c.opts.HistoryInterval, c.history.spacing())
	now, latest := c.opts.Now(), c.glanced
	if s := c.last.Load(); s != nil && s.kernelTime.After(latest) {
		latest = s.kernelTime
	}
	if latest.IsZero() || now.Sub(latest) >= interval {
		c.inTurn(c.glance)
		latest = now
	}
	return max(interval-now.Sub(latest), time.Second)
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
