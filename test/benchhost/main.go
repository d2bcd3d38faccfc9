// Command benchhost measures on a real Docker host what a scrape of tallyman costs, beside the floor: a process that does
// nothing but read the same files.
//
// It starts containers on the engine of DOCKER_HOST, then the tallyman of this checkout beside them, prints a table, and
// removes what it made, also when it is interrupted. It needs root, for other processes' descriptors, and an engine on this
// host. No test runs it: it is slow, and its numbers mean something on a quiet machine only. Start reading at run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	containers int
	scrapes    int           // of each kind in each round
	rounds     int           // rounds of floor, plain, gzip; the table shows the median
	idle       time.Duration // how long each idle measurement takes
	settle     time.Duration // how long the engine may calm down after containers were made
	binary     string        // "" = build it
	keep       bool          // leave the containers for the next run
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == floorArg {
		exitWith(serveFloor(os.Stdin, os.Stdout))
	}
	var o options
	flag.IntVar(&o.containers, "n", 300, "how many `containers`")
	flag.IntVar(&o.scrapes, "scrapes", 50, "scrapes of each kind in each round")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of floor, plain and gzip; the median counts")
	// Two minutes is how often a Go program that idles collects its garbage: in a shorter time some of the shims would.
	flag.DurationVar(&o.idle, "idle", 2*time.Minute, "how long each measurement without scrapes takes: best a multiple of 2m")
	flag.DurationVar(&o.settle, "settle", 20*time.Second, "how long to wait after the containers were started")
	flag.StringVar(&o.binary, "binary", os.Getenv("TALLYMAN_TEST_BINARY"), "the tallyman to measure (default: TALLYMAN_TEST_BINARY, or else this checkout is built)")
	flag.BoolVar(&o.keep, "keep", false, "leave the containers running: the next run with as many takes them over")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	exitWith(err)
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchhost:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// progressf tells whoever waits; the table alone goes to the standard output.
func progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "benchhost: "+format+"\n", args...)
}

// run makes the containers, measures, prints, and cleans up.
func run(ctx context.Context, o options) (err error) {
	if o.containers < 1 || o.scrapes < 1 || o.rounds < 1 || o.idle <= 0 || flag.NArg() > 0 {
		return errors.New("-n, -scrapes, -rounds and -idle must be positive, and there are no further arguments")
	}
	binary, remove, err := build(ctx, o.binary)
	if err != nil {
		return err
	}
	defer remove()
	f, err := newFleet(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if !o.keep {
			err = errors.Join(err, f.removeAll())
		}
	}()
	started := time.Now()
	if err := f.grow(ctx, o.containers); err != nil {
		return err
	}
	progressf("%d containers run after %.0f s", o.containers, time.Since(started).Seconds())
	if err := sleep(ctx, o.settle); err != nil {
		return err
	}
	r, err := measure(ctx, o, f, binary)
	if err != nil {
		return err
	}
	return r.print(os.Stdout)
}

// measure is the experiment. The time without tallyman is taken before and after, so that a drift of the engine is not
// taken for tallyman's doing.
func measure(ctx context.Context, o options, f *fleet, binary string) (*report, error) {
	parts, err := f.processes(ctx)
	if err != nil {
		return nil, err
	}
	r := newReport(o, f, parts, binary)
	if r.Idle.Before, err = parts.idle(ctx, o.idle, "without tallyman"); err != nil {
		return nil, err
	}
	t, err := startTallyman(ctx, binary, o.containers)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	if err := r.scrapes(ctx, o, t); err != nil {
		return nil, err
	}
	if err := sleep(ctx, o.settle/4); err != nil {
		return nil, err
	}
	if r.Idle.With, err = parts.with(t.pid()).idle(ctx, o.idle, "with tallyman"); err != nil {
		return nil, err
	}
	if err := t.stop(); err != nil {
		return nil, err
	}
	r.Idle.After, err = parts.idle(ctx, o.idle, "without tallyman again")
	return r, err
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
