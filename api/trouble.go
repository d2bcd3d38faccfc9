package api

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/human"
)

// From when on something is trouble.
const (
	throttledFrom  = 0.25 // of the periods
	memoryFrom     = 0.95 // of the limit
	busyFrom       = 0.9  // of a limit below the host's
	busyOnHostFrom = 0.25 // of the host's processors
	fullHostFrom   = 0.9  // of the host's processors are in use: then busyOnFullFrom is much
	busyOnFullFrom = 0.1
	pressureFrom   = 0.25 // of the time some task waited
	// loopWithin is how long after an exit a restarted container still counts as restarting: the engine waits up to a minute
	// before a restart, and a run that lasts longer than that gets somewhere.
	loopWithin = 90 * time.Second
)

// severity orders troubles; the higher, the sooner should somebody look.
type severity int

// The severities, from what may be as it should to what surely is not.
const (
	calm severity = iota
	endedBadly
	endedByOOM
	survivedOOM
	waits
	isBusy
	nearLimit
	isThrottled
	isUnhealthy
	isDead
	isRestarting
	isOOMLooping
)

// attentionFrom is the least severity that needs somebody: what has ended, or was survived, is for the record.
const attentionFrom = waits

// level is how a page shows a severity: "bad" needs somebody now, "warn" soon, and "note" is for the record.
func (s severity) level() string {
	switch {
	case s >= isUnhealthy:
		return "bad"
	case s >= attentionFrom:
		return "warn"
	case s > calm:
		return "note"
	}
	return ""
}

// reason is why somebody should look at a container.
type reason struct {
	// Code is a word for programs: "oom_loop", "restarting", "dead", "unhealthy", "throttled", "memory_limit", "busy", "pressure",
	// "oom_survived", "oom_killed", "exited_nonzero".
	Code string
	// Text says it to people, with the numbers.
	Text     string
	Severity severity
}

// Level is that of the severity.
func (r reason) Level() string { return r.Severity.level() }

// trouble says why somebody should look at a container, the worst first.
func trouble(c *collector.Container) []reason {
	var all []reason
	add := func(s severity, code, text string) { all = append(all, reason{code, text, s}) }
	if f := c.Facts; f != nil {
		lifeTrouble(c, f, add)
	}
	if r := c.Rates.ThrottledRatio; r >= throttledFrom {
		add(isThrottled, "throttled", "throttled in "+human.Percent(r)+" of its periods, at "+coresOf(c.Rates.CPU, c.LimitCores))
	}
	if used := c.Stats.Memory.WorkingSet / c.Stats.Memory.Limit; used >= memoryFrom && !math.IsInf(used, 0) {
		add(nearLimit, "memory_limit", "memory at "+human.Percent(used)+" of its limit of "+human.Bytes(c.Stats.Memory.Limit))
	}
	slices.SortStableFunc(all, func(a, b reason) int { return cmp.Compare(b.Severity, a.Severity) })
	return all
}

// lifeTrouble is what the engine says of the life of a container.
func lifeTrouble(c *collector.Container, f *engine.Container, add func(severity, string, string)) {
	switch looping := isLooping(c, f); {
	case looping && (f.OOMKilled || f.Exits.OOM > 0):
		add(isOOMLooping, "oom_loop", "killed for want of memory again and again: "+restarts(f.Restarts)+limitWords(c.Stats.Memory.Limit, f))
	case looping:
		add(isRestarting, "restarting", "restarting again and again: "+restarts(f.Restarts)+lastExit(f))
	case f.State == engine.StateDead:
		add(isDead, "dead", "dead: the engine could not remove it")
	case !f.State.HasProcesses():
		endTrouble(f, add)
	case c.OOMKills > 0 || f.OOMKilled && !f.Listed:
		add(survivedOOM, "oom_survived", "lives on, but processes of it were killed for want of memory")
	}
	if f.Health == engine.HealthUnhealthy && f.State.HasProcesses() {
		text := "unhealthy"
		if f.FailingStreak > 0 {
			text += ": " + strconv.Itoa(f.FailingStreak) + " failed probes in a row"
		}
		add(isUnhealthy, "unhealthy", text)
	}
}

