package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
)

// TestPromtool: promtool has nothing to say about a page with every group switched on.
func TestPromtool(t *testing.T) {
	require.Promtool(t)
	p, _ := start(t, "--collector.blkio")
	page, err := p.Text(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if said, err := prometheus.CheckMetrics(page); err != nil || said != "" {
		t.Errorf("promtool: %v: %s", err, said)
	}
	t.Logf("promtool is silent about %d lines", strings.Count(page, "\n"))
}

// TestPrometheus: a real Prometheus scrapes for 40 seconds, each second. It misses nothing, and the rate that it computes is
// the rate of the kernel's own counter.
func TestPrometheus(t *testing.T) {
	require.Prometheus(t)
	p, e := start(t)
	server := prometheus.Start(t, strings.TrimPrefix(p.URL, "http://"))
	busy := e.Inspect(t, "tm-busy")["tm-busy"]
	usage := newUsage(t, busy)
	began := time.Now()
	for len(usage.values) < 40 {
		usage.read(t)
		time.Sleep(time.Until(began.Add(time.Duration(len(usage.values)) * time.Second)))
	}
	query := func(format string, args ...any) float64 {
		v, err := server.Query(t.Context(), fmt.Sprintf(format, args...))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	got := query(`rate(container_cpu_usage_seconds_total{name="tm-busy"}[30s])`)
	want := usage.rate(t, 30*time.Second)
	if math.Abs(got-want) > 0.05*want {
		t.Errorf("tm-busy: got a rate of %.4f cores, the kernel says %.4f", got, want)
	}
	up, count := query(`min_over_time(up[30s])`), query(`count_over_time(up[30s])`)
	if up != 1 || count < 27 {
		t.Errorf("up was %v in %v scrapes of 30 s", up, count)
	}
	samples := query(`scrape_samples_scraped`)
	if samples < 1000 {
		t.Errorf("scrape_samples_scraped is %v", samples)
	}
	t.Logf("up 1 in %v scrapes, %v samples each, in %.1f ms; tm-busy uses %.4f cores by Prometheus, %.4f by the kernel (%+.2f %%)",
		count, samples, 1000*query(`avg_over_time(scrape_duration_seconds[30s])`), got, want, 100*(got/want-1))
}

// usage is the processor time of a container by the kernel's file, over time.
type usage struct {
	kernel    *kernel.Kernel
	container kernel.Container
	values    []float64
	times     []time.Time
}

func newUsage(t *testing.T, c *docker.Container) *usage {
	t.Helper()
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	return &usage{kernel: k, container: kernel.Container{ID: c.ID, PID: c.State.Pid}}
}

func (u *usage) read(t *testing.T) {
	t.Helper()
	n, ok := u.kernel.Read(u.container)[`container_cpu_usage_seconds_total{cpu="total"}`]
	if !ok {
		t.Fatal("the kernel does not say how much processor time tm-busy has used")
	}
	u.values, u.times = append(u.values, n.Value), append(u.times, time.Now())
}

// rate is the increase per second over the latest while.
func (u *usage) rate(t *testing.T, while time.Duration) float64 {
	t.Helper()
	u.read(t)
	last := len(u.values) - 1
	for i, at := range u.times {
		if u.times[last].Sub(at) <= while {
			return (u.values[last] - u.values[i]) / u.times[last].Sub(at).Seconds()
		}
	}
	return math.NaN()
}
