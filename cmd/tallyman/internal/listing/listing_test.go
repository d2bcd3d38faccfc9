package listing

import (
	"strings"
	"testing"
	"time"

	"tallyman/api/schema"
)

var now = time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)

// container is one of which nothing but its name is known.
func container(name string) schema.Container {
	nan := schema.Unknown()
	c := schema.Container{Pressure: schema.Pressure{CPU: nan, Memory: nan, IO: nan}}
	c.ID, c.Name = schema.Text("id of "+name), schema.Text(name)
	c.ExitCode, c.Restarts, c.OOMKills, c.SourceAge = nan, nan, nan, nan
	c.CPU = schema.CPU{Cores: nan, LimitCores: nan, UsageSeconds: nan, ThrottledRatio: nan}
	c.Memory = schema.Memory{UsageBytes: nan, WorkingSetBytes: nan, LimitBytes: nan}
	c.IO = schema.IO{ReadBytesPerSecond: nan, WriteBytesPerSecond: nan, ReadBytes: nan, WriteBytes: nan}
	c.Network = schema.Network{ReceiveBytesPerSecond: nan, TransmitBytesPerSecond: nan, ReceiveBytes: nan, TransmitBytes: nan}
	c.Pids = schema.Pids{Threads: nan, ThreadsMax: nan, Processes: nan}
	return c
}

// fleet is a host with a bit of everything.
func fleet() []Row {
	idle := container("idle")
	idle.State, idle.StartedAt, idle.CPU.Cores, idle.CPU.LimitCores = "running", schema.Moment(now.Add(-3*time.Hour)), 0, 2
	idle.Memory.WorkingSetBytes, idle.Image = 1<<20, "sha256:0123456789abcdef0123456789abcdef"
	busy := container("busy")
	busy.State, busy.Health, busy.StartedAt = "running", "healthy", schema.Moment(now.Add(-time.Minute))
	busy.CPU = schema.CPU{Cores: 0.49, LimitCores: 0.5, ThrottledRatio: 0.3}
	busy.Memory = schema.Memory{WorkingSetBytes: 48 << 20, LimitBytes: 64 << 20}
	busy.Network.ReceiveBytesPerSecond, busy.Network.TransmitBytesPerSecond = 2048, 10
	busy.IO.WriteBytesPerSecond = 1 << 20
	busy.Pids.Threads, busy.Restarts, busy.Pressure.CPU, busy.Pressure.IO, busy.Image = 12, 0, 0.25, 0.5, "app:1"
	oom := container("oom\x1b[31m")
	oom.State, oom.ExitCode, oom.OOMKilled, oom.Restarts = "restarting", 137, new(true), 1234
	oom.FinishedAt, oom.Image = schema.Moment(now.Add(-10*time.Second)), "app:1"
	gone := container("done")
	gone.State, gone.ExitCode, gone.FinishedAt, gone.Restarts, gone.Image = "exited", 0, schema.Moment(now.Add(-72*time.Hour)), 0, "job"
	summary := &schema.Summary{Attention: []schema.Attention{{ID: oom.ID, Name: oom.Name, Reasons: []string{"restarting", "oom_killed"}}}}
	return Rows(summary, &schema.Containers{Time: schema.Moment(now), Containers: []schema.Container{idle, busy, oom, gone}})
}

func names(rows []Row) string {
	var all []string
	for _, r := range rows {
		all = append(all, string(r.Name[:4]))
	}
	return strings.Join(all, " ")
}

