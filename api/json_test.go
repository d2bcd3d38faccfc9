package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

func TestJSON_golden(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	golden(t, "summary.json", bodyOf(t, ask(h, "GET", "/api/v1/summary")))
	golden(t, "containers.json", bodyOf(t, ask(h, "GET", "/api/v1/containers")))
	golden(t, "container-busy.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/busy")))
	golden(t, "container-sidecar.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/sidecar")))
	golden(t, "container-crashloop.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/crashloop")))
	golden(t, "capabilities.json", bodyOf(t, ask(h, "GET", "/api/v1/capabilities")))
	golden(t, "problem-ambiguous.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/e")))
	golden(t, "container-awkward.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/a1000")))
	source.set(sample.Away(), nil)
	golden(t, "summary-away.json", bodyOf(t, ask(h, "GET", "/api/v1/summary")))
	golden(t, "container-away.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/"+sample.ID("b1"))))
}

func TestJSON_neverNaN(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	blank := &collector.Snapshot{Host: sample.Blank("/", "", ""), Containers: []collector.Container{sample.Blank("/x", "x", "")}}
	blank.Machine.Cores, blank.Machine.MemoryBytes = math.NaN(), math.Inf(1)
	source.set(blank, nil)
	for _, address := range []string{"/api/v1/summary", "/api/v1/containers", "/api/v1/containers/x"} {
		text := bodyOf(t, ask(h, "GET", address))
		if !json.Valid([]byte(text)) || strings.Contains(text, "NaN") || strings.Contains(text, "0001-01-01") {
			t.Errorf("%s:\n%s", address, text)
		}
	}
}

