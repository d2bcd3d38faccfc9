package cgroups

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fixture"
)

// TestHandle_Glance: what a glance says is what a reading says, of every kind of host.
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
}

// TestHandle_Glance_rest: a glance does not read memory.stat and the peak again until processor time or memory in use has changed, or they
// are old.
func TestHandle_Glance_rest(t *testing.T) {
	t.Parallel()
	for scenario, files := range map[string]struct{ folder, cpu, usage, peak string }{
		"v1-hybrid-cgroupfs": {"memory/", "cpuacct/docker/ID/cpuacct.usage", "memory.usage_in_bytes", "memory.max_usage_in_bytes"},
		"v2-cgroupfs":        {"", "docker/ID/cpu.stat", "memory.current", "memory.peak"},
	} {
		host := fixture.Open(t, "testdata/"+scenario+".txtar")
		now := time.Unix(1000, 0)
		r, err := NewReader(Options{
			Root: Root{ProcFS: host.Path("proc"), CgroupFS: host.Path("sys/fs/cgroup")}, MaxDescriptors: 1, Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		c := host.Containers[0]
		h, err := r.Open(Target{ID: c.ID, PID: c.PID, Parent: c.Parent, Driver: c.Driver})
		if err != nil {
			t.Fatal(err)
		}
		write := func(file, content string) {
			host.Write(t, "sys/fs/cgroup/"+files.folder+"docker/"+c.ID+"/"+file, content)
		}
		inactive := "inactive_file 0\ntotal_inactive_file 0\n"
		peak := 1 << 30
		for _, step := range []struct {
			what   string
			happen func()
			read   bool
		}{
			{"first", func() {}, true},
			{"nothing", func() {}, false},
			{"memory", func() { write(files.usage, "12345678\n") }, true},
			{"nothing", func() {}, false},
			{"processor time", func() {
				path := "sys/fs/cgroup/" + strings.ReplaceAll(files.cpu, "ID", c.ID)
				host.Write(t, path, map[bool]string{true: "12345\n", false: "usage_usec 12345\n"}[strings.HasSuffix(path, "usage")])
			}, true},
			{"nothing for long", func() { now = now.Add(restLongest) }, true},
			{"the clock was set back", func() { now = now.Add(-time.Hour) }, true},
		} {
			peak++
			write(files.peak, fmt.Sprintln(peak))
			write("memory.stat", inactive)
			step.happen()
			now = now.Add(time.Second)
			var s Stats
			if err := h.Glance(&s); err != nil {
				t.Errorf("%s, %s: %v", scenario, step.what, err)
			}
			if got := s.Memory.MaxUsage == float64(peak); got != step.read || math.IsNaN(s.Memory.WorkingSet+s.Memory.MaxUsage) {
				t.Errorf("%s, %s: all was read: %v, want %v; got %+v", scenario, step.what, got, step.read, s.Memory)
			}
		}
	}
}

// TestHandle_Glance_gone: of a cgroup that is gone a glance says that, whatever parts are read.
func TestHandle_Glance_gone(t *testing.T) {
	t.Parallel()
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