// TestSort: each order has the largest first, or the last if it is turned round, and what is unknown at the end either way.
func TestSort(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"trouble": "oom\x1b busy idle done", "-trouble": "done busy idle oom\x1b",
		"name": "busy done idle oom\x1b", "-name": "oom\x1b idle done busy",
		"cpu": "busy idle done oom\x1b", "-cpu": "idle busy done oom\x1b",
		"memory": "busy idle done oom\x1b", "-memory": "idle busy done oom\x1b",
		"throttled": "busy done idle oom\x1b", "pressure": "busy done idle oom\x1b", "net": "busy done idle oom\x1b", "io": "busy done idle oom\x1b",
		"pids": "busy done idle oom\x1b", "restarts": "oom\x1b busy done idle", "-restarts": "busy done oom\x1b idle",
		"age": "oom\x1b busy idle done", "-age": "done idle busy oom\x1b",
	} {
		s, err := FindSort(name)
		if err != nil {
			t.Fatal(err)
		}
		rows := fleet()
		s.Apply(rows)
		if got := names(rows); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := FindSort("size\x1b"); err == nil || !strings.Contains(err.Error(), `size\x1b`) || !strings.Contains(err.Error(), "trouble, name, cpu") {
		t.Errorf("got %v", err)
	}
}

// TestNewView: what is shown of each container; unknown is a dash, and never zero.
func TestNewView(t *testing.T) {
	t.Parallel()
	rows := fleet()
	byTrouble := Sorts()[0]
	byTrouble.Apply(rows)
	for _, wide := range []bool{false, true} {
		v := NewView(rows, wide)
		var titles []string
		for _, c := range v.Columns {
			titles = append(titles, c.Title)
		}
		want := "NAME,STATE,HEALTH,TROUBLE,CPU%,MEM / LIMIT,MEM%,THROTTLED,PRESSURE,NET IN/OUT /s,IO R/W /s,PIDS,RESTARTS,EXIT,AGE,IMAGE"
		if wide {
			want = "NAME,ID,STATE,HEALTH,TROUBLE,CPU%,CORES,MEM / LIMIT,MEM%,THROTTLED,PRESSURE,NET IN/OUT /s,IO R/W /s,PIDS,RESTARTS,EXIT,AGE,SOURCE,IMAGE"
		}
		if got := strings.Join(titles, ","); got != want {
			t.Errorf("wide %v: got %s", wide, got)
		}
		if wide {
			continue
		}
		for i, want := range []string{
			`oom\x1b[31m,restarting,–,restarting,oom-killed,–,–,–,–,–,–,–,–,1 234,137 oom,10 s,app:1`,
			"busy,running,healthy,,98.0,48.0 MiB / 64.0 MiB,75.0,30.0,50.0,2.0 KiB / 10 B,– / 1.0 MiB,12,0,–,1 min,app:1",
			"idle,running,–,,0.0,1.0 MiB,–,–,–,–,–,–,–,–,3 h,sha256:0123456789ab",
			"done,exited,–,,–,–,–,–,–,–,–,–,0,0,3 d,job",
		} {
			if got := strings.ReplaceAll(strings.Join(v.Rows[i], ","), "\u202f", " "); got != want {
				t.Errorf("row %d: got  %s\nwant %s", i, got, want)
			}
		}
		tone := func(row int, title string) Tone {
			for i, c := range v.Columns {
				if c.Title == title {
					return v.Tones[row][i]
				}
			}
			return -1
		}
		if tone(0, "STATE") != Bad || tone(0, "EXIT") != Bad || tone(1, "CPU%") != Bad || tone(1, "THROTTLED") != Bad || tone(1, "MEM%") != Plain || tone(2, "CPU%") != Plain || tone(3, "STATE") != Faint {
			t.Errorf("tones: %v", v.Tones)
		}
	}
}

// TestNewView_needless: a column in which no container has anything is not shown.
func TestNewView_needless(t *testing.T) {
	t.Parallel()
	v := NewView(Rows(&schema.Summary{}, &schema.Containers{Containers: []schema.Container{container("a")}}), false)
	for _, c := range v.Columns {
		if c.Title == "TROUBLE" || c.Title == "HEALTH" || c.Title == "ENGINE" {
			t.Errorf("%s is shown", c.Title)
		}
	}
	if len(v.Rows[0]) != len(v.Columns) || len(v.Tones[0]) != len(v.Columns) {
		t.Errorf("%d texts and %d tones for %d columns", len(v.Rows[0]), len(v.Tones[0]), len(v.Columns))
	}
}
