package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

// answerOf decodes an answer, and checks its status.
func answerOf[T any](t *testing.T, got answer, status int) T {
	t.Helper()
	var out T
	text := bodyOf(t, got)
	if err := json.Unmarshal([]byte(text), &out); err != nil || got.StatusCode != status {
		t.Fatalf("got %s, %v: %s", got.Status, err, text)
	}
	return out
}

// object is an answer as any client sees it.
type object = map[string]any

// TestHistory: points of the container that is asked for, and of the host; what is not known is null.
func TestHistory(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	source := &fake{snap: sample.Snapshot(), history: []collector.Point{
		{
			Time: sample.Now(), Memory: 5, CPU: nan, Throttled: nan, Receive: nan, Transmit: nan, Read: nan, Write: nan,
			CPUPressure: nan, MemoryPressure: nan, IOPressure: nan,
		},
		{
			Time: sample.Now().Add(5 * time.Second), Memory: 6, CPU: 1.5, Throttled: 0.25, Receive: 1, Transmit: 2, Read: 3, Write: 4,
			CPUPressure: 0.1, MemoryPressure: 0.2, IOPressure: 0.3,
		},
	}}
	h, _ := newTest(t, Options{Source: source})
	for _, address := range []string{"/api/v1/containers/busy/history", "/api/v1/history"} {
		got := answerOf[object](t, ask(h, "GET", address), 200)
		points := got["points"].([]any)
		first, second := points[0].(object), points[1].(object)
		if len(points) != 2 || first["memory_working_set_bytes"] != 5.0 || first["cpu_cores"] != nil || len(first) != 11 {
			t.Errorf("%s: got %v", address, points)
		}
		for key, want := range map[string]any{
			"time": "2026-11-21T09:30:05.25Z", "cpu_cores": 1.5, "throttled_ratio": 0.25, "receive_bytes_per_second": 1.0, "transmit_bytes_per_second": 2.0,
			"read_bytes_per_second": 3.0, "write_bytes_per_second": 4.0, "cpu_pressure": 0.1, "memory_pressure": 0.2, "io_pressure": 0.3,
		} {
			if second[key] != want {
				t.Errorf("%s: %s is %v, want %v", address, key, second[key], want)
			}
		}
	}
	answerOf[object](t, ask(h, "GET", "/api/v1/containers/nobody/history"), 404)
	source.history = nil
	if got := answerOf[object](t, ask(h, "GET", "/api/v1/history"), 200); len(got["points"].([]any)) != 0 {
		t.Errorf("got %v, want an empty list", got)
	}
}

// TestLastWords: what is known is there, and the rest is null.
func TestLastWords(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	h, _ := newTest(t, Options{Source: &fake{snap: sample.Snapshot(), lastWords: []collector.LastWords{
		{
			Engine: "e", ID: "i", Name: "n", Image: "m", Started: sample.Now(), Finished: sample.Now().Add(90 * time.Second), HasExitCode: true, ExitCode: 137,
			OOMKilled: true, PeakMemory: 7, CPU: 8, ThrottledRatio: 0.5, Removed: true,
		},
		{ID: "i", Finished: sample.Now(), PeakMemory: nan, CPU: nan, ThrottledRatio: nan},
	}}})
	got := answerOf[object](t, ask(h, "GET", "/api/v1/last-words"), 200)["last_words"].([]any)
	for key, want := range map[string]any{
		"engine": "e", "id": "i", "name": "n", "image": "m", "started_at": "2026-11-21T09:30:00.25Z", "finished_at": "2026-11-21T09:31:30.25Z",
		"duration_seconds": 90.0, "exit_code": 137.0, "oom_killed": true, "peak_memory_bytes": 7.0, "cpu_seconds": 8.0, "throttled_ratio": 0.5, "removed": true,
	} {
		if first := got[0].(object); first[key] != want {
			t.Errorf("%s is %v, want %v", key, first[key], want)
		}
	}
	for key, v := range got[1].(object) {
		if v != nil && !slices.Contains([]string{"id", "finished_at", "oom_killed", "removed"}, key) {
			t.Errorf("%s is %v, which is not known", key, v)
		}
	}
}

