package schema

import "slices"

// Summary is the answer of /api/v1/summary.
type Summary struct {
	Time           Moment      `json:"time"`
	CollectSeconds Number      `json:"collect_seconds"`
	Version        Text        `json:"version"`
	Host           Host        `json:"host"`
	Engines        []Engine    `json:"engines"`
	Containers     Counts      `json:"containers"`
	Totals         Totals      `json:"totals"`
	Disk           []DiskUsage `json:"disk"`
	Attention      []Attention `json:"attention"`
	Top            Top         `json:"top"`
	Ages           []Age       `json:"ages"`
}

// Fresh says whether any engine still says something of its containers.
func (s Summary) Fresh() bool {
	return slices.ContainsFunc(s.Engines, func(e Engine) bool { return e.Fresh })
}

// Host is the machine.
type Host struct {
	Name                   Text         `json:"name"`
	Kernel                 Text         `json:"kernel"`
	Cores                  Number       `json:"cores"`
	CPUCores               Number       `json:"cpu_cores"`
	MemoryBytes            Number       `json:"memory_bytes"`
	MemoryWorkingSetBytes  Number       `json:"memory_working_set_bytes"`
	SwapBytes              Number       `json:"swap_bytes"`
	SwapUsedBytes          Number       `json:"swap_used_bytes"`
	Threads                Number       `json:"threads"`
	Load                   *Load        `json:"load"`
	Pressure               Pressure     `json:"pressure"`
	PressureWaitingSeconds HostPressure `json:"pressure_waiting_seconds"`
}

// Load is the mean number of tasks that ran, waited for a processor or waited for a disk, over so many minutes.
type Load struct {
	One     Number `json:"one"`
	Five    Number `json:"five"`
	Fifteen Number `json:"fifteen"`
}

// HostPressure is the time in which some task had to wait, since boot or since the container's latest start.
type HostPressure struct {
	CPU    Number `json:"cpu"`
	Memory Number `json:"memory"`
	IO     Number `json:"io"`
}

// Pressure is the part of the time, from 0 to 1, in which some task had to wait, since the reading before.
type Pressure struct {
	CPU    Number `json:"cpu"`
	Memory Number `json:"memory"`
	IO     Number `json:"io"`
}

// Engine is a Docker Engine.
type Engine struct {
	Name          Text   `json:"name"`
	Up            bool   `json:"up"`
	Fresh         bool   `json:"fresh"`
	Problem       Text   `json:"problem"`
	SyncedAt      Moment `json:"synced_at"`
	Version       Text   `json:"version"`
	APIVersion    Text   `json:"api_version"`
	StorageDriver Text   `json:"storage_driver"`
	CgroupDriver  Text   `json:"cgroup_driver"`
	CgroupVersion Text   `json:"cgroup_version"`
	OS            Text   `json:"os"`
	Containers    int    `json:"containers"`
}

// Counts counts the containers.
type Counts struct {
	Total  int            `json:"total"`
	States map[string]int `json:"states"`
	Health map[string]int `json:"health"`
}

// Totals are sums over the containers.
type Totals struct {
	CPUCores               Number `json:"cpu_cores"`
	MemoryUsageBytes       Number `json:"memory_usage_bytes"`
	MemoryWorkingSetBytes  Number `json:"memory_working_set_bytes"`
	ReadBytesPerSecond     Number `json:"read_bytes_per_second"`
	WriteBytesPerSecond    Number `json:"write_bytes_per_second"`
	ReceiveBytesPerSecond  Number `json:"receive_bytes_per_second"`
	TransmitBytesPerSecond Number `json:"transmit_bytes_per_second"`
}

// DiskUsage is a line of docker system df.
type DiskUsage struct {
	Engine           Text   `json:"engine"`
	Type             string `json:"type"`
	Total            Number `json:"total"`
	Active           Number `json:"active"`
	SizeBytes        Number `json:"size_bytes"`
	ReclaimableBytes Number `json:"reclaimable_bytes"`
	RefreshedAt      Moment `json:"refreshed_at"`
	AgeSeconds       Number `json:"age_seconds"`
	Problem          Text   `json:"problem"`
}

