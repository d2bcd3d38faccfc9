package cgroups

import (
	"math"
	"time"

	"github.com/prometheus/procfs"
)

// machineEvery is how often the hardware is looked at again: processors and memory can be plugged, but not often.
const machineEvery = time.Minute

// filesHost are read for the host beside the files of its root cgroup, which v2 keeps nearly empty.
func filesHost() []fileSpec {
	return append([]fileSpec{
		{base: baseProc, name: "loadavg", part: PartPids, parse: func(b []byte, s *Stats, _ names) error { return parseLoadavg(b, s) }},
		{base: baseProc, name: "sys/kernel/threads-max", part: PartPids, parse: single(func(s *Stats) *float64 { return &s.Pids.ThreadsMax })},
		// The root cgroup's own counter (v1; v2 has none) leaves out the kills in its child cgroups.
		{base: baseProc, name: "vmstat", part: PartMemory, parse: flatKeyed(oomControl())},
		{base: baseProc, name: "meminfo", part: PartMemory, parse: hostMemory},
		{base: baseProc, name: "diskstats", part: PartIO, list: true, glance: true, parse: parseHostIO},
	}, pressureFiles(basePressure, "")...)
}

// hostMemory fills what the root cgroup does not have: v2 keeps no memory.current and memory.swap.current there. As the
// kernel counts a cgroup's usage, page cache is part of it.
func hostMemory(b []byte, s *Stats, _ names) error {
	m := meminfo{total: math.NaN(), free: math.NaN(), swapTotal: math.NaN(), swapFree: math.NaN()}
	err := parseMeminfo(b, &m)
	if math.IsNaN(s.Memory.Usage) {
		s.Memory.Usage = used(m.total, m.free)
	}
	if math.IsNaN(s.Memory.Swap) {
		s.Memory.Swap = used(m.swapTotal, m.swapFree)
	}
	return err
}

// used is total less free; unknown where they contradict each other.
func used(total, free float64) float64 {
	if free > total {
		return math.NaN()
	}
	return total - free
}

// Machine tells what the host's hardware and kernel offer. It is read again at most once a minute.
func (r *Reader) Machine() Machine {
	now := r.now()
	if r.machineRead.IsZero() || now.Sub(r.machineRead) >= machineEvery {
		r.machine, r.machineRead = readMachine(r.root.ProcFS), now
	}
	return r.machine
}

func readMachine(procRoot string) Machine {
	nan := math.NaN()
	m := Machine{Cores: nan, PhysicalCores: nan, Sockets: nan, MemoryBytes: nan, SwapBytes: nan}
	fs, err := procfs.NewFS(procRoot)
	if err != nil {
		return m
	}
	if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
		m.Cores = float64(len(cpus))
		countCores(cpus, &m)
	}
	if mem, err := fs.Meminfo(); err == nil {
		m.MemoryBytes = kilobytes(mem.MemTotal)
		m.SwapBytes = kilobytes(mem.SwapTotal)
	}
	m.Hostname, m.Kernel = sysctl(fs, "kernel.hostname"), sysctl(fs, "kernel.osrelease")
	return m
}

// sysctl gives the first word of a setting; "" when it cannot be read.
func sysctl(fs procfs.FS, name string) string {
	words, err := fs.SysctlStrings(name)
	if err != nil || len(words) == 0 {
		return ""
	}
	return words[0]
}

// countCores counts sockets and physical cores, where the architecture tells them apart.
func countCores(cpus []procfs.CPUInfo, m *Machine) {
	sockets, cores := map[string]bool{}, map[[2]string]bool{}
	for _, c := range cpus {
		if c.PhysicalID == "" || c.CoreID == "" {
			return
		}
		sockets[c.PhysicalID] = true
		cores[[2]string{c.PhysicalID, c.CoreID}] = true
	}
	m.Sockets, m.PhysicalCores = float64(len(sockets)), float64(len(cores))
}

func kilobytes(v *uint64) float64 {
	if v == nil {
		return math.NaN()
	}
	return float64(*v) * 1024
}
