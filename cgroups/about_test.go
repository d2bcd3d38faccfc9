package cgroups_test

import (
	"strings"
	"testing"

	"tallyman/cgroups"
	"tallyman/internal/fixture"
)

// TestReader_About: people are told the version, the place and the controllers.
func TestReader_About(t *testing.T) {
	t.Parallel()
	for archive, want := range map[string]string{
		"v1-hybrid-cgroupfs": "cgroup v1 with v2 beside it (hybrid) at ", "v2-cgroupfs": "cgroup v2 at ", "v2-systemd": "cgroup v2 at ",
	} {
		host := fixture.Open(t, "testdata/"+archive+".txtar")
		root := cgroups.Root{ProcFS: host.Path("proc"), CgroupFS: host.Path("sys/fs/cgroup")}
		r, err := cgroups.NewReader(cgroups.Options{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		got := r.About()
		if !strings.HasPrefix(got, want+root.CgroupFS+": ") || !strings.Contains(got, "memory") || !strings.Contains(got, "pids") {
			t.Errorf("%s: got %q", archive, got)
		}
	}
}

// TestSeesHost: the host's /proc is known by its kernel threads.
func TestSeesHost(t *testing.T) {
	t.Parallel()
	host := fixture.Open(t, "testdata/v2-systemd.txtar")
	if cgroups.SeesHost(host.Path("proc")) {
		t.Error("a /proc without process 2 is taken for the host's")
	}
	host.Write(t, "proc/2/comm", "sh\n")
	if cgroups.SeesHost(host.Path("proc")) {
		t.Error("a container's process is taken for the kernel's")
	}
	host.Write(t, "proc/2/comm", "kthreadd\n")
	if !cgroups.SeesHost(host.Path("proc")) {
		t.Error("the host's /proc is not known")
	}
}

// TestMayTrace: it can be told of this process, whatever the answer.
func TestMayTrace(t *testing.T) {
	t.Parallel()
	if _, known := cgroups.MayTrace(); !known {
		t.Error("it is not known")
	}
}
