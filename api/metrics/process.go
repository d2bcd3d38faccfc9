package metrics

import (
	"math"

	"tallyman/cgroups"
)

// processFamilies are the rows of what processes hold open, and may.
func processFamilies() []Family {
	return []Family{
		row(GroupProcess, Gauge, "container_file_descriptors",
			"Open file descriptors of all processes, from /proc/<pid>/fd.",
			fromProcess(func(p *cgroups.Process) float64 { return p.FileDescriptors })),
		row(GroupProcess, Gauge, "container_sockets",
			"Open file descriptors of all processes that are sockets, from /proc/<pid>/fd.",
			fromProcess(func(p *cgroups.Process) float64 { return p.Sockets })),
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

// fromProcess draws from what the processes of a container hold open; no sample where that was not read.
func fromProcess(value func(*cgroups.Process) float64) func(*container) float64 {
	return func(c *container) float64 {
		if c.Stats.Process == nil {
			return unknown()
		}
		return value(c.Stats.Process)
	}
}
