// Package panels reads tallyman's dashboards as Grafana does, and fills in the variables of their queries.
//
// Start reading at All.
package panels
