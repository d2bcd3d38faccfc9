package api

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tallyman/collector"
)

// What a spark line is drawn in.
const (
	sparkWidth  = 120
	sparkHeight = 24
	sparkPoints = 40 // at most: more do not show, and a page may have thousands of lines
)

// span is a stretch of time that is drawn.
type span struct{ from, to time.Time }

// spanOf is that of what is remembered, and never so short that two readings fill it.
func spanOf(points []collector.Point) span {
	if len(points) == 0 {
		return span{}
	}
	s := span{points[0].Time, points[len(points)-1].Time}
	if s.to.Sub(s.from) < leastSpan {
		s.from = s.to.Add(-leastSpan)
	}
	return s
}

// at is where a moment lies in the span, from 0 to 1.
func (s span) at(t time.Time) float64 {
	whole := s.to.Sub(s.from)
	if whole <= 0 {
		return 1
	}
	return min(max(float64(t.Sub(s.from))/float64(whole), 0), 1)
}

// spark is a small line without axes. Its zero value is drawn as nothing.
type spark struct {
	// Path is the line and Label what it says in words.
	Path, Label string
}

// newSpark draws what value gives of the points, from 0 to top, or to the largest value if that is more.
func newSpark(points []collector.Point, over span, top float64, value func(*collector.Point) float64, write func(float64) string) spark {
	low, high, last := math.Inf(1), math.Inf(-1), math.NaN()
	known := 0
	for i := range points {
		last = value(&points[i])
		if !finite(last) {
			continue
		}
		low, high = min(low, last), max(high, last)
		known++
	}
	if known < 2 {
		return spark{}
	}
	if !finite(top) || top < high {
		top = high
	}
	var p pathWriter
	runs := cut(points, value)
	each := max(1, len(runs)) // so that gaps do not make for more points
	for _, run := range runs {
		for i, at := range thin(points[run.from:run.to], max(2, sparkPoints/each), value) {
			at += run.from
			x := int(math.Round(over.at(points[at].Time) * sparkWidth))
			p.to(i == 0, x, level(value(&points[at]), top))
		}
	}
	return spark{Path: p.String(), Label: "from " + write(low) + " to " + write(high) + ", last " + write(last)}
}

// level is the height of a value in a spark line, counted from above; half a line is kept free for the stroke.
func level(v, top float64) int {
	if top <= 0 {
		return sparkHeight - 1
	}
	return sparkHeight - 1 - int(math.Round(min(max(v/top, 0), 1)*(sparkHeight-2)))
}

// pathWriter writes the shortest path through points with whole coordinates.
type pathWriter struct {
	strings.Builder

	x, y int
}

// to goes to a point: with a line, unless it begins there.
func (p *pathWriter) to(begin bool, x, y int) {
	if begin {
		p.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "l0 0")
	} else {
		if x >= p.x {
			p.WriteByte(' ')
		}
		p.WriteString(strconv.Itoa(x - p.x))
		if y >= p.y {
			p.WriteByte(' ')
		}
		p.WriteString(strconv.Itoa(y - p.y))
	}
	p.x, p.y = x, y
}

// stretch is a part of some points, from one to before another.
type stretch struct{ from, to int }

// cut gives the stretches in which a value is known, and no reading is missing.
func cut(points []collector.Point, value func(*collector.Point) float64) []stretch {
	missing := longest(points)
	var all []stretch
	open := -1
	for i := range points {
		broken := !finite(value(&points[i]))
		if open >= 0 && (broken || points[i].Time.Sub(points[i-1].Time) > missing) {
			all, open = append(all, stretch{open, i}), -1
		}
		if open < 0 && !broken {
			open = i
		}
	}
	if open >= 0 {
		all = append(all, stretch{open, len(points)})
	}
	return all
}

// longest is how far two readings may lie apart before something is missing between them: readings come when somebody asks, but
// no less often than the history's own.
func longest(points []collector.Point) time.Duration {
	if len(points) < 2 {
		return 0
	}
	apart := make([]time.Duration, len(points)-1)
	for i := range apart {
		apart[i] = points[i+1].Time.Sub(points[i].Time)
	}
	slices.Sort(apart)
	return max(3*apart[len(apart)/2], 45*time.Second)
}

// thin chooses at most so many of the points: the highest of each group, as peaks are what one looks for, and the first and the
// last of all.
func thin(points []collector.Point, most int, value func(*collector.Point) float64) []int {
	n := len(points)
	if n <= most {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	chosen := []int{0}
	groups := max(most-2, 0)
	for g := range groups {
		from, to := 1+g*(n-2)/groups, 1+(g+1)*(n-2)/groups
		best := from
		for i := from; i < to; i++ {
			if value(&points[i]) > value(&points[best]) {
				best = i
			}
		}
		chosen = append(chosen, best)
	}
	return append(chosen, n-1)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
