package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/internal/pki"
	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// startFar runs tallyman where it sees no cgroup and no process of the engine's host, as if the engine were far away.
func startFar(t *testing.T, host string, args ...string) *program.Program {
	t.Helper()
	root := t.TempDir()
	for _, folder := range []string{"proc", "sys/fs/cgroup"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// What a tree of cgroup v2 is known by.
	if err := os.WriteFile(filepath.Join(root, "sys/fs/cgroup/cgroup.controllers"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, program.Options{Path: binary(t), Host: host, Args: append(args, "--path.rootfs="+root)})
	p.Ready(t)
	return p
}

// untold are the families that statistics of the engine do not have.
var untold = []string{
	"container_cpu_cfs_burst_periods_total", "container_cpu_cfs_burst_seconds_total", "container_memory_kernel_usage",
	"container_memory_swap", "container_memory_workingset_refault_anon_total", "container_memory_workingset_refault_file_total",
	"container_memory_swap_events_total", "container_processes",
}

// untoldOfV2 are those that they do not have of cgroup v2.
var untoldOfV2 = []string{
	"container_memory_max_usage_bytes", "container_memory_failcnt", "container_fs_reads_total", "container_fs_writes_total",
	"container_fs_discards_bytes_total",
}

// told says whether a series that the cgroup files give is to be given by the engine's statistics, too.
func told(series string, unified bool) bool {
	family, labels, _ := strings.Cut(series, "{")
	switch {
	case strings.HasPrefix(family, "container_pressure_"), slices.Contains(untold, family), unified && slices.Contains(untoldOfV2, family):
		return false
	case family == "container_spec_cpu_period", family == "container_spec_cpu_shares":
		return false // of the two, only what the user asked for is known
	case unified && family == "container_memory_failures_total":
		return strings.Contains(labels, "hierarchy")
	case strings.HasPrefix(family, "container_memory_events_"):
		return unified && strings.Contains(labels, `event="oom"`)
	}
	return true
}

// readings are the numbers of a container, by series. Devices have no names from afar: they are added up.
func readings(page scrape.Page, name string) map[string]float64 {
	out := map[string]float64{}
	for series, value := range page.Container(name, fromKernel) {
		if strings.HasPrefix(series, "container_fs_") {
			series, _, _ = strings.Cut(series, "{")
		}
		out[series] += value
	}
	return out
}

// compareFar says how what a tallyman read of the cgroup files differs from what another, far away, was told by the engine.
func compareFar(near, far map[string]float64, unified bool) string {
	for series, want := range near {
		got, ok := far[series]
		if !told(series, unified) && !ok {
			continue
		}
		if !ok || got != want && series != "container_spec_cpu_shares" { // shares come from a weight, rounded
			return fmt.Sprintf("%s: got %v (%t), want %v", series, got, ok, want)
		}
	}
	for series := range far {
		if _, ok := near[series]; !ok {
			return series + " is made up"
		}
	}
	return ""
}

// TestStreams: a tallyman that sees no cgroup serves what the engine says, and agrees with one that reads the cgroups of the
// same containers: exactly while they are paused, and within the time between two scrapes while they run.
func TestStreams(t *testing.T) {
	near, e := start(t)
	unified := e.Run(t, "info", "--format", "{{.CgroupVersion}}") == "2"
	idle := engineDescriptors(t, e)
	far := startFar(t, e.Host)
	names := steady(e.Containers(t, "tm-"))
	page := far.WaitFor(t, limit, streamed(names))
	if n, _ := page.Value("tallyman_containers", "source", "engine"); int(n) < len(names) || !page.Is(0, "tallyman_containers", "source", "cgroup") ||
		!page.Is(1, "tallyman_capability", "name", "stats", "reason", "") {
		t.Errorf("got %v, %v", page["tallyman_containers"], page["tallyman_capability"])
	}
	if got := engineDescriptors(t, e); got < idle+len(names)/2 {
		t.Errorf("the engine has %d descriptors, want about %d more than %d", got, len(names), idle)
	}
	if page := near.Metrics(t); !page.Is(0, "tallyman_containers", "source", "engine") ||
		len(page.All("tallyman_engine_requests_total", "endpoint", "/containers/{id}/stats")) > 0 ||
		len(page.All("tallyman_capability", "name", "stats")) > 0 {
		t.Error("statistics were asked for although all cgroups can be read")
	}
	t.Run("running", func(t *testing.T) { agreeRunning(t, near, far, names) })
	t.Run("paused", func(t *testing.T) {
		agreePaused(t, e, near, far, unified, "tm-paused", "tm-busy", "tm-writer", "tm-shm", "tm-web", "tm-db", "tm-limits", "tm-multi", "tm-joined", "tm-host", "tm-none")
	})
	t.Run("later", func(t *testing.T) {
		guinea(t, near, e, "tm-late")
		began := time.Now()
		far.WaitFor(t, limit, func(page scrape.Page) string {
			if _, ok := page.Value("container_memory_usage_bytes", "name", "tm-late"); !ok {
				return "there are no statistics of a container that was started later"
			}
			return ""
		})
		t.Logf("statistics of a container that was started later: after %v", time.Since(began).Round(time.Millisecond))
		e.Run(t, "rm", "-fv", "tm-late")
		served(t, far, "it is gone", func(page scrape.Page) bool { return gone(page, "tm-late") })
	})
	if code, took := far.Stop(t); code != 0 {
		t.Errorf("ended with code %d after %v", code, took)
	}
	for end := time.Now().Add(limit); ; time.Sleep(time.Second) {
		if left := engineDescriptors(t, e); left < idle+len(names)/2 {
			t.Logf("descriptors of the engine: %d before, %d after", idle, left)
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the engine has kept descriptors: %d, of %d before", engineDescriptors(t, e), idle)
		}
	}
}

// streamed says of which container there are no statistics yet.
func streamed(names map[string]*docker.Container) func(scrape.Page) string {
	return func(page scrape.Page) string {
		for name := range names {
			if len(page.All("container_stats_age_seconds", "name", name)) != 1 {
				return "there are no statistics of " + name
			}
		}
		return ""
	}
}

// TestStreams_tls: the same holds of an engine that is reached by TLS, and after it was restarted under the streams.
func TestStreams_tls(t *testing.T) {
	ca := pki.New(t, pki.Options{Name: "streams"})
	e := newTLSEngine(t, ca, pki.Options{Hosts: []string{"127.0.0.1"}})
	always := []string{"run", "-d", "--restart", "always", "--stop-timeout", "1", "--network"}
	for _, args := range [][]string{
		{"bridge", "--name", "tm-talker", "--memory", "64m", image, "sh", "-c", "while :; do wget -q -O /dev/null " + bridgeServer(t, e) + "; usleep 100000; done"},
		{"none", "--name", "tm-busy", "--cpus", "0.2", image, "sh", "-c", "while :; do :; done"},
		{"none", "--name", "tm-memory", "--memory", "96m", "--shm-size", "16m", image, "sh", "-c", "dd if=/dev/zero of=/dev/shm/f bs=1M count=8; sleep 36000"},
		{"none", "--name", "tm-limits", "--cpu-period", "50000", "--cpu-quota", "75000", "--cpu-shares", "512", "--pids-limit", "64", image, "sleep", "36000"},
		{"host", "--name", "tm-host", image, "sleep", "36000"},
	} {
		e.Run(t, append(always, args...)...)
	}
	near := launch(t, program.Options{Path: binary(t), Host: e.Host})
	far := startFar(t, "far=tcp://"+e.address, "--engine.tls-dir="+clientFolder(t, ca, ca.Issue(t, pki.Options{})))
	unified := e.Run(t, "info", "--format", "{{.CgroupVersion}}") == "2"
	agree := func(t *testing.T) {
		near.WaitFor(t, limit, all)
		names := steady(e.Containers(t, "tm-"))
		if len(names) < 8 {
			t.Fatalf("only %d containers run", len(names))
		}
		far.WaitFor(t, limit, streamed(names))
		agreeRunning(t, near, far, names)
		agreePaused(t, e.Engine, near, far, unified, "tm-talker", "tm-busy", "tm-memory", "tm-limits", "tm-host", "tm-r1")
	}
	t.Run("at first", agree)
	t.Run("after a restart of the engine", func(t *testing.T) {
		e.run(t, "halt")
		far.WaitFor(t, limit, func(page scrape.Page) string {
			if !page.Is(0, "tallyman_engine_up") {
				return "it has not seen that the engine is away"
			}
			return ""
		})
		e.start(t)
		agree(t)
	})
}

// bridgeServer answers the one container that has room on the bridge of an engine of a test's own.
func bridgeServer(t *testing.T, e *tlsEngine) (url string) {
	t.Helper()
	gateway := e.Run(t, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10<<10)) }),
	}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Close(); group.Wait() })
	return "http://" + l.Addr().String() + "/"
}

