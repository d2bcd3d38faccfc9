package cgroups

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

var (
	// ErrGone says that the cgroup of a Handle no longer exists: the container ended, or was restarted into a new one. The
	// Handle is closed; Open may find the new cgroup.
	ErrGone = errors.New("cgroup is gone")
	// ErrNotFound says that a container has no cgroup that can be found here.
	ErrNotFound = errors.New("cgroup not found")
)

// Parts is a set of the parts of Stats. The files of a part that is not wanted are not opened.
type Parts uint

// The parts of Stats.
const (
	PartCPU        Parts = 1 << iota
	PartMemory           // all but memory.stat
	PartMemoryStat       // memory.stat, for which the kernel has to sum up much: a third of all the time on v1, and more on v2
	PartPids
	PartPressure
	PartIO
	PartNetwork
	PartPerCPU
	PartHugetlb
	PartNUMA
	PartProcess
	PartTCP
	PartUDP
	// NoParts is a set without any part; unlike zero it is not the default.
	NoParts

	// DefaultParts are those that every host has a use for.
	DefaultParts = PartCPU | PartMemory | PartMemoryStat | PartPids | PartPressure | PartIO | PartNetwork
	AllParts     = DefaultParts | PartPerCPU | PartHugetlb | PartNUMA | PartProcess | PartTCP | PartUDP

	// partsOfProc need cgroup.procs: what is read of /proc without any file of the cgroup would outlive it.
	partsOfProc = PartPids | PartProcess | PartNetwork | PartTCP | PartUDP
)

// Root says where a host's file systems are found, so that the same code reads the host it runs on, the host of the
// container it runs in, and a recorded one.
type Root struct {
	ProcFS   string // default "/proc"
	CgroupFS string // default "/sys/fs/cgroup"
}

// Options configure a Reader. The zero value reads the host it runs on.
type Options struct {
	Root  Root
	Parts Parts // default DefaultParts
	// MaxDescriptors is how many descriptors may be kept: files first, then the folders of cgroups, then none. Default: the
	// soft limit RLIMIT_NOFILE less 1024, or less a quarter of it.
	MaxDescriptors int
	// HideInterfaces says which network interfaces are left out, by their names. Default: the loopback, and the host's side of
	// containers' interfaces ("lo", "veth*", "docker*"), whose traffic is counted in the containers.
	HideInterfaces func(name string) bool
	// Slices are patterns of further cgroups to read, such as "/system.slice/*.service"; see Reader.Slices.
	Slices []string
	Now    func() time.Time // default time.Now
}

// Reader opens cgroups and reads them. It is not safe for concurrent use: the Handles it opens share its buffer.
type Reader struct {
	root  Root
	parts Parts
	kept  Descriptors
	buf   []byte
	pids  []int  // scratch of Handle.readProcess
	lines []byte // scratch of Reader.stream; nil until it is needed
	now   func() time.Time

	hierarchy hierarchy
	// sizesKnown says that hierarchy.files holds those of every size of huge pages.
	sizesKnown bool
	locator    locator
	strings    map[string]string
	hide       func(name string) bool
	hidden     map[string]bool // what hide said
	slices     watchlist
	devices    map[[2]uint32]string
	// devicesRead is when /proc/diskstats was read last.
	devicesRead time.Time
	machine     Machine
	machineRead time.Time

	capabilities     []Capability
	capabilitiesRead time.Time
	proof, proofTold proof
}

// Target says which container's cgroup to open.
type Target struct {
	ID     string // 64 hex digits
	PID    int    // of its first process, as /proc names it; 0 = unknown
	Parent string // HostConfig.CgroupParent; "" = the engine's default
	Driver string // "cgroupfs" or "systemd"; "" = unknown
	// Network says that the container owns its network namespace, so that the traffic seen there is its own.
	Network bool
}

