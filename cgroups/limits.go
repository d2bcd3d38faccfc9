package cgroups

import "time"

// limitsEvery is how often limits are read that nobody was told to have changed. They are a third of a container's files and a
// fifth of the time that reading takes, and a file that is kept open takes a page of the kernel's memory.
const limitsEvery = time.Minute

// limits are what the files marked as such said.
type limits struct {
	at time.Time // when they were read; zero = they must be

	quota, period, shares, cpuset float64
	memory, withSwap, reservation float64
	threads                       float64
}

// Expire makes the next reading read the limits, too: somebody has changed the container.
func (h *Handle) Expire() { h.limits.at = time.Time{} }

// due says whether the limits must be read.
func (l *limits) due(now time.Time) bool {
	age := now.Sub(l.at)
	return l.at.IsZero() || age >= limitsEvery || age < 0
}

// keep takes the limits of a reading.
func (l *limits) keep(s *Stats, now time.Time) {
	*l = limits{
		at: now, quota: s.CPU.QuotaMicros, period: s.CPU.PeriodMicros, shares: s.CPU.Shares, cpuset: s.CPU.CpusetCores,
		memory: s.Memory.Limit, withSwap: s.Memory.SwapLimit, reservation: s.Memory.Reservation, threads: s.Pids.ThreadsMax,
	}
}

// fill gives them to a reading that has left them out.
func (l *limits) fill(s *Stats) {
	s.CPU.QuotaMicros, s.CPU.PeriodMicros, s.CPU.Shares, s.CPU.CpusetCores = l.quota, l.period, l.shares, l.cpuset
	s.Memory.Limit, s.Memory.SwapLimit, s.Memory.Reservation, s.Pids.ThreadsMax = l.memory, l.withSwap, l.reservation, l.threads
}

// countLimits counts the files that are not kept open.
func countLimits(specs []fileSpec) int {
	n := 0
	for i := range specs {
		if specs[i].limit {
			n++
		}
	}
	return n
}
