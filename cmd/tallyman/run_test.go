package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"tallyman/engine"
	"tallyman/internal/fakeengine"
	"tallyman/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// TestRun_refuses: a wrong configuration ends with code 2 and one line that names flag, value and what would be right.
func TestRun_refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	badWeb := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(badWeb, []byte("tls_server_config: {cert_file: none.pem, key_file: none.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want []string
	}{
		{args: []string{"--nonsense"}, want: []string{"--nonsense", "--help"}},
		{args: []string{"stray"}, want: []string{"stray"}},
		{args: []string{"--web.listen-address=foo"}, want: []string{"--web.listen-address", "foo", ":10180"}},
		{args: []string{"--web.listen-address=:99999"}, want: []string{"--web.listen-address", ":99999", "65535"}},
		{args: []string{"--web.config.file=" + badWeb}, want: []string{"--web.config.file", "none.pem"}},
		{args: []string{"--web.config.file=/nonexistent.yml"}, want: []string{"--web.config.file", "/nonexistent.yml"}},
		{args: []string{"--engine.timeout=soon"}, want: []string{"--engine.timeout", "soon", "10s"}},
		{args: []string{"--collector.slices=system.slice"}, want: []string{"--collector.slices", "system.slice", "/system.slice/*.service"}},
		{args: []string{"--collector.slices=/,/a[/b"}, want: []string{"--collector.slices", "/a[/b", "/system.slice/*.service"}},
		{args: []string{"--collector.network.interface-exclude=eth[0"}, want: []string{"--collector.network.interface-exclude", "eth[0", "veth*"}},
		{args: []string{"--collector.container-labels=com[.x"}, want: []string{"--collector.container-labels", "com[.x", "com.docker.compose.*"}},
		{args: []string{"--collector.container-labels-on=some"}, want: []string{"--collector.container-labels-on", "some", "info, all"}},
		{args: []string{"--collector.source=kernel"}, want: []string{"--collector.source", "kernel", "auto, cgroup, engine"}},
		{args: []string{"--log.level=loud"}, want: []string{"--log.level", "loud", "debug, info, warn, error"}},
		{args: []string{"--path.cgroupfs=" + dir}, want: []string{"--path.cgroupfs", dir, "/sys/fs/cgroup"}},
		{args: []string{"--engine.host=nonsense"}, want: []string{"--engine.host", "nonsense", "unix:///"}},
		{env: map[string]string{"DOCKER_HOST": "ssh://root@host"}, want: []string{"DOCKER_HOST", "ssh://root@host", "unix:///"}},
		{env: map[string]string{"DOCKER_API_VERSION": "new"}, want: []string{"DOCKER_API_VERSION", "new", "1.41"}},
		{env: map[string]string{"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_CERT_PATH": dir}, want: []string{"DOCKER_CERT_PATH", dir, "ca.pem"}},
		{
			args: []string{"--engine.host=a=unix:///a", "--engine.host=b=tcp://127.0.0.1:2376", "--engine.tls-dir=b=" + dir},
			want: []string{"--engine.tls-dir", "engine b", dir, "ca.pem"},
		},
		{args: []string{"--history.memory=lots"}, want: []string{"--history.memory", "lots", "8MB"}},
		{args: []string{"--history.memory=-1MB"}, want: []string{"--history.memory", "-1MB", "8MB"}},
		{args: []string{"--history.memory=2GB"}, want: []string{"--history.memory", "2GB", "up to 1GB"}},
		{args: []string{"--history.interval=-1s"}, want: []string{"--history.interval", "-1s", "10s"}},
		{args: []string{"--web.logs"}, want: []string{"--web.logs", "--web.listen-address=:10180", "127.0.0.1:10180", "--web.config.file"}},
		{args: []string{"--web.logs", "--web.listen-address=127.0.0.1:0", "--web.listen-address=10.0.0.1:1"}, want: []string{"--web.logs", "10.0.0.1:1", "basic_auth_users"}},
		{args: []string{"--web.logs", "--web.systemd-socket", "--web.listen-address=127.0.0.1:0"}, want: []string{"--web.logs", "--web.systemd-socket"}},
		{args: []string{"--collector.disk-top=-1"}, want: []string{"--collector.disk-top", `"-1"`, "whole number"}},
		{args: []string{"--engine.disk-usage-interval=often"}, want: []string{"--engine.disk-usage-interval", "often", "5m"}},
		{env: map[string]string{"TALLYMAN_ENGINE_RESYNC": "x"}, want: []string{"TALLYMAN_ENGINE_RESYNC", "x", "5m"}},
		{env: map[string]string{"TALLYMAN_COLLECTOR_CPU": "maybe"}, want: []string{"TALLYMAN_COLLECTOR_CPU", "maybe", "true or false"}},
	} {
		var stdout, stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		code := run(ctx, tt.args, env(tt.env), &stdout, &stderr)
		cancel()
		if code != exitUsage || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("%v %v: got code %d, want %d and one line: %q %q", tt.args, tt.env, code, exitUsage, stderr.String(), stdout.String())
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%v %v: %q does not name %q", tt.args, tt.env, stderr.String(), want)
			}
		}
	}
}

