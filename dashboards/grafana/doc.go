// Package grafana is the part of Grafana's dashboard model that tallyman's dashboards need, typed: what cannot be right does not
// compile, and where panels stand is computed, so that none can lie over another.
//
// It knows neither tallyman's metrics nor PromQL, and writes no files.
//
// Start reading at Dashboard.
package grafana
