package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// StreamsOptions configure Streams; the zero value works.
type StreamsOptions struct {
	// Max is how many streams are kept at most; 0 = 1000. Each is a connection, and costs the engine 2 to 3 ms of processor time
	// per second.
	Max int
	// MaxAge is how old a sample may be to be given out; 0 = 15 s. An engine sends one every second, less often when it has
	// many streams to serve or is busy; podman sends one every 5 s.
	MaxAge time.Duration
	// Silence is how long a stream may send nothing before it is given up and opened again; 0 = 30 s.
	Silence time.Duration
	// BackoffMin and BackoffMax bound the time between two attempts to open a stream; 0 = 0.5 s and 30 s.
	BackoffMin, BackoffMax time.Duration
	// RefusedRetry is the time between two attempts for all streams together while the engine, or a proxy before it, refuses to
	// send any; 0 = 1 minute.
	RefusedRetry time.Duration
}

// What the zero values of StreamsOptions stand for.
const (
	defaultMaxStreams = 1000
	defaultMaxAge     = 15 * time.Second
)

// maxOpening is how many streams are being opened at once. One that takes longer than slowAfter no longer counts, so that some
// containers that hang do not keep the others waiting.
const maxOpening = 4

const statsEndpoint = "/containers/{id}/stats"

var (
	// ErrNoSample says that there is no present Sample of a container.
	ErrNoSample = errors.New("no statistics from the engine")

	errNotYet      = errors.New("none have come yet")
	errNoProcesses = errors.New("it says that the container does not run")
)

// Streams keeps one stream of statistics for each container that somebody wants. It is for containers whose cgroups cannot be
// read, since it costs the engine far more than reading them costs us. All methods but Run are cheap, never wait for the
// engine, and are safe for concurrent use.
type Streams struct {
	client  *Client
	o       StreamsOptions
	news    chan struct{} // there are streams to be started
	opening chan struct{} // holds one for each that is being opened

	mu      sync.Mutex // guards the fields below
	kept    map[string]*keptStream
	round   uint64 // counts calls of Want
	excess  int
	refused refusal
}

// keptStream is the stream of one container.
type keptStream struct {
	id     string
	round  uint64             // the latest call of Want that named it
	stop   context.CancelFunc // nil until Run has started it
	latest atomic.Pointer[heard]
}

// heard is what is known of one container: its latest sample and, when that is all for now, why.
type heard struct {
	sample *Sample // nil = none, or no longer true
	err    error   // nil = samples are coming
}

// refusal is what an engine or a proxy said that lets nobody see statistics.
type refusal struct {
	until time.Time // when it may be asked again
	err   error     // nil = it does not refuse
}

// StreamsStatus says how the streams fare as a whole.
type StreamsStatus struct {
	Kept   int // streams that are kept, or being opened
	Excess int // containers that have none since there are too many
	// Reason says in a word why containers have no statistics, "forbidden" or "too_many", and Problem says it for people; "" when
	// nothing is wrong with the streams as a whole.
	Reason, Problem string
}

// NewStreams makes Streams that keep none until Want and Run are called.
func NewStreams(c *Client, o StreamsOptions) *Streams {
	if o.Max <= 0 {
		o.Max = defaultMaxStreams
	}
	setDefault(&o.MaxAge, defaultMaxAge)
	setDefault(&o.Silence, 30*time.Second)
	setDefault(&o.BackoffMin, 500*time.Millisecond)
	setDefault(&o.BackoffMax, 30*time.Second)
	setDefault(&o.RefusedRetry, time.Minute)
	return &Streams{
		client: c, o: o,
		news: make(chan struct{}, 1), opening: make(chan struct{}, maxOpening),
		kept: map[string]*keptStream{},
	}
}

