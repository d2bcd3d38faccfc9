package api

import (
	"errors"
	"net/http"

	"tallyman/api/schema"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// summary answers with the host at one glance. With ?refresh=1 it first asks the engines for their disk usage; that takes its time,
// and is not waited for.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	refresh := false
	err := parseQuery(r.URL.RawQuery, parameter{"refresh", 1, func(value string) error {
		refresh = value == "1"
		if !refresh {
			return errors.New("want refresh=1, or leave it out")
		}
		return nil
	}})
	if err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if refresh && !s.refreshDisk(w, r) {
		return
	}
	snap, err := s.source.Snapshot(r.Context())
	switch {
	case err != nil:
		s.sendUnavailable(w, r, err)
	case refresh:
		s.sendJSON(w, r, http.StatusAccepted, summarise(snap, s.version))
	case !s.tags.unchanged(w, r, snap):
		s.sendJSON(w, r, http.StatusOK, summarise(snap, s.version))
	}
}

// summarise makes the answer of /api/v1/summary.
func summarise(s *collector.Snapshot, version string) schema.Summary {
	h, rates := &s.Host.Stats, &s.Host.Rates
	return schema.Summary{
		Time:           schema.Moment(s.Time),
		CollectSeconds: schema.Number(s.Duration.Seconds()),
		Version:        schema.Text(version),
		Host: schema.Host{
			Name: schema.Text(s.Machine.Hostname), Kernel: schema.Text(s.Machine.Kernel),
			Cores: schema.Number(s.Machine.Cores), CPUCores: schema.Number(rates.CPU),
			MemoryBytes: schema.Number(s.Machine.MemoryBytes), MemoryWorkingSetBytes: schema.Number(h.Memory.WorkingSet),
			SwapBytes: schema.Number(s.Machine.SwapBytes), SwapUsedBytes: schema.Number(h.Memory.Swap), Threads: schema.Number(h.Pids.Threads), Load: newLoad(h.Load),
			Pressure: schema.Pressure{
				CPU: schema.Number(rates.CPUPressure), Memory: schema.Number(rates.MemoryPressure), IO: schema.Number(rates.IOPressure),
			},
			PressureWaitingSeconds: waiting(&h.Pressure),
		},
		Engines:    summariseEngines(s),
		Containers: countContainers(s),
		Totals:     sumContainers(s),
		Disk:       summariseDisk(s),
		Attention:  attention(s),
		Top:        findTop(s),
		Ages:       findAges(s),
	}
}

// newLoad gives the load of the host, nil where it is not known.
func newLoad(l *cgroups.Load) *schema.Load {
	if l == nil {
		return nil
	}
	return &schema.Load{One: schema.Number(l.One), Five: schema.Number(l.Five), Fifteen: schema.Number(l.Fifteen)}
}

// summariseEngines describes every engine.
func summariseEngines(s *collector.Snapshot) []schema.Engine {
	items := make([]schema.Engine, len(s.Engines))
	for i := range s.Engines {
		e := &s.Engines[i]
		items[i] = schema.Engine{
			Name: schema.Text(e.Name), Up: e.Up, Fresh: e.Fresh, Problem: schema.Text(e.Problem), SyncedAt: schema.Moment(e.Synced),
			Version: schema.Text(e.Info.Version), APIVersion: schema.Text(e.Info.APIVersion), StorageDriver: schema.Text(e.Info.StorageDriver),
			CgroupDriver: schema.Text(e.Info.CgroupDriver), CgroupVersion: schema.Text(e.Info.CgroupVersion), OS: schema.Text(e.Info.OperatingSystem),
			Containers: e.Sources.Cgroup + e.Sources.Engine + e.Sources.None,
		}
	}
	return items
}

// countContainers counts by state and health; "unknown" are those of which the engine says nothing any more.
func countContainers(s *collector.Snapshot) schema.Counts {
	n := schema.Counts{
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
func sumContainers(s *collector.Snapshot) schema.Totals {
	nan := schema.Unknown()
	t := schema.Totals{
		CPUCores: nan, MemoryUsageBytes: nan, MemoryWorkingSetBytes: nan, ReadBytesPerSecond: nan, WriteBytesPerSecond: nan,
		ReceiveBytesPerSecond: nan, TransmitBytesPerSecond: nan,
	}
	for i := range s.Containers {
		c := &s.Containers[i]
		t.CPUCores.Add(c.Rates.CPU)
		t.MemoryUsageBytes.Add(c.Stats.Memory.Usage)
		t.MemoryWorkingSetBytes.Add(c.Stats.Memory.WorkingSet)
		t.ReadBytesPerSecond.Add(c.Rates.ReadBytes)
		t.WriteBytesPerSecond.Add(c.Rates.WriteBytes)
		t.ReceiveBytesPerSecond.Add(c.Rates.ReceiveBytes)
		t.TransmitBytesPerSecond.Add(c.Rates.TransmitBytes)
	}
	return t
}
