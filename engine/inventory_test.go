package engine

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
)

func TestInventory_beforeRun(t *testing.T) {
	t.Parallel()
	v := NewInventory(newClient(t, Options{}), InventoryOptions{}).View()
	if v.Up || v.Problem != "not connected yet" || len(v.Containers) != 0 || !v.LastContact.IsZero() || !v.Synced.IsZero() {
		t.Errorf("got %+v", v)
	}
}

func TestInventory_firstSync(t *testing.T) {
	t.Parallel()
	for _, version := range fakeengine.Versions() {
		l := recorded(t, version)
		v := l.inv.View()
		if len(v.Containers) != 28 || v.Problem != "" || v.Synced.IsZero() || v.LastContact.IsZero() {
			t.Errorf("%s: %d containers, problem %q", version, len(v.Containers), v.Problem)
		}
		for n := 1; n < len(v.Containers); n++ {
			if v.Containers[n-1].Name > v.Containers[n].Name {
				t.Errorf("%s: %q before %q", version, v.Containers[n-1].Name, v.Containers[n].Name)
			}
		}
		want := Info{APIVersion: "1.51", CgroupDriver: "cgroupfs", CgroupVersion: "1", Name: "vm", StorageDriver: "overlayfs"}
		if version == "20.10.24" {
			want.APIVersion, want.StorageDriver = "1.41", "overlay2"
		}
		got := v.Info
		if !strings.HasPrefix(got.Version, version) || got.KernelVersion == "" || got.OperatingSystem == "" {
			t.Errorf("%s: got %+v", version, got)
		}
		got.Version, got.KernelVersion, got.OperatingSystem = "", "", ""
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: %s", version, diff)
		}
		if joined, web := find(v, "eng-joined"), find(v, "eng-shop-web-1"); joined.NetworkOwner != web.ID {
			t.Errorf("%s: eng-joined uses the network of %.12s, want %.12s", version, joined.NetworkOwner, web.ID)
		}
		l.stop()
		if v := l.inv.View(); v.Up || len(v.Containers) != 28 {
			t.Errorf("%s: after the end: up %v, %d containers", version, v.Up, len(v.Containers))
		}
	}
}

func TestInventory_followsEvents(t *testing.T) {
	t.Parallel()
	for _, version := range fakeengine.Versions() {
		t.Run(version, func(t *testing.T) { followEvents(t, recorded(t, version)) })
	}
}

