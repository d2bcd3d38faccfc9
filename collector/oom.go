package collector

import (
	"math"
	"time"

	"tallyman/engine"
)

// oomCounter adds up the kills for want of memory over the runs of one container. The kernel's counter ends with the cgroup, so
// that a run's kills are the most that anybody said of it: the kernel while it could be read, or the engine, by its events
// and by the flag of a run that ended before anything was read. No kill is the sum of two sources: whichever saw it first,
// the other's word makes it no more.
type oomCounter struct {
	started time.Time // of the present run
	run     float64   // kills of the present run
	before  float64   // kills of the runs before
	told    uint64    // what the engine had told of before the present run
}

// total gives the kills so far; NaN for a container that was never started.
func (o *oomCounter) total(f *engine.Container, kernel float64) float64 {
	if f.Started.IsZero() {
		return math.NaN()
	}
	if !f.Started.Equal(o.started) {
		// Runs that came and went since the latest snapshot are known by the engine's word only.
		o.before += max(o.run, since(f.OOMKillsBefore, o.told))
		o.started, o.run, o.told = f.Started, 0, f.OOMKillsBefore
	}
	said := since(f.OOMKills, o.told)
	// While a container runs, the flag may be that of the run before.
	if f.OOMKilled && !f.State.HasProcesses() && said < 1 {
		said = 1
	}
	if kernel > said {
		said = kernel
	}
	o.run = max(o.run, said)
	return o.before + o.run
}

// since is the growth of a count; an engine that has forgotten the container and met it anew counts from 0.
func since(now, before uint64) float64 {
	if now < before {
		return 0
	}
	return float64(now - before)
}
