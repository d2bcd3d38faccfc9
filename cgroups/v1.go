package cgroups

// This file says which file of cgroup v1 feeds which field
// (https://docs.kernel.org/admin-guide/cgroup-v1/index.html).

// userHZ is the unit of cpuacct.stat: 100 in a second on every architecture that Docker runs on (USER_HZ, not CONFIG_HZ).
const userHZ = 100

func filesV1() []fileSpec {
	return append([]fileSpec{
		{base: baseCPUAcct, name: "cpuacct.usage", part: PartCPU, glance: true, parse: usageV1},
		{base: baseCPUAcct, name: "cpuacct.stat", part: PartCPU, parse: flatKeyed(cpuacctStat())},
		{base: baseCPUAcct, name: "cpuacct.usage_percpu", part: PartPerCPU, parse: perCPU},
		{base: baseCPU, name: "cpu.stat", part: PartCPU, glance: true, parse: flatKeyed(cpuStatV1())},
		{base: baseCPU, name: "cpu.cfs_quota_us", part: PartCPU, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.CPU.QuotaMicros })},
		{base: baseCPU, name: "cpu.cfs_period_us", part: PartCPU, limit: true, parse: single(func(s *Stats) *float64 { return &s.CPU.PeriodMicros })},
		{base: baseCPU, name: "cpu.shares", part: PartCPU, limit: true, parse: single(func(s *Stats) *float64 { return &s.CPU.Shares })},
		{base: baseCPUSet, name: "cpuset.effective_cpus", other: "cpuset.cpus", part: PartCPU, limit: true, parse: cpuList},

		{base: baseMemory, name: "memory.usage_in_bytes", part: PartMemory, glance: true, parse: single(func(s *Stats) *float64 { return &s.Memory.Usage })},
		{base: baseMemory, name: "memory.max_usage_in_bytes", part: PartMemory, glance: true, still: true, parse: single(func(s *Stats) *float64 { return &s.Memory.MaxUsage })},
		{base: baseMemory, name: "memory.kmem.usage_in_bytes", part: PartMemory, parse: single(func(s *Stats) *float64 { return &s.Memory.Kernel })},
		{base: baseMemory, name: "memory.failcnt", part: PartMemory, parse: single(func(s *Stats) *float64 { return &s.Memory.FailCount })},
		{base: baseMemory, name: "memory.stat", part: PartMemoryStat, glance: true, still: true, parse: flatKeyed(memoryStatV1())},
		{base: baseMemory, name: "memory.oom_control", part: PartMemory, parse: flatKeyed(oomControl())},
		{base: baseMemory, name: "memory.limit_in_bytes", part: PartMemory, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Memory.Limit })},
		{base: baseMemory, name: "memory.memsw.limit_in_bytes", part: PartMemory, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Memory.SwapLimit })},
		{base: baseMemory, name: "memory.soft_limit_in_bytes", part: PartMemory, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Memory.Reservation })},

		{base: baseMemory, name: "memory.numa_stat", part: PartNUMA, parse: numaStat(numaStatV1(), 1)},

		{base: baseBlkio, name: "blkio.throttle.io_service_bytes_recursive", other: "blkio.throttle.io_service_bytes", part: PartIO, glance: true, parse: parseBlkioBytes},
		{base: baseBlkio, name: "blkio.throttle.io_serviced_recursive", other: "blkio.throttle.io_serviced", part: PartIO, parse: parseBlkioOperations},

		{base: basePids, name: "pids.current", part: PartPids, parse: single(func(s *Stats) *float64 { return &s.Pids.Threads })},
		{base: basePids, name: "pids.max", part: PartPids, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Pids.ThreadsMax })},
		{base: basePids, name: "cgroup.procs", part: partsOfProc, list: true, parse: procs},
	}, pressureFiles(baseUnified, ".pressure")...)
}

