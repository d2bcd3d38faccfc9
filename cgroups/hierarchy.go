package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	containerd "github.com/containerd/cgroups/v3"
)

const defaultCgroupFS = "/sys/fs/cgroup"

// hierarchy is where this host's controllers are mounted, and which files are read of each cgroup.
type hierarchy struct {
	unified bool
	mounts  bases
	files   []fileSpec
	// procs is the base whose folder of a cgroup has the subfolders of its child cgroups.
	procs base
}

// controllersV1 names the v1 controller of each base.
func controllersV1() map[base]string {
	return map[base]string{
		baseCPU: "cpu", baseCPUAcct: "cpuacct", baseCPUSet: "cpuset", baseMemory: "memory", basePids: "pids", baseBlkio: "blkio",
		baseHugetlb: "hugetlb",
	}
}

// findHierarchy decides, once, which version of cgroups the tree at cgroupFS is.
func findHierarchy(cgroupFS string) (hierarchy, error) {
	switch mode(cgroupFS) {
	case containerd.Unified:
		h := hierarchy{unified: true, files: filesV2(), procs: baseUnified}
		h.mounts[baseUnified] = cgroupFS
		return h, nil
	case containerd.Legacy, containerd.Hybrid:
		return findV1(cgroupFS)
	default:
		return hierarchy{}, fmt.Errorf("%s is no cgroup tree: it has neither cgroup.controllers (v2) nor a folder for a controller such as memory (v1)", cgroupFS)
	}
}

// mode asks containerd's library about the host's own tree; it can look at no other, so that a tree mounted elsewhere (or
// recorded) is known by its files.
func mode(cgroupFS string) containerd.CGMode {
	if cgroupFS == defaultCgroupFS {
		return containerd.Mode()
	}
	if exists(filepath.Join(cgroupFS, "cgroup.controllers")) {
		return containerd.Unified
	}
	for _, name := range controllersV1() {
		if exists(filepath.Join(cgroupFS, name, "cgroup.procs")) {
			return containerd.Legacy
		}
	}
	return containerd.Unavailable
}

func findV1(cgroupFS string) (hierarchy, error) {
	h := hierarchy{files: filesV1(), procs: basePids}
	entries, err := os.ReadDir(cgroupFS)
	if err != nil {
		return hierarchy{}, fmt.Errorf("list cgroup controllers: %w", err)
	}
	// Folders are named for their controllers: "memory", "cpu,cpuacct" (to which "cpu" is a link, unless only the folders were
	// mounted into a container).
	for b, name := range controllersV1() {
		for _, e := range entries {
			if hasController(e.Name(), name) && (h.mounts[b] == "" || e.Name() == name) {
				h.mounts[b] = filepath.Join(cgroupFS, e.Name())
			}
		}
	}
	if unified := filepath.Join(cgroupFS, "unified"); exists(filepath.Join(unified, "cgroup.controllers")) {
		h.mounts[baseUnified] = unified
	}
	if h.mounts[basePids] == "" {
		h.procs = baseMemory
	}
	return h, nil
}

func hasController(folder, name string) bool {
	for part := range strings.SplitSeq(folder, ",") {
		if part == name {
			return true
		}
	}
	return false
}

// dirs gives the folder of one cgroup in each hierarchy; path gives the cgroup's path there, "" = it has none.
func (h *hierarchy) dirs(path func(base) string) bases {
	var out bases
	for b := range h.mounts {
		if p := path(base(b)); h.mounts[b] != "" && p != "" {
			out[b] = filepath.Join(h.mounts[b], p)
		}
	}
	return out
}

// isRoot says whether the root of the mounted tree is the host's root cgroup, not that of a cgroup namespace. The real one is
// known by what it lacks: cgroup.type (v2, https://docs.kernel.org/admin-guide/cgroup-v2.html#core-interface-files) and
// pids.max (v1).
func (h *hierarchy) isRoot() bool {
	if h.unified {
		return !exists(filepath.Join(h.mounts[baseUnified], "cgroup.type"))
	}
	return h.mounts[basePids] == "" || !exists(filepath.Join(h.mounts[basePids], "pids.max"))
}

// first is the base by whose path a cgroup is named.
func (h *hierarchy) first() base {
	if h.unified {
		return baseUnified
	}
	for _, b := range []base{baseMemory, baseCPUAcct, basePids, baseCPU} {
		if h.mounts[b] != "" {
			return b
		}
	}
	return baseBlkio
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
