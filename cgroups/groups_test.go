package cgroups_test

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman/cgroups"
	"tallyman/internal/fixture"
)

// put writes files into a container's cgroup; the hierarchies of v1 are named.
func put(t *testing.T, h *fixture.Host, name, hierarchy string, files map[string]string) cgroups.Target {
	t.Helper()
	c := find(t, h, name)
	for file, content := range files {
		h.Write(t, "sys/fs/cgroup/"+hierarchy+"docker/"+c.ID+"/"+file, content)
	}
	return c
}

// same compares with what is wanted, NaN being equal to NaN.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The contents are those of a container on Linux 6.18 with two processors and one node.
func TestRead_perCPU(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v1-hybrid-cgroupfs")
	// Two processors are there, and the kernel is ready for two more.
	web := put(t, h, "web", "cpuacct/", map[string]string{"cpuacct.usage_percpu": "1500000000 0 0 0 \n"})
	db := put(t, h, "db", "cpuacct/", map[string]string{"cpuacct.usage_percpu": "1500000000 0 250000000 0 \n"})
	r := open(t, h, cgroups.Options{Parts: cgroups.PartPerCPU})
	_, s := read(t, r, web)
	same(t, "web", s.PerCPU, []float64{1.5, 0})
	if !math.IsNaN(s.CPU.Usage) {
		t.Error("the total was read without being asked for")
	}
	_, s = read(t, r, db)
	same(t, "a processor that was taken out", s.PerCPU, []float64{1.5, 0, 0.25})
	_, s = read(t, open(t, h, cgroups.Options{}), web)
	if s.PerCPU != nil {
		t.Error("processor times were read without being asked for")
	}
}

func TestRead_hugetlb(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	v1 := map[string]string{
		"hugetlb.2MB.usage_in_bytes": "4194304\n", "hugetlb.2MB.max_usage_in_bytes": "6291456\n", "hugetlb.2MB.failcnt": "3\n",
		"hugetlb.2MB.rsvd.usage_in_bytes": "7\n", "cgroup.procs": "1\n",
		"hugetlb.1GB.usage_in_bytes": "0\n", "hugetlb.1GB.max_usage_in_bytes": "0\n", "hugetlb.1GB.failcnt": "0\n",
	}
	v2 := map[string]string{
		"hugetlb.2MB.current": "4194304\n", "hugetlb.2MB.events": "max 3\n", "hugetlb.2MB.rsvd.current": "7\n",
		"hugetlb.2MB.max": "max\n", "hugetlb.2MB.events.local": "max 9\n",
	}
	want1 := []cgroups.HugePages{{PageSize: "1GB"}, {PageSize: "2MB", Usage: 4 << 20, MaxUsage: 6 << 20, FailCount: 3}}
	want2 := []cgroups.HugePages{{PageSize: "2MB", Usage: 4 << 20, MaxUsage: nan, FailCount: 3}}
	for _, tt := range []struct {
		scenario, hierarchy string
		files               map[string]string
		want                []cgroups.HugePages
	}{
		{"v1-hybrid-cgroupfs", "hugetlb/", v1, want1},
		{"v1-hybrid-cgroupfs", "unified/", v2, want2}, // the controller is in the v2 hierarchy
		{"v2-cgroupfs", "", v2, want2},
	} {
		h := scenario(t, tt.scenario)
		if tt.hierarchy == "hugetlb/" {
			h.Write(t, "sys/fs/cgroup/hugetlb/cgroup.procs", "1\n")
		}
		r := open(t, h, cgroups.Options{Parts: cgroups.PartHugetlb | cgroups.PartPids})
		_, before := read(t, r, find(t, h, "db")) // a cgroup that says nothing of huge pages
		web := put(t, h, "web", tt.hierarchy, tt.files)
		if tt.hierarchy == "hugetlb/" {
			h.Write(t, fmt.Sprintf("proc/%d/cgroup", web.PID), "10:hugetlb:/docker/"+web.ID+"\n4:memory:/docker/"+web.ID+"\n8:pids:/docker/"+web.ID+"\n")
		}
		_, s := read(t, r, web)
		same(t, tt.scenario+" "+tt.hierarchy, s.Hugetlb, tt.want)
		if _, off := read(t, open(t, h, cgroups.Options{}), web); before.Hugetlb != nil || off.Hugetlb != nil {
			t.Errorf("%s: got %v, %v without files or without being asked for", tt.scenario, before.Hugetlb, off.Hugetlb)
		}
	}
}

