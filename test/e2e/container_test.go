package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// TestContainer: tallyman in a container made from nothing but its binary, with no capability, a read-only root and only the
// mounts that README names, serves the other containers as it does on the host, whatever its namespaces. Without the mounts it
// says what it cannot read, and serves what the engine tells.
func TestContainer(t *testing.T) {
	e := populated(t)
	e.Import(t, archive(t, binary(t), "tallyman"), "-c", "LABEL tallyman.test=1", "-c", `ENTRYPOINT ["/tallyman"]`, "-", "tm-tallyman:latest")
	engine := []string{"-v", socketOf(t, e) + ":/var/run/docker.sock:ro"}
	logs := e.Run(t, "info", "--format", "{{.DockerRootDir}}") + "/containers"
	mounts := append([]string{"-v", "/sys/fs/cgroup:/host/sys/fs/cgroup:ro", "-v", "/proc:/host/proc:ro", "-v", logs + ":/host" + logs + ":ro"}, engine...)
	t.Run("as README says", func(t *testing.T) {
		servesAll(t, e, contained(t, e, mounts, "--path.rootfs=/host"), nil)
	})
	t.Run("namespaces of its own", func(t *testing.T) {
		servesAll(t, e, contained(t, e, append(mounts, "--cgroupns", "private"), "--path.rootfs=/host"), nil)
	})
	t.Run("namespaces of the host", func(t *testing.T) {
		options := append(engine, "--cgroupns", "host", "--pid", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:ro", "-v", logs+":"+logs+":ro")
		servesAll(t, e, contained(t, e, options), nil)
	})
	t.Run("without /proc", func(t *testing.T) {
		cgroup := []string{"-v", "/sys/fs/cgroup:/host/sys/fs/cgroup:ro"}
		lacking := []string{"log_size: not_mounted", "network: pid_namespace"}
		servesAll(t, e, contained(t, e, append(cgroup, engine...), "--path.cgroupfs=/host/sys/fs/cgroup"), lacking)
	})
	t.Run("with the socket alone", func(t *testing.T) {
		p := contained(t, e, append(engine, "--cgroupns", "private"))
		page := p.WaitFor(t, limit, func(page scrape.Page) string {
			for _, family := range []string{"container_cpu_usage_seconds_total", "container_network_receive_bytes_total", "container_stats_age_seconds"} {
				if len(page.All(family, "name", "tm-busy")) != 1 {
					return "tm-busy has no " + family + " of the engine's statistics"
				}
			}
			got := unreadable(page)
			for _, want := range []string{"containers: not_mounted", "host: cgroup_namespace"} {
				if !slices.Contains(got, want) {
					return fmt.Sprintf("it says that it cannot read %q, want %q among them", got, want)
				}
			}
			return ""
		})
		t.Logf("what it says it cannot read: %q", unreadable(page))
	})
}

// contained starts tallyman in a container.
func contained(t *testing.T, e docker.Engine, options []string, flags ...string) program.Client {
	t.Helper()
	const name = "tm-tallyman"
	e.Remove(t, name)
	// A network of its own: the default one may be shared with another engine.
	words := append([]string{
		"run", "-d", "--name", name, "--network", "tm-net", "-p", "127.0.0.1::10180",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only",
	}, options...)
	words = append(words, "tm-tallyman:latest", "--collector.max-age=0s")
	e.Run(t, append(words, flags...)...)
	p := program.Client{URL: "http://" + e.Run(t, "port", name, "10180/tcp"), Contract: shared.contract}
	t.Cleanup(func() {
		if t.Failed() {
			log, err := e.Try("logs", name)
			t.Log(log, err)
		}
	})
	p.WaitForUp(t)
	return p
}

// servesAll waits until every container is served completely, but for what is said to be unreadable.
func servesAll(t *testing.T, e docker.Engine, p program.Client, lacking []string) {
	t.Helper()
	network, logs := !slices.Contains(lacking, "network: pid_namespace"), !slices.Contains(lacking, "log_size: not_mounted")
	containers := steady(e.Containers(t, "tm-"))
	page := p.WaitFor(t, limit, func(page scrape.Page) string {
		missing := ""
		for name, c := range containers {
			families := []string{"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_threads"}
			if logs && c.HostConfig.LogConfig.Type == "json-file" {
				families = append(families, "container_log_bytes")
			}
			if c.OwnsNetwork() && c.HostConfig.NetworkMode != "none" && network {
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
		if got := unreadable(page); !slices.Equal(got, lacking) {
			missing += fmt.Sprintf("\nit says that it cannot read %q, want %q", got, lacking)
		}
		return missing
	})
	families := 0
	for family := range page {
		if fromKernel(family) {
			families++
		}
	}
	t.Logf("%d containers are served from within one, in %d families from the kernel; what it says it cannot read: %q", len(containers), families, lacking)
}

// unreadable is what tallyman says it cannot read, with the reasons.
func unreadable(page scrape.Page) []string {
	var out []string
	for _, s := range page["tallyman_capability"] {
		if s.Value == 0 {
			out = append(out, s.Labels["name"]+": "+s.Labels["reason"])
		}
	}
	slices.Sort(out)
	return out
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
