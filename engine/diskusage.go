package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tallyman/internal/self"
)

// DiskUsageOptions configure a DiskUsage; the zero value works.
type DiskUsageOptions struct {
	// Interval is the time from one refresh to the next; 0 = 5 minutes, negative = the engine is never asked.
	Interval time.Duration
	// Settle is how long the engine is left alone at first, and how often it is looked whether there is one; 0 = 5 s.
	Settle time.Duration
	// Retry is the time to the next attempt when the engine was busy with somebody else's question; 0 = 30 s.
	Retry time.Duration
	// Timeout limits each request. The engine walks all files of containers and volumes for its answer; 0 = 60 s.
	Timeout time.Duration
	// Pause is the least time between two refreshes that people ask for; 0 = 10 s.
	Pause time.Duration
	// Top is how many images and volumes are listed one by one, the largest; 0 = 50, negative = none.
	Top int
	// Log gets one line when the disk usage becomes unknown; nil = silent.
	Log *slog.Logger
	// Self counts failures; may be nil.
	Self *self.Metrics
	// Now is the clock of what is published; nil = time.Now.
	Now func() time.Time
	// Rand spreads refreshes, 0 <= Rand() < 1; nil = a random one.
	Rand func() float64
}

// DiskUsage asks one engine for its disk usage, rarely and in the background: one request at a time, and one for each kind
// where the engine can tell them apart, so that one that fails or hangs costs the others nothing. Disk and Refresh are safe
// for concurrent use.
type DiskUsage struct {
	client *Client
	o      DiskUsageOptions
	disk   atomic.Pointer[Disk]
	asked  chan struct{} // holds an accepted Refresh
	outage outage        // used by Run only

	mu      sync.Mutex // guards the fields below
	serving bool       // Run takes what is asked
	busy    bool       // a refresh is under way, or was accepted
	began   time.Time  // when the latest one was
}

// NewDiskUsage makes a DiskUsage that knows nothing until Run is called. It asks nothing while the client is not connected,
// which is an Inventory's work.
func NewDiskUsage(c *Client, o DiskUsageOptions) *DiskUsage {
	off := o.Interval < 0
	setDefault(&o.Interval, 5*time.Minute)
	setDefault(&o.Settle, 5*time.Second)
	setDefault(&o.Retry, 30*time.Second)
	setDefault(&o.Timeout, time.Minute)
	setDefault(&o.Pause, 10*time.Second)
	if o.Top == 0 {
		o.Top = 50
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	d := &DiskUsage{client: c, o: o, asked: make(chan struct{}, 1)}
	d.disk.Store(newDisk("the engine was not asked yet", DiskNotAsked))
	if off {
		d.o.Interval = 0
		d.disk.Store(newDisk("switched off", DiskOff))
	}
	return d
}

// Disk is what is known now. It never blocks and never returns nil.
func (d *DiskUsage) Disk() *Disk { return d.disk.Load() }

// RefreshAnswer says what became of a Refresh.
type RefreshAnswer struct {
	// Taken says that a refresh begins now.
	Taken bool
	// Reason is one of the words below, or DiskOff, when it does not.
	Reason string
	// Next is when the next one may be taken; zero = never.
	Next time.Time
}

// Why a Refresh is not taken.
const (
	RefreshNotConnected = "not_connected"
	RefreshRunning      = "running"
	RefreshTooSoon      = "too_soon"
)

// Refresh asks for a refresh now, ahead of time. It does not wait for it: Disk.Refreshed tells when it is done.
func (d *DiskUsage) Refresh() RefreshAnswer {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.o.Now()
	next := d.began.Add(d.o.Pause)
	if next.Before(now) {
		next = now.Add(time.Second)
	}
	switch {
	case !d.serving:
		return RefreshAnswer{Reason: DiskOff}
	case !d.client.connected():
		return RefreshAnswer{Reason: RefreshNotConnected, Next: now.Add(d.o.Settle)}
	case d.busy:
		return RefreshAnswer{Reason: RefreshRunning, Next: next}
	case now.Sub(d.began) < d.o.Pause:
		return RefreshAnswer{Reason: RefreshTooSoon, Next: next}
	}
	d.busy, d.began = true, now
	d.asked <- struct{}{}
	return RefreshAnswer{Taken: true, Next: now.Add(d.o.Pause)}
}

// Run refreshes until ctx ends. It returns nil, and only when everything that it started has ended. It must be called once.
func (d *DiskUsage) Run(ctx context.Context) error {
	if d.o.Interval == 0 {
		<-ctx.Done()
		return nil
	}
	defer d.client.Close()
	d.serve(true)
	defer d.serve(false)
	timer := time.NewTimer(d.spread(d.o.Settle))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-d.asked:
		}
		timer.Reset(d.spread(d.round(ctx)))
	}
}

