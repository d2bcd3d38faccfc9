package kernelfiles

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// limitFiles are read by tallyman as well, but not at every scrape, and so not kept open. The floor reads them each time, as every
// exporter without that trick has to.
func limitFiles() []string {
	return []string{
		"cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "cpuset.effective_cpus", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
		"memory.soft_limit_in_bytes", "pids.max",
		"cpu.max", "cpu.weight", "cpuset.cpus.effective", "memory.max", "memory.low", "memory.swap.max",
	}
}

// Of lists what a process keeps open of the kernel's own files, as paths that open the same file again, with the limits beside
// them.
func Of(pid int) ([]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("descriptors of tallyman: %w", err)
	}
	var files []string
	folders := map[string]bool{}
	for _, fd := range fds {
		path := filepath.Join(dir, fd.Name())
		if !isKernelFile(path) {
			continue
		}
		files = append(files, path)
		if target, err := os.Readlink(path); err == nil {
			folder := filepath.Dir(target)
			folders[folder] = true
			folders[strings.Replace(folder, "/pids/", "/cpuset/", 1)] = true // where nothing is kept open
		}
	}
	for folder := range folders {
		for _, name := range limitFiles() {
			if path := filepath.Join(folder, name); isKernelFile(path) {
				files = append(files, path)
			}
		}
	}
	return files, nil
}

// isKernelFile tells a regular file of cgroupfs or /proc from sockets, pipes, folders, the log.
func isKernelFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) != nil {
		return false
	}
	return fs.Type == unix.CGROUP_SUPER_MAGIC || fs.Type == unix.CGROUP2_SUPER_MAGIC || fs.Type == unix.PROC_SUPER_MAGIC
}
