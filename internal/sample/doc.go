// Package sample builds Snapshots by hand, for the tests of what is served.
//
// It is not for production code: nothing but tests may import it. It reads no file and asks no engine.
//
// Start reading at Snapshot (sample.go), then Many (many.go).
package sample
