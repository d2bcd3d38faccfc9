// Package rules checks the rules for Prometheus in dashboards/rules: their names against tallyman's metrics, their cases by
// promtool, and that the runbook docs/alerts.md speaks of each alert. The alerts are fired for real in test/e2e.
//
// Start reading at TestCases.
package rules
