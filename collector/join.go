package collector

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
)

// tracked is what is remembered of a container (or of the host) from one snapshot to the next.
type tracked struct {
	round  uint64 // of the collection in which the engine last knew it
	facts  *engine.Container
	target cgroups.Target
	handle *cgroups.Handle // nil while there is no cgroup to read
	// latest is the container in the latest snapshot; nil while there is none.
	latest *Container
	at     time.Time // when the numbers of latest were taken
	rates  rateBase
	oom    oomCounter
	// kills and restarts tell which of them are recent.
	kills, restarts recentCount
	// told is the problem that was logged last, so that it is logged once.
	told string
	// missing is since when there is no cgroup although the engine says that the container runs; zero = there is one.
	missing time.Time
	// searchAt is when its cgroup is looked for again, as long as the engine's statistics stand in.
	searchAt time.Time
}

// missingFor is how long a running container may be without a cgroup before that is an error: the engine tells of an end a
// moment after the kernel does, and a container that crashes again and again ends often.
const missingFor = 5 * time.Second

// searchEvery is how often the cgroup of a container is looked for whose numbers come from the engine.
const searchEvery = time.Minute

// collect makes a snapshot. When recent is given, its readings are used again for the containers of which their engine has
// said nothing new.
func (c *Collector) collect(views []*engine.View, recent *Snapshot) *Snapshot {
	now := c.opts.Now()
	c.round++
	c.readings, c.joined = c.readings[:0], c.joined[:0]
	s := &Snapshot{Time: now, kernelTime: now, views: views, Machine: c.kernel.Machine()}
	if recent != nil {
		s.kernelTime = recent.kernelTime
		s.Host, s.Slices = recent.Host, recent.Slices
	} else {
		c.readHost(s)
		s.Slices = c.readSlices(s)
	}
	total := 0
	for _, v := range views {
		total += len(v.Containers)
	}
	s.Containers = make([]Container, 0, total)
	s.Engines = make([]EngineStatus, len(views))
	for i, v := range views {
		e := c.engines[i]
		s.Engines[i] = c.joinEngine(e, v, now)
		e.status = &s.Engines[i]
		c.joinContainers(s, e, v, recent != nil)
	}
	if len(views) > 1 { // each engine's own are in order
		c.sort(s)
	}
	if recent == nil {
		c.remember(now, views)
	}
	s.Maker = c.opts.Name
	s.Capabilities = c.judge(s.Engines)
	s.Descriptors = c.kernel.Descriptors()
	s.Duration = c.opts.Now().Sub(now)
	c.opts.Self.Collected(s.Duration)
	return s
}

// sort puts the containers of all engines in order.
func (c *Collector) sort(s *Snapshot) {
	slices.SortStableFunc(c.joined, func(a, b *tracked) int {
		return cmp.Or(cmp.Compare(a.latest.Name, b.latest.Name), cmp.Compare(a.latest.ID, b.latest.ID))
	})
	sorted := make([]Container, len(c.joined))
	for i, t := range c.joined {
		sorted[i] = *t.latest
		t.latest = &sorted[i]
	}
	s.Containers = sorted
}

// lost says whether a container that runs has been without a cgroup for longer than one that starts or ends.
func (t *tracked) lost(now time.Time) bool {
	return !t.missing.IsZero() && now.Sub(t.missing) >= missingFor
}

// joinContainers adds the containers of one engine.
func (c *Collector) joinContainers(s *Snapshot, e *followed, view *engine.View, again bool) {
	first := len(s.Containers)
	s.Containers = s.Containers[:first+len(view.Containers)]
	// Running containers come first: the path of one of them may show where the engine puts those that do not run.
	for _, running := range []bool{true, false} {
		for i, f := range view.Containers {
			if f.State.HasProcesses() != running {
				continue
			}
			if n := &s.Containers[first+i]; !again || !c.reuse(e, f, n) {
				c.update(s, e, f, n)
			}
		}
	}
	for _, f := range view.Containers {
		t := e.tracked[f.ID]
		c.joined = append(c.joined, t)
		c.note(key{e.status.Name, f.ID}, t)
		e.status.Sources.add(t.latest.Source)
	}
	forget(e.tracked, c.round)
	e.judgeLogs()
	c.askStreams(e, view, s.Time)
	e.judgeStreams()
}

