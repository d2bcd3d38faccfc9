package scrape

import (
	"fmt"
	"slices"
	"strings"
)

// Counters watches the counters of successive pages of one tallyman: none may go back. The kernel's begin anew with each cgroup, but
// not within one. The zero value has seen nothing, and knows no cgroups. Not for concurrent use.
type Counters struct {
	// Birth tells one cgroup from the next one of the same id, without tallyman and the engine: either may say late that a container
	// runs anew, and the engine never does when it dies, or is told to stop the container, while it starts it.
	Birth func(id string) string

	last     map[string]counter // by series
	births   map[string]string  // by id, after the page before
	wrong    []string
	compared int
}

// counter is the latest value of a counter.
type counter struct {
	value float64
	// births are those after its page, and after the page before.
	births [2]string
}

// Take compares a page with those before it. It is to be called at once when the page has come.
func (c *Counters) Take(p Page) {
	if c.last == nil {
		c.last, c.births = map[string]counter{}, map[string]string{}
	}
	births := map[string]string{}
	for family, samples := range p {
		if !strings.HasSuffix(family, "_total") {
			continue
		}
		for _, s := range samples {
			id := s.Labels["id"]
			if _, known := births[id]; !known && c.Birth != nil {
				births[id] = c.Birth(id)
			}
			c.take(family, s, births[id])
		}
	}
	c.births = births
}

func (c *Counters) take(family string, s Sample, birth string) {
	id := s.Labels["id"]
	series := Series(family, s.Labels) + " of " + id
	was, known := c.last[series]
	c.last[series] = counter{s.Value, [2]string{birth, c.births[id]}}
	if !known {
		return
	}
	c.compared++
	// A cgroup may have been made between a page and the look at it, so that the one before the page counts, too.
	if s.Value >= was.value || perRun(family, id) && was.births != [2]string{birth, birth} {
		return
	}
	c.wrong = append(c.wrong, fmt.Sprintf("%s %s went back from %v to %v", s.Labels["name"], series, was.value, s.Value))
}

// perRun says whether a counter is of one run of a container, and so of one cgroup.
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
func (c *Counters) Wrong() []string { return slices.Sorted(slices.Values(c.wrong)) }
