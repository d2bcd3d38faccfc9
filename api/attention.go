package api

import (
	"math"
	"slices"

	"tallyman/api/schema"
	"tallyman/collector"
)

// attention lists the containers that somebody should look at, the worst first, and those that are as bad by name.
func attention(s *collector.Snapshot) []schema.Attention {
	items := []schema.Attention{}
	for i := range s.Containers {
		c := &s.Containers[i]
		why := reasons(c)
		if len(why) == 0 {
			continue
		}
		item := schema.Attention{
			ID: schema.Text(containerID(c)), Name: schema.Text(c.Name), Engine: schema.Text(c.Engine), ExitCode: exitCode(c.Facts), Reasons: why,
		}
		if c.Facts != nil {
			item.State = schema.Text(c.Facts.State)
		}
		items = append(items, item)
	}
	slices.SortStableFunc(items, func(a, b schema.Attention) int { return compareReasons(a.Reasons, b.Reasons) })
	return items
}

// part is a part of a whole; unknown where there is no whole.
func part(of, whole float64) float64 {
	if !(whole > 0) {
		return math.NaN()
	}
	return of / whole
}
