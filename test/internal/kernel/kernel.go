package kernel

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tallyman/test/internal/scrape"
)

// Kind says how a number behaves between two readings.
type Kind int

// The kinds of numbers.
const (
	Counter Kind = iota // never falls
	Gauge               // goes up and down
	Limit               // stays as it was set
)

// Number is one number of a container.
type Number struct {
	Value float64
	Kind  Kind
}

// Numbers are all that the kernel says of a container, by the series that tallyman serves it in (scrape.Series).
type Numbers map[string]Number

// Container says which container to read.
type Container struct {
	ID  string
	PID int
	// Network says that it owns its network namespace.
	Network bool
}

// Kernel knows where the cgroup hierarchies are mounted. It is not for concurrent use.
type Kernel struct {
	// Unified says that there is cgroup v2 only.
	Unified bool
	// Detailed asks for what tallyman serves only when its group is switched on, too.
	Detailed bool
	// mounts is where each controller is mounted; "" is v2.
	mounts map[string]string
	cores  float64
}

// New reads /proc/self/mountinfo.
func New() (*Kernel, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	k := &Kernel{mounts: map[string]string{}}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		place, kind := strings.Fields(before)[4], strings.Fields(after)
		switch kind[0] {
		case "cgroup2":
			k.mounts[""] = place
		case "cgroup":
			for option := range strings.SplitSeq(kind[2], ",") {
				k.mounts[option] = place
			}
		}
	}
	if len(k.mounts) == 0 {
		return nil, fmt.Errorf("no cgroups are mounted")
	}
	k.Unified = k.mounts["memory"] == "" && k.mounts["cpu"] == ""
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	k.cores = float64(strings.Count("\n"+string(cpuinfo), "\nprocessor"))
	return k, err
}

// Read reads everything about a container. What cannot be read is not there.
func (k *Kernel) Read(c Container) Numbers {
	r := &reading{kernel: k, dirs: k.folders(c), out: Numbers{}}
	if k.Unified {
		r.readV2()
	} else {
		r.readV1()
	}
	r.readPressure()
	if c.Network {
		r.readNetwork(c.PID)
	}
	if k.Detailed {
		r.readDetail(c)
	}
	return r.out
}

// OOMKills is how many processes of a container were killed for want of memory: oom_kill of memory.events or memory.oom_control. It
// is NaN when the kernel does not say.
func (k *Kernel) OOMKills(c Container) float64 {
	r := &reading{kernel: k, dirs: k.folders(c)}
	stat := r.table("memory", "memory.oom_control")
	if k.Unified {
		stat = r.table("", "memory.events")
	}
	if kills, ok := stat["oom_kill"]; ok {
		return kills
	}
	return math.NaN()
}

// Birth tells one cgroup from the next of the same path, which has other inodes. It is empty where there is none.
func (k *Kernel) Birth(path string) string {
	var inodes []string
	for _, mount := range slices.Compact(slices.Sorted(maps.Values(k.mounts))) {
		var stat syscall.Stat_t
		if syscall.Stat(filepath.Join(mount, path), &stat) == nil {
			inodes = append(inodes, fmt.Sprintf("%s:%d", mount, stat.Ino))
		}
	}
	return strings.Join(inodes, " ")
}

// folders finds the folder of a container in each hierarchy from /proc/PID/cgroup. A hierarchy in which the container has no
// cgroup of its own does not count.
func (k *Kernel) folders(c Container) map[string]string {
	out := map[string]string{}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", c.PID))
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 || !strings.Contains(parts[2], c.ID) {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			if mount, ok := k.mounts[controller]; ok {
				out[controller] = filepath.Join(mount, parts[2])
			}
		}
	}
	return out
}

// reading gathers the numbers of one container.
type reading struct {
	kernel *Kernel
	dirs   map[string]string
	out    Numbers
}

// put keeps a number under its series.
func (r *reading) put(kind Kind, value float64, family string, pairs ...string) {
	labels := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	r.out[scrape.Series(family, labels)] = Number{Value: value, Kind: kind}
}
