package collector

import (
	"slices"
	"strings"

	"tallyman/engine"
)

// Label is a label that a user gave a container, by the name that it has in metrics.
type Label struct {
	Name  string // "container_label_" and the key, in which whatever is no ASCII letter or digit is "_"
	Value string // never empty: to Prometheus an empty one is the same as none
}

// Bounds of what is let through of one container: on demand, each of its series repeats it.
const (
	maxLabels     = 64
	maxLabelValue = 1024
)

// labels picks the labels of a container that are let through, sorted. Two keys may come to the same name: the first in
// order wins. What is lost for that, or for its size or number, is counted.
func (c *Collector) labels(f *engine.Container) []Label {
	if c.opts.Labels == nil {
		return nil
	}
	var keys []string
	for key, value := range f.Labels {
		if value != "" && c.opts.Labels(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	all := make([]Label, 0, min(len(keys), maxLabels))
	for _, key := range keys {
		name := labelName(key)
		if slices.ContainsFunc(all, func(l Label) bool { return l.Name == name }) {
			c.opts.Self.CollectError("labels", "collision")
			continue
		}
		if len(all) == maxLabels {
			c.opts.Self.CollectError("labels", "too_many")
			break
		}
		all = append(all, Label{name, c.shorten(f.Labels[key])})
	}
	slices.SortFunc(all, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// shorten cuts a value that is too long, between two characters.
func (c *Collector) shorten(value string) string {
	if len(value) <= maxLabelValue {
		return value
	}
	c.opts.Self.CollectError("labels", "too_large")
	return strings.ToValidUTF8(value[:maxLabelValue], "")
}

// labelName makes the name of a label as cAdvisor does, for the dashboards made for it.
func labelName(key string) string {
	return "container_label_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}
