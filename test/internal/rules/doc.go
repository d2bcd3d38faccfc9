// Package rules reads the rule files for Prometheus in dashboards/rules, and their cases for promtool.
//
// Start reading at Load.
package rules
