// Package dashboards holds tallyman's Grafana dashboards as code: what stands in them, with the queries. The *.json files beside it are
// made of it by gen, and are what Grafana imports.
//
// It draws nothing but what tallyman and Prometheus say of it, and it is not a part of the tallyman binary. A query names what it
// looks at by a word such as <host>; see scope.
//
// Start reading at All (dashboards.go), then one file for each dashboard (fleet.go).
package dashboards
