package dashboards

import (
	"strings"

	"tallyman/dashboards/grafana"
)

// scope is what a dashboard looks at, as its variables say. It stands for these words in a query:
//
//	<host>        matchers of the hosts
//	<containers>  matchers of the containers, without the host itself and slices
//	<project>     lets only the containers of the chosen compose projects through
//	<info>        joins the compose project to the labels of a container
//	<zero>        0 where tallyman answers: good news, not no news
type scope struct {
	host       string
	containers string
}

const (
	manyHosts = `job=~"$job",instance=~"$instance"`
	oneHost   = `job=~"$job",instance="$instance"`
)

func hosts() scope { return scope{manyHosts, manyHosts + `,name!=""`} }

func theHost() scope { return scope{oneHost, oneHost + `,name!=""`} }

func theContainer() scope { return scope{oneHost, oneHost + `,name="$name"`} }

// query writes the words out.
func (s scope) query(text string) string {
	return strings.NewReplacer(
		"<host>", s.host,
		"<containers>", s.containers,
		"<project>", `and on (job, instance, id) container_info{`+s.host+`,compose_project=~"$project"}`,
		"<info>", `* on (job, instance, id) group_left (compose_project) container_info{`+s.host+`,compose_project=~"$project"}`,
		"<zero>", `0 * sum(tallyman_engine_up{`+s.host+`})`,
	).Replace(text)
}

// one is the only target of a panel.
func (s scope) one(expr, legend string) []grafana.Target {
	return []grafana.Target{{Expr: s.query(expr), Legend: legend}}
}

// targets are pairs of an expression and its legend.
func (s scope) targets(pairs ...string) []grafana.Target {
	all := make([]grafana.Target, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, grafana.Target{Expr: s.query(pairs[i]), Legend: pairs[i+1]})
	}
	return all
}

// Variables, each asked of what those before it let through.

func datasourceVariable() grafana.Variable {
	return grafana.Variable{Name: "datasource", Label: "Data source", Description: "The Prometheus that scrapes tallyman."}
}

func jobVariable() grafana.Variable {
	return grafana.Variable{
		Name: "job", Label: "Job", Description: "The scrape job of tallyman.",
		Query: `label_values(tallyman_build_info, job)`, Multi: true, AllValue: ".+",
	}
}

func instanceVariable(multi bool) grafana.Variable {
	v := grafana.Variable{
		Name: "instance", Label: "Instance", Description: "The tallyman of the host.",
		Query: `label_values(tallyman_build_info{job=~"$job"}, instance)`, Multi: multi,
	}
	if multi {
		v.AllValue = ".+"
	}
	return v
}

// projectVariable chooses compose projects; all of them are also the containers that belong to none.
func projectVariable(s scope) grafana.Variable {
	return grafana.Variable{
		Name: "project", Label: "Project", Description: "The compose project of the container; All has those without one, too.",
		Query: s.query(`label_values(container_info{<host>,compose_project!=""}, compose_project)`), Multi: true, AllValue: ".*",
	}
}

func nameVariable(s scope) grafana.Variable {
	return grafana.Variable{
		Name: "name", Label: "Container", Description: "The name of the container.",
		Query: s.query(`label_values(container_info{<host>,compose_project=~"$project"}, name)`),
	}
}

// Links from a value to the dashboard of what it is of.

const keepSource = "&${datasource:queryparam}&${job:queryparam}&${__url_time_range}"

// containerOfRow is for tables with the columns instance and name.
func containerOfRow() []grafana.Link {
	return []grafana.Link{{Title: "Container", URL: "/d/" + uidContainer + "?var-instance=${__data.fields.instance}&var-name=${__data.fields.name}" + keepSource}}
}

// containerOfSeries is for series with the labels instance and name.
func containerOfSeries() []grafana.Link {
	return []grafana.Link{{Title: "Container", URL: "/d/" + uidContainer + "?var-instance=${__field.labels.instance}&var-name=${__field.labels.name}" + keepSource}}
}

// hostOfRow is for tables with the column instance.
func hostOfRow() []grafana.Link {
	return []grafana.Link{{Title: "Host", URL: "/d/" + uidHost + "?var-instance=${__data.fields.instance}" + keepSource}}
}

// hostOfSeries is for series with the label instance.
func hostOfSeries() []grafana.Link {
	return []grafana.Link{{Title: "Host", URL: "/d/" + uidHost + "?var-instance=${__field.labels.instance}" + keepSource}}
}

// Thresholds.

func from(value float64, color grafana.Color) []grafana.Threshold {
	return []grafana.Threshold{{From: value, Color: color}}
}

func rising(yellow, red float64) []grafana.Threshold {
	return []grafana.Threshold{{From: yellow, Color: grafana.Yellow}, {From: red, Color: grafana.Red}}
}