func followEvents(t *testing.T, l *lab) {
	before := l.inv.View()
	id := l.Create("life", "busybox:1")
	c := l.awaitContainer(t, "life", "created", func(c *Container) bool { return c.State == StateCreated })
	if c.ID != id || c.Image != "busybox:1" {
		t.Errorf("got %+v", c)
	}
	l.RunAs("life", 77)
	l.awaitContainer(t, "life", "running", func(c *Container) bool { return c.State == StateRunning && c.PID == 77 })
	l.Pause("life")
	l.awaitContainer(t, "life", "paused", func(c *Container) bool { return c.State == StatePaused })
	l.Unpause("life")
	l.awaitContainer(t, "life", "running", func(c *Container) bool { return c.State == StateRunning })
	l.Health("life", "unhealthy")
	l.awaitContainer(t, "life", "unhealthy", func(c *Container) bool { return c.Health == HealthUnhealthy && c.FailingStreak == 1 })
	l.Health("life", "healthy")
	l.awaitContainer(t, "life", "healthy", func(c *Container) bool { return c.Health == HealthHealthy && c.FailingStreak == 0 })
	l.Rename("life", "better-life")
	v := l.await(t, "renamed", func(v *View) bool { return find(v, "better-life") != nil })
	if find(v, "life") != nil {
		t.Error("the old name is still there")
	}
	l.Update("better-life", func(doc map[string]any) {
		doc["HostConfig"].(map[string]any)["RestartPolicy"] = map[string]any{"Name": "always"}
	})
	l.awaitContainer(t, "better-life", "updated", func(c *Container) bool { return c.RestartPolicy == "always" })
	l.DieToRestart("better-life", 3)
	l.awaitContainer(t, "better-life", "restarting", func(c *Container) bool {
		return c.State == StateRestarting && c.Restarts == 1 && c.Exits == Exits{Error: 1} && c.HasExited && c.ExitCode == 3
	})
	l.Run("better-life")
	l.OOM("better-life")
	l.Die("better-life", 137)
	l.awaitContainer(t, "better-life", "OOM-killed", func(c *Container) bool {
		return c.State == StateExited && c.OOMKilled && c.OOMKills == 1 && c.Exits == Exits{Error: 1, OOM: 1}
	})
	l.ManualRun("better-life")
	l.Die("better-life", 0)
	c = l.awaitContainer(t, "better-life", "ended", func(c *Container) bool { return c.Exits.Completed == 1 })
	if want := (Exits{Error: 1, OOM: 1, Completed: 1}); c.Exits != want || c.Restarts != 1 || c.ExitCode != 0 {
		t.Errorf("got %+v, %d restarts", c.Exits, c.Restarts)
	}
	l.Destroy("better-life")
	after := l.await(t, "destroyed", func(v *View) bool { return find(v, "better-life") == nil })
	untouched(t, before, after)
	if got := l.Requests("/containers/json"); got != 1 {
		t.Errorf("the list was asked for %d times", got)
	}
	want := []EventCount{
		{"container", "create", 1},
		{"container", "destroy", 1},
		{"container", "die", 3},
		{"container", "health_status", 2},
		{"container", "oom", 1},
		{"container", "pause", 1},
		{"container", "rename", 1},
		{"container", "start", 3},
		{"container", "unpause", 1},
		{"container", "update", 2},
	}
	if diff := cmp.Diff(after.Events, want); diff != "" {
		t.Errorf("events (-got +want):\n%s", diff)
	}
	if errs := l.counter(t, "tallyman_collect_errors_total", nil); errs != 0 {
		t.Errorf("%v errors", errs)
	}
}

// untouched checks that containers to which nothing happened are still the same pointers.
func untouched(t *testing.T, before, after *View) {
	t.Helper()
	if len(before.Containers) != len(after.Containers) {
		t.Errorf("%d containers, then %d", len(before.Containers), len(after.Containers))
		return
	}
	for n, c := range before.Containers {
		if after.Containers[n] != c {
			t.Errorf("%s: another pointer, but nothing changed: %s", c.Name, cmp.Diff(c, after.Containers[n]))
		}
	}
}

func TestInventory_execNoiseIsNotAskedFor(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	id := l.ID("eng-host")
	l.Emit("container", "exec_start: sh -c true", id, nil)
	l.Emit("plugin", "enable", id, nil)
	l.Emit("network", "connect", id, nil)
	l.Emit("container", "kill", id, map[string]string{"signal": "9"})
	v := l.await(t, "two events", func(v *View) bool { return len(v.Events) > 1 })
	if diff := cmp.Diff(v.Events, []EventCount{{"container", "kill", 1}, {"network", "connect", 1}}); diff != "" {
		t.Error(diff)
	}
}

