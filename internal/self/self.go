// Package self holds tallyman's own metrics: what it costs, what it asked, and what went wrong.
//
// They live on a registry of their own, never on client_golang's default one. Facts that a Snapshot holds are not here:
// they are rows of the table in api/metrics.
//
// Start reading at Metrics.
package self

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build names the running binary.
type Build struct {
	Version  string
	Revision string
	Date     string
	Go       string
}

// Metrics counts what tallyman does. It is safe for concurrent use. A nil *Metrics counts nothing.
type Metrics struct {
	registry        *prometheus.Registry
	engineRequests  *prometheus.CounterVec
	reconnects      *prometheus.CounterVec
	collectDuration prometheus.Histogram
	collectErrors   *prometheus.CounterVec
	renderBytes     *prometheus.GaugeVec
	series          *prometheus.GaugeVec
	leftOut         *prometheus.GaugeVec
	history         [2]prometheus.Gauge // containers, bytes
	// engine is the value of the label engine; none where there is only one engine, and so no such label.
	engine []string
}

// New returns Metrics on a new registry, together with those of the Go runtime and of the process. With several engines, what
// can be told by engine has the label engine; see Engine.
func New(b Build, severalEngines bool) *Metrics {
	var engine, noEngine []string
	if severalEngines {
		engine, noEngine = []string{"engine"}, []string{""}
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		engine:   noEngine,
		engineRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallyman_engine_requests_total",
			Help: "Requests sent to the Docker Engine, by endpoint and HTTP status code; code is \"error\" where none came back.",
		}, slices.Concat([]string{"endpoint", "code"}, engine)),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallyman_engine_reconnects_total",
			Help: "Times the event stream of the engine had to be opened again.",
		}, engine),
		collectDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:                        "tallyman_collect_duration_seconds",
			Help:                        "Time it took to make a snapshot of the host.",
			Buckets:                     prometheus.ExponentialBuckets(0.001, 4, 7),
			NativeHistogramBucketFactor: 1.1,
		}),
		collectErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallyman_collect_errors_total",
			Help: "Readings that failed, by part (kernel file or engine endpoint) and reason.",
		}, slices.Concat([]string{"part", "reason"}, engine)),
		renderBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tallyman_render_bytes",
			Help: "Size of the latest rendered exposition, by encoding.",
		}, []string{"encoding"}),
	}
	m.series, m.leftOut = newSeries()
	m.history = [2]prometheus.Gauge{
		prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tallyman_history_containers",
			Help: "Containers of which a history is kept in memory, and the host.",
		}),
		prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tallyman_history_bytes",
			Help: "Memory that the history takes; see --history.memory.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tallyman_build_info",
		Help: "The running binary; always 1.",
		ConstLabels: prometheus.Labels{
			"version": b.Version, "revision": b.Revision, "build_date": b.Date, "go_version": b.Go,
		},
	})
	build.Set(1)
	if !severalEngines {
		m.reconnects.WithLabelValues() // 0, not absent, until it happens
	}
	m.registry.MustRegister(build, m.engineRequests, m.reconnects, m.collectDuration, m.collectErrors, m.renderBytes, m.series, m.leftOut,
		m.history[0], m.history[1],
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// newSeries counts what is served, and what is not.
func newSeries() (series, leftOut *prometheus.GaugeVec) {
	series = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tallyman_series",
		Help: "Series in the latest rendered exposition, by group, without those of tallyman itself.",
	}, []string{"group"})
	leftOut = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tallyman_group_left_out",
		Help: "Groups that are not served since there are more series than --collector.max-series allows: 1, and 0 once they are served again.",
	}, []string{"group"})
	return series, leftOut
}

// Engine gives the same Metrics for what is done with one of several engines; m itself where there is only one.
func (m *Metrics) Engine(name string) *Metrics {
	if m == nil || m.engine == nil {
		return m
	}
	own := *m
	own.engine = []string{name}
	own.reconnects.WithLabelValues(name) // 0, not absent, until it happens
	return &own
}

// by gives the values of the labels of a sample.
func (m *Metrics) by(values ...string) []string { return append(values, m.engine...) }

// Gatherer gives all of tallyman's own metrics; an empty one for a nil *Metrics.
func (m *Metrics) Gatherer() prometheus.Gatherer {
	if m == nil {
		return prometheus.NewRegistry()
	}
	return m.registry
}

// Registerer lets package api add the metrics of its HTTP handlers; a throw-away registry for a nil *Metrics.
func (m *Metrics) Registerer() prometheus.Registerer {
	if m == nil {
		return prometheus.NewRegistry()
	}
	return m.registry
}

// EngineRequest counts one request to an endpoint ("/containers/json", "/containers/{id}/json"); code is the HTTP status
// code, or "error" where no answer came.
func (m *Metrics) EngineRequest(endpoint, code string) {
	if m != nil {
		m.engineRequests.WithLabelValues(m.by(endpoint, code)...).Inc()
	}
}

// EngineReconnect counts an event stream that was opened again.
func (m *Metrics) EngineReconnect() {
	if m != nil {
		m.reconnects.WithLabelValues(m.by()...).Inc()
	}
}

// Collected records how long a collection took.
func (m *Metrics) Collected(d time.Duration) {
	if m != nil {
		m.collectDuration.Observe(d.Seconds())
	}
}

// Remembered records how many containers have a history, and what that takes in memory.
func (m *Metrics) Remembered(containers, bytes int) {
	if m != nil {
		m.history[0].Set(float64(containers))
		m.history[1].Set(float64(bytes))
	}
}

// CollectError counts a failed reading. part is a kernel file ("memory.stat") or an engine endpoint ("/events"), reason one of
// a few constant words ("parse", "permission", "timeout", "io").
func (m *Metrics) CollectError(part, reason string) {
	if m != nil {
		m.collectErrors.WithLabelValues(m.by(part, reason)...).Inc()
	}
}

// Rendered records the size of the latest exposition; encoding is "identity" or "gzip".
func (m *Metrics) Rendered(encoding string, n int) {
	if m != nil {
		m.renderBytes.WithLabelValues(encoding).Set(float64(n))
	}
}

// Series records how many series of a group the latest exposition has.
func (m *Metrics) Series(group string, n int) {
	if m != nil {
		m.series.WithLabelValues(group).Set(float64(n))
	}
}

// GroupLeftOut records that a group is left out for want of room, or is served again.
func (m *Metrics) GroupLeftOut(group string, out bool) {
	if m == nil {
		return
	}
	n := 0.0
	if out {
		n = 1
	}
	m.leftOut.WithLabelValues(group).Set(n)
}
