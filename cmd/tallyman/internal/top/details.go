package top

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/listing"
	"tallyman/cmd/tallyman/internal/table"
	"tallyman/internal/human"
)

// detailLines is everything about one container.
func (m *model) detailLines(width int) [][]span {
	switch {
	case m.detailsErr != nil:
		return [][]span{{toned(table.Inert(m.detailsErr.Error()), listing.Bad)}}
	case m.details == nil:
		return [][]span{{toned("asking…", listing.Faint)}}
	}
	d := m.details
	c := &d.Container
	now := time.Time(d.Time)
	p := page{}
	p.add(bold(table.Inert(string(c.Name))), plain("  "+word(c.State)), toned("  "+strings.Join(m.troubleOf(c), ", "), listing.Bad))
	p.pair("id", word(c.ID))
	p.pair("image", word(c.Image))
	if c.Engine != "" {
		p.pair("engine", word(c.Engine))
	}
	p.pair("health", word(c.Health)+failing(d.Facts))
	p.pair("created", moment(c.CreatedAt, now))
	p.pair("started", moment(c.StartedAt, now))
	p.pair("last exit", lastExit(c, now))
	p.pair("restarts", human.Count(float64(c.Restarts))+policy(d.Facts))
	p.pair("oom kills", human.Count(float64(c.OOMKills)))
	p.gap()
	if c.State == "running" || c.State == "paused" {
		p.usage(d)
	} else {
		p.pair("use", "none: it does not run")
	}
	p.pair("disk", fmt.Sprintf("written %s, log %s", human.Bytes(float64(c.Disk.WritableBytes)), human.Bytes(float64(c.Disk.LogBytes))))
	p.pair("read from", table.Inert(c.Source)+" "+word(c.Cgroup))
	if c.Problem != "" {
		p.add(toned(label("problem")+word(c.Problem), listing.Warn))
	}
	p.historyOf(m.history, width)
	p.labels(d.Facts)
	return p.lines
}

// usage is what a container that runs takes.
func (p *page) usage(d *schema.ContainerDetails) {
	c := &d.Container
	p.pair("cpu", fmt.Sprintf("%s of %s cores, throttled %s of the periods", human.Cores(float64(c.CPU.Cores)), human.Cores(float64(c.CPU.LimitCores)), human.Percent(float64(c.CPU.ThrottledRatio))))
	p.pair("memory", fmt.Sprintf("%s of %s, with page cache %s", human.Bytes(float64(c.Memory.WorkingSetBytes)), limit(c.Memory.LimitBytes), human.Bytes(float64(c.Memory.UsageBytes))))
	p.pair("threads", fmt.Sprintf("%s of %s", human.Count(float64(c.Pids.Threads)), human.Count(float64(c.Pids.ThreadsMax))))
	p.pair("network", fmt.Sprintf("in %s, out %s", human.Rate(float64(c.Network.ReceiveBytesPerSecond)), human.Rate(float64(c.Network.TransmitBytesPerSecond)))+network(d.Facts))
	p.pair("io", fmt.Sprintf("read %s, write %s", human.Rate(float64(c.IO.ReadBytesPerSecond)), human.Rate(float64(c.IO.WriteBytesPerSecond))))
}

// page is text that is being written.
type page struct{ lines [][]span }

func (p *page) add(spans ...span) { p.lines = append(p.lines, spans) }

func (p *page) gap() { p.lines = append(p.lines, nil) }

func (p *page) pair(name, text string) { p.add(toned(label(name), listing.Faint), plain(text)) }

func label(name string) string { return table.Pad(name, 12, false) }

// troubleOf says why somebody should look at the container, as the summary does.
func (m *model) troubleOf(c *schema.Container) []string {
	for i := range m.rows {
		if identityOf(&m.rows[i]) == (identity{string(c.Engine), string(c.ID)}) {
			return m.rows[i].Trouble
		}
	}
	return nil
}

func moment(then schema.Moment, now time.Time) string {
	if then.IsZero() {
		return human.Dash
	}
	return fmt.Sprintf("%s, %s ago", human.Moment(time.Time(then)), human.Since(time.Time(then), now))
}

func limit(v schema.Number) string {
	if !v.Known() {
		return "no limit"
	}
	return human.Bytes(float64(v))
}

func lastExit(c *schema.Container, now time.Time) string {
	if !c.ExitCode.Known() {
		return human.Dash
	}
	text := "code " + human.Count(float64(c.ExitCode))
	if c.OOMKilled != nil && *c.OOMKilled {
		text += ", killed for want of memory"
	}
	if !c.FinishedAt.IsZero() {
		text += ", " + moment(c.FinishedAt, now)
	}
	return text
}

