package metrics

import "tallyman/engine"

// engineFamilies are the rows of the Docker Engine. What it said long ago is not repeated as if it were new.
func engineFamilies() []Family {
	states := engine.States()
	return []Family{
		{
			Name: "docker_engine_info", Type: Gauge, Group: GroupEngine,
			Labels: []string{"version", "api_version", "storage_driver", "cgroup_driver", "cgroup_version", "kernel", "os"},
			Help:   "The Docker Engine, from its /version and /info; always 1, absent while it is away for long.",
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				i := &e.Info
				if !e.Fresh || *i == (engine.Info{}) {
					return
				}
				yield(labelled(1, i.Version, i.APIVersion, i.StorageDriver, i.CgroupDriver, i.CgroupVersion,
					i.KernelVersion, i.OperatingSystem))
			},
		},
		{
			Name: "docker_containers", Type: Gauge, Group: GroupEngine, Labels: []string{"state"},
			Help: "Containers in each state, from the engine's list and events; absent while it is away for long.",
			EngineEach: func(s *snapshot, e *engineStatus, yield func(Sample)) {
				if !e.Fresh {
					return
				}
				for _, state := range states {
					yield(labelled(float64(countState(s, e, state)), string(state)))
				}
			},
		},
		{
			Name: "docker_events_total", Type: Counter, Group: GroupEngine, Labels: []string{"type", "action"},
			Help: "Events that tallyman saw, from the engine's event stream.",
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				for i := range e.Events {
					n := &e.Events[i]
					yield(labelled(float64(n.Count), n.Type, n.Action))
				}
			},
		},
	}
}

// countState counts the containers of an engine that are in a state.
func countState(s *snapshot, e *engineStatus, state engine.State) int {
	n := 0
	for i := range s.Containers {
		c := &s.Containers[i]
		if f := c.Facts; f != nil && f.State == state && c.Engine == e.Name {
			n++
		}
	}
	return n
}
