package table

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Inert makes a text that others chose harmless for a terminal: what cannot be seen, such as escape sequences, line breaks, and marks
// that turn the direction of writing, is written as in Go source, "\x1b" or "\u202e", and bytes that are no UTF-8 as "\xff".
func Inert(s string) string {
	harmless := func(r rune) bool { return r != utf8.RuneError && strconv.IsPrint(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if harmless(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteToASCII(s[i : i+size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

// Width is how many cells a text takes.
func Width(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

// Clip shortens a text to a number of cells; an ellipsis stands for what is left out.
func Clip(s string, width int) string {
	switch {
	case width <= 0:
		return ""
	case Width(s) <= width:
		return s
	case isASCII(s):
		return s[:width-1] + "…"
	}
	used, end := 0, 0
	for rest, state := s, -1; rest != ""; {
		var cluster string
		var cells int
		cluster, rest, cells, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+cells > width-1 {
			break
		}
		used, end = used+cells, end+len(cluster)
	}
	return s[:end] + "…"
}

// Pad fills a text with spaces up to a number of cells, on its left side where it is to stand on the right, and shortens it to that.
func Pad(s string, width int, right bool) string {
	s = Clip(s, width)
	space := strings.Repeat(" ", max(width-Width(s), 0))
	if right {
		return space + s
	}
	return s + space
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
