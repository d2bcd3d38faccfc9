package api

import (
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/internal/human"
)

// hostView is the bar at the top of a page.
type hostView struct {
	Summary                           schema.Summary
	CPU, CPUShare                     schema.Number
	Memory, MemoryShare               schema.Number
	CPUPressure, MemPressure, IOPress schema.Number
	DiskSize, DiskReclaimable         schema.Number
	Sparks                            hostSparks
	Engines                           []engineView
}

// engineView is one engine, in words.
type engineView struct {
	schema.Engine

	Facts  string
	Listed string
}

// newHost makes the bar.
func (s *Server) newHost(snap *collector.Snapshot, points []collector.Point) hostView {
	sum := summarise(snap, s.version)
	nan := schema.Unknown()
	v := hostView{
		Summary: sum, CPU: sum.Host.CPUCores, CPUShare: ratio(sum.Host.CPUCores, sum.Host.Cores), Memory: sum.Host.MemoryWorkingSetBytes,
		MemoryShare: ratio(sum.Host.MemoryWorkingSetBytes, sum.Host.MemoryBytes),
		CPUPressure: nan, MemPressure: nan, IOPress: nan, DiskSize: nan, DiskReclaimable: nan,
		Sparks: newHostSparks(points, snap),
	}
	if n := len(points); n > 0 {
		last := points[n-1]
		v.CPUPressure, v.MemPressure, v.IOPress = schema.Number(last.CPUPressure), schema.Number(last.MemoryPressure), schema.Number(last.IOPressure)
	}
	for _, d := range sum.Disk {
		v.DiskSize.Add(float64(d.SizeBytes))
		v.DiskReclaimable.Add(float64(d.ReclaimableBytes))
	}
	for _, e := range sum.Engines {
		v.Engines = append(v.Engines, engineView{Engine: e, Facts: engineFacts(e), Listed: human.Since(time.Time(e.SyncedAt), snap.Time)})
	}
	return v
}

// engineFacts says what is known of an engine: "Docker 28.5.2 (API 1.51), overlay2, cgroup v2 by systemd".
func engineFacts(e schema.Engine) string {
	var parts []string
	add := func(text string, value schema.Text) {
		if value != "" {
			parts = append(parts, text+string(value))
		}
	}
	add("Docker ", e.Version)
	add("API ", e.APIVersion)
	add("", e.StorageDriver)
	switch {
	case e.CgroupVersion != "" && e.CgroupDriver != "":
		parts = append(parts, "cgroup v"+string(e.CgroupVersion)+" by "+string(e.CgroupDriver))
	default:
		add("cgroup v", e.CgroupVersion)
		add("cgroups by ", e.CgroupDriver)
	}
	return strings.Join(parts, ", ")
}

// unseenView is something that cannot be seen here, and what would mend it.
type unseenView struct{ Name, Reason, Help string }

// unseen lists what cannot be seen on this host.
func unseen(snap *collector.Snapshot) []unseenView {
	var all []unseenView
	add := func(prefix string, capabilities []cgroups.Capability) {
		for _, c := range capabilities {
			if c.Reason == "" {
				continue
			}
			all = append(all, unseenView{prefix + capabilityWords(c.Name), strings.ReplaceAll(c.Reason, "_", " "), helpOf(c)})
		}
	}
	add("", snap.Capabilities)
	for i := range snap.Engines {
		e := &snap.Engines[i]
		prefix := ""
		if e.Name != "" {
			prefix = e.Name + ": "
		}
		add(prefix, e.Capabilities)
	}
	return all
}

// helpOf says what would mend it, as far as anybody knows.
func helpOf(c cgroups.Capability) string {
	if c.Help != "" {
		return c.Help
	}
	return "the log of tallyman may say more"
}

// capabilityWords says what a capability is about; a name that is not known speaks for itself.
func capabilityWords(name string) string {
	switch name {
	case "psi":
		return "pressure"
	case "pids":
		return "threads and processes"
	case "io":
		return "reads and writes"
	case "cpu":
		return "processor time"
	case "host":
		return "the host's own numbers"
	case "containers":
		return "cgroups of containers"
	case "network":
		return "network traffic"
	case "logs":
		return "size of logs"
	case "engine":
		return "what the engine knows"
	case "stats":
		return "the engine's statistics"
	}
	return strings.ReplaceAll(name, "_", " ")
}