// names lists the containers of an answer.
func names(t *testing.T, text string) []string {
	t.Helper()
	var answer struct {
		Containers []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	all := []string{}
	for _, c := range answer.Containers {
		all = append(all, c.Name)
	}
	return all
}

func TestContainers_filter(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for query, want := range map[string]string{
		"?state=paused":               "paused",
		"?state=paused&state=dead":    "dead paused",
		"?name=exit":                  "exited3",
		"?name=e&state=exited":        "exited3 oomed",
		"?name=nonsense":              "",
		"?state=restarting&name=loop": "crashloop",
		"?name=%E2%82":                "",
		"?name=s*":                    "sidecar",
		"?name=*s*&state=running":     "busy sidecar",
		"?name=b%3Fsy":                "busy",
		"?name=%5B^a-z%5D*":           "",
		"?name=%5Ba-c%5D*y":           "busy",
		"?label=evil":                 "unhealthy",
		"?label=empty=":               "unhealthy",
		"?label=evil=":                "",
		"?label=evil=*script*":        "unhealthy",
		"?label=evil=%3Cscript%3Ealert(1)%3C/script%3E":                             "unhealthy",
		"?label=com.docker.compose.project&label=com.docker.compose.service=w*b":    "busy",
		"?label=com.docker.compose.project=shop&label=com.docker.compose.service=x": "",
		"?label=nonsense":                           "",
		"?name=*&sort=-cpu&limit=2":                 "busy a\"quoted\\back\nline\ufffd\ufffdend",
		"?state=exited&sort=exit_code":              "exited3 oomed",
		"?state=exited&sort=-exit_code":             "oomed exited3",
		"?sort=attention&limit=3":                   "crashloop dead unhealthy",
		"?state=exited&state=created&sort=-started": "exited3 oomed created",
		"?state=exited&state=created&sort=started":  "exited3 oomed created",
		"?sort=-memory_percent&limit=1":             "busy",
	} {
		got := ask(h, "GET", "/api/v1/containers"+query)
		if all := strings.Join(names(t, bodyOf(t, got)), " "); got.StatusCode != 200 || all != want {
			t.Errorf("%s: got %s %q, want %q", query, got.Status, all, want)
		}
	}
}

func TestContainers_badInput(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for query, want := range map[string]string{
		"?state=up":                          "the states are created, running, paused, restarting, removing, exited, dead",
		"?state=":                            "the states are created, running",
		"?status=running":                    `no parameter "status": want one of state, name, label, engine, sort, limit`,
		"?name=a&name=b":                     "name is given 2 times: want it once only",
		"?name=a[":                           "the pattern is not complete",
		"?name=%5C":                          "the pattern is not complete",
		"?label=":                            "want label=key, or label=key=value",
		"?label==x":                          "want label=key, or label=key=value",
		"?label=a=%5Bb":                      "the pattern is not complete",
		"?label=db.password=a*":              "want label=db.password without a value",
		"?engine=nonsense":                   `no engine "nonsense": /api/v1/summary lists them`,
		"?sort=size":                         "want one of name, attention, cpu, cpu_percent, memory",
		"?sort=":                             "want one of name",
		"?sort=--cpu":                        "want one of name",
		"?sort=cpu&sort=-cpu":                "once only",
		"?limit=-1":                          "want a whole number from 1 to 10000",
		"?limit=0":                           "from 1 to 10000",
		"?limit=10001":                       "from 1 to 10000",
		"?limit=x":                           "from 1 to 10000",
		"?limit=":                            "from 1 to 10000",
		"?limit=1.5":                         "from 1 to 10000",
		"?limit=99999999999999999999":        "from 1 to 10000",
		"?" + strings.Repeat("label=a&", 33): "label is given 33 times: want it at most 32 times",
		"?name=%zz":                          "cannot be understood",
		"?state=a;state=b":                   "cannot be understood",
		"?state=" + strings.Repeat("x", 500): "xxx",
	} {
		got := ask(h, "GET", "/api/v1/containers"+query)
		if p := problemOf(t, got); p.Status != 400 || !strings.Contains(p.Detail, want) || len(p.Detail) > 300 || strings.Contains(p.Detail, "\n") {
			t.Errorf("%s: got %+v, want %q", query, p, want)
		}
	}
}

// problemOf reads a problem, and checks that it is one.
func problemOf(t testing.TB, got answer) schema.Problem {
	t.Helper()
	var p schema.Problem
	d := json.NewDecoder(got.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Content-Type") != "application/problem+json" || p.Status != got.StatusCode || p.Type == "" || p.Title == "" || p.Detail == "" {
		t.Errorf("no problem as RFC 9457 has it: %s, %s: %+v", got.Status, got.Header.Get("Content-Type"), p)
	}
	return p
}

func TestContainer_find(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	awkward := sample.Snapshot().Containers[1].Name
	for _, prefix := range []string{"/api/v1/containers/", "/containers/"} {
		for wanted, want := range map[string]int{
			"busy": 200, "%2Fbusy": 200, "b1": 200, "b1000000": 200, sample.ID("b1"): 200, "unhealthy": 200,
			url.PathEscape(awkward): 200, "e": 409, "*": 404, "b%3F": 404, "b1*": 404, "..%2f..%2fetc%2fpasswd": 404, "../../etc/passwd": 404,
			"%2e%2e": 404, "%252e%252e%252f": 404, strings.Repeat("b", 4096): 404, strings.Repeat("%62", 1000): 404, "%ff": 404, "b1%00": 404, "e0": 200, "B1": 404, "bus": 404, "nonsense": 404, "..%2f..": 404, "%00": 404,
			sample.ID("b1") + "0": 404, "%25": 404, "forgotten": 200, "f0": 200,
		} {
			if want == 409 && prefix == "/containers/" {
				want = 404 // to people
			}
			if got := ask(h, "GET", prefix+wanted); got.StatusCode != want {
				t.Errorf("%s%s: got %s, want %d", prefix, wanted, got.Status, want)
			}
		}
	}
	source.set(sample.Away(), nil)
	if got := ask(h, "GET", "/api/v1/containers/b10"); got.StatusCode != 200 {
		t.Errorf("while the engine is away: got %s", got.Status)
	}
}

// TestContainerCgroup: the dump of a container that runs, and why there is none of another.
func TestContainerCgroup(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	got := ask(h, "GET", "/api/v1/containers/busy/cgroup")
	var answer struct {
		Path string
		Stat struct{ Pids struct{ Current int } }
	}
	if err := json.Unmarshal([]byte(bodyOf(t, got)), &answer); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer.Path, sample.ID("b1")) || answer.Stat.Pids.Current != 3 {
		t.Errorf("got %+v", answer)
	}
	for address, want := range map[string]string{"nonsense": "there is no such container", "created": "it does not run"} {
		got := ask(h, "GET", "/api/v1/containers/"+address+"/cgroup")
		if text := bodyOf(t, got); got.StatusCode != http.StatusNotFound || !strings.Contains(text, want) {
			t.Errorf("%s: got %s: %s", address, got.Status, text)
		}
	}
	source.set(nil, errors.New("no"))
	if got := ask(h, "GET", "/api/v1/containers/busy/cgroup"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a snapshot: got %s", got.Status)
	}
}

func TestContainerID(t *testing.T) {
	t.Parallel()
	id := sample.ID("ab")
	for path, want := range map[string]string{
		"/docker/" + id: id, "/system.slice/docker-" + id + ".scope": id, "/machine.slice/libpod-" + id + ".scope/container": id,
		"/": "", "": "", "/docker/abc": "", "/docker/" + id + "0": "", "/a/" + sample.ID("cd") + "/docker/" + id: id,
	} {
		if got := containerID(&collector.Container{ID: path}); got != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if got := containerID(&collector.Container{Facts: &engine.Container{ID: id}}); got != id {
		t.Errorf("got %q", got)
	}
}

func TestSummary_unknownState(t *testing.T) {
	t.Parallel()
	s := sample.Snapshot()
	facts := *s.Containers[2].Facts
	facts.State, facts.Health = "frozen", "dizzy"
	s.Containers[2].Facts = &facts
	counts := countContainers(s)
	n := 0
	for _, k := range counts.States {
		n += k
	}
	if n != counts.Total || len(counts.States) != len(engine.States())+1 || len(counts.Health) != 5 {
		t.Errorf("got %+v", counts)
	}
}