// track gives what is remembered of a container.
func (e *followed) track(id string, round uint64) *tracked {
	t := e.tracked[id]
	if t == nil {
		t = &tracked{}
		e.tracked[id] = t
	}
	t.round = round
	return t
}

// forget drops what was not met in this round: containers that the engine no longer knows, slices that have ended.
func forget(all map[string]*tracked, round uint64) {
	for id, t := range all {
		if t.round != round {
			t.close()
			delete(all, id)
		}
	}
}

func (t *tracked) close() {
	if t.handle != nil {
		t.handle.Close()
		t.handle = nil
	}
}

// joinEngine judges what may still be said in the engine's name.
func (c *Collector) joinEngine(from *followed, view *engine.View, now time.Time) EngineStatus {
	e := EngineStatus{
		Name:    from.Name(),
		Up:      view.Up,
		Problem: view.Problem,
		Fresh:   view.Up || (!view.LastContact.IsZero() && now.Sub(view.LastContact) < c.opts.StaleAfter),
		Synced:  view.Synced,
		Info:    view.Info,
		Events:  view.Events,
		// Package engine logs its own troubles.
		Capabilities: []cgroups.Capability{{Name: "engine", Reason: view.Reason, Help: view.Problem}},
	}
	for _, a := range view.Access {
		e.Capabilities = append(e.Capabilities, cgroups.Capability(a))
	}
	disk := from.Disk()
	if e.Fresh {
		e.Disk = disk
	}
	if known, ok := diskCapability(disk); ok {
		e.Capabilities = append(e.Capabilities, known)
	}
	return e
}

// aim says which cgroup is the container's. What is open of another, that of the run before, is closed.
func (t *tracked) aim(f *engine.Container, info *engine.Info) {
	target := cgroups.Target{
		ID: f.ID, PID: f.PID, Parent: f.CgroupParent, Driver: info.CgroupDriver,
		Network: f.NetworkOwner == f.ID,
	}
	if t.target != target {
		t.close()
		t.target, t.missing, t.searchAt = target, time.Time{}, time.Time{}
	}
}

// reuse fills a place in the snapshot with what the latest one says of a container; false when its engine has said something new.
func (c *Collector) reuse(e *followed, f *engine.Container, n *Container) bool {
	t := e.tracked[f.ID]
	if t == nil || t.facts != f || t.latest == nil {
		return false
	}
	t.round = c.round
	*n = *t.latest
	n.Facts = freshFacts(f, e.status)
	t.latest = n
	return true
}

// update brings a container up to date, and fills its place in the snapshot.
func (c *Collector) update(s *Snapshot, e *followed, f *engine.Container, n *Container) {
	t := e.track(f.ID, c.round)
	unchanged := t.facts == f && t.latest != nil
	t.facts = f
	t.aim(f, &e.status.Info)
	*n = Container{
		Name: f.Name, Image: f.Image, Engine: e.status.Name, Facts: freshFacts(f, e.status),
		Source: SourceNone, SampleAge: math.NaN(),
	}
	if unchanged {
		n.Labels = t.latest.Labels
	} else {
		n.Labels = c.labels(f)
		if t.handle != nil {
			t.handle.Expire()
		}
	}
	n.Stats.Reset()
	at, cores := s.Time, s.Machine.Cores
	if f.State.HasProcesses() {
		at = c.read(e, t, n, s.Time)
	} else {
		t.close()
	}
	if n.Source == SourceEngine {
		cores = math.NaN() // the engine's host may be another one
	}
	n.ID = t.path(c.kernel)
	n.LimitCores = limitCores(&n.Stats.CPU, cores)
	n.OOMKills = t.oom.total(f, n.Stats.Memory.OOMKills)
	n.Recent = t.recently(n, s.Time)
	n.LastSeen = lastSeen(n, f, e.status, s.Time)
	n.Rates, t.at = t.rates.update(at, &n.Stats), at
	n.Disk = c.readDisk(f, e.status)
	t.latest = n
}

// path is the label "id". Once known it is kept, so that a stopped container keeps its series.
func (t *tracked) path(k Kernel) string {
	switch {
	case t.handle != nil:
		return t.handle.Path()
	case t.latest != nil && t.latest.ID != "":
		return t.latest.ID
	}
	return k.Path(t.target)
}

