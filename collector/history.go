package collector

import "time"

// Point is what is remembered of a container, or of the host, of one moment. Numbers are in base units; NaN = unknown.
type Point struct {
	Time time.Time
	// Memory is the working set in bytes at Time.
	Memory float64
	// What follows is the mean since the Point before.
	CPU                                     float64 // cores
	Throttled                               float64 // 0-1: throttled periods of all periods
	Receive, Transmit                       float64 // bytes per second, all interfaces
	Read, Write                             float64 // bytes per second, all devices
	CPUPressure, MemoryPressure, IOPressure float64 // 0-1: the part of the time in which some task waited
}

// LastWords is what is remembered of a run of a container that has ended. NaN = unknown.
type LastWords struct {
	Engine, ID, Name, Image string // as Container; ID is that of the engine
	Started, Finished       time.Time
	HasExitCode             bool
	ExitCode                int
	OOMKilled               bool
	PeakMemory              float64 // bytes; of the kernel, or the largest that was seen
	CPU                     float64 // seconds
	ThrottledRatio          float64 // 0-1, over the whole run
	// Removed says that the engine knows the container no more.
	Removed bool
}

// History is what is remembered of a container, by its Engine and its id of the engine, or of the host, both "", the oldest first.
func (c *Collector) History(engine, id string) []Point { return nil }

// LastWords is what is remembered of runs that have ended, the latest first.
func (c *Collector) LastWords() []LastWords { return nil }
