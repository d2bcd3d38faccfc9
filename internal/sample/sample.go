package sample

import (
	"math"
	"strings"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// Now is the time of the Snapshots of this package.
func Now() time.Time { return time.Date(2026, 11, 21, 9, 30, 0, 250_000_000, time.UTC) }

// ID is a container id of 64 hexadecimal digits that begins with a prefix.
func ID(prefix string) string { return prefix + strings.Repeat("0", 64-len(prefix)) }

// Snapshot is a host with containers in every state and with awkward texts, some as cgroup v1 would give them, some as v2.
func Snapshot() *collector.Snapshot {
	s := &collector.Snapshot{
		Time:     Now(),
		Duration: 12 * time.Millisecond,
		Maker:    "tallyman-1.2.3",
		Machine: cgroups.Machine{
			Cores: 8, PhysicalCores: 4, Sockets: 1, MemoryBytes: 16 << 30, SwapBytes: 0,
			Hostname: "quay-7", Kernel: "6.12.9-amd64",
		},
		Host: host(),
		Containers: []collector.Container{
			nameless(), awkward(), busy(), crashLooping(), created(), dead(), exited(), forgotten(), legacy(), oomKilled(),
			paused(), sidecar(), unhealthy(),
		},
		Capabilities: []cgroups.Capability{
			{Name: "memory"},
			{Name: "psi", Reason: "psi_off", Help: "pressure is switched off: add psi=1 to the kernel's command line"},
		},
		Descriptors: cgroups.Descriptors{Files: 77, Directories: 3, Max: 768, Reopened: 1},
	}
	s.Engines = []collector.EngineStatus{{
		Up: true, Fresh: true, Synced: Now().Add(-3 * time.Minute),
		Info: engine.Info{
			Version: "28.5.2", APIVersion: "1.51", StorageDriver: "overlay2", CgroupDriver: "systemd",
			CgroupVersion: "2", KernelVersion: "6.12.9-amd64", OperatingSystem: "Debian GNU/Linux 13 (trixie)", Name: "quay-7",
		},
		Events: []engine.EventCount{
			{Type: "container", Action: "die", Count: 21},
			{Type: "container", Action: "start", Count: 30},
			{Type: "network", Action: "connect", Count: 4},
		},
		Capabilities: []cgroups.Capability{{Name: "engine"}},
		Sources:      collector.SourceCounts{Cgroup: 6, Engine: 1, None: 6},
		Disk:         disk(),
	}}
	return s
}

// disk is the disk usage of an engine that last failed to tell that of its volumes.
func disk() *engine.Disk {
	nan, now := math.NaN(), Now().Add(-time.Minute)
	return &engine.Disk{
		Parts: []engine.DiskPart{
			{Kind: engine.DiskImages, Active: 3, Inactive: 2, Bytes: 6966418, Reclaimable: 4982256, At: now},
			{Kind: engine.DiskContainers, Active: 7, Inactive: 6, Bytes: 5390336, Reclaimable: 28672, At: now},
			{
				Kind: engine.DiskVolumes, Active: 2, Inactive: 1, Bytes: 2097152, Reclaimable: 0, At: now.Add(-5 * time.Minute),
				Problem: "unix:///var/run/docker.sock did not tell its disk usage within 1m0s", Reason: "timeout",
			},
			{Kind: engine.DiskBuildCache, Active: nan, Inactive: nan, Bytes: nan, Reclaimable: nan},
		},
		Images: []engine.ImageDisk{
			{ID: "sha256:" + ID("1a"), Name: "postgres:17", Bytes: 4982256}, {ID: "sha256:" + ID("1b"), Name: "<none>", Bytes: 1984162},
		},
		OtherImages:  engine.DiskRest{Count: 3, Bytes: 12345, Containers: nan},
		Volumes:      []engine.VolumeDisk{{Name: "data", Bytes: 2097152, Containers: 2}, {Name: "other", Bytes: 5, Containers: 0}, {Name: "nfs", Bytes: nan, Containers: 1}},
		OtherVolumes: engine.DiskRest{Count: 2, Bytes: 3, Containers: 1},
		Refreshed:    now, Took: 1500 * time.Millisecond,
	}
}

// Several is Snapshot with the containers of a second engine, which is away, beside those of the first.
func Several() *collector.Snapshot {
	s := Snapshot()
	s.Engines[0].Name = "local"
	s.Engines = append(s.Engines, collector.EngineStatus{
		Name: `far "away"`, Problem: "far away did not answer within 10s",
		Capabilities: []cgroups.Capability{{Name: "engine", Reason: "timeout"}},
		Sources:      collector.SourceCounts{None: 1},
	})
	for i := range s.Containers {
		s.Containers[i].Engine = s.Engines[0].Name
	}
	far := Blank("/docker/"+ID("fa"), "busy", "busybox:latest")
	far.Engine = s.Engines[1].Name
	s.Containers = append(s.Containers, far)
	return s
}

// Away is Snapshot after the engine has been away for longer than StaleAfter: the kernel readings are all that is left.
func Away() *collector.Snapshot {
	s := Snapshot()
	s.Engines[0].Up, s.Engines[0].Fresh, s.Engines[0].Disk = false, false, nil
	s.Engines[0].Problem = "dial unix /var/run/docker.sock: connect: connection refused"
	for i := range s.Containers {
		c := &s.Containers[i]
		c.Facts, c.Disk.Writable, c.Disk.Root = nil, math.NaN(), math.NaN()
	}
	return s
}

// Blank is a container of which nothing is known but its names.
func Blank(id, name, image string) collector.Container {
	nan := math.NaN()
	c := collector.Container{
		ID: id, Name: name, Image: image, Source: collector.SourceNone,
		SampleAge: nan, LimitCores: nan, OOMKills: nan, LastSeen: nan,
		Rates: collector.Rates{
			CPU: nan, ReadBytes: nan, WriteBytes: nan, ReceiveBytes: nan, TransmitBytes: nan, ThrottledRatio: nan,
			CPUPressure: nan, MemoryPressure: nan, IOPressure: nan,
		},
		Recent: collector.Recent{OOMKills: nan, Restarts: nan},
		Disk:   collector.Disk{Writable: nan, Root: nan, Log: nan},
	}
	c.Stats.Reset()
	return c
}

// facts are those of a running container.
func facts(id, name, image string) *engine.Container {
	return &engine.Container{
		ID: id, Name: name, Image: image, ImageID: "sha256:" + ID("1a"), State: engine.StateRunning, PID: 4711,
		ImageCreated: Now().Add(-30 * 24 * time.Hour), ImageKnown: true,
		Created: Now().Add(-48 * time.Hour), Started: Now().Add(-47 * time.Hour),
		NetworkMode: "bridge", NetworkOwner: id, RestartPolicy: "no", Runtime: "runc",
	}
}

// stopped are the facts of a container that has exited with a code.
func stopped(id, name, image string, code int) *engine.Container {
	f := facts(id, name, image)
	f.State, f.PID, f.HasExited, f.ExitCode = engine.StateExited, 0, true, code
	f.Finished = Now().Add(-2 * time.Hour)
	return f
}

// inactive is a container without readings.
func inactive(f *engine.Container) collector.Container {
	c := Blank("/docker/"+f.ID, f.Name, f.Image)
	c.Facts, c.OOMKills, c.Recent = f, 0, collector.Recent{}
	return c
}

// host is the root cgroup.
func host() collector.Container {
	c := Blank("/", "", "")
	c.Source = collector.SourceCgroup
	c.LastSeen = float64(Now().Unix())
	c.LimitCores, c.OOMKills = 8, 3
	c.Rates.CPU, c.Rates.CPUPressure, c.Rates.MemoryPressure, c.Rates.IOPressure = 1.75, 0.125, 0, 0.03125
	c.Stats.CPU.Usage, c.Stats.CPU.User, c.Stats.CPU.System = 123456.789012, 100000.5, 23456.289012
	m := &c.Stats.Memory
	m.Usage, m.WorkingSet, m.Cache, m.RSS, m.Swap = 9<<30, 6<<30, 4<<30, 5<<30, 0
	c.Stats.Pids.Threads, c.Stats.Pids.ThreadsMax = 812, 127310
	c.Stats.Load = &cgroups.Load{One: 2.5, Five: 1.75, Fifteen: 0.25}
	c.Stats.Pressure.CPU = cgroups.Stall{Some: 55.25, Full: 0}
	c.Stats.Pressure.Memory = cgroups.Stall{Some: 1.5, Full: 0.75}
	c.Stats.Pressure.IO = cgroups.Stall{Some: 9.125, Full: 8.5}
	c.Stats.Network = []cgroups.Interface{
		{Name: "eth0", RxBytes: 9e9, RxPackets: 9e6, RxErrors: 1, RxDropped: 2, TxBytes: 8e9, TxPackets: 8e6},
	}
	return c
}

// running fills in the readings of a container as cgroup v2 gives them.
func running(f *engine.Container, path string) collector.Container {
	c := Blank(path, f.Name, f.Image)
	c.Facts, c.Source, c.OOMKills, c.LimitCores, c.LastSeen = f, collector.SourceCgroup, 0, 8, float64(Now().Unix())
	c.Recent = collector.Recent{}
	c.Rates = collector.Rates{
		CPU: 0.0125, ReadBytes: 0, WriteBytes: 4096, ReceiveBytes: 1250.5, TransmitBytes: 990, ThrottledRatio: 0,
		CPUPressure: 0.015625, MemoryPressure: 0, IOPressure: 0.001,
	}
	c.Stats.CPU = cgroups.CPU{
		Usage: 42.123456, User: 30.5, System: 11.623456, QuotaMicros: math.NaN(), PeriodMicros: 100000, Shares: 1024,
		CpusetCores: 8,
	}
	m := &c.Stats.Memory
	m.Usage, m.WorkingSet, m.MaxUsage, m.Kernel, m.Swap, m.FailCount = 50<<20, 38<<20, 60<<20, 1<<20, 0, 0
	m.RSS, m.Cache, m.MappedFile, m.ActiveFile, m.InactiveFile = 30<<20, 20<<20, 5<<20, 8<<20, 12<<20
	m.FileDirty, m.FileWriteback = 8192, 0
	m.PageFaults, m.MajorPageFaults, m.OwnPageFaults, m.OwnMajorPageFaults = 54321, 12, 54321, 12
	m.PagesScanned, m.PagesStolen, m.RefaultFile, m.RefaultAnon = 0, 0, 0, 0
	m.Events, m.SwapEvents, m.OOMKills = cgroups.MemoryEvents{}, cgroups.SwapEvents{}, 0
	c.Stats.Pids = cgroups.Pids{Threads: 5, ThreadsMax: math.NaN(), Processes: 2}
	c.Stats.Pressure.CPU = cgroups.Stall{Some: 0.5, Full: 0.25}
	c.Stats.Pressure.Memory = cgroups.Stall{}
	c.Stats.Pressure.IO = cgroups.Stall{Some: 0.001234, Full: 0.000987}
	c.Stats.IO = []cgroups.IODevice{{
		Device: "/dev/vda", Major: 254, Reads: 120, Writes: 300, ReadBytes: 4 << 20, WriteBytes: 12 << 20, DiscardBytes: 0,
	}}
	c.Stats.Network = []cgroups.Interface{{
		Name: "eth0", RxBytes: 1.5e6, RxPackets: 12000, TxBytes: 750123, TxPackets: 9000,
	}}
	return c
}

// asV1 takes away what cgroup v1 does not give.
func asV1(c collector.Container) collector.Container {
	nan := math.NaN()
	c.Rates.CPUPressure, c.Rates.MemoryPressure, c.Rates.IOPressure = nan, nan, nan
	c.Stats.Pressure = cgroups.Pressure{
		CPU: cgroups.Stall{Some: nan, Full: nan}, Memory: cgroups.Stall{Some: nan, Full: nan}, IO: cgroups.Stall{Some: nan, Full: nan},
	}
	c.Stats.Memory.Events = cgroups.MemoryEvents{Low: nan, High: nan, Max: nan, OOM: nan, OOMKill: nan, OOMGroupKill: nan}
	c.Stats.Memory.SwapEvents = cgroups.SwapEvents{High: nan, Max: nan, Fail: nan}
	c.Stats.Memory.PagesScanned, c.Stats.Memory.PagesStolen = nan, nan
	return c
}
