package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// deployFolder is what operators are given, from the folder of these tests.
const deployFolder = "../../deploy"

// TestImage: the image that deploy/Dockerfile makes of a binary holds it and nothing else. As another user than root, with three mounts,
// no capability and the system calls of deploy/seccomp.json only, it is healthy, and serves another container what it serves without the
// profile. One that hangs is unhealthy.
func TestImage(t *testing.T) {
	t.Parallel() // it waits, most of the time
	e := populated(t)
	buildImage(t, e, "tm-image:latest")
	size, err := os.Stat(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	const about = `{{.Size}} {{.Config.User}} {{.Config.Healthcheck.Test}} {{.Config.ExposedPorts}} {{.Config.Entrypoint}} {{.Config.Env}}`
	got := e.Run(t, "image", "inspect", "--format", about, "tm-image:latest")
	if want := fmt.Sprintf("%d 0:0 [CMD /tallyman doctor --quick] map[10180/tcp:{}] [/tallyman]", size.Size()); !strings.HasPrefix(got, want) {
		t.Errorf("the image is %s, want %s", got, want)
	}
	buildImage(t, e, "tm-image:nonroot", "--build-arg", "RUN_AS=65534:65534")
	if user := e.Run(t, "image", "inspect", "--format", "{{.Config.User}}", "tm-image:nonroot"); user != "65534:65534" {
		t.Errorf("the variant without root runs as %q", user)
	}

	runImage(t, e, "tm-plain", "tm-image:latest", "--user", "65534")
	line := runImage(t, e, "tm-bound", "tm-image:nonroot", "--security-opt", "seccomp="+filepath.Join(deployFolder, "seccomp.json"))
	for _, name := range []string{"tm-plain", "tm-bound"} {
		becomes(t, e, name, "healthy")
	}
	status := processStatus(t, e.Inspect(t, "tm-bound")["tm-bound"].State.Pid)
	for _, want := range []string{"Uid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !slices.Contains(status, want) {
			t.Errorf("the process has not %q: %q", want, status)
		}
	}
	families := sameFamilies(t, e, "tm-plain", "tm-bound")
	t.Logf("image: %s\ndocker run %s\n%d families, scraped from another container, with and without the profile", got, line, families)

	e.Run(t, "kill", "--signal", "STOP", "tm-bound")
	becomes(t, e, "tm-bound", "unhealthy")
	e.Run(t, "kill", "--signal", "CONT", "tm-bound")
	becomes(t, e, "tm-bound", "healthy")
}

// TestPrometheus_compose: the Prometheus of deploy/compose.yaml, by its own configuration but for names of hosts and the interval, loads
// the rules and scrapes the containers.
func TestPrometheus_compose(t *testing.T) {
	t.Parallel() // it waits, most of the time
	require.Prometheus(t)
	text, err := os.ReadFile(filepath.Join(deployFolder, "prometheus", "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../../dashboards/rules")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := start(t)
	address := strings.TrimPrefix(p.URL, "http://")
	s := prometheus.Run(t, prometheus.Options{Config: strings.NewReplacer("tallyman:10180", address, "15s", "1s", "/etc/prometheus/rules", rules).Replace(string(text))})
	query := `count(container_state{job="tallyman", instance="` + address + `", name="tm-busy", state="running"} == 1)`
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		if got, err := s.Query(t.Context(), query); err == nil && got == 1 {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%s is %v, %v", query, got, err)
		}
	}
}

// buildImage makes an image of the binary under test, without any other image.
func buildImage(t *testing.T, e docker.Engine, tag string, options ...string) {
	t.Helper()
	folder := t.TempDir()
	program, err := os.ReadFile(binary(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "tallyman"), program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	words := append([]string{"build", "-q", "-f", filepath.Join(deployFolder, "Dockerfile"), "--target", "binary", "--label", "tallyman.test=1", "-t", tag}, options...)
	e.Run(t, append(words, folder)...)
}

// runImage starts a container with the fewest mounts, and gives the words.
func runImage(t *testing.T, e docker.Engine, name, image string, options ...string) string {
	t.Helper()
	socket := socketOf(t, e)
	about, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	group := about.Sys().(*syscall.Stat_t).Gid
	e.Remove(t, name)
	words := append([]string{
		"-d", "--name", name, "--network", "tm-net", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--group-add", strconv.Itoa(int(group)), "-v", "/proc:/host/proc:ro", "-v", "/sys/fs/cgroup:/host/sys/fs/cgroup:ro", "-v", socket + ":/var/run/docker.sock:ro",
		"--health-interval", "1s", "--health-timeout", "3s", "--health-retries", "1",
	}, options...)
	words = append(words, image)
	e.Run(t, append([]string{"run"}, words...)...)
	return strings.Join(words, " ")
}

// becomes waits until a container's health is as wanted.
func becomes(t *testing.T, e docker.Engine, name, health string) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		c := e.Inspect(t, name)[name]
		if c.State.Health != nil && c.State.Health.Status == health {
			return
		}
		if time.Now().After(end) {
			log, _ := e.Try("inspect", "--format", "{{json .State.Health}}", name)
			t.Fatalf("after %v %s is not %s: %s", limit, name, health, log)
		}
	}
}

// processStatus is the lines of /proc/<pid>/status.
func processStatus(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// sameFamilies waits until two tallymans tell a third container of the same families of metrics, and counts those.
func sameFamilies(t *testing.T, e docker.Engine, one, other string) int {
	t.Helper()
	families := func(name string) []string {
		page, err := scrape.Parse(strings.NewReader(e.Run(t, "run", "--rm", "--network", "tm-net", image, "wget", "-q", "-O", "-", "http://"+name+":10180/metrics") + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for family := range page {
			names = append(names, family)
		}
		slices.Sort(names)
		return names
	}
	for end := time.Now().Add(limit); ; time.Sleep(time.Second) {
		a, b := families(one), families(other)
		if slices.Equal(a, b) && slices.Contains(a, "container_cpu_usage_seconds_total") && slices.Contains(a, "container_network_receive_bytes_total") {
			return len(a)
		}
		if time.Now().After(end) {
			t.Fatalf("%s serves %q, %s %q", one, a, other, b)
		}
	}
}
