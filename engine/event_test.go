package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tallyman/internal/fakeengine"
)

// told keeps the events that a callback was given.
type told struct {
	mu  sync.Mutex // guards the field below
	all []Event
}

func (o *told) happened(ev Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, ev)
}

func (o *told) list() []Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Event(nil), o.all...)
}

// TestInventory_onEvent: every event is told once and in order, also over a break of the stream, with what people want to know.
func TestInventory_onEvent(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	var got told
	o := fast()
	o.OnEvent = got.happened
	l := follow(t, e, Options{}, o)
	l.await(t, "up", func(v *View) bool { return v.Up })
	id := e.Create("new", "eng-bb:latest")
	e.Run("new")
	e.Emit("network", "connect", "n1", map[string]string{"name": "bridge", "container": id})
	e.Emit("volume", "mount", "data", map[string]string{"driver": "local"})
	e.Emit("daemon", "reload", "d1", map[string]string{"name": "host"})
	e.Emit("image", "tag", "sha256:1", map[string]string{"name": "eng-bb:2"})
	e.Emit("container", "exec_create: sh", id, nil)
	e.Health("new", "unhealthy")
	e.Emit("container", "kill", id, map[string]string{"name": "new", "image": "eng-bb:latest", "signal": "15", "exitCode": "7"})
	e.DropEvents()
	e.Die("new", 3)
	e.Replay("die", id)
	e.Destroy("new")
	l.await(t, "gone", func(v *View) bool { return v.Up && find(v, "new") == nil && len(got.list()) >= 10 })
	all := got.list()
	for n, ev := range all {
		if time.Since(ev.Time) > time.Minute || n > 0 && ev.Time.Before(all[n-1].Time) {
			t.Errorf("%s %s happened at %v", ev.Type, ev.Action, ev.Time)
		}
	}
	of := Event{Type: "container", ID: id, Name: "new", Image: "eng-bb:latest"}
	with := func(action string, change func(*Event)) Event {
		out := of
		out.Action = action
		if change != nil {
			change(&out)
		}
		return out
	}
	want := []Event{
		with("create", nil), with("start", nil),
		{Type: "network", Action: "connect", ID: "n1", Name: "bridge"},
		{Type: "volume", Action: "mount", ID: "data"},
		{Type: "daemon", Action: "reload", ID: "d1", Name: "host"},
		{Type: "image", Action: "tag", ID: "sha256:1", Name: "eng-bb:2"},
		with("health_status", func(ev *Event) { ev.Detail = "unhealthy" }),
		with("kill", func(ev *Event) { ev.Signal = "15" }),
		with("die", func(ev *Event) { ev.HasExitCode, ev.ExitCode = true, 3 }),
		with("destroy", nil),
	}
	if diff := cmp.Diff(all, want, cmpopts.IgnoreFields(Event{}, "Time")); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}
