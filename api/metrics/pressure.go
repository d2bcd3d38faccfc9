package metrics

// pressureFamilies are the rows of the pressure stall information. The host's come from /proc/pressure.
func pressureFamilies() []Family {
	return []Family{
		row(GroupPressure, Counter, "container_pressure_cpu_waiting_seconds_total",
			"Time in which some task waited for a processor, from cpu.pressure some.",
			func(c *container) float64 { return c.Stats.Pressure.CPU.Some }),
		row(GroupPressure, Counter, "container_pressure_cpu_stalled_seconds_total",
			"Time in which all tasks waited for a processor, from cpu.pressure full.",
			func(c *container) float64 { return c.Stats.Pressure.CPU.Full }),
		row(GroupPressure, Counter, "container_pressure_memory_waiting_seconds_total",
			"Time in which some task waited for memory, from memory.pressure some.",
			func(c *container) float64 { return c.Stats.Pressure.Memory.Some }),
		row(GroupPressure, Counter, "container_pressure_memory_stalled_seconds_total",
			"Time in which all tasks waited for memory, from memory.pressure full.",
			func(c *container) float64 { return c.Stats.Pressure.Memory.Full }),
		row(GroupPressure, Counter, "container_pressure_io_waiting_seconds_total",
			"Time in which some task waited for io, from io.pressure some.",
			func(c *container) float64 { return c.Stats.Pressure.IO.Some }),
		row(GroupPressure, Counter, "container_pressure_io_stalled_seconds_total",
			"Time in which all tasks waited for io, from io.pressure full.",
			func(c *container) float64 { return c.Stats.Pressure.IO.Full }),
	}
}
