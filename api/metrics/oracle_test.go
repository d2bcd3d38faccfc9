package metrics

import (
	"bytes"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tallyman/collector"
	"tallyman/internal/sample"
)

// oracle serves a Snapshot through the table as a client_golang collector.
type oracle struct{ snap *collector.Snapshot }

// desc describes a family.
func desc(f *Family) *prometheus.Desc { return prometheus.NewDesc(f.Name, f.Help, allLabels(f), nil) }

// allLabels lists the labels of a family where there are several engines.
func allLabels(f *Family) []string {
	names := f.LabelNames()
	if f.PerContainer() || f.EngineEach != nil {
		names = append(names, "engine")
	}
	return names
}

// pair spells a label; to Prometheus an empty one is the same as none, and engine is left out then.
func pair(name, value string) []string {
	if name == "engine" && value == "" {
		return nil
	}
	return []string{strconv.Quote(name + "=" + value)}
}

func (o oracle) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range Families() {
		ch <- desc(&f)
	}
}

func (o oracle) Collect(ch chan<- prometheus.Metric) {
	for _, f := range Families() {
		kind := map[Type]prometheus.ValueType{
			Counter: prometheus.CounterValue, Gauge: prometheus.GaugeValue, Untyped: prometheus.UntypedValue,
		}[f.Type]
		drawAll(&f, o.snap, func(labels []string, v float64) {
			ch <- prometheus.MustNewConstMetric(desc(&f), kind, v, labels...)
		})
	}
}

// drawAll draws the samples of a family in the plainest way.
func drawAll(f *Family, s *collector.Snapshot, yield func(labels []string, v float64)) {
	emit := func(base []string, sm Sample, engine ...string) {
		if math.IsNaN(sm.Value) {
			return
		}
		labels := append([]string{}, base...)
		for i := range f.Labels {
			labels = append(labels, valid(sm.Labels[i]))
		}
		yield(append(labels, engine...), sm.Value)
	}
	switch {
	case f.SnapshotValue != nil:
		emit(nil, Sample{Value: f.SnapshotValue(s)})
	case f.SnapshotEach != nil || f.EngineEach != nil:
		if f.SnapshotEach != nil {
			var none []string
			if f.EngineEach != nil {
				none = []string{""}
			}
			f.SnapshotEach(s, func(sm Sample) { emit(nil, sm, none...) })
		}
		if f.EngineEach == nil {
			return
		}
		for i := range s.Engines {
			f.EngineEach(s, &s.Engines[i], func(sm Sample) { emit(nil, sm, s.Engines[i].Name) })
		}
	default:
		all := append([]collector.Container{s.Host}, s.Containers...)
		for i := range all {
			c := &all[i]
			base := []string{valid(c.ID), valid(c.Name), valid(c.Image)}
			if f.Value != nil {
				emit(base, Sample{Value: f.Value(c)}, c.Engine)
				continue
			}
			if f.Finer == nil || !f.Finer(c, func(sm Sample) { emit(base, sm, c.Engine) }) {
				f.Each(c, func(sm Sample) { emit(base, sm, c.Engine) })
			}
		}
	}
}

// valid replaces each byte that is not UTF-8.
func valid(s string) string { return string([]rune(s)) }

// lines spells parsed families as one line for each sample, sorted.
func lines(families []*dto.MetricFamily) []string {
	var all []string
	for _, f := range families {
		all = append(all, fmt.Sprintf("# %s %s %s", f.GetName(), f.GetType(), f.GetHelp()))
		for _, m := range f.GetMetric() {
			v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
			pairs := []string{}
			for _, l := range m.GetLabel() {
				pairs = append(pairs, pair(l.GetName(), l.GetValue())...)
			}
			sort.Strings(pairs)
			all = append(all, f.GetName()+strings.Join(pairs, ",")+" "+strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	sort.Strings(all)
	return all
}

// parse reads what the Writer wrote.
func parse(text []byte) ([]*dto.MetricFamily, error) {
	p := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := p.TextToMetricFamilies(bytes.NewReader(text))
	families := make([]*dto.MetricFamily, 0, len(byName))
	for _, f := range byName {
		families = append(families, f)
	}
	return families, err
}

func TestOracle(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*collector.Snapshot{
		"sample": sample.Snapshot(), "away": sample.Away(), "many": sample.Many(20), "several": sample.Several(), "empty": {Host: sample.Blank("/", "", "")},
	} {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(oracle{s})
		gathered, err := registry.Gather()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parsed, err := parse(NewWriter(WriterOptions{}).Append(nil, s, everything()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(lines(gathered), lines(parsed)); diff != "" {
			t.Errorf("%s (-client_golang +ours):\n%s", name, diff)
		}
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("/docker/x", "name", "image:1", "label", 1.5, int64(3))
	f.Add("\"", "\\", "\n", "\xff\xfe\\\"\n", math.Inf(1), int64(-1))
	f.Add("", "\r\n", "{}", "\x00,=\"", math.NaN(), int64(math.MaxInt64))
	f.Add("é", "\xe2\x82", "# HELP x y", "} 1\nx 2", math.Copysign(0, -1), int64(1)<<53)
	w := NewWriter(WriterOptions{})
	f.Fuzz(func(t *testing.T, id, name, image, label string, value float64, count int64) {
		s := sample.Snapshot()
		s.Containers = s.Containers[2:3]
		c := &s.Containers[0]
		c.ID, c.Name, c.Image = id, name, image
		facts := *c.Facts
		facts.Runtime, facts.Labels = label, map[string]string{"com.docker.compose.project": label}
		facts.ExitCode, facts.HasExited = int(count), true
		c.Facts = &facts
		c.Stats.CPU.Usage, c.Stats.Memory.RSS = value, float64(count)
		c.Stats.IO[0].Device, c.Stats.Network[0].Name = label, label
		s.Engines[0].Info.OperatingSystem, s.Engines[0].Events[0].Action = label, label
		s.Engines[0].Name, c.Engine = valid(name), valid(name)

		parsed, err := parse(w.Append(nil, s, everything()))
		if err != nil {
			t.Fatalf("the text cannot be parsed: %v", err)
		}
		var want []string
		for _, row := range Families() {
			want = append(want, wantLines(&row, s)...)
		}
		sort.Strings(want)
		if diff := cmp.Diff(want, lines(parsed)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// wantLines is what lines should give for a family.
func wantLines(f *Family, s *collector.Snapshot) []string {
	var all []string
	names := allLabels(f)
	drawAll(f, s, func(labels []string, v float64) {
		pairs := []string{}
		for i, l := range labels {
			pairs = append(pairs, pair(names[i], l)...)
		}
		sort.Strings(pairs)
		if v == 0 {
			v = 0 // the Writer makes no difference between 0 and -0
		}
		all = append(all, f.Name+strings.Join(pairs, ",")+" "+strconv.FormatFloat(v, 'g', -1, 64))
	})
	if all != nil {
		all = append(all, fmt.Sprintf("# %s %s %s", f.Name, strings.ToUpper(string(f.Type)), f.Help))
	}
	return all
}
