package sample

import (
	"fmt"

	"tallyman/collector"
)

// Many is a host with n running containers, for benchmarks.
func Many(n int) *collector.Snapshot {
	s := Snapshot()
	s.Containers = s.Containers[:0]
	for i := range n {
		id := ID(fmt.Sprintf("%08x", i+1))
		f := facts(id, fmt.Sprintf("project-service-%d", i), "registry.example.org/team/service:2026.11.1")
		c := running(f, "/system.slice/docker-"+id+".scope")
		c.Stats.CPU.Usage += float64(i) * 1.000123
		s.Containers = append(s.Containers, c)
	}
	s.Engines[0].Sources = collector.SourceCounts{Cgroup: n}
	return s
}
