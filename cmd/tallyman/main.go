// Command tallyman serves what the Docker Engine and the kernel say about the containers of this host, and shows it at the command line.
//
// It only wires: commands and flags (commands.go, config.go), then the parts in the order of the data path (run.go). Start reading at run.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Set by the linker: see the Makefile.
var (
	version  = "dev"
	revision = "unknown"
	date     = "unknown"
)

// gcPercent is how much garbage may gather, in percent of what is in use: an exporter shall be small before it is fast, and
// with a few megabytes in use the difference in time cannot be measured. GOGC overrides it.
const gcPercent = 25

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// What is noted for a profile of the memory takes memory itself: only --web.enable-pprof has a use for it.
	runtime.MemProfileRate = 0
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
