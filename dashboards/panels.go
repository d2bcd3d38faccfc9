package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// Panels that stand on several dashboards, and the forms that most others have.

// lines is a time series.
func lines(title, description string, unit g.Unit, targets []g.Target) g.Panel {
	return g.Panel{Kind: g.TimeSeries, Title: title, Description: description, Unit: unit, Width: g.Half, Targets: targets}
}

// stacked is a time series whose lines add up to a whole.
func stacked(title, description string, unit g.Unit, targets []g.Target) g.Panel {
	p := lines(title, description, unit, targets)
	p.Stack = true
	return p
}

// bars is the largest of many things, now.
func bars(title, description string, unit g.Unit, targets []g.Target) g.Panel {
	return g.Panel{Kind: g.BarGauge, Title: title, Description: description, Unit: unit, Width: g.Third, Height: 9, Targets: targets}
}

// share is a gauge of a part of a whole, from 0 to 1.
func share(title, description string, targets []g.Target, yellow, red float64) g.Panel {
	return g.Panel{
		Kind: g.Gauge, Title: title, Description: description, Unit: g.Ratio, Width: g.Eighth, Max: 1,
		Thresholds: rising(yellow, red), Targets: targets,
	}
}

// third makes a panel narrower than it is as a rule.
func third(p g.Panel) g.Panel {
	p.Width = g.Third
	return p
}

// linked adds links to the values of a panel.
func linked(p g.Panel, links []g.Link) g.Panel {
	p.Links = links
	return p
}

// unit changes the unit of a panel.
func unit(p g.Panel, u g.Unit) g.Panel {
	p.Unit = u
	return p
}

// states are the states of a container by number, for pictures of them.
func states() []g.Mapping {
	return []g.Mapping{
		{Value: 1, Text: "running", Color: g.Green},
		{Value: 2, Text: "created", Color: g.Blue},
		{Value: 3, Text: "paused", Color: g.Purple},
		{Value: 4, Text: "exited", Color: g.Grey},
		{Value: 5, Text: "restarting", Color: g.Orange},
		{Value: 6, Text: "removing", Color: g.Yellow},
		{Value: 7, Text: "dead", Color: g.Red},
	}
}

// stateNumber is the state of each container by its number in states, summed by some labels: exactly one of the states is 1.
func stateNumber(by string) string {
	return `sum by (` + by + `) (container_state{<containers>,state="running"} or 2 * container_state{<containers>,state="created"}` +
		` or 3 * container_state{<containers>,state="paused"} or 4 * container_state{<containers>,state="exited"}` +
		` or 5 * container_state{<containers>,state="restarting"} or 6 * container_state{<containers>,state="removing"}` +
		` or 7 * container_state{<containers>,state="dead"})`
}

// memoryShare is the working set of each container as a share of what it may have.
const memoryShare = `container_memory_working_set_bytes{<containers>} / (container_spec_memory_limit_bytes{<containers>} < on (job, instance) group_left () machine_memory_bytes{<host>}` +
	` or container_memory_working_set_bytes{<containers>} * 0 + on (job, instance) group_left () machine_memory_bytes{<host>})`

// cpuShare is the processor time of each container as a share of what it may have.
const cpuShare = `sum without (cpu) (rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval])) / container_cpu_limit_cores{<containers>}`

// topPanels are the containers that take most.
func topPanels(s scope) []g.Panel {
	top := func(expr string) []g.Target { return s.one(`topk(10, `+expr+`)`, "{{name}} ({{instance}})") }
	panels := []g.Panel{
		bars("Processor", "The containers that use most processor time, from container_cpu_usage_seconds_total.", g.Cores,
			top(`sum by (instance, name) (rate(container_cpu_usage_seconds_total{<containers>}[$__rate_interval]) <project>)`)),
		bars("Memory", "The containers with the largest working set: memory without page cache that can be given back, from container_memory_working_set_bytes.", g.Bytes,
			top(`sum by (instance, name) (container_memory_working_set_bytes{<containers>} <project>)`)),
		bars("Nearest to their memory", "Working set as a share of the container's memory limit, or of the host's memory where that is less or there is no limit. At 1 processes are killed.", g.Ratio,
			top(`max by (instance, name) (`+memoryShare+` <project>)`)),
		bars("Throttled", "Time in which a container had to wait since its processor quota was used up, per second, from container_cpu_cfs_throttled_seconds_total.", g.Seconds,
			top(`sum by (instance, name) (rate(container_cpu_cfs_throttled_seconds_total{<containers>}[$__rate_interval]) <project>)`)),
		bars("Network", "Bytes received and sent per second, from container_network_*_bytes_total. Containers that share a network count once, at its owner.", g.BytesPerSecond,
			top(`sum by (instance, name) (rate(container_network_receive_bytes_total{<containers>}[$__rate_interval]) + rate(container_network_transmit_bytes_total{<containers>}[$__rate_interval]) <project>)`)),
		bars("Reads and writes", "Bytes read from and written to devices per second, from container_fs_*_bytes_total: the container's own, not the disk's.", g.BytesPerSecond,
			top(`sum by (instance, name) (rate(container_fs_reads_bytes_total{<containers>}[$__rate_interval]) + rate(container_fs_writes_bytes_total{<containers>}[$__rate_interval]) <project>)`)),
	}
	panels[2].Max, panels[2].Thresholds = 1, rising(0.8, 0.95)
	for i := range panels {
		panels[i].Links = containerOfSeries()
	}
	return panels
}

// changePanels are what happened to containers over time.
func changePanels(s scope) []g.Panel {
	return []g.Panel{
		third(lines("Exits", "Exits by their reason, in each interval, from container_exits_total.", g.Count,
			s.one(`sum by (reason) (increase(container_exits_total{<containers>}[$__rate_interval]) <project>)`, "{{reason}}"))),
		third(lines("Restarts and kills", "Restarts by the restart policy and processes killed for want of memory, in each interval.", g.Count,
			s.targets(`sum(increase(container_restarts_total{<containers>}[$__rate_interval]) <project>) or <zero>`, "restarts",
				`sum(increase(container_oom_events_total{<containers>}[$__rate_interval]) <project>) or <zero>`, "killed for want of memory"))),
		third(lines("Events", "What the engine told of, by kind, in each interval, from docker_events_total.", g.Count,
			s.one(`topk(15, sum by (type, action) (increase(docker_events_total{<host>}[$__rate_interval])))`, "{{type}} {{action}}"))),
	}
}
