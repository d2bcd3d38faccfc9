package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"tallyman/collector"
	"tallyman/engine"
)

// summary answers with the host at one glance. With ?refresh=1 it first asks the engines for their disk usage; that takes its time,
// and is not waited for.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	switch refresh := r.URL.Query().Get("refresh"); refresh {
	case "":
	case "1":
		if !s.refreshDisk(w, r) {
			return
		}
		status = http.StatusAccepted
	default:
		s.sendError(w, r, http.StatusBadRequest, fmt.Sprintf("refresh=%.40s: want refresh=1, or leave it out", refresh))
		return
	}
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		s.sendUnavailable(w, r, err)
		return
	}
	s.sendJSON(w, r, status, summarise(snap, s.version))
}

// summarise makes the answer of /api/v1/summary.
func summarise(s *collector.Snapshot, version string) summaryAnswer {
	h := &s.Host.Stats
	return summaryAnswer{
		Time:           moment(s.Time),
		CollectSeconds: number(s.Duration.Seconds()),
		Version:        text(version),
		Host: hostSummary{
			Name: text(s.Machine.Hostname), Kernel: text(s.Machine.Kernel),
			Cores: number(s.Machine.Cores), CPUCores: number(s.Host.Rates.CPU),
			MemoryBytes: number(s.Machine.MemoryBytes), MemoryWorkingSetBytes: number(h.Memory.WorkingSet),
			SwapBytes: number(s.Machine.SwapBytes),
			PressureWaitingSeconds: hostPressure{
				CPU: number(h.Pressure.CPU.Some), Memory: number(h.Pressure.Memory.Some), IO: number(h.Pressure.IO.Some),
			},
		},
		Engines:    summariseEngines(s),
		Containers: countContainers(s),
		Totals:     sumContainers(s),
		Disk:       summariseDisk(s),
		Attention:  attention(s),
	}
}

// summariseEngines describes every engine.
func summariseEngines(s *collector.Snapshot) []engineSummary {
	items := make([]engineSummary, len(s.Engines))
	for i := range s.Engines {
		e := &s.Engines[i]
		items[i] = engineSummary{
			Name: text(e.Name), Up: e.Up, Fresh: e.Fresh, Problem: text(e.Problem), SyncedAt: moment(e.Synced),
			Version: text(e.Info.Version), APIVersion: text(e.Info.APIVersion), StorageDriver: text(e.Info.StorageDriver),
			CgroupDriver: text(e.Info.CgroupDriver), CgroupVersion: text(e.Info.CgroupVersion), OS: text(e.Info.OperatingSystem),
			Containers: e.Sources.Cgroup + e.Sources.Engine + e.Sources.None,
		}
	}
	return items
}

// Fresh says whether any engine still says something; to the page.
func (s summaryAnswer) Fresh() bool {
	return slices.ContainsFunc(s.Engines, func(e engineSummary) bool { return e.Fresh })
}

// countContainers counts by state and health; "unknown" are those of which the engine says nothing any more.
func countContainers(s *collector.Snapshot) containerCounts {
	n := containerCounts{
		Total:  len(s.Containers),
		States: map[string]int{"unknown": 0},
		Health: map[string]int{"healthy": 0, "unhealthy": 0, "starting": 0, "none": 0, "unknown": 0},
	}
	for _, state := range engine.States() {
		n.States[string(state)] = 0
	}
	for i := range s.Containers {
		f := s.Containers[i].Facts
		switch {
		case f == nil:
			n.States["unknown"]++
			n.Health["unknown"]++
			continue
		case f.Listed:
			n.Health["unknown"]++
		case f.Health == engine.HealthNone:
			n.Health["none"]++
		default:
			n.Health[known(n.Health, string(f.Health))]++
		}
		n.States[known(n.States, string(f.State))]++
	}
	return n
}

// known is key if it is in m, or "unknown": an engine of tomorrow may say what is not documented today.
func known(m map[string]int, key string) string {
	if _, ok := m[key]; ok {
		return key
	}
	return "unknown"
}

// sumContainers adds up what is known of the containers.
func sumContainers(s *collector.Snapshot) totals {
	nan := number(math.NaN())
	t := totals{nan, nan, nan, nan, nan, nan, nan}
	for i := range s.Containers {
		c := &s.Containers[i]
		t.CPUCores.add(c.Rates.CPU)
		t.MemoryUsageBytes.add(c.Stats.Memory.Usage)
		t.MemoryWorkingSetBytes.add(c.Stats.Memory.WorkingSet)
		t.ReadBytesPerSecond.add(c.Rates.ReadBytes)
		t.WriteBytesPerSecond.add(c.Rates.WriteBytes)
		t.ReceiveBytesPerSecond.add(c.Rates.ReceiveBytes)
		t.TransmitBytesPerSecond.add(c.Rates.TransmitBytes)
	}
	return t
}

// add adds a reading to a sum, which is unknown until there is one.
func (n *number) add(v float64) {
	switch {
	case math.IsNaN(v):
	case !n.known():
		*n = number(v)
	default:
		*n += number(v)
	}
}

// attention lists the containers that somebody should look at.
func attention(s *collector.Snapshot) []attentionItem {
	items := []attentionItem{}
	for i := range s.Containers {
		c := &s.Containers[i]
		reasons := reasons(c.Facts)
		if len(reasons) == 0 {
			continue
		}
		items = append(items, attentionItem{
			ID: text(containerID(c)), Name: text(c.Name), Engine: text(c.Engine), State: text(c.Facts.State), ExitCode: exitCode(c.Facts), Reasons: reasons,
		})
	}
	return items
}

// reasons says why somebody should look at a container.
func reasons(f *engine.Container) []string {
	if f == nil {
		return nil
	}
	var all []string
	if f.State == engine.StateRestarting || f.State == engine.StateDead {
		all = append(all, string(f.State))
	}
	if f.Health == engine.HealthUnhealthy && f.State.HasProcesses() {
		all = append(all, "unhealthy")
	}
	if f.HasExited && f.OOMKilled {
		all = append(all, "oom_killed")
	}
	if f.HasExited && !wanted(f.ExitCode) && !f.State.HasProcesses() {
		all = append(all, "exited_nonzero")
	}
	return all
}

// wanted says whether somebody wanted the container to end so: by itself, or by SIGINT or SIGTERM, as docker stop does.
func wanted(exitCode int) bool {
	const interrupted, terminated = 128 + 2, 128 + 15
	return exitCode == 0 || exitCode == interrupted || exitCode == terminated
}
