package cgroups_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman/cgroups"
	"tallyman/internal/fixture"
)

var update = flag.Bool("update", false, "write the golden files anew")

func scenarios() []string { return []string{"v1-hybrid-cgroupfs", "v2-cgroupfs", "v2-systemd"} }

func open(t testing.TB, h *fixture.Host, o cgroups.Options) *cgroups.Reader {
	t.Helper()
	o.Root = cgroups.Root{ProcFS: h.Path("proc"), CgroupFS: h.Path("sys/fs/cgroup")}
	r, err := cgroups.NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func scenario(t testing.TB, name string) *fixture.Host {
	t.Helper()
	return fixture.Open(t, filepath.Join("testdata", name+".txtar"))
}

func target(c fixture.Container) cgroups.Target {
	return cgroups.Target{ID: c.ID, PID: c.PID, Parent: c.Parent, Driver: c.Driver, Network: true}
}

// find gives a container by the part of its name that all scenarios share.
func find(t testing.TB, h *fixture.Host, name string) cgroups.Target {
	t.Helper()
	for _, c := range h.Containers {
		if strings.Contains(c.Name, name) {
			return target(c)
		}
	}
	t.Fatalf("no container %q was recorded", name)
	return cgroups.Target{}
}

func read(t testing.TB, r *cgroups.Reader, target cgroups.Target) (*cgroups.Handle, cgroups.Stats) {
	t.Helper()
	h, err := r.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	var s cgroups.Stats
	if err := h.Read(&s); err != nil {
		t.Fatalf("read %s: %v", h.Path(), err)
	}
	return h, s
}

// printable gives every number of a value by its path, so that NaN can be written down.
func printable(out map[string]any, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			printable(out, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		if v.IsNil() {
			out[path[1:]] = "unknown"
		}
		for i := range v.Len() {
			printable(out, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Pointer:
		if v.IsNil() {
			out[path[1:]] = "unknown"
			return
		}
		printable(out, path, v.Elem())
	case reflect.Float64:
		if out[path[1:]] = v.Float(); math.IsNaN(v.Float()) {
			out[path[1:]] = "unknown"
		}
	default:
		out[path[1:]] = v.Interface()
	}
}

func TestReader_golden(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := scenario(t, name)
			r := open(t, h, cgroups.Options{})
			got := map[string]map[string]any{}
			add := func(name, path string, s any) {
				got[name] = map[string]any{"path": path}
				printable(got[name], "", reflect.ValueOf(s))
			}
			for _, c := range h.Containers {
				handle, s := read(t, r, target(c))
				add(c.Name, handle.Path(), s)
			}
			host := r.OpenHost()
			defer host.Close()
			var s cgroups.Stats
			if err := host.Read(&s); err != nil {
				t.Errorf("read host: %v", err)
			}
			add("host", host.Path(), s)
			add("machine", "", r.Machine())
			golden(t, filepath.Join("testdata", name+".golden.json"), got)
		})
	}
}

func golden(t *testing.T, file string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
	}
}

// TestReader_conformance holds every kind of host to the same answers for the same containers.
func TestReader_conformance(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := scenario(t, name)
			r := open(t, h, cgroups.Options{})
			equal := func(what string, got, want float64) {
				t.Helper()
				if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			_, web := read(t, r, find(t, h, "web"))
			equal("web quota", web.CPU.QuotaMicros, 50000)
			equal("web period", web.CPU.PeriodMicros, 100000)
			equal("web shares", web.CPU.Shares, 1024)
			equal("web memory limit", web.Memory.Limit, 64<<20)
			equal("web memory reservation", web.Memory.Reservation, 32<<20)
			if name != "v2-systemd" { // systemd gives every scope a TasksMax
				equal("web pids limit", web.Pids.ThreadsMax, math.NaN())
			}
			equal("web interfaces", float64(len(web.Network)), 1)
			if web.CPU.Usage <= 0 || web.CPU.Usage > 3600 {
				t.Errorf("web CPU usage: got %v, want seconds", web.CPU.Usage)
			}
			if sum := web.CPU.User + web.CPU.System; math.Abs(sum-web.CPU.Usage) > 0.1 {
				t.Errorf("web CPU: user + system = %v, usage = %v", sum, web.CPU.Usage)
			}
			if web.Memory.WorkingSet != web.Memory.Usage-web.Memory.InactiveFile {
				t.Errorf("web working set: got %v of usage %v", web.Memory.WorkingSet, web.Memory.Usage)
			}
			_, db := read(t, r, find(t, h, "db"))
			equal("db pids limit", db.Pids.ThreadsMax, 100)
			equal("db cpuset", db.CPU.CpusetCores, 1)
			_, oom := read(t, r, find(t, h, "oomchild"))
			equal("oomchild kills", oom.Memory.OOMKills, 1)
			equal("oomchild limit", oom.Memory.Limit, 16<<20)
			_, limits := read(t, r, find(t, h, "limits"))
			equal("limits quota", limits.CPU.QuotaMicros, 75000)
			equal("limits processes", limits.Pids.Processes, 3)
			equal("limits threads", limits.Pids.Threads, 3)
			equal("limits swap limit", limits.Memory.SwapLimit, math.NaN())
			nested, _ := read(t, r, find(t, h, "cgparent"))
			if !strings.HasPrefix(nested.Path(), "/eng-custom/sub/") && !strings.HasPrefix(nested.Path(), "/eng.slice/eng-custom.slice/docker-") {
				t.Errorf("cgparent: got path %s", nested.Path())
			}
		})
	}
}

