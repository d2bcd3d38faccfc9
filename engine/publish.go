package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// containers makes the list to publish. Without a change it returns previous itself; otherwise a copy, in which unchanged
// containers are still the same pointers.
func (t *tracker) containers(previous []*Container) []*Container {
	if !t.containersChanged() {
		return previous
	}
	if t.rewire {
		t.resolveOwners()
	}
	changed := t.reorder
	for e := range t.dirty {
		if e.known && e.current() != e.listedAs {
			changed = true // e.published is set from here on
		}
	}
	clear(t.dirty)
	if !changed {
		return previous
	}
	return t.arrange(previous)
}

// arrange puts the containers in order; a new sort is needed only when one came, went, or got another name.
func (t *tracker) arrange(previous []*Container) []*Container {
	out := make([]*Container, 0, len(t.entries))
	if !t.reorder {
		for _, old := range previous {
			if e := t.entries[old.ID]; e != nil {
				e.listedAs = e.published
				out = append(out, e.published)
			}
		}
		return out
	}
	t.reorder = false
	for _, e := range t.entries {
		if !e.known {
			continue
		}
		e.listedAs = e.published
		out = append(out, e.published)
	}
	slices.SortFunc(out, func(a, b *Container) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// maxJoins bounds the chain of containers that use each other's network.
const maxJoins = 8

// resolveOwners finds the container whose network namespace each one uses in the end.
func (t *tracker) resolveOwners() {
	t.rewire = false
	var names map[string]string
	if t.networks > 0 {
		names = make(map[string]string, len(t.entries))
		for id, e := range t.entries {
			names[e.facts.Name] = id
		}
	}
	for _, e := range t.entries {
		owner := t.owner(e, names)
		if owner != e.owner {
			e.owner = owner
			t.dirty[e] = struct{}{}
		}
	}
}

// owner follows "container:X" to the end. A name that nobody has stays as it is: it may come.
func (t *tracker) owner(e *entry, names map[string]string) string {
	ref := e.facts.NetworkOwner
	for range maxJoins {
		if ref == "" || ref == e.facts.ID {
			return ref
		}
		id := ref
		if !isID(ref) {
			id = t.byReference(ref, names)
		}
		next := t.entries[id]
		if next == nil || !next.known {
			return cmp.Or(id, ref)
		}
		if next.facts.NetworkOwner == id {
			return id
		}
		ref = next.facts.NetworkOwner
	}
	return ref
}

// byReference finds a container by name or by the beginning of its id, as the command line takes it; "" = none.
func (t *tracker) byReference(ref string, names map[string]string) string {
	if id, ok := names[strings.TrimPrefix(ref, "/")]; ok {
		return id
	}
	if len(ref) < 12 {
		return ""
	}
	for id := range t.entries {
		if strings.HasPrefix(id, ref) {
			return id
		}
	}
	return ""
}

// eventCounts makes the list to publish; previous itself when nothing was counted.
func (t *tracker) eventCounts(previous []EventCount) []EventCount {
	if !t.recount {
		return previous
	}
	t.recount = false
	out := make([]EventCount, 0, len(t.counts))
	for key, n := range t.counts {
		out = append(out, EventCount{Type: key.kind, Action: key.action, Count: n})
	}
	slices.SortFunc(out, func(a, b EventCount) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Action, b.Action))
	})
	return out
}

// changed says whether there is anything to publish.
func (t *tracker) changed() bool { return t.containersChanged() || t.recount }

func (t *tracker) containersChanged() bool { return len(t.dirty) > 0 || t.reorder }

// minPublishInterval bounds the cost of publishing when the engine sends events faster than anybody can look.
const minPublishInterval = 20 * time.Millisecond
