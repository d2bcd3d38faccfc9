package api

import (
	"cmp"
	"math"
	"slices"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
)

// Why somebody should look at a container, as it is served.
const (
	reasonOOMLooping      = "oom_looping"     // killed for want of memory again and again
	reasonRestarting      = "restarting"      // between two runs, or started again more than once lately
	reasonDead            = "dead"            // could not be removed
	reasonUnhealthy       = "unhealthy"       // its health check fails
	reasonOOMKilled       = "oom_killed"      // lately, or it ended so
	reasonThrottled       = "throttled"       // may not use the processors that it wants
	reasonMemoryNearLimit = "memory_limit"    // little is left of the memory that it may use
	reasonMemoryPressure  = "memory_pressure" // waits for memory
	reasonCPUPressure     = "cpu_pressure"    // waits for processors
	reasonExitedNonzero   = "exited_nonzero"  // ended with an error
)

// reasonRanks lists every reason, the worst first: what is broken now, what is being hurt now, what has ended badly.
func reasonRanks() []string {
	return []string{
		reasonOOMLooping, reasonRestarting, reasonDead, reasonUnhealthy, reasonOOMKilled, reasonThrottled, reasonMemoryNearLimit,
		reasonMemoryPressure, reasonCPUPressure, reasonExitedNonzero,
	}
}

// From where on a reading is trouble. They are high, as a list that is never empty is not read.
const (
	// A container that is meant to be bounded is throttled now and then; in every fourth period, what it does takes noticeably longer.
	throttledHard = 0.25
	// What is left counts without inactive page cache, which the kernel takes back first: beyond, the next step is the killer.
	memoryNear = 0.95
	// A working set that does not fit makes tasks wait for memory all the time; one that does waits hardly ever.
	memoryWaiting = 0.1
	// On a busy host some task often waits for a processor; when one does more than half of the time, work is left undone.
	cpuWaiting = 0.6
	// One kill, or one restart, can be an accident, or a deploy.
	looping = 2
)

// attention lists the containers that somebody should look at, the worst first, and those that are as bad by name.
func attention(s *collector.Snapshot) []schema.Attention {
	items := []schema.Attention{}
	for i := range s.Containers {
		c := &s.Containers[i]
		why := reasons(c)
		if len(why) == 0 {
			continue
		}
		item := schema.Attention{
			ID: schema.Text(containerID(c)), Name: schema.Text(c.Name), Engine: schema.Text(c.Engine), ExitCode: exitCode(c.Facts), Reasons: why,
		}
		if c.Facts != nil {
			item.State = schema.Text(c.Facts.State)
		}
		items = append(items, item)
	}
	slices.SortStableFunc(items, func(a, b schema.Attention) int { return compareReasons(a.Reasons, b.Reasons) })
	return items
}

// compareReasons orders by the worst reason, then by the next one; no reason comes last.
func compareReasons(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if order := cmp.Compare(rank(a[i]), rank(b[i])); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(b), len(a))
}

// rank is the place of a reason among all; 0 is the worst.
func rank(reason string) int { return slices.Index(reasonRanks(), reason) }

// reasons says why somebody should look at a container, the worst first; nil = there is no reason.
func reasons(c *collector.Container) []string {
	why := append(complaints(c.Facts, c.Recent), strains(c)...)
	slices.SortFunc(why, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return why
}

// complaints are the reasons that the engine gives.
func complaints(f *engine.Container, recent collector.Recent) []string {
	if f == nil {
		return nil
	}
	var why []string
	runs := f.State.HasProcesses()
	restarting := f.State == engine.StateRestarting
	ended := f.HasExited && !runs
	if restarting || recent.Restarts >= looping {
		why = append(why, reasonRestarting)
	}
	switch {
	case recent.OOMKills >= looping, restarting && ended && f.OOMKilled:
		why = append(why, reasonOOMLooping)
	case recent.OOMKills > 0, ended && f.OOMKilled:
		why = append(why, reasonOOMKilled)
	}
	if f.State == engine.StateDead {
		why = append(why, reasonDead)
	}
	if f.Health == engine.HealthUnhealthy && runs {
		why = append(why, reasonUnhealthy)
	}
	if ended && !wanted(f.ExitCode) {
		why = append(why, reasonExitedNonzero)
	}
	return why
}

// strains are the reasons that the kernel gives. What is unknown is none.
func strains(c *collector.Container) []string {
	var why []string
	if c.Rates.ThrottledRatio >= throttledHard {
		why = append(why, reasonThrottled)
	}
	if part(c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit) >= memoryNear {
		why = append(why, reasonMemoryNearLimit)
	}
	if c.Rates.MemoryPressure >= memoryWaiting {
		why = append(why, reasonMemoryPressure)
	}
	if c.Rates.CPUPressure >= cpuWaiting {
		why = append(why, reasonCPUPressure)
	}
	return why
}

// wanted says whether somebody wanted the container to end so: by itself, or by SIGINT or SIGTERM, as docker stop does.
func wanted(exitCode int) bool {
	const interrupted, terminated = 128 + 2, 128 + 15
	return exitCode == 0 || exitCode == interrupted || exitCode == terminated
}

// part is a part of a whole; unknown where there is no whole.
func part(of, whole float64) float64 {
	if !(whole > 0) {
		return math.NaN()
	}
	return of / whole
}
