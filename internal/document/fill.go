package document

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// ErrStale is the error of a document that does not say what it should.
var ErrStale = errors.New("it is stale: make golden")

// Keep holds a part of the document in a file against what it should be, or, to update it, writes it anew. See Fill.
func Keep(file, name string, text []byte, update bool) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want, err := Fill(old, name, text)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	case bytes.Equal(old, want):
		return nil
	case update:
		return os.WriteFile(file, want, 0o644)
	}
	return fmt.Errorf("%s: %s: %w", file, name, ErrStale)
}

// Fill replaces what stands in a document between the lines "<!-- begin NAME -->" and "<!-- end NAME -->".
func Fill(document []byte, name string, text []byte) ([]byte, error) {
	begin, end := fmt.Appendf(nil, "<!-- begin %s -->\n", name), fmt.Appendf(nil, "<!-- end %s -->\n", name)
	before, rest, begins := bytes.Cut(document, begin)
	_, after, ends := bytes.Cut(rest, end)
	if !begins || !ends {
		return nil, fmt.Errorf("no place for %s: want the lines %q and %q", name, bytes.TrimSpace(begin), bytes.TrimSpace(end))
	}
	return bytes.Join([][]byte{before, begin, []byte("\n"), bytes.TrimSpace(text), []byte("\n\n"), end, after}, nil), nil
}
