// Package prometheus runs a real Prometheus, its promtool, and its Alertmanager.
//
// Start reading at Run.
package prometheus
