package cgroups

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// About says, for people, what kind of cgroup tree is read, and which controllers it has.
func (r *Reader) About() string {
	kind := "cgroup v1"
	switch {
	case r.hierarchy.unified:
		kind = "cgroup v2"
	case r.hierarchy.mounts[baseUnified] != "":
		kind = "cgroup v1 with v2 beside it (hybrid)"
	}
	there := r.controllers()
	maps.DeleteFunc(there, func(_ string, mounted bool) bool { return !mounted })
	return kind + " at " + r.root.CgroupFS + ": " + strings.Join(slices.Sorted(maps.Keys(there)), ", ")
}

// SeesHost says whether a /proc is that of the host, and not of a container's pid namespace: kthreadd, the father of the kernel's threads,
// is process 2 there and nowhere else.
func SeesHost(procFS string) bool {
	comm, err := os.ReadFile(filepath.Join(procFS, "2/comm"))
	return err == nil && strings.TrimSpace(string(comm)) == "kthreadd"
}

// MayTrace says whether this process may look into others of the host, CAP_SYS_PTRACE, which the part PartProcess needs; false in known
// means that it cannot be told.
//
// Source: CapEff of /proc/self/status.
func MayTrace() (may, known bool) {
	const capSysPtrace = 19 // https://man7.org/linux/man-pages/man7/capabilities.7.html
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, false
	}
	for line := range strings.Lines(string(text)) {
		digits, ok := strings.CutPrefix(line, "CapEff:")
		if !ok {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
		return set&(1<<capSysPtrace) != 0, err == nil
	}
	return false, false
}