func usageV1(b []byte, s *Stats, _ names) error {
	nanoseconds := unknown()
	err := parseSingle(b, &nanoseconds)
	s.CPU.Usage = nanoseconds / 1e9
	return err
}

func cpuacctStat() map[string]flatKey {
	return map[string]flatKey{
		"user":   {func(s *Stats) *float64 { return &s.CPU.User }, userHZ},
		"system": {func(s *Stats) *float64 { return &s.CPU.System }, userHZ},
	}
}

func cpuStatV1() map[string]flatKey {
	return map[string]flatKey{
		"nr_periods":     {func(s *Stats) *float64 { return &s.CPU.Periods }, 1},
		"nr_throttled":   {func(s *Stats) *float64 { return &s.CPU.ThrottledPeriods }, 1},
		"throttled_time": {func(s *Stats) *float64 { return &s.CPU.Throttled }, 1e9},
		"nr_bursts":      {func(s *Stats) *float64 { return &s.CPU.BurstPeriods }, 1},
		"burst_time":     {func(s *Stats) *float64 { return &s.CPU.Burst }, 1e9},
	}
}

// memoryStatV1 takes the "total_" keys, which include child cgroups as v2 does: systemd in a container makes some.
func memoryStatV1() map[string]flatKey {
	return map[string]flatKey{
		"total_rss":                     {func(s *Stats) *float64 { return &s.Memory.RSS }, 1},
		"total_cache":                   {func(s *Stats) *float64 { return &s.Memory.Cache }, 1},
		"total_swap":                    {func(s *Stats) *float64 { return &s.Memory.Swap }, 1},
		"total_mapped_file":             {func(s *Stats) *float64 { return &s.Memory.MappedFile }, 1},
		"total_dirty":                   {func(s *Stats) *float64 { return &s.Memory.FileDirty }, 1},
		"total_writeback":               {func(s *Stats) *float64 { return &s.Memory.FileWriteback }, 1},
		"total_active_file":             {func(s *Stats) *float64 { return &s.Memory.ActiveFile }, 1},
		"total_inactive_file":           {func(s *Stats) *float64 { return &s.Memory.InactiveFile }, 1},
		"total_pgfault":                 {func(s *Stats) *float64 { return &s.Memory.PageFaults }, 1},
		"total_pgmajfault":              {func(s *Stats) *float64 { return &s.Memory.MajorPageFaults }, 1},
		"pgfault":                       {func(s *Stats) *float64 { return &s.Memory.OwnPageFaults }, 1},
		"pgmajfault":                    {func(s *Stats) *float64 { return &s.Memory.OwnMajorPageFaults }, 1},
		"total_workingset_refault_file": {func(s *Stats) *float64 { return &s.Memory.RefaultFile }, 1},
		"total_workingset_refault_anon": {func(s *Stats) *float64 { return &s.Memory.RefaultAnon }, 1},
	}
}

func oomControl() map[string]flatKey {
	return map[string]flatKey{
		"oom_kill": {func(s *Stats) *float64 { return &s.Memory.OOMKills }, 1},
	}
}

func perCPU(b []byte, s *Stats, _ names) error { return parseUsagePerCPU(b, s) }

// numaStatV1 takes all the keys there are. Those of the subtree are there where memory.use_hierarchy is on: everywhere since
// Linux 5.11.
func numaStatV1() map[string]numaKey {
	return map[string]numaKey{
		"file":                     func(n *NUMANode) *float64 { return &n.Own.File },
		"anon":                     func(n *NUMANode) *float64 { return &n.Own.Anon },
		"unevictable":              func(n *NUMANode) *float64 { return &n.Own.Unevictable },
		"hierarchical_file":        func(n *NUMANode) *float64 { return &n.Subtree.File },
		"hierarchical_anon":        func(n *NUMANode) *float64 { return &n.Subtree.Anon },
		"hierarchical_unevictable": func(n *NUMANode) *float64 { return &n.Subtree.Unevictable },
	}
}