// engineDescriptors is how many the engine has open, a few of which come and go with its own work.
func engineDescriptors(t *testing.T, e docker.Engine) int {
	t.Helper()
	n, err := strconv.Atoi(e.Run(t, "info", "--format", "{{.NFd}}"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// agreeRunning checks that each counter, as the engine told it, lies between two readings of the cgroup files.
func agreeRunning(t *testing.T, near, far *program.Program, names map[string]*docker.Container) {
	t.Helper()
	before := near.Metrics(t)
	began := time.Now()
	said := map[string]map[string]float64{}
	far.WaitFor(t, limit, func(page scrape.Page) string {
		for name := range names {
			// A sample is of a moment before it came: the engine sends them when it has read all containers.
			age, ok := page.Value("container_stats_age_seconds", "name", name)
			if ok && time.Since(began) > time.Duration(age*float64(time.Second))+patience(3*time.Second) {
				said[name] = readings(page, name)
			}
		}
		if len(said) < len(names) {
			return fmt.Sprintf("there are new statistics of %d of %d containers", len(said), len(names))
		}
		return ""
	})
	after := near.Metrics(t)
	compared := 0
	for name := range names {
		first, last := readings(before, name), readings(after, name)
		for series, v := range said[name] {
			if !strings.Contains(series, "_total") {
				continue
			}
			compared++
			if low, high := first[series], last[series]; v < low || v > high {
				t.Errorf("%s of %s: got %v, want one from %v to %v", series, name, v, low, high)
			}
		}
	}
	if compared < 10*len(names) {
		t.Errorf("only %d counters were compared", compared)
	}
	t.Logf("compared %d counters of %d running containers", compared, len(names))
}

// pause pauses a container. One that is never idle may not be frozen at the first attempt.
func pause(t *testing.T, e docker.Engine, name string) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(time.Second) {
		_, err := e.Try("pause", name)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// agreePaused checks that containers of many kinds have the same numbers both ways when they are paused.
func agreePaused(t *testing.T, e docker.Engine, near, far *program.Program, unified bool, names ...string) {
	t.Helper()
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-12s %8s %30s %26s %26s %18s\n", "container", "numbers", "CPU s", "memory", "received", "threads")
	for _, name := range names {
		if name != "tm-paused" {
			pause(t, e, name)
			defer e.Run(t, "unpause", name)
		}
		var here, there map[string]float64
		problem := "never compared"
		// The kernel gathers memory statistics with a delay; packets come to a paused container, too.
		for end := time.Now().Add(limit); problem != "" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			here, there = readings(near.Metrics(t), name), readings(far.Metrics(t), name)
			problem = compareFar(here, there, unified)
		}
		if problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		both := func(series string) string {
			if _, ok := here[series]; !ok {
				return "-"
			}
			return fmt.Sprintf("%v / %v", here[series], there[series])
		}
		fmt.Fprintf(&table, "%-12s %8d %30s %26s %26s %18s\n", name, len(there), both(`container_cpu_usage_seconds_total{cpu="total"}`),
			both("container_memory_usage_bytes"), both(`container_network_receive_bytes_total{interface="eth0"}`), both("container_threads"))
	}
	t.Logf("cgroup files / statistics of the engine%s", table.String())
}
