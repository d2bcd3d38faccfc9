package api

// The JSON that is served, as openapi.yaml documents it. Base units: seconds, bytes, processors. What is not known is null.

// summaryAnswer is the answer of /api/v1/summary.
type summaryAnswer struct {
	Time           moment          `json:"time"`
	CollectSeconds number          `json:"collect_seconds"`
	Version        text            `json:"version"`
	Host           hostSummary     `json:"host"`
	Engines        []engineSummary `json:"engines"`
	Containers     containerCounts `json:"containers"`
	Totals         totals          `json:"totals"`
	Disk           []diskItem      `json:"disk"`
	Attention      []attentionItem `json:"attention"`
}

// hostSummary is the machine.
type hostSummary struct {
	Name                   text         `json:"name"`
	Kernel                 text         `json:"kernel"`
	Cores                  number       `json:"cores"`
	CPUCores               number       `json:"cpu_cores"`
	MemoryBytes            number       `json:"memory_bytes"`
	MemoryWorkingSetBytes  number       `json:"memory_working_set_bytes"`
	SwapBytes              number       `json:"swap_bytes"`
	PressureWaitingSeconds hostPressure `json:"pressure_waiting_seconds"`
}

// hostPressure is the time since boot in which some task had to wait.
type hostPressure struct {
	CPU    number `json:"cpu"`
	Memory number `json:"memory"`
	IO     number `json:"io"`
}

// engineSummary is a Docker Engine.
type engineSummary struct {
	Name          text   `json:"name"`
	Up            bool   `json:"up"`
	Fresh         bool   `json:"fresh"`
	Problem       text   `json:"problem"`
	SyncedAt      moment `json:"synced_at"`
	Version       text   `json:"version"`
	APIVersion    text   `json:"api_version"`
	StorageDriver text   `json:"storage_driver"`
	CgroupDriver  text   `json:"cgroup_driver"`
	CgroupVersion text   `json:"cgroup_version"`
	OS            text   `json:"os"`
	Containers    int    `json:"containers"`
}

// containerCounts counts the containers.
type containerCounts struct {
	Total  int            `json:"total"`
	States map[string]int `json:"states"`
	Health map[string]int `json:"health"`
}

// totals are sums over the containers.
type totals struct {
	CPUCores               number `json:"cpu_cores"`
	MemoryUsageBytes       number `json:"memory_usage_bytes"`
	MemoryWorkingSetBytes  number `json:"memory_working_set_bytes"`
	ReadBytesPerSecond     number `json:"read_bytes_per_second"`
	WriteBytesPerSecond    number `json:"write_bytes_per_second"`
	ReceiveBytesPerSecond  number `json:"receive_bytes_per_second"`
	TransmitBytesPerSecond number `json:"transmit_bytes_per_second"`
}

// diskItem is a line of docker system df.
type diskItem struct {
	Engine           text   `json:"engine"`
	Type             string `json:"type"`
	Total            number `json:"total"`
	Active           number `json:"active"`
	SizeBytes        number `json:"size_bytes"`
	ReclaimableBytes number `json:"reclaimable_bytes"`
	RefreshedAt      moment `json:"refreshed_at"`
	AgeSeconds       number `json:"age_seconds"`
	Problem          text   `json:"problem"`
}

// attentionItem is a container that somebody should look at.
type attentionItem struct {
	ID       text     `json:"id"`
	Name     text     `json:"name"`
	Engine   text     `json:"engine"`
	State    text     `json:"state"`
	ExitCode number   `json:"exit_code"`
	Reasons  []string `json:"reasons"`
}

// containersAnswer is the answer of /api/v1/containers.
type containersAnswer struct {
	Time       moment          `json:"time"`
	Containers []containerItem `json:"containers"`
}

