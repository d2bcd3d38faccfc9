package api

import (
	"tallyman/api/schema"
	"tallyman/collector"
)

// topConsumers is how many containers a list of the largest has.
const topConsumers = 5

// findTop finds the containers that use most.
func findTop(s *collector.Snapshot) schema.Top {
	return schema.Top{
		CPU:        consumers(s, func(c *collector.Container) float64 { return c.Rates.CPU }),
		Memory:     consumers(s, func(c *collector.Container) float64 { return c.Stats.Memory.WorkingSet }),
		Throttling: consumers(s, func(c *collector.Container) float64 { return c.Rates.ThrottledRatio }),
		IO:         consumers(s, func(c *collector.Container) float64 { return c.Rates.ReadBytes + c.Rates.WriteBytes }),
		Network:    consumers(s, func(c *collector.Container) float64 { return c.Rates.ReceiveBytes + c.Rates.TransmitBytes }),
		Pressure:   consumers(s, pressure),
	}
}

// consumers lists the containers that use most of something, the largest first.
func consumers(s *collector.Snapshot, use func(*collector.Container) float64) []schema.Consumer {
	items := make([]schema.Consumer, 0, topConsumers+1)
	for i := range s.Containers {
		c := &s.Containers[i]
		value := use(c)
		if !(value > 0) || len(items) == topConsumers && value <= float64(items[topConsumers-1].Value) {
			continue
		}
		items = append(items, schema.Consumer{
			ID: schema.Text(containerID(c)), Name: schema.Text(c.Name), Engine: schema.Text(c.Engine), Value: schema.Number(value),
		})
		for j := len(items) - 1; j > 0 && items[j].Value > items[j-1].Value; j-- {
			items[j], items[j-1] = items[j-1], items[j]
		}
		items = items[:min(len(items), topConsumers)]
	}
	return items
}

// findAges tells how old each part of a summary is.
func findAges(s *collector.Snapshot) []schema.Age {
	ages := []schema.Age{{Part: "kernel", At: schema.Moment(s.ReadAt()), AgeSeconds: age(s.ReadAt(), s.Time)}}
	for i := range s.Engines {
		e := &s.Engines[i]
		ages = append(ages, schema.Age{Part: "engine", Engine: schema.Text(e.Name), At: schema.Moment(e.Synced), AgeSeconds: age(e.Synced, s.Time)})
		if e.Disk == nil {
			continue
		}
		for _, p := range e.Disk.Parts {
			ages = append(ages, schema.Age{
				Part: "disk_" + string(p.Kind), Engine: schema.Text(e.Name), At: schema.Moment(p.At), AgeSeconds: age(p.At, s.Time),
			})
		}
	}
	return ages
}
