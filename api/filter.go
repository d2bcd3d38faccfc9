package api

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tallyman/collector"
	"tallyman/engine"
)

// What a query of /api/v1/containers may hold.
const (
	maxContainers = 10000 // in one answer
	maxValues     = 32    // of a parameter that may be repeated
)

// listQuery says which containers a client wants, and in which order.
type listQuery struct {
	states  []engine.State
	engines []string
	name    func(string) bool // nil = any
	labels  []labelFilter
	sort    *sortKey // nil = as they are
	down    bool
	limit   int
}

// labelFilter wants a label, and its value to match if value is not nil.
type labelFilter struct {
	key   string
	value *glob
}

// parseListQuery reads the query of /api/v1/containers. The error tells the client what would be right.
func parseListQuery(query string) (*listQuery, error) {
	q := &listQuery{limit: maxContainers}
	return q, parseQuery(query,
		parameter{"state", maxValues, q.takeState},
		parameter{"name", 1, q.takeName},
		parameter{"label", maxValues, q.takeLabel},
		parameter{"engine", maxValues, func(value string) error {
			q.engines = append(q.engines, value)
			return nil
		}},
		parameter{"sort", 1, q.takeSort},
		parameter{"limit", 1, q.takeLimit},
	)
}

func (q *listQuery) takeState(value string) error {
	state := engine.State(value)
	if !slices.Contains(engine.States(), state) {
		return fmt.Errorf("there is no such state: the states are %s", stateNames())
	}
	q.states = append(q.states, state)
	return nil
}

// takeName takes a part of a name, or a pattern of the whole.
func (q *listQuery) takeName(value string) error {
	if !isGlob(value) {
		q.name = func(name string) bool { return strings.Contains(name, value) }
		return nil
	}
	g, err := newGlob(value)
	q.name = g.matches
	return err
}

// takeLabel takes a key, or a key and a pattern of its value. A value that is not shown cannot be found out by asking for it either.
func (q *listQuery) takeLabel(value string) error {
	key, pattern, valued := strings.Cut(value, "=")
	switch {
	case key == "":
		return errors.New("there is no key: want label=key, or label=key=value")
	case !valued:
		q.labels = append(q.labels, labelFilter{key: key})
		return nil
	case secret(key):
		return fmt.Errorf("the values of that key look secret and are not shown: want label=%s without a value", clipped(key))
	}
	g, err := newGlob(pattern)
	q.labels = append(q.labels, labelFilter{key, &g})
	return err
}

func (q *listQuery) takeSort(value string) error {
	key, down := strings.CutPrefix(value, "-")
	i := slices.IndexFunc(sortKeys(), func(k sortKey) bool { return k.name == key })
	if i < 0 {
		names := make([]string, 0, len(sortKeys()))
		for _, k := range sortKeys() {
			names = append(names, k.name)
		}
		return fmt.Errorf("want one of %s; with - before it, the largest come first", strings.Join(names, ", "))
	}
	q.sort, q.down = &sortKeys()[i], down
	return nil
}

func (q *listQuery) takeLimit(value string) error {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n < 1 || n > maxContainers {
		return fmt.Errorf("want a whole number from 1 to %d", maxContainers)
	}
	q.limit = int(n)
	return nil
}

// stateNames lists the states for people.
func stateNames() string {
	var names []string
	for _, state := range engine.States() {
		names = append(names, string(state))
	}
	return strings.Join(names, ", ")
}

// run gives the containers that a client wants, up to its limit, and how many there are without one.
func (q *listQuery) run(s *collector.Snapshot) (wanted []*collector.Container, total int) {
	for i := range s.Containers {
		if c := &s.Containers[i]; q.matches(c) {
			wanted = append(wanted, c)
		}
	}
	if q.sort != nil {
		q.sort.sort(wanted, q.down)
	}
	return wanted[:min(len(wanted), q.limit)], len(wanted)
}

// matches says whether a client wants a container.
func (q *listQuery) matches(c *collector.Container) bool {
	switch {
	case q.name != nil && !q.name(c.Name),
		q.engines != nil && !slices.Contains(q.engines, c.Engine),
		q.states != nil && (c.Facts == nil || !slices.Contains(q.states, c.Facts.State)):
		return false
	}
	for _, want := range q.labels {
		if c.Facts == nil {
			return false
		}
		value, ok := c.Facts.Labels[want.key]
		if !ok || want.value != nil && !want.value.matches(value) {
			return false
		}
	}
	return true
}
