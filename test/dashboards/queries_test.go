package dashboards

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tallyman/test/internal/panels"
)

// values are such as an operator might choose.
func values() panels.Values {
	return panels.Values{
		"job": "tallyman", "instance": "host:10180", "project": "shop|blog", "name": "shop-web-1",
		"__rate_interval": "1m", "__range": "1h",
	}
}

var inLegend = regexp.MustCompile(`\{\{(\w+)\}\}`)

// TestQueries: every query of every panel and variable can be parsed, and names only metrics and labels that tallyman serves;
// legends and columns, too.
func TestQueries(t *testing.T) {
	t.Parallel()
	served, err := metricsServed()
	if err != nil {
		t.Fatal(err)
	}
	all, err := panels.All()
	if err != nil {
		t.Fatal(err)
	}
	asked, queries := map[string]bool{}, 0
	for _, d := range all {
		check := func(where, query string, chooses bool) (found labelSet) {
			queries++
			c := checker{served: served, metrics: asked}
			filled, err := values().Fill(query)
			if err == nil {
				found, err = c.check(filled)
			}
			if err != nil {
				t.Errorf("%s: %s: %v", d.Title, where, err)
			}
			for _, wrong := range c.wrong {
				if chooses || !strings.Contains(wrong, "does not choose") {
					t.Errorf("%s: %s: %s", d.Title, where, wrong)
				}
			}
			return found
		}
		for _, p := range d.Panels {
			columns := labelSet{}
			for _, q := range p.Targets {
				found := check(p.Title+" "+q.RefID, q.Expr, true)
				for name := range found {
					columns.add(name)
				}
				columns.add("Value", "Value #"+q.RefID)
				for _, m := range inLegend.FindAllStringSubmatch(q.LegendFormat, -1) {
					if !found[m[1]] {
						t.Errorf("%s: %s: the legend names %s, which the series do not have", d.Title, p.Title, m[1])
					}
				}
			}
			for _, name := range p.Columns() {
				if !columns[name] {
					t.Errorf("%s: %s: there is no column %s", d.Title, p.Title, name)
				}
			}
		}
		for _, v := range d.Templating.List {
			if v.Definition == "" {
				continue
			}
			metric, label := labelValues(t, v.Definition)
			check("variable "+v.Name, "count by ("+label+") ("+metric+")", false) // a variable asks before the choice is made
		}
	}
	t.Logf("%d queries name %d metrics of the %d", queries, len(asked), len(served))
}

// labelValues takes label_values(metric, label) apart.
func labelValues(t *testing.T, definition string) (metric, label string) {
	t.Helper()
	inner := strings.TrimSuffix(strings.TrimPrefix(definition, "label_values("), ")")
	comma := strings.LastIndex(inner, ", ")
	if comma < 0 || len(inner) == len(definition) {
		t.Fatalf("%s is not label_values(metric, label)", definition)
	}
	return inner[:comma], inner[comma+2:]
}

// TestChecker: what is wrong is told.
func TestChecker(t *testing.T) {
	t.Parallel()
	served, err := metricsServed()
	if err != nil {
		t.Fatal(err)
	}
	const all = `{job="a",instance="b"}`
	for expr, want := range map[string]string{
		`container_threads` + all:                                                                     "",
		`container_treads` + all:                                                                      "container_treads is no metric",
		`container_threads{job="a",instance="b",state="running"}`:                                     "no label state",
		`container_threads{job="a"}`:                                                                  "does not choose the instance",
		`sum by (compose_project) (container_threads` + all + `)`:                                     "no label compose_project",
		`sum by (compose_project) (container_info` + all + `)`:                                        "",
		`container_threads` + all + ` * on (ID) container_threads` + all:                              "no label ID",
		`container_threads` + all + ` * on (id) group_left (project) container_info` + all:            "no label project",
		`sum by (x) (label_replace(up` + all + `, "x", "y", "", ""))`:                                 "",
		`sum by (y) (label_replace(up` + all + `, "x", "y", "", ""))`:                                 "no label y",
		`sum by (le) (rate(tallyman_collect_duration_seconds_bucket` + all + `[1m]))`:                 "",
		`sum by (state) (container_state` + all + `) * on (id) group_left () machine_cpu_cores` + all: "no label id",
	} {
		c := checker{served: served, metrics: map[string]bool{}}
		if _, err := c.check(expr); err != nil {
			t.Fatal(err)
		}
		if want == "" && len(c.wrong) > 0 || want != "" && !slices.ContainsFunc(c.wrong, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: got %q, want %q", expr, c.wrong, want)
		}
	}
}
