package metrics

import "fmt"

// cpuFamilies are the rows of the processor time.
func cpuFamilies() []Family {
	names := processorNames()
	return []Family{
		{
			Name: "container_cpu_usage_seconds_total", Type: Counter, Group: GroupCPU, Labels: []string{"cpu"},
			Help: "CPU time consumed, from cpuacct.usage or cpu.stat usage_usec; with group percpu by processor, from cpuacct.usage_percpu, in place of cpu=\"total\".",
			Each: func(c *container, yield func(Sample)) { yield(labelled(c.Stats.CPU.Usage, "total")) },
			Finer: func(c *container, yield func(Sample)) bool {
				for i, seconds := range c.Stats.PerCPU {
					yield(labelled(seconds, names(i)))
				}
				return len(c.Stats.PerCPU) > 0
			},
			FinerGroup: GroupPerCPU,
		},
		row(GroupCPU, Counter, "container_cpu_user_seconds_total",
			"CPU time consumed in user mode, from cpuacct.stat user or cpu.stat user_usec.",
			func(c *container) float64 { return c.Stats.CPU.User }),
		row(GroupCPU, Counter, "container_cpu_system_seconds_total",
			"CPU time consumed in kernel mode, from cpuacct.stat system or cpu.stat system_usec.",
			func(c *container) float64 { return c.Stats.CPU.System }),
		row(GroupCPU, Counter, "container_cpu_cfs_periods_total",
			"Enforcement periods that have gone by, from cpu.stat nr_periods.",
			func(c *container) float64 { return c.Stats.CPU.Periods }),
		row(GroupCPU, Counter, "container_cpu_cfs_throttled_periods_total",
			"Enforcement periods in which the quota ran out, from cpu.stat nr_throttled.",
			func(c *container) float64 { return c.Stats.CPU.ThrottledPeriods }),
		row(GroupCPU, Counter, "container_cpu_cfs_throttled_seconds_total",
			"Time for which the container was throttled, from cpu.stat throttled_time or throttled_usec.",
			func(c *container) float64 { return c.Stats.CPU.Throttled }),
		row(GroupCPU, Counter, "container_cpu_cfs_burst_periods_total",
			"Enforcement periods in which a burst beyond the quota was used, from cpu.stat nr_bursts.",
			func(c *container) float64 { return c.Stats.CPU.BurstPeriods }),
		row(GroupCPU, Counter, "container_cpu_cfs_burst_seconds_total",
			"CPU time used beyond the quota in bursts, from cpu.stat burst_time or burst_usec.",
			func(c *container) float64 { return c.Stats.CPU.Burst }),
	}
}

// cpuSpecFamilies are the rows of what a container may use of the processors.
func cpuSpecFamilies() []Family {
	return []Family{
		row(GroupCPU, Gauge, "container_spec_cpu_period",
			"Length of an enforcement period in microseconds, from cpu.cfs_period_us or cpu.max.",
			func(c *container) float64 { return c.Stats.CPU.PeriodMicros }),
		row(GroupCPU, Gauge, "container_spec_cpu_quota",
			"CPU time allowed in a period in microseconds, from cpu.cfs_quota_us or cpu.max; absent when unlimited.",
			func(c *container) float64 { return c.Stats.CPU.QuotaMicros }),
		row(GroupCPU, Gauge, "container_spec_cpu_shares",
			"Relative weight of the container, from cpu.shares or mapped from cpu.weight.",
			func(c *container) float64 { return c.Stats.CPU.Shares }),
		row(GroupCPU, Gauge, "container_cpu_limit_cores",
			"Processors that the container may use: the least of its quota, its cpuset and the host's processors.",
			func(c *container) float64 { return c.LimitCores }),
	}
}

// processorNames gives a function that names processors as cAdvisor does: "cpu00". The first are spelt beforehand so that a
// scrape does not allocate for them.
func processorNames() func(int) string {
	name := func(i int) string { return fmt.Sprintf("cpu%02d", i) }
	spelt := make([]string, 512)
	for i := range spelt {
		spelt[i] = name(i)
	}
	return func(i int) string {
		if i < len(spelt) {
			return spelt[i]
		}
		return name(i)
	}
}
