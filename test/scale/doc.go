// Package scale measures how many tallymen do under real Prometheus servers, for deploy/SCALE.md: what a host costs, whether series
// end when containers and hosts do, and whether shards and remote write lose anything.
//
// Everything is on this machine: real binaries, each with an address, an engine that internal/fakeengine plays, and real cgroups with
// sleeping processes. "make scale" runs it, and "make scale ARGS=-update" writes what it found into the document; its tests only
// see that the document is what was measured, and that its configurations are valid. Start reading at BenchmarkScale.
package scale
