package engine

import (
	"reflect"
	"time"
)

// Bounds of what an engine can make the tracker remember, beside its containers.
const (
	maxEventKinds = 256  // pairs of type and action
	maxSeen       = 1024 // events remembered to tell replays; the engine's own history holds 256
)

// tracker knows the containers of one engine and counts what happens to them. It does no I/O and reads no clock. It is not
// for concurrent use: Inventory.Run owns it.
type tracker struct {
	entries map[string]*entry
	counts  map[eventKind]uint64
	seen    seenEvents
	// lastNano is the time of the latest event, by the engine's clock.
	lastNano int64
	// destroyed are the containers destroyed while a list is under way, which may still name them; nil at other times.
	destroyed map[string]struct{}
	// generation counts the lists; see entry.born.
	generation int
	images     imageShelf
	// tell is given every event once; nil = nobody wants them.
	tell func(event)

	// What has changed since the latest publication.
	dirty    map[*entry]struct{}
	reorder  bool // containers came, went, or were renamed
	rewire   bool // network owners have to be resolved again
	recount  bool // only the event counts changed
	networks int  // entries whose network namespace is another container's
}

// entry is one container.
type entry struct {
	facts     Container  // as decoded: no counters, NetworkOwner as the engine wrote it
	known     bool       // facts are of an inspect or a list, not only an event's id
	inspected bool       // facts are of an inspect
	owner     string     // NetworkOwner, resolved
	published *Container // the latest made of the entry
	listedAs  *Container // the one in the latest published list
	// born is the generation of the list during which the entry came into being: that list may not name it yet.
	born int
	// met is the round of images.round during which it came into being.
	met   int
	image imageFacts
	ledger
}

type eventKind struct{ kind, action string }

func newTracker() *tracker {
	return &tracker{
		entries: map[string]*entry{},
		counts:  map[eventKind]uint64{},
		dirty:   map[*entry]struct{}{},
		seen:    newSeenEvents(),
	}
}

// verdict is what an event asks of the caller.
type verdict int

const (
	nothing   verdict = iota
	inspect           // ask the engine about the container
	forget            // the container is gone
	relist            // ask the engine for its images
	readdress         // ask the engine about the container that a network was connected to
)

// event takes in one event of the stream.
func (t *tracker) event(ev event) verdict {
	if t.seen.add(ev) {
		return nothing // a replay after a reconnect
	}
	if t.tell != nil {
		t.tell(ev)
	}
	t.lastNano = max(t.lastNano, ev.nano)
	t.count(ev)
	if ev.kind == "image" {
		t.images.changed()
		return relist
	}
	if ev.kind == "network" {
		return t.network(ev)
	}
	if ev.kind != "container" || !isID(ev.id) {
		return nothing
	}
	if ev.action == "destroy" || ev.action == "remove" { // podman's word
		t.remove(ev.id)
		if t.destroyed != nil {
			t.destroyed[ev.id] = struct{}{}
		}
		return forget
	}
	e := t.entries[ev.id]
	if e == nil {
		if len(t.entries) >= maxContainers {
			return nothing
		}
		e = t.add(ev.id)
		e.open = ev.action == "create"
	}
	switch ev.action {
	case "start":
		e.started(ev)
	case "die":
		e.died(ev)
	case "oom":
		e.oom(ev)
	}
	return inspect // which publishes the counts as well
}

// network judges an event of a network. Containers that start and end tell so themselves: only one that runs on has other addresses
// after it.
func (t *tracker) network(ev event) verdict {
	e := t.entries[ev.container]
	if e == nil || !e.facts.State.HasProcesses() || ev.action != "connect" && ev.action != "disconnect" {
		return nothing
	}
	return readdress
}

// count adds up docker_events_total.
func (t *tracker) count(ev event) {
	key := eventKind{ev.kind, ev.action}
	if _, ok := t.counts[key]; !ok && len(t.counts) >= maxEventKinds {
		return
	}
	t.counts[key]++
	t.recount = true
}

func (t *tracker) add(id string) *entry {
	e := &entry{facts: Container{ID: id}, born: t.generation, met: t.images.round}
	t.entries[id] = e
	return e
}

// remove drops a container and all that was counted for it.
func (t *tracker) remove(id string) {
	e := t.entries[id]
	if e == nil {
		return
	}
	delete(t.entries, id)
	delete(t.dirty, e)
	t.share(e, Container{})
	t.reorder, t.rewire = true, true
}

// beginList is called before a list is asked for.
func (t *tracker) beginList() {
	t.generation++
	t.destroyed = map[string]struct{}{}
}

// endList is called when a list came or failed, after list.
func (t *tracker) endList() { t.destroyed = nil }

