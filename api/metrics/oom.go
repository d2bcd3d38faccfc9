package metrics

// oomFamilies are the rows of the out-of-memory killer.
func oomFamilies() []Family {
	return []Family{
		row(GroupOOM, Counter, "container_oom_events_total",
			"Processes killed for want of memory over all runs of the container, from memory.oom_control or memory.events oom_kill and the engine's oom events.",
			func(c *container) float64 { return c.OOMKills }),
	}
}
