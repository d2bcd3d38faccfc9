package collector

import (
	"math"
	"slices"
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
)

// lookEvery is how often it is looked for containers that need a stream of statistics when nobody asks for snapshots, so that
// the first who asks finds numbers. While nothing happens it becomes lookRarely: an idle tallyman without history took 0.042 CPU-s a
// minute when it woke up each second, and takes 0.021.
const lookEvery, lookRarely = time.Second, 8 * time.Second

// look does what cannot wait until somebody asks for a snapshot. It says when to look again, last being the time since it did.
func (c *Collector) look(last time.Duration) time.Duration {
	now, views := c.opts.Now(), c.views()
	next := lookEvery
	if slices.Equal(views, c.looked) && !c.runs.anyYoung() {
		next = min(2*last, lookRarely)
	}
	c.looked = views
	c.lookAtRuns(views)
	if c.opts.HistoryInterval > 0 {
		c.peek(c.runs.dueYoung(now))
	}
	if c.opts.Source != SourceCgroup {
		c.lookForStreams(now)
	}
	return next
}

// lookForStreams asks for the streams of engines that have said something new since it was looked last. Of an engine whose
// containers are on this host it leaves that to those who ask for snapshots.
func (c *Collector) lookForStreams(now time.Time) {
	for _, e := range c.engines {
		view := e.View()
		if view == e.looked {
			continue
		}
		e.looked = view
		if c.opts.Source == "" && !e.local {
			c.search(e, view, now)
		}
		if !e.local || e.asked {
			c.askStreams(e, view, now)
		}
	}
}

// search looks for the cgroup of any container of an engine on this host. The one that is found stays open for the next
// snapshot.
func (c *Collector) search(e *followed, view *engine.View, now time.Time) {
	for _, f := range view.Containers {
		if !f.State.HasProcesses() {
			continue
		}
		t := e.track(f.ID, c.round)
		if t.aim(f, &view.Info); !t.missing.IsZero() {
			continue // it was looked for already
		}
		if h, err := c.kernel.Open(t.target); err == nil {
			t.handle, e.local = h, true
			return
		}
		t.missing = now
	}
}

// askStreams says to an engine for which of its containers a stream is needed.
func (c *Collector) askStreams(e *followed, view *engine.View, now time.Time) {
	if c.opts.Source == SourceCgroup {
		return
	}
	e.wanted = e.wanted[:0]
	for _, f := range view.Containers {
		if f.State.HasProcesses() && c.needsStream(e, e.tracked[f.ID], now) {
			e.wanted = append(e.wanted, f.ID)
		}
	}
	if len(e.wanted) > 0 || e.asked {
		e.Want(e.wanted)
	}
	e.asked = len(e.wanted) > 0
}

// needsStream says whether the numbers of a container that runs are to come from the engine: as a rule when its cgroup cannot be
// read. Where others of the same engine can be read, a container may be without a cgroup for a moment. t is nil for a container
// that was not looked for.
func (c *Collector) needsStream(e *followed, t *tracked, now time.Time) bool {
	if c.opts.Source == SourceEngine {
		return true
	}
	return t != nil && t.handle == nil && (!e.local || t.lost(now))
}

// judgeStreams says what is wrong with the streams of an engine, if it has any.
func (e *followed) judgeStreams() {
	if e.asked {
		s := e.Streams()
		e.status.Capabilities = append(e.status.Capabilities, cgroups.Capability{Name: statistics, Reason: s.Reason, Help: s.Problem})
	}
}