// endTrouble is what was wrong with the end of a container that does not run.
func endTrouble(f *engine.Container, add func(severity, string, string)) {
	switch {
	case !f.HasExited:
	case f.OOMKilled && !f.Listed:
		add(endedByOOM, "oom_killed", "ended: killed for want of memory")
	case f.State == engine.StateCreated && f.ExitCode != 0:
		add(endedBadly, "exited_nonzero", "could not be started: "+exitWords(f.ExitCode))
	case !wanted(f.ExitCode):
		add(endedBadly, "exited_nonzero", "ended with "+exitWords(f.ExitCode))
	}
}

// isLooping says whether the engine restarts a container again and again: it does so now, or did only just.
func isLooping(c *collector.Container, f *engine.Container) bool {
	if f.State == engine.StateRestarting {
		return true
	}
	if f.Listed || f.State != engine.StateRunning || f.Restarts == 0 || f.RestartPolicy == "no" || f.Finished.IsZero() || !(c.LastSeen > 0) {
		return false
	}
	seen := time.UnixMilli(int64(c.LastSeen * 1000))
	return seen.Sub(f.Finished) < loopWithin && (!f.HasExited || !wanted(f.ExitCode))
}

// load says whether a container takes so much of the processors that others may go short: all that it may use, or a good part of the
// host's; on a host that has none left, a smaller part is enough.
func load(c, host *collector.Container) []reason {
	cpu, cores, from := c.Rates.CPU, host.LimitCores, busyOnHostFrom
	if host.Rates.CPU >= fullHostFrom*cores {
		from = busyOnFullFrom
	}
	switch {
	case c.Rates.ThrottledRatio >= throttledFrom: // that says it already
		return nil
	case c.LimitCores < cores && cpu >= busyFrom*c.LimitCores:
	case cpu >= from*cores && cores > 0:
	default:
		return nil
	}
	return []reason{{"busy", "busy: uses " + coresOf(cpu, c.LimitCores), isBusy}}
}

// pressured says whether the tasks of a container wait, by what is remembered of it last.
func pressured(p collector.Point) []reason {
	var all []reason
	for _, of := range []struct {
		what  string
		ratio float64
	}{{"processors", p.CPUPressure}, {"memory", p.MemoryPressure}, {"io", p.IOPressure}} {
		if of.ratio >= pressureFrom && !math.IsInf(of.ratio, 0) {
			all = append(all, reason{"pressure", "waits for " + of.what + " " + human.Percent(of.ratio) + " of the time", waits})
		}
	}
	return all
}

// worst is the highest severity of some reasons.
func worst(reasons []reason) severity {
	s := calm
	for _, r := range reasons {
		s = max(s, r.Severity)
	}
	return s
}

func restarts(n uint64) string {
	if n == 1 {
		return "1 restart"
	}
	return human.Count(float64(n)) + " restarts"
}

func lastExit(f *engine.Container) string {
	if !f.HasExited {
		return ""
	}
	return ", last with " + exitWords(f.ExitCode)
}

// limitWords name the memory that did not suffice: that of the kernel or, between two runs, that of the engine.
func limitWords(limit float64, f *engine.Container) string {
	if !(limit > 0) {
		limit = float64(f.Limits.Memory)
	}
	if limit > 0 {
		return ", its limit is " + human.Bytes(limit)
	}
	return ""
}

// coresOf writes "0.100 of 0.100 processors".
func coresOf(used, limit float64) string {
	return human.Cores(used) + " of " + human.Cores(limit) + " processors"
}

// exitWords says what an exit code means, where that is agreed upon.
func exitWords(code int) string {
	text := "exit code " + strconv.Itoa(code)
	var meaning string
	switch code {
	case 125:
		meaning = "the engine failed"
	case 126:
		meaning = "the command cannot be executed"
	case 127:
		meaning = "the command was not found"
	default:
		meaning = signalName(code - 128)
	}
	if meaning == "" {
		return text
	}
	return text + " (" + meaning + ")"
}

// signalName names the signals that end containers; "" = another one, or none.
func signalName(number int) string {
	names := strings.FieldsSeq("1:SIGHUP 2:SIGINT 3:SIGQUIT 4:SIGILL 6:SIGABRT 7:SIGBUS 8:SIGFPE 9:SIGKILL 11:SIGSEGV 13:SIGPIPE 14:SIGALRM 15:SIGTERM 31:SIGSYS")
	for n := range names {
		if name, ok := strings.CutPrefix(n, fmt.Sprintf("%d:", number)); ok {
			return name
		}
	}
	return ""
}