// NewReader finds the cgroup hierarchies. The error names the folder that is no cgroup tree.
func NewReader(o Options) (*Reader, error) {
	if o.Root.ProcFS == "" {
		o.Root.ProcFS = "/proc"
	}
	if o.Root.CgroupFS == "" {
		o.Root.CgroupFS = defaultCgroupFS
	}
	if o.Parts == 0 {
		o.Parts = DefaultParts
	}
	if o.HideInterfaces == nil {
		o.HideInterfaces = hiddenInterface
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxDescriptors == 0 {
		o.MaxDescriptors = descriptorShare()
	}
	h, err := findHierarchy(o.Root.CgroupFS)
	if err != nil {
		return nil, err
	}
	h.files = wanted(h.files, o.Parts)
	return &Reader{
		root: o.Root, parts: o.Parts, kept: Descriptors{Max: o.MaxDescriptors}, now: o.Now,
		buf:       make([]byte, 16<<10),
		hierarchy: h,
		locator:   locator{hierarchy: h, procFS: o.Root.ProcFS},
		strings:   map[string]string{},
		hide:      o.HideInterfaces,
		hidden:    map[string]bool{},
		slices:    watchlist{patterns: o.Slices},
		devices:   map[[2]uint32]string{},
	}, nil
}

// Open finds and opens the cgroup of a container. The error is ErrNotFound when there is none.
func (r *Reader) Open(t Target) (*Handle, error) {
	loc, err := r.locator.locate(t)
	r.prove(t, &loc, err)
	if err != nil {
		return nil, err
	}
	h := r.openFiles(loc.path, &loc.dirs, r.files(&loc.dirs))
	if len(h.files) == 0 {
		return nil, fmt.Errorf("open %s: %w", loc.path, ErrNotFound)
	}
	if loc.pid > 0 {
		proc := filepath.Join(r.root.ProcFS, fmt.Sprint(loc.pid))
		if r.parts&PartProcess != 0 {
			h.firstProcess, h.proc = loc.pid, proc
		}
		if t.Network {
			h.openNetwork(proc)
		}
	}
	return h, nil
}

// Path tells the cgroup path that the container has, or would have if it ran.
func (r *Reader) Path(t Target) string { return r.locator.expected(t) }

// OpenHost opens the root cgroup. Where a cgroup namespace hides it, only /proc is read.
func (r *Reader) OpenHost() *Handle {
	dirs := r.hierarchy.dirs(func(base) string { return "/" })
	files := r.files(&dirs)
	if !r.hierarchy.isRoot() {
		dirs, files = bases{}, nil
	}
	dirs[baseProc], dirs[basePressure] = r.root.ProcFS, filepath.Join(r.root.ProcFS, "pressure")
	if dirs[baseUnified] != "" && !r.hierarchy.unified {
		dirs[baseUnified] = "" // the pressure of a hybrid host is that of /proc/pressure
	}
	files = append(ofRoot(files), wanted(filesHost(), r.parts)...)
	h := r.openFiles("/", &dirs, files)
	h.host = true
	h.openNetwork(filepath.Join(r.root.ProcFS, "1"))
	return h
}

// openNetwork says that the network namespace of a process is the cgroup's own; proc is the folder of the process.
func (h *Handle) openNetwork(proc string) {
	if h.r.parts&PartNetwork != 0 {
		h.netDev = filepath.Join(proc, "net/dev")
	}
	for _, t := range socketTables() {
		if h.r.parts&t.part != 0 {
			h.sockets = append(h.sockets, socketFile{socketTable: t, path: filepath.Join(proc, t.name)})
		}
	}
}

func wanted(specs []fileSpec, parts Parts) []fileSpec {
	var out []fileSpec
	for _, s := range specs {
		if s.part&parts != 0 {
			out = append(out, s)
		}
	}
	return out
}

// ofRoot leaves out what the root cgroup says wrong of the host: cgroup.procs does not list its processes, only those that are in no other
// cgroup, and the io is that of /proc/diskstats; see parseHostIO.
func ofRoot(specs []fileSpec) []fileSpec {
	var out []fileSpec
	for _, s := range specs {
		if s.name != "cgroup.procs" && s.part != PartIO {
			out = append(out, s)
		}
	}
	return out
}

func unknown() float64 { return math.NaN() }
