// Package compat holds what the most used dashboards for cAdvisor ask for, query by query, and what tallyman answers to it: queries.tsv. The
// queries are written anew from what the dashboards ask (metric, matchers, grouping), and an end-to-end test asks each of a real
// Prometheus.
//
// It asks nobody itself. Start reading at Queries.
package compat
