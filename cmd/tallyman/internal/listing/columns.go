package listing

import (
	"math"
	"strconv"
	"strings"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/table"
	"tallyman/internal/human"
)

// Tone says how a text is to be shown where there are colours.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Faint      // that is as it should be, or over
	Warn       // that is worth a look
	Bad        // that is the trouble
)

// What a number must be to be worth a look, and to be trouble.
const (
	warnRatio, badRatio         = 0.8, 0.95 // of a limit
	warnThrottled, badThrottled = 0.05, 0.25
	warnPressure, badPressure   = 0.1, 0.4
)

// column is one of the columns.
type column struct {
	table.Column

	text func(*Row) string
	tone func(*Row) Tone
	// wide says that it is shown in the wide form only.
	wide bool
	// needless says that it is left out where no row has anything to say in it.
	needless bool
}

// columns lists all that is shown of a container, in that order.
func columns() []column {
	return []column{
		{Column: table.Column{Title: "NAME", Min: 20}, text: func(r *Row) string { return table.Inert(r.Label()) }, tone: nameTone},
		{Column: table.Column{Title: "ENGINE", Rank: 3, Min: 6}, text: func(r *Row) string { return table.Inert(string(r.Engine)) }, needless: true},
		{Column: table.Column{Title: "ID"}, text: func(r *Row) string { return table.Inert(string(r.ID)) }, wide: true},
		{Column: table.Column{Title: "STATE"}, text: func(r *Row) string { return word(r.State) }, tone: stateTone},
		{Column: table.Column{Title: "HEALTH", Rank: 2}, text: func(r *Row) string { return word(r.Health) }, tone: healthTone, needless: true},
		{Column: table.Column{Title: "TROUBLE", Rank: 1, Min: 14}, text: func(r *Row) string { return table.Inert(strings.Join(r.Trouble, ",")) }, tone: always(Bad), needless: true},
		{Column: table.Column{Title: "CPU%", Right: true}, text: func(r *Row) string { return percent(r.cpu()) }, tone: above((*Row).cpu, warnRatio, badRatio)},
		{Column: table.Column{Title: "CORES", Right: true}, text: cores, wide: true},
		{Column: table.Column{Title: "MEM / LIMIT", Right: true, Rank: 4}, text: memoryOf},
		{Column: table.Column{Title: "MEM%", Right: true}, text: func(r *Row) string { return percent(r.memory()) }, tone: above((*Row).memory, warnRatio, badRatio)},
		{
			Column: table.Column{Title: "THROTTLED", Right: true, Rank: 5},
			text:   func(r *Row) string { return percent(float64(r.CPU.ThrottledRatio)) },
			tone:   above(func(r *Row) float64 { return float64(r.CPU.ThrottledRatio) }, warnThrottled, badThrottled),
		},
		{
			Column: table.Column{Title: "PRESSURE", Right: true, Rank: 6},
			text:   func(r *Row) string { return percent(r.pressure()) },
			tone:   above((*Row).pressure, warnPressure, badPressure),
		},
		{
			Column: table.Column{Title: "NET IN/OUT /s", Right: true, Rank: 9},
			text:   func(r *Row) string { return pair(r.Network.ReceiveBytesPerSecond, r.Network.TransmitBytesPerSecond) },
		},
		{
			Column: table.Column{Title: "IO R/W /s", Right: true, Rank: 10},
			text:   func(r *Row) string { return pair(r.IO.ReadBytesPerSecond, r.IO.WriteBytesPerSecond) },
		},
		{Column: table.Column{Title: "PIDS", Right: true, Rank: 12}, text: func(r *Row) string { return whole(r.Pids.Threads) }},
		{Column: table.Column{Title: "RESTARTS", Right: true, Rank: 7}, text: func(r *Row) string { return whole(r.Restarts) }},
		{Column: table.Column{Title: "EXIT", Right: true, Rank: 8}, text: exit, tone: exitTone},
		{Column: table.Column{Title: "AGE", Right: true, Rank: 11}, text: func(r *Row) string { return human.Since(r.since(), r.At) }, tone: always(Faint)},
		{Column: table.Column{Title: "SOURCE"}, text: func(r *Row) string { return table.Inert(r.Source) }, wide: true},
		{Column: table.Column{Title: "IMAGE", Rank: 13, Min: 12}, text: image, tone: always(Faint)},
	}
}

