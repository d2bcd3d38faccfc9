package collector

import (
	"math"

	"tallyman/cgroups"
)

// readSlices reads the cgroups that are watched beside those of containers. One that has ended is left out.
func (c *Collector) readSlices(s *Snapshot) []Container {
	paths := c.kernel.Slices()
	if len(paths) == 0 && len(c.slices) == 0 {
		return nil
	}
	out := make([]Container, 0, len(paths))
	for _, path := range paths {
		t := c.slices[path]
		if t == nil {
			t = &tracked{}
			c.slices[path] = t
		}
		t.round = c.round
		n := Container{ID: path, Source: SourceNone, SampleAge: math.NaN(), LastSeen: math.NaN(), Disk: unknownDisk(), Recent: unknownRecent()}
		n.Stats.Reset()
		err := readKept(t, &n, func() (*cgroups.Handle, error) { return c.kernel.OpenSlice(path) }, (*cgroups.Handle).Read)
		if t.handle == nil {
			continue // it has ended: the next list is without it
		}
		c.report(t, &n, err)
		n.LimitCores = limitCores(&n.Stats.CPU, s.Machine.Cores)
		n.OOMKills = n.Stats.Memory.OOMKills
		n.Rates = t.rates.update(s.Time, &n.Stats)
		out = append(out, n)
	}
	forget(c.slices, c.round)
	return out
}
