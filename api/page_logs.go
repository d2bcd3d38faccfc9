package api

import (
	"strings"
	"unicode/utf8"

	"tallyman/engine"
)

// What is shown of logs.
const (
	logLines     = 100
	logLineBytes = 4 << 10
)

// logView is one line that a container has written, for people.
type logView struct {
	Time, Stream, Text string
}

// newLogViews makes lines harmless and bounds them.
func newLogViews(lines []engine.LogLine) []logView {
	lines = lines[max(0, len(lines)-logLines):]
	views := make([]logView, len(lines))
	for i, l := range lines {
		views[i] = logView{Stream: l.Stream, Text: visible(l.Text, logLineBytes)}
		if !l.Time.IsZero() {
			views[i].Time = l.Time.UTC().Format("15:04:05.000")
		}
	}
	return views
}

// visible gives at most so many bytes of a text without what a terminal would take for commands, with other control characters, and
// those that turn the direction of writing, as signs that can be seen.
func visible(text string, most int) string {
	cut := false
	if len(text) > most {
		end := most
		for end > max(0, most-utf8.UTFMax) && !utf8.RuneStart(text[end]) {
			end--
		}
		text, cut = text[:end], true
	}
	var b strings.Builder
	for len(text) > 0 {
		if text[0] == 0x1b {
			text = text[escapeLength(text):]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		b.WriteRune(visibleRune(r))
	}
	if cut {
		b.WriteString("…")
	}
	return b.String()
}

// visibleRune is a rune, or the sign that stands for it.
func visibleRune(r rune) rune {
	const pictures, turnArrow = 0x2400, '⇄'
	switch {
	case r == '\t':
		return r
	case r < 0x20:
		return pictures + r
	case r == 0x7f:
		return '␡'
	case r >= 0x80 && r < 0xa0:
		return utf8.RuneError
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return turnArrow
	}
	return r
}

// escapeLength is how long the escape sequence is with which a text begins (ECMA-48): colours and movements (CSI), titles and links
// (OSC and other strings), and those of two or three bytes.
func escapeLength(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	switch second := text[1]; {
	case second == '[':
		return controlLength(text)
	case strings.IndexByte("]PX^_", second) >= 0:
		return stringLength(text)
	case second >= 0x20 && second <= 0x2f: // such as the choice of a character set
		return min(3, len(text))
	case second < 0x30 || second > 0x7e:
		return 1
	}
	return 2
}

// controlLength is the length of a sequence that ends with a letter or sign, or where it was broken off.
func controlLength(text string) int {
	for i := 2; i < len(text); i++ {
		switch b := text[i]; {
		case b >= 0x40 && b <= 0x7e:
			return i + 1
		case b < 0x20 || b > 0x7e:
			return i
		}
	}
	return len(text)
}

// stringLength is the length of a sequence that ends with a bell, or with an escape sequence of its own.
func stringLength(text string) int {
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case 0x07:
			return i + 1
		case 0x1b:
			return min(i+2, len(text))
		}
	}
	return len(text)
}
