package metrics

import "math"

// processFamilies are the rows of what processes hold open, and may.
func processFamilies() []Family {
	return []Family{
		row(GroupProcess, Gauge, "container_file_descriptors",
			"Open file descriptors of all processes, from /proc/<pid>/fd.",
			func(c *container) float64 {
				if c.Stats.Process == nil {
					return unknown()
				}
				return c.Stats.Process.FileDescriptors
			}),
		row(GroupProcess, Gauge, "container_sockets",
			"Open file descriptors of all processes that are sockets, from /proc/<pid>/fd.",
			func(c *container) float64 {
				if c.Stats.Process == nil {
					return unknown()
				}
				return c.Stats.Process.Sockets
			}),
		{
			Name: "container_ulimits_soft", Type: Gauge, Group: GroupProcess, Labels: []string{"ulimit"},
			Help: "Soft limits of the first process, from /proc/<pid>/limits; -1 is unlimited.",
			Each: func(c *container, yield func(Sample)) {
				if c.Stats.Process == nil {
					return
				}
				for _, l := range c.Stats.Process.Limits {
					if math.IsNaN(l.Soft) {
						l.Soft = -1 // so says cAdvisor, and its dashboards
					}
					yield(labelled(l.Soft, l.Name))
				}
			},
		},
	}
}
