package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// script drives a tracker by hand: every step is at a second of its own.
type script struct {
	t       *testing.T
	tracker *tracker
	id      string
	second  int64
	in      inspected
}

func newScript(t *testing.T) *script {
	s := &script{t: t, tracker: newTracker(), id: strings.Repeat("ab", 32)}
	s.in.Container = Container{ID: s.id, Name: "x", State: StateCreated, NetworkOwner: s.id}
	return s
}

func (s *script) now() time.Time { return time.Unix(1_700_000_000+s.second, 0).UTC() }

func (s *script) tick() { s.second += 10 }

// event sends an event now.
func (s *script) event(action string) { s.eventAt(action, s.now(), 0) }

func (s *script) eventAt(action string, at time.Time, code int) {
	s.tracker.event(event{kind: "container", action: action, id: s.id, nano: at.UnixNano(), exitCode: code, hasCode: action == "die"})
}

// run and end change what inspect would say.
func (s *script) run() {
	s.tick()
	s.in.State, s.in.Started, s.in.ExitCode, s.in.HasExited, s.in.OOMKilled = StateRunning, s.now(), 0, false, false
}

func (s *script) end(code int, state State) {
	s.tick()
	s.in.State, s.in.Finished, s.in.ExitCode, s.in.HasExited = state, s.now(), code, true
	if state == StateRestarting {
		s.in.restartCount++
	}
}

// die sends the "die" event of the latest end, which comes a little later.
func (s *script) die() { s.eventAt("die", s.in.Finished.Add(time.Second), s.in.ExitCode) }

func (s *script) inspect() { s.tracker.inspected(s.in, false, false) }

func (s *script) audit() { s.tracker.inspected(s.in, false, true) }

func (s *script) want(exits Exits, restarts, ooms uint64) {
	s.t.Helper()
	c := s.tracker.entries[s.id].current()
	if c.Exits != exits || c.Restarts != restarts || c.OOMKills != ooms {
		s.t.Errorf("got %+v, %d restarts, %d OOM kills; want %+v, %d, %d", c.Exits, c.Restarts, c.OOMKills, exits, restarts, ooms)
	}
}

func TestTracker_exitReasons(t *testing.T) {
	s := newScript(t)
	s.event("create")
	for _, code := range []int{0, 3, 128, 129, 137, 192, 193, 255, -1} {
		s.run()
		s.event("start")
		s.inspect()
		s.end(code, StateExited)
		s.die()
		s.inspect()
	}
	s.want(Exits{Completed: 1, Error: 5, Signal: 3}, 0, 0)
	s.run()
	s.event("start")
	s.in.OOMKilled = true // by a child; the container goes on
	s.event("oom")
	s.inspect()
	s.end(0, StateExited)
	s.die()
	s.inspect()
	s.want(Exits{Completed: 2, Error: 5, Signal: 3}, 0, 1) // it ended well all the same
	s.run()
	s.event("start")
	s.end(137, StateExited)
	s.in.OOMKilled = true // only inspect knows
	s.die()
	s.inspect()
	s.want(Exits{Completed: 2, Error: 5, Signal: 3, OOM: 1}, 0, 2)
	s.run()
	s.event("start")
	s.event("oom") // only the event knows
	s.end(137, StateExited)
	s.die()
	s.run()
	s.event("start")
	s.inspect()
	s.want(Exits{Completed: 2, Error: 5, Signal: 3, OOM: 2}, 0, 3)
	s.end(137, StateExited)
	s.die()
	s.inspect()
	s.want(Exits{Completed: 2, Error: 5, Signal: 4, OOM: 2}, 0, 3) // the oom before was of another run
}

