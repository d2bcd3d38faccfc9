package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tallyman/dashboards/compat"
	"tallyman/test/internal/panels"
	"tallyman/test/internal/prometheus"
)

// testDropIn: the queries of dashboards that were made for cAdvisor are answered as docs/compat-cadvisor.md says.
func testDropIn(t *testing.T, m *monitored) {
	queries, err := compat.Queries()
	if err != nil {
		t.Fatal(err)
	}
	values := panels.Values{
		"job": "cadvisor", "instance": m.compatible, "host": m.compatible, "name": ".+", "container": ".+", "project": ".+", "node_id": ".*",
		"interface": "eth0", "interval": rateInterval, "__rate_interval": rateInterval,
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "dashboard\tpanel\tseries\toutcome\twhy")
	answered := 0
	for _, q := range queries {
		expr, err := values.Fill(q.Expr)
		if err == nil {
			expr, err = ofJob(expr, "cadvisor")
		}
		if err != nil {
			t.Errorf("%s: %s: %v", q.Dashboard, q.Panel, err)
			continue
		}
		series, err := m.Instant(t.Context(), expr)
		if err != nil {
			t.Errorf("%s: %s: %v", q.Dashboard, q.Panel, err)
			continue
		}
		got, outcome := slices.ContainsFunc(series, func(s prometheus.Series) bool { return s.HasNumber() }), "empty"
		if got {
			answered++
			outcome = "answers"
		}
		if want := q.Answers && (q.Where == "" || m.told[q.Where]); got != want {
			t.Errorf("%s: %s: answers %v, and the table says %v (%s): %s", q.Dashboard, q.Panel, got, want, q.Where, expr)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", q.Dashboard, q.Panel, len(series), outcome, q.Why)
	}
	w.Flush()
	t.Logf("%d queries, %d answered\n%s", len(queries), answered, &table)
}

// ofJob lets an expression see the series of one job only.
func ofJob(expr, job string) (string, error) {
	tree, err := parser.ParseExpr(expr)
	if err != nil {
		return "", err
	}
	only, err := labels.NewMatcher(labels.MatchEqual, "job", job)
	if err != nil {
		return "", err
	}
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			s.LabelMatchers = append(s.LabelMatchers, only)
		}
		return nil
	})
	return tree.String(), nil
}