// Attention is a container that somebody should look at.
type Attention struct {
	ID       Text     `json:"id"`
	Name     Text     `json:"name"`
	Engine   Text     `json:"engine"`
	State    Text     `json:"state"`
	ExitCode Number   `json:"exit_code"`
	Reasons  []string `json:"reasons"`
}

// Containers is the answer of /api/v1/containers.
type Containers struct {
	Time Moment `json:"time"`
	// Total is how many there are without the limit that was asked for.
	Total      int         `json:"total"`
	Containers []Container `json:"containers"`
}

// Container is a container in the list.
type Container struct {
	ID         Text    `json:"id"`
	Cgroup     Text    `json:"cgroup"`
	Name       Text    `json:"name"`
	Image      Text    `json:"image"`
	Engine     Text    `json:"engine"`
	State      Text    `json:"state"`
	Health     Text    `json:"health"`
	ExitCode   Number  `json:"exit_code"`
	OOMKilled  *bool   `json:"oom_killed"`
	Restarts   Number  `json:"restarts"`
	CreatedAt  Moment  `json:"created_at"`
	StartedAt  Moment  `json:"started_at"`
	FinishedAt Moment  `json:"finished_at"`
	Source     string  `json:"source"`
	SourceAge  Number  `json:"source_age_seconds"`
	CPU        CPU     `json:"cpu"`
	Memory     Memory  `json:"memory"`
	IO         IO      `json:"io"`
	Network    Network `json:"network"`
	Pids       Pids    `json:"pids"`
	Disk       Size    `json:"disk"`
	OOMKills   Number  `json:"oom_kills"`
	// What was recent is what happened within the last ten minutes.
	RecentOOMKills         Number       `json:"recent_oom_kills"`
	RecentRestarts         Number       `json:"recent_restarts"`
	Pressure               Pressure     `json:"pressure"`
	PressureWaitingSeconds HostPressure `json:"pressure_waiting_seconds"`
	// Attention says why somebody should look at it, the worst first.
	Attention []string `json:"attention"`
	Problem   Text     `json:"problem"`
}

// CPU is the processor time of a container.
type CPU struct {
	Cores          Number `json:"cores"`
	LimitCores     Number `json:"limit_cores"`
	UsageSeconds   Number `json:"usage_seconds"`
	ThrottledRatio Number `json:"throttled_ratio"`
}

// Memory is the memory of a container.
type Memory struct {
	UsageBytes      Number `json:"usage_bytes"`
	WorkingSetBytes Number `json:"working_set_bytes"`
	LimitBytes      Number `json:"limit_bytes"`
}

// IO is what a container read and wrote, on all devices.
type IO struct {
	ReadBytesPerSecond  Number `json:"read_bytes_per_second"`
	WriteBytesPerSecond Number `json:"write_bytes_per_second"`
	ReadBytes           Number `json:"read_bytes"`
	WriteBytes          Number `json:"write_bytes"`
}

// Network is the traffic of a container, on all interfaces.
type Network struct {
	ReceiveBytesPerSecond  Number `json:"receive_bytes_per_second"`
	TransmitBytesPerSecond Number `json:"transmit_bytes_per_second"`
	ReceiveBytes           Number `json:"receive_bytes"`
	TransmitBytes          Number `json:"transmit_bytes"`
}

// Pids is the number of tasks of a container.
type Pids struct {
	Threads    Number `json:"threads"`
	ThreadsMax Number `json:"threads_max"`
	Processes  Number `json:"processes"`
}

// Size is what a container takes on disk.
type Size struct {
	WritableBytes Number `json:"writable_bytes"`
	RootBytes     Number `json:"root_bytes"`
	LogBytes      Number `json:"log_bytes"`
}

// ContainerDetails is the answer of /api/v1/containers/{id}.
type ContainerDetails struct {
	Time      Moment    `json:"time"`
	Container Container `json:"container"`
	Facts     *Facts    `json:"facts"`
	Limits    Limits    `json:"limits"`
	LastExit  *LastExit `json:"last_exit"`
	Exits     *Exits    `json:"exits"`
	// Network is nil where the engine does not say whose network it uses.
	Network  *Namespace `json:"network_namespace"`
	Sources  []Source   `json:"sources"`
	Readings []Reading  `json:"readings"`
}

