package scrape

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Counters watches the counters of successive pages of one tallyman: none may go back. The kernel's begin anew with each run of
// a container, but not within one. The zero value has seen nothing. Not for concurrent use.
type Counters struct {
	last     map[string]float64 // by series
	starts   map[string]float64 // by id: container_start_time_seconds
	suspects map[string]suspect // by series
	wrong    []string
	compared int
}

// suspect is a counter of the kernel that went back in a run of which, perhaps, tallyman did not know yet that it is another.
type suspect struct {
	id, what string
	start    float64
}

// Take compares a page with those before it.
func (c *Counters) Take(p Page) {
	if c.last == nil {
		c.last, c.starts, c.suspects = map[string]float64{}, map[string]float64{}, map[string]suspect{}
	}
	starts := map[string]float64{}
	for _, s := range p["container_start_time_seconds"] {
		starts[s.Labels["id"]] = s.Value
	}
	for series, s := range c.suspects {
		if now, known := starts[s.id]; !known || now != s.start {
			delete(c.suspects, series) // another run, or removed
		}
	}
	for family, samples := range p {
		if !strings.HasSuffix(family, "_total") {
			continue
		}
		for _, s := range samples {
			c.take(family, s, starts)
		}
	}
	maps.Copy(c.starts, starts)
}

func (c *Counters) take(family string, s Sample, starts map[string]float64) {
	id := s.Labels["id"]
	series := Series(family, s.Labels) + " of " + id
	was, known := c.last[series]
	c.last[series] = s.Value
	if !known {
		return
	}
	c.compared++
	if s.Value >= was {
		return
	}
	what := fmt.Sprintf("%s %s went back from %v to %v", s.Labels["name"], series, was, s.Value)
	switch {
	case !perRun(family, id):
		c.wrong = append(c.wrong, what)
	case starts[id] == c.starts[id]:
		c.suspects[series] = suspect{id, what, starts[id]}
	}
}

// perRun says whether a counter is of one run of a container.
func perRun(family, id string) bool {
	switch family {
	case "container_exits_total", "container_restarts_total", "container_oom_events_total":
		return false
	}
	return id != "" && id != "/"
}

// Compared is how many values were compared with earlier ones.
func (c *Counters) Compared() int { return c.compared }

// Wrong lists the counters that went back.
func (c *Counters) Wrong() []string {
	out := slices.Clone(c.wrong)
	for _, s := range c.suspects {
		out = append(out, s.what)
	}
	slices.Sort(out)
	return out
}
