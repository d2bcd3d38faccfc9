package cgroups_test

import (
	"fmt"
	"math"
	"os"
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
		Own: cgroups.NUMAPages{Total: 158, File: 110, Anon: 48}, Subtree: cgroups.NUMAPages{Total: 160, File: 112, Anon: 48},
	}})
	h = scenario(t, "v2-cgroupfs")
	web = put(t, h, "web", "", map[string]string{"memory.numa_stat": "anon N0=196608\nfile N0=450560\nkernel_stack N0=16384\nunevictable N0=0\n"})
	_, s = read(t, open(t, h, cgroups.Options{Parts: cgroups.PartNUMA}), web)
	page := float64(os.Getpagesize())
	same(t, "v2", s.NUMA, []cgroups.NUMANode{{
		Own: cgroups.NUMAPages{Total: nan, File: nan, Anon: nan, Unevictable: nan}, Subtree: cgroups.NUMAPages{Total: nan, File: 450560 / page, Anon: 196608 / page},
	}})
	if _, s = read(t, open(t, h, cgroups.Options{}), web); s.NUMA != nil {
		t.Error("NUMA nodes were read without being asked for")
	}
}
