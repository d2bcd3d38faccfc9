// Package promqlcheck says which metrics and labels in a PromQL expression tallyman does not have. It knows them from the table
// in api/metrics and from tallyman's own registry, and evaluates nothing.
//
// Start reading at Checker.
package promqlcheck
