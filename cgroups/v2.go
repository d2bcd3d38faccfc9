package cgroups

import "os"

// This file says which file of cgroup v2 feeds which field
// (https://docs.kernel.org/admin-guide/cgroup-v2.html).

func filesV2() []fileSpec {
	return append([]fileSpec{
		{base: baseUnified, name: "cpu.stat", part: PartCPU, glance: true, parse: flatKeyed(cpuStatV2())},
		{base: baseUnified, name: "cpu.max", part: PartCPU, limit: true, parse: func(b []byte, s *Stats, _ names) error { return parseCPUMax(b, &s.CPU) }},
		{base: baseUnified, name: "cpu.weight", part: PartCPU, limit: true, parse: func(b []byte, s *Stats, _ names) error { return parseCPUWeight(b, &s.CPU) }},
		{base: baseUnified, name: "cpuset.cpus.effective", part: PartCPU, limit: true, parse: cpuList},

		{base: baseUnified, name: "memory.current", part: PartMemory, glance: true, parse: single(func(s *Stats) *float64 { return &s.Memory.Usage })},
		{base: baseUnified, name: "memory.peak", part: PartMemory, glance: true, still: true, parse: single(func(s *Stats) *float64 { return &s.Memory.MaxUsage })},
		{base: baseUnified, name: "memory.swap.current", part: PartMemory, parse: single(func(s *Stats) *float64 { return &s.Memory.Swap })},
		{base: baseUnified, name: "memory.stat", part: PartMemoryStat, glance: true, still: true, parse: flatKeyed(memoryStatV2())},
		{base: baseUnified, name: "memory.events", part: PartMemory, parse: flatKeyed(memoryEvents())},
		{base: baseUnified, name: "memory.swap.events", part: PartMemory, parse: flatKeyed(swapEvents())},
		{base: baseUnified, name: "memory.max", part: PartMemory, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Memory.Limit })},
		{base: baseUnified, name: "memory.low", part: PartMemory, limit: true, parse: reservationV2},
		// Swap alone; derive adds memory.max, so that the field means the same as v1's memory.memsw.limit_in_bytes.
		{base: baseUnified, name: "memory.swap.max", part: PartMemory, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Memory.SwapLimit })},

		// In bytes, where v1 counts pages.
		{base: baseUnified, name: "memory.numa_stat", part: PartNUMA, parse: numaStat(numaStatV2(), float64(os.Getpagesize()))},

		{base: baseUnified, name: "io.stat", part: PartIO, glance: true, parse: parseIOStat},

		{base: baseUnified, name: "pids.current", part: PartPids, parse: single(func(s *Stats) *float64 { return &s.Pids.Threads })},
		{base: baseUnified, name: "pids.max", part: PartPids, limit: true, parse: maximum(func(s *Stats) *float64 { return &s.Pids.ThreadsMax })},
		{base: baseUnified, name: "cgroup.procs", part: partsOfProc, list: true, parse: procs},
	}, pressureFiles(baseUnified, ".pressure")...)
}

// pressureFiles are in the v2 hierarchy of a hybrid host too: they need no controller.
func pressureFiles(b base, suffix string) []fileSpec {
	return []fileSpec{
		{base: b, name: "cpu" + suffix, part: PartPressure, glance: true, parse: func(b []byte, s *Stats, _ names) error { return parsePressure(b, &s.Pressure.CPU) }},
		{base: b, name: "memory" + suffix, part: PartPressure, glance: true, parse: func(b []byte, s *Stats, _ names) error { return parsePressure(b, &s.Pressure.Memory) }},
		{base: b, name: "io" + suffix, part: PartPressure, glance: true, parse: func(b []byte, s *Stats, _ names) error { return parsePressure(b, &s.Pressure.IO) }},
	}
}

// deriveV2 fills what v2 does not say in so many words.
func deriveV2(s *Stats) {
	m := &s.Memory
	m.FailCount = m.Events.Max
	m.OOMKills = m.Events.OOMKill
	m.SwapLimit += m.Limit
	// Without child cgroups the counts of the subtree are those of the cgroup; Handle.derive looks for children.
	m.OwnPageFaults, m.OwnMajorPageFaults = m.PageFaults, m.MajorPageFaults
}

func cpuStatV2() map[string]flatKey {
	return map[string]flatKey{
		"usage_usec":     {func(s *Stats) *float64 { return &s.CPU.Usage }, 1e6},
		"user_usec":      {func(s *Stats) *float64 { return &s.CPU.User }, 1e6},
		"system_usec":    {func(s *Stats) *float64 { return &s.CPU.System }, 1e6},
		"nr_periods":     {func(s *Stats) *float64 { return &s.CPU.Periods }, 1},
		"nr_throttled":   {func(s *Stats) *float64 { return &s.CPU.ThrottledPeriods }, 1},
		"throttled_usec": {func(s *Stats) *float64 { return &s.CPU.Throttled }, 1e6},
		"nr_bursts":      {func(s *Stats) *float64 { return &s.CPU.BurstPeriods }, 1},
		"burst_usec":     {func(s *Stats) *float64 { return &s.CPU.Burst }, 1e6},
	}
}

