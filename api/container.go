package api

import (
	"errors"
	"math"
	"net/http"
	"time"

	"tallyman/api/metrics"
	"tallyman/api/schema"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// container answers with everything about one container.
func (s *Server) container(w http.ResponseWriter, r *http.Request) {
	snap, c := s.wanted(w, r)
	if c == nil {
		return
	}
	if s.tags.unchanged(w, r, snap) {
		return
	}
	s.sendJSON(w, r, http.StatusOK, s.newDetails(snap, c))
}

// cgroup answers with the raw dump of a container's cgroup, which is read for this answer.
func (s *Server) cgroup(w http.ResponseWriter, r *http.Request) {
	snap, c := s.wanted(w, r)
	if c == nil {
		return
	}
	raw, err := s.source.Raw(c)
	switch {
	case errors.Is(err, cgroups.ErrNotFound):
		s.sendError(w, r, http.StatusNotFound, "the container has no cgroup that can be read now: it does not run, or see /api/v1/capabilities")
	case err != nil:
		s.sendError(w, r, http.StatusInternalServerError, err.Error())
	default:
		s.sendJSON(w, r, http.StatusOK, schema.Cgroup{Time: schema.Moment(snap.Time), Path: c.ID, Stat: raw})
	}
}

// wanted gives the container that the address names; nil when the answer has been why there is none. The query may name its
// engine, and hold what the parameters say.
func (s *Server) wanted(w http.ResponseWriter, r *http.Request, parameters ...parameter) (*collector.Snapshot, *collector.Container) {
	var engines []string
	snap := s.snapshot(w, r, append(parameters, parameter{"engine", 1, func(value string) error {
		engines = []string{value}
		return nil
	}})...)
	if snap == nil {
		return nil, nil
	}
	name := ""
	if len(engines) > 0 && engines[0] != "" {
		name = engines[0]
		if err := checkEngines(snap, engines); err != nil {
			s.sendError(w, r, http.StatusBadRequest, err.Error())
			return nil, nil
		}
	}
	c, problem := lookup(snap, wantedContainer(r), name)
	if c == nil {
		s.sendProblem(w, r, problem)
	}
	return snap, c
}

// newDetails gives everything about one container.
func (s *Server) newDetails(snap *collector.Snapshot, c *collector.Container) schema.ContainerDetails {
	return schema.ContainerDetails{
		Time: schema.Moment(snap.Time), Container: newItem(c), Facts: newFacts(c.Facts), Limits: newLimits(c), LastExit: newLastExit(c.Facts, snap.Time),
		Exits: newExits(c.Facts), Network: newNamespace(snap, c), Sources: newSources(snap, c), Readings: s.readings(c),
	}
}

// newFacts gives what the engine says besides; nil where it says nothing. The environment of a container is not known here.
func newFacts(f *engine.Container) *schema.Facts {
	if f == nil {
		return nil
	}
	item := &schema.Facts{
		ImageID: schema.Text(f.ImageID), ImageCreated: schema.Moment(f.ImageCreated), PID: schema.Unknown(), FailingStreak: schema.Unknown(),
		NetworkMode: schema.Text(f.NetworkMode), NetworkOwner: schema.Text(f.NetworkOwner), CgroupParent: schema.Text(f.CgroupParent),
		RestartPolicy: schema.Text(f.RestartPolicy), Runtime: schema.Text(f.Runtime), Labels: make(map[string]string, len(f.Labels)),
	}
	for key, value := range f.Labels {
		item.Labels[key] = masked(key, value)
	}
	if f.ImageKnown {
		item.ImageStale = new(f.ImageStale)
	}
	if f.PID != 0 {
		item.PID = schema.Number(f.PID)
	}
	if f.Health != engine.HealthNone {
		item.FailingStreak = schema.Number(f.FailingStreak)
	}
	return item
}

// newLimits gives what the container may use.
func newLimits(c *collector.Container) schema.Limits {
	m := &c.Stats.Memory
	limits := schema.Limits{Kernel: schema.KernelLimits{
		CPUCores: schema.Number(c.Stats.CPU.QuotaMicros / c.Stats.CPU.PeriodMicros), CPUShares: schema.Number(c.Stats.CPU.Shares),
		CPUSetCores: schema.Number(c.Stats.CPU.CpusetCores), MemoryBytes: schema.Number(m.Limit), MemoryAndSwapBytes: schema.Number(m.SwapLimit),
		MemoryReservationBytes: schema.Number(m.Reservation), Threads: schema.Number(c.Stats.Pids.ThreadsMax),
	}}
	if c.Facts == nil || c.Facts.Listed {
		return limits
	}
	l := &c.Facts.Limits
	asked := func(v int64) schema.Number {
		if v <= 0 { // nothing was asked for, or no limit
			return schema.Unknown()
		}
		return schema.Number(v)
	}
	limits.Asked = &schema.AskedLimits{
		CPUCores: asked(l.CPUQuota) / asked(l.CPUPeriod), CPUShares: asked(l.CPUShares), CPUSet: schema.Text(l.CPUSet),
		MemoryBytes: asked(l.Memory), MemoryAndSwapBytes: asked(l.MemorySwap), MemoryReservationBytes: asked(l.MemoryReservation),
	}
	if l.CPUQuota > 0 && l.CPUPeriod == 0 {
		const period = 100_000 // microseconds: the kernel's own, which holds when no other is asked for
		limits.Asked.CPUCores = schema.Number(float64(l.CPUQuota) / period)
	}
	return limits
}

// newLastExit says how the latest run that has ended did so; nil when none has, or the engine says nothing of it.
func newLastExit(f *engine.Container, now time.Time) *schema.LastExit {
	if f == nil || !f.HasExited {
		return nil
	}
	const signalled, lastSignal = 128, 64
	e := &schema.LastExit{
		ExitCode: schema.Number(f.ExitCode), Reason: "error", Signal: schema.Unknown(), FinishedAt: schema.Moment(f.Finished), AgeSeconds: age(f.Finished, now),
	}
	if !f.Listed {
		e.OOMKilled = new(f.OOMKilled)
	}
	if f.ExitCode > signalled && f.ExitCode <= signalled+lastSignal {
		e.Reason, e.Signal = "signal", schema.Number(f.ExitCode-signalled)
	}
	switch {
	case f.ExitCode == 0:
		e.Reason = "completed"
	case f.OOMKilled:
		e.Reason = "oom"
	}
	return e
}

// newExits counts how runs have ended.
func newExits(f *engine.Container) *schema.Exits {
	if f == nil {
		return nil
	}
	return &schema.Exits{
		Completed: schema.Number(f.Exits.Completed), Error: schema.Number(f.Exits.Error), Signal: schema.Number(f.Exits.Signal), OOM: schema.Number(f.Exits.OOM),
	}
}

// newNamespace tells whose network a container uses, and who else does.
func newNamespace(snap *collector.Snapshot, c *collector.Container) *schema.Namespace {
	f := c.Facts
	if f == nil || f.Listed {
		return nil
	}
	n := &schema.Namespace{Mode: schema.Text(f.NetworkMode), Shared: []schema.Candidate{}}
	if f.NetworkOwner == "" {
		return n
	}
	n.Owner = &schema.Candidate{ID: schema.Text(f.NetworkOwner), Engine: schema.Text(c.Engine)} // it may be gone
	for i := range snap.Containers {
		other := &snap.Containers[i]
		if other.Facts == nil || other.Engine != c.Engine {
			continue
		}
		if other.Facts.ID == f.NetworkOwner {
			n.Owner = new(newCandidate(other))
		}
		if other.Facts.NetworkOwner == f.NetworkOwner && other.Facts.ID != f.ID {
			n.Shared = append(n.Shared, newCandidate(other))
		}
	}
	return n
}

// newCandidate names a container.
func newCandidate(c *collector.Container) schema.Candidate {
	return schema.Candidate{ID: schema.Text(containerID(c)), Name: schema.Text(c.Name), Engine: schema.Text(c.Engine)}
}

// newSources tells where what is known of a container comes from, and how old it is.
func newSources(snap *collector.Snapshot, c *collector.Container) []schema.Source {
	readings := schema.Source{Part: "readings", Source: string(c.Source), AgeSeconds: schema.Unknown(), Problem: schema.Text(c.Problem)}
	switch c.Source {
	case collector.SourceCgroup:
		readings.At, readings.AgeSeconds = schema.Moment(snap.ReadAt()), age(snap.ReadAt(), snap.Time)
	case collector.SourceEngine:
		if !math.IsNaN(c.SampleAge) {
			readings.At = schema.Moment(snap.Time.Add(-time.Duration(c.SampleAge * float64(time.Second))))
			readings.AgeSeconds = schema.Number(c.SampleAge)
		}
	}
	facts := schema.Source{Part: "facts", Source: "none", AgeSeconds: schema.Unknown()}
	disk := schema.Source{Part: "disk", Source: "none", AgeSeconds: schema.Unknown()}
	log := schema.Source{Part: "log", Source: "none", AgeSeconds: schema.Unknown()}
	if c.Facts != nil {
		facts.Source = "engine"
	}
	for i := range snap.Engines {
		e := &snap.Engines[i]
		if e.Name != c.Engine {
			continue
		}
		facts.At, facts.AgeSeconds, facts.Problem = schema.Moment(e.Synced), age(e.Synced, snap.Time), schema.Text(e.Problem)
		if e.Disk != nil && !math.IsNaN(c.Disk.Root) {
			p := e.Disk.Part(engine.DiskContainers)
			disk.Source, disk.At, disk.AgeSeconds, disk.Problem = "engine", schema.Moment(p.At), age(p.At, snap.Time), schema.Text(p.Problem)
		}
	}
	if !math.IsNaN(c.Disk.Log) {
		log.Source, log.At, log.AgeSeconds = "files", schema.Moment(snap.ReadAt()), age(snap.ReadAt(), snap.Time)
	}
	return []schema.Source{readings, facts, disk, log}
}

// age is how long before now something was.
func age(then, now time.Time) schema.Number {
	if then.IsZero() {
		return schema.Unknown()
	}
	return schema.Number(max(now.Sub(then), 0).Seconds())
}

// readings gives every metric of a container that this server serves. They come from the same table as /metrics.
func (s *Server) readings(c *collector.Container) []schema.Reading {
	items := []schema.Reading{}
	for i := range s.families {
		f := &s.families[i]
		f.Draw(s.groups, c, func(sample metrics.Sample) {
			item := schema.Reading{Metric: f.Name, Labels: map[string]string{}, Value: schema.Number(sample.Value)}
			for j, name := range f.Labels {
				item.Labels[name] = sample.Labels[j]
			}
			items = append(items, item)
		})
	}
	return items
}
