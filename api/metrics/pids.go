package metrics

// pidsFamilies are the rows of threads and processes.
func pidsFamilies() []Family {
	return []Family{
		row(GroupPids, Gauge, "container_threads",
			"Threads of the container, from pids.current.",
			func(c *container) float64 { return c.Stats.Pids.Threads }),
		row(GroupPids, Gauge, "container_threads_max",
			"Threads that the container may have, from pids.max; absent when unlimited.",
			func(c *container) float64 { return c.Stats.Pids.ThreadsMax }),
		row(GroupPids, Gauge, "container_processes",
			"Processes of the container, from cgroup.procs.",
			func(c *container) float64 { return c.Stats.Pids.Processes }),
	}
}
