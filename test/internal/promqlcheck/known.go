package promqlcheck

import (
	"time"

	"tallyman/api/metrics"
	"tallyman/internal/self"
)

// Checker knows metrics and their labels. It is not safe for concurrent use.
type Checker struct {
	known map[string]Labels
}

// New returns a Checker that knows what a Prometheus has of tallyman: its metrics, and those that Prometheus adds to each target.
func New() (*Checker, error) {
	c := &Checker{known: map[string]Labels{}}
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
		c.known[name] = Labels{"job": true, "instance": true}
	}
	for _, l := range more {
		c.known[name][l] = true
	}
}
