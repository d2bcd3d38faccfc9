package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
)

// brief is what the recorded containers are the same in, whatever the engine.
type brief struct {
	State     State
	HasPID    bool
	HasExited bool
	ExitCode  int
	Health    Health
	Network   string
	Policy    string
	Restarts  uint64
}

func TestDecodeInspect_recordings(t *testing.T) {
	running := brief{State: StateRunning, HasPID: true, Network: "bridge", Policy: "no"}
	with := func(b brief, change func(*brief)) brief { change(&b); return b }
	exited := func(code int) brief {
		return brief{State: StateExited, HasExited: true, ExitCode: code, Network: "bridge", Policy: "no"}
	}
	want := map[string]brief{
		"eng-shop-web-1": with(running, func(b *brief) { b.Health, b.Network, b.Policy = HealthHealthy, "eng-net", "unless-stopped" }),
		"eng-shop-db-1":  with(running, func(b *brief) { b.Network, b.Policy = "eng-net", "always" }),
		"eng-sick":       with(running, func(b *brief) { b.Health = HealthUnhealthy }),
		"eng-starting":   with(running, func(b *brief) { b.Health = HealthStarting }),
		"eng-imagehc":    with(running, func(b *brief) { b.Health = HealthHealthy }),
		"eng-exit0":      exited(0),
		"eng-exit3":      exited(3),
		"eng-oom":        exited(137),
		"eng-killed":     exited(137),
		"eng-paused":     with(running, func(b *brief) { b.State = StatePaused }),
		"eng-created":    {State: StateCreated, Network: "bridge", Policy: "no"},
		"eng-startfail":  {State: StateCreated, HasExited: true, ExitCode: 127, Network: "bridge", Policy: "no"},
		"eng-host":       with(running, func(b *brief) { b.Network = "host" }),
		"eng-none":       with(running, func(b *brief) { b.Network = "none" }),
		"eng-oomchild":   running,
		"eng-tty":        running,
	}
	want["eng-crash-onfail"] = with(exited(2), func(b *brief) { b.Policy, b.Restarts = "on-failure", 3 })
	eachInspect(t, func(version, name string, data []byte) {
		in, err := decodeInspect(data)
		if err != nil {
			t.Errorf("%s %s: %v", version, name, err)
			return
		}
		if in.Name != name {
			t.Errorf("%s: got name %q, want %q", version, in.Name, name)
		}
		if in.Created.IsZero() || !strings.HasPrefix(in.ImageID, "sha256:") || in.Image == "" || in.Runtime != "runc" || in.Labels["eng"] != "1" {
			t.Errorf("%s %s: a fact is missing: %+v", version, name, in.Container)
		}
		expected, ok := want[name]
		if !ok {
			return
		}
		got := brief{in.State, in.PID > 0, in.HasExited, in.ExitCode, in.Health, in.NetworkMode, in.RestartPolicy, in.restartCount}
		if diff := cmp.Diff(got, expected); diff != "" {
			t.Errorf("%s %s (-got +want):\n%s", version, name, diff)
		}
	})
}

func TestDecodeInspect_limits(t *testing.T) {
	want := map[string]Limits{
		"eng-shop-web-1": {Memory: 64 << 20, MemorySwap: 128 << 20, MemoryReservation: 32 << 20, CPUQuota: 50_000, CPUPeriod: 100_000},
		"eng-shop-db-1":  {Memory: 200 << 20, MemorySwap: 400 << 20, CPUShares: 512, CPUSet: "0"},
		"eng-limits":     {Memory: 96 << 20, MemorySwap: -1, CPUQuota: 75_000, CPUPeriod: 50_000},
		"eng-tty":        {},
	}
	eachInspect(t, func(version, name string, data []byte) {
		expected, ok := want[name]
		if in, err := decodeInspect(data); ok && (err != nil || in.Limits != expected) {
			t.Errorf("%s %s: got %+v, %v, want %+v", version, name, in.Limits, err, expected)
		}
	})
}

func TestDecodeInspect_networkOwner(t *testing.T) {
	eachInspect(t, func(version, name string, data []byte) {
		in, err := decodeInspect(data)
		if err != nil {
			t.Fatal(err)
		}
		switch want := in.ID; name {
		case "eng-host":
			if in.NetworkOwner != "" {
				t.Errorf("%s: host mode has owner %q", version, in.NetworkOwner)
			}
		case "eng-joined":
			if !isID(in.NetworkOwner) || in.NetworkOwner == in.ID {
				t.Errorf("%s: joined has owner %q", version, in.NetworkOwner)
			}
		default:
			if in.NetworkOwner != want {
				t.Errorf("%s %s: got owner %q, want itself", version, name, in.NetworkOwner)
			}
		}
	})
}

