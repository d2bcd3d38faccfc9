package api

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tallyman/collector"
	"tallyman/internal/human"
	"tallyman/internal/sample"
)

// cpuPoints are readings of the processor each 15 s.
func cpuPoints(values ...float64) []collector.Point {
	points := make([]collector.Point, len(values))
	for i, v := range values {
		points[i] = collector.Point{Time: sample.Now().Add(time.Duration(i-len(values)+1) * 15 * time.Second), CPU: v}
	}
	return points
}

func cpuChart(limit float64, points []collector.Point) chart {
	return newChart(points, spanOf(points), chartSpec{"c", "CPU", unitCores(), []lineSpec{{"used", cpuOf}}, limit})
}

// checkChart wants every coordinate inside the view box.
func checkChart(t *testing.T, c chart) {
	t.Helper()
	number := regexp.MustCompile(`-?[\d.]+`)
	inside := func(what, text string, most float64) {
		for _, word := range number.FindAllString(text, -1) {
			if v, err := strconv.ParseFloat(word, 64); err != nil || v < 0 || v > most {
				t.Fatalf("%s: %q is outside of the chart: %s", what, word, text)
			}
		}
		for _, never := range []string{"NaN", "Inf", "e+", "e-"} {
			if strings.Contains(text, never) {
				t.Fatalf("%s: %s", what, text)
			}
		}
	}
	for _, l := range c.Lines {
		inside("line", l.Path, chartWidth)
		inside("area", l.Area, chartWidth)
	}
	for _, tick := range append(c.YTicks, c.XTicks...) {
		inside("tick", tick.At, chartWidth)
	}
	for _, s := range c.Spots {
		inside("spot", s.X+" "+s.Width+" "+s.Middle, chartWidth)
	}
	inside("limit", c.LimitAt, chartHeight)
	if len(c.YTicks) < 2 || len(c.YTicks) > mostTicks || len(c.XTicks) > mostTicks || len(c.Spots) > chartPoints {
		t.Fatalf("%d and %d ticks, %d spots", len(c.YTicks), len(c.XTicks), len(c.Spots))
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	c := cpuChart(0.5, cpuPoints(0.1, 0.2, nan, nan, 0.4, 0.3, 0.2, 0.1, 0.25))
	checkChart(t, c)
	if got := strings.Count(c.Lines[0].Path, "M"); got != 2 {
		t.Errorf("what is not known is no gap: %d pieces in %s", got, c.Lines[0].Path)
	}
	if c.Limit != "0.500" || c.LimitAt == "" {
		t.Errorf("limit %q at %q", c.Limit, c.LimitAt)
	}
	if want := "CPU: used 0.250 now, limit 0.500"; c.Label != want {
		t.Errorf("got %q, want %q", c.Label, want)
	}
	if len(c.Spots) != 9 || c.Spots[8].Text != "09:30:00\nused 0.250" || c.Spots[2].Text != "09:28:30\nused –" {
		t.Errorf("got %+v", c.Spots)
	}
	last := c.YTicks[len(c.YTicks)-1]
	if c.YTicks[0].Text != "0" || last.Text != "0.600" || last.At != "8" {
		t.Errorf("got %+v", c.YTicks)
	}
	for _, tick := range c.XTicks {
		if !strings.HasPrefix(tick.Text, "09:") {
			t.Errorf("got %+v", c.XTicks)
		}
	}
	// A limit far above would press the line to the bottom.
	if c = cpuChart(64, cpuPoints(0.1, 0.2)); c.Limit != "64" || c.LimitAt != "" {
		t.Errorf("limit %q at %q", c.Limit, c.LimitAt)
	}
}

func TestChart_awkward(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	many := make([]float64, 5000)
	for i := range many {
		many[i] = float64(i % 7)
	}
	for name, points := range map[string][]collector.Point{
		"none": nil, "one": cpuPoints(1), "unknown": cpuPoints(nan, nan), "infinite": cpuPoints(inf, -inf, 1), "constant": cpuPoints(3, 3, 3),
		"zero": cpuPoints(0, 0), "negative": cpuPoints(-5, 3, -1), "huge": cpuPoints(math.MaxFloat64, 1, math.MaxFloat64),
		"tiny": cpuPoints(5e-324, 5e-324), "many": cpuPoints(many...), "at once": {{Time: sample.Now(), CPU: 1}, {Time: sample.Now(), CPU: 2}},
		"backwards": {{Time: sample.Now(), CPU: 1}, {Time: sample.Now().Add(-time.Hour), CPU: 2}},
		"years":     {{Time: sample.Now().AddDate(-3, 0, 0), CPU: 1}, {Time: sample.Now(), CPU: 2}},
	} {
		for _, limit := range []float64{nan, 0, -1, 1, inf, math.MaxFloat64} {
			c := cpuChart(limit, points)
			checkChart(t, c)
			if wantEmpty := name == "none" || name == "unknown"; c.Empty != wantEmpty {
				t.Errorf("%s: empty is %v", name, c.Empty)
			}
		}
	}
}

func FuzzChart(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 4.0, int64(15), int64(15), int64(15))
	f.Add(math.NaN(), math.Inf(1), -1.0, math.MaxFloat64, int64(0), int64(-5), int64(1<<40))
	f.Fuzz(func(t *testing.T, a, b, c, limit float64, s1, s2, s3 int64) {
		points := cpuPoints(a, b, c, a)
		for i, s := range []int64{s1, s2, s3} {
			s %= 1 << 31
			points[i+1].Time = points[i].Time.Add(time.Duration(s) * time.Second)
		}
		drawn := cpuChart(limit, points)
		checkChart(t, drawn)
		over := spanOf(points)
		checkSpark(t, newSpark(points, over, limit, cpuOf, human.Cores))
	})
}