// View is a table of containers.
type View struct {
	table.Table

	// Tones has that of each text of Rows.
	Tones [][]Tone
}

// NewView makes the table of rows, in their order; wide has every column.
func NewView(rows []Row, wide bool) View {
	var v View
	v.Rows, v.Tones = make([][]string, len(rows)), make([][]Tone, len(rows))
	for _, c := range columns() {
		if c.wide && !wide || c.needless && !said(rows, c.text) {
			continue
		}
		v.Columns = append(v.Columns, c.Column)
		for i := range rows {
			tone := Plain
			if c.tone != nil {
				tone = c.tone(&rows[i])
			}
			v.Rows[i], v.Tones[i] = append(v.Rows[i], c.text(&rows[i])), append(v.Tones[i], tone)
		}
	}
	return v
}

// said says whether any row has a text.
func said(rows []Row, text func(*Row) string) bool {
	for i := range rows {
		if t := text(&rows[i]); t != "" && t != human.Dash {
			return true
		}
	}
	return false
}

func always(t Tone) func(*Row) Tone { return func(*Row) Tone { return t } }

// above is the tone of a number; NaN has none.
func above(value func(*Row) float64, warn, bad float64) func(*Row) Tone {
	return func(r *Row) Tone {
		switch v := value(r); {
		case v >= bad:
			return Bad
		case v >= warn:
			return Warn
		}
		return Plain
	}
}

func nameTone(r *Row) Tone {
	if len(r.Trouble) > 0 {
		return Bad
	}
	return Plain
}

func stateTone(r *Row) Tone {
	switch r.State {
	case "restarting", "dead":
		return Bad
	case "paused", "removing":
		return Warn
	case "running":
		return Plain
	}
	return Faint
}

func healthTone(r *Row) Tone {
	switch r.Health {
	case "unhealthy":
		return Bad
	case "starting":
		return Warn
	}
	return Plain
}

func exitTone(r *Row) Tone {
	if r.OOMKilled != nil && *r.OOMKilled {
		return Bad
	}
	return Plain
}

func word(t schema.Text) string { return wordOf(string(t)) }

func wordOf(s string) string {
	if s == "" {
		return human.Dash
	}
	return table.Inert(s)
}

// percent writes a ratio under a title that has the sign.
func percent(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return human.Dash
	}
	return strconv.FormatFloat(v*100, 'f', 1, 64)
}

func cores(r *Row) string {
	return human.Cores(float64(r.CPU.Cores)) + " / " + human.Cores(float64(r.CPU.LimitCores))
}

func memoryOf(r *Row) string {
	used, limit := human.Bytes(float64(r.Memory.WorkingSetBytes)), human.Bytes(float64(r.Memory.LimitBytes))
	if limit == human.Dash {
		return used
	}
	return used + " / " + limit
}

// image is the image as it was named; of an id, the beginning.
func image(r *Row) string {
	const digits = 12
	if id, ok := strings.CutPrefix(string(r.Image), "sha256:"); ok && len(id) > digits {
		return wordOf("sha256:" + id[:digits])
	}
	return word(r.Image)
}

// pair writes two numbers of bytes per second.
func pair(a, b schema.Number) string {
	if !a.Known() && !b.Known() {
		return human.Dash
	}
	return human.Bytes(float64(a)) + " / " + human.Bytes(float64(b))
}

func whole(v schema.Number) string { return human.Count(float64(v)) }

// exit is the exit code, and whether memory was the reason.
func exit(r *Row) string {
	code := whole(r.ExitCode)
	if r.OOMKilled != nil && *r.OOMKilled {
		code += " oom"
	}
	return code
}
