package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// seen is what the kernel said of a container at a time.
type seen struct {
	at        time.Time
	cpu, peak float64
}

// witness reads the kernel's own counters of a container again and again until it ends, or ctx does.
func witness(ctx context.Context, t *testing.T, e docker.Engine, name string) <-chan []seen {
	t.Helper()
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	c := e.Inspect(t, name)[name]
	out := make(chan []seen, 1)
	go func() {
		var all []seen
		for ctx.Err() == nil {
			at := time.Now()
			numbers := k.Read(kernel.Container{ID: c.ID, PID: c.State.Pid})
			cpu, ok := numbers[scrape.Series("container_cpu_usage_seconds_total", map[string]string{"cpu": "total"})]
			if !ok {
				break
			}
			s := seen{at: at, cpu: cpu.Value, peak: math.NaN()}
			if peak, ok := numbers[scrape.Series("container_memory_max_usage_bytes", nil)]; ok {
				s.peak = peak.Value
			}
			all = append(all, s)
			time.Sleep(50 * time.Millisecond)
		}
		out <- all
	}()
	return out
}

// usedBy is the processor time that a container had used at a time, between two that were seen.
func usedBy(all []seen, at time.Time) float64 {
	for i := 1; i < len(all); i++ {
		if before, next := all[i-1], all[i]; !at.Before(before.at) && !at.After(next.at) {
			return before.cpu + (next.cpu-before.cpu)*at.Sub(before.at).Seconds()/next.at.Sub(before.at).Seconds()
		}
	}
	return math.NaN()
}

