package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// oneContainer is all that is known of one container.
func oneContainer() g.Dashboard {
	s := theContainer()
	return g.Dashboard{
		UID: uidContainer, Title: "Docker container",
		Description: "One container: how it is now, what it takes, what it may take, and what it waits for.",
		Variables: []g.Variable{
			datasourceVariable(), jobVariable(), instanceVariable(false), projectVariable(scope{host: oneHost}), nameVariable(scope{host: oneHost}),
		},
		Rows: []g.Row{
			{Title: "Now", Panels: append(containerStats(s), containerFacts(s))},
			{Title: "Processor", Panels: containerCPU(s)},
			{Title: "Memory", Panels: containerMemory(s)},
			{Title: "Waiting", Panels: containerPressure(s)},
			{Title: "Reads and writes", Panels: containerIO(s)},
			{Title: "Network", Panels: containerNetwork(s)},
			{Title: "Threads and disk", Panels: containerRest(s)},
			{Title: "What happened", Panels: containerLife(s)},
		},
	}
}

// containerStats is how the container is now.
func containerStats(s scope) []g.Panel {
	state := stat(s, "State", "State of the container, from container_state.", stateNumber("name"))
	state.Unit, state.Mappings = g.Plain, states()
	health := stat(s, "Health", "Status of the health check, from container_health_status.",
		`sum by (name) (2 * container_health_status{<containers>,status="healthy"} or 3 * container_health_status{<containers>,status="starting"}`+
			` or 4 * container_health_status{<containers>,status="unhealthy"}) or sum by (name) (0 * container_state{<containers>})`)
	health.Unit, health.Mappings = g.Plain, []g.Mapping{
		{Value: 0, Text: "no check", Color: g.Grey},
		{Value: 2, Text: "healthy", Color: g.Green},
		{Value: 3, Text: "starting", Color: g.Blue},
		{Value: 4, Text: "unhealthy", Color: g.Red},
	}
	exit := stat(s, "Latest exit code", "Exit code of the latest exit, from container_exit_code. 137 is killed, 143 was asked to end.",
		`max by (name) (container_exit_code{<containers>}) or max by (name) (0 * container_state{<containers>} - 1)`,
		g.Threshold{From: 1, Color: g.Orange})
	exit.Unit, exit.Mappings = g.Plain, []g.Mapping{{Value: -1, Text: "never exited", Color: g.Grey}, {Value: 0, Text: "0", Color: g.Green}}
	old := stat(s, "Image", "Whether the tag of the image names another image now, from container_image_stale.", `max by (name) (container_image_stale{<containers>})`)
	old.Unit, old.Mappings = g.Plain, []g.Mapping{{Value: 0, Text: "current", Color: g.Green}, {Value: 1, Text: "old", Color: g.Yellow}}
	return []g.Panel{
		state,
		health,
		unit(stat(s, "Started", "When the container was last started, or created if it never was, from container_start_time_seconds.",
			`1000 * (max by (name) (container_start_time_seconds{<containers>}) or max by (name) (container_creation_time_seconds{<containers>}))`), g.Ago),
		stat(s, "Restarts", "Restarts by the restart policy in the time range, from container_restarts_total.",
			`round(sum(increase(container_restarts_total{<containers>}[$__range])))`, rising(1, 10)...),
		stat(s, "Out of memory", "Processes of the container killed for want of memory in the time range, from container_oom_events_total.",
			`round(sum(increase(container_oom_events_total{<containers>}[$__range])))`, from(1, g.Red)...),
		exit,
		old,
		unit(stat(s, "Image made", "When the image was made, from container_image_created_time_seconds.",
			`1000 * max by (name) (container_image_created_time_seconds{<containers>})`), g.Ago),
	}
}

// containerFacts is what does not change while the container runs.
func containerFacts(s scope) g.Panel {
	return g.Panel{
		Kind: g.Table, Title: "Facts", Description: "What does not change while the container runs, from container_info.", Unit: g.Count, Width: g.Full, Height: 3,
		Targets: s.one(`container_info{<containers>}`, ""),
		Columns: []g.Column{
			{Field: "image", Title: "Image"},
			{Field: "image_id", Title: "Image ID"},
			{Field: "compose_project", Title: "Project"},
			{Field: "compose_service", Title: "Service"},
			{Field: "restart_policy", Title: "Restart policy"},
			{Field: "network_mode", Title: "Network"},
			{Field: "runtime", Title: "Runtime"},
			{Field: "id", Title: "cgroup"},
		},
	}
}

func containerCPU(s scope) []g.Panel {
	return []g.Panel{
		third(lines("Processor", "Processor time of the container, and how much it may use: its quota, its cpuset, or the host.", g.Cores,
			s.targets(`sum(rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]))`, "used",
				`max(container_cpu_limit_cores{<containers>})`, "limit"))),
		third(stacked("User and system", "Processor time in programs and in the kernel, from container_cpu_user_seconds_total and container_cpu_system_seconds_total.", g.Cores,
			s.targets(`sum(rate(container_cpu_user_seconds_total{<containers>}[$__rate_interval]))`, "user",
				`sum(rate(container_cpu_system_seconds_total{<containers>}[$__rate_interval]))`, "system"))),
		third(lines("Throttled", "Time in which the container had to wait since its quota was used up, per second; and in which share of the periods. 0 without a quota.", g.Seconds,
			s.targets(`sum(rate(container_cpu_cfs_throttled_seconds_total{<containers>}[$__rate_interval]))`, "time per second",
				`sum(rate(container_cpu_cfs_throttled_periods_total{<containers>}[$__rate_interval])) / (sum(rate(container_cpu_cfs_periods_total{<containers>}[$__rate_interval])) > 0)`, "share of periods"))),
	}
}

