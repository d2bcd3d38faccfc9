package engine

import "time"

// ledger counts the restarts and exits of one container, each exit once.
//
// An exit is known twice: from its "die" event, which carries the exit code, and from State.FinishedAt of an inspect, which
// carries OOMKilled. The event leads; it is booked when the inspect that follows it has said whether the out-of-memory
// killer was involved. Only when the books are audited, after a gap in the stream and at each resync, does an exit count
// that no event told of; should its event come after all, it is set off. What ended before the container was first seen is
// not counted.
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
	// credit is how many exits audits have booked whose "die" may still be on its way.
	credit uint64
	// idle = it did not run at the latest audit, and no start was heard of since: any "die" is of an exit before.
	idle bool
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
	at := time.Unix(0, ev.nano)
	told := l.runStarted.After(l.startTold)                    // an inspect has told of a run before its event did
	over := l.booked.After(l.runStarted) && at.After(l.booked) // but that one has ended before this one began
	if !told || over {
		l.nextRun(at)
	}
	l.startTold = later(l.startTold, at)
	l.wake(at)
}

// startedAt takes in State.StartedAt: an inspect may tell of a run before its "start" event does.
func (l *ledger) startedAt(at time.Time) {
	if at.After(l.startTold) && at.After(l.runStarted) {
		if !l.presumed {
			l.nextRun(at)
		}
		l.presumed = false
	}
	l.runStarted = later(l.runStarted, at)
	l.wake(at)
}

// wake notes a start after the exits that the latest audit knew of: a "die" from then on is of another exit.
func (l *ledger) wake(at time.Time) {
	if l.idle && at.After(l.booked) {
		l.idle, l.booked = false, at
	}
}

// nextRun closes the books on a run; at is when the next one has begun.
func (l *ledger) nextRun(at time.Time) {
	l.flush(false)
	l.ooms.nextRun(at)
}

// oom takes in an "oom" event.
func (l *ledger) oom(ev event) {
	at := time.Unix(0, ev.nano)
	l.ooms.event(at, l.runStarted.After(at))
}

// died takes in a "die" event.
func (l *ledger) died(ev event) {
	at, x := time.Unix(0, ev.nano), exit{code: ev.exitCode, hasCode: ev.hasCode}
	late := !at.After(l.booked)
	switch {
	case l.credit > 0 && (late || l.idle): // an audit was faster
		l.credit--
		l.booked = later(l.booked, at)
		return
	case late: // another one was told before, or found by an audit that could not know of this one
		l.book(x, false, 1)
		return
	}
	l.flush(false)
	previous := l.booked
	l.booked, l.credit = at, 0
	l.waiting = &x
	switch {
	case later(l.runStarted, l.startTold).After(at): // the next run is known of, so that no inspect will tell more of this one
		l.book(x, false, 1)
		l.waiting, l.lastCode, l.hasCode = nil, x.code, x.hasCode
	case l.ooms.ended: // the start of the run that ends here was missed
		l.ooms.nextRun(previous)
		l.presumed = true
	}
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
	running := in.State.HasProcesses()
	if missed > 0 {
		oom := in.OOMKilled && !running
		if !running {
			l.ooms.end(oom)
		}
		l.book(exit{code: in.ExitCode, hasCode: in.HasExited}, oom, missed)
		l.booked = later(l.booked, in.Finished)
		l.credit += missed
	}
	if l.idle = !running; running {
		l.booked = later(l.booked, in.Started)
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
	// implied = a run ended for want of memory and no event had said so; one from before until may still come, zero = whenever.
	implied bool
	until   time.Time
}

// event takes in an "oom" event; late = the run that it is of was followed by another.
func (o *oomBook) event(at time.Time, late bool) {
	switch {
	case o.implied && (o.until.IsZero() || at.Before(o.until)):
		o.implied = false
	case late:
		o.before++
	default:
		o.run++
	}
}

// end closes a run; killed = it ended for want of memory.
func (o *oomBook) end(killed bool) {
	o.ended = true
	if killed && o.run == 0 {
		o.run, o.implied, o.until = 1, true, time.Time{}
	}
}

// nextRun opens the book of a run that begins, or began at some time after at.
func (o *oomBook) nextRun(at time.Time) {
	next := oomBook{before: o.before + o.run, implied: o.implied, until: o.until}
	if o.until.IsZero() {
		next.until = at
	}
	*o = next
}

func (e Exits) total() uint64 { return e.Completed + e.Error + e.Signal + e.OOM }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
