package api

import (
	"fmt"
	"net/http"
	"slices"

	"tallyman/api/schema"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// containers answers with the list of containers.
func (s *Server) containers(w http.ResponseWriter, r *http.Request) {
	q, err := parseListQuery(r.URL.RawQuery)
	if err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		s.sendUnavailable(w, r, err)
		return
	}
	if err := checkEngines(snap, q.engines); err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if s.tags.unchanged(w, r, snap) {
		return
	}
	wanted, total := q.run(snap)
	answer := schema.Containers{Time: schema.Moment(snap.Time), Total: total, Containers: make([]schema.Container, len(wanted))}
	for i, c := range wanted {
		answer.Containers[i] = newItem(c)
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

// checkEngines refuses an engine that there is not.
func checkEngines(snap *collector.Snapshot, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(snap.Engines, func(e collector.EngineStatus) bool { return e.Name == name }) {
			return fmt.Errorf("there is no engine %.40q: /api/v1/summary lists them", name)
		}
	}
	return nil
}

// newItem makes the entry of a container in the list.
func newItem(c *collector.Container) schema.Container {
	item := schema.Container{
		ID: schema.Text(containerID(c)), Cgroup: schema.Text(c.ID), Name: schema.Text(c.Name), Image: schema.Text(c.Image), Engine: schema.Text(c.Engine),
		ExitCode: exitCode(c.Facts), Restarts: schema.Unknown(),
		Source: string(c.Source), SourceAge: schema.Number(c.SampleAge),
		CPU: schema.CPU{
			Cores: schema.Number(c.Rates.CPU), LimitCores: schema.Number(c.LimitCores), UsageSeconds: schema.Number(c.Stats.CPU.Usage),
			ThrottledRatio: schema.Number(c.Rates.ThrottledRatio),
		},
		Memory: schema.Memory{
			UsageBytes: schema.Number(c.Stats.Memory.Usage), WorkingSetBytes: schema.Number(c.Stats.Memory.WorkingSet),
			LimitBytes: schema.Number(c.Stats.Memory.Limit),
		},
		IO: schema.IO{
			ReadBytesPerSecond: schema.Number(c.Rates.ReadBytes), WriteBytesPerSecond: schema.Number(c.Rates.WriteBytes),
			ReadBytes:  sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.ReadBytes }),
			WriteBytes: sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.WriteBytes }),
		},
		Network: schema.Network{
			ReceiveBytesPerSecond: schema.Number(c.Rates.ReceiveBytes), TransmitBytesPerSecond: schema.Number(c.Rates.TransmitBytes),
			ReceiveBytes:  sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.RxBytes }),
			TransmitBytes: sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.TxBytes }),
		},
		Pids: schema.Pids{
			Threads: schema.Number(c.Stats.Pids.Threads), ThreadsMax: schema.Number(c.Stats.Pids.ThreadsMax),
			Processes: schema.Number(c.Stats.Pids.Processes),
		},
		Disk: schema.Size{
			WritableBytes: schema.Number(c.Disk.Writable), RootBytes: schema.Number(c.Disk.Root), LogBytes: schema.Number(c.Disk.Log),
		},
		OOMKills: schema.Number(c.OOMKills), RecentOOMKills: schema.Number(c.Recent.OOMKills), RecentRestarts: schema.Number(c.Recent.Restarts),
		Pressure: schema.Pressure{
			CPU: schema.Number(c.Rates.CPUPressure), Memory: schema.Number(c.Rates.MemoryPressure), IO: schema.Number(c.Rates.IOPressure),
		},
		PressureWaitingSeconds: waiting(&c.Stats.Pressure),
		Attention:              reasons(c),
		Problem:                schema.Text(c.Problem),
	}
	if item.Attention == nil {
		item.Attention = []string{}
	}
	if f := c.Facts; f != nil {
		item.State, item.Health = schema.Text(f.State), schema.Text(f.Health)
		item.CreatedAt, item.StartedAt, item.FinishedAt = schema.Moment(f.Created), schema.Moment(f.Started), schema.Moment(f.Finished)
		if !f.Listed {
			item.Restarts = schema.Number(f.Restarts)
		}
		if f.HasExited && !f.Listed {
			item.OOMKilled = new(f.OOMKilled)
		}
	}
	return item
}

// waiting is the time in which some task had to wait.
func waiting(p *cgroups.Pressure) schema.HostPressure {
	return schema.HostPressure{CPU: schema.Number(p.CPU.Some), Memory: schema.Number(p.Memory.Some), IO: schema.Number(p.IO.Some)}
}

// exitCode is that of the latest exit.
func exitCode(f *engine.Container) schema.Number {
	if f == nil || !f.HasExited {
		return schema.Unknown()
	}
	return schema.Number(f.ExitCode)
}

// sum adds up what is known of the parts. No list is unknown, an empty one is nothing.
func sum[T any](parts []T, value func(*T) float64) schema.Number {
	total := schema.Unknown()
	if parts != nil && len(parts) == 0 {
		return 0
	}
	for i := range parts {
		total.Add(value(&parts[i]))
	}
	return total
}
