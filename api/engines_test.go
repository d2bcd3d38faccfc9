package api

import (
	"encoding/json"
	"strings"
	"testing"

	"tallyman/collector"
	"tallyman/internal/sample"
)

// several serves two engines that both have a container called busy.
func several(t *testing.T) func(path string) (int, string) {
	t.Helper()
	h, source := newTest(t, Options{})
	source.set(sample.Several(), nil)
	return func(path string) (int, string) {
		got := ask(h, "GET", path)
		return got.StatusCode, bodyOf(t, got)
	}
}

func TestEngines_json(t *testing.T) {
	t.Parallel()
	get := several(t)
	for query, want := range map[string]int{
		"": 14, "?engine=local": 13, "?engine=far%20%22away%22": 1, "?engine=local&engine=far%20%22away%22": 14,
		"?engine=local&name=busy": 1, "?name=busy": 2,
	} {
		_, body := get("/api/v1/containers" + query)
		var answer struct{ Containers []struct{ Engine string } }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Containers) != want {
			t.Errorf("%q: got %d containers, want %d: %v", query, len(answer.Containers), want, err)
		}
		for _, c := range answer.Containers {
			if c.Engine != "local" && c.Engine != `far "away"` {
				t.Errorf("%q: got a container of engine %q", query, c.Engine)
			}
		}
	}
	if code, body := get("/api/v1/containers?engine=near"); code != 400 || !strings.Contains(body, "there is no engine") {
		t.Errorf("an engine that there is not: got %d %s", code, body)
	}
	_, body := get("/api/v1/summary")
	var answer struct {
		Engines []struct {
			Name, Problem string
			Up            bool
			Containers    int
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Engines) != 2 {
		t.Fatalf("got %s: %v", body, err)
	}
	if e := answer.Engines; e[0].Name != "local" || !e[0].Up || e[0].Containers != 13 || e[1].Up || e[1].Problem == "" || e[1].Containers != 1 {
		t.Errorf("got engines %+v", e)
	}
}

// TestEngines_find: a name that two engines have needs the engine as well.
func TestEngines_find(t *testing.T) {
	t.Parallel()
	get := several(t)
	for _, prefix := range []string{"/api/v1/containers/", "/containers/"} {
		for wanted, want := range map[string]int{
			"busy": 404, "busy?engine=local": 200, "busy?engine=far%20%22away%22": 200, "paused": 200, "paused?engine=far%20%22away%22": 404,
			sample.ID("b1"): 200, sample.ID("b1") + "?engine=local": 200,
		} {
			if want == 404 && wanted == "busy" && strings.HasPrefix(prefix, "/api/") {
				want = 409
			}
			if code, _ := get(prefix + wanted); code != want {
				t.Errorf("%s%s: got %d, want %d", prefix, wanted, code, want)
			}
		}
	}
	if _, body := get("/api/v1/containers/busy"); !strings.Contains(body, "?engine=") {
		t.Errorf("got %s, want to be told of ?engine=", body)
	}
}

func TestEngines_page(t *testing.T) {
	t.Parallel()
	get := several(t)
	_, body := get("/")
	for _, want := range []string{"Engine local", "Engine far &#34;away&#34;", "did not answer within 10s", `all <b>14</b>`, `<span class="dim"><bdi>local</bdi></span>`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(body, "is not known while") {
		t.Error("one engine that is up tells what needs attention, but the page says that it is not known")
	}
	_, body = get("/containers/paused")
	if !strings.Contains(body, "on the engine <bdi>local</bdi>") {
		t.Error("the page of a container does not name its engine")
	}
}

// TestEngines_metrics: every series of an engine says whose it is; those of the host do not.
func TestEngines_metrics(t *testing.T) {
	t.Parallel()
	_, body := several(t)("/metrics")
	for line := range strings.Lines(body) {
		named := strings.Contains(line, `engine="`)
		switch {
		case strings.HasPrefix(line, "docker_"), strings.HasPrefix(line, "tallyman_engine_up"), strings.HasPrefix(line, "tallyman_containers"):
			if !named {
				t.Errorf("no engine: %s", line)
			}
		case strings.HasPrefix(line, "container_"):
			if host := strings.Contains(line, `{id="/",`); named == host {
				t.Errorf("of the host %t, with an engine %t: %s", host, named, line)
			}
		}
	}
	if got := collector.SourceNone; !strings.Contains(body, `tallyman_containers{engine="far \"away\"",source="`+string(got)+`"} 1`) {
		t.Error("the containers of the second engine are not counted")
	}
}