func failing(f *schema.Facts) string {
	if f == nil || !(f.FailingStreak > 0) {
		return ""
	}
	return fmt.Sprintf(", failed %s times in a row", human.Count(float64(f.FailingStreak)))
}

func policy(f *schema.Facts) string {
	if f == nil || f.RestartPolicy == "" {
		return ""
	}
	return ", policy " + word(f.RestartPolicy)
}

func network(f *schema.Facts) string {
	if f == nil || f.NetworkMode == "" {
		return ""
	}
	return ", mode " + table.Clip(word(f.NetworkMode), 40)
}

// historyOf draws what is remembered as small charts.
func (p *page) historyOf(points []schema.Point, width int) {
	if len(points) < 2 {
		return
	}
	p.gap()
	from, to := time.Time(points[0].Time), time.Time(points[len(points)-1].Time)
	p.add(bold(fmt.Sprintf("the last %s", human.Since(from, to))))
	for _, row := range []struct {
		name  string
		value func(*schema.Point) schema.Number
		text  func(float64) string
	}{
		{"cpu", func(p *schema.Point) schema.Number { return p.CPUCores }, human.Cores},
		{"memory", func(p *schema.Point) schema.Number { return p.MemoryWorkingSetBytes }, human.Bytes},
		{"throttled", func(p *schema.Point) schema.Number { return p.ThrottledRatio }, human.Percent},
		{"net in", func(p *schema.Point) schema.Number { return p.ReceiveBytesPerSecond }, human.Rate},
		{"net out", func(p *schema.Point) schema.Number { return p.TransmitBytesPerSecond }, human.Rate},
		{"io read", func(p *schema.Point) schema.Number { return p.ReadBytesPerSecond }, human.Rate},
		{"io write", func(p *schema.Point) schema.Number { return p.WriteBytesPerSecond }, human.Rate},
	} {
		values := make([]float64, len(points))
		most := math.NaN()
		for i := range points {
			values[i] = float64(row.value(&points[i]))
			if values[i] > most || math.IsNaN(most) {
				most = values[i]
			}
		}
		if math.IsNaN(most) {
			continue
		}
		p.pair(row.name, sparkline(values, max(min(width-30, 60), 1))+"  up to "+row.text(most))
	}
}

// levels are the heights of a sparkline.
func levels() []rune { return []rune("▁▂▃▄▅▆▇█") }

// sparkline draws values as heights from zero to the largest, the latest on the right; each place has the largest of what falls into it,
// and a gap where nothing is known.
func sparkline(values []float64, width int) string {
	width = min(width, len(values))
	places := make([]float64, width)
	most := 0.0
	for i := range places {
		places[i] = math.NaN()
		for _, v := range values[i*len(values)/width : (i+1)*len(values)/width] {
			if v > places[i] || math.IsNaN(places[i]) {
				places[i] = v
			}
		}
		if places[i] > most {
			most = places[i]
		}
	}
	heights := levels()
	var b strings.Builder
	for _, v := range places {
		switch {
		case math.IsNaN(v):
			b.WriteRune(' ')
		case most == 0:
			b.WriteRune(heights[0])
		default:
			b.WriteRune(heights[int(v/most*float64(len(heights)-1)+0.5)])
		}
	}
	return b.String()
}

// labels lists the labels; what looks like a secret is not shown.
func (p *page) labels(f *schema.Facts) {
	if f == nil || len(f.Labels) == 0 {
		return
	}
	p.gap()
	p.add(bold("labels"))
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		p.add(toned(table.Inert(key)+"  ", listing.Faint), plain(table.Clip(table.Inert(f.Labels[key]), 200)))
	}
}

// helpLines says what the keys do.
func helpLines() [][]span {
	p := page{}
	for _, line := range [][2]string{
		{"↑ ↓ j k", "select a container; PgUp, PgDn, Home, End too"},
		{"Enter", "everything about the selected container; Esc back"},
		{"/", "filter by words of name, image, state, health or trouble; Esc drops it"},
		{"space", "pause, and go on"},
		{"q Ctrl-C", "quit"},
		{"", ""},
		{"s", "sort by trouble: what somebody should look at first"},
		{"c", "sort by processor time, of what the container may use"},
		{"m", "sort by memory"},
		{"t", "sort by throttling: the part of the periods in which the quota was used up"},
		{"p", "sort by pressure: the part of the time in which a task had to wait"},
		{"n i", "sort by network traffic, by reads and writes"},
		{"d r a", "sort by threads, by restarts, by age"},
		{"N", "sort by name"},
		{"", "the same key again reverses the order; what is not known comes last"},
	} {
		p.pair(line[0], line[1])
	}
	return p.lines
}
