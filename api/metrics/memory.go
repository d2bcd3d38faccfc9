package metrics

// memoryFamilies are the rows of the memory in use.
func memoryFamilies() []Family {
	return []Family{
		row(GroupMemory, Gauge, "container_memory_usage_bytes",
			"Memory in use, page cache included, from memory.usage_in_bytes or memory.current.",
			func(c *container) float64 { return c.Stats.Memory.Usage }),
		row(GroupMemory, Gauge, "container_memory_working_set_bytes",
			"Memory in use less the inactive page cache, from memory.usage_in_bytes or memory.current, and memory.stat.",
			func(c *container) float64 { return c.Stats.Memory.WorkingSet }),
		row(GroupMemory, Gauge, "container_memory_max_usage_bytes",
			"Largest memory usage so far, from memory.max_usage_in_bytes or memory.peak.",
			func(c *container) float64 { return c.Stats.Memory.MaxUsage }),
		row(GroupMemory, Gauge, "container_memory_rss",
			"Anonymous memory and swap cache in bytes, from memory.stat total_rss or anon.",
			func(c *container) float64 { return c.Stats.Memory.RSS }),
		row(GroupMemory, Gauge, "container_memory_cache",
			"Page cache in bytes, from memory.stat total_cache or file.",
			func(c *container) float64 { return c.Stats.Memory.Cache }),
		row(GroupMemory, Gauge, "container_memory_swap",
			"Swap in use in bytes, from memory.stat total_swap or memory.swap.current.",
			func(c *container) float64 { return c.Stats.Memory.Swap }),
		row(GroupMemory, Gauge, "container_memory_mapped_file",
			"Memory-mapped files in bytes, from memory.stat total_mapped_file or file_mapped.",
			func(c *container) float64 { return c.Stats.Memory.MappedFile }),
		row(GroupMemory, Gauge, "container_memory_kernel_usage",
			"Kernel memory in bytes, from memory.kmem.usage_in_bytes or memory.stat kernel.",
			func(c *container) float64 { return c.Stats.Memory.Kernel }),
		row(GroupMemory, Gauge, "container_memory_total_active_file_bytes",
			"Page cache in recent use, from memory.stat total_active_file or active_file.",
			func(c *container) float64 { return c.Stats.Memory.ActiveFile }),
		row(GroupMemory, Gauge, "container_memory_total_inactive_file_bytes",
			"Page cache that can be given back first, from memory.stat total_inactive_file or inactive_file.",
			func(c *container) float64 { return c.Stats.Memory.InactiveFile }),
		row(GroupMemory, Gauge, "container_memory_file_dirty_bytes",
			"Page cache that has yet to be written to disk, from memory.stat total_dirty or file_dirty.",
			func(c *container) float64 { return c.Stats.Memory.FileDirty }),
		row(GroupMemory, Gauge, "container_memory_file_writeback_bytes",
			"Page cache that is being written to disk, from memory.stat total_writeback or file_writeback.",
			func(c *container) float64 { return c.Stats.Memory.FileWriteback }),
	}
}

// memoryReclaimFamilies are the rows of page faults and of memory taken back.
func memoryReclaimFamilies() []Family {
	return []Family{
		{
			Name: "container_memory_failures_total", Type: Counter, Group: GroupMemory,
			Labels: []string{"failure_type", "scope"},
			Help:   "Page faults, from memory.stat: pgfault and pgmajfault, of the container alone and with its child cgroups.",
			Each: func(c *container, yield func(Sample)) {
				m := &c.Stats.Memory
				yield(labelled(m.OwnPageFaults, "pgfault", "container"))
				yield(labelled(m.OwnMajorPageFaults, "pgmajfault", "container"))
				yield(labelled(m.PageFaults, "pgfault", "hierarchy"))
				yield(labelled(m.MajorPageFaults, "pgmajfault", "hierarchy"))
			},
		},
		row(GroupMemory, Counter, "container_memory_pgscan_total",
			"Pages scanned to take memory back, from memory.stat pgscan.",
			func(c *container) float64 { return c.Stats.Memory.PagesScanned }),
		row(GroupMemory, Counter, "container_memory_pgsteal_total",
			"Pages taken back, from memory.stat pgsteal.",
			func(c *container) float64 { return c.Stats.Memory.PagesStolen }),
		row(GroupMemory, Counter, "container_memory_workingset_refault_file_total",
			"File pages needed again soon after they were taken back, from memory.stat workingset_refault_file.",
			func(c *container) float64 { return c.Stats.Memory.RefaultFile }),
		row(GroupMemory, Counter, "container_memory_workingset_refault_anon_total",
			"Anonymous pages needed again soon after they were taken back, from memory.stat workingset_refault_anon.",
			func(c *container) float64 { return c.Stats.Memory.RefaultAnon }),
	}
}

// memoryEventFamilies are the rows of what happened at the limits.
func memoryEventFamilies() []Family {
	return []Family{
		row(GroupMemory, Untyped, "container_memory_failcnt",
			"Times that the memory limit was hit, from memory.failcnt or memory.events max.",
			func(c *container) float64 { return c.Stats.Memory.FailCount }),
		{
			Name: "container_memory_events_total", Type: Counter, Group: GroupMemory, Labels: []string{"event"},
			Help: "Times that a memory boundary was met, from memory.events (cgroup v2).",
			Each: func(c *container, yield func(Sample)) {
				e := &c.Stats.Memory.Events
				yield(labelled(e.Low, "low"))
				yield(labelled(e.High, "high"))
				yield(labelled(e.Max, "max"))
				yield(labelled(e.OOM, "oom"))
				yield(labelled(e.OOMKill, "oom_kill"))
				yield(labelled(e.OOMGroupKill, "oom_group_kill"))
			},
		},
		{
			Name: "container_memory_swap_events_total", Type: Counter, Group: GroupMemory, Labels: []string{"event"},
			Help: "Times that a swap boundary was met or no swap was to be had, from memory.swap.events (cgroup v2).",
			Each: func(c *container, yield func(Sample)) {
				e := &c.Stats.Memory.SwapEvents
				yield(labelled(e.High, "high"))
				yield(labelled(e.Max, "max"))
				yield(labelled(e.Fail, "fail"))
			},
		},
		row(GroupMemory, Counter, "container_memory_events_high_total",
			"Times that memory.high was exceeded, from memory.events high (cgroup v2).",
			func(c *container) float64 { return c.Stats.Memory.Events.High }),
		row(GroupMemory, Counter, "container_memory_events_max_total",
			"Times that memory.max was about to be exceeded, from memory.events max (cgroup v2).",
			func(c *container) float64 { return c.Stats.Memory.Events.Max }),
	}
}

// memorySpecFamilies are the rows of what a container may use of the memory.
func memorySpecFamilies() []Family {
	return []Family{
		row(GroupMemory, Gauge, "container_spec_memory_limit_bytes",
			"Memory limit, from memory.limit_in_bytes or memory.max; absent when unlimited.",
			func(c *container) float64 { return c.Stats.Memory.Limit }),
		row(GroupMemory, Gauge, "container_spec_memory_swap_limit_bytes",
			"Limit of memory and swap together, from memory.memsw.limit_in_bytes or memory.max with memory.swap.max; absent when unlimited.",
			func(c *container) float64 { return c.Stats.Memory.SwapLimit }),
		row(GroupMemory, Gauge, "container_spec_memory_reservation_limit_bytes",
			"Memory reservation, from memory.soft_limit_in_bytes or memory.low; absent when there is none.",
			func(c *container) float64 { return c.Stats.Memory.Reservation }),
	}
}
