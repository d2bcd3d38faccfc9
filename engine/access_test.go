package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fakeengine"
)

// polling is fast for an engine that is mostly listed.
func polling() InventoryOptions {
	o := hasty()
	o.Resync, o.Poll = 200*time.Millisecond, 100*time.Millisecond
	return o
}

// denied lists what a View says is refused.
func denied(v *View) string {
	var names []string
	for _, a := range v.Access {
		if a.Reason == "forbidden" && strings.Contains(a.Help, "allow that request") {
			names = append(names, a.Name)
		} else if a != (Access{Name: a.Name}) {
			names = append(names, "strange "+a.Name)
		}
	}
	return strings.Join(names, " ")
}

// TestInventory_refusedEndpoints: what a proxy refuses costs just that, however it says so.
func TestInventory_refusedEndpoints(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fakeengine.Fault{
		"401":                  {Status: 401, Body: "Unauthorized"},
		"403":                  {Status: 403, Body: "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>"},
		"404":                  {Status: 404, Body: "404 page not found"},
		"405":                  {Status: 405},
		"authorization plugin": {Status: 403, Body: `{"message":"authorization denied by plugin opa: no"}`},
	} {
		for patterns, want := range map[string]string{
			"":                              "",
			"/_ping":                        "",
			"/version":                      "version",
			"/info":                         "info",
			"/events":                       "events",
			"/containers/{id}/json":         "inspect",
			"/_ping /version /info":         "info version",
			"/images/json":                  "images",
			"/containers/{id}/json /events": "inspect events",
			"/_ping /version /info /events /containers/{id}/json": "inspect events info version",
		} {
			t.Run(name+" "+patterns, func(t *testing.T) {
				t.Parallel()
				e := fakeengine.ForTest(t, fakeengine.Options{})
				for pattern := range strings.FieldsSeq(patterns) {
					e.SetFault(pattern, fault)
				}
				l := follow(t, e, Options{}, fast())
				v := l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
				if got := denied(v); got != want {
					t.Errorf("got refused %q, want %q", got, want)
				}
				c := find(v, "eng-shop-web-1")
				if full := !strings.Contains(want, "inspect"); c.Listed == full || full != (c.PID > 0) || c.State != StateRunning {
					t.Errorf("got %+v", c)
				}
				if n := l.log.count("refuses a request"); n != len(strings.Fields(want)) {
					t.Errorf("logged %d refusals", n)
				}
				if n := l.counter(t, "tallyman_collect_errors_total", nil); n != 0 {
					t.Errorf("%v errors were counted", n)
				}
			})
		}
	}
}

func TestInventory_refusedList(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/containers/json", fakeengine.Fault{Status: 403, Body: "no"})
	l := follow(t, e, Options{}, fast())
	v := l.await(t, "down", func(v *View) bool { return v.Reason == "forbidden" })
	for _, want := range []string{"answered 403 to GET /containers/json", "allow that in the proxy"} {
		if !strings.Contains(v.Problem, want) {
			t.Errorf("problem %q does not say %q", v.Problem, want)
		}
	}
	l.ClearFaults()
	l.await(t, "up", func(v *View) bool { return v.Up && len(v.Containers) == 28 })
}

func TestInventory_refusedEvents(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/events", fakeengine.Fault{Status: 403})
	l := follow(t, e, Options{}, polling())
	before := l.await(t, "up", func(v *View) bool {
		return v.Up && !slices.ContainsFunc(v.Containers, func(c *Container) bool { return c.Listed })
	})
	l.Rename("eng-host", "eng-hosted")
	l.Create("new", "x")
	l.Destroy("eng-tty")
	l.DieToRestart("eng-none", 3)
	v := l.await(t, "polled", func(v *View) bool {
		return find(v, "eng-hosted") != nil && find(v, "new") != nil && find(v, "eng-tty") == nil
	})
	l.awaitContainer(t, "eng-none", "restarting", func(c *Container) bool { return c.Restarts == 1 && c.Exits == Exits{Error: 1} })
	if len(v.Events) != 0 || find(v, "eng-created") != find(before, "eng-created") {
		t.Errorf("got events %v", v.Events)
	}
	// The proxy is set right: nobody has to restart tallyman.
	l.ClearFaults()
	l.await(t, "followed", func(v *View) bool { return l.Streams() == 1 && denied(v) == "" })
	l.Health("eng-sick", "healthy")
	l.await(t, "heard", func(v *View) bool { return len(v.Events) == 1 && find(v, "eng-sick").Health == HealthHealthy })
	if got := l.counter(t, "tallyman_engine_reconnects_total", nil); got != 0 {
		t.Errorf("%v reconnects", got)
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "down", func(v *View) bool { return !v.Up })
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "up again", func(v *View) bool { return v.Up })
}

