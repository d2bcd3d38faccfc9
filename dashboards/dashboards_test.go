package dashboards

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh: the committed files are what gen writes, and there are no others.
func TestFresh(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, d := range All() {
		want[d.File] = true
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(d.File)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, text) {
			t.Errorf("%s is stale: make dashboards", d.File)
		}
	}
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !want[f] {
			t.Errorf("%s is made by nobody", f)
		}
	}
}
