package compat

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed queries.tsv
var table string

// Query is what one panel, or variable, of a dashboard asks for.
type Query struct {
	// Dashboard is its number at grafana.com, or the project that ships it.
	Dashboard, Panel string
	// Expr is in PromQL, with the variables of the dashboard.
	Expr string
	// Answers says that there is data. Where says on what hosts: those whose kernel tells what tallyman serves as that family, or with that
	// cgroup driver; "" = on all.
	Answers bool
	Where   string
	// Why says why it is empty, or what is different.
	Why string
}

// Queries lists them, those of a dashboard together.
func Queries() ([]Query, error) {
	var all []Query
	for i, line := range strings.Split(strings.TrimSuffix(table, "\n"), "\n") {
		if i == 0 {
			continue // the names of the columns
		}
		c := strings.Split(line, "\t")
		if len(c) != 5 {
			return nil, fmt.Errorf("queries.tsv:%d has %d columns, not 5", i+1, len(c))
		}
		outcome, where, _ := strings.Cut(c[3], ":")
		if outcome != "answers" && outcome != "empty" || (outcome == "empty" || where != "") && c[4] == "" {
			return nil, fmt.Errorf("queries.tsv:%d: outcome %q, and why: %q", i+1, c[3], c[4])
		}
		all = append(all, Query{Dashboard: c[0], Panel: c[1], Expr: c[2], Answers: outcome == "answers", Where: where, Why: c[4]})
	}
	return all, nil
}

// Flags are those that tallyman needs to answer as the table says.
func Flags() []string {
	return []string{"--compat.cadvisor", "--collector.container-labels=*", "--collector.container-labels-on=all"}
}

const head = "# Dashboards made for cAdvisor\n\n" +
	"Generated from `dashboards/compat/queries.tsv` by `go test ./dashboards/compat -update`; do not edit. An end-to-end test " +
	"(`TestDashboards/CAdvisor`) asks every query of a real Prometheus that scraped tallyman on a real Docker Engine, and fails when the outcome is not as it stands here.\n\n" +
	"tallyman runs with `%s`: without the first one only `cadvisor_version_info` is missing, without the others the labels " +
	"`container_label_…`. The queries are written anew from what the dashboards ask for: the same metrics, matchers and groupings. " +
	"Of 193, 14282 and docker-mixin their own text was read; those of the others are written from lists of what they ask for.\n\n" +
	"Never is an answer made up: where cAdvisor shows the number of the whole host, or a constant 0, as that of a container, there is none.\n\n"

// Page writes the table for people, as Markdown.
func Page(queries []Query) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, strings.Join(Flags(), " "))
	b.WriteString("| dashboard | queries | answered |\n|---|---|---|\n")
	total, answered := map[string]int{}, map[string]int{}
	var order []string
	for _, q := range queries {
		if total[q.Dashboard] == 0 {
			order = append(order, q.Dashboard)
		}
		total[q.Dashboard]++
		if q.Answers {
			answered[q.Dashboard]++
		}
	}
	for _, d := range order {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", d, total[d], answered[d])
	}
	b.WriteString("\n| dashboard | panel | outcome | why, or what is different | query |\n|---|---|---|---|---|\n")
	for _, q := range queries {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", q.Dashboard, q.Panel, q.outcome(), q.Why, strings.ReplaceAll(q.Expr, "|", `\|`))
	}
	return b.Bytes()
}

// outcome is what the table says of a query.
func (q *Query) outcome() string {
	switch {
	case !q.Answers:
		return "**empty**"
	case q.Where != "":
		return "answers, with `" + q.Where + "`"
	}
	return "answers"
}
