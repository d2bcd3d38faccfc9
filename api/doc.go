// Package api is everything that tallyman serves over HTTP: metrics, JSON, a status page, health checks.
//
// It serves from Snapshots and from what the collector remembers: it opens no file, starts no goroutine, and asks no engine, but for
// the logs of a container where they are switched on. It knows nothing of listening, TLS and passwords, which cmd/tallyman puts
// around the one handler that this package gives.
//
// Start reading at Server.routes (server.go), then exposition (exposition.go).
package api
