package promqlcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// userLabels begin the labels of containers that --collector.container-labels lets through.
const userLabels = "container_label_"

// Labels is a set of names of labels.
type Labels map[string]bool

// Has says whether a label is there, or may be: labels of containers are what their users call them.
func (l Labels) Has(name string) bool {
	return l[name] || l["id"] && strings.HasPrefix(name, userLabels)
}

func labelsOf(names ...string) Labels {
	l := Labels{}
	for _, n := range names {
		l[n] = true
	}
	return l
}

// Expression is what there is to say of one.
type Expression struct {
	// Problems name each metric that there is not, and each label that its metric, or what is matched or grouped by it, does not have.
	// An expression that cannot be parsed is one problem.
	Problems []string
	// Labels are those that its series may have.
	Labels Labels
	// Selectors are the metrics that it asks for.
	Selectors []*parser.VectorSelector
}

// Record makes the result of a recording rule known: it has the labels of what its expression gives.
func (c *Checker) Record(name, expression string) error {
	e := c.Look(expression)
	if e.Labels == nil {
		return fmt.Errorf("%s: %s", expression, e.Problems[0])
	}
	c.Add(name, slices.Collect(maps.Keys(e.Labels))...)
	return nil
}

// Check gives the problems of an expression. Variables of dashboards must be replaced before.
func (c *Checker) Check(expression string) []string { return c.Look(expression).Problems }

// Look takes an expression apart. Variables of dashboards must be replaced before.
func (c *Checker) Look(expression string) Expression {
	tree, err := parser.ParseExpr(expression)
	if err != nil {
		return Expression{Problems: []string{err.Error()}}
	}
	w := walk{c: c}
	w.found.Labels = w.labels(tree)
	slices.Sort(w.found.Problems)
	w.found.Problems = slices.Compact(w.found.Problems)
	return w.found
}

// walk goes through one expression.
type walk struct {
	c     *Checker
	found Expression
}

func (w *walk) complainf(format string, args ...any) {
	w.found.Problems = append(w.found.Problems, fmt.Sprintf(format, args...))
}

// labels gives the labels that the series of a part may have, and checks all that it names.
func (w *walk) labels(node parser.Node) Labels {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return w.selector(n)
	case *parser.AggregateExpr:
		return w.aggregate(n)
	case *parser.Call:
		below := w.children(n)
		if made, ok := madeLabel(n); ok {
			below[made] = true
		}
		return below
	case *parser.BinaryExpr:
		return w.binary(n)
	}
	return w.children(node)
}

// children gives the labels of all parts.
func (w *walk) children(node parser.Node) Labels {
	all := Labels{}
	for _, child := range parser.Children(node) {
		maps.Copy(all, w.labels(child))
	}
	return all
}

// selector checks the metrics that a selector names: one, or those that match a pattern.
func (w *walk) selector(v *parser.VectorSelector) Labels {
	w.found.Selectors = append(w.found.Selectors, v)
	all := Labels{}
	for name, known := range w.c.known {
		if !slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && !m.Matches(name) }) {
			maps.Copy(all, known)
		}
	}
	if len(all) == 0 {
		w.complainf("there is no metric %s", v)
		return all
	}
	for _, m := range v.LabelMatchers {
		if m.Name != labels.MetricName && !all.Has(m.Name) {
			w.complainf("%s has no label %s", v, m.Name)
		}
	}
	return all
}

// aggregate checks what is grouped by.
func (w *walk) aggregate(n *parser.AggregateExpr) Labels {
	below := w.labels(n.Expr)
	w.need(n.Grouping, below, n)
	out := labelsOf(n.Grouping...)
	switch {
	case n.Op == parser.TOPK, n.Op == parser.BOTTOMK:
		return below
	case n.Without:
		out = maps.Clone(below)
		for _, name := range n.Grouping {
			delete(out, name)
		}
	}
	if value, ok := n.Param.(*parser.StringLiteral); ok { // count_values
		out[value.Val] = true
	}
	return out
}

// binary checks by what two sides are matched.
func (w *walk) binary(n *parser.BinaryExpr) Labels {
	left, right := w.labels(n.LHS), w.labels(n.RHS)
	m := n.VectorMatching
	if m == nil || n.Op == parser.LOR { // without matching, one side is a number
		all := maps.Clone(left)
		maps.Copy(all, right)
		return all
	}
	many, one := left, right
	if m.Card == parser.CardOneToMany {
		many, one = right, left
	}
	if m.On {
		w.need(m.MatchingLabels, left, n)
		w.need(m.MatchingLabels, right, n)
	} else {
		either := maps.Clone(left)
		maps.Copy(either, right)
		w.need(m.MatchingLabels, either, n)
	}
	w.need(m.Include, one, n)
	out := maps.Clone(many)
	if m.Card == parser.CardOneToOne {
		maps.DeleteFunc(out, func(name string, _ bool) bool { return slices.Contains(m.MatchingLabels, name) != m.On })
	}
	maps.Copy(out, labelsOf(m.Include...))
	return out
}

// need complains of labels that are not there.
func (w *walk) need(names []string, there Labels, where parser.Node) {
	for _, name := range names {
		if !there.Has(name) {
			w.complainf("nothing in %s has the label %s", where, name)
		}
	}
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