func TestRead_numa(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	h := scenario(t, "v1-hybrid-cgroupfs")
	web := put(t, h, "web", "memory/", map[string]string{"memory.numa_stat": "total=158 N0=158\nfile=110 N0=110\nanon=48 N0=48\nunevictable=0 N0=0\n" +
		"hierarchical_total=160 N0=160\nhierarchical_file=112 N0=112\nhierarchical_anon=48 N0=48\nhierarchical_unevictable=0 N0=0\n"})
	_, s := read(t, open(t, h, cgroups.Options{Parts: cgroups.PartNUMA}), web)
	same(t, "v1", s.NUMA, []cgroups.NUMANode{{
		Own: cgroups.NUMAPages{File: 110, Anon: 48}, Subtree: cgroups.NUMAPages{File: 112, Anon: 48},
	}})
	h = scenario(t, "v2-cgroupfs")
	web = put(t, h, "web", "", map[string]string{"memory.numa_stat": "anon N0=196608\nfile N0=450560\nkernel_stack N0=16384\nunevictable N0=0\n"})
	_, s = read(t, open(t, h, cgroups.Options{Parts: cgroups.PartNUMA}), web)
	page := float64(os.Getpagesize())
	same(t, "v2", s.NUMA, []cgroups.NUMANode{{
		Own: cgroups.NUMAPages{File: nan, Anon: nan, Unevictable: nan}, Subtree: cgroups.NUMAPages{File: 450560 / page, Anon: 196608 / page},
	}})
	if _, s = read(t, open(t, h, cgroups.Options{}), web); s.NUMA != nil {
		t.Error("NUMA nodes were read without being asked for")
	}
}

