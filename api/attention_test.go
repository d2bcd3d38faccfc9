package api

import (
	"slices"
	"strings"
	"testing"

	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

func TestReasons(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*collector.Container, *engine.Container)
		want   string
	}{
		"nothing":            {func(*collector.Container, *engine.Container) {}, ""},
		"throttled":          {func(c *collector.Container, _ *engine.Container) { c.Rates.ThrottledRatio = 0.25 }, "throttled"},
		"throttled a little": {func(c *collector.Container, _ *engine.Container) { c.Rates.ThrottledRatio = 0.24 }, ""},
		"at its limit": {func(c *collector.Container, _ *engine.Container) {
			c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit = 61<<20, 64<<20
		}, "memory_limit"},
		"much page cache": {func(c *collector.Container, _ *engine.Container) {
			c.Stats.Memory.Usage, c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit = 64<<20, 60<<20, 64<<20
		}, ""},
		"waits": {func(c *collector.Container, _ *engine.Container) {
			c.Rates.MemoryPressure, c.Rates.CPUPressure = 0.1, 0.6
		}, "memory_pressure cpu_pressure"},
		"waits a little": {func(c *collector.Container, _ *engine.Container) {
			c.Rates.MemoryPressure, c.Rates.CPUPressure = 0.09, 0.59
		}, ""},
		"waits for disks": {func(c *collector.Container, _ *engine.Container) { c.Rates.IOPressure = 1 }, "io_pressure"},
		"one kill":        {func(c *collector.Container, _ *engine.Container) { c.OOMKills, c.Recent.OOMKills = 9, 1 }, "oom_killed"},
		"two kills":       {func(c *collector.Container, _ *engine.Container) { c.Recent.OOMKills = 2 }, "oom_looping"},
		"killed long ago, and started again": {func(c *collector.Container, f *engine.Container) {
			c.OOMKills, f.HasExited, f.ExitCode, f.OOMKilled, f.Restarts = 9, true, 137, true, 9
		}, ""},
		"killed, and about to start again": {func(_ *collector.Container, f *engine.Container) {
			f.State, f.HasExited, f.ExitCode, f.OOMKilled = engine.StateRestarting, true, 137, true
		}, "oom_looping"},
		"killed, and that was it": {func(_ *collector.Container, f *engine.Container) {
			f.State, f.HasExited, f.ExitCode, f.OOMKilled = engine.StateExited, true, 137, true
		}, "oom_killed"},
		"one restart":  {func(c *collector.Container, _ *engine.Container) { c.Recent.Restarts = 1 }, ""},
		"two restarts": {func(c *collector.Container, _ *engine.Container) { c.Recent.Restarts = 2 }, "restarting"},
		"dead":         {func(_ *collector.Container, f *engine.Container) { f.State = engine.StateDead }, "dead"},
		"unhealthy":    {func(_ *collector.Container, f *engine.Container) { f.Health = engine.HealthUnhealthy }, "unhealthy"},
		"was unhealthy": {func(_ *collector.Container, f *engine.Container) {
			f.Health, f.State = engine.HealthUnhealthy, engine.StateExited
		}, ""},
		"stopped": {func(_ *collector.Container, f *engine.Container) {
			f.State, f.HasExited, f.ExitCode = engine.StateExited, true, 143
		}, ""},
		"ended well": {func(_ *collector.Container, f *engine.Container) { f.State, f.HasExited = engine.StateExited, true }, ""},
		"ended badly": {func(_ *collector.Container, f *engine.Container) {
			f.State, f.HasExited, f.ExitCode = engine.StateExited, true, 1
		}, "exited_nonzero"},
		"did not start": {func(_ *collector.Container, f *engine.Container) {
			f.State, f.HasExited, f.ExitCode = engine.StateCreated, true, 127
		}, "exited_nonzero"},
		"ended badly once": {func(_ *collector.Container, f *engine.Container) { f.HasExited, f.ExitCode = true, 1 }, ""},
		"all at once": {func(c *collector.Container, f *engine.Container) {
			c.Rates.ThrottledRatio, c.Rates.CPUPressure, c.Recent.OOMKills, f.Health = 1, 1, 5, engine.HealthUnhealthy
		}, "oom_looping unhealthy throttled cpu_pressure"},
	} {
		c := sample.Snapshot().Containers[11] // the sidecar, of which there is nothing to say
		f := *c.Facts
		c.Facts = &f
		tt.change(&c, &f)
		if got := reasons(&c); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	c := sample.Blank("/x", "x", "")
	if got := reasons(&c); len(got) != 0 {
		t.Errorf("nothing is known: got %q", got)
	}
	c.Rates.ThrottledRatio = 1
	if got := reasons(&c); !slices.Equal(got, []string{"throttled"}) {
		t.Errorf("while the engine is away: got %q", got)
	}
}

// TestAttention_order: the worst first, then those with more reasons, then by name.
func TestAttention_order(t *testing.T) {
	t.Parallel()
	var got []string
	for _, a := range attention(sample.Snapshot()) {
		got = append(got, string(a.Name)+":"+strings.Join(a.Reasons, ","))
	}
	want := []string{
		"crashloop:restarting", "dead:dead", "unhealthy:unhealthy", "busy:throttled,oom_killed", "oomed:oom_killed",
		"exited3:exited_nonzero",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if compareReasons([]string{"dead"}, nil) >= 0 || compareReasons([]string{"throttled"}, []string{"throttled", "exited_nonzero"}) <= 0 {
		t.Error("fewer reasons come first")
	}
}
