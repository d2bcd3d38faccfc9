package e2e

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tallyman/cgroups"
	"tallyman/test/internal/require"
)

// TestControllerSwitchedOff: when a controller is taken away from a living cgroup (cgroup.subtree_control), the cgroup is
// opened anew, and only the numbers of that controller are gone.
func TestControllerSwitchedOff(t *testing.T) {
	require.Root(t)
	mount := "/sys/fs/cgroup"
	if _, err := os.Stat(mount + "/cgroup.controllers"); err != nil {
		mount += "/unified" // a hybrid host
	}
	offered, err := os.ReadFile(mount + "/cgroup.controllers")
	if err != nil {
		t.Fatal(err)
	}
	// The numbers of the controller, and of another one that stays.
	controller, there := "memory", func(s *cgroups.Stats) bool { return !math.IsNaN(s.Memory.Usage) }
	if !strings.Contains(string(offered), controller) {
		controller, there = "hugetlb", func(s *cgroups.Stats) bool { return len(s.Hugetlb) > 0 }
	}
	stays := func(s *cgroups.Stats) bool { return !math.IsNaN(s.Pressure.CPU.Some) }

	name := fmt.Sprintf("/tallyman-test-%d", os.Getpid())
	switchTo := func(dir, sign string) {
		t.Helper()
		if err := os.WriteFile(dir+"/cgroup.subtree_control", []byte(sign+controller), 0); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(mount + "/cgroup.subtree_control")
	if err != nil {
		t.Fatal(err)
	}
	child := filepath.Join(mount, name, "child")
	if err := os.MkdirAll(child, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.Remove(child), os.Remove(filepath.Dir(child))); err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(before), controller) {
			switchTo(mount, "-")
		}
	})
	switchTo(mount, "+")
	switchTo(filepath.Dir(child), "+")

	r, err := cgroups.NewReader(cgroups.Options{Parts: cgroups.AllParts})
	if err != nil {
		t.Fatal(err)
	}
	open := func() *cgroups.Handle {
		h, err := r.OpenSlice(name + "/child")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := open()
	var s cgroups.Stats
	if err := h.Read(&s); err != nil || !there(&s) || !stays(&s) {
		t.Fatalf("with %s: got %v, %+v", controller, err, s)
	}
	switchTo(filepath.Dir(child), "-")
	if err := h.Read(&s); !errors.Is(err, cgroups.ErrGone) {
		t.Fatalf("without %s: got %v, want ErrGone, that it may be opened anew", controller, err)
	}
	h = open()
	defer h.Close()
	if err := h.Read(&s); err != nil || there(&s) || !stays(&s) {
		t.Errorf("opened anew: got %v, %+v, want all but %s", err, s, controller)
	}
}