// TestInventory_polledEngineGoes: without a stream, the list tells that the engine is gone.
func TestInventory_polledEngineGoes(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/events", fakeengine.Fault{Status: 403})
	l := follow(t, e, Options{}, polling())
	l.await(t, "up", func(v *View) bool { return v.Up })
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "down", func(v *View) bool { return !v.Up && strings.Contains(v.Problem, "is dockerd running") })
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "up again", func(v *View) bool { return v.Up && denied(v) == "events" })
	if n := l.log.count("refuses a request"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestInventory_refusedInspects(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/containers/{id}/json", fakeengine.Fault{Status: 403})
	l := follow(t, e, Options{}, polling())
	l.await(t, "up", func(v *View) bool { return v.Up && denied(v) == "inspect" })
	l.Die("eng-host", 3)
	c := l.awaitContainer(t, "eng-host", "exited", func(c *Container) bool { return c.State == StateExited })
	if !c.Listed || !c.HasExited || c.ExitCode != 3 || c.Exits != (Exits{Error: 1}) {
		t.Errorf("got %+v", c)
	}
	l.Create("new", "x")
	l.Run("new")
	l.awaitContainer(t, "new", "running", func(c *Container) bool { return c.State == StateRunning && c.Image == "x" && c.PID == 0 })
	lists := l.Requests("/containers/json")
	asked := l.Requests("/containers/{id}/json")
	l.await(t, "listed", func(*View) bool { return l.Requests("/containers/json") >= lists+5 })
	if more := l.Requests("/containers/{id}/json") - asked; more > 7 {
		t.Errorf("%d more inspects for 5 lists", more)
	}
	l.ClearFaults()
	l.awaitContainer(t, "eng-shop-web-1", "inspected", func(c *Container) bool { return !c.Listed && c.PID > 0 && c.Health == HealthHealthy })
	l.await(t, "allowed", func(v *View) bool { return denied(v) == "" })
	if c := find(l.inv.View(), "eng-host"); c.Exits != (Exits{Error: 1}) {
		t.Errorf("the exit was counted again: %+v", c.Exits)
	}
}

// TestInventory_aContainerIsRefused: one container that may not be inspected is one container.
func TestInventory_aContainerIsRefused(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/containers/"+e.ID("eng-host")+"/json", fakeengine.Fault{Status: 403})
	l := follow(t, e, Options{}, hasty())
	v := l.await(t, "up", func(v *View) bool { return v.Up && find(v, "eng-tty").PID > 0 })
	if c := find(v, "eng-host"); !c.Listed || c.State != StateRunning || denied(v) != "" {
		t.Errorf("refused %q, got %+v", denied(v), c)
	}
	if n := l.counter(t, "tallyman_collect_errors_total", map[string]string{"reason": "forbidden"}); n == 0 {
		t.Error("nothing was counted")
	}
}

// TestInventory_refusedPing: a proxy that refuses pings says nothing of the engine behind it.
func TestInventory_refusedPing(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/_ping", fakeengine.Fault{Status: 403})
	l := follow(t, e, Options{Timeout: 500 * time.Millisecond}, fast())
	v := l.await(t, "up", func(v *View) bool { return v.Up })
	l.await(t, "heard again", func(w *View) bool { return w.LastContact.After(v.LastContact) })
	l.SetFault("/containers/json", fakeengine.Fault{Hang: true})
	l.await(t, "down", func(v *View) bool { return !v.Up && v.Reason == "timeout" })
	l.ClearFaults()
	l.await(t, "up", func(v *View) bool { return v.Up })
}