// held gives a process of a recorded host open files: links as /proc/<pid>/fd has them.
func held(t *testing.T, h *fixture.Host, pid int, links ...string) {
	t.Helper()
	dir := h.Path(fmt.Sprintf("proc/%d/fd", pid))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, link := range links {
		if err := os.Symlink(link, fmt.Sprintf("%s/%d", dir, i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead_process(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		h := scenario(t, name)
		limits := find(t, h, "limits") // three processes
		var pids []int
		for _, file := range []string{"pids/", ""} {
			path := "sys/fs/cgroup/" + file + strings.TrimPrefix(handlePath(t, h, limits), "/") + "/cgroup.procs"
			text, err := os.ReadFile(h.Path(path))
			for pid := range strings.FieldsSeq(string(text)) {
				n, _ := strconv.Atoi(pid)
				pids = append(pids, n)
			}
			if err == nil {
				break
			}
		}
		held(t, h, pids[0], "/dev/null", "socket:[117216]", "pipe:[5]", "anon_inode:[eventpoll]")
		held(t, h, pids[1], "socket:[117217]", "/socket:")
		// The third has ended meanwhile.
		h.Write(t, fmt.Sprintf("proc/%d/limits", limits.PID), "Limit  Soft Limit  Hard Limit  Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 2048                 files     \n")
		_, s := read(t, open(t, h, cgroups.Options{Parts: cgroups.PartProcess}), limits)
		same(t, name, *s.Process, cgroups.Process{FileDescriptors: 6, Sockets: 2, Limits: []cgroups.Ulimit{{Name: "max_cpu_time", Soft: math.NaN()}, {Name: "max_open_files", Soft: 1024}}})

		blind := limits
		blind.PID = 0
		if _, s = read(t, open(t, h, cgroups.Options{Parts: cgroups.PartProcess}), blind); s.Process != nil {
			t.Errorf("%s: got %+v without a process that proves whose it is", name, s.Process)
		}
		if _, s = read(t, open(t, h, cgroups.Options{}), limits); s.Process != nil {
			t.Errorf("%s: processes were read without being asked for", name)
		}
	}
}

func handlePath(t *testing.T, h *fixture.Host, c cgroups.Target) string {
	t.Helper()
	handle, _ := read(t, open(t, h, cgroups.Options{}), c)
	return handle.Path()
}

// TestRead_processUnknown: what cannot be counted in full is not counted at all.
func TestRead_processUnknown(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*testing.T, *fixture.Host, cgroups.Target){
		"another pid namespace": func(t *testing.T, h *fixture.Host, c cgroups.Target) {
			h.Write(t, "sys/fs/cgroup/docker/"+c.ID+"/cgroup.procs", "0\n0\n")
		},
		"nobody of ours": func(t *testing.T, h *fixture.Host, c cgroups.Target) {
			h.Write(t, "sys/fs/cgroup/docker/"+c.ID+"/cgroup.procs", "")
		},
		"a child cgroup": func(t *testing.T, h *fixture.Host, c cgroups.Target) {
			h.Write(t, "sys/fs/cgroup/docker/"+c.ID+"/init.scope/cgroup.procs", "1\n")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := scenario(t, "v2-cgroupfs")
			web := find(t, h, "web")
			held(t, h, web.PID, "/dev/null")
			if _, s := read(t, open(t, h, cgroups.Options{Parts: cgroups.PartProcess}), web); s.Process.FileDescriptors != 1 {
				t.Fatalf("got %+v before anything was spoilt", s.Process)
			}
			spoil(t, h, web)
			_, s := read(t, open(t, h, cgroups.Options{Parts: cgroups.PartProcess}), web)
			if !math.IsNaN(s.Process.FileDescriptors) || !math.IsNaN(s.Process.Sockets) {
				t.Errorf("got %+v, want unknown", s.Process)
			}
		})
	}
}

// TestRead_processesHidden: in a pid namespace of our own, v1 lists none of a container's processes.
func TestRead_processesHidden(t *testing.T) {
	t.Parallel()
	h := scenario(t, "v1-hybrid-cgroupfs")
	web := put(t, h, "web", "pids/", map[string]string{"cgroup.procs": "", "pids.current": "3\n"})
	if _, s := read(t, open(t, h, cgroups.Options{}), web); !math.IsNaN(s.Pids.Processes) {
		t.Errorf("got %v processes of 3 threads, want unknown", s.Pids.Processes)
	}
}

func TestRead_processPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	h := scenario(t, "v2-cgroupfs")
	web := find(t, h, "web")
	held(t, h, web.PID, "/dev/null")
	dir := h.Path(fmt.Sprintf("proc/%d/fd", web.PID))
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	handle, err := open(t, h, cgroups.Options{Parts: cgroups.PartProcess}).Open(web)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var s cgroups.Stats
	var bad cgroups.Errors
	if err := handle.Read(&s); !errors.As(err, &bad) || len(bad) != 1 || bad[0].File != "fd" || bad[0].Reason != "permission" {
		t.Errorf("got %v, want permission on fd", err)
	}
	if !math.IsNaN(s.Process.FileDescriptors) {
		t.Errorf("got %+v, want unknown", s.Process)
	}
}

// tcpLine is a line of /proc/<pid>/net/tcp.
const tcpLine = "%4d: 0100007F:%04X 00000000:0000 %02X 00000000:00000000 00:00000000 00000000     0        0 117216 1 00000000a1d982ab 100 0 0 10 0                    \n"

