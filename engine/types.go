package engine

import (
	"net/netip"
	"time"
)

// Container is what one engine says about one container. It is immutable once published: a change makes a new
// Container, so that an equal pointer means that nothing was said since.
//
// Source: GET /containers/{id}/json and GET /images/json, kept current by GET /events.
type Container struct {
	// Listed says that only the list has told of the container, as inspect fails, or has not come yet: Health, Restarts and what
	// else the list does not say are unknown, not zero.
	Listed bool

	ID      string // 64 hex digits
	Name    string // without the leading slash; "" for a nameless one
	Image   string // as the user wrote it (Config.Image)
	ImageID string // "sha256:..." (Image)
	// ImageCreated is when the image was made, by GET /images/json; zero = the engine does not list it, or the image does not say.
	ImageCreated time.Time
	// ImageStale says that the tag from which the container was created names another image now. A tag that was removed has not
	// moved, and what was created from an id or a digest cannot become stale. ImageKnown says that ImageStale is known.
	ImageKnown, ImageStale bool

	State    State
	PID      int // of the first process in the engine's pid namespace; 0 unless it runs
	Created  time.Time
	Started  time.Time // of the latest start; zero = never started
	Finished time.Time // of the latest exit; zero = never ended

	// HasExited says that ExitCode speaks of a real exit, or of a start that failed. The engine forgets the exit code when a
	// container starts again; while it runs, ExitCode is that of the exit before, provided that this process saw it.
	HasExited bool
	ExitCode  int
	OOMKilled bool // State.OOMKilled: the latest run met the out-of-memory killer, which it may have survived; of the run before while it runs

	Health        Health
	FailingStreak int // failed health probes in a row, as of the latest change of anything else or resync: probes send no event

	NetworkMode string // HostConfig.NetworkMode: "bridge", "host", "none", "container:<id>", or a network's name
	// NetworkOwner is the id of the container whose network namespace this one uses, its own id when it owns one, and ""
	// when it has none of its own nor of a container (mode "host").
	NetworkOwner string
	// Addresses are those of the container in its networks, by the name of the network; nil unless it runs, and with the modes host,
	// none and "container:<id>".
	Addresses []Address
	// TCPPorts are those that its image or its user says it listens on, and those that are published, the smallest first.
	TCPPorts      []Port
	CgroupParent  string // HostConfig.CgroupParent; "" = the engine's default
	Limits        Limits
	RestartPolicy string // "no", "always", "on-failure", "unless-stopped"
	Runtime       string // "runc"
	LogPath       string // of the log on the engine's host; "" for log drivers that do not tell, and before the first start
	Labels        map[string]string

	// Restarts counts the restarts by the restart policy. Unlike RestartCount of the API it goes on over manual starts.
	Restarts uint64
	// Exits counts the exits seen by this process, by reason.
	Exits Exits
	// OOMKills counts the kills for want of memory that the engine told this process of: its "oom" events, and runs that ended
	// so without one. OOMKillsBefore is the part of it that happened before the present run, or the latest.
	OOMKills, OOMKillsBefore uint64
}

// Address is the address of a container in one network. Source: NetworkSettings.Networks of GET /containers/{id}/json.
type Address struct {
	Network string
	IP      netip.Addr // of IPv6 only where there is none of IPv4
}

// Port is a TCP port of a container. Source: Config.ExposedPorts and NetworkSettings.Ports of GET /containers/{id}/json.
type Port struct {
	Number uint16
	// Published is where the port can be reached at the engine's host; nil = nowhere.
	Published []netip.AddrPort // with an unspecified address (0.0.0.0 or ::): at all of the host's
}

// Limits is what a container was given to use, as its user asked for it; 0 = the user did not ask. Whether the kernel was told
// so is another matter: see cgroups.
//
// Source: HostConfig of GET /containers/{id}/json.
type Limits struct {
	Memory            int64  // bytes
	MemorySwap        int64  // bytes of memory and swap together; -1 = no limit
	MemoryReservation int64  // bytes
	CPUQuota          int64  // microseconds per period; -1 = no limit; CpuQuota, or what NanoCpus stands for
	CPUPeriod         int64  // microseconds; CpuPeriod, or what NanoCpus stands for
	CPUShares         int64  // CpuShares
	CPUSet            string // the processors, such as "0-3,7"; CpusetCpus
}

// Exits counts how a container's runs ended.
type Exits struct {
	Completed uint64 // exit code 0
	Error     uint64 // any other exit code
	Signal    uint64 // exit codes above 128: ended by a signal
	OOM       uint64 // State.OOMKilled
}

// State is State.Status of the API.
type State string

// The states of a container, as the Engine API names them.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StatePaused     State = "paused"
	StateRestarting State = "restarting"
	StateRemoving   State = "removing"
	StateExited     State = "exited"
	StateDead       State = "dead"
)

// States lists every State in the order in which it is served.
func States() []State {
	return []State{StateCreated, StateRunning, StatePaused, StateRestarting, StateRemoving, StateExited, StateDead}
}

// HasProcesses says whether a container in this state has processes, and so a cgroup to read.
func (s State) HasProcesses() bool { return s == StateRunning || s == StatePaused }

// Health is State.Health.Status of the API.
type Health string

// What a health check says; HealthNone = the container has no health check.
const (
	HealthNone      Health = ""
	HealthStarting  Health = "starting"
	HealthHealthy   Health = "healthy"
	HealthUnhealthy Health = "unhealthy"
)

// View is what is known of one engine at one moment. It is immutable and shared.
type View struct {
	// Containers of every state, sorted by name, then id.
	Containers []*Container
	// Up says that the engine answered the latest request and its event stream stands, unless that is refused; see Access.
	Up bool
	// Problem says, for people, why Up is false; "" otherwise.
	Problem string
	// Reason says the same in a word, such as "permission", "timeout" or "io"; "" when Up.
	Reason string
	// Synced is the time of the latest complete list; zero = there was none yet.
	Synced time.Time
	// LastContact is the time at which the engine was last known to be up; zero = never.
	LastContact time.Time
	Info        Info
	// Access says what the engine lets itself be asked for; what was not asked for yet is not in it.
	Access []Access
	// Events counts the events seen by this process, by type and action, sorted.
	Events []EventCount
}

// EventCount is a number of events of one kind, as docker_events_total shows it.
type EventCount struct {
	Type   string // "container", "image"
	Action string // "start"; without the suffix after ": "
	Count  uint64
}

// Info describes an engine. Source: GET /info and GET /version.
type Info struct {
	Version         string // "28.5.2"
	APIVersion      string // the version spoken, after negotiation
	StorageDriver   string
	CgroupDriver    string // "cgroupfs" or "systemd"
	CgroupVersion   string // "1" or "2"
	KernelVersion   string
	OperatingSystem string
	Name            string // host name
}