// containerItem is a container in the list.
type containerItem struct {
	ID         text        `json:"id"`
	Cgroup     text        `json:"cgroup"`
	Name       text        `json:"name"`
	Image      text        `json:"image"`
	Engine     text        `json:"engine"`
	State      text        `json:"state"`
	Health     text        `json:"health"`
	ExitCode   number      `json:"exit_code"`
	OOMKilled  *bool       `json:"oom_killed"`
	Restarts   number      `json:"restarts"`
	CreatedAt  moment      `json:"created_at"`
	StartedAt  moment      `json:"started_at"`
	FinishedAt moment      `json:"finished_at"`
	Source     string      `json:"source"`
	SourceAge  number      `json:"source_age_seconds"`
	CPU        cpuItem     `json:"cpu"`
	Memory     memoryItem  `json:"memory"`
	IO         ioItem      `json:"io"`
	Network    networkItem `json:"network"`
	Pids       pidsItem    `json:"pids"`
	Disk       sizeItem    `json:"disk"`
	OOMKills   number      `json:"oom_kills"`
	Problem    text        `json:"problem"`
}

// cpuItem is the processor time of a container.
type cpuItem struct {
	Cores          number `json:"cores"`
	LimitCores     number `json:"limit_cores"`
	UsageSeconds   number `json:"usage_seconds"`
	ThrottledRatio number `json:"throttled_ratio"`
}

// memoryItem is the memory of a container.
type memoryItem struct {
	UsageBytes      number `json:"usage_bytes"`
	WorkingSetBytes number `json:"working_set_bytes"`
	LimitBytes      number `json:"limit_bytes"`
}

// ioItem is what a container read and wrote, on all devices.
type ioItem struct {
	ReadBytesPerSecond  number `json:"read_bytes_per_second"`
	WriteBytesPerSecond number `json:"write_bytes_per_second"`
	ReadBytes           number `json:"read_bytes"`
	WriteBytes          number `json:"write_bytes"`
}

// networkItem is the traffic of a container, on all interfaces.
type networkItem struct {
	ReceiveBytesPerSecond  number `json:"receive_bytes_per_second"`
	TransmitBytesPerSecond number `json:"transmit_bytes_per_second"`
	ReceiveBytes           number `json:"receive_bytes"`
	TransmitBytes          number `json:"transmit_bytes"`
}

// pidsItem is the number of tasks of a container.
type pidsItem struct {
	Threads    number `json:"threads"`
	ThreadsMax number `json:"threads_max"`
	Processes  number `json:"processes"`
}

// sizeItem is what a container takes on disk.
type sizeItem struct {
	WritableBytes number `json:"writable_bytes"`
	RootBytes     number `json:"root_bytes"`
	LogBytes      number `json:"log_bytes"`
}

// containerAnswer is the answer of /api/v1/containers/{id}.
type containerAnswer struct {
	Time      moment        `json:"time"`
	Container containerItem `json:"container"`
	Facts     *factsItem    `json:"facts"`
	Readings  []readingItem `json:"readings"`
}

// cgroupAnswer is the answer of /api/v1/containers/{id}/cgroup.
type cgroupAnswer struct {
	Time moment `json:"time"`
	Path string `json:"path"`
	// Stat is what cgroups.Reader.Raw gives.
	Stat any `json:"stat"`
}

// factsItem is what the engine says besides.
type factsItem struct {
	ImageID       text              `json:"image_id"`
	ImageCreated  moment            `json:"image_created_at"`
	ImageStale    *bool             `json:"image_stale"`
	PID           number            `json:"pid"`
	FailingStreak number            `json:"health_failing_streak"`
	NetworkMode   text              `json:"network_mode"`
	NetworkOwner  text              `json:"network_owner"`
	CgroupParent  text              `json:"cgroup_parent"`
	RestartPolicy text              `json:"restart_policy"`
	Runtime       text              `json:"runtime"`
	Labels        map[string]string `json:"labels"`
}

// readingItem is one sample of the metrics of a container.
type readingItem struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
	Value  number            `json:"value"`
}