func TestRead_sockets(t *testing.T) {
	h := scenario(t, "v2-cgroupfs")
	web, db := find(t, h, "web"), find(t, h, "db")
	var table strings.Builder
	table.WriteString("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n")
	for i := range 5000 { // many chunks
		fmt.Fprintf(&table, tcpLine, i, i, 1+i%11)
	}
	proc := fmt.Sprintf("proc/%d/net/", web.PID)
	h.Write(t, proc+"tcp", table.String())
	h.Write(t, proc+"udp", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n"+
		" 3082: 00000000:1F90 00000000:0000 07 00000000:00000300 00:00000000 00000000     0        0 117300 2 00000000d1c9b9a4 5         \n")
	h.Write(t, proc+"udp6", "garbage\n")
	r := open(t, h, cgroups.Options{Parts: cgroups.PartTCP | cgroups.PartUDP})
	handle, err := r.Open(web)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var s cgroups.Stats
	var bad cgroups.Errors
	if err := handle.Read(&s); !errors.As(err, &bad) || len(bad) != 1 || bad[0].File != "net/udp6" || bad[0].Reason != "parse" {
		t.Errorf("got %v, want a parse error of net/udp6", err)
	}
	nan := math.NaN()
	same(t, "sockets", *s.Sockets, cgroups.Sockets{
		TCP: cgroups.TCPStates{
			Established: 455, SynSent: 455, SynRecv: 455, FinWait1: 455, FinWait2: 455, TimeWait: 455, Close: 454, CloseWait: 454,
			LastAck: 454, Listen: 454, Closing: 454,
		},
		TCP6: cgroups.TCPStates{
			Established: nan, SynSent: nan, SynRecv: nan, FinWait1: nan, FinWait2: nan, TimeWait: nan, Close: nan, CloseWait: nan,
			LastAck: nan, Listen: nan, Closing: nan,
		},
		UDP:  cgroups.UDPSockets{Listen: 1, Dropped: 5, RxQueued: 768},
		UDP6: cgroups.UDPSockets{Listen: nan, Dropped: nan, RxQueued: nan, TxQueued: nan},
	})
	allocations := testing.AllocsPerRun(5, func() { _ = handle.Read(&s) })
	if allocations > 30 {
		t.Errorf("%v allocations for 5000 sockets, want none for each", allocations)
	}
	db.Network = false
	if _, s := read(t, r, db); s.Sockets != nil {
		t.Errorf("got the sockets %+v of a namespace of somebody else", s.Sockets)
	}
	h.Write(t, proc+"tcp", strings.Repeat("x", 1<<17))
	if err := handle.Read(&s); !errors.As(err, &bad) || len(bad) != 2 || bad[0].File != "net/tcp" || !math.IsNaN(s.Sockets.TCP.Listen) {
		t.Errorf("got %v, want a parse error of net/tcp too", err)
	}
}

// leaveOut ends a test for which this machine lacks something; where everything is required, that is a failure.
func leaveOut(t *testing.T, why error) {
	t.Helper()
	if os.Getenv("TALLYMAN_TEST_REQUIRE") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// TestRead_live reads this very process as if it were a container.
func TestRead_live(t *testing.T) {
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		leaveOut(t, err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		leaveOut(t, err)
	}
	defer listener.Close()
	r, err := cgroups.NewReader(cgroups.Options{Parts: cgroups.AllParts})
	if err != nil {
		leaveOut(t, err)
	}
	before := cgroups.LiveProcess(t, r, os.Getpid())
	var files []*os.File
	for range 50 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	var conns []net.Conn
	for range 20 {
		c, err := net.Dial("tcp4", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	after := cgroups.LiveProcess(t, r, os.Getpid())
	if got := after.Process.FileDescriptors - before.Process.FileDescriptors; got != 70 {
		t.Errorf("%v more descriptors, want 70", got)
	}
	if got := after.Process.Sockets - before.Process.Sockets; got != 20 {
		t.Errorf("%v more sockets, want 20", got)
	}
	// Others on this host may open and close connections meanwhile.
	if got := after.Sockets.TCP.Established; got < 40 {
		t.Errorf("%v established connections, want at least both ends of 20", got)
	}
	for _, f := range files {
		f.Close()
	}
	for _, c := range conns {
		c.Close()
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_STACK, &limit); err != nil {
		t.Fatal(err)
	}
	for _, l := range after.Process.Limits {
		if l.Name == "max_stack_size" && l.Soft != float64(limit.Cur) && !math.IsNaN(l.Soft) {
			t.Errorf("stack limit %v, want %v", l.Soft, limit.Cur)
		}
	}
	if len(after.Process.Limits) != 16 {
		t.Errorf("%d limits, want 16: %+v", len(after.Process.Limits), after.Process.Limits)
	}
}
