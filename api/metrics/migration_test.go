package metrics

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tallyman/internal/document"
	"tallyman/internal/self"
)

const (
	migrationData = "../../docs/cadvisor-metrics.tsv"
	migrationDoc  = "../../docs/migration-from-cadvisor.md"
)

// theirs is a metric of cAdvisor, and what has become of it.
type theirs struct {
	name, kind, verdict string
	instead             []string
	why                 string
}

// readTheirs reads the list of cAdvisor's metrics.
func readTheirs(t *testing.T) []theirs {
	t.Helper()
	text, err := os.ReadFile(migrationData)
	if err != nil {
		t.Fatal(err)
	}
	var all []theirs
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 5 {
			t.Fatalf("%q: want 5 fields", line)
		}
		all = append(all, theirs{fields[0], fields[1], fields[2], strings.Fields(fields[3]), fields[4]})
	}
	return all
}

// served gives the metrics that there are, by name, with their types; those about tallyman itself are of any.
func served(t *testing.T) map[string]Type {
	t.Helper()
	all := map[string]Type{}
	for _, f := range Families() {
		all[f.Name] = f.Type
	}
	own := self.New(self.Build{}, false)
	own.CollectError("part", "reason")
	gathered, err := own.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gathered {
		all[f.GetName()] = ""
	}
	return all
}

// TestMigration: what is said of cAdvisor's metrics is so.
func TestMigration(t *testing.T) {
	t.Parallel()
	ours := served(t)
	seen := map[string]bool{}
	for _, m := range readTheirs(t) {
		kind, here := ours[m.name]
		begins, many := strings.CutSuffix(m.name, "*")
		for name := range ours {
			here = here || many && strings.HasPrefix(name, begins)
		}
		switch {
		case seen[m.name]:
			t.Errorf("%s is listed twice", m.name)
		case !slices.Contains([]string{"same", "better", "renamed", "not served"}, m.verdict):
			t.Errorf("%s: what is %q?", m.name, m.verdict)
		case here != (m.verdict == "same" || m.verdict == "better"):
			t.Errorf("%s is called %s, but served: %v", m.name, m.verdict, here)
		case here && !many && string(kind) != m.kind && !strings.Contains(m.why, string(kind)):
			t.Errorf("%s is %s, and was %s, which nobody says", m.name, kind, m.kind)
		case (m.verdict == "renamed") && len(m.instead) == 0, m.verdict != "same" && m.verdict != "renamed" && m.why == "":
			t.Errorf("%s is %s, and nobody says to what, or why", m.name, m.verdict)
		}
		seen[m.name] = true
		for _, name := range m.instead {
			if _, ok := ours[name]; !ok {
				t.Errorf("%s: %s is to stand in its place, but is not served", m.name, name)
			}
		}
	}
	for _, g := range Groups() {
		for _, m := range readTheirs(t) {
			if flag := "`--collector." + string(g.Name) + "`"; strings.Contains(m.why, flag) && g.Default {
				t.Errorf("%s: %s is on by default", m.name, flag)
			}
		}
	}
}

// TestMigrationDoc: the tables of the document are made of the list.
func TestMigrationDoc(t *testing.T) {
	t.Parallel()
	if err := document.Keep(migrationDoc, "metrics", migrationTables(t), *update); err != nil {
		t.Error(err)
	}
}

// migrationTables writes cAdvisor's metrics with what has become of them, and the metrics that it does not have.
func migrationTables(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	counts, known := map[string]int{}, map[string]bool{}
	b.WriteString("| cAdvisor v0.60 | here | in its place | note |\n|---|---|---|---|\n")
	for _, m := range readTheirs(t) {
		instead := "–"
		if len(m.instead) > 0 {
			instead = "`" + strings.Join(m.instead, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.verdict, instead, m.why)
		counts[m.verdict]++
		known[m.name] = true
	}
	fmt.Fprintf(&b, "\nOf these, %d are the same, %d better, %d renamed and %d not served. What cAdvisor does not have:\n\n",
		counts["same"], counts["better"], counts["renamed"], counts["not served"])
	b.WriteString("| new | what |\n|---|---|\n")
	for _, f := range Families() {
		if !known[f.Name] && !strings.HasPrefix(f.Name, "tallyman_") {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, strings.ReplaceAll(f.Help, "|", `\|`))
		}
	}
	return b.Bytes()
}
