package usage

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the processor time of a process with all its threads, ended ones too, to the nanosecond. /proc/<pid>/stat counts in
// hundredths of a second, which is more than an idle tallyman uses in a minute.
func CPU(pid int) (time.Duration, error) { return clock(pid, 2) }

// User is the part of it that was not spent in the kernel. Most kernels look only at each tick of their clock which it is.
func User(pid int) (time.Duration, error) { return clock(pid, 1) }

// clock reads a clock of another process, as clock_getcpuclockid(3) makes it: the pid's complement, and which, of the kernel's
// CPUCLOCK_VIRT = 1 and CPUCLOCK_SCHED = 2.
func clock(pid, which int) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|which), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Memory is what a process has in memory, in KiB; /proc/<pid>/status.
type Memory struct {
	RSS  int // VmRSS
	Peak int // VmHWM
	Anon int // RssAnon: RSS without the pages of files, which are those of the program itself, and can be dropped
}

// MemoryOf reads it.
func MemoryOf(pid int) (m Memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	fields := map[string]*int{"VmRSS": &m.RSS, "VmHWM": &m.Peak, "RssAnon": &m.Anon}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		field := fields[name]
		if field == nil {
			continue
		}
		if *field, err = strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB")); err != nil {
			return m, fmt.Errorf("%s of process %d: %w", name, pid, err)
		}
	}
	return m, nil
}

// Descriptors counts what a process has open.
func Descriptors(pid int) (int, error) {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(fds), err
}