func TestInventory_engineDownAtStart(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	l := follow(t, e, Options{}, fast())
	v := l.await(t, "down with a problem", func(v *View) bool { return strings.Contains(v.Problem, "is dockerd running") })
	if v.Up || !v.LastContact.IsZero() {
		t.Errorf("got %+v", v)
	}
	time.Sleep(300 * time.Millisecond) // several attempts
	if got := l.log.count("engine unreachable"); got != 1 {
		t.Errorf("logged %d times", got)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
	if got := l.log.count("engine connected"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}

func TestInventory_engineGoesAndComesBack(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	for round := range 3 {
		before := l.inv.View()
		if err := l.Stop(); err != nil {
			t.Fatal(err)
		}
		down := l.await(t, "down", func(v *View) bool { return !v.Up })
		if down.Problem == "" || down.Synced != before.Synced || down.LastContact.IsZero() {
			t.Errorf("got %+v", down)
		}
		untouched(t, before, down)
		l.await(t, "refused", func(v *View) bool { return strings.Contains(v.Problem, "is dockerd running") })
		if round == 1 {
			// What happens while nobody looks is found by the list.
			l.Rename("eng-host", "eng-hosted")
			l.Create("late", "x")
			l.Destroy("eng-tty")
		}
		if err := l.Start(); err != nil {
			t.Fatal(err)
		}
		up := l.await(t, "up again", func(v *View) bool { return v.Up })
		switch {
		case round == 1 && (find(up, "eng-hosted") == nil || find(up, "late") == nil || find(up, "eng-tty") != nil):
			t.Error("the changes of the outage were not seen")
		case round != 1:
			untouched(t, before, up)
		}
	}
	if got := l.counter(t, "tallyman_engine_reconnects_total", nil); got != 3 {
		t.Errorf("counted %v reconnects, want 3", got)
	}
}

func TestInventory_upgradedEngineIsNegotiatedAnew(t *testing.T) {
	t.Parallel()
	old := fakeengine.ForTest(t, fakeengine.Options{Version: "20.10.24"})
	l := follow(t, old, Options{}, fast())
	l.await(t, "up", func(v *View) bool { return v.Up && v.Info.APIVersion == "1.41" })
	if err := old.Stop(); err != nil {
		t.Fatal(err)
	}
	fakeengine.ForTest(t, fakeengine.Options{Version: "29.7.2", Listen: old.Host()})
	v := l.await(t, "upgraded", func(v *View) bool { return v.Up && v.Info.APIVersion == "1.51" })
	if len(v.Containers) != 28 || v.Info.Version != "29.7.2" {
		t.Errorf("got %d containers of %s", len(v.Containers), v.Info.Version)
	}
}

func TestInventory_droppedStreamLosesNothing(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	l.Die("eng-host", 0)
	l.awaitContainer(t, "eng-host", "counted", func(c *Container) bool { return c.Exits.Completed == 1 })
	for range 3 {
		l.SetFault("/events", fakeengine.Fault{Delay: 50 * time.Millisecond, Times: 1})
		l.DropEvents()
		l.Run("eng-host")
		l.Die("eng-host", 1)
		l.await(t, "up", func(v *View) bool { return v.Up && l.Streams() == 1 })
	}
	c := l.awaitContainer(t, "eng-host", "counted", func(c *Container) bool { return c.Exits.Error >= 3 })
	if want := (Exits{Completed: 1, Error: 3}); c.Exits != want {
		t.Errorf("got %+v, want %+v", c.Exits, want)
	}
	v := l.await(t, "quiet", func(v *View) bool { return v.Up })
	want := []EventCount{{"container", "die", 4}, {"container", "start", 3}}
	if diff := cmp.Diff(v.Events, want); diff != "" {
		t.Errorf("replayed events were counted twice: %s", diff)
	}
}

func TestInventory_exitInAGapIsCountedOnce(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	l.Mute(true)
	l.Die("eng-host", 3)
	l.Mute(false)
	l.DropEvents()
	l.awaitContainer(t, "eng-host", "counted", func(c *Container) bool { return c.Exits == Exits{Error: 1} && c.State == StateExited })
	l.DropEvents()
	l.await(t, "reconnected twice", func(v *View) bool {
		return v.Up && l.counter(t, "tallyman_engine_reconnects_total", nil) == 2 && l.Requests("/containers/json") == 3
	})
	if c := find(l.inv.View(), "eng-host"); c.Exits != (Exits{Error: 1}) {
		t.Errorf("got %+v", c.Exits)
	}
}

func TestInventory_resyncHeals(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	o := fast()
	o.Resync = 100 * time.Millisecond
	l := follow(t, e, Options{}, o)
	before := l.await(t, "up", func(v *View) bool { return v.Up })
	l.Mute(true)
	l.Rename("eng-host", "eng-hosted")
	l.Create("unheard", "x")
	l.Destroy("eng-tty")
	v := l.await(t, "healed", func(v *View) bool {
		return find(v, "eng-hosted") != nil && find(v, "unheard") != nil && find(v, "eng-tty") == nil
	})
	if !v.Up || !v.Synced.After(before.Synced) || find(v, "eng-none") != find(before, "eng-none") {
		t.Error("the resync disturbed what was well")
	}
	l.SetFault("/containers/json", fakeengine.Fault{Status: 500, Body: "out of order"})
	n := l.Requests("/containers/json")
	l.await(t, "asked again", func(*View) bool { return l.Requests("/containers/json") > n })
	if v := l.inv.View(); !v.Up || len(v.Containers) != 28 {
		t.Errorf("a failed resync: up %v, %d containers", v.Up, len(v.Containers))
	}
}

// hasty is fast without patience for slow inspects.
func hasty() InventoryOptions {
	o := fast()
	o.Patience = 300 * time.Millisecond
	return o
}

func TestInventory_slowEngineAfterAnOutage(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	l := follow(t, e, Options{Timeout: 20 * time.Second}, hasty())
	l.await(t, "up", func(v *View) bool { return v.Up && find(v, "eng-host").PID > 0 })
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "down", func(v *View) bool { return !v.Up })
	l.Rename("eng-host", "eng-hosted")
	l.Die("eng-hosted", 1)
	l.SetFault("/containers/{id}/json", fakeengine.Fault{Delay: 10 * time.Second})
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	v := l.await(t, "up again", func(v *View) bool { return v.Up })
	if c := find(v, "eng-hosted"); c == nil || c.State != StateExited || c.PID != 0 || c.Started.IsZero() {
		t.Errorf("got %+v", c)
	}
}

func TestInventory_oneBadContainerCostsOnlyItself(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fakeengine.Fault{
		"hangs":     {Hang: true},
		"500":       {Status: 500, Body: `{"message":"no"}`},
		"half JSON": {HalfJSON: true},
		"cut":       {Cut: true},
		"HTML":      {HTML: true},
		"endless":   {Endless: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fakeengine.ForTest(t, fakeengine.Options{})
			bad := e.ID("eng-host")
			e.SetFault("/containers/"+bad+"/json", fault)
			l := follow(t, e, Options{Timeout: time.Second}, hasty())
			v := l.await(t, "up", func(v *View) bool { return v.Up })
			c := find(v, "eng-host")
			if len(v.Containers) != 28 || c == nil || c.State != StateRunning || c.NetworkMode != "host" {
				t.Fatalf("%d containers, the bad one %+v", len(v.Containers), c)
			}
			l.Rename("eng-none", "eng-nothing")
			l.awaitContainer(t, "eng-nothing", "renamed", func(*Container) bool { return true })
			l.await(t, "counted", func(*View) bool {
				return l.counter(t, "tallyman_collect_errors_total", map[string]string{"part": "/containers/{id}/json"}) > 0
			})
			l.ClearFaults()
			l.awaitContainer(t, "eng-host", "healed", func(c *Container) bool { return c.PID > 0 })
			if !l.inv.View().Up {
				t.Error("down")
			}
		})
	}
}

