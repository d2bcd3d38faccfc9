package cgroups

import "math"

// Stats is one reading of one cgroup.
//
// Every number is a float64 in base units (seconds, bytes, counts) unless its name says otherwise, counters since the
// cgroup was created, and NaN where the kernel did not say: no such file, controller off, no limit set, or a line that
// could not be understood. Zero always means that the kernel said zero.
type Stats struct {
	CPU      CPU
	Memory   Memory
	Pids     Pids
	Pressure Pressure
	// IO holds one entry per block device that the cgroup has used, in the kernel's order; nil = unknown, empty = it used none.
	IO []IODevice
	// Network holds one entry per interface of the network namespace; nil = unknown, or not this cgroup's own.
	Network []Interface
	// Load is that of the host, by /proc/loadavg; nil for containers.
	Load *Load

	// What follows is read only when its part is asked for: it is nil otherwise, as it is when unknown.

	// PerCPU is the processor time by number of the processor, in seconds; v1 cpuacct.usage_percpu, v2 does not tell.
	PerCPU []float64
	// Hugetlb holds one entry per size of huge pages.
	Hugetlb []HugePages
	// NUMA holds one entry per node, in the kernel's order.
	NUMA []NUMANode
	// Process is what the processes hold open, and may.
	Process *Process
	// Sockets are those of the network namespace; nil also when it is not this cgroup's own.
	Sockets *Sockets
}

// Load is the mean number of tasks that run, wait for a processor or wait for a disk.
type Load struct {
	One, Five, Fifteen float64 // over so many minutes
}

// CPU is the processor time of a cgroup.
type CPU struct {
	Usage  float64 // seconds; v1 cpuacct.usage, v2 cpu.stat usage_usec
	User   float64 // seconds; v1 cpuacct.stat user, v2 cpu.stat user_usec
	System float64 // seconds; v1 cpuacct.stat system, v2 cpu.stat system_usec

	Periods          float64 // cpu.stat nr_periods
	ThrottledPeriods float64 // cpu.stat nr_throttled
	Throttled        float64 // seconds; v1 cpu.stat throttled_time, v2 throttled_usec
	BurstPeriods     float64 // cpu.stat nr_bursts
	Burst            float64 // seconds; v1 cpu.stat burst_time, v2 burst_usec

	QuotaMicros  float64 // microseconds per period, NaN = no quota; v1 cpu.cfs_quota_us, v2 cpu.max
	PeriodMicros float64 // microseconds; v1 cpu.cfs_period_us, v2 cpu.max
	Shares       float64 // v1 cpu.shares; v2 cpu.weight, mapped back to shares as runc maps them forth
	CpusetCores  float64 // processors that the cgroup may use; v1 cpuset.effective_cpus, v2 cpuset.cpus.effective
}

// Memory is the memory of a cgroup and of its descendants.
type Memory struct {
	Usage      float64 // bytes, page cache included; v1 memory.usage_in_bytes, v2 memory.current
	WorkingSet float64 // bytes; Usage less InactiveFile, never below 0
	MaxUsage   float64 // bytes; v1 memory.max_usage_in_bytes, v2 memory.peak
	Kernel     float64 // bytes; v1 memory.kmem.usage_in_bytes, v2 memory.stat kernel
	Swap       float64 // bytes; v1 memory.stat total_swap, v2 memory.swap.current
	FailCount  float64 // times the limit was hit; v1 memory.failcnt, v2 memory.events max

	RSS           float64 // bytes; v1 memory.stat total_rss, v2 anon
	Cache         float64 // bytes; v1 memory.stat total_cache, v2 file
	MappedFile    float64 // bytes; v1 memory.stat total_mapped_file, v2 file_mapped
	ActiveFile    float64 // bytes; v1 memory.stat total_active_file, v2 active_file
	InactiveFile  float64 // bytes; v1 memory.stat total_inactive_file, v2 inactive_file
	FileDirty     float64 // bytes; v1 memory.stat total_dirty, v2 file_dirty
	FileWriteback float64 // bytes; v1 memory.stat total_writeback, v2 file_writeback

	PageFaults         float64 // of the subtree; v1 memory.stat total_pgfault, v2 pgfault
	MajorPageFaults    float64 // of the subtree; v1 memory.stat total_pgmajfault, v2 pgmajfault
	OwnPageFaults      float64 // of the cgroup alone; v1 memory.stat pgfault, v2 pgfault where it has no child
	OwnMajorPageFaults float64 // of the cgroup alone; v1 memory.stat pgmajfault, v2 pgmajfault where it has no child

	PagesScanned float64 // v2 memory.stat pgscan
	PagesStolen  float64 // v2 memory.stat pgsteal
	RefaultFile  float64 // v1 memory.stat total_workingset_refault_file, v2 workingset_refault_file
	RefaultAnon  float64 // v1 memory.stat total_workingset_refault_anon, v2 workingset_refault_anon

	Limit       float64 // bytes, NaN = no limit; v1 memory.limit_in_bytes, v2 memory.max
	SwapLimit   float64 // bytes of memory and swap together, NaN = no limit; v1 memory.memsw.limit_in_bytes, v2 memory.max + memory.swap.max
	Reservation float64 // bytes, NaN = none; v1 memory.soft_limit_in_bytes, v2 memory.low

	Events     MemoryEvents
	SwapEvents SwapEvents
	// OOMKills is the number of processes killed for want of memory since the cgroup was created; v1 memory.oom_control
	// oom_kill, v2 memory.events oom_kill; the host: /proc/vmstat oom_kill, since boot.
	OOMKills float64
}

