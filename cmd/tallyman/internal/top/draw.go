package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/listing"
	"tallyman/cmd/tallyman/internal/table"
	"tallyman/internal/human"
)

// span is a text in one style.
type span struct {
	text  string
	style tcell.Style
}

func plain(text string) span { return span{text: text} }

func bold(text string) span { return span{text, tcell.StyleDefault.Bold(true)} }

func toned(text string, t listing.Tone) span { return span{text, styleOf(t)} }

// styleOf is how a tone looks. Each differs without colours, too, which NO_COLOR takes away.
func styleOf(t listing.Tone) tcell.Style {
	switch t {
	case listing.Faint:
		return tcell.StyleDefault.Dim(true)
	case listing.Warn:
		return tcell.StyleDefault.Foreground(tcell.ColorOlive)
	case listing.Bad:
		return tcell.StyleDefault.Foreground(tcell.ColorMaroon).Bold(true)
	}
	return tcell.StyleDefault
}

// write puts spans on a line of the screen, as far as it reaches.
func write(s tcell.Screen, y int, spans ...span) {
	width, _ := s.Size()
	x := 0
	for _, part := range spans {
		text := table.Clip(part.text, width-x)
		s.PutStrStyled(x, y, text, part.style)
		x += table.Width(text)
	}
}

// draw shows everything. The library sends to the terminal only what has changed.
func (m *model) draw(s tcell.Screen) {
	s.Clear()
	s.HideCursor()
	width, height := s.Size()
	lines := m.header()
	for y, line := range lines {
		write(s, y, line...)
	}
	body := area{s, len(lines) + 1, width, max(height-len(lines)-2, 0)}
	switch m.mode {
	case modeHelp:
		m.drawText(body, helpLines())
	case modeDetails:
		m.drawText(body, m.detailLines(width))
	default:
		m.drawList(body)
	}
	if height > 0 {
		m.drawFooter(s, height-1)
	}
	s.Show()
}

// area is a part of the screen.
type area struct {
	tcell.Screen

	top, width, height int
}

// header says what host this is and how it fares.
func (m *model) header() [][]span {
	title := []span{bold("tallyman")}
	if m.where != "" {
		title = append(title, plain(" "+table.Inert(m.where)))
	}
	if m.summary == nil {
		return append([][]span{title}, m.trouble("is asked for the first time…"))
	}
	h := &m.summary.Host
	title = append(title, plain(fmt.Sprintf("  %s  %s  every %s", word(h.Name), time.Time(m.summary.Time).Local().Format("15:04:05"), m.interval)))
	if m.paused {
		title = append(title, toned("  PAUSED (space goes on)", listing.Warn))
	}
	lines := [][]span{title, m.hostLine(), m.countLine()}
	for i := range m.summary.Engines {
		lines = append(lines, engineLine(&m.summary.Engines[i]))
	}
	if m.err != nil {
		lines = append(lines, m.trouble(""))
	}
	return lines
}

// trouble says why nothing could be read, or that it was not tried yet.
func (m *model) trouble(untried string) []span {
	if m.err == nil {
		return []span{toned(untried, listing.Faint)}
	}
	text := table.Inert(m.err.Error())
	if m.summary != nil {
		text = fmt.Sprintf("%s; these are the numbers of %s ago; trying again", text, human.Since(time.Time(m.summary.Time), m.at))
	} else {
		text += "; trying again"
	}
	return []span{toned(text, listing.Bad)}
}

// hostLine is how busy the host is.
func (m *model) hostLine() []span {
	h := &m.summary.Host
	cpu, memory := ratio(h.CPUCores, h.Cores), ratio(h.MemoryWorkingSetBytes, h.MemoryBytes)
	line := []span{
		plain("cpu "), toned(human.Percent(cpu), toneOf(cpu, 0.8, 0.95)), plain(fmt.Sprintf(" of %s cores", human.Cores(float64(h.Cores)))),
		plain("   memory "), toned(human.Percent(memory), toneOf(memory, 0.8, 0.95)), plain(" of " + human.Bytes(float64(h.MemoryBytes))),
		plain("   waiting for"),
	}
	for _, p := range []struct {
		name  string
		total func(*schema.HostPressure) schema.Number
	}{
		{"cpu", func(p *schema.HostPressure) schema.Number { return p.CPU }},
		{"memory", func(p *schema.HostPressure) schema.Number { return p.Memory }},
		{"io", func(p *schema.HostPressure) schema.Number { return p.IO }},
	} {
		share := m.pressure(p.total)
		line = append(line, plain(" "+p.name+" "), toned(human.Percent(share), toneOf(share, 0.1, 0.4)))
	}
	return line
}

