package dashboards

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"tallyman/api/metrics"
	"tallyman/internal/self"
)

// labelSet is a set of label names.
type labelSet map[string]bool

func setOf(names ...string) labelSet {
	l := labelSet{}
	l.add(names...)
	return l
}

func (l labelSet) add(names ...string) {
	for _, n := range names {
		l[n] = true
	}
}

// metricsServed gives every metric that a Prometheus has of tallyman, with the labels that it has there.
func metricsServed() (map[string]labelSet, error) {
	all := map[string]labelSet{}
	families := metrics.Families()
	for i := range families {
		all[families[i].Name] = setOf(families[i].LabelNames()...)
	}
	own, err := ownMetrics()
	if err != nil {
		return nil, err
	}
	for _, f := range own {
		for _, name := range seriesOf(f) {
			all[name] = labelSet{}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					all[name].add(l.GetName())
				}
			}
			if strings.HasSuffix(name, "_bucket") {
				all[name].add("le")
			}
		}
	}
	// What Prometheus itself says of a target.
	for _, name := range []string{"up", "scrape_duration_seconds", "scrape_samples_scraped"} {
		all[name] = labelSet{}
	}
	for _, l := range all {
		l.add("job", "instance")
	}
	return all, nil
}

// ownMetrics has tallyman count everything once that it counts about itself.
func ownMetrics() ([]*dto.MetricFamily, error) {
	m := self.New(self.Build{Version: "test"}, false)
	m.EngineRequest("/info", "200")
	m.EngineReconnect()
	m.Collected(time.Millisecond)
	m.Remembered(1, 1)
	m.CollectError("memory.stat", "parse")
	m.Rendered("identity", 1)
	m.Series("cpu", 1)
	m.GroupLeftOut("cpu", false)
	promhttp.InstrumentMetricHandler(m.Registerer(), http.NotFoundHandler())
	families, err := m.Gatherer().Gather()
	if err != nil {
		return nil, fmt.Errorf("gather: %w", err)
	}
	return families, nil
}

// seriesOf names the series of a family.
func seriesOf(f *dto.MetricFamily) []string {
	name := f.GetName()
	switch f.GetType() {
	case dto.MetricType_HISTOGRAM:
		return []string{name + "_bucket", name + "_sum", name + "_count"}
	case dto.MetricType_SUMMARY:
		return []string{name, name + "_sum", name + "_count"}
	case dto.MetricType_COUNTER, dto.MetricType_GAUGE, dto.MetricType_UNTYPED, dto.MetricType_GAUGE_HISTOGRAM:
	}
	return []string{name}
}