// MemoryEvents is cgroup v2's memory.events; all NaN on v1. Counts since the cgroup was created.
type MemoryEvents struct {
	Low          float64
	High         float64
	Max          float64
	OOM          float64
	OOMKill      float64
	OOMGroupKill float64
}

// SwapEvents is cgroup v2's memory.swap.events; all NaN on v1, which counts none. Counts since the cgroup was created.
type SwapEvents struct {
	High float64 // usage went over memory.swap.high
	Max  float64 // usage was about to go over memory.swap.max, and was not let
	Fail float64 // no swap could be had: the limit, or the host has run out of it
}

// Pids is the number of tasks and processes of a cgroup.
type Pids struct {
	Threads    float64 // pids.current; the host: tasks of /proc/loadavg
	ThreadsMax float64 // NaN = no limit; pids.max; the host: /proc/sys/kernel/threads-max
	Processes  float64 // lines of cgroup.procs; NaN where child cgroups hold some of them, and for the host
}

// Pressure is the time lost to stalls: cpu.pressure, memory.pressure and io.pressure (for the host /proc/pressure).
type Pressure struct {
	CPU    Stall
	Memory Stall
	IO     Stall
}

// Stall is the "total" column of one pressure file, in seconds.
type Stall struct {
	Some float64 // some task waited
	Full float64 // no task could run
}

// IODevice is what a cgroup read from and wrote to one block device.
type IODevice struct {
	Device       string // "/dev/vda"; "254:0" when /proc/diskstats does not know the number
	Major, Minor uint32
	Reads        float64 // operations
	Writes       float64 // operations
	ReadBytes    float64
	WriteBytes   float64
	DiscardBytes float64
}

// Interface is the traffic of one network interface as seen from inside its namespace (/proc/<pid>/net/dev).
type Interface struct {
	Name                                    string
	RxBytes, RxPackets, RxErrors, RxDropped float64
	TxBytes, TxPackets, TxErrors, TxDropped float64
}

// HugePages is the use of huge pages of one size, by a cgroup and its descendants.
type HugePages struct {
	PageSize  string  // "2MB", "1GB": as the kernel names its files
	Usage     float64 // bytes; v1 hugetlb.<size>.usage_in_bytes, v2 hugetlb.<size>.current
	MaxUsage  float64 // bytes; v1 hugetlb.<size>.max_usage_in_bytes, v2 does not tell
	FailCount float64 // allocations refused at the limit; v1 hugetlb.<size>.failcnt, v2 hugetlb.<size>.events max
}

// NUMANode is the memory of a cgroup on one NUMA node.
type NUMANode struct {
	Node    uint32
	Own     NUMAPages // of the cgroup alone; v1 memory.numa_stat, v2 does not tell
	Subtree NUMAPages // with its descendants; v1 memory.numa_stat hierarchical_, v2 memory.numa_stat
}

// NUMAPages is a number of pages by kind. v2's kinds overlap and do not add up.
type NUMAPages struct {
	File        float64 // v1 file, v2 file (which counts shared memory too)
	Anon        float64 // v1 anon, v2 anon
	Unevictable float64 // v1 unevictable, v2 unevictable
}

// Process is what the processes of a cgroup hold open, and what the first of them may use.
type Process struct {
	FileDescriptors float64 // entries of /proc/<pid>/fd of all processes; NaN where child cgroups hold some of them
	Sockets         float64 // those of them that are sockets
	// Limits are the soft limits of the container's first process, in the kernel's order; /proc/<pid>/limits.
	Limits []Ulimit
}

// Ulimit is one soft limit of a process, in the units of /proc/<pid>/limits.
type Ulimit struct {
	Name string  // "max_open_files": as the kernel names it, in snake case
	Soft float64 // NaN = no limit
}

// Sockets are the sockets of a network namespace by protocol: /proc/<pid>/net/tcp, tcp6, udp and udp6.
type Sockets struct {
	TCP, TCP6 TCPStates
	UDP, UDP6 UDPSockets
}

// TCPStates is the number of connections and listening sockets by state.
type TCPStates struct {
	Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, Close, CloseWait, LastAck, Listen, Closing float64
}

// UDPSockets is what waits in UDP sockets, and what they lost. What a socket lost is forgotten when it is closed.
type UDPSockets struct {
	Listen   float64 // sockets that are not connected to a peer
	Dropped  float64 // datagrams
	RxQueued float64 // bytes
	TxQueued float64 // bytes
}

// Machine is what the hardware and kernel of the host offer. NaN where /proc does not say.
type Machine struct {
	Cores         float64 // logical processors online; /proc/cpuinfo
	PhysicalCores float64 // /proc/cpuinfo core id per physical id
	Sockets       float64 // /proc/cpuinfo physical id
	MemoryBytes   float64 // /proc/meminfo MemTotal
	SwapBytes     float64 // /proc/meminfo SwapTotal
	Hostname      string  // /proc/sys/kernel/hostname
	Kernel        string  // /proc/sys/kernel/osrelease
}

// Reset makes everything unknown.
func (s *Stats) Reset() {
	nan := math.NaN()
	stall := Stall{nan, nan}
	*s = Stats{
		CPU: CPU{nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan},
		Memory: Memory{
			nan, nan, nan, nan, nan, nan,
			nan, nan, nan, nan, nan, nan, nan,
			nan, nan, nan, nan,
			nan, nan, nan, nan,
			nan, nan, nan,
			MemoryEvents{nan, nan, nan, nan, nan, nan},
			SwapEvents{nan, nan, nan},
			nan,
		},
		Pids:     Pids{nan, nan, nan},
		Pressure: Pressure{stall, stall, stall},
	}
}
