package cgroups_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"tallyman/cgroups"
)

// TestRead_limits: limits are read again when somebody says that they changed, and now and then; what was wrong with them is said
// at every reading.
func TestRead_limits(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"v2-cgroupfs": "", "v1-hybrid-cgroupfs": "memory"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := scenario(t, name)
			now := time.Unix(1e9, 0)
			r := open(t, host, cgroups.Options{Now: func() time.Time { return now }})
			target := find(t, host, "limit")
			h, first := read(t, r, target)
			limit := filepath.Join("sys/fs/cgroup", file, h.Path(), map[bool]string{true: "memory.max", false: "memory.limit_in_bytes"}[file == ""])
			write := func(text string) { host.Write(t, limit, text) }
			again := func() (float64, error) {
				var s cgroups.Stats
				err := h.Read(&s)
				return s.Memory.Limit, err
			}
			write("1048576\n")
			if got, err := again(); got != first.Memory.Limit || err != nil {
				t.Errorf("at once: got %v, %v, want %v", got, err, first.Memory.Limit)
			}
			h.Expire()
			if got, err := again(); got != 1<<20 || err != nil {
				t.Errorf("when it was told: got %v, %v", got, err)
			}
			write("2097152\n")
			now = now.Add(time.Minute)
			if got, err := again(); got != 2<<20 || err != nil {
				t.Errorf("after a minute: got %v, %v", got, err)
			}
			write("nonsense\n")
			h.Expire()
			for range 2 {
				if got, err := again(); !math.IsNaN(got) || err == nil {
					t.Errorf("nonsense: got %v, %v", got, err)
				}
			}
			write("max\n")
			if got, err := again(); file == "" && (!math.IsNaN(got) || err != nil) {
				t.Errorf("no limit: got %v, %v", got, err)
			}
		})
	}
}
