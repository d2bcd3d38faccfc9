// Package prometheus runs a real Prometheus and its promtool.
//
// Start reading at Start.
package prometheus
