package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"

	"tallyman/api"
	"tallyman/api/metrics"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/self"
)

// The exit codes.
const (
	exitOK    = 0
	exitFail  = 1 // something failed while running
	exitUsage = 2 // the configuration is wrong
)

// profileRate is of how many bytes that are allocated one is noted for /debug/pprof: the runtime's own default.
const profileRate = 512 << 10

// shutdownTimeout is how long answers that are being written may still take: operators are promised an end within 5 s.
const shutdownTimeout = 3 * time.Second

var (
	_ collector.Engine = (*engine.Engine)(nil)
	_ collector.Kernel = (*cgroups.Reader)(nil)
	_ api.Source       = (*collector.Collector)(nil)
)

// run is the program: it returns when ctx ends or serving fails.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	cfg, err := parseConfig(args, getenv, stdout)
	if errors.Is(err, errDone) {
		return exitOK
	}
	if err != nil {
		return usage(stderr, err)
	}
	switch cfg.command {
	case cmdDf:
		err = runDf(ctx, cfg, stdout, stderr)
	case cmdPs:
		err = runPs(ctx, cfg, getenv, stdout)
	case cmdTop:
		err = runTop(ctx, cfg, getenv, stdout)
	case cmdDoctor:
		err = runDoctor(ctx, cfg, stdout)
	default:
		err = runServe(ctx, cfg, stderr)
	}
	return exitCode(err, stderr)
}

// runServe serves until ctx ends.
func runServe(ctx context.Context, cfg *config, stderr io.Writer) error {
	cfg.log.Writer = stderr
	if *cfg.pprof {
		runtime.MemProfileRate = profileRate
	}
	p, err := build(cfg, promslog.New(cfg.log))
	if err != nil {
		return &usageError{err}
	}
	return p.serve(ctx, cfg.web)
}

// usageError is a configuration that is wrong.
type usageError struct{ error }

// Unwrap gives the cause.
func (e *usageError) Unwrap() error { return e.error }

// errSaid is a failure of which the user has been told.
var errSaid = errors.New("said already")

// exitCode says what went wrong, in one line, and gives the exit code of it.
func exitCode(err error, stderr io.Writer) int {
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		return usage(stderr, err)
	case !errors.Is(err, errSaid):
		fmt.Fprintf(stderr, "tallyman: %s\n", oneLine(err))
	}
	return exitFail
}

func usage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "tallyman: %s\n", oneLine(err))
	return exitUsage
}

// program holds the parts, in the order of the data path.
type program struct {
	log       *slog.Logger
	engines   []*engine.Engine
	collector *collector.Collector
	server    *http.Server
}

// build wires the parts. An error means that the configuration is wrong.
func build(cfg *config, log *slog.Logger) (*program, error) {
	own := newSelf(cfg)
	kernel, err := buildKernel(cfg)
	if err != nil {
		return nil, fmt.Errorf("--path.cgroupfs: %w: want the folder where the host's cgroups are mounted, as a rule /sys/fs/cgroup", err)
	}
	p := &program{log: log}
	if p.engines, err = buildEngines(cfg, log, own, func(engine string, ev engine.Event) { p.collector.Happened(engine, ev) }); err != nil {
		return nil, err
	}
	p.assemble(cfg, own, kernel)
	return p, nil
}

// newSelf makes what counts things about tallyman itself.
func newSelf(cfg *config) *self.Metrics {
	return self.New(self.Build{Version: version, Revision: revision, Date: date, Go: runtime.Version()}, len(cfg.engines) > 1)
}

// buildKernel makes what reads cgroups.
func buildKernel(cfg *config) (*cgroups.Reader, error) {
	return cgroups.NewReader(cgroups.Options{
		Root: cfg.root(), Parts: cfg.parts(), Slices: *cfg.slices, HideInterfaces: matcher(*cfg.hiddenInterfaces),
	})
}

