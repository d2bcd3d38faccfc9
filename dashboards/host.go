package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// host is one Docker host.
func host() g.Dashboard {
	s := theHost()
	return g.Dashboard{
		UID: uidHost, Title: "Docker host",
		Description: "One Docker host: what needs attention, its containers one by one, and who of them takes processor, memory, network and disk.",
		Variables:   []g.Variable{datasourceVariable(), jobVariable(), instanceVariable(false), projectVariable(s)},
		Rows: []g.Row{
			{Title: "Needs attention", Panels: append(append(hostStats(s), troubleStats(s)...), troubleTable(s))},
			{Title: "Containers", Panels: hostContainers(s)},
			{Title: "Processor", Panels: hostCPU(s)},
			{Title: "Memory", Panels: hostMemory(s)},
			{Title: "Network, reads and writes", Panels: hostTraffic(s)},
			{Title: "What happened", Panels: append(changePanels(s), hostTimeline(s))},
		},
	}
}

// hostStats are the host as a whole.
func hostStats(s scope) []g.Panel {
	return []g.Panel{
		share("Processor", "Processor time in use of what the host has, by all processes, not just those of containers.",
			s.one(`sum(rate(container_cpu_usage_seconds_total{<host>,id="/"}[$__rate_interval])) / sum(machine_cpu_cores{<host>})`, "in use"), 0.8, 0.95),
		share("Memory", "Working set of all processes of the host, as a share of its memory.",
			s.one(`sum(container_memory_working_set_bytes{<host>,id="/"}) / sum(machine_memory_bytes{<host>})`, "in use"), 0.8, 0.95),
	}
}

// hostContainers is a line for each container, in whatever state, and what the engine is.
func hostContainers(s scope) []g.Panel {
	return []g.Panel{
		{
			Kind: g.Table, Title: "Containers", Unit: g.Count, Width: g.Full, Height: 12, Join: "name",
			Description: "Every container of the host, also those that do not run: state, processor time, memory, threads, disk, restarts and the latest exit.",
			Targets: s.targets(
				`max by (name, image, compose_project, instance) (container_info{<containers>,compose_project=~"$project"})`, "",
				stateNumber("name"), "",
				`sum by (name) (rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]))`, "",
				`max by (name) (container_memory_working_set_bytes{<containers>})`, "",
				`max by (name) (`+memoryShare+`)`, "",
				`max by (name) (container_threads{<containers>})`, "",
				`max by (name) (container_fs_usage_bytes{<containers>})`, "",
				`max by (name) (container_log_bytes{<containers>})`, "",
				`max by (name) (container_restarts_total{<containers>})`, "",
				`max by (name) (container_exit_code{<containers>})`, "",
			),
			Columns: []g.Column{
				{Field: "name", Title: "Container", Links: containerOfRow()},
				{Field: "Value #B", Title: "State", Mappings: states()},
				{Field: "Value #C", Title: "Processor", Unit: g.Cores, SortDown: true},
				{Field: "Value #D", Title: "Memory", Unit: g.Bytes},
				{Field: "Value #E", Title: "of its memory", Unit: g.Ratio, Thresholds: rising(0.8, 0.95)},
				{Field: "Value #F", Title: "Threads", Unit: g.Count},
				{Field: "Value #G", Title: "Layer", Unit: g.DecimalBytes},
				{Field: "Value #H", Title: "Log", Unit: g.DecimalBytes},
				{Field: "Value #I", Title: "Restarts", Unit: g.Count},
				{Field: "Value #J", Title: "Exit code", Unit: g.Plain},
				{Field: "compose_project", Title: "Project"},
				{Field: "image", Title: "Image"},
				{Field: "instance", Title: "Host"},
			},
		},
		{
			Kind: g.Table, Title: "Engine", Unit: g.Count, Width: g.Full, Height: 3,
			Description: "The Docker Engine and its host, from docker_engine_info.",
			Targets:     s.one(`docker_engine_info{<host>}`, ""),
			Columns: []g.Column{
				{Field: "version", Title: "Docker"},
				{Field: "api_version", Title: "API"},
				{Field: "storage_driver", Title: "Storage driver"},
				{Field: "cgroup_version", Title: "cgroup"},
				{Field: "cgroup_driver", Title: "cgroup driver"},
				{Field: "kernel", Title: "Kernel"},
				{Field: "os", Title: "System"},
			},
		},
	}
}