func (d *DiskUsage) serve(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serving = on
}

// spread takes off up to a tenth, so that many tallymen do not come at once.
func (d *DiskUsage) spread(wait time.Duration) time.Duration {
	return wait - time.Duration(d.o.Rand()*float64(wait)/10)
}

// round refreshes if the engine is there. It returns the time to the next round.
func (d *DiskUsage) round(ctx context.Context) time.Duration {
	if !d.begin() {
		return d.o.Settle
	}
	defer d.end()
	return d.refresh(ctx)
}

// begin notes that a refresh begins; an accepted Refresh is part of it.
func (d *DiskUsage) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.asked:
	default:
	}
	d.busy = d.client.connected()
	if d.busy {
		d.began = d.o.Now()
	}
	return d.busy
}

func (d *DiskUsage) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
}

// refresh asks for each kind in turn and publishes each answer as it comes. It returns the time to the next round.
func (d *DiskUsage) refresh(ctx context.Context) time.Duration {
	began := time.Now()
	left := DiskKinds()
	well := true
	for _, kinds := range d.client.diskQuestions() {
		if !slices.Contains(left, kinds[0]) {
			continue // an engine that does not tell kinds apart has answered it already
		}
		answer, err := d.ask(ctx, kinds)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			next := d.Disk().with(answer, d.o.Now(), max(d.o.Top, 0))
			next.Refreshed, next.Took = d.o.Now(), time.Since(began)
			d.disk.Store(next)
			answered := func(kind DiskKind) bool { return answer.has(kind) }
			left, kinds = slices.DeleteFunc(left, answered), slices.DeleteFunc(kinds, answered)
			if len(kinds) == 0 {
				continue
			}
			err = d.client.failed(dfEndpoint, fmt.Errorf("answer without %v: %w", kinds, errMalformed))
		}
		well = false
		why := d.judge(err)
		if why.forAll {
			kinds = left
		}
		d.disk.Store(d.Disk().without(kinds, why.problem, why.reason))
		if d.outage.report(why.reason) {
			d.o.Log.Warn("disk usage unknown", "host", d.client.Host(), "kinds", kinds, "problem", why.problem, "err", err)
		}
		if why.forAll {
			return why.wait
		}
	}
	if well {
		d.outage.over()
	}
	return d.o.Interval
}

// ask puts one question.
func (d *DiskUsage) ask(ctx context.Context, kinds []DiskKind) (*diskAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	return d.client.diskUsage(ctx, kinds)
}

// diskFailure is what follows from a question without an answer.
type diskFailure struct {
	problem, reason string
	forAll          bool          // asking for other kinds would be no use
	wait            time.Duration // until then
}

// judge decides what follows from an error.
func (d *DiskUsage) judge(err error) diskFailure {
	f := diskFailure{problem: d.client.problem(err), reason: reason(err), wait: d.o.Interval}
	var status *StatusError
	switch {
	case errors.Is(err, errNotConnected):
		f.problem, f.reason, f.forAll, f.wait = "the engine is not connected", "not_connected", true, d.o.Settle
	case f.reason == "timeout":
		f.problem = fmt.Sprintf("%s did not tell its disk usage within %s", d.client.Host(), d.o.Timeout)
	case errors.As(err, &status) && status.busy():
		// Engine 20.10 refuses a second question while it works on the first, be it somebody else's.
		f.reason, f.forAll, f.wait = "busy", true, d.o.Retry
	case f.reason != "status" && f.reason != "parse" && f.reason != "too_large":
		f.forAll = true // the engine cannot be asked at all, or not for this
	}
	return f
}

// busy says whether the engine is already working on a disk usage. The words are those of all engines that know this refusal.
func (e *StatusError) busy() bool {
	return strings.Contains(e.Message, "disk usage operation is already running")
}
