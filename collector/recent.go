package collector

import (
	"math"
	"time"
)

// mostGrowths bounds what is remembered of one count; beyond, the oldest are taken as one.
const mostGrowths = 16

// recentCount tells how much a count has grown within RecentFor.
type recentCount struct {
	known   bool // a count was seen before
	last    float64
	growths []growth // the oldest first; empty for nearly every container
}

// growth is how much a count was found to have grown at a time.
type growth struct {
	at time.Time
	by float64
}

// update takes in a count, and gives its recent growth. first says how much of a count that is met for the first time is known
// to have come at what time.
func (r *recentCount) update(now time.Time, count float64, first growth) float64 {
	switch {
	case math.IsNaN(count):
	case !r.known:
		r.known, r.last = true, count
		r.add(growth{first.at, min(first.by, count)})
	case count > r.last:
		r.add(growth{now, count - r.last})
		r.last = count
	default:
		r.last = count // an engine that has forgotten the container counts from 0
	}
	for len(r.growths) > 0 && now.Sub(r.growths[0].at) >= RecentFor {
		r.growths = r.growths[1:]
	}
	if len(r.growths) == 0 {
		r.growths = nil // lets go of the memory
	}
	sum := 0.0
	for _, g := range r.growths {
		sum += g.by
	}
	return sum
}

func (r *recentCount) add(g growth) {
	if g.by <= 0 || g.at.IsZero() {
		return
	}
	r.growths = append(r.growths, g)
	if len(r.growths) > mostGrowths {
		r.growths[1].by += r.growths[0].by
		r.growths = r.growths[1:]
	}
}

// unknownRecent is that of the host and of slices.
func unknownRecent() Recent { return Recent{OOMKills: math.NaN(), Restarts: math.NaN()} }

// recently tells what happened to a container lately. What had happened before it was first met is recent if its run is.
func (t *tracked) recently(n *Container, now time.Time) Recent {
	f := t.facts
	kills, restart := growth{f.Started, t.oom.run}, growth{}
	if !f.State.HasProcesses() {
		kills.at = f.Finished
	} else if f.Restarts > 0 {
		restart = growth{f.Started, 1}
	}
	r := Recent{OOMKills: t.kills.update(now, n.OOMKills, kills), Restarts: math.NaN()}
	if !f.Listed {
		r.Restarts = t.restarts.update(now, float64(f.Restarts), restart)
	}
	return r
}
