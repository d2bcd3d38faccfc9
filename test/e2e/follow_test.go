package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/test/internal/program"
)

// stopsWithin is how long tallyman may take to end.
const stopsWithin = 5 * time.Second

// event is what is sent of an event.
type event struct {
	Seq                uint64
	Type, Action, Name string
	ID, Image          string
	ExitCode           *float64 `json:"exit_code"`
}

// following reads events as they come; the function gives the next, nil at the end.
func following(t *testing.T, p *program.Program, query string) func() *event {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/api/v1/events?follow=1"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s", resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() *event {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var ev event
				if err := json.Unmarshal([]byte(data), &ev); err != nil {
					t.Errorf("%v: %s", err, data)
					return nil
				}
				return &ev
			}
		}
		return nil
	}
}

// TestFollow: 200 clients see a container come, die and go, in order; when tallyman is told to end, it does not wait for them.
func TestFollow(t *testing.T) {
	p, e := start(t)
	const name, clients = "tm-followed", 200
	e.Remove(t, name)
	var seen, ended sync.WaitGroup
	seen.Add(clients)
	for range clients {
		next := following(t, p, "&container="+name)
		ended.Go(func() {
			var actions []string
			for ev := next(); ev != nil; ev = next() {
				if ev.Type != "container" || ev.Name != name || ev.Image != image || len(ev.ID) != 64 {
					t.Errorf("got %+v", ev)
				}
				if ev.Action == "die" && (ev.ExitCode == nil || *ev.ExitCode != 5) {
					t.Errorf("it died: got %+v, want code 5", ev)
				}
				if actions = append(actions, ev.Action); ev.Action == "destroy" {
					seen.Done()
				}
			}
			if got := strings.Join(actions, " "); got != "create start die destroy" {
				t.Errorf("got %s", got)
			}
		})
	}
	network := following(t, p, "&type=network&type=volume")
	_, _ = e.Try("run", "--rm", "--name", name, "-v", "/data", image, "sh", "-c", "exit 5") // its exit code is that of the command
	seen.Wait()
	if ev := network(); ev == nil || ev.Type != "network" && ev.Type != "volume" {
		t.Errorf("got %+v, want what happened to its network or its volume", ev)
	}
	var list struct{ Events []event }
	text, err := p.Text(t.Context(), "/api/v1/events?type=container&container="+name)
	if err == nil {
		err = json.Unmarshal([]byte(text), &list)
	}
	if err != nil || len(list.Events) != 4 {
		t.Errorf("got %+v, %v, want 4 events", list, err)
	}
	code, took := p.Stop(t)
	ended.Wait()
	t.Logf("with %d followers it ended within %v", clients, took)
	if code != 0 || took > patience(stopsWithin) {
		t.Errorf("got code %d after %v", code, took)
	}
}
