package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tallyman/api"
	"tallyman/api/metrics"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/fakeengine"
	"tallyman/internal/self"
	"tallyman/test/internal/kernelfiles"
	"tallyman/test/internal/synth"
)

// sizes are the numbers of containers.
var sizes = []int{10, 100, 1000, 5000}

// host is tallyman with everything but its engine real.
type host struct {
	containers []synth.Container
	targets    []cgroups.Target
	collector  *collector.Collector
	snapshot   *collector.Snapshot
	url        string
}

// start brings up a host of n containers.
func start(b *testing.B, n int) *host {
	b.Helper()
	raiseLimit(b)
	fake, all := containers(b, n)
	h := &host{containers: all}
	for _, c := range h.containers {
		h.targets = append(h.targets, cgroups.Target{ID: c.ID, PID: c.PID, Driver: "cgroupfs", Network: true})
	}
	h.serve(b, fake.Host(), n)
	return h
}

// containers brings up an engine with so many containers, whose cgroups and processes are real.
func containers(b *testing.B, n int) (*fakeengine.Engine, []synth.Container) {
	b.Helper()
	fake, err := fakeengine.New(fakeengine.Options{Empty: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { fake.Close() })
	fake.Mute(true)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fake.Create(fmt.Sprintf("project-service-%d", i), "registry.example.org/team/service:2026.11.1")
	}
	all := synth.Start(b, ids)
	for _, c := range all {
		fake.RunAs(c.ID, c.PID)
	}
	return fake, all
}

// raiseLimit lets every file be kept open, where this process may. Elsewhere those beyond the budget are opened each time.
func raiseLimit(b *testing.B) {
	b.Helper()
	const enough = 1 << 18
	limit := unix.Rlimit{Cur: enough, Max: enough}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		return
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
}

// serve wires the parts as the program does, and waits until all containers are read.
func (h *host) serve(b *testing.B, address string, n int) {
	b.Helper()
	own := self.New(self.Build{}, false)
	kernel, err := cgroups.NewReader(cgroups.Options{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(engine.Config{Client: engine.Options{Host: address}, Self: own.Engine(""), DiskUsage: engine.DiskUsageOptions{Interval: -1}})
	if err != nil {
		b.Fatal(err)
	}
	h.collector = collector.New([]collector.Engine{e}, kernel, collector.Options{MaxAge: -1, Source: collector.SourceCgroup, Self: own, Logs: cgroups.NewLogs("/")})
	ctx, cancel := context.WithCancel(b.Context())
	var background sync.WaitGroup
	background.Go(func() { _ = e.Run(ctx) })
	background.Go(func() { _ = h.collector.Run(ctx) })
	b.Cleanup(func() { cancel(); background.Wait() })
	for {
		s, err := h.collector.Snapshot(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if len(s.Engines) > 0 && s.Engines[0].Sources.Cgroup == n {
			h.snapshot = s
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	server := httptest.NewServer(api.New(api.Options{Source: h.collector, Self: own}).Handler())
	b.Cleanup(server.Close)
	h.url = server.URL + "/metrics"
}

// kernelFile is one of the kernel's files.
type kernelFile struct {
	path string
	fd   int
}

// openFloor opens the kernel's files that this process reads.
func openFloor(b *testing.B) []kernelFile {
	b.Helper()
	paths, err := kernelfiles.Of(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	files := make([]kernelFile, len(paths))
	for i, path := range paths {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			b.Fatal(err)
		}
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { unix.Close(fd) })
		files[i] = kernelFile{path, fd}
	}
	return files
}

// each runs a stage for every number of containers.
func each(b *testing.B, stage func(b *testing.B, h *host)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := start(b, n)
			runtime.GC()
			time.Sleep(time.Second) // what was begun at the start comes to its end
			b.ReportAllocs()
			before := cpuTime(b)
			stage(b, h)
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/container")
		})
	}
}

// cpuTime is what this process has used. Unlike the time on the clock it does not tell how busy others are.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFloor is the least that an exporter of these files can cost.
func BenchmarkFloor(b *testing.B) {
	each(b, func(b *testing.B, _ *host) {
		files, buf := openFloor(b), make([]byte, 64<<10)
		for b.Loop() {
			for _, file := range files {
				if _, err := unix.Pread(file.fd, buf, 0); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkCollect(b *testing.B) {
	each(b, func(b *testing.B, h *host) {
		for b.Loop() {
			if _, err := h.collector.Snapshot(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	each(b, func(b *testing.B, h *host) {
		w := metrics.NewWriter(metrics.WriterOptions{})
		for b.Loop() {
			if err := w.Stream(io.Discard, h.snapshot, metrics.Selection{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkScrape(b *testing.B) {
	each(b, func(b *testing.B, h *host) { h.scrape(b, "identity") })
}

func BenchmarkScrapeGzip(b *testing.B) {
	each(b, func(b *testing.B, h *host) { h.scrape(b, "gzip") })
}

// scrape asks over HTTP.
func (h *host) scrape(b *testing.B, encoding string) {
	b.Helper()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, h.url, http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, err)
		}
		resp.Body.Close()
	}
}

// BenchmarkFile tells what each of the kernel's files costs.
func BenchmarkFile(b *testing.B) {
	const n = 100
	start(b, n)
	byName := map[string][]kernelFile{}
	for _, file := range openFloor(b) {
		if strings.Contains(file.path, "/docker/") {
			name := filepath.Base(file.path)
			byName[name] = append(byName[name], file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 64<<10)
			for b.Loop() {
				for _, file := range byName[name] {
					if _, err := unix.Pread(file.fd, buf, 0); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/container")
		})
	}
}