func TestRun_tells(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"--version": "tallyman dev", "--help": "TALLYMAN_ENGINE_HOST", "-h": "--[no-]collector.cpu"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{arg}, env(nil), &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), want) || stderr.Len() > 0 {
			t.Errorf("%s: got code %d, %q %q, want %q", arg, code, stdout.String(), stderr.String(), want)
		}
	}
}

// TestConfig_environment: every flag has its variable, and the command line wins.
func TestConfig_environment(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]string{"--engine.timeout=3s"}, env(map[string]string{
		"TALLYMAN_ENGINE_TIMEOUT": "7s", "TALLYMAN_ENGINE_RESYNC": "8s", "TALLYMAN_COLLECTOR_CPU": "false",
		"TALLYMAN_WEB_LISTEN_ADDRESS": ":1,:2", "DOCKER_HOST": "tcp://docker:2375",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if *c.engineTimeout != 3*time.Second || *c.engineResync != 8*time.Second || *c.groups["cpu"] || !*c.groups["memory"] {
		t.Errorf("got timeout %v, resync %v, cpu %v", *c.engineTimeout, *c.engineResync, *c.groups["cpu"])
	}
	if got := strings.Join(*c.web.WebListenAddresses, " "); got != ":1 :2" {
		t.Errorf("got addresses %q", got)
	}
	if got := c.engines; len(got) != 1 || got[0].host != "tcp://docker:2375" || c.engineHostFrom != "DOCKER_HOST" {
		t.Errorf("got engines %+v from %s", got, c.engineHostFrom)
	}
	c, err = parseConfig([]string{"--engine.host=unix:///a"}, env(map[string]string{"DOCKER_HOST": "tcp://docker:2375"}), io.Discard)
	if err != nil || c.engines[0].host != "unix:///a" || c.engineHostFrom != "--engine.host" {
		t.Errorf("got engines %+v from %s, %v", c.engines, c.engineHostFrom, err)
	}
}

// listening waits for the address in the log, and goes on reading the log so that the program can write it.
func listening(t *testing.T, log io.Reader) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		address := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if m := address.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case a := <-found:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("the program did not say where it listens")
		return ""
	}
}

// serve runs the whole program over a recorded host and an engine, and waits until it knows the engine. It gives the address;
// stop ends the program.
func serve(t *testing.T, fake *fakeengine.Engine, args ...string) (url string, stop func()) {
	t.Helper()
	url, stop = begin(t, fake, args...)
	deadline := time.Now().Add(10 * time.Second)
	for {
		body := get(t, url+"/metrics")
		if strings.Contains(body, "tallyman_engine_up 1") && strings.Contains(body, `container_memory_usage_bytes{id="/",name="",image=""}`) {
			return url, stop
		}
		if time.Now().After(deadline) {
			t.Fatalf("the engine never came up:\n%.2000s", body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// begin is serve that waits until the program listens, and asks it nothing.
func begin(t *testing.T, fake *fakeengine.Engine, args ...string) (url string, stop func()) {
	t.Helper()
	host := fixture.Open(t, "../../cgroups/testdata/v2-systemd.txtar")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	log, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{
			"--web.listen-address=127.0.0.1:0", "--path.rootfs=" + host.Root, "--engine.host=" + fake.Host(), "--collector.max-age=0s",
		}, args...), env(nil), io.Discard, stderr)
		stderr.Close()
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case c := <-code:
			if c != exitOK {
				t.Errorf("got code %d", c)
			}
		case <-time.After(5 * time.Second):
			t.Error("still running 5 s after it was told to end")
		}
	})
	t.Cleanup(stop)
	return "http://" + listening(t, log), stop
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", url, resp.StatusCode, err)
	}
	return string(body)
}

// TestRun_serves: the program serves until it is told to end, and leaves nothing behind.
func TestRun_serves(t *testing.T) {
	t.Parallel()
	_, stop := serve(t, fakeengine.ForTest(t, fakeengine.Options{}))
	stop()
}