func TestDecodeInspect_quirks(t *testing.T) {
	id := strings.Repeat("ab", 32)
	f := func(name, body string, check func(inspected) bool) {
		t.Helper()
		in, err := decodeInspect([]byte(`{"Id":"` + id + `",` + body + `}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if !check(in) {
			t.Errorf("%s: %s gave %+v", name, body, in)
		}
	}
	f("restarting is not running", `"State":{"Status":"restarting","Running":true,"Restarting":true,"Pid":7,"ExitCode":1,"FinishedAt":"2026-01-02T03:04:05Z"}`,
		func(in inspected) bool {
			return in.State == StateRestarting && in.PID == 0 && in.HasExited && in.ExitCode == 1
		})
	f("running again says nothing of the exit before", `"State":{"Status":"running","Pid":7,"ExitCode":0,"FinishedAt":"2026-01-02T03:04:05Z"}`,
		func(in inspected) bool { return !in.HasExited && !in.Finished.IsZero() })
	f("zero times", `"State":{"Status":"created","StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"}`,
		func(in inspected) bool { return in.Started.IsZero() && in.Finished.IsZero() && !in.HasExited })
	f("no times", `"State":{"Status":"created","StartedAt":"","FinishedAt":null}`,
		func(in inspected) bool { return in.Started.IsZero() && in.Finished.IsZero() })
	f("floats for integers", `"RestartCount":3.0,"State":{"Status":"exited","ExitCode":1.37e2,"Pid":4.2e1}`,
		func(in inspected) bool { return in.restartCount == 3 && in.ExitCode == 137 })
	f("numbers in quotes", `"RestartCount":"3"`, func(in inspected) bool { return in.restartCount == 3 })
	f("negative counts", `"RestartCount":-1,"State":{"Status":"running","Pid":-5}`,
		func(in inspected) bool { return in.restartCount == 0 && in.PID == 0 })
	f("nulls", `"Name":null,"State":null,"Config":null,"HostConfig":null,"Image":null`,
		func(in inspected) bool {
			return in.Name == "" && in.State == StateCreated && in.NetworkMode == "bridge"
		})
	f("other types", `"Name":7,"State":{"Status":["x"],"Running":true,"Pid":9},"Config":[1],"HostConfig":"x","Image":{}`,
		func(in inspected) bool { return in.State == StateRunning && in.PID == 9 && in.Name == "" })
	f("labels of other types", `"Config":{"Image":"x","Labels":{"a":"1","b":2,"c":null}}`,
		func(in inspected) bool { return cmp.Equal(in.Labels, map[string]string{"a": "1"}) })
	f("labels that are a list", `"Config":{"Image":"x","Labels":["a=1"]}`, func(in inspected) bool { return in.Labels == nil && in.Image == "x" })
	f("health none", `"State":{"Status":"running","Health":{"Status":"none"}}`, func(in inspected) bool { return in.Health == HealthNone })
	f("health null", `"State":{"Status":"running","Health":null}`, func(in inspected) bool { return in.Health == HealthNone })
	f("unknown status", `"State":{"Status":"stopped","FinishedAt":"2026-01-02T03:04:05Z"}`, func(in inspected) bool { return in.State == StateExited })
	f("network default", `"HostConfig":{"NetworkMode":"default"}`, func(in inspected) bool { return in.NetworkMode == "bridge" && in.NetworkOwner == id })
	f("network by name", `"HostConfig":{"NetworkMode":"container:web"}`, func(in inspected) bool { return in.NetworkOwner == "web" })
	f("long strings", `"Name":"/`+strings.Repeat("é", 5000)+`","Config":{"Image":"`+strings.Repeat("é", 5000)+`"}`,
		func(in inspected) bool {
			return len(in.Name) <= maxName && len(in.Image) <= maxImage && utf8.ValidString(in.Name)
		})
}

func TestDecodeInspect_errors(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, err := decodeInspect([]byte(body))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got error %v, want one with %q", body, err, want)
		}
	}
	f(`{}`, "malformed")
	f(`[]`, "malformed")
	f(`null`, "malformed")
	f(`{"Id":"../../etc/passwd"}`, "malformed")
	f(`{"Id":"abc`, "unexpected end")
	f("\n<!DOCTYPE html>", "HTML instead of JSON")
	f(``, "unexpected end")
}

func TestDecodeList_recordings(t *testing.T) {
	for _, version := range fakeengine.Versions() {
		items, err := decodeList(bytes.NewReader(readFile(t, version, "containers-json-all.json")))
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if len(items) != 28 {
			t.Errorf("%s: got %d containers, want 28", version, len(items))
		}
		for _, item := range items {
			in, err := decodeInspect(readFile(t, version, "inspect/"+item.Name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if item.ID != in.ID || item.NetworkOwner != in.NetworkOwner || !cmp.Equal(item.Labels, in.Labels) || item.Created.IsZero() {
				t.Errorf("%s %s: list and inspect disagree:\n%s", version, item.Name, cmp.Diff(item.Container, in.Container))
			}
		}
	}
}

func TestDecodeList_quirks(t *testing.T) {
	id := strings.Repeat("ab", 32)
	f := func(body string, names ...string) {
		t.Helper()
		items, err := decodeList(strings.NewReader(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		var got []string
		for _, item := range items {
			got = append(got, item.Name)
		}
		if !cmp.Equal(got, names) {
			t.Errorf("%s: got %q, want %q", body, got, names)
		}
	}
	f(`[]`)
	f(`[{"Id":"`+id+`","Names":["/other/alias","/own"]}]`, "own")
	f(`[{"Id":"`+id+`","Names":[]}]`, "")
	f(`[{"Id":"`+id+`","Names":null}]`, "")
	f(`[{"Id":"`+id+`","Names":"x","Created":1.7e9,"Labels":7}]`, "")
	f(`[null, 7, {"Id":"short"}, {"Id":"`+id+`","Names":["/a"]}]`, "a")

	bad := func(body, want string) {
		t.Helper()
		if _, err := decodeList(strings.NewReader(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", body, err, want)
		}
	}
	bad(`{"message":"x"}`, "not with a list")
	bad(`[{"Id":"`+id+`"}`, "EOF")
	bad(`[{"Id":`, "EOF")
	bad(`<html>`, "HTML instead of JSON")
	bad(``, "EOF")
}

func TestDecodeEvent_recordings(t *testing.T) {
	for _, version := range fakeengine.Versions() {
		dies, kinds := 0, map[eventKind]int{}
		for line := range bytes.Lines(readFile(t, version, "events.jsonl")) {
			ev, err := decodeEvent(bytes.TrimSpace(line))
			if err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			if ev.nano < 1e18 || ev.id == "" {
				t.Fatalf("%s: incomplete event %+v", version, ev)
			}
			if ev.kind == "container" && !isID(ev.id) {
				t.Errorf("%s: id %q", version, ev.id)
			}
			if ev.action == "die" {
				dies++
				if !ev.hasCode {
					t.Errorf("%s: die without exit code", version)
				}
			}
			kinds[eventKind{ev.kind, ev.action}]++
		}
		for _, action := range []string{"create", "start", "oom", "rename", "pause", "health_status", "exec_create"} {
			if kinds[eventKind{"container", action}] == 0 {
				t.Errorf("%s: no event %q among %v", version, action, kinds)
			}
		}
		if dies < 5 {
			t.Errorf("%s: only %d dies", version, dies)
		}
	}
}

func TestDecodeEvent_quirks(t *testing.T) {
	f := func(body string, want event) {
		t.Helper()
		got, err := decodeEvent([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	f(`{"Type":"container","Action":"health_status: healthy","Actor":{"ID":"x"},"timeNano":5}`,
		event{kind: "container", action: "health_status", id: "x", nano: 5, detail: "healthy"})
	f(`{"Type":"container","status":"die","id":"x","Actor":{"Attributes":{"exitCode":"3"}},"time":2}`,
		event{kind: "container", action: "die", id: "x", nano: 2e9, exitCode: 3, hasCode: true})
	f(`{"Type":"container","Action":"die","Actor":{"ID":"x","Attributes":{"exitCode":3}},"timeNano":1.795237747340195072e18}`,
		event{kind: "container", action: "die", id: "x", nano: 1795237747340195072})
	f(`{"Type":"container","Action":"kill","Actor":{"ID":"x","Attributes":{"name":"n","image":"i:1","signal":"15","image.x":"y"}},"timeNano":5}`,
		event{kind: "container", action: "kill", id: "x", nano: 5, name: "n", image: "i:1", signal: "15"})
	f(`{"Type":"network","Action":"connect","Actor":{"ID":"x","Attributes":{"name":"net","image":"no"}},"timeNano":5}`,
		event{kind: "network", action: "connect", id: "x", nano: 5, name: "net"})
	for _, bad := range []string{`{}`, `[]`, `{"Type":"container"`, `x`, `<html>`} {
		if _, err := decodeEvent([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestEventStream(t *testing.T) {
	good := `{"Type":"container","Action":"start","Actor":{"ID":"x"},"timeNano":5}`
	big := `{"Type":"container","Action":"` + strings.Repeat("x", 2*maxEventBytes) + `"}`
	body := "\x1e" + good + "\n\n  \r\n" + big + "\nnonsense\n" + good + "\r\n" + good
	s := newEventStream(readCloser{strings.NewReader(body)}, func() {}, 64<<20)
	defer s.close()
	var got []string
	for {
		_, skippable, err := s.next()
		switch {
		case err == nil:
			got = append(got, "event")
			continue
		case errors.Is(err, ErrTooLarge) && skippable:
			got = append(got, "too large")
			continue
		case skippable:
			got = append(got, "bad")
			continue
		case errors.Is(err, errStreamEnded):
			got = append(got, "end") // the last line is not complete: it may have been cut anywhere
		}
		break
	}
	if want := []string{"event", "too large", "bad", "event", "end"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	endless := newEventStream(readCloser{strings.NewReader(strings.Repeat("x", 5<<20))}, func() {}, 4<<20)
	if _, skippable, err := endless.next(); !errors.Is(err, ErrTooLarge) || skippable {
		t.Errorf("endless line: got skippable %v, error %v", skippable, err)
	}
	if cap(endless.line) > 2*maxEventBytes {
		t.Errorf("an endless line took %d bytes of memory", cap(endless.line))
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestClip(t *testing.T) {
	f := func(s string, limit int, want string) {
		t.Helper()
		if got := clip(s, limit); got != want {
			t.Errorf("clip(%q, %d): got %q, want %q", s, limit, got, want)
		}
	}
	f("abc", 3, "abc")
	f("abcd", 3, "abc")
	f("aé", 2, "a")
	f("é", 1, "")
	f("\x80\x80\x80", 2, "") // no beginning of a character to be found
	if got := oneLine("a\n b\t\x1b[31mc" + strings.Repeat("é", 200)); len(got) > maxMessage || strings.ContainsAny(got, "\n\t\x1b") {
		t.Errorf("got %q", got)
	}
}

func FuzzDecodeInspect(f *testing.F) {
	eachInspect(f, func(_, _ string, data []byte) { f.Add(data) })
	f.Add([]byte(`{"Id":"","State":{"Health":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := decodeInspect(data)
		if err != nil {
			return
		}
		known := false
		for _, s := range States() {
			known = known || in.State == s
		}
		switch {
		case !isID(in.ID):
			t.Errorf("id %q", in.ID)
		case !known:
			t.Errorf("state %q", in.State)
		case len(in.Name) > maxName || len(in.Image) > maxImage || len(in.Labels) > maxLabels:
			t.Errorf("unbounded: %d %d %d", len(in.Name), len(in.Image), len(in.Labels))
		case in.PID < 0 || in.FailingStreak < 0 || in.PID > 0 && !in.State.HasProcesses():
			t.Errorf("pid %d, streak %d in state %s", in.PID, in.FailingStreak, in.State)
		}
	})
}

func FuzzDecodeList(f *testing.F) {
	for _, version := range fakeengine.Versions() {
		var list []json.RawMessage
		if err := json.Unmarshal(readFile(f, version, "containers-json-all.json"), &list); err != nil {
			f.Fatal(err)
		}
		for _, item := range list[:4] { // the whole list would make the fuzzer slow
			f.Add([]byte("[" + string(item) + "]"))
		}
	}
	f.Add([]byte(`[{"Id":"` + strings.Repeat("a", 64) + `","Names":["/a/b","/c"]},{}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := decodeList(bytes.NewReader(data))
		if err != nil && items != nil {
			t.Error("half a list with an error")
		}
		for _, item := range items {
			if !isID(item.ID) || len(item.Name) > maxName {
				t.Errorf("%+v", item)
			}
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	for _, version := range fakeengine.Versions() {
		n := 0
		for line := range bytes.Lines(readFile(f, version, "events.jsonl")) {
			if n++; n%10 == 0 {
				f.Add(bytes.TrimSpace(line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ev, err := decodeEvent(data)
		if err == nil && (ev.kind == "" || len(ev.kind) > maxKind || len(ev.action) > maxKind || len(ev.id) > maxName) {
			t.Errorf("%+v", ev)
		}
	})
}

func BenchmarkDecodeInspect(b *testing.B) {
	data := readFile(b, "28.5.2", "inspect/eng-shop-web-1.json")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeInspect(data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseTime(t *testing.T) {
	f := func(s string, want time.Time) {
		t.Helper()
		if got := parseTime(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
	f("", time.Time{})
	f("0001-01-01T00:00:00Z", time.Time{})
	f("yesterday", time.Time{})
	f("2026-11-21T05:06:35.5+02:00", time.Date(2026, 11, 21, 3, 6, 35, 5e8, time.UTC))
}