// pressure is the part of the time in which some task of the host waited, 0-1, since the reading before.
func (m *model) pressure(total func(*schema.HostPressure) schema.Number) float64 {
	if m.before == nil {
		return float64(schema.Unknown())
	}
	elapsed := time.Time(m.summary.Time).Sub(time.Time(m.before.Time)).Seconds()
	share := ratio(total(&m.summary.Host.PressureWaitingSeconds)-total(&m.before.Host.PressureWaitingSeconds), schema.Number(elapsed))
	return max(0, min(share, 1)) // the kernel adds up what it counts every two seconds only
}

// countLine counts the containers.
func (m *model) countLine() []span {
	counts := &m.summary.Containers
	line := []span{plain(fmt.Sprintf("%d containers", counts.Total))}
	for _, state := range []string{"running", "paused", "restarting", "created", "removing", "exited", "dead", "unknown"} {
		if n := counts.States[state]; n > 0 {
			line = append(line, plain(fmt.Sprintf("  %d %s", n, state)))
		}
	}
	if n := counts.Health["unhealthy"]; n > 0 {
		line = append(line, toned(fmt.Sprintf("  %d unhealthy", n), listing.Bad))
	}
	if n := len(m.summary.Attention); n > 0 {
		line = append(line, toned(fmt.Sprintf("   look at %d", n), listing.Bad))
	}
	return line
}

// engineLine says what engine it is, or why it is away.
func engineLine(e *schema.Engine) []span {
	name := "engine "
	if e.Name != "" {
		name += table.Inert(string(e.Name)) + " "
	}
	if !e.Up {
		return []span{plain(name), toned("away: "+table.Inert(string(e.Problem)), listing.Bad)}
	}
	return []span{plain(fmt.Sprintf("%s%s  api %s  %s  cgroup v%s (%s)", name, word(e.Version), word(e.APIVersion), word(e.StorageDriver), word(e.CgroupVersion), word(e.CgroupDriver)))}
}

// drawList shows the containers.
func (m *model) drawList(a area) {
	layout := m.view.Fit(a.width)
	var title strings.Builder
	layout.Cells(layout.Titles(), func(_ int, text string) { title.WriteString(text) })
	write(a, a.top, span{table.Pad(title.String(), a.width, false), tcell.StyleDefault.Reverse(true)})
	m.pageLines = max(a.height-1, 1)
	m.offset = max(min(m.offset, m.selected, len(m.visible)-m.pageLines), m.selected-m.pageLines+1, 0)
	for n := 0; n < a.height-1 && m.offset+n < len(m.visible); n++ {
		i := m.offset + n
		var line []span
		layout.Cells(m.view.Rows[i], func(column int, text string) {
			part := toned(text, m.view.Tones[i][column])
			if i == m.selected {
				part.style = part.style.Dim(false).Reverse(true)
			}
			line = append(line, part)
		})
		write(a, a.top+1+n, line...)
	}
	if len(m.visible) == 0 && a.height > 1 && m.summary != nil {
		text := "there are no containers"
		if m.filter != "" {
			text = fmt.Sprintf("no container has %s in its name, image, state or trouble (Esc: all of them)", table.Inert(m.filter))
		}
		write(a, a.top+1, toned(text, listing.Faint))
	}
}

// drawText shows lines from the scrolled place on.
func (m *model) drawText(a area, lines [][]span) {
	m.pageLines = max(a.height, 1)
	m.scroll = max(0, min(m.scroll, len(lines)-a.height))
	for n := 0; n < a.height && m.scroll+n < len(lines); n++ {
		write(a, a.top+n, lines[m.scroll+n]...)
	}
}

// drawFooter says what keys there are, or shows the filter.
func (m *model) drawFooter(s tcell.Screen, y int) {
	switch {
	case m.typing:
		text := "filter: " + table.Inert(m.filter)
		write(s, y, bold(text))
		s.ShowCursor(table.Width(text), y)
	case m.mode == modeDetails:
		write(s, y, toned("Esc back  ↑↓ scroll  space pause  q quit", listing.Faint))
	case m.mode == modeHelp:
		write(s, y, toned("Esc back  q quit", listing.Faint))
	default:
		line := []span{bold("by " + m.sort.Name + map[bool]string{true: " ↓", false: " ↑"}[m.sort.Descending])}
		if m.filter != "" {
			line = append(line, toned(fmt.Sprintf("  filter: %s (%d of %d)", table.Inert(m.filter), len(m.visible), len(m.rows)), listing.Warn))
		}
		write(s, y, append(line, toned("  q quit  ? help  / filter  Enter details  space pause  sort: c m t p n i r s N", listing.Faint))...)
	}
}

func toneOf(v, warn, bad float64) listing.Tone {
	switch {
	case v >= bad:
		return listing.Bad
	case v >= warn:
		return listing.Warn
	}
	return listing.Plain
}

// ratio is a part of a whole; NaN = unknown.
func ratio(part, whole schema.Number) float64 {
	if !(whole > 0) {
		return float64(schema.Unknown())
	}
	return float64(part / whole)
}

// word is a text that others chose, harmless.
func word(t schema.Text) string {
	if t == "" {
		return human.Dash
	}
	return table.Inert(string(t))
}
