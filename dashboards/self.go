package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// itself is tallyman: whether it sees everything, and what it costs.
func itself() g.Dashboard {
	s := hosts()
	return g.Dashboard{
		UID: uidSelf, Title: "tallyman",
		Description: "Whether tallyman sees all that it should, and what it costs.",
		Variables:   []g.Variable{datasourceVariable(), jobVariable(), instanceVariable(true)},
		Rows: []g.Row{
			{Title: "Does it see everything", Panels: selfStats(s)},
			{Title: "What it cannot see, and why", Panels: selfSight(s)},
			{Title: "Scrapes", Panels: selfScrapes(s)},
			{Title: "The Docker Engine", Panels: selfEngine(s)},
			{Title: "What it costs", Panels: selfCost(s)},
		},
	}
}

func selfStats(s scope) []g.Panel {
	return []g.Panel{
		stat(s, "Down", "Instances that do not answer Prometheus, from up.", `sum(1 - up{<host>})`, from(1, g.Red)...),
		stat(s, "Engines down", "Docker Engines that do not answer, from tallyman_engine_up.", `sum(1 - tallyman_engine_up{<host>})`, from(1, g.Red)...),
		unit(stat(s, "Latest list", "How long ago all containers were listed in full, the oldest; see --engine.resync. In between it follows events.",
			`max(time() - tallyman_engine_last_sync_time_seconds{<host>})`, rising(1800, 7200)...), g.Seconds),
		stat(s, "Unread containers", "Running containers whose numbers come from nowhere, from tallyman_containers.", `sum(tallyman_containers{<host>,source="none"})`, from(1, g.Yellow)...),
		stat(s, "Cannot read", "Kinds of readings that some host does not give, from tallyman_capability; the table tells which and why.", `sum(1 - tallyman_capability{<host>})`, from(1, g.Yellow)...),
		stat(s, "Failed readings", "Readings that failed in the time range, from tallyman_collect_errors_total.",
			`round(sum(increase(tallyman_collect_errors_total{<host>}[$__range]))) or <zero>`, rising(1, 100)...),
		stat(s, "Groups left out", "Groups of metrics that are not served since there are too many series, from tallyman_group_left_out; see --collector.max-series.",
			`sum(tallyman_group_left_out{<host>}) or <zero>`, from(1, g.Red)...),
		stat(s, "Versions", "How many different versions of tallyman run.", `count(count by (version) (tallyman_build_info{<host>}))`, from(2, g.Yellow)...),
	}
}

func selfSight(s scope) []g.Panel {
	return []g.Panel{
		{
			Kind: g.Table, Title: "Readings", Unit: g.Count, Width: g.Half, Height: 10,
			Description: "Each kind of readings, whether it can be had, and the reason why not, from tallyman_capability.",
			Targets:     s.one(`sort(min by (instance, name, reason) (tallyman_capability{<host>}))`, ""),
			Columns: []g.Column{
				{Field: "instance", Title: "Host", Links: hostOfRow()},
				{Field: "name", Title: "Reading"},
				{Field: "Value", Title: "Can be read", Mappings: []g.Mapping{{Value: 1, Text: "yes", Color: g.Green}, {Value: 0, Text: "no", Color: g.Orange}}},
				{Field: "reason", Title: "Why not"},
			},
		},
		{
			Kind: g.Table, Title: "Instances", Unit: g.Count, Width: g.Half, Height: 10,
			Description: "Which tallyman runs where, from tallyman_build_info.",
			Targets:     s.one(`tallyman_build_info{<host>}`, ""),
			Columns: []g.Column{
				{Field: "instance", Title: "Host", Links: hostOfRow()},
				{Field: "version", Title: "Version"},
				{Field: "revision", Title: "Revision"},
				{Field: "go_version", Title: "Go"},
			},
		},
		stacked("Where the numbers come from", "Containers by source: cgroup files, the engine's stats stream, or nowhere, from tallyman_containers.", g.Count,
			s.one(`sum by (source) (tallyman_containers{<host>})`, "{{source}}")),
		lines("Failed readings over time", "By part and reason, from tallyman_collect_errors_total; none until one fails.", g.OpsPerSecond,
			s.one(`sum by (part, reason) (rate(tallyman_collect_errors_total{<host>}[$__rate_interval])) or <zero>`, "{{part}} {{reason}}")),
	}
}

