package synth

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// cgroupFS is where the host's cgroups are mounted.
const cgroupFS = "/sys/fs/cgroup"

// parallel is how many containers are made at the same time: the kernel waits while it moves a process between cgroups, and the
// waits of several go together.
const parallel = 16

// Container is what stands for a container.
type Container struct {
	ID  string // 64 hex digits
	PID int    // of its only process

	remove func()
}

// Remove ends the process and takes the cgroup away, as the end of a container's run does. Start may then make it anew.
func (c Container) Remove() { c.remove() }

// Start makes a cgroup for each id, with a process, which are there until tb ends. It needs root.
func Start(tb testing.TB, ids []string) []Container {
	tb.Helper()
	return start(tb, ids, "sleep", "infinity")
}

// StartLinked is Start with an interface eth0 in each network namespace, as a container in a bridge network has. It needs ip, and it
// may be there a moment later.
func StartLinked(tb testing.TB, ids []string) []Container {
	tb.Helper()
	return start(tb, ids, "sh", "-c", "ip link add eth0 type veth peer name veth0 && exec sleep infinity")
}

func start(tb testing.TB, ids []string, command ...string) []Container {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("cgroups can be made by root only")
	}
	parents, err := parents()
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]Container, len(ids))
	next := make(chan int)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for i := range next {
				out[i] = one(tb, ids[i], parents, command)
			}
		})
	}
	for i := range ids {
		next <- i
	}
	close(next)
	workers.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
	return out
}

// one starts the process of a container, and puts it into its cgroups.
func one(tb testing.TB, id string, parents, command []string) Container {
	tb.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Error(err)
		return Container{}
	}
	c := Container{ID: id, PID: cmd.Process.Pid}
	c.remove = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // by that signal
		for _, parent := range parents {
			if err := unix.Rmdir(filepath.Join(parent, id)); err != nil && !errors.Is(err, unix.ENOENT) {
				tb.Error(parent, id, err)
			}
		}
	})
	tb.Cleanup(c.remove)
	for _, parent := range parents {
		if err := enter(filepath.Join(parent, id), c.PID); err != nil {
			tb.Error(err)
		}
	}
	return c
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
