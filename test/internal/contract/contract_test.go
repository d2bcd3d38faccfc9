package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/api"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
	"tallyman/test/internal/contract"
)

// source is a host made by hand.
type source struct {
	api.Source // what is not set is not asked

	snap    *collector.Snapshot
	err     error
	refresh engine.RefreshAnswer
}

func (s *source) Snapshot(context.Context) (*collector.Snapshot, error) {
	if s.fault() {
		panic("a fault")
	}
	return s.snap, s.err
}

func (s *source) Raw(c *collector.Container) (any, error) {
	switch {
	case c.Source != collector.SourceCgroup:
		return nil, cgroups.ErrNotFound
	case c.Name == "sidecar":
		panic("a fault")
	}
	return map[string]any{"pids": map[string]int{"current": 3}}, nil
}

func (s *source) History(string, string) []collector.Point {
	if s.fault() {
		panic("a fault")
	}
	nan := math.NaN()
	return []collector.Point{{Time: time.Now(), CPU: 1}, {Time: time.Now(), Memory: nan, CPU: nan, Throttled: nan, CPUPressure: nan}}
}

func (s *source) LastWords() []collector.LastWords {
	now := time.Now()
	return []collector.LastWords{
		{Name: "done", Started: now.Add(-time.Minute), Finished: now, HasExitCode: true, ExitCode: 137, OOMKilled: true, Removed: true, PeakMemory: 1 << 20, CPU: 0.5},
		{ID: sample.ID("b1"), PeakMemory: math.NaN(), CPU: math.NaN(), ThrottledRatio: math.NaN()},
	}
}

func (s *source) Events(int) []collector.Event {
	if s.fault() {
		panic("a fault")
	}
	return []collector.Event{
		{Seq: 1, Event: engine.Event{Time: time.Now(), Type: "container", Action: "die", ID: sample.ID("b1"), Name: "busy", Image: "x", HasExitCode: true, ExitCode: 3}},
		{Seq: 2, Engine: "far", Event: engine.Event{Type: "container", Action: "health_status", Detail: "unhealthy"}},
		{Seq: 3, Event: engine.Event{Type: "volume", Action: "destroy"}},
	}
}

func (s *source) Follow(context.Context, uint64) (*collector.Follower, error) {
	if s.fault() {
		panic("a fault")
	}
	return nil, errors.New("it is stopping")
}

func (s *source) Logs(_ context.Context, c *collector.Container, _ int) ([]engine.LogLine, error) {
	switch c.Name {
	case "sidecar":
		panic("a fault")
	case "created":
		return nil, engine.ErrNoLogs
	case "legacy":
		return nil, errors.New("the proxy refuses")
	}
	return []engine.LogLine{{Time: time.Now(), Stream: "stderr", Text: "a"}, {Text: "b"}}, nil
}

// fault says whether the source has one.
func (s *source) fault() bool { return s.snap == nil && s.err == nil }

func (s *source) RefreshDisk() []engine.RefreshAnswer { return []engine.RefreshAnswer{s.refresh} }

