package api

import (
	"log/slog"
	"slices"

	"tallyman/api/metrics"
	"tallyman/internal/self"
)

// guard keeps the number of series below a bound, by leaving out whole groups. It is not for concurrent use.
type guard struct {
	most    int // 0 = any number
	enabled metrics.Selection
	self    *self.Metrics
	log     *slog.Logger

	// left are the groups that are left out, in the order of metrics.Dispensable.
	left []leftOut
	// beyond says that the bound is not kept although all that can be left out is.
	beyond bool
}

// leftOut is a group that is not served for the time being.
type leftOut struct {
	group              metrics.Group
	series, containers int // how many there were when it was left out
}

// newGuard returns a guard.
func newGuard(o Options) *guard {
	return &guard{most: o.MaxSeries, enabled: o.Groups, self: o.Self, log: o.Log}
}

// allowed gives the part of a selection that may be served.
func (g *guard) allowed(sel metrics.Selection) metrics.Selection {
	for _, l := range g.left {
		sel = sel.With(l.group, false)
	}
	return sel
}

// fits judges a rendering by the number of its series, and of the host's containers. It says false when it has left out groups for
// which there is no room: the others are to be rendered anew.
func (g *guard) fits(series map[metrics.Group]int, containers int) bool {
	total := g.count(series)
	if g.most == 0 {
		return true
	}
	if total > g.most {
		return !g.leaveOut(series, total, containers)
	}
	g.beyond = false
	g.takeBack(total, containers)
	return true
}

// count tells how many series there are, by group, and gives their sum.
func (g *guard) count(series map[metrics.Group]int) (total int) {
	for group, n := range series {
		total += n
		g.self.Series(string(group), n)
	}
	return total
}

// leaveOut leaves out groups until the others fit. It says whether there were any.
func (g *guard) leaveOut(series map[metrics.Group]int, total, containers int) (some bool) {
	for _, group := range metrics.Dispensable() {
		n := series[group]
		if n == 0 || total <= g.most {
			continue
		}
		total, some = total-n, true
		g.left = append(g.left, leftOut{group, n, containers})
		g.self.GroupLeftOut(string(group), true)
		g.log.Warn("group of metrics is left out: there are too many series", "group", group, "series", n, "limit", g.most,
			"help", "raise --collector.max-series, or switch off groups that nobody needs")
	}
	if total > g.most && !g.beyond {
		g.beyond = true
		g.log.Warn("there are too many series, and nothing more can be left out", "series", total, "limit", g.most)
	}
	return some
}

// takeBack lets the groups that were left out last be served again, from the next rendering on, once there seems to be room for
// them, and some to spare.
func (g *guard) takeBack(total, containers int) {
	const spare = 10 // percent
	for len(g.left) > 0 {
		l := g.left[len(g.left)-1]
		total += l.series * max(containers, 1) / max(l.containers, 1)
		if total > g.most-g.most*spare/100 {
			return
		}
		g.left = slices.Delete(g.left, len(g.left)-1, len(g.left))
		g.self.GroupLeftOut(string(l.group), false)
		g.log.Info("group of metrics is served again", "group", l.group, "limit", g.most)
	}
}
