package scale

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
)

// update makes the benchmark write what it has measured, and the test write the document.
var update = flag.Bool("update", false, "write testdata/measured.json and the tables of deploy/SCALE.md")

// BenchmarkScale is the whole experiment. It is a benchmark for being run on demand only; it fails when a check does.
func BenchmarkScale(b *testing.B) {
	require.Root(b)
	require.Prometheus(b)
	require.Program(b, "engine", "ip")
	binary, err := program.Build(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	m := &measured{Machine: machine(b)}
	b.Run("sizes", func(b *testing.B) { measureSizes(b, binary, m) })
	b.Run("groups", func(b *testing.B) { measureGroups(b, binary, m) })
	b.Run("fleet", func(b *testing.B) { measureFleet(b, binary, m) })
	if b.Failed() {
		return
	}
	m.Machine.Minutes, m.Machine.Load = time.Since(began).Minutes(), load(b)
	if *update {
		m.save(b)
		writeDocument(b, m)
	}
	fmt.Printf("\n%s", m.all())
}

// machine says on what all is measured.
func machine(tb testing.TB) machineInfo {
	tb.Helper()
	info := machineInfo{Processors: runtime.NumCPU(), Model: "unknown processor", Date: time.Now().UTC().Format(time.DateOnly)}
	var uname unix.Utsname
	if err := unix.Uname(&uname); err != nil {
		tb.Fatal(err)
	}
	info.Kernel = unix.ByteSliceToString(uname.Release[:])
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(cpus)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			info.Model = strings.TrimSpace(value)
		}
	}
	info.Cgroups = "v1"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		info.Cgroups = "v2"
	}
	return info
}

// load is the load average of the last five minutes: far more than there are processors means that others were at work, too.
func load(tb testing.TB) float64 {
	tb.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		tb.Fatal(err)
	}
	var one, five float64
	if _, err := fmt.Sscan(string(text), &one, &five); err != nil {
		tb.Fatal(err)
	}
	return five
}

// progressf tells whoever waits; the tables alone go to the standard output.
func progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "scale: %s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// folderSize adds up the files below a folder.
func folderSize(tb testing.TB, folder string) float64 {
	tb.Helper()
	sum := int64(0)
	err := filepath.Walk(folder, func(_ string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil // it was removed meanwhile
		}
		if err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return float64(sum)
}
