package metrics

import (
	"tallyman/cgroups"
	"tallyman/collector"
)

// tallymanFamilies are the rows of tallyman itself that a Snapshot knows; the others are in internal/self.
func tallymanFamilies() []Family {
	return []Family{
		{
			Name: "tallyman_engine_up", Type: Gauge, Group: GroupTallyman,
			Help: "Whether the Docker Engine answers, and its event stream stands unless it is refused.",
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				yield(labelled(boolean(e.Up)))
			},
		},
		{
			Name: "tallyman_engine_last_sync_time_seconds", Type: Gauge, Group: GroupTallyman,
			Help: "When the containers of the engine were last listed in full, in seconds since the Unix epoch; absent while they never were.",
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				yield(labelled(unixSeconds(e.Synced)))
			},
		},
		{
			Name: "tallyman_containers", Type: Gauge, Group: GroupTallyman, Labels: []string{"source"},
			Help: "Containers by where their readings come from: cgroup files, the engine's stats stream, or nowhere.",
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				yield(labelled(float64(e.Sources.Cgroup), string(collector.SourceCgroup)))
				yield(labelled(float64(e.Sources.Engine), string(collector.SourceEngine)))
				yield(labelled(float64(e.Sources.None), string(collector.SourceNone)))
			},
		},
		row(GroupTallyman, Gauge, "container_stats_age_seconds",
			"Time since the engine sent the readings of the container, which are older than the scrape by that; absent for what is read from cgroup files.",
			func(c *container) float64 { return c.SampleAge }),
		{
			Name: "tallyman_capability", Type: Gauge, Group: GroupTallyman, Labels: []string{"name", "reason"},
			Help:         "Whether a kind of readings can be had here: 1, or 0 with the reason why not.",
			SnapshotEach: func(s *snapshot, yield func(Sample)) { drawCapabilities(s.Capabilities, yield) },
			EngineEach: func(_ *snapshot, e *engineStatus, yield func(Sample)) {
				drawCapabilities(e.Capabilities, yield)
			},
		},
		{
			Name: "tallyman_open_descriptors", Type: Gauge, Group: GroupTallyman, Labels: []string{"kind"},
			Help: "Descriptors that are kept: kernel files, and directories of cgroups.",
			SnapshotEach: func(s *snapshot, yield func(Sample)) {
				yield(labelled(float64(s.Descriptors.Files), "file"))
				yield(labelled(float64(s.Descriptors.Directories), "directory"))
			},
		},
		{
			Name: "tallyman_open_descriptors_max", Type: Gauge, Group: GroupTallyman,
			Help:          "Descriptors that may be kept: the limit RLIMIT_NOFILE less 1024, or less a quarter of it.",
			SnapshotValue: func(s *snapshot) float64 { return float64(s.Descriptors.Max) },
		},
		{
			Name: "tallyman_cgroups_reopened", Type: Gauge, Group: GroupTallyman,
			Help:          "Cgroups whose files are opened anew for each reading, at about twice the cost, since RLIMIT_NOFILE leaves no room to keep them.",
			SnapshotValue: func(s *snapshot) float64 { return float64(s.Descriptors.Reopened) },
		},
	}
}

// drawCapabilities draws what can be read and what cannot.
func drawCapabilities(all []cgroups.Capability, yield func(Sample)) {
	for i := range all {
		yield(labelled(boolean(all[i].Reason == ""), all[i].Name, all[i].Reason))
	}
}
