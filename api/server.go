package api

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tallyman/api/metrics"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/self"
)

// What one request may take.
const (
	requestTimeout  = 30 * time.Second // to make an answer
	readyTimeout    = 5 * time.Second  // to be ready
	maxURLBytes     = 8 << 10
	maxHeaderBytes  = 16 << 10
	maxRequestBytes = 4 << 10
	maxMaking       = 8   // pages and JSON answers that are made and written at the same time
	maxFollowers    = 256 // clients that are sent events as they come
	maxWaiting      = 64  // others that wait for their turn; beyond, a client is told to come back
)

// Source gives the Snapshots that are served. It must be safe for concurrent use.
type Source interface {
	Snapshot(ctx context.Context) (*collector.Snapshot, error)
	// Raw gives all that can be read of the cgroup of a container, to be encoded as JSON; the error is cgroups.ErrNotFound
	// when it has none.
	Raw(c *collector.Container) (any, error)
	// RefreshDisk asks every engine for its disk usage, and waits for none.
	RefreshDisk() []engine.RefreshAnswer
	// History is what is remembered of a container, by its Engine and its id of the engine, or of the host, both "", the oldest first.
	History(engine, id string) []collector.Point
	// LastWords is what is remembered of runs that have ended, the latest first.
	LastWords() []collector.LastWords
	// Events gives up to limit of the latest events, the oldest first; limit <= 0 = all that are remembered.
	Events(limit int) []collector.Event
	// Follow gives every event after the one numbered seq that is still remembered, and then those that come, until ctx ends.
	Follow(ctx context.Context, seq uint64) (*collector.Follower, error)
	// Logs gives the last lines, up to tail, of what a container has written.
	Logs(ctx context.Context, c *collector.Container, tail int) ([]engine.LogLine, error)
}

// Options are the choices for a Server. The zero value serves the default groups of nothing.
type Options struct {
	// Source gives the Snapshots; without one, every answer that needs a Snapshot is 503.
	Source Source
	// Self holds tallyman's own metrics, which are served behind those of the Snapshot; nil = none.
	Self *self.Metrics
	// Log takes what went wrong; nil = nowhere.
	Log *slog.Logger
	// Version is shown on the page and in the summary.
	Version string
	// Groups are the groups of metrics to serve; the zero value holds those that are on by default.
	Groups metrics.Selection
	// MaxSeries is how many series of containers and engines /metrics may have; beyond, whole groups are left out, as
	// metrics.Dispensable lists them. 0 = any number.
	MaxSeries int
	// LabelsOnAll puts the labels of users on every sample of their containers; see metrics.WriterOptions.
	LabelsOnAll bool
	// Logs shows what containers have written, which may hold secrets: only where nobody but those who may read it can ask.
	Logs bool
	// Discovery offers the containers that ask for it to Prometheus.
	Discovery bool
	// Pprof serves /debug/pprof/, which tells much about the process and costs processor time.
	Pprof bool
}

// Server answers HTTP requests from Snapshots. It is safe for concurrent use.
type Server struct {
	source   Source
	log      *slog.Logger
	version  string
	groups   metrics.Selection
	pprof    bool
	logs     bool
	sd       bool
	families []metrics.Family
	pages    *template.Template
	scrapes  http.Handler
	zip      *zipper
	tags     *tagger
	mistakes mistakes
	// followers holds one for each client that is sent events as they come.
	followers chan struct{}
	// slowAfter is how long such a client may take none of what it is sent.
	slowAfter time.Duration
	// stopped is closed by stop, when the program ends.
	stopped chan struct{}
	stop    func()
}

// New returns a Server.
func New(o Options) *Server {
	if o.Source == nil {
		o.Source = noSource{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	stopped, zip := make(chan struct{}), newZipper()
	return &Server{
		source: o.Source, log: o.Log, version: o.Version, groups: o.Groups, pprof: o.Pprof, logs: o.Logs, sd: o.Discovery,
		families:  metrics.Families(),
		pages:     parsePages(),
		scrapes:   promhttp.InstrumentMetricHandler(o.Self.Registerer(), newExposition(o, zip)),
		zip:       zip,
		tags:      newTagger(),
		followers: make(chan struct{}, maxFollowers), slowAfter: slowAfter,
		stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) }),
	}
}

