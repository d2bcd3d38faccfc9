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

// From where on a reading is trouble. They are high, as a list that is never empty is not read.
const (
	// A container that is meant to be bounded is throttled now and then; in every fourth period, what it does takes noticeably longer.
	throttledFrom = 0.25
	// What is left counts without inactive page cache, which the kernel takes back first: beyond, the next step is the killer.
	memoryFrom = 0.95
	// A working set that does not fit makes tasks wait for memory all the time; one that does waits hardly ever.
	memoryWaitingFrom = 0.1
	// On a busy host some task often waits for a processor or a disk; when one does more than half of the time, work is left undone.
	waitingFrom = 0.6

	busyFrom       = 0.9  // of a limit below the host's
	busyOnHostFrom = 0.25 // of the host's processors
	fullHostFrom   = 0.9  // of the host's processors are in use: then busyOnFullFrom is much
	busyOnFullFrom = 0.1

	// loopFrom is how many restarts, or kills, of late are a loop: one can be an accident, or a deploy.
	loopFrom = 2
	// loopWithin is how long after an exit a restarted container still counts as restarting: the engine waits up to a minute
	// before a restart, and a run that lasts longer than that gets somewhere.
	loopWithin = 90 * time.Second
)

// severity orders troubles; the higher, the sooner should somebody look.
type severity int

// The severities, from what may be as it should to what surely is not: what has ended badly, what is being hurt, what is broken.
const (
	calm severity = iota
	endedBadly
	killed
	waitsForIO
	waitsForCPU
	waitsForMemory
	isBusy
	nearLimit
	isThrottled
	isUnhealthy
	isDead
	isRestarting
	isOOMLooping
)

// attentionFrom is the least severity that needs somebody: what has ended, or was survived, is for the record.
const attentionFrom = waitsForIO

// codes are the severities as programs read them.
var codes = [...]string{
	calm: "", endedBadly: "exited_nonzero", killed: "oom_killed", waitsForIO: "io_pressure", waitsForCPU: "cpu_pressure", waitsForMemory: "memory_pressure",
	isBusy: "busy", nearLimit: "memory_limit", isThrottled: "throttled", isUnhealthy: "unhealthy", isDead: "dead", isRestarting: "restarting",
	isOOMLooping: "oom_looping",
}

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
	Severity severity
	Text     string // for people, with the numbers
}

// Level is that of the severity.
func (r reason) Level() string { return r.Severity.level() }

// Code is that of the severity.
func (r reason) Code() string { return codes[r.Severity] }

// trouble says why somebody should look at a container, the worst first.
func trouble(c *collector.Container) []reason {
	var all []reason
	add := func(s severity, text string) { all = append(all, reason{s, text}) }
	if f := c.Facts; f != nil {
		lifeTrouble(c, f, add)
	}
	if r := c.Rates.ThrottledRatio; r >= throttledFrom {
		add(isThrottled, "throttled in "+human.Percent(r)+" of its periods, at "+coresOf(c.Rates.CPU, c.LimitCores))
	}
	if used := c.Stats.Memory.WorkingSet / c.Stats.Memory.Limit; used >= memoryFrom && !math.IsInf(used, 0) {
		add(nearLimit, "memory at "+human.Percent(used)+" of its limit of "+human.Bytes(c.Stats.Memory.Limit))
	}
	for _, of := range []struct {
		severity    severity
		what        string
		ratio, from float64
	}{
		{waitsForMemory, "memory", c.Rates.MemoryPressure, memoryWaitingFrom},
		{waitsForCPU, "processors", c.Rates.CPUPressure, waitingFrom},
		{waitsForIO, "io", c.Rates.IOPressure, waitingFrom},
	} {
		if of.ratio >= of.from && !math.IsInf(of.ratio, 0) {
			add(of.severity, "waits for "+of.what+" "+human.Percent(of.ratio)+" of the time")
		}
	}
	worstFirst(all)
	return all
}

// worstFirst sorts reasons.
func worstFirst(all []reason) {
	slices.SortStableFunc(all, func(a, b reason) int { return cmp.Compare(b.Severity, a.Severity) })
}

// reasons are those of trouble as programs read them; nil = there is none.
func reasons(c *collector.Container) []string {
	var words []string
	for _, r := range trouble(c) {
		words = append(words, r.Code())
	}
	return words
}

// compareReasons orders by the worst reason, then by the next one; no reason comes last.
func compareReasons(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if order := cmp.Compare(slices.Index(codes[:], b[i]), slices.Index(codes[:], a[i])); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(b), len(a))
}

// lifeTrouble is what the engine says of the life of a container, and the kernel of its kills.
func lifeTrouble(c *collector.Container, f *engine.Container, add func(severity, string)) {
	looping := isLooping(c, f)
	if !killTrouble(c, f, looping, add) && looping {
		add(isRestarting, "restarting again and again: "+restarts(f.Restarts)+lastExit(f))
	}
	if f.State == engine.StateDead {
		add(isDead, "dead: the engine could not remove it")
	}
	if f.Health == engine.HealthUnhealthy && f.State.HasProcesses() {
		text := "unhealthy"
		if f.FailingStreak > 0 {
			text += ": " + strconv.Itoa(f.FailingStreak) + " failed probes in a row"
		}
		add(isUnhealthy, text)
	}
	switch {
	case looping, !hasEnded(f), f.OOMKilled, wanted(f.ExitCode): // or another reason says it
	case f.State == engine.StateCreated:
		add(endedBadly, "could not be started: "+exitWords(f.ExitCode))
	default:
		add(endedBadly, "ended with "+exitWords(f.ExitCode))
	}
}

// killTrouble is what is known of kills for want of memory. It says whether that explains a loop.
func killTrouble(c *collector.Container, f *engine.Container, looping bool, add func(severity, string)) (explained bool) {
	switch {
	case looping && (f.OOMKilled || f.Exits.OOM > 0 || c.Recent.OOMKills > 0), c.Recent.OOMKills >= loopFrom:
		add(isOOMLooping, "killed for want of memory again and again: "+restarts(f.Restarts)+limitWords(c.Stats.Memory.Limit, f))
		return true
	case c.Recent.OOMKills > 0 && f.State.HasProcesses():
		add(killed, "a process of it was killed for want of memory")
	case hasEnded(f) && f.OOMKilled:
		add(killed, "ended: killed for want of memory")
	}
	return false
}

// hasEnded says whether a container does not run, and how it ended is known.
func hasEnded(f *engine.Container) bool { return f.HasExited && !f.Listed && !f.State.HasProcesses() }

// wanted says whether somebody wanted the container to end so: by itself, or by SIGINT or SIGTERM, as docker stop does.
func wanted(exitCode int) bool {
	const interrupted, terminated = 128 + 2, 128 + 15
	return exitCode == 0 || exitCode == interrupted || exitCode == terminated
}

// isLooping says whether the engine restarts a container again and again: it does so now, or did only just.
func isLooping(c *collector.Container, f *engine.Container) bool {
	if f.State == engine.StateRestarting || c.Recent.Restarts >= loopFrom {
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
	return []reason{{isBusy, "busy: uses " + coresOf(cpu, c.LimitCores)}}
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
