package collector

import (
	"math"
	"time"

	"tallyman/engine"
)

// oomCounter adds up the kills for want of memory over the runs of one container. The kernel's counter ends with the cgroup, so
// that a run's kills are the most that anybody said of it: the kernel while it could be read, the engine's events, and the
// engine's flag for a run that ended before anything was read.
type oomCounter struct {
	started time.Time // of the present run
	run     float64   // kills of the present run
	before  float64   // kills of the runs before
	events  uint64    // the engine's events before the present run
}

// total gives the kills so far; NaN for a container that was never started.
func (o *oomCounter) total(f *engine.Container, kernel float64) float64 {
	if f.Started.IsZero() {
		return math.NaN()
	}
	if !f.Started.Equal(o.started) {
		if !o.started.IsZero() {
			o.before += o.run
			o.events = f.OOMEvents
		}
		o.started, o.run = f.Started, 0
	}
	said := float64(f.OOMEvents - o.events)
	if f.OOMKilled && said < 1 {
		said = 1
	}
	if kernel > said {
		said = kernel
	}
	if said > o.run {
		o.run = said
	}
	return o.before + o.run
}
