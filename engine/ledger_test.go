package engine

import (
	"math/rand/v2"
	"testing"
	"time"
)

// history is a made-up life of one container. Its events wait to be told, which may be late, in another order, twice, or
// never; inspects tell the truth of their moment.
type history struct {
	*script
	rand      *rand.Rand
	reordered bool
	lag       int // how many events may be untold when an inspect comes
	untold    []event
	// What happened, and what of it no event told.
	exits, restarts, kills, lost uint64
	last                         Container // as published last
}

// happen lets the container start, end, or lose a process for want of memory; an event about it waits.
func (h *history) happen() {
	action := "start"
	switch {
	case h.in.State == StateRunning && h.rand.IntN(5) == 0:
		h.tick()
		action, h.in.OOMKilled = "oom", true
		h.kills++
	case h.in.State == StateRunning:
		state, killed := StateExited, h.in.OOMKilled
		if h.rand.IntN(2) == 0 {
			state = StateRestarting
			h.restarts++
		}
		h.end([]int{0, 1, 137}[h.rand.IntN(3)], state)
		action, h.in.OOMKilled = "die", killed
		h.exits++
	default:
		if h.in.State == StateExited {
			h.in.restartCount = 0 // somebody started it
		}
		h.run()
	}
	at := h.now().Add(time.Duration(1+h.rand.IntN(5)) * time.Second)
	h.untold = append(h.untold, event{
		kind: "container", action: action, id: h.id, nano: at.UnixNano(), exitCode: h.in.ExitCode, hasCode: action == "die",
	})
}

// tell tells the next event, sometimes twice, or the next two in the wrong order.
func (h *history) tell() {
	n := min(1, len(h.untold))
	told := h.untold[:n]
	if h.reordered && len(h.untold) > 1 && h.rand.IntN(4) == 0 {
		n, told = 2, []event{h.untold[1], h.untold[0]}
	}
	h.untold = h.untold[n:]
	for _, ev := range told {
		for range 1 + h.rand.IntN(2) {
			h.tracker.event(ev)
		}
	}
	h.judge()
}

// lose forgets what was not told, as a broken stream does, and reconnects.
func (h *history) lose() {
	for _, ev := range h.untold {
		if ev.action == "die" {
			h.lost++
		}
	}
	h.untold = nil
	h.audit()
}

// judge checks that nothing that was counted is taken back, and that nothing is counted that did not happen. Kills are told by
// two, whose words can be brought together only where the events come in order and not much too late.
func (h *history) judge() {
	h.t.Helper()
	now, was := *h.tracker.entries[h.id].current(), h.last
	if now.Exits.Completed < was.Exits.Completed || now.Exits.Error < was.Exits.Error || now.Exits.Signal < was.Exits.Signal ||
		now.Exits.OOM < was.Exits.OOM || now.Restarts < was.Restarts || now.OOMKills < was.OOMKills || now.OOMKillsBefore < was.OOMKillsBefore {
		h.t.Fatalf("counts went back from %+v to %+v", was, now)
	}
	if now.Exits.total() > h.exits || now.Restarts > h.restarts || now.OOMKills > h.kills && h.lag < 3 && !h.reordered {
		h.t.Fatalf("more was counted (%+v, %d restarts, %d OOM kills) than the %d exits, %d restarts, %d OOM kills that happened",
			now.Exits, now.Restarts, now.OOMKills, h.exits, h.restarts, h.kills)
	}
	h.last = now
}

// live plays a life by chance, and lets everything that was not lost be told in the end.
func live(t *testing.T, seed uint64, reordered, lossy bool) *history {
	h := &history{script: newScript(t), rand: rand.New(rand.NewPCG(seed, 0)), reordered: reordered}
	h.lag = int(seed % 5)
	h.event("create")
	h.inspect()
	for range 60 {
		what := h.rand.IntN(12)
		for what >= 8 && len(h.untold) > h.lag {
			h.tell()
		}
		switch what {
		case 0, 1, 2, 3:
			h.happen()
		case 4, 5, 6, 7:
			h.tell()
		case 8, 9:
			h.inspect()
		case 10:
			h.audit()
		case 11:
			if lossy {
				h.lose()
			}
		}
		h.judge()
	}
	for len(h.untold) > 0 {
		h.tell()
	}
	h.inspect()
	h.audit()
	h.judge()
	return h
}

// TestLedger_everyOrder: however late events come, in pairs in the wrong order or twice, between whatever inspects and audits,
// each exit counts once; of those that no event told of, as many as can be known.
func TestLedger_everyOrder(t *testing.T) {
	var happened, unknown uint64
	for seed := range uint64(1500) {
		reordered, lossy := seed%2 == 0, seed%3 == 0
		h := live(t, seed, reordered, lossy)
		got := h.last.Exits.total()
		if got+h.lost < h.exits {
			t.Errorf("seed %d: got %+v of %d exits, of which %d were lost", seed, h.last.Exits, h.exits, h.lost)
		}
		if lossy {
			happened, unknown = happened+h.lost, unknown+h.exits-got
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("of %d exits that no event told of, %d could not be known", happened, unknown)
}
