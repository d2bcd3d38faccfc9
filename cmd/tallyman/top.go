package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/term"

	"tallyman/cmd/tallyman/internal/top"
)

// defineTop defines the flags of top.
func defineTop(on flagSet) *config {
	c := defaults(on.command)
	const shortest = time.Second // over less, the steps of the kernel's counters show
	c.show.interval = new(time.Duration)
	on.Flag("interval", "Time between two readings, 1s at least.").Default("2s").SetValue(&flagValue{
		flag: "interval", env: on.env("interval"), want: "a duration of 1s or more, such as 2s",
		set: func(s string) (err error) {
			if *c.show.interval, err = time.ParseDuration(s); err == nil && *c.show.interval < shortest {
				err = strconv.ErrRange
			}
			return err
		},
	})
	c.defineSort(on)
	c.defineRemote(on)
	c.defineEngine(on)
	c.definePaths(on)
	c.defineReading(on)
	return c
}

// runTop shows the containers live, until somebody quits.
func runTop(ctx context.Context, cfg *config, getenv func(string) string, stdout io.Writer) error {
	f, isFile := stdout.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) || getenv("TERM") == "dumb" {
		return &usageError{errors.New("top needs a terminal: for a file or a pipe there is tallyman ps")}
	}
	*cfg.diskInterval = 0 // it would cost the engine more than the rest
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	t, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer t.close()
	screen, err := top.NewScreen()
	if err != nil {
		return err
	}
	top.Run(ctx, top.Options{Source: t.Client, Interval: *cfg.show.interval, Sort: cfg.show.sort, Screen: screen})
	return nil
}
