package compat

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/compat-cadvisor.md anew")

const page = "../../docs/compat-cadvisor.md"

// TestPage: the page is what the table says.
func TestPage(t *testing.T) {
	t.Parallel()
	queries, err := Queries()
	if err != nil {
		t.Fatal(err)
	}
	want := Page(queries)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/compat-cadvisor.md is stale: make golden")
	}
}

// TestQueries: each panel is there once, and every empty one has a reason that is a sentence.
func TestQueries(t *testing.T) {
	t.Parallel()
	queries, err := Queries()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, q := range queries {
		key := q.Dashboard + "/" + q.Panel
		if seen[key] || q.Panel == "" || q.Expr == "" {
			t.Errorf("%s is there twice, or has no query", key)
		}
		seen[key] = true
		if q.Why != "" && !strings.HasSuffix(q.Why, ".") {
			t.Errorf("%s: %q is no sentence", key, q.Why)
		}
	}
}
