package engine

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tallyman/internal/self"
)

// InventoryOptions configure an Inventory; the zero value works.
type InventoryOptions struct {
	// Resync is the time between two complete lists while the engine is up; 0 = 10 minutes.
	Resync time.Duration
	// Ping is how long the event stream may be silent before the engine is asked whether it is still there; 0 = 30 s.
	Ping time.Duration
	// Poll is the time between two lists where the event stream is refused; 0 = 30 s.
	Poll time.Duration
	// BackoffMin and BackoffMax bound the time between two attempts to connect; 0 = 0.5 s and 30 s.
	BackoffMin, BackoffMax time.Duration
	// ImagesDelay is how long after an event about images they are listed, so that a burst of events costs one list; 0 = 1 s.
	ImagesDelay time.Duration
	// Patience is how long the first list after a connect waits for slow inspects before it is published; 0 = 2 s.
	Patience time.Duration
	// OnEvent is given every event once, in the order in which they come, also those that were sent again after a reconnect. It
	// must not wait for anything: the event stream does so meanwhile. nil = nobody wants them.
	OnEvent func(Event)
	// Log gets one line when the engine comes and one when it goes; nil = silent.
	Log *slog.Logger
	// Self counts reconnects and failures; may be nil.
	Self *self.Metrics
	// Now is the clock of what is published; nil = time.Now.
	Now func() time.Time
	// Rand spreads retries and resyncs, 0 <= Rand() < 1; nil = a random one.
	Rand func() float64
}

// Inventory knows the containers of one engine. It lists them once, then follows the event stream and inspects the one
// container that an event names; a resync now and then heals what was missed. View is safe for concurrent use.
type Inventory struct {
	client  *Client
	o       InventoryOptions
	view    atomic.Pointer[View]
	tracker *tracker // used by Run only
	outage  outage   // used by Run only
	opened  bool     // there was a session before; used by Run only
	// denied are the names of the refusals that were logged; used by Run only.
	denied map[string]bool
}

// NewInventory makes an Inventory that knows nothing until Run is called.
func NewInventory(c *Client, o InventoryOptions) *Inventory {
	setDefault(&o.Resync, 10*time.Minute)
	setDefault(&o.Ping, 30*time.Second)
	setDefault(&o.Poll, 30*time.Second)
	setDefault(&o.BackoffMin, 500*time.Millisecond)
	setDefault(&o.BackoffMax, 30*time.Second)
	setDefault(&o.ImagesDelay, time.Second)
	setDefault(&o.Patience, 2*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	i := &Inventory{client: c, o: o, tracker: newTracker(), denied: map[string]bool{}}
	if o.OnEvent != nil {
		i.tracker.tell = func(ev event) { o.OnEvent(ev.public()) }
	}
	i.view.Store(&View{Problem: errNotConnected.Error(), Reason: "not_connected"})
	return i
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// View is what is known now. It never blocks and never returns nil. While the engine is away it holds the containers as
// they were last known.
func (i *Inventory) View() *View { return i.view.Load() }

// Run follows the engine until ctx ends, through any number of outages. It returns nil, and only when everything that it
// started has ended. It must be called once.
func (i *Inventory) Run(ctx context.Context) error {
	defer i.client.Close()
	wait := backoff{shortest: i.o.BackoffMin, longest: i.o.BackoffMax, rand: i.o.Rand}
	for {
		began := time.Now()
		err := i.follow(ctx)
		if ctx.Err() != nil {
			i.end()
			return nil
		}
		i.lost(err)
		i.client.Close() // what is left in the pool belongs to the engine that went
		if time.Since(began) > min(settled, i.o.BackoffMax) {
			wait.attempts = 0
		}
		if !sleep(ctx, wait.next()) {
			return nil
		}
	}
}

// settled is how long a connection must have lasted for the next one to be tried quickly again. Shorter ones count as failed
// attempts, lest an engine or proxy that keeps hanging up be asked for everything several times a second.
const settled = 5 * time.Second

// follow connects and stays until the engine is lost; the error says why.
func (i *Inventory) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := i.client.connect(ctx); err != nil {
		return err
	}
	info, err := i.client.describe(ctx)
	if err != nil {
		return err
	}
	// The stream comes before the list: what happens between the two is told by the stream.
	stream, err := i.client.follow(ctx, i.tracker.since())
	if err != nil && !isRefused(err) {
		return err
	}
	if i.opened {
		i.o.Self.EngineReconnect()
	}
	i.opened = true
	s := newSession(i, info, stream)
	defer s.wait.Wait()
	defer s.close()
	defer cancel()
	return s.run(ctx)
}

// lost publishes that the engine is away, and logs it once per outage and cause.
func (i *Inventory) lost(err error) {
	problem := i.client.problem(err)
	i.client.disconnect()
	next := *i.View()
	next.Up, next.Problem, next.Reason = false, problem, reason(err)
	i.view.Store(&next)
	if i.outage.report(reason(err)) {
		i.o.Log.Warn("engine unreachable", "host", i.client.Host(), "problem", problem, "err", err)
	}
}

// access gives what the engine lets itself be asked for, and logs each refusal once.
func (i *Inventory) access() []Access {
	all := i.client.guard.accesses.list()
	for _, a := range all {
		if a.Reason != "" && !i.denied[a.Name] {
			i.o.Log.Warn("the engine refuses a request", "what", a.Name, "reason", a.Reason, "help", a.Help)
		}
		i.denied[a.Name] = a.Reason != ""
	}
	return all
}

// end publishes that nobody follows the engine any more.
func (i *Inventory) end() {
	next := *i.View()
	next.Up, next.Problem, next.Reason = false, "stopped", "stopped"
	i.view.Store(&next)
}

// outage remembers what was logged of an outage.
type outage struct {
	logged map[string]bool // by reason; nil = the engine is up, or was never tried
}

// report says whether a cause is still to be logged.
func (o *outage) report(cause string) bool {
	if o.logged == nil {
		o.logged = map[string]bool{}
	}
	if o.logged[cause] {
		return false
	}
	o.logged[cause] = true
	return true
}

// over ends the outage; it says whether there was one, or nothing was logged yet.
func (o *outage) over() { o.logged = nil }

// backoff paces the attempts to connect. The first comes quickly, as an event stream may break without the engine being
// away; then they come gently slower, so that a restart of the engine is noticed within a second or two.
type backoff struct {
	shortest, longest time.Duration
	rand              func() float64
	attempts          int
}

func (b *backoff) next() time.Duration {
	b.attempts++
	if b.attempts == 1 {
		return b.spread(b.shortest / 5)
	}
	d := b.shortest
	for range b.attempts - 2 {
		if d = d * 3 / 2; d >= b.longest {
			d = b.longest
			break
		}
	}
	return b.spread(d)
}

// spread takes off up to a quarter, so that many tallymen do not come at once.
func (b *backoff) spread(d time.Duration) time.Duration {
	return d - time.Duration(b.rand()*float64(d)/4)
}

// sleep waits for d; it says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