// assemble puts the other parts behind the engines.
func (p *program) assemble(cfg *config, own *self.Metrics, kernel *cgroups.Reader) {
	maxAge := *cfg.maxAge
	if maxAge == 0 {
		maxAge = -1 // to the collector, 0 is its default
	}
	options := collector.Options{
		MaxAge: maxAge, StaleAfter: *cfg.engineStaleAfter, Source: cfg.readFrom, Parts: cfg.parts(), HideInterfaces: matcher(*cfg.hiddenInterfaces),
		HistoryInterval: *cfg.historyInterval, HistoryMemory: *cfg.historyMemory,
		Name: "tallyman-" + version, Log: p.log, Self: own,
	}
	if len(*cfg.labels) > 0 {
		options.Labels = matcher(*cfg.labels)
	}
	if *cfg.groups[metrics.GroupDisk] {
		options.Logs = cgroups.NewLogs(*cfg.rootFS)
	}
	followed := make([]collector.Engine, len(p.engines))
	for i, e := range p.engines {
		followed[i] = e
	}
	p.collector = collector.New(followed, kernel, options)
	server := api.New(api.Options{
		Source: p.collector, Self: own, Log: p.log, Version: version, Groups: cfg.selection(), LabelsOnAll: cfg.labelsOnAll, MaxSeries: *cfg.maxSeries, Pprof: *cfg.pprof,
		Logs: *cfg.logs, Discovery: *cfg.sd,
	})
	p.server = api.NewHTTPServer(server.Handler())
	p.server.RegisterOnShutdown(server.Stop)
}

// buildEngines makes what asks the engines, and connects to none. happened is told their events, by the name of the engine; nil = nobody
// wants to know.
func buildEngines(cfg *config, log *slog.Logger, own *self.Metrics, happened func(engine string, ev engine.Event)) ([]*engine.Engine, error) {
	var all []*engine.Engine
	for _, address := range cfg.engines {
		var onEvent func(engine.Event)
		if happened != nil {
			onEvent = func(ev engine.Event) { happened(address.name, ev) }
		}
		e, err := engine.New(engine.Config{
			Name: address.name,
			Client: engine.Options{
				Host: address.host, TLSVerify: address.tlsVerify, CertPath: address.certPath, APIVersion: address.apiVersion,
				Timeout: *cfg.engineTimeout, UserAgent: "tallyman/" + version,
			},
			Inventory: engine.InventoryOptions{Resync: *cfg.engineResync},
			DiskUsage: cfg.diskUsage(),
			OnEvent:   onEvent,
			Logs:      *cfg.logs,
			Log:       log, Self: own.Engine(address.name),
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.source(err), err)
		}
		all = append(all, e)
	}
	return all, nil
}

// serve runs everything until ctx ends, and returns when all of it has stopped.
func (p *program) serve(ctx context.Context, flags *web.FlagConfig) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	p.run(ctx, &background)
	p.log.Info("starting tallyman", "version", version, "revision", revision)
	stopped := make(chan error, 1)
	background.Go(func() {
		<-ctx.Done()
		stopped <- p.stop()
	})
	err := web.ListenAndServe(p.server, flags, p.log)
	cancel()
	background.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	}
	return err
}

// run starts what goes on in the background until ctx ends.
func (p *program) run(ctx context.Context, background *sync.WaitGroup) {
	var parts []func(context.Context) error
	if p.collector != nil {
		parts = append(parts, p.collector.Run)
	}
	for _, e := range p.engines {
		parts = append(parts, e.Run)
	}
	for _, part := range parts {
		background.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("background work ended", "err", err)
			}
		})
	}
}

// stop lets answers that are being written end, but not for long.
func (p *program) stop() error {
	p.log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		return p.server.Close()
	}
	return nil
}

func versionText() string {
	return fmt.Sprintf("tallyman %s (revision %s, built %s, %s)", version, revision, date, runtime.Version())
}
