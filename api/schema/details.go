package schema

// Limits is what a container may use, as its user asked for it and as the kernel has it.
type Limits struct {
	// Asked is nil where the engine does not say what was asked for.
	Asked  *AskedLimits `json:"asked"`
	Kernel KernelLimits `json:"kernel"`
}

// AskedLimits is what the user of a container has asked for; null = nothing, or no limit.
type AskedLimits struct {
	CPUCores               Number `json:"cpu_cores"`
	CPUShares              Number `json:"cpu_shares"`
	CPUSet                 Text   `json:"cpu_set"`
	MemoryBytes            Number `json:"memory_bytes"`
	MemoryAndSwapBytes     Number `json:"memory_and_swap_bytes"`
	MemoryReservationBytes Number `json:"memory_reservation_bytes"`
}

// KernelLimits is what the kernel holds a container to; null = no limit, or not known.
type KernelLimits struct {
	CPUCores               Number `json:"cpu_cores"`
	CPUShares              Number `json:"cpu_shares"`
	CPUSetCores            Number `json:"cpu_set_cores"`
	MemoryBytes            Number `json:"memory_bytes"`
	MemoryAndSwapBytes     Number `json:"memory_and_swap_bytes"`
	MemoryReservationBytes Number `json:"memory_reservation_bytes"`
	Threads                Number `json:"threads"`
}

// LastExit is how the latest run of a container that has ended did so, or a start that failed.
type LastExit struct {
	ExitCode Number `json:"exit_code"`
	// Reason is completed, error, signal or oom.
	Reason string `json:"reason"`
	// Signal is the number of the signal that ended it.
	Signal     Number `json:"signal"`
	OOMKilled  *bool  `json:"oom_killed"`
	FinishedAt Moment `json:"finished_at"`
	AgeSeconds Number `json:"age_seconds"`
}

// Exits counts how runs have ended, as far as tallyman saw it.
type Exits struct {
	Completed Number `json:"completed"`
	Error     Number `json:"error"`
	Signal    Number `json:"signal"`
	OOM       Number `json:"oom"`
}

// Namespace is the network that a container uses.
type Namespace struct {
	Mode Text `json:"mode"`
	// Owner is the container whose network it is, which can be itself; nil = the host's, or none.
	Owner *Candidate `json:"owner"`
	// Shared are the other containers that use it.
	Shared []Candidate `json:"shared_with"`
}

// Source says where a part of what is known comes from, and how old it is.
type Source struct {
	Part       string `json:"part"`
	Source     string `json:"source"`
	At         Moment `json:"at"`
	AgeSeconds Number `json:"age_seconds"`
	Problem    Text   `json:"problem"`
}