// Want says for which containers, by full id, a stream is to be kept: these and no others. The first Max of them are kept, of
// which those that are kept already come first.
func (s *Streams) Want(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.round++
	var missing []string
	for _, id := range ids {
		if k := s.kept[id]; k != nil {
			k.round = s.round
		} else if isID(id) {
			missing = append(missing, id)
		}
	}
	for id, k := range s.kept {
		if k.round == s.round {
			continue
		}
		if k.stop != nil {
			k.stop()
		}
		delete(s.kept, id)
	}
	s.excess = 0
	for _, id := range missing {
		switch {
		case s.kept[id] != nil: // named twice
		case len(s.kept) >= s.o.Max:
			s.excess++
		default:
			k := &keptStream{id: id, round: s.round}
			k.latest.Store(&heard{err: errNotYet})
			s.kept[id] = k
		}
	}
	if len(missing) > s.excess {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// Sample is the latest one of a container. The error is ErrNoSample, with the cause, when there is none that is younger than
// MaxAge.
func (s *Streams) Sample(id string) (*Sample, error) {
	s.mu.Lock()
	k := s.kept[id]
	s.mu.Unlock()
	if k == nil {
		return nil, fmt.Errorf("%w: no stream is kept", ErrNoSample)
	}
	h := k.latest.Load()
	switch {
	case h.sample != nil && time.Since(h.sample.Time) <= s.o.MaxAge:
		return h.sample, nil
	case h.err != nil:
		return nil, fmt.Errorf("%w: %s", ErrNoSample, oneLine(h.err.Error()))
	}
	return nil, fmt.Errorf("%w: the latest is older than %s", ErrNoSample, s.o.MaxAge)
}

// Status tells how the streams fare.
func (s *Streams) Status() StreamsStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := StreamsStatus{Kept: len(s.kept), Excess: s.excess}
	switch {
	case len(s.kept) == 0:
	case s.refused.err != nil:
		out.Reason, out.Problem = "forbidden", s.client.problem(s.refused.err)
	case s.excess > 0:
		out.Reason = "too_many"
		out.Problem = fmt.Sprintf("%d containers are without statistics: %d streams are kept at most", s.excess, s.o.Max)
	}
	return out
}

// Run keeps the streams that are wanted until ctx ends, through any number of outages. It returns nil, and only when everything
// that it started has ended. It must be called once.
func (s *Streams) Run(ctx context.Context) error {
	defer s.client.Close()
	var wait sync.WaitGroup
	defer wait.Wait()
	for {
		s.start(ctx, &wait)
		select {
		case <-s.news:
		case <-ctx.Done():
			return nil
		}
	}
}

// start begins with the streams that are new.
func (s *Streams) start(ctx context.Context, wait *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.stop != nil {
			continue
		}
		own, stop := context.WithCancel(ctx)
		k.stop = stop
		wait.Go(func() {
			defer stop()
			s.keep(own, k)
		})
	}
}

// keep opens the stream of a container again and again until ctx ends.
func (s *Streams) keep(ctx context.Context, k *keptStream) {
	wait := backoff{shortest: s.o.BackoffMin, longest: s.o.BackoffMax, rand: rand.Float64}
	for {
		began := time.Now()
		err := s.follow(ctx, k)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > min(settled, s.o.BackoffMax) {
			wait.attempts = 0
		}
		pause := wait.next()
		last := k.latest.Load().sample
		switch {
		case isNotFound(err):
			last, pause = nil, wait.spread(s.o.BackoffMax) // it was removed, and will not be wanted for long
		case isRefused(err):
			pause = wait.spread(s.o.RefusedRetry)
		}
		k.latest.Store(&heard{sample: last, err: err})
		if !sleep(ctx, pause) {
			return
		}
	}
}

// follow opens the stream of a container and reads it until it ends; the error says why.
func (s *Streams) follow(ctx context.Context, k *keptStream) error {
	stream, err := s.open(ctx, k.id)
	if err != nil {
		return err
	}
	defer stream.close()
	// dockerd can hang, on one container or as a whole, with its connections open.
	silence := time.AfterFunc(s.o.Silence, stream.close)
	defer silence.Stop()
	for {
		sample, err := stream.next()
		if err != nil {
			if !silence.Stop() {
				err = fmt.Errorf("GET %s: nothing in %s: %w", statsEndpoint, s.o.Silence, context.DeadlineExceeded)
			}
			return s.client.failed(statsEndpoint, err)
		}
		silence.Reset(s.o.Silence)
		if sample == nil {
			k.latest.Store(&heard{err: errNoProcesses})
			continue
		}
		k.latest.Store(&heard{sample: sample})
	}
}

// open opens the stream of a container when it is its turn.
func (s *Streams) open(ctx context.Context, id string) (*statsStream, error) {
	select {
	case s.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	free := sync.OnceFunc(func() { <-s.opening })
	defer free()
	if err := s.refusedLately(); err != nil {
		return nil, err
	}
	slow := time.AfterFunc(slowAfter, free)
	defer slow.Stop()
	stream, err := s.client.stats(ctx, id)
	s.answered(err)
	return stream, err
}

// refusedLately gives the refusal of a moment ago: what one container was refused is refused to all.
func (s *Streams) refusedLately() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.refused.until) {
		return s.refused.err
	}
	return nil
}

// answered notes whether an attempt to open a stream was refused.
func (s *Streams) answered(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case isRefused(err):
		s.refused = refusal{until: time.Now().Add(s.o.RefusedRetry), err: err}
	case err == nil:
		s.refused = refusal{}
	}
}

// maxStatsBytes bounds one document; a usual one has 2 KB.
const maxStatsBytes = 1 << 20

// statsStream reads the documents of a container, each of which every engine ends with a line feed. Not for concurrent use,
// but for close.
type statsStream struct{ lineReader }

func newStatsStream(body io.ReadCloser, cancel func()) *statsStream {
	return &statsStream{lineReader{
		body: body, cancel: cancel, reader: bufio.NewReader(body), maxLine: maxStatsBytes, maxSkip: maxStatsBytes,
	}}
}

// next returns the next sample, nil when the container has no processes. Every error is the end: an engine that sends what
// cannot be read would do so every second.
func (s *statsStream) next() (*Sample, error) {
	line, err := s.readLine()
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", statsEndpoint, err)
	}
	sample, err := decodeStats(line, time.Now())
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", statsEndpoint, err)
	}
	return sample, nil
}