func TestInventory_manyHungContainers(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	for _, id := range e.IDs()[:12] {
		e.SetFault("/containers/"+id+"/json", fakeengine.Fault{Hang: true})
	}
	healthy := e.IDs()[20]
	l := follow(t, e, Options{Timeout: 3 * time.Second}, hasty())
	v := l.await(t, "up", func(v *View) bool { return v.Up })
	if len(v.Containers) != 28 {
		t.Errorf("got %d containers", len(v.Containers))
	}
	began := time.Now()
	l.Rename(healthy, "still-seen")
	l.awaitContainer(t, "still-seen", "renamed", func(*Container) bool { return true })
	if d := time.Since(began); d > 3*time.Second+500*time.Millisecond {
		t.Errorf("it took %s", d)
	}
}

func TestInventory_badAnswersToEverything(t *testing.T) {
	for name, fault := range map[string]fakeengine.Fault{
		"500": {Status: 500, Body: "no"}, "HTML": {HTML: true}, "hangs": {Hang: true}, "endless": {Endless: true}, "cut": {Cut: true},
		"half JSON": {HalfJSON: true},
	} {
		for _, pattern := range []string{"/_ping", "/version", "/info", "/containers/json", "/events"} {
			if pattern == "/_ping" && (fault.Endless || fault.Cut || fault.HalfJSON) {
				continue // a ping has no body worth reading
			}
			t.Run(name+" "+pattern, func(t *testing.T) {
				t.Parallel()
				e := fakeengine.ForTest(t, fakeengine.Options{})
				e.SetFault(pattern, fault)
				l := follow(t, e, Options{Timeout: 150 * time.Millisecond, MaxResponseBytes: 2 << 20}, fast())
				// All but version and info are needed, and the events of an engine that only cuts or halves them are just late.
				harmless := pattern == "/version" || pattern == "/info" || pattern == "/events" && (fault.Cut || fault.HalfJSON)
				if harmless {
					l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
					return
				}
				v := l.await(t, "down", func(v *View) bool { return !v.Up && v.Problem != "not connected yet" })
				if v.Problem == "" || len(v.Problem) > maxMessage {
					t.Errorf("problem %q", v.Problem)
				}
				e.ClearFaults()
				l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
			})
		}
	}
}

