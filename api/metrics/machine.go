package metrics

// machineFamilies are the rows of what the host has.
func machineFamilies() []Family {
	return []Family{
		machine("machine_cpu_cores", "Logical processors that are online, from /proc/cpuinfo.",
			func(s *snapshot) float64 { return s.Machine.Cores }),
		machine("machine_cpu_physical_cores", "Physical processor cores, from /proc/cpuinfo.",
			func(s *snapshot) float64 { return s.Machine.PhysicalCores }),
		machine("machine_cpu_sockets", "Processor sockets, from /proc/cpuinfo.",
			func(s *snapshot) float64 { return s.Machine.Sockets }),
		machine("machine_memory_bytes", "Memory of the host, from /proc/meminfo MemTotal.",
			func(s *snapshot) float64 { return s.Machine.MemoryBytes }),
		machine("machine_swap_bytes", "Swap of the host, from /proc/meminfo SwapTotal.",
			func(s *snapshot) float64 { return s.Machine.SwapBytes }),
	}
}

// machine gives a gauge of the host.
func machine(name, help string, value func(*snapshot) float64) Family {
	return Family{Name: name, Help: help, Type: Gauge, Group: GroupMachine, SnapshotValue: value}
}