// read reads a container that runs, from its cgroup or, where that is not to be had, from the engine's statistics. It tells when
// the numbers were taken.
func (c *Collector) read(e *followed, t *tracked, n *Container, now time.Time) time.Time {
	if c.opts.Source == SourceEngine || now.Before(t.searchAt) {
		at, err := c.readStream(e, t.facts, n, now)
		if err != nil {
			n.Problem, t.searchAt = err.Error(), time.Time{}
		}
		return at
	}
	err := c.readCgroup(e, t, n, now)
	if err == nil {
		return now
	}
	if c.opts.Source == "" && (!e.local || t.lost(now)) {
		at, noSample := c.readStream(e, t.facts, n, now)
		if noSample == nil {
			t.told, t.searchAt = "", now.Add(searchEvery)
			return at
		}
		err = fmt.Errorf("%w; %w", err, noSample)
	}
	n.Problem = err.Error()
	// Elsewhere no container has a cgroup here: that is said once, by a capability.
	if t.lost(now) && (e.local || c.opts.Source == SourceCgroup) {
		c.report(t, n, err)
	}
	return now
}

// readCgroup reads the container's cgroup. The error says that there is none.
func (c *Collector) readCgroup(e *followed, t *tracked, n *Container, now time.Time) error {
	err := readKept(t, n, func() (*cgroups.Handle, error) { return c.kernel.Open(t.target) }, (*cgroups.Handle).Read)
	if !errors.Is(err, cgroups.ErrNotFound) && !errors.Is(err, cgroups.ErrGone) {
		e.local, t.missing = true, time.Time{}
		c.report(t, n, err)
		return nil
	}
	if t.missing.IsZero() {
		t.missing = now
	}
	return err
}

// opener opens a cgroup, and reader reads it.
type (
	opener func() (*cgroups.Handle, error)
	reader func(*cgroups.Handle, *cgroups.Stats) error
)

// readKept reads a cgroup, opening it first, and once more when it has been replaced: a restarted container gets a new cgroup
// of the same name.
func readKept(t *tracked, n *Container, open opener, read reader) (err error) {
	for range 2 {
		if t.handle == nil {
			if t.handle, err = open(); err != nil {
				break
			}
		}
		if err = read(t.handle, &n.Stats); !errors.Is(err, cgroups.ErrGone) {
			n.Source = SourceCgroup
			break
		}
		t.handle = nil
	}
	return err
}

// report counts what could not be read, and logs it when it is news.
func (c *Collector) report(t *tracked, n *Container, err error) {
	if err == nil {
		t.told = ""
		return
	}
	var files cgroups.Errors
	switch {
	case errors.As(err, &files):
		for _, f := range files {
			c.opts.Self.CollectError(f.File, f.Reason)
		}
	case errors.Is(err, cgroups.ErrNotFound), errors.Is(err, cgroups.ErrGone):
		c.opts.Self.CollectError("cgroup", "not_found")
	default:
		c.opts.Self.CollectError("cgroup", "io")
	}
	n.Problem = err.Error()
	if n.Problem != t.told {
		t.told = n.Problem
		// A container's own id is only known after it was read.
		c.opts.Log.Warn("cgroup cannot be read completely", "name", n.Name, "id", cmp.Or(n.ID, t.path(c.kernel)), "err", err)
	}
}

func freshFacts(f *engine.Container, e *EngineStatus) *engine.Container {
	if !e.Fresh {
		return nil
	}
	return f
}

// limitCores is the least of quota, cpuset and the host's processors.
func limitCores(cpu *cgroups.CPU, host float64) float64 {
	limit := host
	if quota := cpu.QuotaMicros / cpu.PeriodMicros; quota < limit || math.IsNaN(limit) {
		limit = quota
	}
	if cpu.CpusetCores < limit || math.IsNaN(limit) {
		limit = cpu.CpusetCores
	}
	return limit
}

// lastSeen is now for a container that lives by the kernel's word, or, where that cannot be asked, by the engine's.
func lastSeen(n *Container, f *engine.Container, e *EngineStatus, now time.Time) float64 {
	alive := f.State.HasProcesses() || f.State == engine.StateRestarting
	if alive && (n.Source != SourceNone || e.Up) {
		return seconds(now)
	}
	return math.NaN()
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

func (n *SourceCounts) add(s Source) {
	switch s {
	case SourceCgroup:
		n.Cgroup++
	case SourceEngine:
		n.Engine++
	default:
		n.None++
	}
}
