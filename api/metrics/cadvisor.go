package metrics

import "tallyman/engine"

// cadvisorFamilies are the rows that are there for cAdvisor's dashboards only; most of what these need has cAdvisor's name anyway. What
// cAdvisor invents (the state of tasks, the size of a container's file system) is not here: they find it empty.
func cadvisorFamilies() []Family {
	return []Family{
		{
			Name: "cadvisor_version_info", Type: Gauge, Group: GroupCAdvisor,
			Labels: []string{"cadvisorVersion", "dockerVersion", "kernelVersion", "osVersion"},
			Help:   "The versions that cAdvisor's dashboards show, from the engine's /version and /info, with tallyman in place of cAdvisor; always 1, absent while the engine is away for long.",
			EngineEach: func(s *snapshot, e *engineStatus, yield func(Sample)) {
				i := &e.Info
				if !e.Fresh || *i == (engine.Info{}) {
					return
				}
				yield(labelled(1, s.Maker, i.Version, i.KernelVersion, i.OperatingSystem))
			},
		},
	}
}