// decoded asks for JSON.
func decoded[T any](t *testing.T, p *program.Program, path string) T {
	t.Helper()
	var out T
	text, err := p.Text(t.Context(), path)
	if err == nil {
		err = json.Unmarshal([]byte(text), &out)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

type history struct {
	Points []struct {
		Time                  time.Time
		MemoryWorkingSetBytes *float64 `json:"memory_working_set_bytes"`
		CPUCores              *float64 `json:"cpu_cores"`
		ThrottledRatio        *float64 `json:"throttled_ratio"`
	}
}

type lastWords struct {
	LastWords []struct {
		Name, Image     string
		DurationSeconds *float64 `json:"duration_seconds"`
		ExitCode        *float64 `json:"exit_code"`
		OOMKilled       bool     `json:"oom_killed"`
		PeakMemoryBytes *float64 `json:"peak_memory_bytes"`
		CPUSeconds      *float64 `json:"cpu_seconds"`
		ThrottledRatio  *float64 `json:"throttled_ratio"`
		Removed         bool
	} `json:"last_words"`
}

// TestHistory: the history grows while nobody asks, and its means are those of the kernel's own counters.
func TestHistory(t *testing.T) {
	p, e := start(t, "--history.interval=1s")
	const name = "tm-history"
	e.Remove(t, name)
	e.Run(t, "run", "-d", "--name", name, "--network", "none", "--cpus", "0.2", "--stop-timeout", "1", image, "sh", "-c", "while :; do :; done")
	ctx, cancel := context.WithCancel(t.Context())
	truth := witness(ctx, t, e, name)
	time.Sleep(27 * time.Second) // nobody asks
	points := decoded[history](t, p, "/api/v1/containers/"+name+"/history").Points
	time.Sleep(time.Second) // asking has made a point: the witness is to see past it
	cancel()
	all := <-truth
	if len(points) < 5 {
		t.Fatalf("got %d points in 27 s, want one in 5 s", len(points))
	}
	for i, point := range points {
		if point.MemoryWorkingSetBytes == nil || *point.MemoryWorkingSetBytes <= 0 || (point.CPUCores == nil) != (i == 0) {
			t.Errorf("point %d: got %+v", i, point)
		}
	}
	for points[0].Time.Before(all[0].at) { // the witness came later
		points = points[1:]
	}
	// The times of points are exact only to the moment that a collection takes.
	first, last := points[0].Time, points[len(points)-1].Time
	told := 0.0
	for i := 1; i < len(points); i++ {
		told += *points[i].CPUCores * points[i].Time.Sub(points[i-1].Time).Seconds()
	}
	want := usedBy(all, last) - usedBy(all, first)
	t.Logf("%d points over %v: %.3f s of processor time, by the kernel %.3f s", len(points), last.Sub(first), told, want)
	if math.IsNaN(want) || math.Abs(told-want) > 0.1+0.02*want {
		t.Errorf("the points tell of %.3f s of processor time, the kernel of %.3f s", told, want)
	}
	if r := points[len(points)-1].ThrottledRatio; r == nil || *r <= 0 || *r > 1 {
		t.Errorf("it is throttled, but the ratio is %v", r)
	}
	if host := decoded[history](t, p, "/api/v1/history").Points; len(host) < 5 || host[len(host)-1].CPUCores == nil {
		t.Errorf("the host has %d points", len(host))
	}
	page := p.Metrics(t)
	if bytes, ok := page.Value("tallyman_history_bytes"); !ok || bytes <= 0 || bytes > 8e6 {
		t.Errorf("tallyman_history_bytes is %v", bytes)
	}
	e.Run(t, "rm", "-f", name)
	served(t, p, "it is gone", func(page scrape.Page) bool { return gone(page, name) })
}

// TestLastWords: how containers ended, and what they used until then, although nobody asked meanwhile.
func TestLastWords(t *testing.T) {
	p, e := start(t)
	busy := func(seconds int) string {
		return fmt.Sprintf("timeout -s KILL %d sh -c 'while :; do :; done'; ", seconds)
	}
	for _, tt := range []struct {
		name    string
		options []string
		script  string
		stop    bool // by docker stop, after 4 s
		code    float64
		oom     bool
		removed bool
		// share is how much of the processor time must have been read: it is read at growing intervals.
		share float64
	}{
		{name: "tm-words-three", script: busy(5) + "exit 3", code: 3, share: 0.2},
		{name: "tm-words-gone", options: []string{"--rm"}, script: busy(5) + "exit 7", code: 7, removed: true, share: 0.2},
		{name: "tm-words-stopped", options: []string{"--cpus", "0.5"}, script: "while :; do :; done", stop: true, code: 137, share: 0.9},
		{name: "tm-words-oom", options: []string{"-m", "20m", "--memory-swap", "20m"}, script: "sleep 3; exec tail /dev/zero", code: 137, oom: true},
		{name: "tm-words-short", options: []string{"--rm"}, script: "exit 9", code: 9, removed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e.Remove(t, tt.name)
			words := append([]string{"run", "-d", "--name", tt.name, "--network", "none", "--stop-timeout", "1"}, tt.options...)
			id := e.Run(t, append(words, image, "sh", "-c", tt.script)...)
			var truth <-chan []seen
			if tt.share > 0 {
				truth = witness(t.Context(), t, e, tt.name)
			}
			if tt.stop {
				time.Sleep(4 * time.Second)
				e.Run(t, "stop", tt.name)
			}
			_, _ = e.Try("wait", id) // unless it has ended already
			var all []seen
			if truth != nil {
				all = <-truth
			}
			for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
				got := decoded[lastWords](t, p, "/api/v1/last-words").LastWords
				if len(got) > 50 {
					t.Fatalf("got %d last words", len(got))
				}
				for _, w := range got {
					if w.Name != tt.name || w.Removed != tt.removed {
						continue
					}
					text, _ := json.Marshal(w)
					t.Logf("got %s", text)
					if w.ExitCode == nil || *w.ExitCode != tt.code || w.OOMKilled != tt.oom || w.Image != image || w.DurationSeconds == nil {
						t.Errorf("want code %v, oom %v, and how long it took", tt.code, tt.oom)
					}
					if tt.oom && (w.PeakMemoryBytes == nil || *w.PeakMemoryBytes != 20<<20) {
						t.Error("want the limit as the peak")
					}
					if tt.share > 0 {
						last := all[len(all)-1]
						t.Logf("the kernel's last word: %.3f s of processor time, peak %v", last.cpu, last.peak)
						// Between the last look and the end a little more may have been used.
						if w.CPUSeconds == nil || *w.CPUSeconds < tt.share*last.cpu || *w.CPUSeconds > last.cpu+0.5 {
							t.Errorf("want between %.3f and %.3f s of processor time", tt.share*last.cpu, last.cpu)
						}
						if w.PeakMemoryBytes == nil || *w.PeakMemoryBytes <= 0 || *w.PeakMemoryBytes > last.peak { // a NaN is no limit: this kernel does not tell
							t.Errorf("want a peak of no more than %v", last.peak)
						}
					}
					return
				}
				if time.Now().After(end) {
					t.Fatalf("no last words: %+v", got)
				}
			}
		})
	}
}

// TestLastWords_loop: every run of a container that crashes again and again has last words of its own.
func TestLastWords_loop(t *testing.T) {
	p, e := start(t)
	const name = "tm-words-loop"
	e.Remove(t, name)
	// A file in its writable layer counts the runs; the fourth goes on.
	e.Run(t, "run", "-d", "--name", name, "--network", "none", "--restart", "always", "--stop-timeout", "1", image,
		"sh", "-c", "echo >>/runs; n=$(wc -l </runs); [ $n -gt 3 ] && exec sleep 36000; exit $n")
	p.WaitFor(t, limit, func(page scrape.Page) string {
		if restarts, _ := page.Value("container_restarts_total", "name", name); restarts < 3 {
			return fmt.Sprintf("%v restarts", restarts)
		}
		return ""
	})
	var codes []float64
	for _, w := range decoded[lastWords](t, p, "/api/v1/last-words").LastWords {
		if w.Name == name && w.ExitCode != nil {
			codes = append(codes, *w.ExitCode)
		}
	}
	if fmt.Sprint(codes) != "[3 2 1]" {
		t.Errorf("got runs with the codes %v, want 3, 2 and 1", codes)
	}
}
