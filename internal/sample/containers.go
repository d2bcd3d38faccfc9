package sample

import (
	"math"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// nameless has no name, and has never run.
func nameless() collector.Container {
	f := facts(ID("e0"), "", "busybox")
	f.State, f.PID, f.Started = engine.StateRemoving, 0, time.Time{}
	return inactive(f)
}

// awkward has every byte in its texts that the formats must escape, and some that are not UTF-8.
func awkward() collector.Container {
	f := facts(ID("a1"), "a\"quoted\\back\nline\xff\xfeend", "registry.example/té\"st:1")
	f.Labels = map[string]string{
		"com.docker.compose.project": "<script>alert(1)</script>",
		"com.docker.compose.service": "\xc3(\"\\\n",
		"note":                       "tab\tand \x00 null",
	}
	return running(f, "/docker/"+f.ID)
}

// busy uses all that it may, on cgroup v2 with the systemd driver.
func busy() collector.Container {
	f := facts(ID("b1"), "busy", "nginx:1.29")
	f.RestartPolicy, f.Health, f.NetworkMode = "always", engine.HealthHealthy, "shop_default"
	f.ImageStale = true
	f.Labels = map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "shop.db.password": "hunter2"}
	f.Limits = engine.Limits{Memory: 64 << 20, MemorySwap: 128 << 20, MemoryReservation: 32 << 20, CPUQuota: 50000, CPUPeriod: 100000, CPUShares: 512, CPUSet: "0-3"}
	c := running(f, "/system.slice/docker-"+f.ID+".scope")
	c.LimitCores, c.Rates.CPU, c.Rates.ThrottledRatio = 0.5, 0.4875, 0.9
	c.Disk = collector.Disk{Writable: 5263360, Root: 7307264, Log: 1500000}
	c.Stats.CPU.QuotaMicros, c.Stats.CPU.Shares = 50000, 512
	c.Stats.CPU.Periods, c.Stats.CPU.ThrottledPeriods, c.Stats.CPU.Throttled = 1000, 900, 45.678901
	c.Stats.CPU.BurstPeriods, c.Stats.CPU.Burst = 3, 0.012
	m := &c.Stats.Memory
	m.Limit, m.SwapLimit, m.Reservation = 64<<20, 128<<20, 32<<20
	m.Events = cgroups.MemoryEvents{Low: 1, High: 2, Max: 30, OOM: 4, OOMKill: 5, OOMGroupKill: 0}
	m.SwapEvents = cgroups.SwapEvents{High: 7, Max: 8, Fail: 9}
	c.OOMKills, m.OOMKills, c.Recent.OOMKills = 6, 5, 1
	c.Stats.Pids.ThreadsMax = 200
	c.Stats.Hugetlb = []cgroups.HugePages{{PageSize: "2MB", Usage: 4 << 20, MaxUsage: math.NaN(), FailCount: 1}}
	c.Stats.NUMA = numaNodes(false)
	c.Stats.Process = &cgroups.Process{FileDescriptors: 120, Sockets: 80, Limits: []cgroups.Ulimit{
		{Name: "max_cpu_time", Soft: math.NaN()}, {Name: "max_open_files", Soft: 1024}, {Name: "max_nice_priority", Soft: 0},
	}}
	c.Stats.Sockets = &cgroups.Sockets{
		TCP:  cgroups.TCPStates{Established: 70, TimeWait: 11, Listen: 2},
		TCP6: cgroups.TCPStates{Listen: 1},
		UDP:  cgroups.UDPSockets{Listen: 1, Dropped: 5, RxQueued: 768, TxQueued: 0},
		UDP6: cgroups.UDPSockets{Listen: 1, Dropped: math.NaN(), RxQueued: 0, TxQueued: 1},
	}
	c.Stats.IO = append(c.Stats.IO, cgroups.IODevice{
		Device: "259:7", Major: 259, Minor: 7, Reads: 1, Writes: math.NaN(), ReadBytes: 1e15, WriteBytes: 2.5e20, DiscardBytes: math.NaN(),
	})
	c.Stats.Network = append(c.Stats.Network, cgroups.Interface{
		Name: "eth1", RxBytes: 7, RxPackets: 1, RxErrors: math.NaN(), RxDropped: 9, TxBytes: 1, TxPackets: 1, TxErrors: 2, TxDropped: 3,
	})
	return c
}

// crashLooping is between two runs.
func crashLooping() collector.Container {
	f := stopped(ID("c1"), "crashloop", "busybox:1.37", 1)
	f.State, f.RestartPolicy, f.Restarts = engine.StateRestarting, "unless-stopped", 17
	f.Exits.Error = 18
	f.Limits = engine.Limits{MemorySwap: -1, CPUQuota: 150000}
	c := inactive(f)
	c.LastSeen, c.Recent.Restarts = float64(Now().Unix()), 9
	return c
}