// TestRun_hostileContainer: whatever a container calls itself, all that is served can be read, and is bounded, also with every
// label on every series.
func TestRun_hostileContainer(t *testing.T) {
	t.Parallel()
	const awkward = "\"quoted\\\" back\\slash\nline\r\ttab\x00\x01\x1b[31m\u2028\ufeff<img src=x onerror=alert(1)>{a=\"b\"} 1 # HELP x\n"
	labels := map[string]any{"": "no key", awkward: awkward, "number": 7, "nothing": nil, "long": strings.Repeat(awkward, 1000)}
	for n := range 800 {
		labels[fmt.Sprintf("key\n%03d", n)] = strings.Repeat("é", 1+2048*(n%10/9)) // not all are long: the test would be slow
	}
	fake := fakeengine.ForTest(t, fakeengine.Options{})
	fake.Update("eng-host", func(doc map[string]any) {
		doc["Name"] = "/" + awkward
		config := doc["Config"].(map[string]any)
		config["Labels"], config["Image"] = labels, awkward+strings.Repeat("x", 10000)
		doc["HostConfig"].(map[string]any)["RestartPolicy"] = map[string]any{"Name": awkward}
		doc["State"].(map[string]any)["StartedAt"] = "0001-01-01T00:00:00Z"
	})
	url, _ := serve(t, fake, "--collector.container-labels=*", "--collector.container-labels-on=all")

	text := get(t, url+"/metrics")
	if len(text) > 8<<20 {
		t.Errorf("the metrics have %d bytes", len(text))
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(families["container_state"].GetMetric()); n != 28*len(engine.States()) {
		t.Errorf("%d states of 28 containers", n)
	}
	if !slices.ContainsFunc(families["container_info"].GetMetric(), func(m *dto.Metric) bool {
		return slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == "name" && l.GetValue() == awkward })
	}) {
		t.Error("its name is not what it calls itself")
	}
	var answer struct{ Containers []struct{ ID, Name string } }
	if err := json.Unmarshal([]byte(get(t, url+"/api/v1/containers")), &answer); err != nil || len(answer.Containers) != 28 {
		t.Errorf("JSON: %d containers, error %v", len(answer.Containers), err)
	}
	id := fake.ID(awkward)
	for _, address := range []string{"/", "/containers/" + id} {
		if page := get(t, url+address); strings.Contains(page, "<img") || !strings.Contains(page, "&lt;img") {
			t.Errorf("%s does not escape what the container calls itself", address)
		}
	}
}

// TestRun_listOnly: where inspects are refused, what only they know is absent, not 0, and it is said why.
func TestRun_listOnly(t *testing.T) {
	t.Parallel()
	fake := fakeengine.ForTest(t, fakeengine.Options{})
	fake.SetFault("/containers/{id}/json", fakeengine.Fault{Status: http.StatusForbidden})
	url, _ := serve(t, fake)
	text := get(t, url+"/metrics")
	for _, want := range []string{
		`tallyman_capability{name="engine",reason=""} 1`, `tallyman_capability{name="events",reason=""} 1`,
		`tallyman_capability{name="info",reason=""} 1`, `tallyman_capability{name="inspect",reason="forbidden"} 0`,
		`container_creation_time_seconds{`, `name="eng-exit3",image="eng-bb:latest",state="exited"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, family := range []string{
		"container_restarts_total", "container_health_state", "container_health_status", "container_exit_code", "container_oom_killed",
		"container_start_time_seconds",
	} {
		if strings.Contains(text, "\n"+family+"{") {
			t.Errorf("%s is served, and nobody knows it", family)
		}
	}
	var answer struct {
		Container struct {
			State              string
			Health             *string
			Restarts, ExitCode *float64
			OOMKilled          *bool `json:"oom_killed"`
		}
	}
	if err := json.Unmarshal([]byte(get(t, url+"/api/v1/containers/eng-exit3")), &answer); err != nil {
		t.Fatal(err)
	}
	if c := answer.Container; c.State != "exited" || c.Health != nil || c.Restarts != nil || c.ExitCode != nil || c.OOMKilled != nil {
		t.Errorf("JSON: got %+v", c)
	}
	if summary := get(t, url+"/api/v1/summary"); !strings.Contains(summary, `"none": 0`) || !strings.Contains(summary, `"unknown": 28`) {
		t.Errorf("the health of all is unknown, but the summary says\n%s", summary)
	}
}