// readStream fills in what the engine's stream says of a container, and tells when that came. The error is engine.ErrNoSample.
func (c *Collector) readStream(e *followed, f *engine.Container, n *Container, now time.Time) (time.Time, error) {
	sample, err := e.Sample(f.ID)
	if err != nil {
		return now, err
	}
	n.Source, n.SampleAge = SourceEngine, max(now.Sub(sample.Time), 0).Seconds()
	s, parts := &n.Stats, c.opts.Parts
	if parts&cgroups.PartCPU != 0 {
		s.CPU = cpuOf(&sample.CPU, &f.Limits)
	}
	if parts&cgroups.PartPerCPU != 0 {
		s.PerCPU = sample.CPU.PerCPU
	}
	if parts&cgroups.PartMemory != 0 {
		fillMemory(&s.Memory, &sample.Memory, &f.Limits)
	}
	if parts&cgroups.PartPids != 0 {
		s.Pids.Threads, s.Pids.ThreadsMax = sample.Pids.Current, sample.Pids.Limit
	}
	if parts&cgroups.PartIO != 0 {
		s.IO = devicesOf(sample.IO)
	}
	if parts&cgroups.PartNetwork != 0 && f.NetworkOwner == f.ID {
		s.Network = c.interfacesOf(sample.Network)
	}
	return sample.Time, nil
}

func cpuOf(s *engine.SampleCPU, limits *engine.Limits) cgroups.CPU {
	nan := math.NaN()
	cores := cgroups.CountCPUs(limits.CPUSet)
	if limits.CPUSet == "" {
		cores = s.Online
	}
	return cgroups.CPU{
		Usage: s.Usage, User: s.User, System: s.System,
		Periods: s.Periods, ThrottledPeriods: s.ThrottledPeriods, Throttled: s.Throttled, BurstPeriods: nan, Burst: nan,
		QuotaMicros: positive(limits.CPUQuota), PeriodMicros: positive(limits.CPUPeriod), Shares: positive(limits.CPUShares),
		CpusetCores: cores,
	}
}

func fillMemory(m *cgroups.Memory, s *engine.SampleMemory, limits *engine.Limits) {
	m.Usage, m.MaxUsage, m.FailCount = s.Usage, s.MaxUsage, s.FailCount
	m.RSS, m.Cache, m.MappedFile = s.RSS, s.Cache, s.MappedFile
	m.ActiveFile, m.InactiveFile, m.FileDirty, m.FileWriteback = s.ActiveFile, s.InactiveFile, s.FileDirty, s.FileWriteback
	m.PageFaults, m.MajorPageFaults = s.PageFaults, s.MajorPageFaults
	m.OwnPageFaults, m.OwnMajorPageFaults = s.OwnPageFaults, s.OwnMajorPageFaults
	m.PagesScanned, m.PagesStolen = s.PagesScanned, s.PagesStolen
	m.Events.OOM = s.OOMs
	m.DeriveWorkingSet()
	if limits.Memory > 0 {
		m.Limit = s.Limit
		// The kernel rounds a limit down to whole pages. More than that is the engine's doing: it cuts limits at its machine's memory.
		if asked := float64(limits.Memory); asked-s.Limit >= largestPage {
			m.Limit = asked
		}
	}
	m.SwapLimit, m.Reservation = positive(limits.MemorySwap), positive(limits.MemoryReservation)
}

// largestPage is the size of the largest pages that Linux uses on any machine, in bytes.
const largestPage = 64 << 10

// positive is for limits, in which 0 and -1 mean that there is none.
func positive(n int64) float64 {
	if n <= 0 {
		return math.NaN()
	}
	return float64(n)
}

// devicesOf names the devices by their numbers: they are those of the engine's host.
func devicesOf(all []engine.SampleIO) []cgroups.IODevice {
	if all == nil {
		return nil
	}
	out := make([]cgroups.IODevice, len(all))
	for i, d := range all {
		out[i] = cgroups.IODevice{
			Device: cgroups.DeviceNumber(d.Major, d.Minor), Major: d.Major, Minor: d.Minor,
			Reads: d.Reads, Writes: d.Writes, ReadBytes: d.ReadBytes, WriteBytes: d.WriteBytes, DiscardBytes: d.DiscardBytes,
		}
	}
	return out
}

func (c *Collector) interfacesOf(all []engine.SampleInterface) []cgroups.Interface {
	if all == nil {
		return nil
	}
	out := make([]cgroups.Interface, 0, len(all))
	for _, i := range all {
		if c.opts.HideInterfaces == nil || !c.opts.HideInterfaces(i.Name) {
			out = append(out, cgroups.Interface(i))
		}
	}
	return out
}
