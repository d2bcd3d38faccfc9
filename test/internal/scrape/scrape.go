package scrape

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Sample is one sample of a family.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Page is one scrape: the samples of each family, in no order. Of histograms and summaries only the count is kept.
type Page map[string][]Sample

// Parse reads the text format.
func Parse(r io.Reader) (Page, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("parse metrics: %w", err)
	}
	p := make(Page, len(families))
	for name, f := range families {
		for _, m := range f.GetMetric() {
			labels := make(map[string]string, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			p[name] = append(p[name], Sample{Labels: labels, Value: value(m)})
		}
	}
	return p, nil
}

func value(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue()
	case m.GetHistogram() != nil:
		return float64(m.GetHistogram().GetSampleCount())
	}
	return float64(m.GetSummary().GetSampleCount())
}

// All returns the samples of a family that have the given labels, written as name, value, name, value.
func (p Page) All(family string, pairs ...string) []Sample {
	var out []Sample
	for _, s := range p[family] {
		if s.has(pairs) {
			out = append(out, s)
		}
	}
	return out
}

// Value is the value of the only sample that has the given labels; false when there is none, or more than one.
func (p Page) Value(family string, pairs ...string) (float64, bool) {
	all := p.All(family, pairs...)
	if len(all) != 1 {
		return 0, false
	}
	return all[0].Value, true
}

// Is says whether there is one such sample, of that value.
func (p Page) Is(want float64, family string, pairs ...string) bool {
	got, ok := p.Value(family, pairs...)
	return ok && got == want
}

// Container returns what a page says of one container: the value by Series, for the families that keep accepts.
func (p Page) Container(name string, keep func(family string) bool) map[string]float64 {
	out := map[string]float64{}
	for family, samples := range p {
		if !keep(family) {
			continue
		}
		for _, s := range samples {
			if s.Labels["name"] == name {
				out[Series(family, s.Labels)] = s.Value
			}
		}
	}
	return out
}

// Series spells a family with its labels, in order, without those that name the container.
func Series(family string, labels map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "id" && name != "name" && name != "image" {
			words = append(words, fmt.Sprintf("%s=%q", name, labels[name]))
		}
	}
	if len(words) == 0 {
		return family
	}
	return family + "{" + strings.Join(words, ",") + "}"
}

func (s *Sample) has(pairs []string) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if s.Labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}
