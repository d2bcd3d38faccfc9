package metrics

import (
	"time"

	"tallyman/engine"
)

// stateFamilies are the rows of what the engine knows of each container, whatever its state. None speaks of the host but
// container_last_seen.
func stateFamilies() []Family {
	families := []Family{infoFamily()}
	families = append(families, healthFamilies()...)
	families = append(families, exitFamilies()...)
	families = append(families, timeFamilies()...)
	return append(families, imageFamilies()...)
}

// infoFamily is the row of the facts that do not change while a container runs.
func infoFamily() Family {
	return Family{
		Name: "container_info", Type: Gauge, Group: GroupState, UserLabels: true,
		Labels: []string{
			"image_id", "network_mode", "network_owner", "restart_policy", "runtime",
			"compose_project", "compose_service", "swarm_service",
		},
		Help: "Facts that do not change while the container runs, from the engine's inspect; always 1.",
		Each: eachFact(func(f *engine.Container, yield func(Sample)) {
			yield(Sample{Value: 1, Labels: [MaxLabels]string{
				f.ImageID, f.NetworkMode, f.NetworkOwner, f.RestartPolicy, f.Runtime,
				f.Labels["com.docker.compose.project"],
				f.Labels["com.docker.compose.service"],
				f.Labels["com.docker.swarm.service.name"],
			}})
		}),
	}
}

// healthFamilies are the rows of the state and of the health check.
func healthFamilies() []Family {
	states := engine.States()
	statuses := []engine.Health{engine.HealthHealthy, engine.HealthUnhealthy, engine.HealthStarting}
	return []Family{
		{
			Name: "container_state", Type: Gauge, Group: GroupState, Labels: []string{"state"},
			Help: "State of the container, from the engine: 1 for the state that it is in, 0 for the others.",
			Each: eachFact(func(f *engine.Container, yield func(Sample)) {
				for _, s := range states {
					yield(labelled(boolean(f.State == s), string(s)))
				}
			}),
		},
		{
			Name: "container_health_status", Type: Gauge, Group: GroupState, Labels: []string{"status"},
			Help: "Status of the health check, from the engine: 1 for the status that it has, 0 for the others; absent without a health check.",
			Each: eachFact(func(f *engine.Container, yield func(Sample)) {
				if f.Health == engine.HealthNone {
					return
				}
				for _, s := range statuses {
					yield(labelled(boolean(f.Health == s), string(s)))
				}
			}),
		},
		row(GroupState, Gauge, "container_health_failing_streak",
			"Health probes that failed in a row, from the engine; absent without a health check.",
			fromFacts(func(f *engine.Container) float64 {
				if f.Health == engine.HealthNone {
					return unknown()
				}
				return float64(f.FailingStreak)
			})),
		row(GroupState, Gauge, "container_health_state",
			"Health as cAdvisor has it, from the engine: 1 healthy, 0 starting or unhealthy, -1 without a health check.",
			fromFacts(func(f *engine.Container) float64 {
				if f.Listed {
					return unknown()
				}
				if f.Health == engine.HealthNone {
					return -1
				}
				return boolean(f.Health == engine.HealthHealthy)
			})),
	}
}

// exitFamilies are the rows of restarts and exits.
func exitFamilies() []Family {
	return []Family{
		row(GroupState, Counter, "container_restarts_total",
			"Restarts by the restart policy, from the engine's inspect and events; it goes on over manual starts.",
			fromFacts(func(f *engine.Container) float64 {
				if f.Listed {
					return unknown()
				}
				return float64(f.Restarts)
			})),
		row(GroupState, Gauge, "container_exit_code",
			"Exit code of the latest exit, from the engine; absent while the container has never exited.",
			fromFacts(func(f *engine.Container) float64 {
				if !f.HasExited {
					return unknown()
				}
				return float64(f.ExitCode)
			})),
		row(GroupState, Gauge, "container_oom_killed",
			"Whether the latest run met the out-of-memory killer, from the engine; absent while the container has never exited.",
			fromFacts(func(f *engine.Container) float64 {
				if !f.HasExited || f.Listed {
					return unknown()
				}
				return boolean(f.OOMKilled)
			})),
		{
			Name: "container_exits_total", Type: Counter, Group: GroupState, Labels: []string{"reason"},
			Help: "Exits that tallyman saw, from the engine's die events: completed, error, ended by a signal, or for want of memory.",
			Each: eachFact(func(f *engine.Container, yield func(Sample)) {
				yield(labelled(float64(f.Exits.Completed), "completed"))
				yield(labelled(float64(f.Exits.Error), "error"))
				yield(labelled(float64(f.Exits.Signal), "signal"))
				yield(labelled(float64(f.Exits.OOM), "oom"))
			}),
		},
	}
}

// timeFamilies are the rows of when things happened.
func timeFamilies() []Family {
	return []Family{
		row(GroupState, Gauge, "container_creation_time_seconds",
			"When the container was created, from the engine, in seconds since the Unix epoch.",
			fromFacts(func(f *engine.Container) float64 { return unixSeconds(f.Created) })),
		row(GroupState, Gauge, "container_start_time_seconds",
			"When the container was last started, from the engine, in seconds since the Unix epoch; absent while it was never started.",
			fromFacts(func(f *engine.Container) float64 { return unixSeconds(f.Started) })),
		row(GroupState, Gauge, "container_finish_time_seconds",
			"When the container last exited, from the engine, in seconds since the Unix epoch; absent while it has never exited.",
			fromFacts(func(f *engine.Container) float64 { return unixSeconds(f.Finished) })),
		row(GroupState, Gauge, "container_last_seen",
			"When the container last had processes, in seconds since the Unix epoch; absent when it has none.",
			func(c *container) float64 { return c.LastSeen }),
	}
}

// imageFamilies are the rows of the image that the container was created from.
func imageFamilies() []Family {
	return []Family{
		row(GroupState, Gauge, "container_image_created_time_seconds",
			"When the image of the container was made, from the engine's list of images, in seconds since the Unix epoch; absent where that is not said.",
			fromFacts(func(f *engine.Container) float64 { return unixSeconds(f.ImageCreated) })),
		row(GroupState, Gauge, "container_image_stale",
			"Whether the tag that the container was created from names another image now, from the engine's list of images; 0 for one created "+
				"from an id or digest and where the tag is gone, absent where the images are not listed.",
			fromFacts(func(f *engine.Container) float64 {
				if !f.ImageKnown {
					return unknown()
				}
				return boolean(f.ImageStale)
			})),
	}
}

// unixSeconds is a time with millisecond precision, so that two quick restarts differ; unknown for the zero time.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return unknown()
	}
	return float64(t.UnixMilli()) / 1000
}
