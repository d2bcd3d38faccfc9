package fakeengine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial returns a client that talks to e whatever the host in the URL.
func dial(t *testing.T, e *Engine) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, e.network, e.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}
}

func ask(t *testing.T, c *http.Client, path string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get("http://engine" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestEngine_answersLikeTheRecordedOnes(t *testing.T) {
	for _, version := range Versions() {
		e := ForTest(t, Options{Version: version})
		c := dial(t, e)
		f := func(path string, status int, want string) {
			t.Helper()
			resp, body := ask(t, c, path)
			if resp.StatusCode != status || !strings.Contains(body, want) {
				t.Errorf("%s %s: got %d %.200q, want %d with %q", version, path, resp.StatusCode, body, status, want)
			}
			if got := resp.Header.Get("Api-Version"); got != e.apiMax {
				t.Errorf("%s %s: Api-Version %q, want %q", version, path, got, e.apiMax)
			}
		}
		f("/_ping", 200, "OK")
		f("/version", 200, `"ApiVersion":"`+e.apiMax+`"`)
		f("/v1.41/info", 200, `"CgroupDriver":"cgroupfs"`)
		f("/v1.41/containers/json?all=1", 200, "/eng-exit3")
		f("/containers/eng-exit3/json", 200, `"ExitCode":3`)
		f("/containers/"+e.ID("eng-exit3")+"/json", 200, `"Name":"/eng-exit3"`)
		f("/containers/nope/json", 404, `{"message":"No such container: nope"}`)
		f("/images/json", 200, `"registry.example.test:5000/team/eng-app:v1.2.3"`)
		f("/nonsense", 404, "page not found")
		f("/v1.99/version", 400, "client version 1.99 is too new. Maximum supported API version is "+e.apiMax)
		f("/v1.1/version", 400, "client version 1.1 is too old. Minimum supported API version is "+e.apiMin)
		if _, body := ask(t, c, "/containers/json"); strings.Contains(body, "/eng-exit3") {
			t.Errorf("%s: an exited container among the running ones", version)
		}
		if len(e.IDs()) != 28 || e.Requests("/containers/{id}/json") != 3 {
			t.Errorf("%s: %d containers, %d inspects", version, len(e.IDs()), e.Requests("/containers/{id}/json"))
		}
	}
	if _, err := Recorded("1.0"); err == nil || !strings.Contains(err.Error(), "20.10.24") {
		t.Errorf("unknown recording: %v", err)
	}
}

// TestEngine_diskUsage: parts of the answer come and go as the recorded engines had it.
func TestEngine_diskUsage(t *testing.T) {
	f := func(version, path, want string) {
		t.Helper()
		c := dial(t, ForTest(t, Options{Version: version}))
		_, body := ask(t, c, path)
		var doc map[string]any
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, key := range slices.Sorted(maps.Keys(doc)) {
			if list, ok := doc[key].([]any); ok {
				key += fmt.Sprint("=", len(list))
			} else if doc[key] == nil {
				key += "=null"
			}
			got = append(got, key)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", version, path, got, want)
		}
	}
	const all20 = "BuildCache=null BuilderSize Containers=28 Images=5 LayersSize Volumes=4"
	f("20.10.24", "/system/df", all20)
	f("20.10.24", "/v1.41/system/df?type=volume", all20)
	f("28.5.2", "/v1.51/system/df?verbose=1", "BuildCache=0 Containers=28 Images=6 LayersSize Volumes=4")
	f("28.5.2", "/v1.42/system/df?type=volume&type=container", "BuildCache=null Containers=28 Images=null LayersSize Volumes=4")
	f("29.7.2", "/v1.51/system/df?type=image", "BuildCache=null Containers=null Images=5 LayersSize Volumes=null")
	f("29.7.2", "/system/df?type=image", "ImageUsage Images=5 LayersSize")
	f("29.7.2", "/system/df?type=image&verbose=1", "ImageUsage")
	f("29.7.2", "/system/df?verbose=1", "BuildCacheUsage ContainerUsage ImageUsage VolumeUsage")
}

// TestEngine_pipe: it is reached by Dial only, and refuses while it is stopped.
func TestEngine_pipe(t *testing.T) {
	e := ForTest(t, Options{Listen: "pipe://engine"})
	transport := &http.Transport{DialContext: e.Dial}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	f := func(want error) {
		t.Helper()
		resp, err := c.Get("http://engine/_ping")
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	f(nil)
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	f(syscall.ECONNREFUSED)
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	f(nil)
}

// listen opens an event stream and returns its lines.
func listen(t *testing.T, e *Engine, path string, query url.Values) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := dial(t, e).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	return bufio.NewReader(resp.Body)
}

func line(t *testing.T, r *bufio.Reader) map[string]any {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return doc
}

func TestEngine_mutatorsChangeAndTell(t *testing.T) {
	e := ForTest(t, Options{})
	c := dial(t, e)
	events := listen(t, e, "/events", nil)
	id := e.Create("x", "busybox")
	f := func(action, status, list string) {
		t.Helper()
		ev := line(t, events)
		if ev["Action"] != action || ev["Type"] != "container" || object(ev, "Actor")["ID"] != id {
			t.Errorf("got event %v, want %s", ev, action)
		}
		if status == "" {
			return
		}
		_, body := ask(t, c, "/containers/"+id+"/json")
		if !strings.Contains(body, `"Status":"`+status+`"`) {
			t.Errorf("after %s: %s", action, body)
		}
		if _, body = ask(t, c, "/containers/json?all=1"); !strings.Contains(body, list) {
			t.Errorf("after %s: the list has no %s", action, list)
		}
	}
	f("create", "created", `"Names":["/x"]`)
	e.Run("x")
	f("start", "running", `"State":"running"`)
	e.Pause("x")
	f("pause", "paused", `"State":"paused"`)
	e.Unpause("x")
	f("unpause", "running", `"State":"running"`)
	e.Health("x", "unhealthy")
	f("health_status: unhealthy", "unhealthy", "")
	e.Rename("x", "y")
	f("rename", "running", `"Names":["/y"]`)
	e.Update("y", func(doc map[string]any) { object(doc, "HostConfig")["Memory"] = 7 })
	f("update", "running", "")
	e.OOM("y")
	f("oom", "running", "")
	e.DieToRestart("y", 1)
	f("die", "restarting", `"State":"restarting"`)
	e.ManualRun("y")
	f("update", "running", "")
	f("start", "running", "")
	e.Die("y", 0)
	f("die", "exited", `"State":"exited"`)
	e.Mute(true)
	e.Rename("y", "z")
	e.Mute(false)
	e.Destroy("z")
	f("destroy", "", "")
	if resp, _ := ask(t, c, "/containers/"+id+"/json"); resp.StatusCode != http.StatusNotFound || e.ID("z") != "" {
		t.Error("destroyed, but still there")
	}
}

func TestEngine_tagsMove(t *testing.T) {
	e := ForTest(t, Options{})
	c := dial(t, e)
	events := listen(t, e, "/events", nil)
	f := func(action, id, list string) {
		t.Helper()
		if ev := line(t, events); ev["Type"] != "image" || ev["Action"] != action || object(ev, "Actor")["ID"] != id {
			t.Errorf("got event %v, want %s of %s", ev, action, id)
		}
		if _, body := ask(t, c, "/images/json"); !strings.Contains(body, list) {
			t.Errorf("after %s: %s does not contain %s", action, body, list)
		}
	}
	e.Tag("x:1", "sha256:new")
	f("tag", "sha256:new", `"Id":"sha256:new","RepoTags":["x:1"]`)
	e.Tag("x:1", "sha256:newer")
	f("tag", "sha256:newer", `"Id":"sha256:new","RepoTags":[]`)
	e.Create("x", "x:1")
	if ev := line(t, events); ev["Action"] != "create" {
		t.Errorf("got event %v", ev)
	}
	if _, body := ask(t, c, "/containers/x/json"); !strings.Contains(body, `"Image":"sha256:newer"`) {
		t.Errorf("created from another image than the tag names: %s", body)
	}
	e.Untag("x:1")
	f("untag", "sha256:newer", `"Id":"sha256:newer","RepoTags":[]`)
}

func TestEngine_eventFiltersAndHistory(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	e := ForTest(t, Options{Now: func() time.Time { return clock }})
	for n := range 300 {
		clock = time.Unix(1_700_000_000+int64(n), 0)
		e.Emit("container", fmt.Sprint("n", n), "id", nil)
	}
	if got := line(t, listen(t, e, "/events", url.Values{"since": {"0"}})); got["Action"] != "n44" {
		t.Errorf("the history begins with %v, want the latest 256", got["Action"])
	}
	if got := line(t, listen(t, e, "/events", url.Values{"since": {"1700000290.500000000"}})); got["Action"] != "n291" {
		t.Errorf("since a moment: got %v", got["Action"])
	}
	for _, filters := range []string{
		`{"type":["container"],"event":["health_status","die"]}`, `{"type":{"container":true},"event":{"health_status":true,"die":true}}`,
	} {
		events := listen(t, e, "/events", url.Values{"filters": {filters}})
		e.Emit("network", "die", "id", nil)
		e.Emit("container", "exec_die", "id", nil)
		e.Emit("container", "health_status: healthy", "id", nil)
		e.Emit("container", "die", "id", nil)
		if a, b := line(t, events)["Action"], line(t, events)["Action"]; a != "health_status: healthy" || b != "die" {
			t.Errorf("%s: got %v, %v", filters, a, b)
		}
	}
	e.Replay("n299", "id")
}

func TestEngine_eventsByAPIVersion(t *testing.T) {
	e := ForTest(t, Options{Version: "29.7.2", Now: func() time.Time { return time.Unix(1795237747, 340194950) }})
	old, recent := listen(t, e, "/v1.51/events", nil), listen(t, e, "/v1.55/events", nil)
	e.Emit("container", "start", "id", map[string]string{"image": "x"})
	a, b := line(t, old), line(t, recent)
	if a["status"] != "start" || a["id"] != "id" || a["timeNano"] != json.Number("1795237747340195000") {
		t.Errorf("1.51: %v", a)
	}
	if b["status"] != nil || b["timeNano"] != json.Number("1795237747340194950") {
		t.Errorf("1.55: %v", b)
	}
}

func TestEngine_faults(t *testing.T) {
	e := ForTest(t, Options{})
	c := dial(t, e)
	e.SetFault("/info", Fault{Status: 500, Body: `{"message":"x"}`, Times: 2})
	for _, want := range []int{500, 500, 200} {
		if resp, _ := ask(t, c, "/info"); resp.StatusCode != want {
			t.Errorf("got %d, want %d", resp.StatusCode, want)
		}
	}
	e.SetFault("/info", Fault{HTML: true})
	if resp, body := ask(t, c, "/info"); !strings.HasPrefix(body, "<!DOCTYPE") || resp.StatusCode != 200 {
		t.Errorf("got %q", body)
	}
	e.SetFault("/info", Fault{HalfJSON: true})
	if _, body := ask(t, c, "/info"); json.Valid([]byte(body)) || !strings.HasPrefix(body, "{") {
		t.Errorf("got %q", body)
	}
	one := "/containers/" + e.ID("eng-host") + "/json"
	e.SetFault(one, Fault{Status: 503})
	if resp, _ := ask(t, c, "/v1.41"+one); resp.StatusCode != 503 {
		t.Errorf("got %d", resp.StatusCode)
	}
	if resp, _ := ask(t, c, "/containers/eng-none/json"); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
	e.SetFault("/info", Fault{Cut: true})
	resp, err := c.Get("http://engine/info")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("cut: no error")
	}
	began := time.Now()
	e.SetFault("/info", Fault{Delay: 50 * time.Millisecond})
	if ask(t, c, "/info"); time.Since(began) < 50*time.Millisecond {
		t.Error("no delay")
	}
	e.SetFault("/info", Fault{Endless: true})
	if resp, err = c.Get("http://engine/info"); err != nil {
		t.Fatal(err)
	}
	if n, _ := io.CopyN(io.Discard, resp.Body, 10<<20); n != 10<<20 {
		t.Errorf("only %d bytes", n)
	}
	_ = resp.Body.Close()
	e.SetFault("/info", Fault{Hang: true})
	c.Timeout = 50 * time.Millisecond
	if resp, err := c.Get("http://engine/info"); err == nil {
		_ = resp.Body.Close()
		t.Error("hang: an answer")
	}
	e.ClearFaults()
	c.Timeout = 5 * time.Second
	ask(t, c, "/info")
}

func TestEngine_stopAndStart(t *testing.T) {
	for _, address := range []string{"", "tcp://127.0.0.1:0"} {
		e := ForTest(t, Options{Listen: address})
		host := e.Host()
		for range 3 {
			events := listen(t, e, "/events", nil)
			e.SetFault("/info", Fault{Hang: true})
			hung := make(chan error, 1)
			c := dial(t, e)
			go func() {
				resp, err := c.Get("http://engine/info")
				if err == nil {
					err = resp.Body.Close()
				}
				hung <- err
			}()
			for e.Requests("/info") == 0 {
				time.Sleep(time.Millisecond)
			}
			if err := e.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := <-hung; err == nil {
				t.Error("the hung request got an answer")
			}
			if _, err := events.ReadString('\n'); err == nil {
				t.Error("the event stream outlived the engine")
			}
			if resp, err := dial(t, e).Get("http://engine/_ping"); err == nil {
				_ = resp.Body.Close()
				t.Error("stopped, but it answers")
			}
			if err := e.Start(); err != nil {
				t.Fatal(err)
			}
			e.ClearFaults()
			if resp, _ := ask(t, dial(t, e), "/_ping"); resp.StatusCode != 200 || e.Host() != host {
				t.Errorf("status %d at %s, was %s", resp.StatusCode, e.Host(), host)
			}
		}
		events := listen(t, e, "/events", nil)
		e.DropEvents()
		if _, err := events.ReadString('\n'); err == nil || e.Streams() != 0 {
			t.Error("the dropped stream goes on")
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(e.tempFolder); e.tempFolder != "" && err == nil {
			t.Errorf("%s is left over", e.tempFolder)
		}
	}
}

func TestNew_errors(t *testing.T) {
	for _, o := range []Options{{Listen: "nonsense"}, {Listen: "udp://x"}, {Version: "0"}, {Listen: "unix:///nonexistent/x.sock"}} {
		if e, err := New(o); err == nil {
			_ = e.Close()
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestEngine_stats(t *testing.T) {
	for _, version := range Versions() {
		e := ForTest(t, Options{Version: version, StatsEvery: time.Millisecond})
		f := func(ref string, zero bool, wants ...string) {
			t.Helper()
			r := listen(t, e, "/containers/"+ref+"/stats", url.Values{"stream": {"true"}})
			for _, want := range wants {
				doc := line(t, r)
				if got, _ := json.Marshal(doc); !strings.Contains(string(got), want) || (doc["read"] == zeroTime) != zero {
					t.Errorf("%s %s: got %s, want %s", version, ref, got, want)
				}
			}
		}
		f("eng-shop-db-1", false, `"limit":209715200`, `"limit":209715200`, `"limit":209715200`, `"limit":209715200`)
		f("eng-registry", false, `"pids_stats":{`)
		f("eng-exit3", true, `"memory_stats":{}`)
		e.SetStats("eng-tty", `{"read":"1"}`, `{"read":"2"}`)
		f("eng-tty", false, `"1"`, `"2"`, `"2"`)
		if resp, body := ask(t, dial(t, e), "/containers/nope/stats"); resp.StatusCode != 404 || !strings.Contains(body, "No such container") {
			t.Errorf("%s: got %d %s", version, resp.StatusCode, body)
		}
	}
}

func TestEngine_statsStreamEnds(t *testing.T) {
	e := ForTest(t, Options{StatsEvery: time.Millisecond})
	f := func(what string, end func(), want error) {
		t.Helper()
		r := listen(t, e, "/containers/eng-tty/stats", nil)
		line(t, r)
		if got := e.StatsStreams(); got != 1 {
			t.Errorf("%s: %d streams are open, want 1", what, got)
		}
		end()
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	f("ended", func() { e.EndStats("eng-tty") }, nil)
	f("engine stopped", func() {
		if err := errors.Join(e.Stop(), e.Start()); err != nil {
			t.Fatal(err)
		}
	}, io.ErrUnexpectedEOF)
	f("removed", func() { e.Destroy("eng-tty") }, nil)
}
