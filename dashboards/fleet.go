package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// fleet is where one looks first: what is wrong, on which host, and who takes most.
func fleet() g.Dashboard {
	s := hosts()
	return g.Dashboard{
		UID: uidFleet, Title: "Docker fleet",
		Description: "All Docker hosts that tallyman watches: what needs attention first, then hosts, containers and disk.",
		Variables:   []g.Variable{datasourceVariable(), jobVariable(), instanceVariable(true), projectVariable(s)},
		Rows: []g.Row{
			{Title: "Needs attention", Panels: append(append(fleetStats(s), troubleStats(s)...), troubleTable(s))},
			{Title: "Hosts", Panels: fleetHosts(s)},
			{Title: "Who takes most now", Panels: topPanels(s)},
			{Title: "By project", Panels: fleetProjects(s)},
			{Title: "What happened", Panels: changePanels(s)},
			{Title: "Disk", Panels: fleetDisk(s)},
		},
	}
}

// fleetStats are the numbers of hosts in trouble.
func fleetStats(s scope) []g.Panel {
	return []g.Panel{
		stat(s, "Hosts down", "Hosts whose tallyman does not answer Prometheus, from up. Nothing is known of their containers.",
			`sum(1 - up{<host>})`, from(1, g.Red)...),
		stat(s, "Engines down", "Docker Engines that do not answer tallyman, from tallyman_engine_up. Their containers run on, and their cgroups are still read.",
			`sum(1 - tallyman_engine_up{<host>})`, from(1, g.Red)...),
	}
}

// fleetHosts are the containers by state, and a line for each host.
func fleetHosts(s scope) []g.Panel {
	return []g.Panel{
		third(stacked("Containers by state", "From docker_containers: running, exited and so on, on all hosts.", g.Count,
			s.one(`sum by (state) (docker_containers{<host>}) > 0`, "{{state}}"))),
		{
			Kind: g.Table, Title: "Hosts", Unit: g.Count, Width: 16, Join: "instance",
			Description: "One line for each host: containers that run and that do not, processor time and memory that are in use of all that the host has, and disk space that can be freed.",
			Targets: s.targets(
				`sum by (instance) (docker_containers{<host>,state="running"})`, "",
				`sum by (instance) (docker_containers{<host>,state!="running"})`, "",
				`sum by (instance) (rate(container_cpu_usage_seconds_total{<host>,id="/"}[$__rate_interval])) / sum by (instance) (machine_cpu_cores{<host>})`, "",
				`sum by (instance) (container_memory_working_set_bytes{<host>,id="/"}) / sum by (instance) (machine_memory_bytes{<host>})`, "",
				`sum by (instance) (docker_disk_usage_bytes{<host>})`, "",
				`sum by (instance) (docker_disk_reclaimable_bytes{<host>})`, "",
				`min by (instance) (tallyman_engine_up{<host>})`, "",
			),
			Columns: []g.Column{
				{Field: "instance", Title: "Host", Links: hostOfRow()},
				{Field: "Value #G", Title: "Engine", Mappings: []g.Mapping{{Value: 1, Text: "up", Color: g.Green}, {Value: 0, Text: "down", Color: g.Red}}},
				{Field: "Value #A", Title: "Running", Unit: g.Count},
				{Field: "Value #B", Title: "Not running", Unit: g.Count},
				{Field: "Value #C", Title: "Processor", Unit: g.Ratio, Thresholds: rising(0.8, 0.95), SortDown: true},
				{Field: "Value #D", Title: "Memory", Unit: g.Ratio, Thresholds: rising(0.8, 0.95)},
				{Field: "Value #E", Title: "Docker's disk", Unit: g.DecimalBytes},
				{Field: "Value #F", Title: "Reclaimable", Unit: g.DecimalBytes},
			},
		},
	}
}

// fleetProjects are the sums of compose projects.
func fleetProjects(s scope) []g.Panel {
	const legend = "{{compose_project}}"
	return []g.Panel{
		stacked("Processor by project", "Processor time of the containers of each compose project; those without one are the line without a name.", g.Cores,
			s.one(`sum by (compose_project) (rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]) <info>)`, legend)),
		stacked("Memory by project", "Working sets of the containers of each compose project; those without one are the line without a name.", g.Bytes,
			s.one(`sum by (compose_project) (container_memory_working_set_bytes{<containers>} <info>)`, legend)),
	}
}

// fleetDisk is the disk space of all hosts, and who takes it.
func fleetDisk(s scope) []g.Panel {
	panels := []g.Panel{
		third(stacked("Docker's disk space", "Images, containers, volumes and build cache of all hosts, as docker system df has them, from docker_disk_usage_bytes.", g.DecimalBytes,
			s.one(`sum by (type) (docker_disk_usage_bytes{<host>})`, "{{type}}"))),
		linked(bars("Reclaimable by host", "What removing all that is not in use would free, from docker_disk_reclaimable_bytes.", g.DecimalBytes,
			s.one(`topk(10, sum by (instance) (docker_disk_reclaimable_bytes{<host>}))`, "{{instance}}")), hostOfSeries()),
		linked(bars("Largest logs", "Log files of containers with the rotated ones, from container_log_bytes.", g.DecimalBytes,
			s.one(`topk(10, max by (instance, name) (container_log_bytes{<containers>} <project>))`, "{{name}} ({{instance}})")), containerOfSeries()),
	}
	panels[0].Height = 9
	return panels
}
