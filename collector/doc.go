// Package collector joins what the Docker Engine says with what the kernel says into one immutable Snapshot.
//
// It knows neither JSON, nor Prometheus' text format, nor Docker's wire format, and it never waits for the engine: the
// inventory it joins is whatever package engine knows at that moment.
//
// Start reading at Collector.Snapshot (collector.go), then Snapshot (snapshot.go).
package collector
