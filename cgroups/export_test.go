package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// LiveProcess reads what a Handle reads of processes and sockets, of a process of this host that stands for a whole container.
func LiveProcess(t *testing.T, r *Reader, pid int) Stats {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Appendln(nil, pid), 0o600); err != nil {
		t.Fatal(err)
	}
	h := r.openFiles("/live", &bases{baseProc: dir}, []fileSpec{{base: baseProc, name: "cgroup.procs", part: PartProcess, list: true, parse: procs}})
	defer h.Close()
	h.firstProcess, h.proc = pid, filepath.Join(r.root.ProcFS, fmt.Sprint(pid))
	h.openNetwork(h.proc)
	var s Stats
	if err := h.Read(&s); err != nil {
		t.Fatal(err)
	}
	return s
}
