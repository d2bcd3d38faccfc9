package engine

import "time"

// Sample is what the engine read of the cgroup and of the network interfaces of one container, in one go. It is immutable
// and may be shared.
//
// Every number is a float64 in base units (seconds, bytes, counts), counters since the container's start, and NaN where the
// engine did not say. cgroup v1 and v2 tell different things: a comment that names one of them is for numbers that the other
// does not give.
//
// Source: GET /containers/{id}/stats.
type Sample struct {
	Time time.Time // when it came, by our clock
	Read time.Time // when it was read, by the engine's clock

	CPU    SampleCPU
	Memory SampleMemory
	Pids   SamplePids
	// IO holds one entry per block device that the container has used, in the engine's order; nil = unknown or, with v2, it used none.
	IO []SampleIO
	// Network holds one entry per interface, by name; nil = unknown, or no network that the engine looks after. A container that
	// uses another's network shows the other's interfaces.
	Network []SampleInterface
}

// SampleCPU is the processor time of a container.
type SampleCPU struct {
	Usage  float64 // seconds; cpu_usage.total_usage
	User   float64 // seconds; cpu_usage.usage_in_usermode
	System float64 // seconds; cpu_usage.usage_in_kernelmode
	// PerCPU is the processor time by number of the processor, in seconds; v1 cpu_usage.percpu_usage.
	PerCPU []float64

	Periods          float64 // throttling_data.periods; 0 also where the kernel does not count them
	ThrottledPeriods float64 // throttling_data.throttled_periods
	Throttled        float64 // seconds; throttling_data.throttled_time
	Online           float64 // processors of the engine's host; online_cpus
}

// SampleMemory is the memory of a container. Names in brackets are keys of memory_stats.stats.
type SampleMemory struct {
	Usage     float64 // bytes, page cache included; usage
	MaxUsage  float64 // bytes; v1 max_usage
	FailCount float64 // times the limit was hit; v1 failcnt
	OOMs      float64 // times the limit was hit and nothing could be reclaimed; v2 failcnt, which is memory.events oom
	// Limit is in bytes; limit. The engine says the machine's memory where there is no limit, or a higher one: see Limits.Memory.
	Limit float64

	RSS           float64 // bytes; v1 [total_rss], v2 [anon]
	Cache         float64 // bytes; v1 [total_cache], v2 [file]
	MappedFile    float64 // bytes; v1 [total_mapped_file], v2 [file_mapped]
	ActiveFile    float64 // bytes; v1 [total_active_file], v2 [active_file]
	InactiveFile  float64 // bytes; v1 [total_inactive_file], v2 [inactive_file]
	FileDirty     float64 // bytes; v1 [total_dirty], v2 [file_dirty]
	FileWriteback float64 // bytes; v1 [total_writeback], v2 [file_writeback]

	PageFaults         float64 // with child cgroups; v1 [total_pgfault], v2 [pgfault]
	MajorPageFaults    float64 // with child cgroups; v1 [total_pgmajfault], v2 [pgmajfault]
	OwnPageFaults      float64 // without child cgroups; v1 [pgfault]
	OwnMajorPageFaults float64 // without child cgroups; v1 [pgmajfault]
	PagesScanned       float64 // v2 [pgscan]
	PagesStolen        float64 // v2 [pgsteal]
}

// SamplePids is the number of tasks of a container.
type SamplePids struct {
	Current float64 // pids_stats.current
	Limit   float64 // NaN = no limit; pids_stats.limit
}

// SampleIO is what a container read from and wrote to one block device.
type SampleIO struct {
	Major, Minor uint32
	Reads        float64 // operations; v1 io_serviced_recursive Read
	Writes       float64 // operations; v1 io_serviced_recursive Write
	ReadBytes    float64 // io_service_bytes_recursive; v1 Read, v2 read
	WriteBytes   float64 // io_service_bytes_recursive; v1 Write, v2 write
	DiscardBytes float64 // v1 io_service_bytes_recursive Discard
}

// SampleInterface is the traffic of one network interface as seen from inside the container; networks.
type SampleInterface struct {
	Name                                    string
	RxBytes, RxPackets, RxErrors, RxDropped float64
	TxBytes, TxPackets, TxErrors, TxDropped float64
}