// TestTracker_oomKillsOnce: a kill counts once, whether the event, the inspect after the exit, or both tell of it.
func TestTracker_oomKillsOnce(t *testing.T) {
	s := newScript(t)
	s.event("create")
	want := func(what string, kills, before uint64) {
		t.Helper()
		c := s.tracker.entries[s.id].current()
		if c.OOMKills != kills || c.OOMKillsBefore != before {
			t.Errorf("%s: got %d kills, %d before this run; want %d, %d", what, c.OOMKills, c.OOMKillsBefore, kills, before)
		}
	}
	begin := func() {
		s.run()
		s.event("start")
		s.inspect()
	}
	end := func(flag bool) {
		s.end(137, StateExited)
		s.in.OOMKilled = flag
		s.die()
		s.inspect()
	}
	begin()
	s.event("oom")
	end(true)
	want("event, then flag", 1, 0)
	begin()
	want("a new run", 1, 1)
	end(true)
	want("only the flag", 2, 1)
	s.tick()
	s.event("oom")
	s.inspect()
	want("the event came late", 2, 1)
	begin()
	s.event("oom")
	s.tick()
	s.event("oom")
	want("two children killed", 4, 2)
	end(true)
	want("and the container with the second", 4, 2)
	begin()
	end(false)
	want("a run without", 4, 4)
	s.run() // the inspect is faster than the event
	s.in.Started = s.now().Add(-time.Second)
	s.inspect()
	want("a run of which only the inspect tells", 4, 4)
	s.event("oom")
	s.tick()
	s.event("start")
	s.inspect()
	want("the start comes late", 5, 4)
	s.end(137, StateExited)
	s.die()
	s.run()
	s.inspect()
	want("the next run, before its start", 5, 5)
	s.event("start")
	want("and after it", 5, 5)
	end(false)
	s.run() // its start is missed
	s.end(137, StateExited)
	s.die()
	s.tick()
	s.event("oom")
	s.inspect()
	want("a start that was missed", 6, 5)
}

func TestTracker_exitsBeforeAreNotCounted(t *testing.T) {
	s := newScript(t)
	s.run()
	s.end(3, StateExited)
	s.in.restartCount = 7
	s.audit()
	s.want(Exits{}, 7, 0)
	s.audit()
	s.want(Exits{}, 7, 0)
	// The first thing heard of a container that ended long ago is a start.
	o := newScript(t)
	o.run()
	o.end(3, StateExited)
	o.run()
	o.event("start")
	o.audit()
	o.want(Exits{}, 0, 0)
}

func TestTracker_eachExitOnce(t *testing.T) {
	f := func(name string, want Exits, play func(*script)) {
		t.Helper()
		s := newScript(t)
		s.run()
		s.audit() // known from the list, running
		play(s)
		s.inspect()
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.want(want, s.in.restartCount, 0)
		})
	}
	f("event, inspect, audit", Exits{Error: 1}, func(s *script) { s.end(1, StateExited); s.die(); s.inspect(); s.audit(); s.audit() })
	f("event, audit", Exits{Error: 1}, func(s *script) { s.end(1, StateExited); s.die(); s.audit() })
	f("audit, event", Exits{Error: 1}, func(s *script) { s.end(1, StateExited); s.audit(); s.die(); s.inspect() })
	f("inspect, event", Exits{Error: 1}, func(s *script) { s.end(1, StateExited); s.inspect(); s.die() })
	f("missed event", Exits{Error: 1}, func(s *script) { s.end(1, StateExited); s.inspect(); s.audit(); s.audit() })
	f("missed event, then another exit", Exits{Error: 1, Signal: 1}, func(s *script) {
		s.end(1, StateExited)
		s.audit()
		s.run()
		s.event("start")
		s.end(143, StateExited)
		s.die()
	})
	f("missed exit and start, then another exit", Exits{Error: 1, Signal: 1}, func(s *script) {
		s.end(1, StateExited)
		s.run()
		s.audit() // it runs again: nobody knows how it ended
		s.end(143, StateExited)
		s.die()
	})
	f("missed five of a crash loop", Exits{Error: 5}, func(s *script) {
		for range 5 {
			s.run()
			s.end(1, StateRestarting)
		}
		s.audit()
		s.audit()
	})
	f("crash loop seen through events, inspected only at the end", Exits{Error: 5}, func(s *script) {
		for range 5 {
			s.run()
			s.event("start")
			s.end(1, StateRestarting)
			s.die()
		}
		s.audit()
		s.audit()
	})
	f("crash loop, every audit just before the event", Exits{Error: 5}, func(s *script) {
		for range 5 {
			s.run()
			s.event("start")
			s.end(1, StateRestarting)
			s.audit()
			s.die()
		}
	})
	f("replayed after a reconnect", Exits{Error: 1}, func(s *script) {
		s.end(1, StateExited)
		s.die()
		s.inspect()
		s.die()
	})
}