// TestEvents: the latest, of the kinds that are asked for.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	for n := range 1200 {
		ev := engine.Event{Type: "container", Action: "start", ID: fmt.Sprintf("id%04d", n), Name: fmt.Sprint("name", n%3)}
		if n%4 == 0 {
			ev.Type = []string{"image", "network", "volume"}[n/4%3]
		}
		s.happen(1, ev)
	}
	s.happen(1, engine.Event{Time: sample.Now(), Type: "container", Action: "die", ID: "dead", Name: "<b>", HasExitCode: true, ExitCode: 0})
	h := s.Handler()
	list := func(query string) []any {
		t.Helper()
		return answerOf[object](t, ask(h, "GET", "/api/v1/events"+query), 200)["events"].([]any)
	}
	last := list("?limit=1")[0].(object)
	for key, want := range map[string]any{
		"seq": 1201.0, "time": "2026-11-21T09:30:00.25Z", "engine": nil, "type": "container", "action": "die", "detail": nil, "id": "dead",
		"name": "<b>", "image": nil, "exit_code": 0.0, "signal": nil,
	} {
		if last[key] != want {
			t.Errorf("%s is %v, want %v", key, last[key], want)
		}
	}
	for query, want := range map[string]int{
		"": 100, "?limit=0": 0, "?limit=7": 7, "?limit=1000": 1000, "?type=image&limit=1000": 83, "?type=image&type=volume&limit=1000": 166, "?type=daemon": 0,
		"?container=id1199": 1, "?container=id119": 8, "?container=/name1&limit=1000": 250, "?container=nobody": 0, "?container=id1196": 0, "?follow=0&limit=3": 3,
	} {
		if got := list(query); len(got) != want {
			t.Errorf("%q: got %d events, want %d", query, len(got), want)
		}
	}
	for query, word := range map[string]string{
		"limit=-1": "0 to 1000", "limit=1001": "0 to 1000", "limit=x": "0 to 1000", "limit=": "0 to 1000", "limit=1&limit=2": "once", "type=x": "container, image", "type=": "container, image",
		"container=": "beginning of its id", "container=a&container=b": "once", "follow=2": "follow", "since=1": "since", "%zz": "query",
	} {
		got := ask(h, "GET", "/api/v1/events?"+query)
		if text := bodyOf(t, got); got.StatusCode != 400 || !strings.Contains(text, word) {
			t.Errorf("%q: got %s: %s", query, got.Status, text)
		}
	}
}

// TestContainerLogs: lines as they are where that is switched on; otherwise it is said which flag it takes.
func TestContainerLogs(t *testing.T) {
	t.Parallel()
	source := &fake{snap: sample.Snapshot(), logs: []engine.LogLine{{Text: "tty </script>"}, {Time: sample.Now(), Stream: "stderr", Text: "über"}}}
	h, _ := newTest(t, Options{Source: source, Logs: true})
	lines := answerOf[object](t, ask(h, "GET", "/api/v1/containers/busy/logs"), 200)["lines"].([]any)
	if first := lines[0].(object); len(lines) != 2 || first["time"] != nil || first["stream"] != nil || first["text"] != "tty </script>" {
		t.Errorf("got %v", lines)
	}
	lines = answerOf[object](t, ask(h, "GET", "/api/v1/containers/busy/logs?tail=1"), 200)["lines"].([]any)
	if last := lines[0].(object); len(lines) != 1 || last["time"] != "2026-11-21T09:30:00.25Z" || last["stream"] != "stderr" || last["text"] != "über" {
		t.Errorf("got %v", lines)
	}
	check := func(target string, status int, words string) {
		t.Helper()
		got := ask(h, "GET", target)
		if text := bodyOf(t, got); got.StatusCode != status || !strings.Contains(text, words) {
			t.Errorf("%s: got %s: %s", target, got.Status, text)
		}
	}
	for _, query := range []string{"tail=0", "tail=101", "tail=-1", "tail=x", "tail=", "tail=1&tail=2", "%zz", "follow=1"} {
		check("/api/v1/containers/busy/logs?"+query, 400, "tail")
	}
	check("/api/v1/containers/nobody/logs", 404, "no such container")
	for err, status := range map[error]int{
		fmt.Errorf("%w (none)", engine.ErrNoLogs): 404, engine.ErrNoContainer: 404, errors.New("unix:///x answered 403 to GET /containers/{id}/logs"): 502,
	} {
		source.logsErr = err
		check("/api/v1/containers/busy/logs", status, err.Error())
	}
	h, _ = newTest(t, Options{})
	check("/api/v1/containers/busy/logs", 404, "--web.logs")
}

// FuzzEventsQuery: every query is answered, with events or with what is wrong.
func FuzzEventsQuery(f *testing.F) {
	for _, query := range []string{"limit=1", "type=image&type=x", "container=%ff", "%zz", "follow=0", "tail=5", ";"} {
		f.Add(query)
	}
	h, _ := newTest(f, Options{Logs: true})
	f.Fuzz(func(t *testing.T, query string) {
		if q, err := parseEvents(query); err == nil && q.follow {
			return // it has no end
		}
		for _, address := range []string{"/api/v1/events", "/api/v1/containers/busy/logs"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = &url.URL{Path: address, RawQuery: query}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 400 && w.Code != 404 && w.Code != 414 || w.Code != 414 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s?%s: got %d: %s", address, query, w.Code, w.Body)
			}
		}
	})
}
