package fakeengine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options configure an Engine; the zero value plays engine 28.5.2 on a unix socket of its own.
type Options struct {
	// Recording holds the responses to start from; nil = Recorded(Version). The images may be missing.
	Recording fs.FS
	// Version names the recording to use when Recording is nil; "" = "28.5.2".
	Version string
	// Listen is "unix:///path/to/socket" or "tcp://127.0.0.1:0"; "" = a socket in a new temporary folder. "pipe://engine" is
	// reached by Dial only, and works under the clock of testing/synctest.
	Listen string
	// Empty starts without the recorded containers.
	Empty bool
	// HideAPIVersion leaves the Api-Version header out of every answer, as some proxies do.
	HideAPIVersion bool
	// StatsEvery is the time between two documents of a stream of statistics; 0 = 1 s.
	StatsEvery time.Duration
	// Now is the clock of events and states; nil = time.Now.
	Now func() time.Time
}

// Engine is a fake Docker Engine. It is safe for concurrent use.
type Engine struct {
	now        func() time.Time
	hideAPI    bool
	network    string // "unix", "tcp" or "pipe"
	address    string // as bound, so that Start listens there again
	tempFolder string // "" when the caller chose the socket
	version    map[string]any
	info       map[string]any
	apiMax     string
	apiMin     string
	statsEvery time.Duration
	// recordedStats are the lines that the recorded containers sent, by name.
	recordedStats map[string][][]byte

	mu sync.Mutex // guards the fields below
	// containers are the inspect answers by id, list the entries of /containers/json.
	containers map[string]map[string]any
	order      []string
	listed     map[string]map[string]any
	disk       map[string]any   // the newest form of /system/df
	images     []map[string]any // the entries of /images/json
	muted      bool
	ring       []event
	streams    map[*stream]struct{}
	lastNano   int64
	faults     map[string]*Fault
	requests   map[string]int
	serving    *server
	created    int
	// stats are the lines that a test chose, by container.
	stats        map[string][][]byte
	statsStreams map[*statsStream]struct{}
	logs         map[string]logAnswer // by container
	pipe         *pipe                // of "pipe://", while it listens
}

// server is one run of the engine between Start and Stop.
type server struct {
	http     *http.Server
	stopped  chan struct{}
	loop     sync.WaitGroup
	handlers sync.WaitGroup // Add only under the engine's lock while this server is Engine.serving
}

// New loads the recording and starts to listen. The caller must Close the Engine.
func New(o Options) (*Engine, error) {
	e := &Engine{
		now:        o.Now,
		hideAPI:    o.HideAPIVersion,
		containers: map[string]map[string]any{},
		listed:     map[string]map[string]any{},
		streams:    map[*stream]struct{}{},
		faults:     map[string]*Fault{},
		requests:   map[string]int{},
		images:     []map[string]any{},
		statsEvery: o.StatsEvery,

		recordedStats: map[string][][]byte{},
		stats:         map[string][][]byte{},
		statsStreams:  map[*statsStream]struct{}{},
		logs:          map[string]logAnswer{},
	}
	if e.statsEvery <= 0 {
		e.statsEvery = time.Second
	}
	if e.now == nil {
		e.now = time.Now
	}
	if err := e.load(o); err != nil {
		return nil, err
	}
	if err := e.place(o.Listen); err != nil {
		return nil, err
	}
	if err := e.Start(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// TB is the part of testing.TB that ForTest needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// ForTest is New for tests: it ends the test on error and closes the Engine after it.
func ForTest(tb TB, o Options) *Engine {
	tb.Helper()
	e, err := New(o)
	if err != nil {
		tb.Fatalf("start fake engine: %v", err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Fatalf("close fake engine: %v", err)
		}
	})
	return e
}

// place decides where the engine listens. Socket paths are limited to about 100 bytes, hence a short folder name.
func (e *Engine) place(listen string) error {
	if listen == "" {
		dir, err := os.MkdirTemp("", "fe")
		if err != nil {
			return fmt.Errorf("make folder for the socket: %w", err)
		}
		e.tempFolder = dir
		listen = "unix://" + filepath.Join(dir, "d.sock")
	}
	network, address, ok := cut(listen)
	if !ok {
		return fmt.Errorf("listen on %q: want unix:///path, tcp://host:port or pipe://name", listen)
	}
	e.network, e.address = network, address
	return nil
}

// Start listens again after Stop, on the same address. It does nothing while the engine is listening.
func (e *Engine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving != nil {
		return nil
	}
	l, err := e.listen()
	if err != nil {
		return fmt.Errorf("listen on %s: %w", e.address, err)
	}
	e.address = l.Addr().String()
	s := &server{stopped: make(chan struct{})}
	s.http = &http.Server{Handler: e.handler(s), ReadHeaderTimeout: time.Minute}
	s.loop.Go(func() { _ = s.http.Serve(l) })
	e.serving = s
	return nil
}

// listen opens the listener; e.mu is held.
func (e *Engine) listen() (net.Listener, error) {
	if e.network != "pipe" {
		return net.Listen(e.network, e.address)
	}
	e.pipe = newPipe(e.address)
	return e.pipe, nil
}

// Dial connects to an engine on "pipe://", like net.Dialer.DialContext.
func (e *Engine) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	e.mu.Lock()
	p := e.pipe
	e.mu.Unlock()
	return p.dial(ctx)
}

// Stop closes the listener and every connection, as a stopped dockerd does, and forgets the event history, which dockerd
// keeps in memory. Containers stay as they are. It returns when no handler is left.
func (e *Engine) Stop() error {
	e.mu.Lock()
	s := e.serving
	e.serving = nil
	e.ring = nil
	e.mu.Unlock()
	if s == nil {
		return nil
	}
	close(s.stopped)
	err := s.http.Close()
	s.loop.Wait()
	s.handlers.Wait()
	if err != nil {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

// Close stops the engine for good and removes its socket.
func (e *Engine) Close() error {
	err := e.Stop()
	if e.tempFolder != "" {
		err = errors.Join(err, os.RemoveAll(e.tempFolder))
	}
	return err
}

// Host is the address in the form of DOCKER_HOST: "unix:///..." or "tcp://127.0.0.1:port".
func (e *Engine) Host() string { return e.network + "://" + e.address }

// Requests tells how often an endpoint pattern, such as "/containers/json", or "/system/df?type=volume", was asked for since the start.
func (e *Engine) Requests(pattern string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests[pattern]
}

// Streams tells how many event streams are open.
func (e *Engine) Streams() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.streams)
}
