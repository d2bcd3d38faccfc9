package rules

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tallyman/test/internal/promqlcheck"
	"tallyman/test/internal/require"
	"tallyman/test/internal/rules"
)

const (
	folder  = "../../dashboards/rules"
	runbook = "../../docs/alerts.md"
)

func load(t *testing.T) (set *rules.Set, alerts []rules.Rule) {
	t.Helper()
	set, err := rules.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.Rules {
		if r.Alert != "" {
			alerts = append(alerts, r)
		}
	}
	if len(alerts) == 0 || len(set.Tests) == 0 {
		t.Fatalf("%s has %d alerts and %d tests", folder, len(alerts), len(set.Tests))
	}
	return set, alerts
}

// TestNames: tallyman has every metric and every label that a rule, or the series of a case, names.
func TestNames(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	c, err := promqlcheck.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.Rules {
		if r.Record != "" {
			if err := c.Record(r.Record, r.Expr); err != nil {
				t.Errorf("%s: %v", r.Record, err)
			}
		}
	}
	for _, r := range set.Rules {
		for _, problem := range c.Check(r.Expr) {
			t.Errorf("%s%s: %s", r.Alert, r.Record, problem)
		}
	}
	for _, test := range set.Tests {
		for _, s := range test.Input {
			for _, problem := range c.Check(s.Series) {
				t.Errorf("case %q: %s", test.Name, problem)
			}
		}
	}
}

// TestAnnotations: whoever gets an alert learns how bad it is, what is wrong with what, and where to read on.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	_, alerts := load(t)
	for _, a := range alerts {
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s: got severity %q, want critical, warning or info", a.Alert, a.Labels["severity"])
		}
		if a.Annotations["summary"] == "" || !strings.Contains(a.Annotations["description"], "{{ $labels.") {
			t.Errorf("%s: want a summary, and a description that names what it is about", a.Alert)
		}
		if got, want := a.Annotations["runbook_url"], "docs/alerts.md#"+strings.ToLower(a.Alert); got != want {
			t.Errorf("%s: got runbook_url %q, want %q", a.Alert, got, want)
		}
	}
}

// TestRunbook: each alert has its section, and each section its alert.
func TestRunbook(t *testing.T) {
	t.Parallel()
	_, alerts := load(t)
	text, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	var sections, names []string
	for _, m := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		sections = append(sections, m[1])
	}
	for _, a := range alerts {
		names = append(names, a.Alert)
	}
	slices.Sort(sections)
	slices.Sort(names)
	if !slices.Equal(sections, names) {
		t.Errorf("sections of %s:\n%v\nalerts:\n%v", runbook, sections, names)
	}
}

// TestCases: each alert has a case in which it fires, with all labels that one needs to act, and one in which it does not,
// although there are series that it looks at.
func TestCases(t *testing.T) {
	t.Parallel()
	set, alerts := load(t)
	for _, a := range alerts {
		fires, quiet := 0, 0
		for _, test := range set.Tests {
			for _, c := range test.Cases {
				switch {
				case c.Alert != a.Alert:
				case len(c.Fires) > 0:
					fires++
					checkLabels(t, &a, &c)
				case sees(set, test, a.Expr):
					quiet++
				}
			}
		}
		t.Logf("%-36s fires in %d, does not in %d", a.Alert, fires, quiet)
		if fires == 0 || quiet == 0 {
			t.Errorf("%s: got %d cases in which it fires and %d in which it does not, want some of each", a.Alert, fires, quiet)
		}
	}
}

// checkLabels checks that an alert says which host, and which container, it is about.
func checkLabels(t *testing.T, a *rules.Rule, c *rules.Case) {
	t.Helper()
	var wanted []string
	if !strings.Contains(a.Expr, "absent(") {
		wanted = append(wanted, "instance")
	}
	if strings.Contains(a.Expr, "container_") {
		wanted = append(wanted, "id", "name", "image")
	}
	for _, alert := range c.Fires {
		for _, l := range wanted {
			if alert.Labels[l] == "" {
				t.Errorf("%s at %s: it has no label %s", a.Alert, c.At, l)
			}
		}
	}
}

// sees says whether a test has series that the expression reads, be it by way of recorded ones.
func sees(set *rules.Set, test rules.Test, expression string) bool {
	for _, r := range set.Rules {
		if r.Record != "" && strings.Contains(expression, r.Record) {
			expression += " " + r.Expr
		}
	}
	for _, s := range test.Input {
		name, _, _ := strings.Cut(s.Series, "{")
		if regexp.MustCompile(`\b` + name + `\b`).MatchString(expression) {
			return true
		}
	}
	return false
}

// TestPromtool: promtool accepts the rules, also as the end-to-end test hastens them, and its cases go as they should.
func TestPromtool(t *testing.T) {
	t.Parallel()
	require.Promtool(t)
	set, _ := load(t)
	hastened := t.TempDir()
	check := append([]string{"check", "rules"}, set.Files...)
	for i, path := range set.Files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := hastened + "/" + set.Files[i][len(folder)+1:]
		if err := os.WriteFile(copied, []byte(rules.Hasten(string(text), 30)), 0o600); err != nil {
			t.Fatal(err)
		}
		check = append(check, copied)
	}
	for _, args := range [][]string{check, append([]string{"test", "rules"}, set.TestFiles...)} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args[:2], err, out)
		}
	}
}
