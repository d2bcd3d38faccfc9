package collector_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// logs tells the size of every log, or why it cannot.
type logs struct {
	size map[string]float64 // by path
	err  error              // for all others
	asks int
}

func (l *logs) Size(_, path string) (float64, error) {
	l.asks++
	if size, ok := l.size[path]; ok {
		return size, nil
	}
	return 0, fmt.Errorf("log %q: %w", path, l.err)
}

// capability finds one by its name; "-" = it is not in the list.
func capability(s *collector.Snapshot, name string) string {
	for _, k := range s.Engines[0].Capabilities {
		if k.Name == name {
			return k.Reason
		}
	}
	return "-"
}

func TestSnapshot_disk(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: -1})
	web := func() collector.Disk { return container(t, snapshot(t, c), "web").Disk }
	if d := web(); !math.IsNaN(d.Writable) || !math.IsNaN(d.Root) || !math.IsNaN(d.Log) {
		t.Errorf("nobody said anything: got %+v", d)
	}
	id := container(t, snapshot(t, c), "web").Facts.ID
	h.engine.disk = &engine.Disk{Containers: map[string]engine.ContainerDisk{id: {Writable: 7, Root: 4096}}}
	if d := web(); d.Writable != 7 || d.Root != 4096 || !math.IsNaN(d.Log) {
		t.Errorf("got %+v", d)
	}
	if s := snapshot(t, c); s.Engines[0].Disk != h.engine.disk || !math.IsNaN(s.Host.Disk.Writable) || !math.IsNaN(s.Host.Disk.Log) {
		t.Errorf("got %+v", s.Engines[0].Disk)
	}
	// What was said long ago is not repeated.
	view := *h.engine.Load()
	view.Up, view.LastContact = false, h.now.Add(-time.Hour)
	h.engine.Store(&view)
	if d := web(); !math.IsNaN(d.Writable) || snapshot(t, c).Engines[0].Disk != nil {
		t.Errorf("the engine is away: got %+v", d)
	}
	if got := c.RefreshDisk(); len(got) != 1 || got[0] != h.engine.RefreshDisk() {
		t.Errorf("got %+v", got)
	}
}

func TestSnapshot_diskCapability(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := h.collector(collector.Options{MaxAge: -1})
	for want, reasons := range map[string][]string{
		"":          {"", "", "", ""},
		"timeout":   {"", "timeout", "", ""},
		"forbidden": {"forbidden", "forbidden", "", ""},
		"-":         {engine.DiskNotAsked, engine.DiskNotAsked, "", ""},
	} {
		h.engine.disk = &engine.Disk{}
		for _, r := range reasons {
			h.engine.disk.Parts = append(h.engine.disk.Parts, engine.DiskPart{Reason: r})
		}
		if got := capability(snapshot(t, c), "disk_usage"); got != want {
			t.Errorf("%q: got %q, want %q", reasons, got, want)
		}
	}
	h.engine.disk = &engine.Disk{Parts: []engine.DiskPart{{Reason: engine.DiskOff}}}
	if got := capability(snapshot(t, c), "disk_usage"); got != "-" {
		t.Errorf("switched off: got %q", got)
	}
}

func TestSnapshot_logs(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	var log bytes.Buffer
	l := &logs{size: map[string]float64{}, err: fs.ErrNotExist}
	c := h.collector(collector.Options{MaxAge: time.Second, Logs: l, Log: slog.New(slog.NewTextHandler(&log, nil))})
	later := func() *collector.Snapshot {
		h.now = h.now.Add(time.Minute)
		view := *h.engine.Load()
		view.LastContact = h.now
		h.engine.Store(&view)
		return snapshot(t, c)
	}
	if s := later(); capability(s, "log_size") != "-" || l.asks != 0 {
		t.Errorf("no container has a log: %d were looked for, %q", l.asks, capability(s, "log_size"))
	}
	for _, f := range h.Containers {
		h.say(f.Name, func(c *engine.Container) { c.LogPath = "/logs/" + c.Name })
	}
	for range 3 {
		if s := later(); capability(s, "log_size") != "not_mounted" || !math.IsNaN(container(t, s, "web").Disk.Log) {
			t.Errorf("got %q, %+v", capability(s, "log_size"), container(t, s, "web").Disk)
		}
	}
	if n := strings.Count(log.String(), "what=log_size reason=not_mounted"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
	l.err = fs.ErrPermission
	if s := later(); capability(s, "log_size") != "permission" {
		t.Errorf("got %q", capability(s, "log_size"))
	}
	// One that is seen is enough, also when it has stopped.
	l.size["/logs/web"] = 1234
	h.say("web", func(c *engine.Container) { c.State = engine.StateExited })
	s := later()
	if capability(s, "log_size") != "" || container(t, s, "web").Disk.Log != 1234 {
		t.Errorf("got %q, %+v", capability(s, "log_size"), container(t, s, "web").Disk)
	}
	// A snapshot that uses readings again knows it still.
	asks := l.asks
	h.say("web", func(c *engine.Container) { c.State = engine.StateRunning })
	if s = snapshot(t, c); l.asks != asks+1 || capability(s, "log_size") != "" || container(t, s, "web").Disk.Log != 1234 {
		t.Errorf("%d logs looked for, got %q, %+v", l.asks-asks, capability(s, "log_size"), container(t, s, "web").Disk)
	}
}
