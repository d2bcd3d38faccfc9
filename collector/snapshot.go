package collector

import (
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
)

// Snapshot is the state of the host at one moment. It is never changed once published and may be read by any number of
// goroutines. All numbers are in base units; NaN = unknown.
type Snapshot struct {
	Time     time.Time     // when the collection began
	Duration time.Duration // how long it took
	Maker    string        // Options.Name

	Machine cgroups.Machine
	// Host is the root cgroup, id "/", without name and image.
	Host Container
	// Containers holds every container that an engine knows, in every state, sorted by name, then id, then engine.
	Containers []Container

	// Slices are further cgroups that somebody wants to watch, nameless, sorted as the kernel lists them.
	Slices []Container

	// Engines holds the engines in the order in which they were configured.
	Engines []EngineStatus
	// Capabilities says what of the kernel's can be read here and why the rest cannot.
	Capabilities []cgroups.Capability
	// Descriptors is what is kept open for reading.
	Descriptors cgroups.Descriptors

	// views are those of the engines that were joined.
	views []*engine.View
	// kernelTime is when the oldest of the readings were made: Time, unless some were used again.
	kernelTime time.Time
}

// All calls each with everything that has readings: the host, the containers, the slices.
func (s *Snapshot) All(each func(*Container)) {
	each(&s.Host)
	for i := range s.Containers {
		each(&s.Containers[i])
	}
	for i := range s.Slices {
		each(&s.Slices[i])
	}
}

// ReadAt is when the oldest of the kernel's readings were made: Time, unless some were used again.
func (s *Snapshot) ReadAt() time.Time {
	if s.kernelTime.IsZero() {
		return s.Time
	}
	return s.kernelTime
}

// EngineStatus is the state of one engine itself.
type EngineStatus struct {
	Name    string // as Container.Engine
	Up      bool
	Problem string // for people: why Up is false
	// Fresh says that what the engine said of its containers may still be shown: it is up, or was less than StaleAfter ago.
	Fresh  bool
	Synced time.Time
	Info   engine.Info
	Events []engine.EventCount
	// Disk is what it says of its disk usage; nil when that may not be shown any more.
	Disk *engine.Disk
	// Capabilities says what can be had of it and why the rest cannot; "engine" is the engine as a whole, the others are those of
	// engine.Access.
	Capabilities []cgroups.Capability
	// Sources counts its containers by where their numbers come from.
	Sources SourceCounts

	// logs is what this collection has shown of logs; nameless = nothing.
	logs cgroups.Capability
}

// SourceCounts counts containers by Source.
type SourceCounts struct {
	Cgroup, Engine, None int
}

// Source says where the kernel readings of a container come from.
type Source string

// The sources of Container.Stats.
const (
	SourceNone   Source = "none"   // not running, or its cgroup could not be read
	SourceCgroup Source = "cgroup" // cgroup files
	SourceEngine Source = "engine" // the engine's stats stream
)

// Container is one container, or the host, at one moment.
type Container struct {
	// ID is the cgroup path, the label "id": "/docker/<64 hex>", "/system.slice/docker-<64 hex>.scope", "/" for the host.
	ID    string
	Name  string // "" for the host and slices
	Image string // "" for the host and slices
	// Engine is the name of the engine whose container it is; "" where there is only one, and for the host and slices.
	Engine string
	// Labels are those of Options.Labels.
	Labels []Label

	// Facts is what the engine said last; nil for the host, and when the engine has been away for longer than StaleAfter.
	Facts *engine.Container

	Source Source
	Stats  cgroups.Stats
	// SampleAge is the time in seconds since Stats came from the engine; NaN where they are not the engine's.
	SampleAge float64
	// LimitCores is the number of processors that the container may use: the least of quota, cpuset and the host's.
	LimitCores float64
	// OOMKills counts the processes killed for want of memory over all runs of the container.
	OOMKills float64
	// LastSeen is when the container was last known to have processes, in Unix seconds; NaN when it has none.
	LastSeen float64
	Rates    Rates
	Recent   Recent
	Disk     Disk
	// Problem says, for people, why the readings are missing or incomplete; "" when they are complete.
	Problem string
}

// Disk is what a container takes on disk, in bytes; NaN = unknown.
type Disk struct {
	Writable float64 // what it wrote to its own layer, as of the engine's latest disk usage
	Root     float64 // its image and its own layer, as of then
	Log      float64 // its log with the rotated files, now
}

// Rates are the changes per second since an earlier snapshot; NaN while there is none.
type Rates struct {
	CPU            float64 // cores
	ReadBytes      float64 // per second, all devices
	WriteBytes     float64
	ReceiveBytes   float64 // per second, all interfaces
	TransmitBytes  float64
	ThrottledRatio float64 // 0-1: throttled periods of all periods
	// The part of the time, 0-1, in which some task waited for a processor, for memory, for io. The kernel adds up what it
	// counts every two seconds only, so that over a shorter time this may be too little or too much.
	CPUPressure, MemoryPressure, IOPressure float64
}

// RecentFor is how long what happened to a container counts as recent.
const RecentFor = 10 * time.Minute

// Recent counts what happened to a container within RecentFor, as far as it was seen or its time is known.
type Recent struct {
	OOMKills float64 // processes killed for want of memory
	Restarts float64 // by the restart policy
}
