package api

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tallyman/collector"
	"tallyman/engine"
)

// sortKey is what containers can be sorted by.
type sortKey struct {
	name  string
	value func(*collector.Container) sortValue
}

// sortValue is that of one container; the fields that a key does not use are the same for all.
type sortValue struct {
	unknown bool
	reasons []string
	number  float64
	text    string
}

// sortKeys lists what containers can be sorted by.
func sortKeys() []sortKey {
	return []sortKey{
		{"name", func(c *collector.Container) sortValue { return sortValue{unknown: c.Name == "", text: c.Name} }},
		{"attention", func(c *collector.Container) sortValue { return sortValue{reasons: reasons(c)} }},
		byNumber("cpu", func(c *collector.Container) float64 { return c.Rates.CPU }),
		byNumber("cpu_percent", func(c *collector.Container) float64 { return part(c.Rates.CPU, c.LimitCores) }),
		byNumber("memory", func(c *collector.Container) float64 { return c.Stats.Memory.WorkingSet }),
		byNumber("memory_percent", func(c *collector.Container) float64 { return part(c.Stats.Memory.WorkingSet, c.Stats.Memory.Limit) }),
		byNumber("throttled", func(c *collector.Container) float64 { return c.Rates.ThrottledRatio }),
		byNumber("pressure", pressure),
		byNumber("receive", func(c *collector.Container) float64 { return c.Rates.ReceiveBytes }),
		byNumber("transmit", func(c *collector.Container) float64 { return c.Rates.TransmitBytes }),
		byNumber("read", func(c *collector.Container) float64 { return c.Rates.ReadBytes }),
		byNumber("write", func(c *collector.Container) float64 { return c.Rates.WriteBytes }),
		byFact("restarts", func(f *engine.Container) (float64, bool) { return float64(f.Restarts), !f.Listed }),
		byFact("created", func(f *engine.Container) (float64, bool) { return float64(f.Created.UnixMicro()), !f.Created.IsZero() }),
		byFact("started", func(f *engine.Container) (float64, bool) { return float64(f.Started.UnixMicro()), !f.Started.IsZero() }),
		byFact("exit_code", func(f *engine.Container) (float64, bool) { return float64(f.ExitCode), f.HasExited }),
	}
}

func byNumber(name string, number func(*collector.Container) float64) sortKey {
	return sortKey{name, func(c *collector.Container) sortValue {
		v := number(c)
		if math.IsNaN(v) {
			return sortValue{unknown: true}
		}
		return sortValue{number: v}
	}}
}

// byFact is a key of what the engine may have said.
func byFact(name string, fact func(*engine.Container) (v float64, known bool)) sortKey {
	return byNumber(name, func(c *collector.Container) float64 {
		if c.Facts != nil {
			if v, known := fact(c.Facts); known {
				return v
			}
		}
		return math.NaN()
	})
}

// pressure is the part of the time in which some task waited for what is scarcest.
func pressure(c *collector.Container) float64 {
	most := math.NaN()
	for _, v := range []float64{c.Rates.CPUPressure, c.Rates.MemoryPressure, c.Rates.IOPressure} {
		if v > most || math.IsNaN(most) {
			most = v
		}
	}
	return most
}

// sort sorts containers, the smallest first, or, down, the largest. What is unknown comes last in both, and what is equal
// stays as it was.
func (k *sortKey) sort(containers []*collector.Container, down bool) {
	type entry struct {
		c *collector.Container
		v sortValue
	}
	entries := make([]entry, len(containers))
	for i, c := range containers {
		entries[i] = entry{c, k.value(c)}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.v.unknown != b.v.unknown {
			if a.v.unknown {
				return 1
			}
			return -1
		}
		if down {
			a, b = b, a
		}
		return cmp.Or(compareReasons(a.v.reasons, b.v.reasons), cmp.Compare(a.v.number, b.v.number), strings.Compare(a.v.text, b.v.text))
	})
	for i, e := range entries {
		containers[i] = e.c
	}
}
