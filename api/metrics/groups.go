package metrics

import (
	"fmt"
	"slices"
	"strings"
)

// Group is a set of families that is switched on and off as one.
type Group string

// The groups of the table.
const (
	GroupCPU      Group = "cpu"
	GroupPerCPU   Group = "percpu"
	GroupMemory   Group = "memory"
	GroupNUMA     Group = "numa"
	GroupHugetlb  Group = "hugetlb"
	GroupOOM      Group = "oom"
	GroupPressure Group = "pressure"
	GroupIO       Group = "io"
	GroupBlkio    Group = "blkio"
	GroupNetwork  Group = "network"
	GroupTCP      Group = "tcp"
	GroupUDP      Group = "udp"
	GroupPids     Group = "pids"
	GroupProcess  Group = "process"
	GroupMachine  Group = "machine"
	GroupState    Group = "state"
	GroupDisk     Group = "disk"
	GroupEngine   Group = "engine"
	GroupTallyman Group = "tallyman"
	GroupCAdvisor Group = "cadvisor"
)

// Flag names the flag that switches the group.
func (g Group) Flag() string {
	if g == GroupCAdvisor {
		return "compat.cadvisor"
	}
	return "collector." + string(g)
}

// GroupInfo describes a group to people.
type GroupInfo struct {
	Name Group
	Help string
	// Default says that the group is served unless it is switched off.
	Default bool
}

// Groups lists every group in the order in which it is served.
func Groups() []GroupInfo {
	return []GroupInfo{
		{GroupCPU, "Processor time, throttling, quota and shares of each container.", true},
		{GroupMemory, "Memory usage, page cache, reclaim, faults and limits of each container.", true},
		{GroupOOM, "Processes killed for want of memory.", true},
		{GroupPressure, "Time lost waiting for processor, memory and io (PSI).", true},
		{GroupIO, "Reads and writes of each container, by device.", true},
		{GroupBlkio, "The same bytes by device number and operation, under cAdvisor's name.", false},
		{GroupNetwork, "Traffic of each network namespace, at the container that owns it.", true},
		{GroupPids, "Threads and processes of each container.", true},
		{GroupPerCPU, "Processor time by processor (cgroup v1), in place of cpu=\"total\" where the kernel tells it: the sum is the same.", false},
		{GroupNUMA, "Memory of each container by NUMA node.", false},
		{GroupHugetlb, "Huge pages of each container, by page size.", false},
		{GroupProcess, "Descriptors and sockets that the processes of each container hold open, and their limits; needs CAP_SYS_PTRACE.", false},
		{GroupTCP, "TCP sockets of each network namespace by state, at the container that owns it; costly where there are many.", false},
		{GroupUDP, "UDP sockets of each network namespace, at the container that owns it.", false},
		{GroupMachine, "Processors and memory of the host.", true},
		{GroupState, "State, health, restarts, exits, times and image of each container.", true},
		{GroupDisk, "Disk usage of containers, images, volumes and build cache, and of logs, as docker system df has them.", true},
		{GroupEngine, "The Docker Engine: version, containers by state, events.", true},
		{GroupTallyman, "tallyman itself, with its Go runtime and process.", true},
		{GroupCAdvisor, "What dashboards made for cAdvisor ask for and is served under no other name.", false},
	}
}

// Dispensable lists the groups that may be left out where a host has too many series, the first ones first: those that are off by
// default, then what can be seen elsewhere, and the numbers of processor and memory at last. State, kills, the engine, the machine and tallyman
// itself are few series, and what an alert hangs on: they stay.
func Dispensable() []Group {
	return []Group{
		GroupNUMA, GroupPerCPU, GroupHugetlb, GroupTCP, GroupUDP, GroupProcess, GroupBlkio,
		GroupDisk, GroupPids, GroupPressure, GroupIO, GroupNetwork, GroupMemory, GroupCPU,
	}
}

// Selection is a set of groups. Its zero value holds the groups that are on by default. It is comparable.
type Selection struct {
	// flipped has the bit of each group that is not as by default, so that zero means all defaults.
	flipped uint32
}

// Has says whether a group is in the selection; a group that does not exist never is.
func (s Selection) Has(g Group) bool {
	bit, byDefault := groupBit(g)
	return s.has(groupKey{bit, byDefault})
}

// groupKey is a group by its bit in a Selection.
type groupKey struct {
	bit       uint32 // 0 = there is no such group
	byDefault bool
}

// has is Has for a group whose bit is known.
func (s Selection) has(k groupKey) bool {
	return k.byDefault != (s.flipped&k.bit != 0)
}

// With returns the selection with a group switched on or off. A group that does not exist changes nothing.
func (s Selection) With(g Group, on bool) Selection {
	bit, byDefault := groupBit(g)
	s.flipped &^= bit
	if byDefault != on {
		s.flipped |= bit
	}
	return s
}

// groupBit gives the bit of a group in Selection.flipped, none for a group that does not exist.
func groupBit(g Group) (bit uint32, byDefault bool) {
	for i, info := range Groups() {
		if info.Name == g {
			return 1 << i, info.Default
		}
	}
	return 0, false
}

// Empty returns a selection without any group.
func (s Selection) Empty() Selection {
	for _, info := range Groups() {
		s = s.With(info.Name, false)
	}
	return s
}

// Narrow returns the part of the selection that a client asked for: only the groups in collect, or all but those in
// exclude. The error tells the client what would be right.
func (s Selection) Narrow(collect, exclude []string) (Selection, error) {
	if len(collect) > 0 && len(exclude) > 0 {
		return s, fmt.Errorf("collect[] and exclude[] cannot be used together: name the groups to serve, or those to leave out")
	}
	if len(collect) == 0 {
		return s.without(exclude)
	}
	narrowed := s.Empty()
	for _, name := range collect {
		g := Group(name)
		if err := checkGroup("collect[]", g); err != nil {
			return s, err
		}
		if !s.Has(g) {
			return s, fmt.Errorf("collect[]: group %q is switched off here: start tallyman with --%s to switch it on", name, g.Flag())
		}
		narrowed = narrowed.With(g, true)
	}
	return narrowed, nil
}

// without takes groups out of the selection.
func (s Selection) without(exclude []string) (Selection, error) {
	for _, name := range exclude {
		if err := checkGroup("exclude[]", Group(name)); err != nil {
			return s, err
		}
		s = s.With(Group(name), false)
	}
	return s, nil
}

// checkGroup refuses a group that does not exist.
func checkGroup(parameter string, g Group) error {
	infos := Groups()
	if slices.ContainsFunc(infos, func(i GroupInfo) bool { return i.Name == g }) {
		return nil
	}
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = string(info.Name)
	}
	return fmt.Errorf("%s: there is no group %q: the groups are %s", parameter, clip(string(g)), strings.Join(names, ", "))
}

// clip shortens what a client sent, so that no error text grows with it.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
