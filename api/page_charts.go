package api

import (
	"math"
	"time"

	"tallyman/collector"
	"tallyman/internal/human"
)

// leastSpan is the shortest time that is drawn.
const leastSpan = 2 * time.Minute

// What is drawn of a Point.
func cpuOf(p *collector.Point) float64      { return p.CPU }
func memoryOf(p *collector.Point) float64   { return p.Memory }
func throttleOf(p *collector.Point) float64 { return p.Throttled }

// worstPressure is the largest of the three pressures; NaN when none is known.
func worstPressure(p *collector.Point) float64 {
	worst := math.NaN()
	for _, v := range []float64{p.CPUPressure, p.MemoryPressure, p.IOPressure} {
		if finite(v) && !(worst >= v) {
			worst = v
		}
	}
	return worst
}

// containerCharts draws what is remembered of a container. What has never been known is left out.
func containerCharts(points []collector.Point, c *collector.Container) []chart {
	over := spanOf(points)
	nan := math.NaN()
	specs := []chartSpec{
		{"chart-cpu", "CPU, processors", unitCores(), []lineSpec{{"used", cpuOf}}, c.LimitCores},
		{"chart-memory", "Memory, working set", unitBytes(), []lineSpec{{"used", memoryOf}}, c.Stats.Memory.Limit},
		{"chart-throttled", "Throttled periods", unitRatio(), []lineSpec{{"throttled", throttleOf}}, nan},
		{"chart-pressure", "Pressure, time that tasks waited for", unitRatio(), []lineSpec{
			{"cpu", func(p *collector.Point) float64 { return p.CPUPressure }},
			{"memory", func(p *collector.Point) float64 { return p.MemoryPressure }},
			{"io", func(p *collector.Point) float64 { return p.IOPressure }},
		}, nan},
		{"chart-network", "Network", unitRate(), []lineSpec{
			{"in", func(p *collector.Point) float64 { return p.Receive }}, {"out", func(p *collector.Point) float64 { return p.Transmit }},
		}, nan},
		{"chart-io", "Block devices", unitRate(), []lineSpec{
			{"read", func(p *collector.Point) float64 { return p.Read }}, {"written", func(p *collector.Point) float64 { return p.Write }},
		}, nan},
	}
	var charts []chart
	for _, spec := range specs {
		if drawn := newChart(points, over, spec); !drawn.Empty {
			charts = append(charts, drawn)
		}
	}
	return charts
}

// hostSparks are the small lines of the host bar.
type hostSparks struct{ CPU, Memory, Pressure spark }

// newHostSparks draws what is remembered of the host.
func newHostSparks(points []collector.Point, s *collector.Snapshot) hostSparks {
	over := spanOf(points)
	return hostSparks{
		CPU:      newSpark(points, over, s.Machine.Cores, cpuOf, human.Cores),
		Memory:   newSpark(points, over, s.Machine.MemoryBytes, memoryOf, human.Bytes),
		Pressure: newSpark(points, over, waitingFrom, worstPressure, human.Percent),
	}
}
