package table

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestInert(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "",
		"web-1":                      "web-1",
		"größe 値 é":                  "größe 値 é",
		"\x1b[31mred\x1b]0;title\a":  `\x1b[31mred\x1b]0;title\a`,
		"a\nb\tc\r":                  `a\nb\tc\r`,
		"\u202egnp.exe\u2066":        `\u202egnp.exe\u2066`,
		"\u0085\u2028\ufeff\u00a0":   `\u0085\u2028\ufeff\u00a0`,
		"bad\xff\xc3":                `bad\xff\xc3`,
		"\x00":                       `\x00`,
		"\ufffd":                     `\ufffd`,
		"quoted \" and \\ backslash": "quoted \" and \\ backslash",
	} {
		if got := Inert(in); got != want {
			t.Errorf("Inert(%q): got %q, want %q", in, got, want)
		}
	}
}

func FuzzInert(f *testing.F) {
	f.Add("web\x1b[2J", 3)
	f.Add("値値値", 2)
	f.Add("a\u0301\u0301\U0001F468\u200d\U0001F469\u200d\U0001F466", 4)
	f.Fuzz(func(t *testing.T, s string, width int) {
		got := Inert(s)
		if !utf8.ValidString(got) {
			t.Errorf("Inert(%q) is no UTF-8: %q", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e }); i >= 0 {
			t.Errorf("Inert(%q) lets through %q", s, got[i:])
		}
		width %= 1000
		if got := Clip(got, width); Width(got) > max(width, 0) {
			t.Errorf("Clip(%q, %d) is %d wide: %q", s, width, Width(got), got)
		}
		if width > 0 {
			// A wide character that does not fit leaves a cell, which Pad fills.
			if got := Pad(got, width, false); Width(got) != width {
				t.Errorf("Pad(%q, %d) is %d wide: %q", s, width, Width(got), got)
			}
		}
	})
}

func TestPad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		width int
		right bool
		want  string
	}{
		{"ab", 4, false, "ab  "},
		{"ab", 4, true, "  ab"},
		{"abcdef", 4, false, "abc…"},
		{"abcdef", 1, false, "…"},
		{"abcdef", 0, false, ""},
		{"値値値", 4, false, "値… "},
		{"値値値", 5, false, "値値…"},
		{"値", 4, true, "  値"},
		{"e\u0301e\u0301e\u0301", 2, false, "e\u0301…"},
	} {
		if got := Pad(tt.in, tt.width, tt.right); got != tt.want {
			t.Errorf("Pad(%q, %d, %v): got %q, want %q", tt.in, tt.width, tt.right, got, tt.want)
		}
	}
}

// lines is a table as it is shown in a width.
func lines(tab *Table, width int) []string {
	l := tab.Fit(width)
	var out []string
	for _, row := range append([][]string{l.Titles()}, tab.Rows...) {
		var b strings.Builder
		l.Cells(row, func(_ int, text string) { b.WriteString(text) })
		out = append(out, b.String())
	}
	return out
}

func TestTable_fit(t *testing.T) {
	t.Parallel()
	tab := &Table{
		Columns: []Column{{Title: "NAME", Min: 6}, {Title: "N", Right: true}, {Title: "EXTRA", Rank: 1}, {Title: "LEAST", Rank: 2, Min: 3}},
		Rows:    [][]string{{"long-name-1", "7", "x", "image:latest"}, {"b", "12", "yy", "i"}},
	}
	for width, want := range map[int][]string{
		0:  {"NAME          N  EXTRA  LEAST       ", "long-name-1   7  x      image:latest", "b            12  yy     i           "},
		36: {"NAME          N  EXTRA  LEAST       ", "long-name-1   7  x      image:latest", "b            12  yy     i           "},
		30: {"NAME       N  EXTRA  LEAST    ", "long-na…   7  x      image:la…", "b         12  yy     i        "},
		22: {"NAME     N  EXTRA  LE…", "long-…   7  x      im…", "b       12  yy     i  "},
		// Only when what may be shortened is as short as it may be, a column is left out, and the others have room again.
		21: {"NAME         N  EXTRA", "long-name…   7  x    ", "b           12  yy   "},
		20: {"NAME        N  EXTRA", "long-nam…   7  x    ", "b          12  yy   "},
		16: {"NAME          N", "long-name-1   7", "b            12"},
		// Narrower than what may not be missed: the terminal cuts the rest off.
		5: {"NAME     N", "long-…   7", "b       12"},
	} {
		got := lines(tab, width)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("in %d cells got\n%s\nwant\n%s", width, strings.Join(got, "|\n"), strings.Join(want, "|\n"))
		}
		if width >= 10 && Width(got[0]) > width {
			t.Errorf("%d cells wide, %d are there", Width(got[0]), width)
		}
	}
}
