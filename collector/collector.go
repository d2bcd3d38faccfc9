package collector

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tallyman/cgroups"
	"tallyman/engine"
	"tallyman/internal/self"
)

const (
	defaultMaxAge     = time.Second
	defaultStaleAfter = 5 * time.Minute
	// tidyEvery is how often handles of ended containers are closed when nobody asks for snapshots: an open file keeps a
	// removed cgroup in the kernel's memory.
	tidyEvery = time.Minute
)

// Engine is what the collector needs of one Docker Engine of package engine.
type Engine interface {
	// Name tells engines apart; "" where there is only one.
	Name() string
	// View is what is known of its containers, at once.
	View() *engine.View
	// Want says for which containers a stream of statistics is to be kept.
	Want(ids []string)
	// Sample is the latest of the statistics of a container; the error is engine.ErrNoSample.
	Sample(id string) (*engine.Sample, error)
	// Streams tells how the streams of statistics fare.
	Streams() engine.StreamsStatus
	// Disk is what is known of its disk usage, at once.
	Disk() *engine.Disk
	// RefreshDisk asks for the disk usage ahead of time, and waits for nothing.
	RefreshDisk() engine.RefreshAnswer
	// Logs gives the last lines that a container has written; unlike the rest it asks the engine.
	Logs(ctx context.Context, id string, tail int) ([]engine.LogLine, error)
}

// Kernel is what the collector needs of package cgroups.
type Kernel interface {
	// Open opens the cgroup of a container.
	Open(t cgroups.Target) (*cgroups.Handle, error)
	// OpenHost opens the root cgroup.
	OpenHost() *cgroups.Handle
	// Slices lists further cgroups that are watched.
	Slices() []string
	// OpenSlice opens one of them.
	OpenSlice(path string) (*cgroups.Handle, error)
	// Raw gives all that a library reads of the cgroup at a path; unlike the rest it may be called at any time.
	Raw(path string) (any, error)
	// Path tells the cgroup path that a container has, or would have if it ran.
	Path(t cgroups.Target) string
	Machine() cgroups.Machine
	Capabilities() []cgroups.Capability
	Descriptors() cgroups.Descriptors
}

// Logs is what the collector needs to know of the logs of containers on this host.
type Logs interface {
	// Size is that of the log of a container; see cgroups.Logs.Size.
	Size(id, path string) (bytes float64, err error)
}

// Options configure a Collector.
type Options struct {
	// MaxAge is how long a reading of the kernel is shared by all who ask. Default 1 s; negative = read for everybody.
	MaxAge time.Duration
	// StaleAfter is how long what the engine said of its containers is shown while it is away. Default 5 min.
	StaleAfter time.Duration
	// Source is where the readings of containers come from: SourceCgroup or SourceEngine, and from nowhere else. Default: the
	// cgroup files, and the engine for containers whose cgroup cannot be read.
	Source Source
	// Parts are what is taken of the engine's statistics; see cgroups.Options. Default cgroups.DefaultParts.
	Parts cgroups.Parts
	// HideInterfaces says which network interfaces of the engine's statistics are left out; nil = none.
	HideInterfaces func(name string) bool
	// Labels says which of the labels that users give their containers are let through, by their keys; nil = none.
	Labels func(key string) bool
	// Logs tells how large logs are; nil = that is not looked for.
	Logs Logs
	// HistoryMemory is how many bytes the History may take; 0 = there is none.
	HistoryMemory int
	// HistoryInterval is how long nobody may ask for a Snapshot until what the History and the LastWords need is read; 0 = only what
	// somebody asks for is remembered. It is not read more often than a Point is kept.
	HistoryInterval time.Duration
	// Name is what the Snapshots say of who made them, such as "tallyman-1.2.3".
	Name string

	Log  *slog.Logger
	Self *self.Metrics
	Now  func() time.Time // default time.Now
}

// Collector makes Snapshots. It is safe for concurrent use.
type Collector struct {
	kernel Kernel
	opts   Options
	last   atomic.Pointer[Snapshot]
	hub    *hub
	runs   *runs
	// history is nil where there is none.
	history *history
	// urgent are containers that are to be read before they end.
	urgent chan key
	// stirred says that containers come and go, so that it is worth while to look.
	stirred chan struct{}
	// turn is held by the one goroutine that collects; it guards the fields below. A channel, so that waiting for it can be
	// given up.
	turn    chan struct{}
	looked  []*engine.View // those of the latest look
	engines []*followed
	host    *tracked
	slices  map[string]*tracked // by path
	round   uint64
	// joined are the containers of the snapshot that is being made, engine by engine.
	joined []*tracked
	// readings are those of the latest complete collection.
	readings []reading
	// glanced is when everything was read without a snapshot, last; for Run alone.
	glanced time.Time
	// missing is what could not be read at the latest snapshot, by name, so that it is logged once.
	missing map[string]string
}