func TestInventory_hungEngineIsNoticed(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	for _, pattern := range []string{"/_ping", "/containers/json", "/containers/{id}/json", "/events", "/info", "/version"} {
		l.SetFault(pattern, fakeengine.Fault{Hang: true}) // the open event stream stays open, and silent
	}
	v := l.await(t, "down", func(v *View) bool { return !v.Up })
	if !strings.Contains(v.Problem, "did not answer within") {
		t.Errorf("problem %q", v.Problem)
	}
	l.ClearFaults()
	l.await(t, "up", func(v *View) bool { return v.Up })
}

func TestInventory_silentEngineIsPinged(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	first := l.inv.View().LastContact
	before := l.Requests("/_ping")
	v := l.await(t, "heard again", func(v *View) bool { return v.LastContact.After(first) })
	if !v.Up || l.Requests("/_ping") == before {
		t.Errorf("up %v, %d pings", v.Up, l.Requests("/_ping"))
	}
}

func TestInventory_garbageInTheStream(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	for _, line := range []string{"nonsense", "{}", `{"Type":7}`, "[]", `{"Type":"container","Action":"die","Actor":{"ID":"../../x"}}`, strings.Repeat("x", 3<<20)} {
		l.Raw(line)
	}
	l.Rename("eng-none", "eng-nothing")
	l.awaitContainer(t, "eng-nothing", "renamed", func(*Container) bool { return true })
	if got := l.counter(t, "tallyman_collect_errors_total", map[string]string{"part": "/events"}); got != 5 {
		t.Errorf("counted %v errors, want 5", got)
	}
	if got := l.counter(t, "tallyman_engine_reconnects_total", nil); got != 0 {
		t.Errorf("%v reconnects", got)
	}
}

