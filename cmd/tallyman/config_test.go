package main

import (
	"io"
	"testing"
	"time"

	"tallyman/engine"
)

// TestConfig_diskUsage: 0 means never, and none; it is not taken for the engine's default.
func TestConfig_diskUsage(t *testing.T) {
	t.Parallel()
	f := func(want engine.DiskUsageOptions, args ...string) {
		t.Helper()
		c, err := parseConfig(args, env(nil), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.diskUsage(); got.Interval != want.Interval || got.Timeout != want.Timeout || got.Top != want.Top {
			t.Errorf("%q: got %+v", args, got)
		}
	}
	f(engine.DiskUsageOptions{Interval: 5 * time.Minute, Timeout: time.Minute, Top: 50})
	f(engine.DiskUsageOptions{Interval: -1, Timeout: time.Minute, Top: -1}, "--engine.disk-usage-interval=0s", "--collector.disk-top=0")
	f(engine.DiskUsageOptions{Interval: time.Hour, Timeout: 3 * time.Minute, Top: 7},
		"--engine.disk-usage-interval=1h", "--engine.disk-usage-timeout=3m", "--collector.disk-top=7")
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	match := matcher([]string{"com.docker.compose.*", "maintainer", "io/*/name"})
	for word, want := range map[string]bool{
		"com.docker.compose.project": true, "com.docker.compose.a/b": true, "com.docker.compos": false, "maintainer": true, "maintainers": false,
		"io/x/name": true, "io/x/y/name": true, "io.x.name": false, "": false,
	} {
		if got := match(word); got != want {
			t.Errorf("%q: got %t", word, got)
		}
	}
}
