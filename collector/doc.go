// Package collector joins what the Docker Engine says with what the kernel says into one immutable Snapshot.
//
// It knows neither JSON, nor Prometheus' text format, nor Docker's wire format, and it never waits for the engine, but for logs: the
// inventory it joins is whatever package engine knows at that moment.
//
// It also remembers: the last minutes (history.go), the runs that have ended (lastwords.go, runs.go), and the events of the engines
// (events.go). What it reads for that by itself is in watch.go.
//
// Start reading at Collector.Snapshot (collector.go), then Snapshot (snapshot.go).
package collector