// list takes in a list and returns the ids to inspect. What it does not name is gone, but for what came while it was made.
func (t *tracker) list(items []listed) []string {
	named := make(map[string]struct{}, len(items))
	ids := make([]string, 0, len(items))
	for _, item := range items {
		if _, gone := t.destroyed[item.ID]; gone {
			continue
		}
		named[item.ID] = struct{}{}
		ids = append(ids, item.ID)
		t.listed(item)
	}
	for id, e := range t.entries {
		if _, ok := named[id]; !ok && e.born < t.generation {
			t.remove(id)
		}
	}
	return ids
}

// listed takes in what the list says of one container: everything for one never inspected, name and state for others
// only through the inspect that follows.
func (t *tracker) listed(item listed) {
	e := t.entries[item.ID]
	if e == nil {
		e = t.add(item.ID)
	}
	if !e.inspected {
		t.replace(e, item.Container)
	}
}

// fallback keeps a container true whose inspect fails or takes long: name and state are as the list said just now, the
// rest as an earlier inspect did.
func (t *tracker) fallback(item listed) {
	e := t.entries[item.ID]
	if e == nil || !e.inspected || e.facts.State == item.State && e.facts.Name == item.Name {
		return
	}
	facts := e.facts
	facts.Name, facts.State = item.Name, item.State
	if !facts.State.HasProcesses() {
		facts.PID = 0
	}
	t.replace(e, facts)
}

// inspected takes in what inspect says. stale = an event came while it was under way, so a later one will say more;
// audit = compare the counts with it, to find what the stream missed.
func (t *tracker) inspected(in inspected, stale, audit bool) {
	e := t.entries[in.ID]
	if e == nil {
		if len(t.entries) >= maxContainers {
			return
		}
		e = t.add(in.ID)
	}
	t.replace(e, in.Container)
	e.observe(in, !e.inspected, stale, audit)
	e.inspected = true
	t.judgeImage(e)
}

// settle closes the books on a container whose inspect failed: an exit that waits for it is counted without.
func (t *tracker) settle(id string) {
	if e := t.entries[id]; e != nil {
		e.flush(false)
		t.dirty[e] = struct{}{}
	}
}

// replace gives an entry new facts.
func (t *tracker) replace(e *entry, facts Container) {
	if !e.known || e.facts.Name != facts.Name {
		t.reorder, t.rewire = true, true
	}
	t.share(e, facts)
	e.facts, e.known = facts, true
	t.dirty[e] = struct{}{}
}

// share keeps count of the containers that use another's network namespace.
func (t *tracker) share(e *entry, facts Container) {
	shares := func(c Container) int {
		if c.NetworkOwner != "" && c.NetworkOwner != c.ID {
			return 1
		}
		return 0
	}
	change := shares(facts) - shares(e.facts)
	if facts.NetworkOwner != e.facts.NetworkOwner || facts.NetworkMode != e.facts.NetworkMode {
		t.rewire = true
	}
	t.networks += change
}

// since is where to resume the event stream: a moment before the latest event, as engine 29 rounds times for older API
// versions, and events are not strictly in order. Zero = from now.
func (t *tracker) since() time.Time {
	if t.lastNano == 0 {
		return time.Time{}
	}
	return time.Unix(0, t.lastNano).Add(-time.Second)
}

// current makes what is to be published of an entry, or returns what was, when nothing changed.
func (e *entry) current() *Container {
	c := e.facts
	c.NetworkOwner = e.owner
	c.ImageCreated, c.ImageKnown, c.ImageStale = e.image.created, e.image.known, e.image.stale
	e.fill(&c)
	if e.published == nil || !reflect.DeepEqual(*e.published, c) {
		e.published = &c
	}
	return e.published
}

// seenEvents remembers the latest events. The time is exact enough as a part of the key: one engine renders one event
// always alike in one API version, and an engine that is replaced has forgotten its history.
type seenEvents struct {
	keys map[seenKey]struct{}
	ring []seenKey
	next int
}

type seenKey struct {
	nano       int64
	action, id string
}

func newSeenEvents() seenEvents {
	return seenEvents{keys: make(map[seenKey]struct{}, maxSeen), ring: make([]seenKey, maxSeen)}
}

// add remembers an event and says whether it was known.
func (s *seenEvents) add(ev event) bool {
	key := seenKey{ev.nano, ev.action, ev.id}
	if _, ok := s.keys[key]; ok {
		return true
	}
	delete(s.keys, s.ring[s.next])
	s.ring[s.next] = key
	s.keys[key] = struct{}{}
	s.next = (s.next + 1) % len(s.ring)
	return false
}
