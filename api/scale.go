package api

import (
	"math"
	"time"

	"tallyman/internal/human"
)

// unit says how the numbers of a chart are written, and which steps are round in it.
type unit struct {
	write func(float64) string
	// binary says that round numbers are powers of two.
	binary bool
	// least is what the axis reaches at least, so that next to nothing is not drawn as a mountain.
	least float64
}

// The units of charts.
func unitCores() unit { return unit{write: human.Cores, least: 0.01} }
func unitBytes() unit { return unit{write: human.Bytes, binary: true, least: 4 << 10} }
func unitRate() unit  { return unit{write: human.Rate, binary: true, least: 1 << 10} }
func unitRatio() unit { return unit{write: human.Percent, least: 0.01} }

// mostTicks bounds the marks of an axis.
const mostTicks = 6

// yTicks gives round numbers from 0 to at least top, evenly apart; the last one is where the axis ends.
func yTicks(top float64, u unit) []float64 {
	top = min(max(top, u.least), 1e300) // beyond, steps would overflow
	if !finite(top) {
		top = u.least
	}
	step := roundStep(top/4, u.binary)
	n := int(math.Ceil(top/step - 1e-9))
	ticks := make([]float64, 0, mostTicks)
	for i := range min(n, mostTicks-1) + 1 {
		ticks = append(ticks, float64(i)*step)
	}
	return ticks
}

// roundStep is the round number next to v from above: a power of two, or 1, 2, 2.5 or 5 times a power of ten.
func roundStep(v float64, binary bool) float64 {
	if binary {
		return math.Exp2(math.Ceil(math.Log2(v)))
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// xTicks gives round moments within a span, at most mostTicks, and how to write them.
func xTicks(over span) ([]time.Time, string) {
	whole := over.to.Sub(over.from)
	if whole <= 0 {
		return nil, ""
	}
	step := time.Duration(0)
	for _, s := range []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if whole/s < mostTicks {
			step = s
			break
		}
	}
	if step == 0 {
		return []time.Time{over.to}, "2006-01-02"
	}
	layout := "15:04"
	if step < time.Minute {
		layout = "15:04:05"
	}
	var ticks []time.Time
	for t := over.from.Truncate(step); !t.After(over.to); t = t.Add(step) {
		if !t.Before(over.from) {
			ticks = append(ticks, t)
		}
	}
	return ticks, layout
}
