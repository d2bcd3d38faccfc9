package cgroups_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tallyman/cgroups"
)

// TestRaw: the dump of containerd's library and our own readings agree on every recorded host.
func TestRaw(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios() {
		h := scenario(t, name)
		r := open(t, h, cgroups.Options{})
		handle, s := read(t, r, find(t, h, "web"))
		raw, err := r.Raw(handle.Path())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		var dump struct {
			Pids struct {
				Current float64
			}
			Memory struct {
				Usage json.RawMessage // v1: an object, v2: a number
			}
		}
		// Limits are not compared: the library says 0 or the largest number where there is none.
		if err := json.Unmarshal(text, &dump); err != nil {
			t.Fatalf("%s: %v in %s", name, err, text)
		}
		if dump.Pids.Current != s.Pids.Threads || len(dump.Memory.Usage) == 0 {
			t.Errorf("%s: got %+v, want %+v and memory", name, dump, s.Pids)
		}
		if _, err := r.Raw("/docker/" + strings.Repeat("0", 64)); !errors.Is(err, cgroups.ErrNotFound) {
			t.Errorf("%s: got %v for no cgroup, want ErrNotFound", name, err)
		}
	}
}
