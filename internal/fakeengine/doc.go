// Package fakeengine plays a Docker Engine for tests: it answers with recorded responses, lets a test change the
// containers as dockerd would, streams the matching events, and breaks on demand.
//
// It serves only what tallyman asks for, keeps everything in memory, and never talks to a real engine. It knows nothing
// of package engine, so that it can be used to test it.
//
// Start reading at Engine (engine.go), then Fault (faults.go); recordings are in testdata, one folder per engine version.
package fakeengine
