package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tallyman/api/internal/sample"
	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
)

func TestJSON_golden(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	golden(t, "summary.json", bodyOf(t, ask(h, "GET", "/api/v1/summary")))
	golden(t, "containers.json", bodyOf(t, ask(h, "GET", "/api/v1/containers")))
	golden(t, "container-busy.json", bodyOf(t, ask(h, "GET", "/api/v1/containers/busy")))
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
	} {
		got := ask(h, "GET", "/api/v1/containers"+query)
		if all := names(t, bodyOf(t, got)); got.StatusCode != 200 || !slices.Equal(all, strings.Fields(want)) {
			t.Errorf("%s: got %s %q, want %s", query, got.Status, all, want)
		}
	}
}

func TestContainers_badInput(t *testing.T) {
	t.Parallel()
	h, _ := newTest(t, Options{})
	for query, want := range map[string]string{
		"?state=up":                          "the states are created, running, paused, restarting, removing, exited, dead",
		"?state=":                            "the states are created, running",
		"?status=running":                    "there are state, engine and name",
		"?name=a&name=b":                     "once only",
		"?name=%zz":                          "cannot be understood",
		"?state=a;state=b":                   "cannot be understood",
		"?state=" + strings.Repeat("x", 500): "xxx",
	} {
		got := ask(h, "GET", "/api/v1/containers"+query)
		var answer schema.Problem
		if err := json.NewDecoder(got.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != 400 || !strings.Contains(answer.Error, want) || len(answer.Error) > 200 {
			t.Errorf("%s: got %s %q, want %q", query, got.Status, answer.Error, want)
		}
	}
}

func TestContainer_find(t *testing.T) {
	t.Parallel()
	h, source := newTest(t, Options{})
	awkward := sample.Snapshot().Containers[1].Name
	for _, prefix := range []string{"/api/v1/containers/", "/containers/"} {
		for wanted, want := range map[string]int{
			"busy": 200, "%2Fbusy": 200, "b1": 200, "b1000000": 200, sample.ID("b1"): 200, "unhealthy": 200,
			url.PathEscape(awkward): 200, "e": 404, "e0": 200, "B1": 404, "bus": 404, "nonsense": 404, "..%2f..": 404, "%00": 404,
			sample.ID("b1") + "0": 404, "%25": 404, "forgotten": 200, "f0": 200,
		} {
			if got := ask(h, "GET", prefix+wanted); got.StatusCode != want {
				t.Errorf("%s%s: got %s, want %d", prefix, wanted, got.Status, want)
			}
		}
	}
	got := ask(h, "GET", "/api/v1/containers/e")
	if text := bodyOf(t, got); !strings.Contains(text, "several containers") {
		t.Errorf("ambiguous: got %s", text)
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

// TestOpenAPI holds the document against the structs that are served: the same schemas, the same fields, in the same order,
// all of them required, and nullable where they can be null.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, schemas, _ := strings.Cut(string(document), "\n  schemas:\n")
	documented := parseSchemas(schemas)
	served := map[string]any{
		"Error": schema.Problem{}, "Summary": schema.Summary{}, "Host": schema.Host{}, "Pressure": schema.HostPressure{}, "Engine": schema.Engine{},
		"ContainerCounts": schema.Counts{}, "Totals": schema.Totals{}, "Attention": schema.Attention{}, "Containers": schema.Containers{},
		"Container": schema.Container{}, "CPU": schema.CPU{}, "Memory": schema.Memory{}, "IO": schema.IO{}, "Network": schema.Network{}, "Pids": schema.Pids{},
		"DiskUsage": schema.DiskUsage{}, "DiskSize": schema.Size{}, "ContainerDetail": schema.ContainerDetails{}, "Facts": schema.Facts{}, "Reading": schema.Reading{},
		"History": schema.History{}, "Point": schema.Point{}, "Events": schema.Events{}, "Event": schema.Event{}, "Endings": schema.Endings{},
		"LastWords": schema.LastWords{}, "Logs": schema.Logs{}, "LogLine": schema.LogLine{},
	}
	for name := range documented {
		if served[name] == nil {
			t.Errorf("schema %s is documented, and not served", name)
		}
	}
	for name, v := range served {
		var fields []string
		for f := range reflect.TypeOf(v).Fields() {
			fields = append(fields, field(f))
		}
		doc := documented[name]
		if !slices.Equal(doc.fields, fields) {
			t.Errorf("%s:\n served     %q\n documented %q", name, fields, doc.fields)
		}
		var bare []string
		for _, f := range fields {
			bare = append(bare, strings.Fields(f)[0])
		}
		if !slices.Equal(doc.required, bare) {
			t.Errorf("%s:\n served   %q\n required %q", name, bare, doc.required)
		}
	}
	h, _ := newTest(t, Options{})
	if got := bodyOf(t, ask(h, "GET", "/api/v1/openapi.yaml")); got != string(document) {
		t.Error("another document is served")
	}
}

// documented is one schema of the document.
type documented struct{ required, fields []string }

// parseSchemas reads the schemas as the document lays them out: one property on a line.
func parseSchemas(text string) map[string]documented {
	all := map[string]documented{}
	name := ""
	property := regexp.MustCompile(`^        ([a-z_]+): \{(.*)\}$`)
	for line := range strings.SplitSeq(text, "\n") {
		s := all[name]
		switch {
		case strings.HasPrefix(line, "    ") && line[4] != ' ':
			name = strings.TrimSuffix(strings.TrimSpace(line), ":")
			s = documented{}
		case strings.HasPrefix(line, "      required: ["):
			list := strings.TrimSuffix(strings.TrimPrefix(line, "      required: ["), "]")
			s.required = strings.Split(list, ", ")
		case property.MatchString(line):
			m := property.FindStringSubmatch(line)
			s.fields = append(s.fields, m[1]+" "+documentedKind(m[2]))
		}
		all[name] = s
	}
	delete(all, "")
	return all
}

// documentedKind is the kind of a documented property, and whether it can be null.
func documentedKind(p string) string {
	kind := "object"
	if m := regexp.MustCompile(`^type: ([a-z]+)`).FindStringSubmatch(p); m != nil {
		kind = m[1]
	}
	if strings.Contains(p, "format: date-time") {
		kind = "time"
	}
	if strings.Contains(p, "nullable: true") {
		kind += " null"
	}
	return kind
}

// field is the kind of a served field, and whether it can be null.
func field(f reflect.StructField) string {
	kind := ""
	switch f.Type {
	case reflect.TypeFor[schema.Number]():
		kind = "number null"
	case reflect.TypeFor[schema.Text]():
		kind = "string null"
	case reflect.TypeFor[schema.Moment]():
		kind = "time null"
	case reflect.TypeFor[*bool]():
		kind = "boolean null"
	}
	if kind == "" {
		switch f.Type.Kind() {
		case reflect.Pointer:
			kind = "object null"
		case reflect.Struct, reflect.Map:
			kind = "object"
		case reflect.Slice:
			kind = "array"
		case reflect.Bool:
			kind = "boolean"
		case reflect.Int, reflect.Uint64:
			kind = "integer"
		default:
			kind = f.Type.Kind().String()
		}
	}
	return f.Tag.Get("json") + " " + kind
}

func FuzzContainersQuery(f *testing.F) {
	for _, query := range []string{"state=running", "name=a", "state=x&name=%ff", "%zz", "state=&name="} {
		f.Add(query, "busy")
	}
	h, _ := newTest(f, Options{})
	f.Fuzz(func(t *testing.T, query, id string) {
		for _, address := range []string{"/api/v1/containers", "/api/v1/containers/" + id} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = &url.URL{Path: address, RawQuery: query}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 400 && w.Code != 404 && w.Code != 414 {
				t.Errorf("%s?%s: got %d", address, query, w.Code)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s?%s: no JSON: %s", address, query, w.Body)
			}
		}
	})
}
