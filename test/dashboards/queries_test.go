package dashboards

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tallyman/test/internal/panels"
	"tallyman/test/internal/promqlcheck"
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
	checker, err := promqlcheck.New()
	if err != nil {
		t.Fatal(err)
	}
	all, err := panels.All()
	if err != nil {
		t.Fatal(err)
	}
	asked, queries := map[string]bool{}, 0
	for _, d := range all {
		check := func(where, query string, chooses bool) promqlcheck.Labels {
			queries++
			filled, err := values().Fill(query)
			if err != nil {
				t.Errorf("%s: %s: %v", d.Title, where, err)
			}
			found := checker.Look(filled)
			for _, s := range found.Selectors {
				asked[s.Name] = true
				if chooses {
					found.Problems = append(found.Problems, unchosen(s)...)
				}
			}
			for _, wrong := range found.Problems {
				t.Errorf("%s: %s: %s", d.Title, where, wrong)
			}
			return found.Labels
		}
		for _, p := range d.Panels {
			columns := map[string]bool{}
			for _, q := range p.Targets {
				found := check(p.Title+" "+q.RefID, q.Expr, true)
				maps.Copy(columns, found)
				columns["Value"], columns["Value #"+q.RefID] = true, true
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
	t.Logf("%d queries name %d metrics", queries, len(asked))
}

// unchosen says by what of the variables a metric is not chosen.
func unchosen(v *parser.VectorSelector) (problems []string) {
	for _, name := range []string{"job", "instance"} {
		if !slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == name }) {
			problems = append(problems, fmt.Sprintf("%s does not choose the %s", v, name))
		}
	}
	return problems
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
