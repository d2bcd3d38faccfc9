package dashboards

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// checker looks for names that tallyman does not serve.
type checker struct {
	served  map[string]labelSet
	wrong   []string
	metrics map[string]bool // those that were asked for
}

// check parses an expression, checks every name in it, and gives the labels that its series may have.
func (c *checker) check(expr string) (labelSet, error) {
	tree, err := parser.ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	return c.labels(tree), nil
}

func (c *checker) complainf(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// labels gives the labels that the series of an expression may have, and checks all that it names.
func (c *checker) labels(node parser.Node) labelSet {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return c.selector(n)
	case *parser.AggregateExpr:
		below := c.labels(n.Expr)
		c.known(n.Grouping, below, n)
		if n.Without || n.Op == parser.TOPK {
			return below
		}
		return setOf(n.Grouping...)
	case *parser.Call:
		below := c.children(n)
		if n.Func.Name == "label_replace" {
			if name, ok := n.Args[1].(*parser.StringLiteral); ok {
				below.add(name.Val)
			}
		}
		return below
	case *parser.BinaryExpr:
		return c.binary(n)
	}
	return c.children(node)
}

// children gives the labels of all parts.
func (c *checker) children(node parser.Node) labelSet {
	all := labelSet{}
	for _, child := range parser.Children(node) {
		for name := range c.labels(child) {
			all.add(name)
		}
	}
	return all
}

// selector checks the name and the matchers of a metric.
func (c *checker) selector(n *parser.VectorSelector) labelSet {
	served, ok := c.served[n.Name]
	if !ok {
		c.complainf("%s is no metric of tallyman", n.Name)
		return labelSet{}
	}
	c.metrics[n.Name] = true
	var names []string
	for _, m := range n.LabelMatchers {
		if m.Name != labels.MetricName {
			names = append(names, m.Name)
		}
	}
	c.known(names, served, n)
	for _, must := range []string{"job", "instance"} {
		if !slices.Contains(names, must) {
			c.complainf("%s does not choose the %s", n, must)
		}
	}
	return served
}

// binary checks by what two sides are matched.
func (c *checker) binary(n *parser.BinaryExpr) labelSet {
	left, right := c.labels(n.LHS), c.labels(n.RHS)
	all := labelSet{}
	for name := range left {
		all.add(name)
	}
	if n.Op == parser.LOR || n.VectorMatching == nil { // without matching, one side is a number
		for name := range right {
			all.add(name)
		}
	}
	if n.VectorMatching != nil {
		c.known(n.VectorMatching.MatchingLabels, left, n)
		c.known(n.VectorMatching.MatchingLabels, right, n)
		c.known(n.VectorMatching.Include, right, n)
		all.add(n.VectorMatching.Include...)
	}
	return all
}

// known complains of labels that are not there.
func (c *checker) known(names []string, there labelSet, where parser.Node) {
	for _, name := range names {
		if !there[name] {
			c.complainf("there is no label %s in %s", name, where)
		}
	}
}
