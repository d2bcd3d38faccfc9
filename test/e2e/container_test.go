package e2e

import (
	"archive/tar"
	"bytes"
	"os"
	"strings"
	"testing"

	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// TestContainer: tallyman in a container made from nothing but its binary, with no capability, a read-only root and only the
// mounts that it needs, serves the other containers as it does on the host.
func TestContainer(t *testing.T) {
	e := populated(t)
	socket, ok := strings.CutPrefix(e.Host, "unix://")
	if !ok {
		t.Fatalf("this test mounts the engine's socket: want DOCKER_HOST=unix://..., got %s", e.Host)
	}
	const name = "tm-tallyman"
	e.Remove(t, name)
	e.Import(t, archive(t, binary(t), "tallyman"), "-c", "LABEL tallyman.test=1", "-c", `ENTRYPOINT ["/tallyman"]`, "-", "tm-tallyman:latest")
	// A network of its own: the default one may be shared with another engine.
	e.Run(t, "run", "-d", "--name", name, "--network", "tm-net", "-p", "127.0.0.1::10180",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only",
		"-v", "/sys/fs/cgroup:/host/sys/fs/cgroup:ro", "-v", "/proc:/host/proc:ro", "-v", socket+":/var/run/docker.sock:ro",
		"tm-tallyman:latest", "--path.rootfs=/host", "--collector.max-age=0s")
	p := program.Client{URL: "http://" + e.Run(t, "port", name, "10180/tcp")}
	t.Cleanup(func() {
		if t.Failed() {
			log, err := e.Try("logs", name)
			t.Log(log, err)
		}
	})
	p.WaitForUp(t)
	containers := steady(e.Containers(t, "tm-"))
	page := p.WaitFor(t, limit, func(page scrape.Page) string {
		missing := ""
		for name, c := range containers {
			families := []string{"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_threads"}
			if c.OwnsNetwork() && c.HostConfig.NetworkMode != "none" {
				families = append(families, "container_network_receive_bytes_total")
			}
			for _, family := range families {
				if len(page.All(family, "name", name)) == 0 {
					missing += "\n" + name + " has no " + family
				}
			}
		}
		if len(page.All("container_cpu_usage_seconds_total", "id", "/")) != 1 {
			missing += "\nthe host has no processor time"
		}
		return missing
	})
	var missing []string
	for _, s := range page["tallyman_capability"] {
		if s.Value == 0 {
			missing = append(missing, s.Labels["name"]+": "+s.Labels["reason"])
		}
	}
	families := 0
	for family := range page {
		if fromKernel(family) {
			families++
		}
	}
	t.Logf("%d containers are served from within one, in %d families from the kernel; what it says it cannot read: %q", len(containers), families, missing)
}

// archive is an image's file system: one program and nothing else.
func archive(t *testing.T, path, name string) []byte {
	t.Helper()
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