// hostCPU is who uses the processors, and who waits for them.
func hostCPU(s scope) []g.Panel {
	return []g.Panel{
		linked(stacked("Processor by container", "Processor time of each container, from container_cpu_usage_seconds_total.", g.Cores,
			s.one(`sum by (instance, name) (rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]) <project>)`, "{{name}}")), containerOfSeries()),
		lines("Processor of host and containers", "Processor time of the whole host, of all its containers, and what the host has. The rest is what runs beside Docker.", g.Cores,
			s.targets(`sum(rate(container_cpu_usage_seconds_total{<host>,id="/"}[$__rate_interval]))`, "host",
				`sum(rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]))`, "containers",
				`sum(machine_cpu_cores{<host>})`, "cores")),
		linked(lines("Share of their processors", "Processor time of each container as a share of its quota or cpuset, or of the host where it has neither.", g.Ratio,
			s.one(`max by (instance, name) (`+cpuShare+` <project>)`, "{{name}}")), containerOfSeries()),
		linked(lines("Throttled", "Time in which a container had to wait since its quota was used up, per second, from container_cpu_cfs_throttled_seconds_total.", g.Seconds,
			s.one(`sum by (instance, name) (rate(container_cpu_cfs_throttled_seconds_total{<containers>}[$__rate_interval]) <project>)`, "{{name}}")), containerOfSeries()),
	}
}

// hostMemory is who has the memory.
func hostMemory(s scope) []g.Panel {
	return []g.Panel{
		linked(stacked("Memory by container", "Working set of each container, from container_memory_working_set_bytes.", g.Bytes,
			s.one(`max by (instance, name) (container_memory_working_set_bytes{<containers>} <project>)`, "{{name}}")), containerOfSeries()),
		lines("Memory of host and containers", "Working set of the whole host and of all its containers, their page cache, and the memory that the host has.", g.Bytes,
			s.targets(`sum(container_memory_working_set_bytes{<host>,id="/"})`, "host",
				`sum(container_memory_working_set_bytes{<containers>})`, "containers",
				`sum(container_memory_cache{<containers>})`, "page cache of containers",
				`sum(machine_memory_bytes{<host>})`, "memory")),
		linked(lines("Share of their memory", "Working set of each container as a share of its limit, or of the host's memory where that is less or there is no limit.", g.Ratio,
			s.one(`max by (instance, name) (`+memoryShare+` <project>)`, "{{name}}")), containerOfSeries()),
		lines("Waiting on the host", "Share of the time in which some process of the host waited for processor, memory or io, from /proc/pressure.", g.Ratio,
			s.targets(`sum(rate(container_pressure_cpu_waiting_seconds_total{<host>,id="/"}[$__rate_interval]))`, "processor",
				`sum(rate(container_pressure_memory_waiting_seconds_total{<host>,id="/"}[$__rate_interval]))`, "memory",
				`sum(rate(container_pressure_io_waiting_seconds_total{<host>,id="/"}[$__rate_interval]))`, "io")),
	}
}

// hostTraffic is who uses network and disks.
func hostTraffic(s scope) []g.Panel {
	by := func(title, description, metric string) g.Panel {
		return linked(lines(title, description, g.BytesPerSecond,
			s.one(`sum by (instance, name) (rate(`+metric+`{<containers>}[$__rate_interval]) <project>)`, "{{name}}")), containerOfSeries())
	}
	return []g.Panel{
		by("Received", "Bytes that each container received. Containers that share a network count once, at its owner; those on the host's network not at all.", "container_network_receive_bytes_total"),
		by("Sent", "Bytes that each container sent. Containers that share a network count once, at its owner; those on the host's network not at all.", "container_network_transmit_bytes_total"),
		by("Read", "Bytes that each container read from devices, not from the page cache.", "container_fs_reads_bytes_total"),
		by("Written", "Bytes that each container wrote to devices. On cgroup v1, what the kernel writes later is nobody's.", "container_fs_writes_bytes_total"),
	}
}

// hostTimeline is the state of each container over time.
func hostTimeline(s scope) g.Panel {
	return g.Panel{
		Kind: g.StateTimeline, Title: "States", Description: "The state of each container over time, from container_state. Those that live for less than a scrape interval may be missing.",
		Unit: g.Plain, Width: g.Full, Height: 12, Mappings: states(), Links: containerOfSeries(),
		Targets: s.one(stateNumber("job, instance, id, name")+` <project>`, "{{name}}"),
	}
}
