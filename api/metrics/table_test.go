package metrics

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tallyman/internal/sample"
)

func TestFamilies_valid(t *testing.T) {
	t.Parallel()
	metricName := regexp.MustCompile(`^(container|machine|docker|tallyman|cadvisor)_[a-z0-9_]*[a-z0-9]$`)
	labelName := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, f := range Families() {
		if seen[f.Name] {
			t.Errorf("%s is in the table twice", f.Name)
		}
		seen[f.Name] = true
		if !metricName.MatchString(f.Name) {
			t.Errorf("%s is no good name", f.Name)
		}
		if f.Type != Counter && f.Type != Gauge && f.Type != Untyped {
			t.Errorf("%s: type %q", f.Name, f.Type)
		}
		if !strings.HasSuffix(f.Help, ".") || strings.ContainsAny(f.Help, "\n\\") || strings.Count(f.Help, ". ") > 0 {
			t.Errorf("%s: help is not one sentence with a full stop: %q", f.Name, f.Help)
		}
		if _, known := find(f.Group); !known {
			t.Errorf("%s: no group %q", f.Name, f.Group)
		}
		if len(f.Labels) > MaxLabels {
			t.Errorf("%s has %d labels, and a Sample room for %d", f.Name, len(f.Labels), MaxLabels)
		}
		if n := functions(f); n != 1 && (n != 2 || f.SnapshotEach == nil || f.EngineEach == nil) {
			t.Errorf("%s has %d functions that draw samples, not 1", f.Name, n)
		}
		names := f.LabelNames()
		if f.Group == GroupCAdvisor {
			continue // the names are not ours
		}
		for i, l := range names {
			if !labelName.MatchString(l) || strings.HasPrefix(l, "__") || slices.Contains(names[:i], l) {
				t.Errorf("%s: label %q is not valid, or there twice", f.Name, l)
			}
		}
	}
}

// find looks a group up.
func find(g Group) (GroupInfo, bool) {
	for _, info := range Groups() {
		if info.Name == g {
			return info, true
		}
	}
	return GroupInfo{}, false
}

// functions counts the functions of a family that are set.
func functions(f Family) int {
	n := 0
	for _, set := range []bool{f.Value != nil, f.Each != nil, f.SnapshotValue != nil, f.SnapshotEach != nil, f.EngineEach != nil} {
		if set {
			n++
		}
	}
	return n
}

func TestGroups_everyGroupHasRows(t *testing.T) {
	t.Parallel()
	for _, g := range Groups() {
		has := slices.ContainsFunc(Families(), func(f Family) bool { return f.Group == g.Name || f.FinerGroup == g.Name })
		if !has {
			t.Errorf("group %s has no row", g.Name)
		}
		if !strings.HasSuffix(g.Help, ".") {
			t.Errorf("group %s: help without full stop", g.Name)
		}
	}
}

func TestFamilies_promlint(t *testing.T) {
	t.Parallel()
	text := NewWriter(WriterOptions{}).Append(nil, sample.Snapshot(), everything())
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric == "cadvisor_version_info" && strings.Contains(p.Text, "camelCase") {
			continue // the names are not ours
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestFamilies_allInGolden(t *testing.T) {
	t.Parallel()
	text := NewWriter(WriterOptions{}).Append(nil, sample.Snapshot(), everything())
	for _, f := range Families() {
		header := fmt.Sprintf("\n# TYPE %s %s\n", f.Name, f.Type)
		if n := bytes.Count(text, []byte(header)); n != 1 {
			t.Errorf("%s: %d headers in the rendered sample, not 1", f.Name, n)
		}
	}
}

func TestMetricsDoc(t *testing.T) {
	t.Parallel()
	got := metricsDoc()
	if *update {
		if err := os.WriteFile("METRICS.md", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("METRICS.md is stale: go test ./api/metrics -update")
	}
}

// metricsDoc writes the table for people.
func metricsDoc() []byte {
	var b bytes.Buffer
	b.WriteString("# Metrics\n\nGenerated from the table in `api/metrics` by `go test ./api/metrics -update`; do not edit.\n\n" +
		"Labels of every `container_` family: `id` (path of the cgroup), `name`, `image`; the host is `id=\"/\"` with empty\n" +
		"`name` and `image`. With several engines, all that belongs to one of them also has the label `engine`. A value that is not\n" +
		"known has no sample. There are no timestamps.\n\n## Groups\n\n" +
		"| group | default | what | families |\n|---|---|---|---|\n")
	families := Families()
	for _, g := range Groups() {
		n := 0
		for _, f := range families {
			if f.Group == g.Name || f.FinerGroup == g.Name {
				n++
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d |\n", g.Name, map[bool]string{true: "on", false: "off"}[g.Default], g.Help, n)
	}
	b.WriteString("\nA group is switched by `--collector.<group>` and `--no-collector.<group>`, and in one request by\n" +
		"`?collect[]=<group>` or `?exclude[]=<group>`; `cadvisor` by `--compat.cadvisor`. With `tallyman` come `tallyman_*`, `go_*`, `process_*` and `promhttp_*` of\n" +
		"the process itself. How many series a container has of each group, as measured: [SCALE.md](../../deploy/SCALE.md).\n\n" +
		"No choice of groups makes a sum count twice: where `percpu` has samples of a container, they stand in place of\n`cpu=\"total\"` of `cpu`, " +
		"and `percpu` without `cpu` gives these alone.\n\n## Families\n\n| name | type | labels | group | help |\n|---|---|---|---|---|\n")
	for _, f := range families {
		labels := "–"
		if names := f.LabelNames(); len(names) > 0 {
			labels = "`" + strings.Join(names, "`, `") + "`"
		}
		group := string(f.Group)
		if f.Finer != nil {
			group += ", " + string(f.FinerGroup)
		}
		help := strings.NewReplacer("|", `\|`, "<pid>", "`<pid>`", "<size>", "`<size>`").Replace(f.Help)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Type, labels, group, help)
	}
	return b.Bytes()
}
