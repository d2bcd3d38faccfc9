package scale

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
)

// documentFile has the tables, each between two comments.
var documentFile = filepath.Join("..", "..", "deploy", "SCALE.md")

// fill puts the tables into the document.
func fill(tb testing.TB, document string, m *measured) string {
	tb.Helper()
	for _, s := range m.sections() {
		before, rest, found := strings.Cut(document, "<!-- "+s.name+" -->\n")
		_, after, ended := strings.Cut(rest, "<!-- /"+s.name+" -->")
		if !found || !ended {
			tb.Fatalf("%s has no place for the table %s", documentFile, s.name)
		}
		document = before + "<!-- " + s.name + " -->\n" + s.text + "<!-- /" + s.name + " -->" + after
	}
	return document
}

func writeDocument(tb testing.TB, m *measured) {
	tb.Helper()
	text, err := os.ReadFile(documentFile)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(documentFile, []byte(fill(tb, string(text), m)), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// TestDocument sees that the document has what was measured, and the estimates that follow from it.
func TestDocument(t *testing.T) {
	t.Parallel()
	m := loadResult(t)
	if *update {
		writeDocument(t, m)
		return
	}
	text, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if fill(t, string(text), m) != string(text) {
		t.Errorf("%s is stale: go -C test test ./scale -run Document -update", documentFile)
	}
}

// TestConfigurations lets promtool judge what operators are told to begin with, and sees that the document names each.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	require.Promtool(t)
	document, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "deploy", "prometheus", "scale-*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no configurations:", err)
	}
	for _, file := range files {
		var args []string
		if strings.Contains(file, "agent") {
			args = append(args, "--agent")
		}
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "targets.json"), []byte(`[{"targets":["host:10180"]}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(folder, filepath.Base(file))
		if err := os.WriteFile(config, []byte(example(t, filepath.Base(file))), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := prometheus.CheckConfig(config, args...); err != nil || strings.Contains(said, "WARNING") {
			t.Errorf("promtool check config: %v\n%s", err, said)
		}
		if name := "deploy/prometheus/" + filepath.Base(file); !strings.Contains(string(document), name) {
			t.Errorf("%s does not name %s", documentFile, name)
		}
	}
}