func containerMemory(s scope) []g.Panel {
	return []g.Panel{
		third(lines("Memory", "Working set, all memory with page cache, and the limit; without a limit there is no such line.", g.Bytes,
			s.targets(`max(container_memory_working_set_bytes{<containers>})`, "working set",
				`max(container_memory_usage_bytes{<containers>})`, "usage",
				`max(container_spec_memory_limit_bytes{<containers>})`, "limit"))),
		third(stacked("What it is used for", "Memory of processes, page cache and kernel memory, from memory.stat; and swap.", g.Bytes,
			s.targets(`max(container_memory_rss{<containers>})`, "processes",
				`max(container_memory_cache{<containers>})`, "page cache",
				`max(container_memory_kernel_usage{<containers>})`, "kernel",
				`max(container_memory_swap{<containers>})`, "swap"))),
		third(lines("Want of memory", "Page faults that had to read from disk, and times that the limit was hit. Many of them: the limit is too low.", g.OpsPerSecond,
			s.targets(`sum(rate(container_memory_failures_total{<containers>,failure_type="pgmajfault",scope="hierarchy"}[$__rate_interval]))`, "major faults",
				`sum(rate(container_memory_failcnt{<containers>}[$__rate_interval]))`, "limit hit"))),
	}
}

// containerPressure is what the container waits for; cgroup v1 does not tell.
func containerPressure(s scope) []g.Panel {
	of := func(title, what, metric string) g.Panel {
		return third(lines(title, "Share of the time in which some process (waiting) or all of them (stalled) waited for "+what+", from PSI. Only cgroup v2 tells it by container.", g.Ratio,
			s.targets(`sum(rate(container_pressure_`+metric+`_waiting_seconds_total{<containers>}[$__rate_interval]))`, "waiting",
				`sum(rate(container_pressure_`+metric+`_stalled_seconds_total{<containers>}[$__rate_interval]))`, "stalled")))
	}
	return []g.Panel{of("Waiting for a processor", "a processor", "cpu"), of("Waiting for memory", "memory", "memory"), of("Waiting for io", "reads and writes", "io")}
}

func containerIO(s scope) []g.Panel {
	return []g.Panel{
		lines("Bytes", "Bytes read from and written to devices, from container_fs_*_bytes_total.", g.BytesPerSecond,
			s.targets(`sum by (device) (rate(container_fs_reads_bytes_total{<containers>}[$__rate_interval]))`, "read {{device}}",
				`sum by (device) (rate(container_fs_writes_bytes_total{<containers>}[$__rate_interval]))`, "written {{device}}")),
		lines("Operations", "Reads and writes of devices, from container_fs_reads_total and container_fs_writes_total.", g.IOPerSecond,
			s.targets(`sum by (device) (rate(container_fs_reads_total{<containers>}[$__rate_interval]))`, "reads {{device}}",
				`sum by (device) (rate(container_fs_writes_total{<containers>}[$__rate_interval]))`, "writes {{device}}")),
	}
}

func containerNetwork(s scope) []g.Panel {
	const note = " Empty for a container on the host's network, or on that of another one."
	rate := func(metric string) string {
		return `sum by (interface) (rate(container_network_` + metric + `_total{<containers>}[$__rate_interval]))`
	}
	return []g.Panel{
		third(lines("Bytes on the network", "Bytes received and sent, by interface."+note, g.BytesPerSecond,
			s.targets(rate("receive_bytes"), "received {{interface}}", rate("transmit_bytes"), "sent {{interface}}"))),
		third(lines("Packets", "Packets received and sent, by interface."+note, g.PacketsPerSecond,
			s.targets(rate("receive_packets"), "received {{interface}}", rate("transmit_packets"), "sent {{interface}}"))),
		third(lines("Lost packets", "Packets with errors and packets that were dropped, by interface."+note, g.PacketsPerSecond,
			s.targets(rate("receive_packets_dropped"), "dropped receiving {{interface}}", rate("transmit_packets_dropped"), "dropped sending {{interface}}",
				rate("receive_errors"), "errors receiving {{interface}}", rate("transmit_errors"), "errors sending {{interface}}"))),
	}
}

func containerRest(s scope) []g.Panel {
	return []g.Panel{
		third(lines("Threads", "Threads and processes, and how many threads there may be; without a limit there is no such line.", g.Count,
			s.targets(`max(container_threads{<containers>})`, "threads",
				`max(container_processes{<containers>})`, "processes",
				`max(container_threads_max{<containers>})`, "limit"))),
		third(lines("Writable layer", "What the container wrote to its own layer, which is lost with it, from container_fs_usage_bytes.", g.DecimalBytes,
			s.one(`max(container_fs_usage_bytes{<containers>})`, "layer"))),
		third(lines("Log", "Size of the log with its rotated files, from container_log_bytes; absent for log drivers without a file.", g.DecimalBytes,
			s.one(`max(container_log_bytes{<containers>})`, "log"))),
	}
}

func containerLife(s scope) []g.Panel {
	return []g.Panel{
		{
			Kind: g.StateTimeline, Title: "State over time", Description: "The state of the container over time, from container_state; a new line for each container of that name.",
			Unit: g.Plain, Width: g.Half, Mappings: states(), Targets: s.one(stateNumber("name, id"), "{{name}}"),
		},
		lines("Exits, restarts and kills", "Exits by reason, restarts by the restart policy, and processes killed for want of memory, in each interval.", g.Count,
			s.targets(`sum by (reason) (increase(container_exits_total{<containers>}[$__rate_interval]))`, "exit: {{reason}}",
				`sum(increase(container_restarts_total{<containers>}[$__rate_interval]))`, "restarts",
				`sum(increase(container_oom_events_total{<containers>}[$__rate_interval]))`, "killed for want of memory")),
	}
}