func TestTracker_restartsGoOnOverManualStarts(t *testing.T) {
	s := newScript(t)
	s.event("create")
	for _, count := range []uint64{0, 1, 2, 3, 0, 0, 1, 5, 2} {
		s.in.restartCount = count
		s.inspect()
	}
	s.want(Exits{}, 3+5+2, 0)
}

func TestTracker_staleInspectDoesNotBook(t *testing.T) {
	s := newScript(t)
	s.event("create")
	s.run()
	s.inspect()
	before := s.in
	s.end(137, StateExited)
	s.in.OOMKilled = true
	s.die()
	s.tracker.inspected(before, true, true)
	s.want(Exits{}, 0, 0)
	s.inspect()
	s.want(Exits{OOM: 1}, 0, 1)
}

func TestTracker_exitCodeOutlivesTheNextStart(t *testing.T) {
	s := newScript(t)
	s.run()
	s.inspect()
	if c := s.tracker.entries[s.id].current(); c.HasExited {
		t.Error("an exit that nobody saw")
	}
	s.end(7, StateRestarting)
	s.die()
	s.inspect()
	s.run()
	s.event("start")
	s.inspect()
	if c := s.tracker.entries[s.id].current(); !c.HasExited || c.ExitCode != 7 || c.State != StateRunning {
		t.Errorf("got %+v", c)
	}
}

func TestTracker_memoryIsBounded(t *testing.T) {
	tr := newTracker()
	for n := range 20_000 {
		id := fmt.Sprintf("%064x", n)
		tr.event(event{kind: "container", action: "create", id: id, nano: int64(n*2 + 1)})
		tr.event(event{kind: "container", action: fmt.Sprint("kind", n), id: id, nano: int64(n*2 + 1)})
		tr.event(event{kind: "container", action: "destroy", id: id, nano: int64(n*2 + 2)})
		tr.event(event{kind: "network", action: "connect", id: "n", nano: int64(n*2 + 2)})
	}
	if len(tr.entries) > 0 || len(tr.dirty) > 0 || len(tr.destroyed) > 0 || len(tr.counts) > maxEventKinds || len(tr.seen.keys) > maxSeen {
		t.Errorf("kept %d entries, %d dirty, %d destroyed, %d counts, %d seen",
			len(tr.entries), len(tr.dirty), len(tr.destroyed), len(tr.counts), len(tr.seen.keys))
	}
}

// fill gives a tracker n inspected containers and returns what it publishes.
func fill(tr *tracker, n int) []*Container {
	for k := range n {
		id := fmt.Sprintf("%064x", k)
		tr.inspected(inspected{Container: Container{
			ID: id, Name: fmt.Sprintf("c%05d", n-k), State: StateRunning, NetworkOwner: id, Labels: map[string]string{"a": "b"},
		}}, false, false)
	}
	return tr.containers(nil)
}

