// Package dashboards checks the queries of the dashboards by Prometheus' own parser and tallyman's own table of metrics: that they
// can be parsed, and that there is no name in them that tallyman does not serve. It needs neither engine nor network.
//
// Start reading at TestQueries (queries_test.go).
package dashboards