func TestInventory_eventStorm(t *testing.T) {
	l := recorded(t, "28.5.2")
	views := map[*View]bool{}
	began := time.Now()
	for n := range 5000 {
		l.Health("eng-sick", []string{"healthy", "unhealthy"}[n%2])
		views[l.inv.View()] = true
		if n%200 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	took := time.Since(began)
	l.awaitContainer(t, "eng-sick", "settled", func(c *Container) bool { return c.Health == HealthUnhealthy })
	if most := int(took/minPublishInterval) + 10; len(views) > most {
		t.Errorf("%d publications in %s, want at most %d", len(views), took, most)
	}
	if got := l.Requests("/containers/{id}/json"); got > 28+2500 {
		t.Errorf("%d inspects for 5000 events of one container", got)
	}
}

func TestInventory_churn(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	for n := range 300 {
		name := fmt.Sprint("churn-", n)
		l.Create(name, "x")
		l.Run(name)
		l.Die(name, 0)
		l.Destroy(name)
		if n%5 == 0 {
			time.Sleep(5 * time.Millisecond) // no dockerd is as fast as the fake, and both drop events of a slow reader
		}
	}
	l.Create("last", "x")
	v := l.await(t, "settled", func(v *View) bool { return find(v, "last") != nil && len(v.Containers) == 29 })
	if !v.Up {
		t.Error("down")
	}
	l.stop()
	if n := len(l.inv.tracker.entries); n != 29 {
		t.Errorf("%d containers are remembered", n)
	}
}

func TestInventory_failedStartIsNoticed(t *testing.T) {
	t.Parallel()
	l := recorded(t, "28.5.2")
	l.Create("bad", "x")
	l.awaitContainer(t, "bad", "created", func(c *Container) bool { return c.State == StateCreated && !c.HasExited })
	l.Mute(true) // engines send nothing
	l.Update("bad", func(doc map[string]any) {
		state := doc["State"].(map[string]any)
		state["ExitCode"], state["Error"] = 127, "no such file"
	})
	l.awaitContainer(t, "bad", "failed", func(c *Container) bool { return c.HasExited && c.ExitCode == 127 })
}

func TestInventory_empty(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{Empty: true})
	l := follow(t, e, Options{}, fast())
	l.await(t, "up", func(v *View) bool { return v.Up && !v.Synced.IsZero() && len(v.Containers) == 0 })
	l.Create("first", "x")
	l.awaitContainer(t, "first", "seen", func(*Container) bool { return true })
}

func TestInventory_tcp(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{Listen: "tcp://127.0.0.1:0"})
	l := follow(t, e, Options{}, fast())
	l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
	l.Rename("eng-none", "eng-nothing")
	l.awaitContainer(t, "eng-nothing", "renamed", func(*Container) bool { return true })
}

func TestInventory_noPermission(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "d.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{Host: "unix://" + path})
	wrapped := fmt.Errorf("HEAD /_ping: %w", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)})
	if got := reason(wrapped); got != "permission" {
		t.Errorf("got reason %q", got)
	}
	got := c.problem(wrapped)
	for _, want := range []string{path, "belongs to group", "usermod -aG", "--group-add"} {
		if !strings.Contains(got, want) {
			t.Errorf("problem %q does not contain %q", got, want)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := c.problem(wrapped); !strings.Contains(got, "mode is 600") {
		t.Errorf("problem %q", got)
	}
}

// TestInventory_noPermissionForReal takes the rights from one thread, as a whole process that has none is not to be had here.
func TestInventory_noPermissionForReal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give up its rights")
	}
	e := fakeengine.ForTest(t, fakeengine.Options{})
	path := strings.TrimPrefix(e.Host(), "unix://")
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		for _, call := range [][4]uintptr{
			{syscall.SYS_SETGROUPS, 0, 0, 0}, {syscall.SYS_SETRESGID, 65534, 65534, 65534}, {syscall.SYS_SETRESUID, 65534, 65534, 65534},
		} {
			if _, _, errno := syscall.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				failed <- errno
				return
			}
		}
		conn, err := net.Dial("unix", path)
		if err == nil {
			_ = conn.Close()
		}
		failed <- err
	}()
	err := <-failed
	c := newClient(t, Options{Host: e.Host()})
	if err == nil || !strings.Contains(c.problem(err), "belongs to group root") {
		t.Errorf("got %v, problem %q", err, c.problem(err))
	}
}

// TestInventory_resyncFasterThanInspects: lists that come before the inspects of the one before have ended do not put off the
// first View for ever.
func TestInventory_resyncFasterThanInspects(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/containers/{id}/json", fakeengine.Fault{Delay: time.Second})
	o := hasty()
	o.Resync = 50 * time.Millisecond
	l := follow(t, e, Options{}, o)
	l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
}
