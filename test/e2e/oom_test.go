package e2e

import (
	"fmt"
	"testing"

	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// TestOOMKillsStay: a container that the kernel kills three times, and the restart policy starts anew, has three kills: for
// a tallyman that is scraped all the time, for one that nobody asks meanwhile, and after a restart of the engine.
func TestOOMKillsStay(t *testing.T) {
	require.OwnEngine(t)
	e := newEngine(t)
	if err := shared.script("populate", e.Host, "images"); err != nil {
		t.Fatal(err)
	}
	watched := launch(t, program.Options{Path: binary(t), Host: e.Host})
	quiet := launch(t, program.Options{Path: binary(t), Host: e.Host})
	for _, p := range []*program.Program{watched, quiet} {
		p.WaitFor(t, limit, func(page scrape.Page) string {
			if !page.Is(1, "tallyman_engine_up") {
				return "tallyman_engine_up is not 1"
			}
			return ""
		})
	}
	const name = "tm-thrice"
	// A file in its writable layer counts the runs; the fourth goes on.
	e.Run(t, "run", "-d", "--name", name, "--network", "none", "--restart", "always", "--stop-timeout", "1", "-m", "16m", "--memory-swap", "16m",
		image, "sh", "-c", "echo >>/runs; [ $(wc -l </runs) -gt 3 ] && exec sleep 36000; exec tail /dev/zero")
	most := 0.0
	said := func(page scrape.Page, restarts float64) string {
		kills, _ := page.Value("container_oom_events_total", "name", name)
		if kills > 3 || kills < most {
			t.Fatalf("%v kills, before there were %v", kills, most)
		}
		most = kills
		if done, _ := page.Value("container_restarts_total", "name", name); done < restarts || kills < 3 {
			return fmt.Sprintf("%v restarts and %v kills", done, kills)
		}
		if !page.Is(1, "container_state", "name", name, "state", "running") {
			return "it does not run"
		}
		return ""
	}
	watched.WaitFor(t, limit, func(page scrape.Page) string { return said(page, 3) })
	for what, p := range map[string]*program.Program{"scraped all the time": watched, "not asked meanwhile": quiet} {
		page := p.Metrics(t)
		kills, _ := page.Value("container_oom_events_total", "name", name)
		exits, _ := page.Value("container_exits_total", "name", name, "reason", "oom")
		if kills != 3 || exits != 3 {
			t.Errorf("%s: got %v kills and %v exits for want of memory, want 3 of each", what, kills, exits)
		}
	}
	started, _ := watched.Metrics(t).Value("container_start_time_seconds", "name", name)
	e.run(t, "halt")
	e.start(t)
	for what, p := range map[string]*program.Program{"scraped all the time": watched, "not asked meanwhile": quiet} {
		page := p.WaitFor(t, limit, func(page scrape.Page) string {
			again, _ := page.Value("container_start_time_seconds", "name", name)
			if again <= started || !page.Is(1, "container_state", "name", name, "state", "running") || !page.Is(1, "tallyman_engine_up") {
				return "it does not run again"
			}
			return ""
		})
		kills, _ := page.Value("container_oom_events_total", "name", name)
		t.Logf("%s: %v kills after the restart of the engine", what, kills)
		if kills != 3 {
			t.Errorf("%s: got %v kills after the restart of the engine, want 3", what, kills)
		}
	}
}