// Cgroup is the answer of /api/v1/containers/{id}/cgroup.
type Cgroup struct {
	Time Moment `json:"time"`
	Path string `json:"path"`
	// Stat is what cgroups.Reader.Raw gives.
	Stat any `json:"stat"`
}

// Facts is what the engine says besides.
type Facts struct {
	ImageID       Text              `json:"image_id"`
	ImageCreated  Moment            `json:"image_created_at"`
	ImageStale    *bool             `json:"image_stale"`
	PID           Number            `json:"pid"`
	FailingStreak Number            `json:"health_failing_streak"`
	NetworkMode   Text              `json:"network_mode"`
	NetworkOwner  Text              `json:"network_owner"`
	CgroupParent  Text              `json:"cgroup_parent"`
	RestartPolicy Text              `json:"restart_policy"`
	Runtime       Text              `json:"runtime"`
	Labels        map[string]string `json:"labels"`
}

// Reading is one sample of the metrics of a container.
type Reading struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
	Value  Number            `json:"value"`
}

// Problem is the answer to a request that cannot be answered, as RFC 9457 has it.
type Problem struct {
	// Type is "about:blank" where the status says it all.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what was wrong and what would be right.
	Detail string `json:"detail"`
	// Candidates are what an ambiguous request may have meant.
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Candidate is a container that a request may have meant.
type Candidate struct {
	ID     Text `json:"id"`
	Name   Text `json:"name"`
	Engine Text `json:"engine"`
}

// History is the answer of /api/v1/containers/{id}/history, and of /api/v1/history for the host.
type History struct {
	Time   Moment  `json:"time"`
	Points []Point `json:"points"`
}

// Point is one moment of a History. What follows the memory is the mean since the point before.
type Point struct {
	Time                   Moment `json:"time"`
	MemoryWorkingSetBytes  Number `json:"memory_working_set_bytes"`
	CPUCores               Number `json:"cpu_cores"`
	ThrottledRatio         Number `json:"throttled_ratio"`
	ReceiveBytesPerSecond  Number `json:"receive_bytes_per_second"`
	TransmitBytesPerSecond Number `json:"transmit_bytes_per_second"`
	ReadBytesPerSecond     Number `json:"read_bytes_per_second"`
	WriteBytesPerSecond    Number `json:"write_bytes_per_second"`
	CPUPressure            Number `json:"cpu_pressure"`
	MemoryPressure         Number `json:"memory_pressure"`
	IOPressure             Number `json:"io_pressure"`
}

// Events is the answer of /api/v1/events.
type Events struct {
	Time   Moment  `json:"time"`
	Events []Event `json:"events"`
}

// Event is something that an engine said has happened.
type Event struct {
	Seq      uint64 `json:"seq"`
	Time     Moment `json:"time"`
	Engine   Text   `json:"engine"`
	Type     string `json:"type"`
	Action   string `json:"action"`
	Detail   Text   `json:"detail"`
	ID       Text   `json:"id"`
	Name     Text   `json:"name"`
	Image    Text   `json:"image"`
	ExitCode Number `json:"exit_code"`
	Signal   Text   `json:"signal"`
}

// Endings is the answer of /api/v1/last-words.
type Endings struct {
	Time      Moment      `json:"time"`
	LastWords []LastWords `json:"last_words"`
}

// Logs is the answer of /api/v1/containers/{id}/logs.
type Logs struct {
	Time  Moment    `json:"time"`
	Lines []LogLine `json:"lines"`
}

// LogLine is a line that a container has written.
type LogLine struct {
	Time   Moment `json:"time"`
	Stream Text   `json:"stream"`
	Text   string `json:"text"`
}

// LastWords is a run of a container that has ended.
type LastWords struct {
	Engine          Text   `json:"engine"`
	ID              Text   `json:"id"`
	Name            Text   `json:"name"`
	Image           Text   `json:"image"`
	StartedAt       Moment `json:"started_at"`
	FinishedAt      Moment `json:"finished_at"`
	DurationSeconds Number `json:"duration_seconds"`
	ExitCode        Number `json:"exit_code"`
	OOMKilled       bool   `json:"oom_killed"`
	PeakMemoryBytes Number `json:"peak_memory_bytes"`
	CPUSeconds      Number `json:"cpu_seconds"`
	ThrottledRatio  Number `json:"throttled_ratio"`
	Removed         bool   `json:"removed"`
}
