package document

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Link is a link of a document, or an image.
type Link struct {
	Line   int
	Target string
}

var (
	inline    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	reference = regexp.MustCompile(`^\[[^\]]+\]:\s*(\S+)`)
	attribute = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	heading   = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	named     = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	code      = regexp.MustCompile("`[^`]*`")
	linked    = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// Links lists the links of a document; what is in code is none.
func Links(text string) []Link {
	var all []Link
	eachLine(text, func(n int, line string) {
		line = code.ReplaceAllString(line, "")
		for _, pattern := range []*regexp.Regexp{inline, reference, attribute} {
			for _, m := range pattern.FindAllStringSubmatch(line, -1) {
				all = append(all, Link{n, m[1]})
			}
		}
	})
	return all
}

// Anchors are what a link may name behind "#", as GitHub makes them of headings.
func Anchors(text string) map[string]bool {
	anchors := map[string]bool{}
	eachLine(text, func(_ int, line string) {
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			anchors[m[1]] = true
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			return
		}
		slug := slug(linked.ReplaceAllString(m[1], "$1"))
		name := slug
		for n := 1; anchors[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug, n)
		}
		anchors[name] = true
	})
	return anchors
}

func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
}

// eachLine gives the lines that are not in a block of code.
func eachLine(text string, each func(n int, line string)) {
	n, fence := 0, ""
	for line := range strings.Lines(text) {
		n++
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		case !strings.HasPrefix(line, "    "): // which is code, too, in the documents of this repository
			each(n, strings.TrimRight(line, "\n"))
		}
	}
}
