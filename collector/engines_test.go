package collector_test

import (
	"testing"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// TestSnapshot_engines: the containers of several engines stand side by side, and what one of them does leaves the others'
// numbers as they are.
func TestSnapshot_engines(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	h.engine.name = "local"
	far, silent := &views{name: "far", disk: &engine.Disk{}}, &views{name: "silent", disk: &engine.Disk{}}
	silent.Store(&engine.View{Problem: "tcp://silent:2376 did not answer within 10s", Reason: "timeout"})
	elsewhere := &engine.Container{
		ID: "ffff" + h.Containers[0].ID[4:], Name: "web", Image: "busybox:latest", State: engine.StateRunning, PID: h.Containers[0].PID,
	}
	elsewhere.NetworkOwner = elsewhere.ID
	far.Store(&engine.View{Up: true, LastContact: h.now, Containers: []*engine.Container{elsewhere}, Info: engine.Info{CgroupDriver: "cgroupfs"}})
	c := collector.New([]collector.Engine{h.engine, far, silent}, h.kernel, collector.Options{
		Now: func() time.Time { return h.now }, Self: h.self,
	})
	s := snapshot(t, c)
	if len(s.Containers) != len(h.Containers)+1 || len(s.Engines) != 3 {
		t.Fatalf("got %d containers of %d engines", len(s.Containers), len(s.Engines))
	}
	var web []collector.Container
	for _, n := range s.Containers {
		if n.Name == "web" {
			web = append(web, n)
		}
	}
	if len(web) != 2 || web[0].Engine+web[1].Engine != "localfar" && web[0].Engine+web[1].Engine != "farlocal" {
		t.Fatalf("got %+v", web)
	}
	for _, n := range web {
		// The process of that number is another engine's here.
		if local := n.Engine == "local"; (n.Source == collector.SourceCgroup) != local || (len(n.Stats.Network) > 0) != local {
			t.Errorf("the container of %s was read from %s: %+v", n.Engine, n.Source, n.Stats.Network)
		}
	}
	if e := s.Engines; !e[0].Up || !e[1].Up || e[2].Up || e[0].Sources.Cgroup != len(h.Containers) || e[1].Sources.None != 1 || e[2].Capabilities[0].Reason != "timeout" {
		t.Errorf("got %+v", e)
	}
	if again := snapshot(t, c); again != s {
		t.Error("nobody said anything new, but there is another snapshot")
	}
	far.Store(&engine.View{Up: true, LastContact: h.now})
	if s = snapshot(t, c); len(s.Containers) != len(h.Containers) || s.Engines[1].Sources.None != 0 {
		t.Errorf("a container that is gone is still there: %+v", s.Engines)
	}
}
