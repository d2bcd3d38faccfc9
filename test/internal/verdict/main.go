// Command verdict reads what "go test -json" writes and says what came of it: every failure in full, then one line with the
// totals, and what was left out with the reason. Its exit code is 1 when something failed or nothing was tested.
//
//	go test -json ./... | verdict [-show REGEXP]
//
// A line of a package, not of a test, that begins with "note: " is printed, too.
// With -show, what the passing tests of the matching packages have logged is printed too.
//
// It runs no tests itself. Start reading at main.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	show := flag.String("show", "^$", "print what passing tests of matching packages have logged")
	flag.Parse()
	pattern, err := regexp.Compile(*show)
	if err != nil {
		fmt.Fprintln(os.Stderr, "verdict: -show:", err)
		os.Exit(2)
	}
	v := &verdict{out: os.Stdout, show: pattern, logs: map[string][]string{}, within: map[string]bool{}}
	if err := v.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
	if !v.sum() {
		os.Exit(1)
	}
}

// event is one line of "go test -json" (go doc cmd/test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Elapsed    float64
	Output     string
}

// verdict gathers what the tests did.
type verdict struct {
	out  io.Writer
	show *regexp.Regexp
	logs map[string][]string // the output of what is under way, by package and test

	// within holds the tests with a failed case, and the packages with a failed test.
	within map[string]bool

	tests, cases, failed int
	left                 []string
}

func (v *verdict) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(v.out, lines.Text()) // not of a test: say, that a package was not found
			continue
		}
		v.take(&e)
	}
	return lines.Err()
}

func (v *verdict) take(e *event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		v.logs[key] = append(v.logs[key], e.Output)
	case "build-output":
		fmt.Fprint(v.out, e.Output)
	case "build-fail":
		v.failed++
	case "pass", "fail", "skip":
		v.ended(e, v.logs[key])
		delete(v.logs, key)
	}
}

// ended judges a test, or a package when the event names no test.
func (v *verdict) ended(e *event, log []string) {
	if e.Test == "" {
		v.packageEnded(e, log)
		return
	}
	switch e.Action {
	case "pass":
		if strings.Contains(e.Test, "/") {
			v.cases++
		} else {
			v.tests++
		}
		if v.show.MatchString(e.Package) {
			v.print(noise(log), "  "+e.Test+": ")
		}
	case "fail":
		v.countFailure(e)
		fmt.Fprintf(v.out, "FAIL %s %s (%.2fs)\n", e.Package, e.Test, e.Elapsed)
		v.print(log, "    ")
	case "skip":
		v.left = append(v.left, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(log)))
	}
}

// countFailure counts a test or a case once: a test does not fail besides because one of its cases did.
func (v *verdict) countFailure(e *event) {
	key := e.Package + " " + e.Test
	if !v.within[key] {
		v.failed++
	}
	v.within[e.Package] = true
	for i, c := range key {
		if c == '/' && i > len(e.Package) {
			v.within[key[:i]] = true
		}
	}
}

func (v *verdict) packageEnded(e *event, log []string) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(v.out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
		for line := range strings.Lines(strings.Join(log, "")) {
			if text, ok := strings.CutPrefix(line, "note: "); ok {
				v.print([]string{text}, "  ")
			}
		}
	case "fail":
		// What belongs to no test: a panic, a data race after the last test, a time limit.
		fmt.Fprintf(v.out, "FAIL %s (%.1fs)\n", e.Package, e.Elapsed)
		v.print(log, "  ")
		for key, lines := range v.logs {
			if strings.HasPrefix(key, e.Package+" ") && !strings.HasSuffix(key, " ") {
				fmt.Fprintf(v.out, "FAIL %s did not end\n", key)
				v.print(lines, "    ")
				delete(v.logs, key)
			}
		}
		if !v.within[e.Package] {
			v.failed++
		}
	}
}

func (v *verdict) print(lines []string, indent string) {
	for line := range strings.Lines(strings.Join(lines, "")) {
		fmt.Fprintf(v.out, "%s%s\n", indent, strings.TrimRight(line, "\n"))
	}
}

// noise takes away the lines that the test framework writes of every test.
func noise(log []string) []string {
	var out []string
	for _, line := range log {
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && !strings.HasPrefix(trimmed, "=== ") && !strings.HasPrefix(trimmed, "--- ") {
			out = append(out, trimmed+"\n")
		}
	}
	return out
}

// reason is what a test that was left out has said: "file.go:12: needs root: not run as root" without the place.
func reason(log []string) string {
	place := regexp.MustCompile(`^\w+\.go:\d+: `)
	said := strings.TrimSpace(strings.Join(noise(log), " "))
	if said = place.ReplaceAllString(said, ""); said == "" {
		return "it does not say why"
	}
	return strings.ReplaceAll(said, "\n", "")
}

// sum prints the totals, and says whether all is well.
func (v *verdict) sum() bool {
	fmt.Fprintf(v.out, "passed %d tests and %d cases, failed %d, left out %d\n", v.tests, v.cases, v.failed, len(v.left))
	for _, name := range v.left {
		fmt.Fprintln(v.out, "  left out:", name)
	}
	return v.failed == 0 && v.tests > 0
}
