package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tallyman/cmd/tallyman/internal/ask"
	"tallyman/engine"
)

// knownWithin is how long a command waits until the engines have told of their containers, or are known to be away.
const knownWithin = 5 * time.Second

// target is the tallyman that a command asks.
type target struct {
	*ask.Client

	// parts are those in this process; nil where another one is asked.
	parts *program
	// close ends what was started here.
	close func()
}

// local says whether the parts in this process are asked.
func (t *target) local() bool { return t.parts != nil }

// open reaches the tallyman that a command is to ask: the one at --url, or the parts of serve, which then run in this process, without
// listening, until close. An error is a *usageError.
func open(ctx context.Context, cfg *config) (*target, error) {
	if *cfg.remote.url != "" {
		client, err := ask.New(ask.Options{
			URL: *cfg.remote.url, CAFile: *cfg.remote.caFile, ConfigFile: *cfg.remote.configFile, UserAgent: "tallyman/" + version,
		})
		if err != nil {
			return nil, &usageError{err}
		}
		return &target{Client: client, close: client.Close}, nil
	}
	*cfg.maxAge = 0 // nobody else reads
	if cfg.command != cmdTop {
		*cfg.historyMemory = 0 // it ends before there is any
	}
	parts, err := build(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, &usageError{err}
	}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	parts.run(ctx, &background)
	end := sync.OnceFunc(func() {
		cancel()
		background.Wait()
	})
	parts.settle(ctx)
	return &target{Client: ask.Local(parts.server.Handler), parts: parts, close: end}, nil
}

// settle waits until every engine has told of its containers, or is known to be away; not for long.
func (p *program) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, knownWithin)
	defer cancel()
	waitFor(ctx, func() bool {
		for _, e := range p.engines {
			if !settled(e.View()) {
				return false
			}
		}
		return true
	})
}

// settled says whether the first attempt to reach an engine has ended.
func settled(v *engine.View) bool {
	const untried = "not_connected"
	return v.Up && !v.Synced.IsZero() || !v.Up && v.Reason != untried
}

// waitFor waits until it is so, or ctx ends.
func waitFor(ctx context.Context, so func() bool) {
	const every = 20 * time.Millisecond
	for !so() && pause(ctx, every) {
	}
}

// pause waits for a time; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