// Stop ends the answers that have no end of their own, so that a http.Server that is shut down need not wait for them.
func (s *Server) Stop() { s.stop() }

// route is one address that is served, for GET and HEAD.
type route struct {
	pattern string
	handler http.HandlerFunc
	bounds  bounds
}

// bounds is what bounds the answers of a route.
type bounds int

const (
	unbounded bounds = iota // nothing: they may take long
	shared                  // the time: many clients get the same answer
	made                    // also their number: each is made for one client
	followed                // as made, but for those that have no end; see Server.following
)

// routes lists everything that is served.
func (s *Server) routes() []route {
	return []route{
		{"/", s.indexPage, made},
		{"/containers/{id}", s.containerPage, made},
		{"/events", s.eventsPage, made},
		{"/static/*", s.static, shared},

		{"/metrics", s.scrapes.ServeHTTP, shared},

		{"/api/v1/summary", s.summary, made},
		{"/api/v1/containers", s.containers, made},
		{"/api/v1/containers/{id}", s.container, made},
		{"/api/v1/containers/{id}/cgroup", s.cgroup, made},
		{"/api/v1/capabilities", s.capabilities, made},
		{"/api/v1/containers/{id}/history", s.containerHistory, made},
		{"/api/v1/containers/{id}/logs", s.containerLogs, made},
		{"/api/v1/history", s.hostHistory, made},
		{"/api/v1/events", s.events, followed},
		{"/api/v1/last-words", s.lastWords, made},
		{"/api/v1/sd", s.serviceDiscovery, made},
		{"/api/v1/sd/problems", s.discoveryProblems, made},
		{"/api/v1/openapi.yaml", s.openAPI, shared},

		{"/-/healthy", s.healthy, shared},
		{"/-/ready", s.ready, shared},
	}
}

// debugRoutes lists what is served besides with Options.Pprof. They may take longer than other routes.
func (s *Server) debugRoutes() []route {
	if !s.pprof {
		return nil
	}
	return []route{
		{"/debug/pprof/", pprof.Index, unbounded},
		{"/debug/pprof/{profile}", pprof.Index, unbounded},
		{"/debug/pprof/cmdline", pprof.Cmdline, unbounded},
		{"/debug/pprof/profile", pprof.Profile, unbounded},
		{"/debug/pprof/symbol", pprof.Symbol, unbounded},
		{"/debug/pprof/trace", pprof.Trace, unbounded},
	}
}

// Handler returns the handler of all routes.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(s.recovered, secured, s.readOnly, s.small)
	r.NotFound(s.notFound)
	bounded := s.bounded()
	for _, rt := range append(s.routes(), s.debugRoutes()...) {
		switch rt.bounds {
		case unbounded:
			add(r, rt)
		case shared:
			add(r.With(timed), rt)
		case made:
			add(r.With(timed, bounded), rt)
		case followed:
			add(r.With(s.following, timed, bounded), rt)
		}
	}
	return r
}

// add serves a route.
func add(r chi.Router, rt route) {
	r.Get(rt.pattern, rt.handler)
	r.Head(rt.pattern, rt.handler)
}

// NewHTTPServer returns a server for a handler, with limits that keep slow and greedy clients from holding resources. The
// caller says where it listens, and where it logs.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      2 * requestTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// noSource is the Source of a Server that was given none.
type noSource struct{}

// Snapshot always fails.
func (noSource) Snapshot(context.Context) (*collector.Snapshot, error) {
	return nil, errors.New("there is no source of snapshots")
}

// Raw always fails.
func (noSource) Raw(*collector.Container) (any, error) {
	return nil, errors.New("there is no source of snapshots")
}

// RefreshDisk asks nobody.
func (noSource) RefreshDisk() []engine.RefreshAnswer { return nil }

// History remembers nothing.
func (noSource) History(string, string) []collector.Point { return nil }

// LastWords remembers nothing.
func (noSource) LastWords() []collector.LastWords { return nil }

// Events remembers nothing.
func (noSource) Events(int) []collector.Event { return nil }

// Follow always fails.
func (noSource) Follow(context.Context, uint64) (*collector.Follower, error) {
	return nil, errors.New("there is no source of events")
}

// Logs always fails.
func (noSource) Logs(context.Context, *collector.Container, int) ([]engine.LogLine, error) {
	return nil, errors.New("there is no source of logs")
}