func memoryStatV2() map[string]flatKey {
	return map[string]flatKey{
		"anon":                    {func(s *Stats) *float64 { return &s.Memory.RSS }, 1},
		"file":                    {func(s *Stats) *float64 { return &s.Memory.Cache }, 1},
		"kernel":                  {func(s *Stats) *float64 { return &s.Memory.Kernel }, 1},
		"file_mapped":             {func(s *Stats) *float64 { return &s.Memory.MappedFile }, 1},
		"file_dirty":              {func(s *Stats) *float64 { return &s.Memory.FileDirty }, 1},
		"file_writeback":          {func(s *Stats) *float64 { return &s.Memory.FileWriteback }, 1},
		"active_file":             {func(s *Stats) *float64 { return &s.Memory.ActiveFile }, 1},
		"inactive_file":           {func(s *Stats) *float64 { return &s.Memory.InactiveFile }, 1},
		"pgfault":                 {func(s *Stats) *float64 { return &s.Memory.PageFaults }, 1},
		"pgmajfault":              {func(s *Stats) *float64 { return &s.Memory.MajorPageFaults }, 1},
		"pgscan":                  {func(s *Stats) *float64 { return &s.Memory.PagesScanned }, 1},
		"pgsteal":                 {func(s *Stats) *float64 { return &s.Memory.PagesStolen }, 1},
		"workingset_refault_file": {func(s *Stats) *float64 { return &s.Memory.RefaultFile }, 1},
		"workingset_refault_anon": {func(s *Stats) *float64 { return &s.Memory.RefaultAnon }, 1},
	}
}

func memoryEvents() map[string]flatKey {
	return map[string]flatKey{
		"low":            {func(s *Stats) *float64 { return &s.Memory.Events.Low }, 1},
		"high":           {func(s *Stats) *float64 { return &s.Memory.Events.High }, 1},
		"max":            {func(s *Stats) *float64 { return &s.Memory.Events.Max }, 1},
		"oom":            {func(s *Stats) *float64 { return &s.Memory.Events.OOM }, 1},
		"oom_kill":       {func(s *Stats) *float64 { return &s.Memory.Events.OOMKill }, 1},
		"oom_group_kill": {func(s *Stats) *float64 { return &s.Memory.Events.OOMGroupKill }, 1},
	}
}

func swapEvents() map[string]flatKey {
	return map[string]flatKey{
		"high": {func(s *Stats) *float64 { return &s.Memory.SwapEvents.High }, 1},
		"max":  {func(s *Stats) *float64 { return &s.Memory.SwapEvents.Max }, 1},
		"fail": {func(s *Stats) *float64 { return &s.Memory.SwapEvents.Fail }, 1},
	}
}

// numaStatV2 takes what v1 has too. memory.numa_stat counts child cgroups in, as memory.stat does.
func numaStatV2() map[string]numaKey {
	return map[string]numaKey{
		"file":        func(n *NUMANode) *float64 { return &n.Subtree.File },
		"anon":        func(n *NUMANode) *float64 { return &n.Subtree.Anon },
		"unevictable": func(n *NUMANode) *float64 { return &n.Subtree.Unevictable },
	}
}

// reservationV2 reads memory.low, in which 0 means that nothing is reserved.
func reservationV2(b []byte, s *Stats, _ names) error {
	err := parseLimit(b, &s.Memory.Reservation)
	if s.Memory.Reservation == 0 {
		s.Memory.Reservation = unknown()
	}
	return err
}

func single(field func(*Stats) *float64) func([]byte, *Stats, names) error {
	return func(b []byte, s *Stats, _ names) error { return parseSingle(b, field(s)) }
}

func maximum(field func(*Stats) *float64) func([]byte, *Stats, names) error {
	return func(b []byte, s *Stats, _ names) error { return parseLimit(b, field(s)) }
}

func flatKeyed(keys map[string]flatKey) func([]byte, *Stats, names) error {
	return func(b []byte, s *Stats, _ names) error { return parseFlatKeyed(b, keys, s) }
}

func numaStat(keys map[string]numaKey, per float64) func([]byte, *Stats, names) error {
	return func(b []byte, s *Stats, _ names) error { return parseNUMAStat(b, keys, per, s) }
}

func cpuList(b []byte, s *Stats, _ names) error { return parseCPUList(b, &s.CPU.CpusetCores) }

func procs(b []byte, s *Stats, _ names) error { return parseProcs(b, &s.Pids.Processes) }
