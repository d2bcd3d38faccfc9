package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// capabilitiesEvery is how often it is looked again what can be read here.
const capabilitiesEvery = time.Minute

// Capability says whether one kind of reading can be had on this host.
type Capability struct {
	Name   string // "cpu", "memory", "pids", "io", "psi", "host", "containers", "network"
	Reason string // why it cannot be had, in a word such as "no_controller"; "" = it can
	Help   string // for people: what is missing, and what would mend it; "" = nothing is wrong
}

// Capabilities tells, of the parts that are wanted, what can be read here and why the rest cannot. It looks again at most once a
// minute. What is not known yet is not in the list.
func (r *Reader) Capabilities() []Capability {
	now := r.now()
	if r.capabilitiesRead.IsZero() || now.Sub(r.capabilitiesRead) >= capabilitiesEvery || r.proof != r.proofTold {
		r.capabilities, r.capabilitiesRead, r.proofTold = r.findCapabilities(), now, r.proof
	}
	return r.capabilities
}

// sight is what the running containers have shown of a file system.
type sight int

const (
	sightNone   sight = iota // none was looked for yet
	sightAbsent              // they are not there
	sightSeen                // they are: one is enough
)

func (s *sight) note(seen bool) {
	switch {
	case seen:
		*s = sightSeen
	case *s == sightNone:
		*s = sightAbsent
	}
}

// proof is what the running containers have shown of the host's file systems.
type proof struct {
	cgroups   sight // their cgroups below CgroupFS
	processes sight // the engine's process ids in /proc
}

// prove notes where a running container was found.
func (r *Reader) prove(t Target, loc *location, err error) {
	if t.PID <= 0 {
		return
	}
	r.proof.cgroups.note(err == nil)
	if err == nil {
		r.proof.processes.note(loc.pid > 0)
	}
}

func (r *Reader) findCapabilities() []Capability {
	out := make([]Capability, 0, 8)
	add := func(wanted Parts, name string, find func() (reason, help string)) {
		if r.parts&wanted == 0 {
			return
		}
		reason, help := find()
		out = append(out, Capability{Name: name, Reason: reason, Help: help})
	}
	available := r.controllers()
	controller := func(name string) func() (string, string) {
		return func() (string, string) { return r.controllerProblem(name, available) }
	}
	block := "blkio"
	if r.hierarchy.unified {
		block = "io"
	}
	add(PartCPU, "cpu", controller("cpu"))
	add(PartMemory, "memory", controller("memory"))
	add(PartPids, "pids", controller("pids"))
	add(PartIO, "io", controller(block))
	add(PartPressure, "psi", r.pressureProblem)
	add(AllParts, "host", r.hostProblem)
	if r.proof.cgroups != sightNone {
		add(AllParts, "containers", r.containerProblem)
	}
	if r.proof.processes != sightNone {
		add(PartNetwork, "network", r.processProblem)
	}
	return out
}

// controllers lists the controllers that the mounted tree has, by name.
func (r *Reader) controllers() map[string]bool {
	out := map[string]bool{}
	if !r.hierarchy.unified {
		for b, name := range controllersV1() {
			out[name] = r.hierarchy.mounts[b] != ""
		}
		return out
	}
	text, err := os.ReadFile(filepath.Join(r.root.CgroupFS, "cgroup.controllers"))
	if err != nil {
		return out
	}
	for name := range strings.FieldsSeq(string(text)) {
		out[name] = true
	}
	return out
}

func (r *Reader) controllerProblem(name string, available map[string]bool) (reason, help string) {
	switch {
	case available[name]:
		return "", ""
	case name == "memory" && r.switchedOff(name):
		return "no_controller", "the kernel was started without the memory controller: add cgroup_enable=memory to its command line"
	case r.hierarchy.unified || r.switchedOff(name):
		return "no_controller", "the kernel does not offer the " + name + " controller: see /proc/cgroups and cgroup_disable= on its command line"
	}
	return "not_mounted", "the " + name + " controller is not mounted below " + r.root.CgroupFS + ": mount it, or all of the host's /sys/fs/cgroup"
}

// switchedOff says whether /proc/cgroups, which lists "name hierarchy cgroups enabled", has a controller with 0 or not at all
// (https://man7.org/linux/man-pages/man7/cgroups.7.html).
func (r *Reader) switchedOff(name string) bool {
	text, err := os.ReadFile(filepath.Join(r.root.ProcFS, "cgroups"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == name {
			return f[3] == "0"
		}
	}
	return true
}

func (r *Reader) pressureProblem() (reason, help string) {
	_, err := r.readPath(filepath.Join(r.root.ProcFS, "pressure/cpu"), false)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return "psi_off", "pressure is switched off: add psi=1 to the kernel's command line"
	case errors.Is(err, unix.ENOENT):
		return "kernel", "the kernel has no pressure accounting: CONFIG_PSI is missing, or /proc is not the host's"
	case err != nil:
		return reasonOf(err), err.Error()
	case r.hierarchy.mounts[baseUnified] == "":
		return "cgroup_v1", "cgroup v1 has no pressure of containers, only the host's: boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)"
	}
	return "", ""
}

func (r *Reader) hostProblem() (reason, help string) {
	if !r.hierarchy.isRoot() {
		return "cgroup_namespace", r.root.CgroupFS + " is a container's own: mount the host's /sys/fs/cgroup, or run with --cgroupns=host"
	}
	return "", ""
}

func (r *Reader) containerProblem() (reason, help string) {
	if r.proof.cgroups == sightAbsent {
		return "not_mounted", "no running container has a cgroup below " + r.root.CgroupFS + ": mount the host's /sys/fs/cgroup and name it by --path.cgroupfs"
	}
	return "", ""
}

func (r *Reader) processProblem() (reason, help string) {
	if r.proof.processes == sightAbsent {
		return "pid_namespace", r.root.ProcFS + " does not show the engine's processes: mount the host's /proc and name it by --path.procfs, or run with --pid=host"
	}
	return "", ""
}