func selfScrapes(s scope) []g.Panel {
	quantile := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le) (rate(tallyman_collect_duration_seconds_bucket{<host>}[$__rate_interval])))`
	}
	return []g.Panel{
		third(linked(lines("Scrape", "How long a scrape takes, as Prometheus sees it, from scrape_duration_seconds. It must stay below the scrape timeout.", g.Seconds,
			s.one(`max by (instance) (scrape_duration_seconds{<host>} and on (job, instance) tallyman_build_info{<host>})`, "{{instance}}")), hostOfSeries())),
		third(lines("Reading the host", "Time it takes to read engine and kernel once, from tallyman_collect_duration_seconds.", g.Seconds,
			s.targets(quantile("0.5"), "half are faster", quantile("0.99"), "99 of 100 are faster"))),
		third(lines("Scrapes by answer", "Requests for /metrics by HTTP status, from promhttp_metric_handler_requests_total.", g.RequestsPerSec,
			s.one(`sum by (code) (rate(promhttp_metric_handler_requests_total{<host>}[$__rate_interval]))`, "{{code}}"))),
		third(stacked("Series by group", "Series that are served, by group of metrics, from tallyman_series.", g.Count,
			s.one(`sum by (group) (tallyman_series{<host>})`, "{{group}}"))),
		third(linked(lines("Samples of a scrape", "What Prometheus takes in at each scrape, from scrape_samples_scraped.", g.Count,
			s.one(`max by (instance) (scrape_samples_scraped{<host>} and on (job, instance) tallyman_build_info{<host>})`, "{{instance}}")), hostOfSeries())),
		third(lines("Size of a scrape", "Bytes of the latest answer, by encoding, from tallyman_render_bytes.", g.Bytes,
			s.one(`max by (instance, encoding) (tallyman_render_bytes{<host>})`, "{{instance}} {{encoding}}"))),
	}
}

func selfEngine(s scope) []g.Panel {
	return []g.Panel{
		third(lines("Requests to the engine", "By endpoint, from tallyman_engine_requests_total. Between changes there should be next to none.", g.RequestsPerSec,
			s.one(`sum by (endpoint) (rate(tallyman_engine_requests_total{<host>}[$__rate_interval]))`, "{{endpoint}}"))),
		third(lines("Answers of the engine", "By HTTP status, from tallyman_engine_requests_total; error is no answer at all.", g.RequestsPerSec,
			s.one(`sum by (code) (rate(tallyman_engine_requests_total{<host>}[$__rate_interval]))`, "{{code}}"))),
		third(linked(lines("Lost event streams", "Times the event stream had to be opened again, in each interval, from tallyman_engine_reconnects_total.", g.Count,
			s.one(`sum by (instance) (increase(tallyman_engine_reconnects_total{<host>}[$__rate_interval]))`, "{{instance}}")), hostOfSeries())),
	}
}

func selfCost(s scope) []g.Panel {
	of := func(title, description string, u g.Unit, expr string) g.Panel {
		return third(linked(lines(title, description, u, s.one(expr, "{{instance}}")), hostOfSeries()))
	}
	const own = ` and on (job, instance) tallyman_build_info{<host>}`
	return []g.Panel{
		of("Processor", "Processor time of tallyman itself, from process_cpu_seconds_total.", g.Cores,
			`sum by (instance) (rate(process_cpu_seconds_total{<host>}[$__rate_interval])`+own+`)`),
		of("Memory", "Memory of tallyman itself, from process_resident_memory_bytes.", g.Bytes, `sum by (instance) (process_resident_memory_bytes{<host>}`+own+`)`),
		of("History", "Memory that the history of the status page takes, from tallyman_history_bytes; see --history.memory.", g.Bytes, `sum by (instance) (tallyman_history_bytes{<host>})`),
		of("Goroutines", "Goroutines of tallyman, from go_goroutines. A number that only rises is a fault.", g.Count, `sum by (instance) (go_goroutines{<host>}`+own+`)`),
		third(lines("Kept descriptors", "Kernel files and cgroup directories that are held open, and how many may be, from tallyman_open_descriptors and tallyman_open_descriptors_max.", g.Count,
			s.targets(`sum by (instance, kind) (tallyman_open_descriptors{<host>})`, "{{instance}} {{kind}}", `max by (instance) (tallyman_open_descriptors_max{<host>})`, "{{instance}} limit"))),
		of("Open descriptors", "All descriptors of the process, from process_open_fds.", g.Count, `sum by (instance) (process_open_fds{<host>}`+own+`)`),
	}
}