func TestOpen_withoutProcess(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		h := scenario(t, name)
		for _, driver := range []string{h.Containers[0].Driver, ""} {
			r := open(t, h, cgroups.Options{})
			for _, c := range h.Containers {
				want, _ := read(t, r, target(c))
				blind := target(c)
				blind.PID, blind.Driver = 0, driver
				got, s := read(t, open(t, h, cgroups.Options{}), blind)
				if got.Path() != want.Path() {
					t.Errorf("%s %s without its process: got %s, want %s", name, c.Name, got.Path(), want.Path())
				}
				if s.Network != nil {
					t.Errorf("%s %s: traffic without a process that proves whose it is", name, c.Name)
				}
			}
		}
	}
}

func TestOpen_foreignProcess(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web, db := find(t, h, "web"), find(t, h, "db")
	web.PID = db.PID // the number was used again, or is one of another pid namespace
	handle, s := read(t, open(t, h, cgroups.Options{}), web)
	if !strings.HasSuffix(handle.Path(), web.ID) || s.Network != nil {
		t.Errorf("got %s with %d interfaces, want the container's own cgroup and no interface", handle.Path(), len(s.Network))
	}
}

func TestOpen_childCgroup(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web := find(t, h, "web")
	// systemd in a container moves itself to a child cgroup.
	h.Write(t, fmt.Sprintf("proc/%d/cgroup", web.PID), "0::/docker/"+web.ID+"/init.scope\n")
	h.Write(t, "sys/fs/cgroup/docker/"+web.ID+"/init.scope/cgroup.procs", "1\n")
	handle, s := read(t, open(t, h, cgroups.Options{}), web)
	if handle.Path() != "/docker/"+web.ID {
		t.Errorf("got path %s", handle.Path())
	}
	if !math.IsNaN(s.Pids.Processes) {
		t.Errorf("got %v processes, want unknown: some are in the child cgroup", s.Pids.Processes)
	}
}

// TestOpen_otherNamespace: in a cgroup namespace of its own, a reader sees paths that lead out of it.
func TestOpen_otherNamespace(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web := find(t, h, "web")
	h.Write(t, fmt.Sprintf("proc/%d/cgroup", web.PID), "0::/../"+web.ID+"\n")
	handle, s := read(t, open(t, h, cgroups.Options{}), web)
	if handle.Path() != "/docker/"+web.ID || len(s.Network) != 1 {
		t.Errorf("got %s with %d interfaces, want the container's cgroup and traffic", handle.Path(), len(s.Network))
	}
}

