// Package api is everything that tallyman serves over HTTP: metrics, JSON, a status page, health checks.
//
// It serves from Snapshots only: it opens no file, asks no engine, and starts no goroutine. It knows nothing of
// listening, TLS and passwords, which cmd/tallyman puts around the one handler that this package gives.
//
// Start reading at Server.routes (server.go), then exposition (exposition.go).
package api
