package api

import (
	"math"
	"strings"
	"testing"
	"time"

	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

// runs is a container that runs, and is as it should be.
func runs(change func(*collector.Container, *engine.Container)) *collector.Container {
	c := sample.Blank("/docker/x", "x", "image")
	f := &engine.Container{ID: sample.ID("77"), Name: "x", State: engine.StateRunning, Started: sample.Now().Add(-time.Hour), RestartPolicy: "always"}
	c.Facts, c.Source, c.LastSeen, c.LimitCores = f, collector.SourceCgroup, float64(sample.Now().Unix()), 8
	change(&c, f)
	return &c
}

// codes lists the codes of reasons.
func codesOf(reasons []reason) string {
	var all []string
	for _, r := range reasons {
		all = append(all, r.Code())
	}
	return strings.Join(all, " ")
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	now := sample.Now()
	ended := func(code int, change func(*engine.Container)) *collector.Container {
		return runs(func(c *collector.Container, f *engine.Container) {
			c.Source, c.LastSeen = collector.SourceNone, math.NaN()
			f.State, f.HasExited, f.ExitCode, f.Finished = engine.StateExited, true, code, now.Add(-time.Minute)
			change(f)
		})
	}
	again := func(since time.Duration, code int, oom bool) *collector.Container {
		return runs(func(c *collector.Container, f *engine.Container) {
			f.Restarts, f.Finished, f.HasExited, f.ExitCode, f.OOMKilled = 5, now.Add(-since), true, code, oom
			c.Stats.Memory.Limit = 20 << 20
		})
	}
	nothing := func(*engine.Container) {}
	for name, tt := range map[string]struct {
		c    *collector.Container
		want string
		text string
	}{
		"calm":               {runs(func(*collector.Container, *engine.Container) {}), "", ""},
		"unknown":            {runs(func(c *collector.Container, _ *engine.Container) { c.Facts = nil }), "", ""},
		"done":               {ended(0, nothing), "", ""},
		"stopped":            {ended(143, nothing), "", ""},
		"failed":             {ended(3, nothing), "exited_nonzero", "ended with exit code 3"},
		"killed":             {ended(137, nothing), "exited_nonzero", "(SIGKILL)"},
		"not found":          {ended(127, func(f *engine.Container) { f.State = engine.StateCreated }), "exited_nonzero", "could not be started: exit code 127 (the command was not found)"},
		"oom":                {ended(137, func(f *engine.Container) { f.OOMKilled = true }), "oom_killed", "want of memory"},
		"dead":               {ended(0, func(f *engine.Container) { f.State = engine.StateDead }), "dead", ""},
		"between two runs":   {ended(1, func(f *engine.Container) { f.State, f.Restarts = engine.StateRestarting, 1 }), "restarting", "1 restart, last with exit code 1"},
		"only listed":        {ended(1, func(f *engine.Container) { f.State, f.Listed = engine.StateRestarting, true }), "restarting", ""},
		"just restarted":     {again(10*time.Second, 1, false), "restarting", "5 restarts"},
		"restarted long ago": {again(time.Hour, 1, false), "", ""},
		"restarted by hand":  {again(10*time.Second, 143, false), "", ""},
		"oom loop":           {again(10*time.Second, 137, true), "oom_looping", "5 restarts, its limit is 20.0 MiB"},
		"survived":           {again(time.Hour, 137, true), "", ""},
		"oom loop, not there": {ended(137, func(f *engine.Container) {
			f.State, f.OOMKilled, f.Limits.Memory = engine.StateRestarting, true, 32<<20
		}), "oom_looping", "32.0 MiB"},
		"unhealthy": {runs(func(_ *collector.Container, f *engine.Container) {
			f.Health, f.FailingStreak = engine.HealthUnhealthy, 3
		}), "unhealthy", "3 failed probes in a row"},
		"throttled": {runs(func(c *collector.Container, _ *engine.Container) {
			c.Rates.ThrottledRatio, c.Rates.CPU, c.LimitCores = 0.25, 0.1, 0.1
		}), "throttled", "25.0 % of its periods, at 0.100 of 0.100 processors"},
		"hardly throttled": {runs(func(c *collector.Container, _ *engine.Container) { c.Rates.ThrottledRatio = 0.24 }), "", ""},
		"full": {runs(func(c *collector.Container, _ *engine.Container) {
			c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit = 95, 100
		}), "memory_limit", "95.0 % of its limit of 100 B"},
		"no limit": {runs(func(c *collector.Container, _ *engine.Container) {
			c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit = 95, 0
		}), "", ""},
		"all at once, the worst first": {runs(func(c *collector.Container, f *engine.Container) {
			c.Rates.ThrottledRatio, c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit, f.Health = 1, 100, 100, engine.HealthUnhealthy
		}), "unhealthy throttled memory_limit", ""},
	} {
		got := trouble(tt.c)
		if codesOf(got) != tt.want {
			t.Errorf("%s: got %q, want %q", name, codesOf(got), tt.want)
		}
		if tt.text != "" && (len(got) == 0 || !strings.Contains(got[0].Text, tt.text)) {
			t.Errorf("%s: got %+v, want %q in it", name, got, tt.text)
		}
	}
}

// TestTrouble_order: the order in which rows are sorted is a promise.
func TestTrouble_order(t *testing.T) {
	t.Parallel()
	order := []severity{isOOMLooping, isRestarting, isDead, isUnhealthy, isThrottled, nearLimit, isBusy, waitsForMemory, waitsForCPU, waitsForIO, killed, endedBadly, calm}
	for i := range len(order) - 1 {
		if order[i] <= order[i+1] {
			t.Errorf("severity %d is not above %d", order[i], order[i+1])
		}
	}
	for s, want := range map[severity]string{isOOMLooping: "bad", isUnhealthy: "bad", isThrottled: "warn", waitsForIO: "warn", killed: "note", endedBadly: "note", calm: ""} {
		if got := s.level(); got != want {
			t.Errorf("severity %d: got %q, want %q", s, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	// used and of are those of the host.
	f := func(cpu, limit, throttled, used, of float64, want string) {
		t.Helper()
		c := runs(func(c *collector.Container, _ *engine.Container) {
			c.Rates.CPU, c.LimitCores, c.Rates.ThrottledRatio = cpu, limit, throttled
		})
		host := sample.Blank("/", "", "")
		host.Rates.CPU, host.LimitCores = used, of
		if got := codesOf(load(c, &host)); got != want {
			t.Errorf("%v of %v on a host with %v of %v: got %q, want %q", cpu, limit, used, of, got, want)
		}
	}
	nan := math.NaN()
	f(2, 8, 0, 4, 8, "busy")
	f(1.9, 8, 0, 4, 8, "")
	f(1.9, 8, 0, 7.5, 8, "busy")
	f(0.7, 8, 0, 8, 8, "")
	f(0.45, 0.5, 0.1, 4, 8, "busy")
	f(0.5, 0.5, 0.9, 4, 8, "") // throttled says it
	f(nan, 8, 0, 4, 8, "")
	f(2, 8, 0, nan, 8, "busy")
	f(1, nan, nan, nan, nan, "")
	f(0, 0, 0, 0, 0, "")
}

func TestExitWords(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{0: "exit code 0", 1: "exit code 1", 126: "exit code 126 (the command cannot be executed)", 139: "exit code 139 (SIGSEGV)", 255: "exit code 255", -1: "exit code -1"} {
		if got := exitWords(code); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
