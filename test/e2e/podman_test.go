package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// podman is a podman of the test's own, which serves Docker's API.
type podman struct {
	options []string
	socket  string
}

func newPodman(t *testing.T) *podman {
	t.Helper()
	require.Root(t)
	require.Program(t, "podman", "podman")
	require.Program(t, "podman", "runc")
	folder, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What podman starts to tidy up behind containers may still be at it.
		err := os.RemoveAll(folder)
		for end := time.Now().Add(limit); err != nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			err = os.RemoveAll(folder)
		}
		if err != nil {
			t.Error(err)
		}
	})
	p := &podman{socket: filepath.Join(folder, "podman.sock"), options: []string{
		"--root", folder + "/root", "--runroot", folder + "/run", "--tmpdir", folder + "/tmp", "--storage-driver", "vfs",
		"--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "file",
	}}
	service := exec.Command("podman", append(p.options, "system", "service", "--time=0", "unix://"+p.socket)...)
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.run(t, nil, "rm", "-f", "-a", "-t", "0")
		_ = service.Process.Kill()
		_ = service.Wait() // it was killed
	})
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(p.socket); err == nil {
			return p
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func (p *podman) run(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("podman", append(append([]string{}, p.options...), args...)...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Errorf("podman %v: %v: %s", args, err, problems.String())
	}
	return strings.TrimSpace(out.String())
}

// TestPodman: podman's Docker-compatible API and its cgroups: names, states and numbers, and what happens is followed.
func TestPodman(t *testing.T) {
	e := newPodman(t)
	p := launch(t, program.Options{Path: binary(t), Host: "unix://" + e.socket})
	p.WaitFor(t, limit, func(page scrape.Page) string {
		if !page.Is(1, "tallyman_engine_up") {
			return "tallyman_engine_up is not 1"
		}
		return ""
	})
	e.run(t, archive(t, "/bin/busybox", "bin/busybox"), "import", "-", "tm-podman:latest")
	// A machine may allow less than podman's own defaults.
	options := []string{"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "none"}
	run := func(name string, words ...string) {
		args := append(append([]string{"run", "-d", "--name", name}, options...), "tm-podman:latest", "/bin/busybox")
		e.run(t, nil, append(args, words...)...)
	}
	run("pod-a", "sleep", "36000")
	run("pod-b", "sleep", "36000")
	run("pod-exit", "sh", "-c", "exit 3")
	e.run(t, nil, "rename", "pod-b", "pod-c")
	e.run(t, nil, "pause", "pod-c")
	p.WaitFor(t, limit, func(page scrape.Page) string {
		for name, state := range map[string]string{"pod-a": "running", "pod-c": "paused", "pod-exit": "exited"} {
			if !page.Is(1, "container_state", "name", name, "state", state) {
				return fmt.Sprintf("%s is not %s", name, state)
			}
			for _, family := range []string{"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_threads"} {
				if n := len(page.All(family, "name", name)); state != "exited" && n != 1 {
					return fmt.Sprintf("%s has %d series of %s", name, n, family)
				}
			}
		}
		if !page.Is(3, "container_exit_code", "name", "pod-exit") || !page.Is(1, "container_exits_total", "name", "pod-exit", "reason", "error") {
			return "pod-exit did not exit with 3, once"
		}
		return ""
	})
	e.run(t, nil, "rm", "pod-exit")
	e.run(t, nil, "unpause", "pod-c")
	e.run(t, archive(t, "/bin/busybox", "bin/busybox2"), "import", "-", "tm-podman:latest")
	page := p.WaitFor(t, limit, func(page scrape.Page) string {
		if !gone(page, "pod-exit") || !gone(page, "pod-b") {
			return "what was removed or renamed is still there"
		}
		if !page.Is(1, "container_image_stale", "name", "pod-a") || len(page.All("container_image_created_time_seconds", "name", "pod-a")) != 1 {
			return "pod-a is not stale, though its tag has moved, or its image has no age"
		}
		return ""
	})
	// Podman sends statistics every 5 s, and little of the memory in them.
	far := startFar(t, "unix://"+e.socket)
	far.WaitFor(t, limit, func(page scrape.Page) string {
		for _, family := range []string{"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_threads", "container_stats_age_seconds"} {
			if n := len(page.All(family, "name", "pod-a")); n != 1 {
				return fmt.Sprintf("pod-a has %d series of %s without its cgroup", n, family)
			}
		}
		return ""
	})
	for _, s := range page.All("container_threads") {
		t.Logf("%s: %v threads, cgroup %.40s…", s.Labels["name"], s.Value, s.Labels["id"])
	}
}
