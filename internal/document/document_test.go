package document

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	t.Parallel()
	got, err := Fill([]byte("a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"), "x", []byte("new\n"))
	if want := "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := Fill(got, "x", []byte("new")); err != nil || string(again) != string(got) {
		t.Errorf("again: got %q, %v", again, err)
	}
	for _, document := range []string{"", "<!-- begin x -->\n", "<!-- end x -->\n<!-- begin x -->\n", "<!-- begin y -->\n<!-- end y -->\n"} {
		if _, err := Fill([]byte(document), "x", nil); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(file, []byte("<!-- begin x -->\n<!-- end x -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Keep(file, "x", []byte("a"), false); !errors.Is(err, ErrStale) {
		t.Errorf("stale: got %v", err)
	}
	for _, update := range []bool{true, false} {
		if err := Keep(file, "x", []byte("a"), update); err != nil {
			t.Errorf("update %v: got %v", update, err)
		}
	}
	if err := Keep(file, "y", nil, true); err == nil || errors.Is(err, ErrStale) {
		t.Errorf("no place: got %v", err)
	}
	if err := Keep(file+"x", "x", nil, true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}

const sample = "# A `b` & C\n\nSee [x](a.md), ![y](b.svg \"title\") and [z](#d-e).\n[r]: c.md#f\n<a href=\"e.md\">\n" +
	"```sh\n[no](no.md)\n# no\n```\n\n    [no](no.md)\n\n`[no](no.md)`\n## D, [e](x.md)!\n### D e\n<a id=\"here\"></a>\n# é_1 ##\n"

func TestLinks(t *testing.T) {
	t.Parallel()
	var got []string
	for _, l := range Links(sample) {
		got = append(got, l.Target)
	}
	if want := []string{"a.md", "b.svg", "#d-e", "c.md#f", "e.md", "x.md"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if l := Links(sample)[0]; l.Line != 3 {
		t.Errorf("line %d", l.Line)
	}
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	got := strings.Join(slices.Sorted(maps.Keys(Anchors(sample))), " ")
	if want := "a-b--c d-e d-e-1 here é_1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
