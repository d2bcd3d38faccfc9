package collector

import "math"

// readHost reads the root cgroup and what /proc says of the whole host.
func (c *Collector) readHost(s *Snapshot) {
	c.openHost()
	t, host := c.host, &s.Host
	*host = Container{ID: "/", Source: SourceCgroup, SampleAge: math.NaN(), LimitCores: s.Machine.Cores, LastSeen: seconds(s.Time), Disk: unknownDisk(), Recent: unknownRecent()}
	c.report(t, host, t.handle.Read(&host.Stats))
	host.OOMKills = host.Stats.Memory.OOMKills
	host.Rates = t.rates.update(s.Time, &host.Stats)
	t.latest, t.at = host, s.Time
	c.note(key{}, t)
}

func (c *Collector) openHost() {
	if c.host == nil {
		c.host = &tracked{}
	}
	if c.host.handle == nil {
		c.host.handle = c.kernel.OpenHost()
	}
}
