package api

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tallyman/collector"
)

// What a chart is drawn in. The text in it shrinks with it, so it is no wider than a phone needs.
const (
	chartWidth  = 420
	chartHeight = 160
	plotLeft    = 76
	plotRight   = chartWidth - 18
	plotTop     = 8
	plotBottom  = chartHeight - 22
	chartPoints = 120 // at most, of each line
)

// chartSpec says what to draw.
type chartSpec struct {
	ID, Title string
	Unit      unit
	// Lines are drawn in the order given, each in a colour and a pattern of its own.
	Lines []lineSpec
	// Limit is drawn as a line of its own, unless it is far above; NaN = none.
	Limit float64
}

// lineSpec is one line of a chart.
type lineSpec struct {
	Name  string
	Value func(*collector.Point) float64
}

// chart is a drawing with axes. All coordinates are within its view box, whatever the numbers were.
type chart struct {
	ID, Title string
	// Width and Height are those of the view box; Left, Right, Top and Bottom are the axes.
	Width, Height            int
	Left, Right, Top, Bottom int
	// Label says in words what is drawn.
	Label string
	Lines []chartLine
	// Limit is how the limit is written, "" = none; LimitAt is where it is drawn, "" = it is above the chart.
	Limit, LimitAt string
	YTicks, XTicks []chartTick
	Spots          []chartSpot
	// Empty says that no value is known.
	Empty bool
}

// chartLine is one line: Path as it is, and Area down to the axis, which only the first line has.
type chartLine struct {
	Name, Last, Path, Area string
	// Class is "line-1" to "line-3".
	Class string
}

// chartTick is a mark of an axis.
type chartTick struct{ At, Text string }

// chartSpot is the stretch of a chart in which the pointer is told of one moment.
type chartSpot struct {
	X, Width, Middle string
	Text             string
}

// newChart draws what is remembered.
func newChart(points []collector.Point, over span, spec chartSpec) chart {
	c := chart{ID: spec.ID, Title: spec.Title, Width: chartWidth, Height: chartHeight, Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom}
	top, known := highest(points, spec.Lines)
	c.Empty = known == 0
	limited := finite(spec.Limit) && spec.Limit > 0
	if limited {
		c.Limit = spec.Unit.write(spec.Limit)
		if spec.Limit <= 4*top || c.Empty {
			top = max(top, spec.Limit)
		}
	}
	ticks := yTicks(top, spec.Unit)
	axis := ticks[len(ticks)-1]
	height := func(v float64) float64 {
		return plotBottom - min(max(v/axis, 0), 1)*(plotBottom-plotTop)
	}
	for _, v := range ticks {
		c.YTicks = append(c.YTicks, chartTick{coordinate(height(v)), strings.Replace(spec.Unit.write(v), ".0 ", " ", 1)})
	}
	if limited && spec.Limit <= axis {
		c.LimitAt = coordinate(height(spec.Limit))
	}
	moments, layout := xTicks(over)
	for _, m := range moments {
		c.XTicks = append(c.XTicks, chartTick{coordinate(across(over, m)), m.UTC().Format(layout)})
	}
	for i, l := range spec.Lines {
		c.Lines = append(c.Lines, newLine(points, over, l, i, height))
		c.Lines[i].Last = lastOf(points, l, spec.Unit)
	}
	c.Spots = spots(points, over, spec)
	c.Label = describe(spec, c)
	return c
}

// highest is the largest value of all lines, 0 when there is none, and how many are known.
func highest(points []collector.Point, lines []lineSpec) (float64, int) {
	top, known := 0.0, 0
	for i := range points {
		for _, l := range lines {
			if v := l.Value(&points[i]); finite(v) {
				top, known = max(top, v), known+1
			}
		}
	}
	return top, known
}

// newLine draws one line, in pieces where nothing is known in between.
func newLine(points []collector.Point, over span, l lineSpec, number int, height func(float64) float64) chartLine {
	var path, area strings.Builder
	runs := cut(points, l.Value)
	for _, run := range runs {
		part := points[run.from:run.to]
		first, last := "", ""
		for i, at := range thin(part, max(2, chartPoints/len(runs)), l.Value) {
			x, y := coordinate(across(over, part[at].Time)), coordinate(height(l.Value(&part[at])))
			verb := "L"
			if i == 0 {
				verb, first = "M", x
			}
			path.WriteString(verb + x + " " + y)
			area.WriteString(verb + x + " " + y)
			last = x
		}
		if len(part) == 1 {
			path.WriteString("h0.1") // a dot
		}
		bottom := strconv.Itoa(plotBottom)
		area.WriteString("L" + last + " " + bottom + "L" + first + " " + bottom + "Z")
	}
	line := chartLine{Name: l.Name, Path: path.String(), Class: "line-" + strconv.Itoa(number+1)}
	if number == 0 {
		line.Area = area.String()
	}
	return line
}

// lastOf writes the latest value of a line.
func lastOf(points []collector.Point, l lineSpec, u unit) string {
	if len(points) == 0 {
		return u.write(math.NaN())
	}
	return u.write(l.Value(&points[len(points)-1]))
}

// spots divides the chart among the moments, for the pointer.
func spots(points []collector.Point, over span, spec chartSpec) []chartSpot {
	var all []chartSpot
	every := max(1, (len(points)+chartPoints-1)/chartPoints)
	var chosen []*collector.Point
	for i := range points {
		if (len(points)-1-i)%every == 0 { // the latest is always among them
			chosen = append(chosen, &points[i])
		}
	}
	at := func(i int) float64 { return across(over, chosen[i].Time) }
	for i, p := range chosen {
		left, right := float64(plotLeft), float64(plotRight)
		if i > 0 {
			left = (at(i-1) + at(i)) / 2
		} else if len(chosen) > 1 {
			left = min(max(left, at(0)-(at(1)-at(0))/2), plotRight)
		}
		if i+1 < len(chosen) {
			right = (at(i) + at(i+1)) / 2
		}
		var text strings.Builder
		text.WriteString(p.Time.UTC().Format("15:04:05"))
		for _, l := range spec.Lines {
			text.WriteString("\n" + l.Name + " " + spec.Unit.write(l.Value(p)))
		}
		all = append(all, chartSpot{coordinate(left), coordinate(max(right-left, 0)), coordinate(at(i)), text.String()})
	}
	return all
}

// describe says in words what a chart shows.
func describe(spec chartSpec, c chart) string {
	if c.Empty {
		return spec.Title + ": nothing is known"
	}
	var b strings.Builder
	b.WriteString(spec.Title + ": ")
	for i, l := range c.Lines {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.Name + " " + l.Last + " now")
	}
	if c.Limit != "" {
		b.WriteString(", limit " + c.Limit)
	}
	return b.String()
}

// across is where a moment lies in the plot.
func across(over span, t time.Time) float64 { return plotLeft + over.at(t)*(plotRight-plotLeft) }

// coordinate writes a place in a drawing, to a tenth.
func coordinate(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}
