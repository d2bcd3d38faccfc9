package api

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"tallyman/api/metrics"
	"tallyman/internal/sample"
	"tallyman/internal/self"
)

// TestMaxSeries: where there are too many series, whole groups are left out, said so, and served again when there is room.
func TestMaxSeries(t *testing.T) {
	t.Parallel()
	w := metrics.NewWriter(metrics.WriterOptions{})
	w.Append(nil, sample.Many(10), metrics.Selection{})
	series, total := w.Series(), 0
	for _, n := range series {
		total += n
	}
	var log bytes.Buffer
	source := &fake{snap: sample.Many(10)}
	// Room for all but some of the disk's, which go first of those that are there.
	h := New(Options{Source: source, Self: self.New(self.Build{}, false), Log: slog.New(slog.NewTextHandler(&log, nil)), MaxSeries: total - 1}).Handler()
	text := func(address string) string { return bodyOf(t, ask(h, "GET", address)) }
	count := func(text string) (n int) {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") && (strings.HasPrefix(line, "container_") || strings.HasPrefix(line, "docker_") || strings.HasPrefix(line, "machine_")) {
				n++
			}
		}
		return n
	}
	first := text("/metrics")
	if !strings.Contains(first, `tallyman_group_left_out{group="disk"} 1`) || !strings.Contains(first, `tallyman_series{group="disk"} 0`) ||
		strings.Contains(first, "docker_disk_") || !strings.Contains(first, "container_cpu_usage_seconds_total{") || strings.Contains(first, `left_out{group="pids"}`) {
		t.Errorf("the group disk, and no other, is to be left out, and said so:\n%s", first)
	}
	if said := log.String(); strings.Count(said, "group=disk") != 1 || !strings.Contains(said, "max-series") {
		t.Errorf("the log says %q", said)
	}
	if strings.Contains(text("/metrics?exclude[]=cpu"), "docker_disk_") {
		t.Error("a client that filters gets what is left out")
	}
	source.set(sample.Many(15), nil)
	if n := count(text("/metrics")); n > total-1 || n < total/2 {
		t.Errorf("got %d series of half as many containers more, want at most %d", n, total-1)
	}
	source.set(sample.Many(100), nil)
	many := text("/metrics")
	for _, family := range []string{"container_state{", "container_oom_events_total{", "docker_engine_", "machine_cpu_cores"} {
		if !strings.Contains(many, family) {
			t.Errorf("%s was left out, too", family)
		}
	}
	if strings.Contains(many, "container_cpu_usage_seconds_total{") || !strings.Contains(log.String(), "nothing more can be left out") {
		t.Errorf("the log says %q", log.String())
	}
	source.set(sample.Many(5), nil)
	plain, zipped := text("/metrics"), bodyOf(t, ask(h, "GET", "/metrics", "Accept-Encoding: gzip"))
	if plain != zipped {
		t.Errorf("the two encodings of one snapshot differ, as the groups served from the next one on are in the second:\n%s\n%s", plain, zipped)
	}
	source.set(sample.Many(5), nil)
	again := text("/metrics")
	if !strings.Contains(again, `tallyman_group_left_out{group="disk"} 0`) || !strings.Contains(again, "docker_disk_") || !strings.Contains(log.String(), "served again") {
		t.Errorf("half as many containers: not all groups are served again:\n%s", again)
	}
}
