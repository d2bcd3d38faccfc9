package e2e

import (
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// soon is how long after a docker command its effect may take to be served: tallyman follows the engine's events, it does
// not poll.
func soon() time.Duration { return patience(2 * time.Second) }

// guinea starts a container to be changed, and waits until it is served.
func guinea(t *testing.T, p *program.Program, e docker.Engine, name string) {
	t.Helper()
	e.Remove(t, name)
	e.Run(t, "run", "-d", "--name", name, "--stop-timeout", "1", "--memory", "48m", image, "sleep", "36000")
	served(t, p, name+" is there", func(page scrape.Page) bool {
		return page.Is(48<<20, "container_spec_memory_limit_bytes", "name", name)
	})
}

// served waits until the page is as wanted, and tells how long it took.
func served(t *testing.T, p *program.Program, what string, want func(scrape.Page) bool) {
	t.Helper()
	began, scrapes := time.Now(), 0
	p.WaitFor(t, soon(), func(page scrape.Page) string {
		scrapes++
		if want(page) {
			return ""
		}
		return "not served: " + what
	})
	t.Logf("%s: in scrape %d, after %v", what, scrapes, time.Since(began).Round(time.Millisecond))
}

// gone says whether no series of any family names the container.
func gone(page scrape.Page, name string) bool {
	for family := range page {
		if len(page.All(family, "name", name)) > 0 {
			return false
		}
	}
	return true
}

func TestRename(t *testing.T) {
	p, e := start(t)
	guinea(t, p, e, "tm-old-name")
	e.Remove(t, "tm-new-name")
	e.Run(t, "rename", "tm-old-name", "tm-new-name")
	served(t, p, "the new name, and not the old one", func(page scrape.Page) bool {
		_, cpu := page.Value("container_cpu_usage_seconds_total", "name", "tm-new-name")
		return cpu && page.Is(1, "container_info", "name", "tm-new-name") && gone(page, "tm-old-name")
	})
}

func TestUpdateMemory(t *testing.T) {
	p, e := start(t)
	guinea(t, p, e, "tm-updated")
	e.Run(t, "update", "--memory", "56m", "--memory-swap", "112m", "tm-updated")
	served(t, p, "the new limit", func(page scrape.Page) bool {
		return page.Is(56<<20, "container_spec_memory_limit_bytes", "name", "tm-updated")
	})
}

func TestPauseUnpause(t *testing.T) {
	p, e := start(t)
	guinea(t, p, e, "tm-still")
	for _, change := range [][2]string{{"pause", "paused"}, {"unpause", "running"}} {
		command, state := change[0], change[1]
		e.Run(t, command, "tm-still")
		served(t, p, state, func(page scrape.Page) bool {
			_, cpu := page.Value("container_cpu_usage_seconds_total", "name", "tm-still")
			return cpu && page.Is(1, "container_state", "name", "tm-still", "state", state)
		})
	}
}

func TestRestart(t *testing.T) {
	p, e := start(t)
	guinea(t, p, e, "tm-again")
	before, _ := p.Metrics(t).Value("container_start_time_seconds", "name", "tm-again")
	e.Run(t, "restart", "-t", "0", "tm-again")
	served(t, p, "its new cgroup and its new start", func(page scrape.Page) bool {
		after, ok := page.Value("container_start_time_seconds", "name", "tm-again")
		_, cpu := page.Value("container_cpu_usage_seconds_total", "name", "tm-again")
		return ok && cpu && after > before && page.Is(137, "container_exit_code", "name", "tm-again")
	})
}

func TestRemove(t *testing.T) {
	p, e := start(t)
	guinea(t, p, e, "tm-leaving")
	e.Run(t, "rm", "-f", "tm-leaving")
	served(t, p, "nothing of it is left", func(page scrape.Page) bool { return gone(page, "tm-leaving") })
}

// TestTagMoves: a container is stale from the moment that its tag names another image, and no more when nothing has the tag.
func TestTagMoves(t *testing.T) {
	const tag = "tm-tagged:latest"
	p, e := start(t)
	e.Remove(t, "tm-tagged")
	e.Run(t, "tag", image, tag)
	e.Run(t, "run", "-d", "--name", "tm-tagged", "--stop-timeout", "1", tag, "sleep", "36000")
	for _, change := range []struct {
		what  string
		words []string
		stale float64
	}{
		{"the tag names its image", nil, 0},
		{"the tag has moved", []string{"tag", "tm-moved:latest", tag}, 1},
		{"the tag is back", []string{"tag", image, tag}, 0},
		{"the tag has moved again", []string{"tag", "tm-moved:latest", tag}, 1},
		{"the tag is gone", []string{"rmi", tag}, 0},
	} {
		if change.words != nil {
			e.Run(t, change.words...)
		}
		// Images are listed a second after the events, so that a pull costs one list.
		began := time.Now()
		p.WaitFor(t, time.Second+soon(), func(page scrape.Page) string {
			if page.Is(change.stale, "container_image_stale", "name", "tm-tagged") && len(page.All("container_image_created_time_seconds", "name", "tm-tagged")) == 1 {
				return ""
			}
			return "not served: " + change.what
		})
		t.Logf("%s: stale is %v after %v", change.what, change.stale, time.Since(began).Round(time.Millisecond))
	}
}
