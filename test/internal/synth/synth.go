package synth

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// cgroupFS is where the host's cgroups are mounted.
const cgroupFS = "/sys/fs/cgroup"

// Container is what stands for a container.
type Container struct {
	ID  string // 64 hex digits
	PID int    // of its only process
}

// Start makes a cgroup for each id, with a process, which are there until tb ends. It needs root.
func Start(tb testing.TB, ids []string) []Container {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("cgroups can be made by root only")
	}
	parents, err := parents()
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]Container, len(ids))
	for i, id := range ids {
		out[i].ID = id
		cmd := exec.Command("sleep", "infinity")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true, Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		out[i].PID = cmd.Process.Pid
		for _, parent := range parents {
			dir := filepath.Join(parent, out[i].ID)
			tb.Cleanup(func() {
				if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
					tb.Error(dir, err)
				}
			})
			if err := enter(dir, out[i].PID); err != nil {
				tb.Error(err)
			}
		}
		tb.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()         // by that signal
		})
	}
	if tb.Failed() {
		tb.FailNow()
	}
	return out
}

// parents makes the cgroup "docker" of this process in every hierarchy, and has it share its controllers.
func parents() ([]string, error) {
	roots := []string{cgroupFS}
	if _, err := os.Stat(filepath.Join(cgroupFS, "cgroup.controllers")); err != nil {
		if roots, err = filepath.Glob(filepath.Join(cgroupFS, "*")); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, root := range roots {
		if info, err := os.Lstat(root); err != nil || !info.IsDir() {
			continue // "cpu" may be a link to "cpu,cpuacct"
		}
		parent := filepath.Join(root, "docker")
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return nil, err
		}
		for _, dir := range []string{root, parent} {
			share(dir)
		}
		out = append(out, parent)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no cgroup hierarchy below %s", cgroupFS)
	}
	return out, nil
}

// share gives the controllers of a cgroup of v2, and the processors of one of v1, to those that are made in it.
func share(dir string) {
	for file, text := range map[string]string{
		"cgroup.subtree_control": "+cpu +cpuset +memory +io +pids", "cgroup.clone_children": "1",
	} {
		// What a hierarchy does not have cannot be shared: then there are fewer files to read.
		_ = os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		if all, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file)); err == nil {
			_ = os.WriteFile(filepath.Join(dir, file), all, 0) // not in the root
		}
	}
}

// enter makes a cgroup and puts a process into it.
func enter(dir string, pid int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}