// open reads the document as it is served.
func open(t testing.TB) *contract.Contract {
	t.Helper()
	c := &contract.Contract{}
	err := c.Open(func() ([]byte, error) {
		w := httptest.NewRecorder()
		api.New(api.Options{}).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.yaml", nil))
		return w.Body.Bytes(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asker asks a server, and holds each answer against the contract.
type asker struct {
	*testing.T

	contract *contract.Contract
	handler  http.Handler
}

func (a asker) ask(method, address string, headers ...string) contract.Answer {
	a.Helper()
	r := httptest.NewRequest(method, "/", nil)
	u, err := url.Parse(address)
	if err != nil {
		a.Fatal(err)
	}
	r.URL = u
	for _, line := range headers {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	answer := contract.Answer{Request: r, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	if method == "HEAD" {
		answer.Body = nil // net/http does not send it
	}
	if err := a.contract.Check(answer); err != nil {
		a.Error(err)
	}
	return answer
}

// addresses are those of the API with every parameter in every form, over a snapshot's containers.
func addresses(s *collector.Snapshot) []string {
	all := []string{
		"/api/v1/summary", "/api/v1/capabilities", "/api/v1/openapi.yaml", "/api/v1/containers", "/api/v1/containers?name=s", "/api/v1/containers?name=*s*",
		"/api/v1/containers?label=evil", "/api/v1/containers?label=evil=*", "/api/v1/containers?label=empty=&label=evil", "/api/v1/containers?limit=1",
		"/api/v1/history", "/api/v1/events", "/api/v1/events?limit=1&type=container&type=volume&container=busy&follow=0", "/api/v1/events?limit=0", "/api/v1/last-words",
		"/api/v1/containers?limit=10000", "/api/v1/containers?state=exited&state=dead&name=e&sort=-memory&limit=3",
	}
	for _, state := range engine.States() {
		all = append(all, "/api/v1/containers?state="+string(state))
	}
	for _, e := range s.Engines {
		all = append(all, "/api/v1/containers?engine="+url.QueryEscape(e.Name))
	}
	for _, key := range []string{
		"name", "attention", "cpu", "cpu_percent", "memory", "memory_percent", "throttled", "pressure", "receive", "transmit", "read", "write", "restarts",
		"created", "started", "exit_code",
	} {
		all = append(all, "/api/v1/containers?sort="+key, "/api/v1/containers?sort=-"+key)
	}
	for i := range s.Containers {
		c := &s.Containers[i]
		name := c.Name
		if name == "" {
			name = path.Base(c.ID) // the id: its cgroup is called so
		}
		address := "/api/v1/containers/" + url.PathEscape(name)
		if c.Engine != "" {
			address += "?engine=" + url.QueryEscape(c.Engine)
		}
		all = append(all, address, strings.Replace(address, "?", "/history?", 1))
		if c.Engine == "" {
			all[len(all)-1] = address + "/history"
		}
	}
	return all
}

// mistakes are requests that cannot be answered.
func mistakes() []string {
	return []string{
		"/api", "/api/", "/api/v2/summary", "/api/v1/nonsense", "/api/v1/containers/", "/api/v1/containers/a/b/c", "/api/v1/containers/../../etc/passwd",
		"/api/v1/containers/..%2f..%2fetc%2fpasswd", "/api/v1/containers/%00", "/api/v1/containers/*", "/api/v1/containers/" + strings.Repeat("a", 4096),
		"/api/v1/containers/nonsense", "/api/v1/containers/nonsense/cgroup", "/api/v1/containers/created/cgroup", "/api/v1/containers/e",
		"/api/v1/containers/e/cgroup", "/api/v1/containers/busy?x=1", "/api/v1/containers/busy/cgroup?x=1", "/api/v1/containers/busy?engine=x",
		"/api/v1/containers?limit=-1", "/api/v1/containers?limit=x", "/api/v1/containers?limit=0", "/api/v1/containers?limit=10001",
		"/api/v1/containers?limit=1&limit=2", "/api/v1/containers?sort=x", "/api/v1/containers?sort=cpu&sort=cpu", "/api/v1/containers?name=[",
		"/api/v1/containers?name=a&name=b", "/api/v1/containers?label==x", "/api/v1/containers?label=a=[", "/api/v1/containers?state=up",
		"/api/v1/containers?engine=x", "/api/v1/containers?x", "/api/v1/containers?name=%zz", "/api/v1/containers?label=token=x", "/api/v1/summary?refresh=2",
		"/api/v1/summary?x", "/api/v1/capabilities?x",
		"/api/v1/containers/busy/history?x", "/api/v1/containers/nonsense/history", "/api/v1/containers/e/history", "/api/v1/history?x", "/api/v1/last-words?x",
		"/api/v1/events?x", "/api/v1/events?limit=-1", "/api/v1/events?limit=1001", "/api/v1/events?type=x", "/api/v1/events?follow=2", "/api/v1/events?container=",
		"/api/v1/containers/busy/logs?tail=0", "/api/v1/containers/busy/logs?tail=101", "/api/v1/containers/e/logs", "/api/v1/containers/created/logs", "/api/v1/containers/nonsense/logs",
	}
}

// TestContract_everything: every answer of every address, of every state of the host and of every mistake, is as documented, and
// whatever is documented is answered.
func TestContract_everything(t *testing.T) {
	blank := &collector.Snapshot{Host: sample.Blank("/", "", ""), Containers: []collector.Container{sample.Blank("/x", "x", "")}}
	c := open(t)
	ready := engine.RefreshAnswer{Taken: true}
	for name, s := range map[string]*collector.Snapshot{
		"sample": sample.Snapshot(), "away": sample.Away(), "several": sample.Several(), "many": sample.Many(20), "blank": blank, "nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			a := asker{t, c, api.New(api.Options{Source: &source{snap: s, refresh: ready}}).Handler()}
			for _, address := range append(addresses(s), "/api/v1/summary?refresh=1") {
				got := a.ask("GET", address)
				if got.Status >= 300 {
					t.Errorf("%s: got %d: %s", address, got.Status, got.Body)
				}
				a.ask("HEAD", address)
				if tag := got.Header.Get("ETag"); tag != "" {
					a.ask("GET", address, "If-None-Match: "+tag)
				}
			}
		})
	}
	a := asker{t, c, api.New(api.Options{Source: &source{snap: sample.Snapshot()}}).Handler()}
	a.ask("GET", "/api/v1/containers/busy/cgroup")
	a.ask("GET", "/api/v1/containers/sidecar/cgroup") // a fault
	a.ask("GET", "/api/v1/containers/busy/logs")      // they are off
	a.handler = api.New(api.Options{Source: &source{snap: sample.Snapshot()}, Logs: true}).Handler()
	for _, address := range []string{"busy/logs", "busy/logs?tail=1&engine=", "sidecar/logs", "created/logs", "legacy/logs"} {
		a.ask("GET", "/api/v1/containers/"+address)
	}
	discover(a)
	for _, address := range mistakes() {
		for _, method := range []string{"GET", "HEAD"} {
			if got := a.ask(method, address); got.Status < 400 || got.Status >= 500 {
				t.Errorf("%s %s: got %d", method, address, got.Status)
			}
		}
	}
	everywhere := []string{
		"/api/v1/summary", "/api/v1/containers", "/api/v1/containers/busy", "/api/v1/containers/busy/cgroup", "/api/v1/capabilities", "/api/v1/openapi.yaml", "/api/v1/x",
		"/api/v1/containers/busy/history", "/api/v1/containers/busy/logs", "/api/v1/history", "/api/v1/events", "/api/v1/events?follow=1", "/api/v1/last-words",
		"/api/v1/sd", "/api/v1/sd/problems",
	}
	soon := engine.RefreshAnswer{Reason: engine.RefreshTooSoon, Next: time.Now().Add(time.Minute)}
	a.handler = api.New(api.Options{Source: &source{snap: sample.Snapshot(), refresh: soon}}).Handler()
	a.ask("GET", "/api/v1/summary?refresh=1")
	for _, address := range everywhere {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			a.ask(method, address)
		}
		a.ask("GET", address+"?"+strings.Repeat("x", 9000))
	}
	for _, broken := range []*source{{err: errors.New("no such tree")}, {}} { // the second one has a fault
		a.handler = api.New(api.Options{Source: broken, Logs: true, Discovery: true}).Handler()
		for _, address := range everywhere {
			a.ask("GET", address)
		}
	}
	unseen := slices.DeleteFunc(c.Unseen(), func(answer string) bool {
		return answer == "/api/v1/openapi.yaml 500" // has nothing that could break
	})
	if len(unseen) > 0 {
		t.Errorf("documented, but never answered: %q", unseen)
	}
	t.Log(c)
}

// discover asks for targets, where one container asks to be scraped and another one asks in vain.
func discover(a asker) {
	addresses := []string{"/api/v1/sd", "/api/v1/sd/problems"}
	for _, address := range addresses {
		a.ask("GET", address) // it is off
	}
	s := sample.Snapshot()
	for i := range s.Containers {
		if f := s.Containers[i].Facts; f != nil && s.Containers[i].Name != "" {
			f.Labels = map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "80"}
			f.NetworkMode, f.NetworkOwner = "host", ""
			if f.Name == "legacy" {
				f.Labels["prometheus.io/scheme"] = "ftp"
			}
		}
	}
	a.handler = api.New(api.Options{Source: &source{snap: s}, Discovery: true}).Handler()
	for _, address := range addresses {
		for query, want := range map[string]int{
			"": 200, "?address=published&host=rack7": 200, "?network=shop": 200, "?address=container&host=10.0.0.1": 200,
			"?address=x": 400, "?host=a:1": 400, "?network=": 400, "?engine=x": 400, "?network=a&address=published": 400, "?x": 400,
		} {
			got := a.ask("GET", address+query)
			if got.Status != want {
				a.Errorf("%s%s: got %d", address, query, got.Status)
			}
			a.ask("HEAD", address+query)
			if tag := got.Header.Get("ETag"); tag != "" {
				a.ask("GET", address+query, "If-None-Match: "+tag)
			}
		}
	}
}

// TestContract_violations: whatever is not as documented is found.
func TestContract_violations(t *testing.T) {
	c := open(t)
	a := asker{t, c, api.New(api.Options{Source: &source{snap: sample.Snapshot()}}).Handler()}
	for what, tt := range map[string]struct {
		address string
		change  func(body map[string]any, answer *contract.Answer)
	}{
		"a field more":           {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { b["more"] = 1 }},
		"a field more, deep":     {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { in(b, "host", "pressure")["more"] = 1 }},
		"a field more, in lists": {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { in(b, "containers", 3, "cpu")["more"] = 1 }},
		"a field more, if known": {"/api/v1/containers/busy", func(b map[string]any, _ *contract.Answer) { in(b, "facts")["more"] = 1 }},
		"a field less":           {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { delete(b, "top") }},
		"a field less, in lists": {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { delete(in(b, "containers", 3), "pids") }},
		"no field, if known":     {"/api/v1/containers/busy", func(b map[string]any, _ *contract.Answer) { delete(in(b, "facts"), "pid") }},
		"null":                   {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { b["total"] = nil }},
		"null for a list":        {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { b["containers"] = nil }},
		"null for an object":     {"/api/v1/containers/busy", func(b map[string]any, _ *contract.Answer) { b["limits"] = nil }},
		"a text for a number":    {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { in(b, "host")["cores"] = "8" }},
		"a number for a text":    {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { in(b, "host")["name"] = 8 }},
		"a fraction":             {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { b["total"] = 1.5 }},
		"no time":                {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { b["time"] = "yesterday" }},
		"another word":           {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { in(b, "containers", 3)["state"] = "frozen" }},
		"another reason": {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) {
			in(b, "attention", 0)["reasons"] = []any{"bored"}
		}},
		"too much":           {"/api/v1/containers", func(b map[string]any, _ *contract.Answer) { in(b, "containers", 2, "pressure")["cpu"] = 1.5 }},
		"less than none":     {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { in(b, "host")["cpu_cores"] = -1 }},
		"another state":      {"/api/v1/summary", func(b map[string]any, _ *contract.Answer) { in(b, "containers", "states")["frozen"] = 1 }},
		"another type":       {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Header.Set("Content-Type", "text/html") }},
		"another status":     {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Status = 418 }},
		"no ETag":            {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Header.Del("ETag") }},
		"another ETag":       {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Header.Set("ETag", "x") }},
		"not modified":       {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Status = 304 }},
		"no problem":         {"/api/v1/containers/e", func(_ map[string]any, a *contract.Answer) { a.Header.Set("Content-Type", "application/json") }},
		"more in a problem":  {"/api/v1/containers/e", func(b map[string]any, _ *contract.Answer) { b["error"] = "x" }},
		"less in a problem":  {"/api/v1/containers/e", func(b map[string]any, _ *contract.Answer) { delete(b, "title") }},
		"one candidate":      {"/api/v1/containers/e", func(b map[string]any, _ *contract.Answer) { b["candidates"] = b["candidates"].([]any)[:1] }},
		"an unknown address": {"/api/v1/x", func(b map[string]any, _ *contract.Answer) { b["error"] = "x" }},
		"an answer there":    {"/api/v1/x", func(_ map[string]any, a *contract.Answer) { a.Status = 200 }},
		"a refused method":   {"/api/v1/summary", func(_ map[string]any, a *contract.Answer) { a.Request.Method = "POST" }},
		"no such parameter":  {"/api/v1/containers", func(_ map[string]any, a *contract.Answer) { a.Request.URL.RawQuery = "limit=0" }},
	} {
		got := a.ask("GET", tt.address)
		var body map[string]any
		if err := json.Unmarshal(got.Body, &body); err != nil {
			t.Fatal(err)
		}
		got.Header = maps.Clone(got.Header)
		tt.change(body, &got)
		got.Body, _ = json.Marshal(body)
		if err := c.Check(got); err == nil {
			t.Errorf("%s: not found", what)
		} else if testing.Verbose() {
			t.Logf("%s: %.200s", what, err)
		}
	}
	if text := c.String(); !strings.HasSuffix(text, "violations") || strings.HasSuffix(text, " 0 violations") {
		t.Errorf("they were not counted: %s", text)
	}
}

// in goes down into an object.
func in(v any, steps ...any) map[string]any {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v.(map[string]any)
}

// TestOpen: a document that is not valid is refused.
func TestOpen(t *testing.T) {
	document, err := os.ReadFile("../../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for old, changed := range map[string]string{
		"openapi: 3.1.0":                  "openapi: 3.0.3",
		"#/components/schemas/Containers": "#/components/schemas/Nonsense",
		"in: path":                        "in: nowhere",
		"type: [number, \"null\"]":        "type: [nonsense]",
		"description: The summary\n":      "nonsense: x\n",
		"      - ":                        "  - ",
	} {
		if !bytes.Contains(document, []byte(old)) {
			t.Fatalf("%q is not in the document", old)
		}
		c := &contract.Contract{}
		if err := c.Open(func() ([]byte, error) { return bytes.Replace(document, []byte(old), []byte(changed), 1), nil }); err == nil {
			t.Errorf("%q for %q was accepted", changed, old)
		}
	}
	if err := new(contract.Contract).Open(func() ([]byte, error) { return nil, errors.New("gone") }); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v", err)
	}
	if err := new(contract.Contract).Check(contract.Answer{}); err == nil {
		t.Error("an answer was checked against nothing")
	}
}
