package cgroups

import "time"

// restLongest is how long a cgroup may be taken to be at rest: the kernel moves pages between its lists by itself.
const restLongest = 5 * time.Minute

// rest is what a glance remembers of the one before. Of a container that has used no processor time since, and has as much memory, it
// need not read the peak and memory.stat, which the kernel sums up for each reading: no file costs as much.
type rest struct {
	at         time.Time // of the glance that read all; zero = none has
	cpu, usage float64
	// peak and inactive are what the files marked as still said.
	peak, inactive float64
}

// lasts says whether nothing has happened, by what has been read so far.
func (r *rest) lasts(s *Stats, now time.Time) bool {
	age := now.Sub(r.at)
	return !r.at.IsZero() && age >= 0 && age < restLongest && s.CPU.Usage == r.cpu && s.Memory.Usage == r.usage
}

// complete fills in what a glance has left out, or else keeps what it has read; what is unknown is never equal to anything.
func (r *rest) complete(s *Stats, now time.Time) {
	if r.lasts(s, now) {
		s.Memory.MaxUsage, s.Memory.InactiveFile = r.peak, r.inactive
		return
	}
	*r = rest{at: now, cpu: s.CPU.Usage, usage: s.Memory.Usage, peak: s.Memory.MaxUsage, inactive: s.Memory.InactiveFile}
}