// created was never started.
func created() collector.Container {
	f := facts(ID("c2"), "created", "busybox:1.37")
	f.State, f.PID, f.Started = engine.StateCreated, 0, time.Time{}
	f.ImageCreated, f.ImageKnown = time.Time{}, false
	return inactive(f)
}

// dead could not be removed.
func dead() collector.Container {
	f := stopped(ID("d1"), "dead", "busybox:1.37", 0)
	f.State = engine.StateDead
	return inactive(f)
}

// exited ended with an error of its own.
func exited() collector.Container {
	f := stopped(ID("e3"), "exited3", "busybox:1.37", 3)
	f.Exits.Error = 1
	c := inactive(f)
	c.Disk = collector.Disk{Writable: 0, Root: 1984162, Log: math.NaN()}
	return c
}

// forgotten is a container of which the engine no longer says anything.
func forgotten() collector.Container {
	c := Blank("/docker/"+ID("f0"), "forgotten", "busybox:1.37")
	c.Problem = "the engine has been away for too long"
	return c
}

// legacy is as cgroup v1 with the cgroupfs driver gives it.
func legacy() collector.Container {
	f := facts(ID("1e"), "legacy", "postgres:17")
	f.Health, f.FailingStreak, f.Restarts = engine.HealthStarting, 2, 1
	f.HasExited, f.ExitCode, f.Finished, f.Exits.Signal = true, 143, Now().Add(-49*time.Hour), 1
	f.Labels = map[string]string{"com.docker.swarm.service.name": "db"}
	c := asV1(running(f, "/docker/"+f.ID))
	c.Stats.Memory.Limit = 512 << 20
	c.Stats.PerCPU = []float64{30.123456, 0, 12}
	c.Stats.Hugetlb = []cgroups.HugePages{
		{PageSize: "1GB", Usage: 0, MaxUsage: 0, FailCount: 0}, {PageSize: "2MB", Usage: 2 << 20, MaxUsage: 6 << 20, FailCount: 3},
	}
	c.Stats.NUMA = numaNodes(true)
	return c
}

// numaNodes is the memory on two nodes; own says whether the kernel tells that of the cgroup alone, as v1 does.
func numaNodes(own bool) []cgroups.NUMANode {
	nan := math.NaN()
	nodes := []cgroups.NUMANode{{Node: 0}, {Node: 1}}
	for i := range nodes {
		n := &nodes[i]
		n.Own = cgroups.NUMAPages{File: nan, Anon: nan, Unevictable: nan}
		n.Subtree = cgroups.NUMAPages{File: 500, Anon: float64(70 * i), Unevictable: 0}
		if own {
			n.Own = cgroups.NUMAPages{File: 400, Anon: 30, Unevictable: 0}
		}
	}
	return nodes
}

// oomKilled was ended by the out-of-memory killer.
func oomKilled() collector.Container {
	f := stopped(ID("00"), "oomed", "java:21", 137)
	f.OOMKilled, f.Exits.OOM, f.OOMKills = true, 1, 1
	c := inactive(f)
	c.OOMKills = 1
	return c
}

// paused still has its processes.
func paused() collector.Container {
	f := facts(ID("9a"), "paused", "busybox:1.37")
	f.State = engine.StatePaused
	c := running(f, "/docker/"+f.ID)
	c.Source, c.SampleAge = collector.SourceEngine, 1.25
	return c
}

// sidecar lives in the network namespace of another container.
func sidecar() collector.Container {
	f := facts(ID("51"), "sidecar", "envoy:1")
	f.NetworkMode, f.NetworkOwner = "container:"+ID("b1"), ID("b1")
	c := running(f, "/docker/"+f.ID)
	c.Stats.Network = nil
	c.Rates.ReceiveBytes, c.Rates.TransmitBytes = math.NaN(), math.NaN()
	return c
}

// unhealthy fails its health check, and its cgroup could not be read in full.
func unhealthy() collector.Container {
	f := facts(ID("5a"), "unhealthy", "<b>image</b>:1")
	f.Health, f.FailingStreak = engine.HealthUnhealthy, 7
	f.Labels = map[string]string{"evil": "<script>alert(1)</script>", "empty": ""}
	c := running(f, "/docker/"+f.ID)
	c.Stats.IO, c.Rates.ReadBytes, c.Rates.WriteBytes = nil, math.NaN(), math.NaN()
	c.Problem = "read io.stat: permission denied"
	return c
}