// TestOpen_self: in a cgroup namespace of its own, the reader's container is "/".
func TestOpen_self(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web, db := find(t, h, "web"), find(t, h, "db")
	if err := os.Symlink(strconv.Itoa(web.PID), h.Path("proc/self")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cgroups.Target{web, db} {
		h.Write(t, fmt.Sprintf("proc/%d/cgroup", c.PID), "0::/\n")
	}
	r := open(t, h, cgroups.Options{})
	if _, s := read(t, r, web); len(s.Network) != 1 {
		t.Errorf("got %d interfaces of the reader's own container, want 1", len(s.Network))
	}
	if _, s := read(t, r, db); s.Network != nil {
		t.Errorf("got %d interfaces of a container that its process does not prove, want none", len(s.Network))
	}
}

func TestOpen_notFound(t *testing.T) {
	t.Parallel()
	r := open(t, scenario(t, "v2-cgroupfs"), cgroups.Options{})
	for _, id := range []string{strings.Repeat("a", 64), "", "../../../../etc/passwd", "short"} {
		if _, err := r.Open(cgroups.Target{ID: id, PID: 1}); !errors.Is(err, cgroups.ErrNotFound) {
			t.Errorf("id %q: got %v, want ErrNotFound", id, err)
		}
	}
}

// TestOpen_podman: podman's names, with and without its process.
func TestOpen_podman(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("e", 64)
	for _, tt := range []struct{ parent, dir string }{
		{"", "/machine.slice/libpod-" + id + ".scope"},
		{"", "/libpod_parent/libpod-" + id},
		{"machine-pod.slice", "/machine.slice/machine-pod.slice/libpod-" + id + ".scope"},
	} {
		h := scenario(t, "v2-cgroupfs")
		h.Write(t, "sys/fs/cgroup"+tt.dir+"/memory.current", "4096\n")
		h.Write(t, "sys/fs/cgroup"+tt.dir+"/container/cgroup.procs", "777\n")
		h.Write(t, "proc/777/cgroup", "0::"+tt.dir+"/container\n")
		for _, pid := range []int{777, 0} {
			got, s := read(t, open(t, h, cgroups.Options{}), cgroups.Target{ID: id, PID: pid, Parent: tt.parent})
			if got.Path() != tt.dir || s.Memory.Usage != 4096 {
				t.Errorf("process %d: got %s with %v bytes, want %s with 4096", pid, got.Path(), s.Memory.Usage, tt.dir)
			}
		}
		r := open(t, h, cgroups.Options{})
		read(t, r, cgroups.Target{ID: id, PID: 777})
		other := strings.Repeat("f", 64)
		if got, want := r.Path(cgroups.Target{ID: other}), strings.ReplaceAll(tt.dir, id, other); got != want {
			t.Errorf("path of another: got %s, want %s", got, want)
		}
	}
}

// TestOpen_otherBranch: from a cgroup namespace of our own, a container in another branch of the tree is found by the path
// that is left when the way up is cut off.
func TestOpen_otherBranch(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	id := strings.Repeat("e", 64)
	h.Write(t, "sys/fs/cgroup/odd/place/"+id+"/memory.current", "4096\n")
	h.Write(t, "proc/777/cgroup", "0::/../../odd/place/"+id+"\n")
	got, _ := read(t, open(t, h, cgroups.Options{}), cgroups.Target{ID: id, PID: 777})
	if want := "/odd/place/" + id; got.Path() != want {
		t.Errorf("got %s, want %s", got.Path(), want)
	}
}

func TestSlices(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-systemd")
	for _, dir := range []string{"ssh.service", "cron.service", "tmp.mount"} {
		h.Write(t, "sys/fs/cgroup/system.slice/"+dir+"/memory.current", "8192\n")
	}
	h.Write(t, "sys/fs/cgroup/user.slice/user-1000.slice/memory.current", "1\n")
	now := time.Unix(1_700_000_000, 0)
	r := open(t, h, cgroups.Options{
		Slices: []string{"/", "/system.slice/*.service", "/system.slice/*", "/user.slice/user-*.slice", "/none/*", "/system.slice"},
		Now:    func() time.Time { return now },
	})
	want := []string{
		"/system.slice/cron.service", "/system.slice/ssh.service", "/system.slice/tmp.mount", "/user.slice/user-1000.slice", "/system.slice",
	}
	if diff := cmp.Diff(want, r.Slices()); diff != "" {
		t.Errorf("without containers and the root (-want +got):\n%s", diff)
	}
	h.Write(t, "sys/fs/cgroup/system.slice/new.service/memory.current", "8192\n")
	if n := len(r.Slices()); n != len(want) {
		t.Errorf("got %d at once: the tree was walked again", n)
	}
	now = now.Add(time.Minute)
	if n := len(r.Slices()); n != len(want)+1 {
		t.Errorf("got %d a minute later, want the new one too", n)
	}
	handle, err := r.OpenSlice("/system.slice/ssh.service")
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var s cgroups.Stats
	if err := handle.Read(&s); err != nil || s.Memory.Usage != 8192 || handle.Path() != "/system.slice/ssh.service" {
		t.Errorf("got %v bytes of %s, %v", s.Memory.Usage, handle.Path(), err)
	}
	if _, err := r.OpenSlice("/system.slice/gone.service"); !errors.Is(err, cgroups.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// TestCapabilities: what a host lacks is told with a reason and with what would mend it.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	reasons := func(r *cgroups.Reader) map[string]string {
		out := map[string]string{}
		for _, c := range r.Capabilities() {
			out[c.Name] = c.Reason
			if (c.Reason == "") != (c.Help == "") {
				t.Errorf("%+v: want help for what is missing, and only for that", c)
			}
		}
		return out
	}
	for _, name := range scenarios() {
		want := map[string]string{"cpu": "", "memory": "", "pids": "", "io": "", "psi": "", "host": "", "containers": "", "network": ""}
		h := scenario(t, name)
		r := open(t, h, cgroups.Options{})
		read(t, r, find(t, h, "web"))
		if diff := cmp.Diff(want, reasons(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	h := scenario(t, "v2-cgroupfs")
	h.Write(t, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n")
	h.Write(t, "sys/fs/cgroup/cgroup.type", "domain\n")
	h.Write(t, "proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t50\t0\n")
	if err := os.RemoveAll(h.Path("proc/pressure")); err != nil {
		t.Fatal(err)
	}
	r := open(t, h, cgroups.Options{Parts: cgroups.AllParts &^ cgroups.PartIO})
	web := find(t, h, "web")
	web.PID = 999999
	read(t, r, web)
	want := map[string]string{
		"cpu": "", "memory": "no_controller", "pids": "", "psi": "kernel", "host": "cgroup_namespace", "containers": "", "network": "pid_namespace",
	}
	if diff := cmp.Diff(want, reasons(r)); diff != "" {
		t.Errorf("a poor host (-want +got):\n%s", diff)
	}
}

func TestRead_interfaceFilter(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	r := open(t, h, cgroups.Options{HideInterfaces: func(name string) bool { return name == "eth0" }})
	_, s := read(t, r, find(t, h, "web"))
	if len(s.Network) != 1 || s.Network[0].Name != "lo" {
		t.Errorf("got %+v, want lo alone", s.Network)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("c", 64)
	for _, tt := range []struct{ driver, parent, want string }{
		{"cgroupfs", "", "/docker/" + id},
		{"", "", "/docker/" + id},
		{"cgroupfs", "/eng-custom/sub", "/eng-custom/sub/" + id},
		{"cgroupfs", "../../up", "/up/" + id},
		{"systemd", "", "/system.slice/docker-" + id + ".scope"},
		{"systemd", "my.slice", "/my.slice/docker-" + id + ".scope"},
		{"systemd", "a-b.slice", "/a.slice/a-b.slice/docker-" + id + ".scope"},
	} {
		r := open(t, scenario(t, "v2-cgroupfs"), cgroups.Options{})
		if got := r.Path(cgroups.Target{ID: id, Driver: tt.driver, Parent: tt.parent}); got != tt.want {
			t.Errorf("driver %q, parent %q: got %s, want %s", tt.driver, tt.parent, got, tt.want)
		}
	}
}

// TestPath_learnt: where the engine puts its containers is seen at the first one that runs.
func TestPath_learnt(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web := find(t, h, "web")
	h.Write(t, fmt.Sprintf("proc/%d/cgroup", web.PID), "0::/fleet/"+web.ID+"\n")
	h.Write(t, "sys/fs/cgroup/fleet/"+web.ID+"/memory.current", "4096\n")
	r := open(t, h, cgroups.Options{})
	read(t, r, web)
	other := strings.Repeat("d", 64)
	if got, want := r.Path(cgroups.Target{ID: other, Driver: "cgroupfs"}), "/fleet/"+other; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewReader_noCgroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := cgroups.NewReader(cgroups.Options{Root: cgroups.Root{CgroupFS: dir}})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %s", err, dir)
	}
}

// TestRead_bad: what is wrong with one file costs nothing but its own numbers.
func TestRead_bad(t *testing.T) {
	t.Parallel()
	for what, content := range map[string]string{
		"garbage":   "\x00\xff garbage \n",
		"empty":     "",
		"too big":   "18446744073709551616\n",
		"underflow": "18446744073709551615\n",
		"negative":  "-5\n",
		"megabyte":  strings.Repeat("1", 1<<20+1),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := scenario(t, "v2-cgroupfs")
			web := find(t, h, "web")
			_, want := read(t, open(t, h, cgroups.Options{}), web)
			h.Write(t, "sys/fs/cgroup/docker/"+web.ID+"/memory.current", content)
			handle, err := open(t, h, cgroups.Options{}).Open(web)
			if err != nil {
				t.Fatal(err)
			}
			defer handle.Close()
			var got cgroups.Stats
			var bad cgroups.Errors
			if err := handle.Read(&got); !errors.As(err, &bad) || len(bad) != 1 || bad[0].File != "memory.current" {
				t.Fatalf("got error %v, want one about memory.current", err)
			}
			want.Memory.Usage, want.Memory.WorkingSet = math.NaN(), math.NaN()
			if diff := cmp.Diff(text(want), text(got)); diff != "" {
				t.Errorf("other numbers changed (-want +got):\n%s", diff)
			}
		})
	}
}

func text(s cgroups.Stats) map[string]any {
	out := map[string]any{}
	printable(out, "", reflect.ValueOf(s))
	return out
}

// TestRead_fifo: a file that would block must not be waited for.
func TestRead_fifo(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	web := find(t, h, "web")
	path := h.Path("sys/fs/cgroup/docker/" + web.ID + "/memory.current")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no FIFO here: %v", err)
	}
	handle, err := open(t, h, cgroups.Options{}).Open(web)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var s cgroups.Stats
	var bad cgroups.Errors
	if err := handle.Read(&s); !errors.As(err, &bad) || len(bad) != 1 {
		t.Errorf("got %v, want one error about memory.current", err)
	}
	if math.IsNaN(s.Memory.Limit) {
		t.Error("the other files were not read")
	}
}

func TestRead_parts(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v1-hybrid-cgroupfs")
	r := open(t, h, cgroups.Options{Parts: cgroups.PartCPU})
	_, s := read(t, r, find(t, h, "web"))
	if math.IsNaN(s.CPU.Usage) || !math.IsNaN(s.Memory.Usage) || s.Network != nil || s.IO != nil {
		t.Errorf("got %+v, want CPU alone", s)
	}
}

// TestRead_budget: past the budget of descriptors everything is still read, and the end of a container is still seen.
func TestRead_budget(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		for _, budget := range []int{1, 10, 50} {
			h := scenario(t, name)
			all, few := open(t, h, cgroups.Options{}), open(t, h, cgroups.Options{MaxDescriptors: budget})
			for _, c := range h.Containers {
				_, want := read(t, all, target(c))
				_, got := read(t, few, target(c))
				if diff := cmp.Diff(text(want), text(got)); diff != "" {
					t.Errorf("%s %s within %d (-kept +opened):\n%s", name, c.Name, budget, diff)
				}
			}
			kept := few.Descriptors()
			if kept.Files+kept.Directories > budget || kept.Directories == 0 || kept.Reopened == 0 || kept.Max != budget {
				t.Errorf("%s: got %+v, want some folders, some files that are reopened, and at most %d in all", name, kept, budget)
			}
			web := find(t, h, "web")
			handle, err := few.Open(web)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(h.Path("sys/fs/cgroup")); err != nil {
				t.Fatal(err)
			}
			var s cgroups.Stats
			if err := handle.Read(&s); !errors.Is(err, cgroups.ErrGone) {
				t.Errorf("%s: got %v after the cgroup was removed, want ErrGone", name, err)
			}
			if again := few.Descriptors(); again != kept {
				t.Errorf("%s: %+v are kept after the cgroup was removed, want %+v as before", name, again, kept)
			}
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	r := open(t, h, cgroups.Options{})
	handle, err := r.Open(find(t, h, "web"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Descriptors().Files == 0 {
		t.Error("no files are kept open")
	}
	handle.Close()
	handle.Close()
	if n := r.Descriptors().Files; n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
}

// TestOpenHost_namespace: the root of a cgroup namespace is not the host.
func TestOpenHost_namespace(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v2-cgroupfs")
	h.Write(t, "sys/fs/cgroup/cgroup.type", "domain\n")
	handle := open(t, h, cgroups.Options{}).OpenHost()
	defer handle.Close()
	var s cgroups.Stats
	if err := handle.Read(&s); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(s.CPU.Usage) {
		t.Errorf("got CPU usage %v, want unknown: it is a container's", s.CPU.Usage)
	}
	if math.IsNaN(s.Memory.Usage) || math.IsNaN(s.Pressure.CPU.Some) {
		t.Error("what /proc says of the host was not read")
	}
}

func TestRead_allocations(t *testing.T) {
	h := scenario(t, "v2-cgroupfs")
	c := find(t, h, "web")
	c.Network = false // opening /proc/<pid>/net/dev anew costs its path
	handle, err := open(t, h, cgroups.Options{}).Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var s cgroups.Stats
	if n := testing.AllocsPerRun(100, func() {
		if err := handle.Read(&s); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations in a reading, want at most 2: the list of devices", n)
	}
}

func BenchmarkRead(b *testing.B) {
	for _, name := range scenarios() {
		b.Run(name, func(b *testing.B) {
			h := scenario(b, name)
			handle, _ := read(b, open(b, h, cgroups.Options{}), find(b, h, "web"))
			var s cgroups.Stats
			b.ReportAllocs()
			for b.Loop() {
				if err := handle.Read(&s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
