package engine

import "time"

// ledger counts the restarts and exits of one container, each exit once.
//
// An exit is known twice: from its "die" event, which carries the exit code, and from State.FinishedAt of an inspect, which
// carries OOMKilled. The event leads; it is booked when the inspect that follows it has said whether the out-of-memory
// killer was involved. Only when the books are audited, after a gap in the stream and at each resync, does an exit count
// that no event told of. What ended before the container was first seen is not counted.
type ledger struct {
	exits Exits
	ooms  oomBook

	// open = the container was met by its "create" event, so that its exits count from the beginning.
	open bool
	// waiting is an exit told by an event and not booked yet.
	waiting *exit
	// runStarted and startTold are the times of the latest start, by the inspects and by the events.
	runStarted, startTold time.Time
	presumed              bool // a run has begun of which neither has told
	// booked is the engine's time up to which exits are accounted for.
	booked time.Time
	// prebooked = an audit has counted an exit whose "die" may still be on its way.
	prebooked bool
	// lastCode is the exit code of the latest exit; hasCode = it is known.
	lastCode int
	hasCode  bool

	restartBase  uint64 // restarts before RestartCount was last set back
	restartCount uint64 // RestartCount as last seen
	// auditedRestarts and auditedExits are both counts as of the latest audit.
	auditedRestarts, auditedExits uint64
}

type exit struct {
	code    int
	hasCode bool
}

// started takes in a "start" event, which comes a little after State.StartedAt of its run.
func (l *ledger) started(ev event) {
	if !l.runStarted.After(l.startTold) {
		l.nextRun()
	}
	l.startTold = later(l.startTold, time.Unix(0, ev.nano))
	l.prebooked = false
}

// startedAt takes in State.StartedAt: an inspect may tell of a run before its "start" event does.
func (l *ledger) startedAt(at time.Time) {
	if at.After(l.startTold) && at.After(l.runStarted) {
		if !l.presumed {
			l.nextRun()
		}
		l.presumed = false
	}
	l.runStarted = later(l.runStarted, at)
}

func (l *ledger) nextRun() {
	l.flush(false)
	l.ooms.nextRun()
}

// oom takes in an "oom" event.
func (l *ledger) oom() { l.ooms.event() }

// died takes in a "die" event.
func (l *ledger) died(ev event) {
	at := time.Unix(0, ev.nano)
	if !at.After(l.booked) {
		return // an audit was faster
	}
	l.flush(false)
	l.booked = at
	if l.ooms.ended { // the start of the run that ends here was missed
		l.ooms.nextRun()
		l.presumed = true
	}
	if l.prebooked {
		l.prebooked = false
		return
	}
	l.waiting = &exit{code: ev.exitCode, hasCode: ev.hasCode}
}

// flush books the exit that waits for its inspect; oom is what the inspect said.
func (l *ledger) flush(oom bool) {
	if l.waiting == nil {
		return
	}
	x := *l.waiting
	l.waiting = nil
	l.lastCode, l.hasCode = x.code, x.hasCode
	oom = oom || l.ooms.run > 0
	l.ooms.end(oom)
	l.book(x, oom, 1)
}

// book counts exits by reason. An exit without a code is an error: a container that ends well says so.
func (l *ledger) book(x exit, oom bool, times uint64) {
	switch {
	case x.hasCode && x.code == 0:
		l.exits.Completed += times
	case oom:
		l.exits.OOM += times
	case x.hasCode && x.code > 128 && x.code <= 192:
		l.exits.Signal += times
	default:
		l.exits.Error += times
	}
}

// observe takes in an inspect; see tracker.inspected.
func (l *ledger) observe(in inspected, first, stale, audit bool) {
	running := in.State.HasProcesses()
	if first && !l.open {
		l.restartCount = in.restartCount
		l.auditedRestarts = in.restartCount
		l.booked = later(l.booked, in.Finished)
	}
	if in.restartCount < l.restartCount {
		l.restartBase += l.restartCount // a manual start has set it back
	}
	l.restartCount = in.restartCount
	l.startedAt(in.Started)
	if !stale {
		if l.waiting != nil && !l.waiting.hasCode && !running {
			l.waiting.code, l.waiting.hasCode = in.ExitCode, in.HasExited
		}
		l.flush(in.OOMKilled && !running)
		if audit {
			l.audit(in)
		}
	}
	if !running && in.HasExited {
		l.lastCode, l.hasCode = in.ExitCode, true
	}
}

// audit books what the stream did not tell. Where several exits were missed, all are taken to have been like the last;
// when the container runs again, not even that one is known.
func (l *ledger) audit(in inspected) {
	var missed uint64
	if in.Finished.After(l.booked) {
		missed = 1
	}
	restarts, exits := l.restarts(), l.exits.total()
	newRestarts, newExits := restarts-l.auditedRestarts, exits-l.auditedExits
	if newRestarts > newExits {
		missed = max(missed, newRestarts-newExits)
	}
	if missed > 0 {
		running := in.State.HasProcesses()
		oom := in.OOMKilled && !running
		l.ooms.end(oom)
		l.book(exit{code: in.ExitCode, hasCode: in.HasExited}, oom, missed)
		l.booked = later(l.booked, in.Finished)
		// Once it runs again, any "die" after its start is another exit; before, one may still come for this exit.
		l.prebooked = !running
		if running {
			l.booked = later(l.booked, in.Started)
		}
	}
	l.auditedRestarts, l.auditedExits = restarts, l.exits.total()
}

// restarts counts the restarts by the restart policy; it never goes back.
func (l *ledger) restarts() uint64 { return l.restartBase + l.restartCount }

// fill puts the counts into what is published.
func (l *ledger) fill(c *Container) {
	c.Restarts, c.Exits = l.restarts(), l.exits
	c.OOMKills, c.OOMKillsBefore = l.ooms.before+l.ooms.run, l.ooms.before
	if l.hasCode && (c.State.HasProcesses() || !c.HasExited) {
		// The engine has forgotten the exit before this run, or does not let us inspect it; we have not.
		c.HasExited, c.ExitCode = true, l.lastCode
	}
}

// oomBook counts the kills for want of memory of one container, each once, run by run.
type oomBook struct {
	before uint64 // in the runs before
	run    uint64 // in the present run, or the latest
	ended  bool   // the run is over
	// implied = the run ended for want of memory and no event had said so; one may still come.
	implied bool
}

func (o *oomBook) event() {
	if o.implied {
		o.implied = false
		return
	}
	o.run++
}

// end closes a run; killed = it ended for want of memory.
func (o *oomBook) end(killed bool) {
	o.ended = true
	if killed && o.run == 0 {
		o.run, o.implied = 1, true
	}
}

func (o *oomBook) nextRun() {
	*o = oomBook{before: o.before + o.run}
}

func (e Exits) total() uint64 { return e.Completed + e.Error + e.Signal + e.OOM }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
