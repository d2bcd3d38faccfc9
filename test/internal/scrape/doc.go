// Package scrape reads a /metrics page with Prometheus' own parser.
//
// Start reading at Parse.
package scrape
