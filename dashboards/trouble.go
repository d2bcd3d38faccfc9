package dashboards

import (
	"strings"

	g "tallyman/dashboards/grafana"
)

// What is wrong, first on every dashboard of many containers.

// stat is a panel with one number.
func stat(s scope, title, description, expr string, thresholds ...g.Threshold) g.Panel {
	return g.Panel{
		Kind: g.Stat, Title: title, Description: description, Unit: g.Count, Width: g.Eighth, Thresholds: thresholds,
		Targets: s.one(expr, title),
	}
}

// troubleStats are the numbers of containers in trouble.
func troubleStats(s scope) []g.Panel {
	return []g.Panel{
		stat(s, "Unhealthy", "Containers whose health check fails, from container_health_status. Those that are still starting are not counted.",
			`sum(container_health_status{<containers>,status="unhealthy"} <project>) or <zero>`, from(1, g.Red)...),
		stat(s, "Restarts", "Restarts by the restart policy in the time range, from container_restarts_total. A loop is some each minute.",
			`round(sum(increase(container_restarts_total{<containers>}[$__range]) <project>)) or <zero>`, rising(1, 10)...),
		stat(s, "Out of memory", "Processes that the kernel killed for want of memory in the time range, from container_oom_events_total. The container may live on without them.",
			`round(sum(increase(container_oom_events_total{<containers>}[$__range]) <project>)) or <zero>`, from(1, g.Red)...),
		stat(s, "Failed exits", "Exits in the time range with an error, by a signal or for want of memory, from container_exits_total. A docker stop that had to kill counts, too.",
			`round(sum(increase(container_exits_total{<containers>,reason!="completed"}[$__range]) <project>)) or <zero>`, rising(1, 10)...),
		stat(s, "Stuck", "Containers that are restarting, being removed, or dead, from container_state.",
			`sum(container_state{<containers>,state=~"restarting|removing|dead"} <project>) or <zero>`, from(1, g.Orange)...),
		stat(s, "Old images", "Containers that run an image which their tag no longer names: a newer one was pulled or built, from container_image_stale.",
			`sum(container_image_stale{<containers>} <project>) or <zero>`, from(1, g.Yellow)...),
	}
}

// troubleTable names the containers that are in trouble, and why.
func troubleTable(s scope) g.Panel {
	because := func(why, expr string) string { return `label_replace(` + expr + `, "trouble", "` + why + `", "", "")` }
	return g.Panel{
		Kind: g.Table, Title: "Containers in trouble", Unit: g.Count, Width: g.Full, Height: 9, NoValue: "None",
		Description: "Each container that is unhealthy, is stuck, was restarted more than twice, lost processes for want of memory or ended badly in the time range, is " +
			"throttled for more than a quarter of its periods, or is near its memory limit; with how often, or how much. Empty is good.",
		Targets: s.one(`(`+strings.Join([]string{
			because("unhealthy, probes failed", `(container_health_failing_streak{<containers>} and on (job, instance, id) container_health_status{<host>,status="unhealthy"} == 1)`),
			because("stuck", `(container_state{<containers>,state=~"restarting|removing|dead"} == 1)`),
			because("restarts", `(round(increase(container_restarts_total{<containers>}[$__range])) > 2)`),
			because("killed for want of memory", `(round(increase(container_oom_events_total{<containers>}[$__range])) > 0)`),
			because("failed exits", `(round(sum without (reason) (increase(container_exits_total{<containers>,reason!="completed"}[$__range]))) > 0)`),
			because("share of periods throttled", `(rate(container_cpu_cfs_throttled_periods_total{<containers>}[$__rate_interval]) / rate(container_cpu_cfs_periods_total{<containers>}[$__rate_interval]) > 0.25)`),
			because("share of memory limit", `(container_memory_working_set_bytes{<containers>} / container_spec_memory_limit_bytes{<containers>} > 0.9)`),
		}, ` or `)+`) <info>`, ""),
		Columns: []g.Column{
			{Field: "trouble", Title: "Trouble"},
			{Field: "Value", Title: "How much", Unit: g.Count, SortDown: true},
			{Field: "name", Title: "Container", Links: containerOfRow()},
			{Field: "compose_project", Title: "Project"},
			{Field: "image", Title: "Image"},
			{Field: "instance", Title: "Host", Links: hostOfRow()},
		},
	}
}
