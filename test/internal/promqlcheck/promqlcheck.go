package promqlcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tallyman/api/metrics"
	"tallyman/internal/self"
)

// userLabels begin the labels of containers that --collector.container-labels lets through.
const userLabels = "container_label_"

// set is a set of labels.
type set map[string]bool

// Checker knows metrics and their labels. It is not safe for concurrent use.
type Checker struct {
	known map[string]set
}

// New returns a Checker that knows what a Prometheus has of tallyman: its metrics, and those that Prometheus adds to each target.
func New() (*Checker, error) {
	c := &Checker{known: map[string]set{}}
	for _, f := range metrics.Families() {
		c.Add(f.Name, f.LabelNames()...)
		if f.PerContainer() || f.EngineEach != nil {
			c.Add(f.Name, "engine")
		}
	}
	for _, name := range []string{"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added", "scrape_samples_post_metric_relabeling"} {
		c.Add(name)
	}
	c.Add("ALERTS", "alertname", "alertstate", "severity")
	c.Add("promhttp_metric_handler_requests_total", "code")
	c.Add("promhttp_metric_handler_requests_in_flight")
	return c, c.addSelf()
}

// addSelf adds what tallyman counts of itself, of which each is counted once here, so that it is there.
func (c *Checker) addSelf() error {
	all := self.New(self.Build{}, true)
	m := all.Engine("here")
	m.EngineRequest("/info", "200")
	m.EngineReconnect()
	m.Collected(time.Second)
	m.CollectError("memory.stat", "io")
	m.Rendered("gzip", 1)
	m.Remembered(1, 1)
	m.Series("cpu", 1)
	m.GroupLeftOut("cpu", true)
	families, err := m.Gatherer().Gather()
	for _, f := range families {
		var names []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			names = append(names, l.GetName())
		}
		c.Add(f.GetName(), names...)
		if f.GetMetric()[0].GetHistogram() != nil {
			c.Add(f.GetName()+"_bucket", append(names, "le")...)
		}
		if f.GetMetric()[0].GetHistogram() != nil || f.GetMetric()[0].GetSummary() != nil {
			c.Add(f.GetName()+"_sum", names...)
			c.Add(f.GetName()+"_count", names...)
		}
		if f.GetMetric()[0].GetSummary() != nil {
			c.Add(f.GetName(), "quantile")
		}
	}
	return err
}

// Add makes a metric known, or more labels of it. Every metric has job and instance.
func (c *Checker) Add(name string, more ...string) {
	if c.known[name] == nil {
		c.known[name] = set{"job": true, "instance": true}
	}
	for _, l := range more {
		c.known[name][l] = true
	}
}

// Record makes the result of a recording rule known: it has the labels of what its expression is made of.
func (c *Checker) Record(name, expression string) error {
	e, err := parser.ParseExpr(expression)
	if err != nil {
		return err
	}
	c.Add(name, slices.Collect(maps.Keys(c.labels(e)))...)
	return nil
}

// Check names each metric that there is not, and each label that its metric, or what is matched or grouped by it, does not have.
// An expression that cannot be parsed is one problem. Variables of dashboards must be replaced before.
func (c *Checker) Check(expression string) []string {
	e, err := parser.ParseExpr(expression)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			problems = append(problems, c.selector(n)...)
		case *parser.AggregateExpr:
			problems = append(problems, missing(n.Grouping, c.labels(n.Expr), n.String())...)
		case *parser.BinaryExpr:
			if m := n.VectorMatching; m != nil {
				problems = append(problems, missing(slices.Concat(m.MatchingLabels, m.Include), c.labels(n), n.String())...)
			}
		}
		return nil
	})
	slices.Sort(problems)
	return slices.Compact(problems)
}

// selector checks the metrics that a selector names: one, or those that match a pattern.
func (c *Checker) selector(v *parser.VectorSelector) []string {
	names := c.names(v)
	if len(names) == 0 {
		return []string{fmt.Sprintf("there is no metric %s", v)}
	}
	var problems []string
	for _, m := range v.LabelMatchers {
		if m.Name != labels.MetricName && !slices.ContainsFunc(names, func(n string) bool { return has(c.known[n], m.Name) }) {
			problems = append(problems, fmt.Sprintf("%s has no label %s", v, m.Name))
		}
	}
	return problems
}

// names are the known metrics that a selector may select.
func (c *Checker) names(v *parser.VectorSelector) []string {
	var names []string
	for name := range c.known {
		if !slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && !m.Matches(name) }) {
			names = append(names, name)
		}
	}
	return names
}

// labels are those that the series in a part of an expression may have.
func (c *Checker) labels(e parser.Expr) set {
	all := set{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			for _, name := range c.names(n) {
				maps.Copy(all, c.known[name])
			}
		case *parser.Call:
			if made, ok := madeLabel(n); ok {
				all[made] = true
			}
		}
		return nil
	})
	return all
}

// madeLabel is the label that label_replace or label_join makes.
func madeLabel(call *parser.Call) (string, bool) {
	if call.Func.Name != "label_replace" && call.Func.Name != "label_join" {
		return "", false
	}
	to, ok := call.Args[1].(*parser.StringLiteral)
	if !ok {
		return "", false
	}
	return to.Val, true
}

// missing names the labels that are not there.
func missing(wanted []string, there set, where string) []string {
	var problems []string
	for _, l := range wanted {
		if !has(there, l) {
			problems = append(problems, fmt.Sprintf("nothing in %s has the label %s", where, l))
		}
	}
	return problems
}

// has says whether a label is there, or may be: labels of containers are what their users call them.
func has(there set, label string) bool {
	return there[label] || there["id"] && strings.HasPrefix(label, userLabels)
}
