package cgroups

import (
	"errors"
	"math"
	"os"
	"testing"

	"tallyman/internal/fixture"
)

// TestHandle_Glance: what a glance says is what a reading says, of every kind of host, and of a cgroup that is gone it says that.
func TestHandle_Glance(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"v1-hybrid-cgroupfs", "v2-cgroupfs", "v2-systemd"} {
		host := fixture.Open(t, "testdata/"+scenario+".txtar")
		r, err := NewReader(Options{Root: Root{ProcFS: host.Path("proc"), CgroupFS: host.Path("sys/fs/cgroup")}, MaxDescriptors: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range host.Containers {
			h, err := r.Open(Target{ID: c.ID, PID: c.PID, Parent: c.Parent, Driver: c.Driver, Network: true})
			if err != nil {
				t.Fatal(err)
			}
			var all, some Stats
			if err := errors.Join(h.Read(&all), h.Glance(&some)); err != nil {
				t.Errorf("%s %s: %v", scenario, c.Name, err)
			}
			f := func(what string, got, want float64) {
				t.Helper()
				if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Errorf("%s %s: %s is %v, want %v", scenario, c.Name, what, got, want)
				}
			}
			f("processor time", some.CPU.Usage, all.CPU.Usage)
			f("periods", some.CPU.Periods, all.CPU.Periods)
			f("throttled periods", some.CPU.ThrottledPeriods, all.CPU.ThrottledPeriods)
			f("memory", some.Memory.Usage, all.Memory.Usage)
			f("peak", some.Memory.MaxUsage, all.Memory.MaxUsage)
			f("working set", some.Memory.WorkingSet, all.Memory.WorkingSet)
			f("pressure", some.Pressure.CPU.Some+some.Pressure.Memory.Some+some.Pressure.IO.Some, all.Pressure.CPU.Some+all.Pressure.Memory.Some+all.Pressure.IO.Some)
			f("devices", float64(len(some.IO)), float64(len(all.IO)))
			for i := range some.IO {
				f("read", some.IO[i].ReadBytes, all.IO[i].ReadBytes)
				f("written", some.IO[i].WriteBytes, all.IO[i].WriteBytes)
			}
			f("interfaces", float64(len(some.Network)), float64(len(all.Network)))
			if math.IsNaN(some.CPU.Usage+some.Memory.WorkingSet+some.Memory.MaxUsage) || len(some.Network) == 0 || !math.IsNaN(some.Memory.Limit) || !math.IsNaN(some.CPU.Shares) {
				t.Errorf("%s %s: got %+v", scenario, c.Name, some)
			}
		}
	}
	host := fixture.Open(t, "testdata/v2-cgroupfs.txtar")
	root := Root{ProcFS: host.Path("proc"), CgroupFS: host.Path("sys/fs/cgroup")}
	for _, parts := range []Parts{DefaultParts, PartNetwork} {
		r, err := NewReader(Options{Root: root, MaxDescriptors: 1, Parts: parts})
		if err != nil {
			t.Fatal(err)
		}
		c := host.Container(t, map[Parts]string{DefaultParts: "web", PartNetwork: "db"}[parts])
		h, err := r.Open(Target{ID: c.ID, PID: c.PID, Driver: c.Driver, Network: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(host.Path("sys/fs/cgroup/docker/" + c.ID)); err != nil {
			t.Fatal(err)
		}
		var s Stats
		if err := h.Glance(&s); !errors.Is(err, ErrGone) || s.Network != nil {
			t.Errorf("parts %b of a cgroup that is gone: got %v, %+v", parts, err, s.Network)
		}
	}
}