func TestTracker_unchangedContainersKeepTheirPointer(t *testing.T) {
	tr := newTracker()
	first := fill(tr, 300)
	if len(first) != 300 || first[0].Name != "c00001" {
		t.Fatalf("got %d containers, first %q", len(first), first[0].Name)
	}
	fill(tr, 300) // says the same again
	if again := tr.containers(first); &again[0] != &first[0] {
		t.Error("nothing changed, but another list")
	}
	changed := *first[7]
	changed.State = StatePaused
	tr.inspected(inspected{Container: changed}, false, false)
	second := tr.containers(first)
	for k := range second {
		if (second[k] == first[k]) != (k != 7) {
			t.Errorf("container %d: same pointer %v", k, second[k] == first[k])
		}
	}
	changed.Name = "zzz"
	tr.inspected(inspected{Container: changed}, false, false)
	third := tr.containers(second)
	if got := third[299]; got.Name != "zzz" || got.State != StatePaused {
		t.Errorf("not sorted after a rename: last is %+v", got)
	}
	if first[7].State != StateRunning || second[7].Name == "zzz" {
		t.Error("a published container was changed")
	}
}

func TestTracker_networkOwners(t *testing.T) {
	id := func(c string) string { return strings.Repeat(c, 64) }
	tr := newTracker()
	add := func(c, name, owner string) {
		tr.inspected(inspected{Container: Container{ID: id(c), Name: name, NetworkOwner: owner}}, false, false)
	}
	var list []*Container
	want := func(name, owner string) {
		t.Helper()
		list = tr.containers(list)
		for _, c := range list {
			if c.Name == name && c.NetworkOwner != owner {
				t.Errorf("%s: got owner %.12q, want %.12q", name, c.NetworkOwner, owner)
			}
		}
	}
	add("a", "by-name", "web")
	want("by-name", "web") // not there yet
	add("b", "web", id("b"))
	want("by-name", id("b"))
	want("web", id("b"))
	add("c", "by-short-id", strings.Repeat("b", 12))
	want("by-short-id", id("b"))
	add("d", "by-id", id("b"))
	want("by-id", id("b"))
	add("e", "chain", id("a"))
	want("chain", id("b"))
	add("f", "host", "")
	add("1", "joined-host", id("f"))
	want("joined-host", "")
	add("2", "loop", id("3"))
	add("3", "pool", id("2"))
	list = tr.containers(list) // must end
	tr.remove(id("b"))
	want("by-id", id("b"))
	add("4", "unknown-id", id("9"))
	want("unknown-id", id("9"))
}

func TestTracker_list(t *testing.T) {
	tr := newTracker()
	old, young, gone, kept := strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64), strings.Repeat("4", 64)
	item := func(id string) listed {
		return listed{Container{ID: id, Name: "n" + id[:1], State: StateRunning, NetworkOwner: id}}
	}
	tr.beginList()
	tr.list([]listed{item(old), item(kept)})
	tr.endList()
	tr.beginList()
	tr.event(event{kind: "container", action: "create", id: young, nano: 1})
	removed := strings.Repeat("9", 64)
	tr.event(event{kind: "container", action: "create", id: removed, nano: 2})
	if got := tr.event(event{kind: "container", action: "remove", id: removed, nano: 3}); got != forget || tr.entries[removed] != nil {
		t.Errorf("podman's remove: got verdict %v", got)
	}
	tr.event(event{kind: "container", action: "destroy", id: gone, nano: 2})
	ids := tr.list([]listed{item(kept), item(gone)})
	tr.endList()
	if len(ids) != 1 || ids[0] != kept {
		t.Errorf("to inspect: %q", ids)
	}
	if tr.entries[old] != nil || tr.entries[gone] != nil || tr.entries[young] == nil || tr.entries[kept] == nil {
		t.Errorf("kept %v", tr.entries)
	}
	if list := tr.containers(nil); len(list) != 1 {
		t.Errorf("a container of which nothing is known was published: %d", len(list))
	}
}

func BenchmarkPublishOneOf3000(b *testing.B) {
	tr := newTracker()
	list := fill(tr, 3000)
	facts := *list[1000]
	b.ReportAllocs()
	for b.Loop() {
		facts.FailingStreak++
		tr.inspected(inspected{Container: facts}, false, false)
		list = tr.containers(list)
	}
}