// checkSpark follows a path, and wants it to stay inside.
func checkSpark(t *testing.T, s spark) {
	t.Helper()
	for piece := range strings.SplitSeq(s.Path, "M") {
		if piece == "" {
			continue
		}
		numbers := regexp.MustCompile(`-?\d+`).FindAllString(piece, -1)
		x, y := 0, 0
		for i := 0; i+1 < len(numbers); i += 2 {
			dx, _ := strconv.Atoi(numbers[i])
			dy, _ := strconv.Atoi(numbers[i+1])
			x, y = x+dx, y+dy
			if x < 0 || x > sparkWidth || y < 0 || y > sparkHeight {
				t.Fatalf("(%d, %d) is outside of %dx%d: %s", x, y, sparkWidth, sparkHeight, s.Path)
			}
		}
	}
}

func TestSpark(t *testing.T) {
	t.Parallel()
	points := cpuPoints(0, 1, 2, 1, 0, math.NaN(), 2, 2, 2)
	s := newSpark(points, spanOf(points), 2, cpuOf, human.Cores)
	checkSpark(t, s)
	if s.Label != "from 0 to 2, last 2" || strings.Count(s.Path, "M") != 2 || !strings.HasPrefix(s.Path, "M0 23l0 0 15-11 15-11 15 11 15 11M") {
		t.Errorf("got %+v", s)
	}
	if s := newSpark(cpuPoints(1), span{}, 2, cpuOf, human.Cores); s != (spark{}) {
		t.Errorf("a single reading is no line: %+v", s)
	}
	many := make([]float64, 600)
	many[300] = 5 // a peak must not be lost
	points = cpuPoints(many...)
	s = newSpark(points, spanOf(points), 1, cpuOf, human.Cores)
	checkSpark(t, s)
	if len(s.Path) > 300 || !strings.Contains(s.Label, "to 5,") {
		t.Errorf("%d bytes for %d points: %+v", len(s.Path), len(points), s)
	}
	if top := strings.Count(s.Path, "-22"); top != 1 {
		t.Errorf("the peak is drawn %d times: %s", top, s.Path)
	}
	// A reading that is missing is a gap, too.
	points = cpuPoints(1, 1, 1, 1, 1, 1)
	for i := range 3 {
		points[i].Time = points[i].Time.Add(-5 * time.Minute)
	}
	if s = newSpark(points, spanOf(points), 1, cpuOf, human.Cores); strings.Count(s.Path, "M") != 2 {
		t.Errorf("five minutes without a reading are no gap: %s", s.Path)
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	f := func(top float64, u unit, want string) {
		t.Helper()
		var got []string
		for _, v := range yTicks(top, u) {
			got = append(got, u.write(v))
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%v: got %s, want %s", top, text, want)
		}
	}
	f(0.1, unitCores(), "0, 0.025, 0.050, 0.075, 0.100")
	f(1.7, unitCores(), "0, 0.500, 1, 1.500, 2")
	f(64<<20, unitBytes(), "0 B, 16.0 MiB, 32.0 MiB, 48.0 MiB, 64.0 MiB")
	f(65<<20, unitBytes(), "0 B, 32.0 MiB, 64.0 MiB, 96.0 MiB")
	f(0, unitRate(), "0 B/s, 256 B/s, 512 B/s, 768 B/s, 1.0 KiB/s")
	f(0.6, unitRatio(), "0.0 %, 20.0 %, 40.0 %, 60.0 %")
}