// followed is an engine with what is remembered of its containers. The engine itself may be asked without the turn.
type followed struct {
	Engine

	tracked map[string]*tracked // by container id
	status  *EngineStatus       // in the snapshot that is being made
	// local says that the cgroup of one of its containers was found on this host.
	local bool
	// wanted are the containers of which statistics were asked for last; asked = there were some.
	wanted []string
	asked  bool
	looked *engine.View // that of the latest look
	// logs says whether logs can be seen; nameless while there was none to look for.
	logs cgroups.Capability
}

// New returns a Collector over the kernel of this host and any number of engines, whose containers need not be on this host.
// With more than one, each must have a name of its own.
func New(engines []Engine, k Kernel, o Options) *Collector {
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = defaultStaleAfter
	}
	if o.Parts == 0 {
		o.Parts = cgroups.DefaultParts
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Collector{kernel: k, opts: o, hub: newHub(), runs: newRuns(), turn: make(chan struct{}, 1), slices: map[string]*tracked{}}
	c.history, c.urgent, c.stirred = newHistory(o.HistoryMemory), make(chan key, maxUrgent), make(chan struct{}, 1)
	for _, e := range engines {
		c.engines = append(c.engines, &followed{Engine: e, tracked: map[string]*tracked{}})
	}
	return c
}

// views is what every engine says now. No engine waits for another: each has said it already.
func (c *Collector) views() []*engine.View {
	views := make([]*engine.View, len(c.engines))
	for i, e := range c.engines {
		views[i] = e.View()
	}
	return views
}

// Snapshot gives the present state of the host. Callers share one snapshot for as long as it is younger than MaxAge; when the
// engine has said something new meanwhile, only the containers concerned are read again. The only error is ctx's, while
// another caller's collection goes on.
func (c *Collector) Snapshot(ctx context.Context) (*Snapshot, error) {
	if s := c.last.Load(); c.fresh(s) && slices.Equal(s.views, c.views()) {
		return s, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	views := c.views()
	last := c.last.Load()
	if !c.fresh(last) {
		last = nil
	} else if slices.Equal(last.views, views) {
		return last, nil
	}
	s := c.collect(views, last)
	c.last.Store(s)
	return s, nil
}

// Raw gives, for people, all that can be read of the cgroup of a container of a Snapshot; see cgroups.Reader.Raw. The error is
// cgroups.ErrNotFound when it has none.
func (c *Collector) Raw(n *Container) (any, error) {
	if n.Source != SourceCgroup {
		return nil, cgroups.ErrNotFound
	}
	return c.kernel.Raw(n.ID)
}

// RefreshDisk asks every engine for its disk usage ahead of time. It waits for none; the answers are in the order of
// Snapshot.Engines.
func (c *Collector) RefreshDisk() []engine.RefreshAnswer {
	answers := make([]engine.RefreshAnswer, len(c.engines))
	for i, e := range c.engines {
		answers[i] = e.RefreshDisk()
	}
	return answers
}

// Logs gives the last lines, up to tail, of what a container of a Snapshot has written, and waits for its engine. The error is that
// of engine.Engine.Logs.
func (c *Collector) Logs(ctx context.Context, n *Container, tail int) ([]engine.LogLine, error) {
	for _, e := range c.engines {
		if e.Name() == n.Engine && n.Facts != nil {
			return e.Logs(ctx, n.Facts.ID, tail)
		}
	}
	return nil, engine.ErrNoContainer
}

// Run closes what ended containers left open while nobody asks for snapshots, and everything when ctx ends. Meanwhile it looks
// for containers that need a stream of statistics, and reads what is to be remembered.
func (c *Collector) Run(ctx context.Context) error {
	pause := lookEvery
	tidy, look, tick := time.NewTicker(tidyEvery), time.NewTimer(pause), time.NewTimer(lookEvery)
	defer tidy.Stop()
	defer look.Stop()
	defer tick.Stop()
	if c.opts.HistoryInterval <= 0 {
		tick.Stop()
	}
	for {
		select {
		case <-tidy.C:
			c.inTurn(c.tidy)
		case <-look.C:
			c.inTurn(func() { pause = c.look(pause) })
			look.Reset(pause)
		case <-c.stirred:
			if pause > lookEvery {
				pause = lookEvery
				look.Reset(pause)
			}
		case k := <-c.urgent:
			c.inTurn(func() { c.peek([]key{k}) })
		case <-tick.C:
			tick.Reset(c.tick())
		case <-ctx.Done():
			c.inTurn(c.close)
			return ctx.Err()
		}
	}
}

// inTurn does something while nobody else collects.
func (c *Collector) inTurn(do func()) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	do()
}

func (c *Collector) fresh(s *Snapshot) bool {
	return s != nil && c.opts.Now().Sub(s.kernelTime) < c.opts.MaxAge
}
