package document

import (
	"bytes"
	"fmt"
)

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
