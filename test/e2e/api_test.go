package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/api/schema"
	"tallyman/test/internal/program"
)

// answer asks for JSON, and ends the test unless the answer is 200 and as documented.
func answer[T any](t testing.TB, p *program.Program, path string) T {
	t.Helper()
	body, err := p.Text(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
	return v
}

// refused asks for what cannot be answered.
func refused(t testing.TB, p *program.Program, path string) schema.Problem {
	t.Helper()
	_, body, err := p.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var v schema.Problem
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
	return v
}

// namesOf lists containers of the tests.
func namesOf(list schema.Containers) []string {
	names := []string{}
	for _, c := range list.Containers {
		if strings.HasPrefix(string(c.Name), "tm-") {
			names = append(names, string(c.Name))
		}
	}
	return names
}

// TestAPI_containers: the API finds what docker ps finds, and tells of each container what docker inspect does.
func TestAPI_containers(t *testing.T) {
	p, e := start(t)
	for query, filter := range map[string][]string{
		"":                                 nil,
		"label=com.docker.compose.service": {"--filter", "label=com.docker.compose.service"},
		"label=com.docker.compose.project=shop&label=com.docker.compose.service=db":   {"--filter", "label=com.docker.compose.service=db"},
		"label=com.docker.compose.project=s*p&label=com.docker.compose.service=[dw]*": {"--filter", "label=com.docker.compose.project=shop"},
		"state=paused":               {"--filter", "status=paused"},
		"state=created&state=paused": {"--filter", "status=paused", "--filter", "status=created"},
		"name=health":                {"--filter", "name=health"},
		"name=tm-*health":            {"--filter", "name=health$"},
		"name=tm-exit%3F&sort=name":  {"--filter", "name=tm-exit.$"},
	} {
		want := strings.Fields(e.Run(t, append([]string{"ps", "-a", "--format", "{{.Names}}", "--filter", "name=^/?tm-"}, filter...)...))
		if filter != nil && strings.HasPrefix(filter[1], "name=") {
			want = strings.Fields(e.Run(t, append([]string{"ps", "-a", "--format", "{{.Names}}"}, filter...)...))
		}
		slices.Sort(want)
		if got := namesOf(answer[schema.Containers](t, p, "/api/v1/containers?"+query)); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", query, got, want)
		}
	}
	for name, c := range e.Containers(t, "tm-") {
		for _, wanted := range []string{c.ID, c.ID[:12], name} {
			d := answer[schema.ContainerDetails](t, p, "/api/v1/containers/"+wanted)
			if string(d.Container.ID) != c.ID || string(d.Container.Name) != name || d.Facts == nil || string(d.Facts.RestartPolicy) != c.HostConfig.RestartPolicy.Name {
				t.Errorf("%s: got %+v", wanted, d)
			}
			memory := d.Limits.Asked.MemoryBytes
			if known := memory.Known(); known != (c.HostConfig.Memory > 0) || known && float64(memory) != c.HostConfig.Memory {
				t.Errorf("%s: got a memory limit of %v, want %v", name, memory, c.HostConfig.Memory)
			}
			if len(d.Facts.Labels) != len(c.Config.Labels) {
				t.Errorf("%s: got labels %q, want %q", name, d.Facts.Labels, c.Config.Labels)
			}
		}
		resp, body, err := p.Get(t.Context(), "/api/v1/containers/"+c.ID+"/cgroup")
		if err != nil || resp.StatusCode != http.StatusOK && c.HasProcesses() && name != "tm-crash" {
			t.Errorf("the cgroup of %s: %v: %s", name, err, body)
		}
	}
	for name, want := range map[string]string{"tm-exit0": "completed", "tm-exit3": "error", "tm-killed": "signal", "tm-oom": "oom"} {
		d := answer[schema.ContainerDetails](t, p, "/api/v1/containers/"+name)
		if x := d.LastExit; x == nil || x.Reason != want || !x.AgeSeconds.Known() || x.Reason == "signal" && x.Signal != 9 {
			t.Errorf("%s: got the last exit %+v, want %s", name, x, want)
		}
	}
	joined := answer[schema.ContainerDetails](t, p, "/api/v1/containers/tm-joined").Network
	web := answer[schema.ContainerDetails](t, p, "/api/v1/containers/tm-web").Network
	if joined.Owner.Name != "tm-web" || web.Owner.Name != "tm-web" || len(web.Shared) != 1 || web.Shared[0].Name != "tm-joined" {
		t.Errorf("tm-joined uses the network of tm-web: got %+v and %+v", joined, web)
	}
	limits := answer[schema.ContainerDetails](t, p, "/api/v1/containers/tm-limits").Limits
	if limits.Asked.CPUCores != 1.5 || limits.Kernel.CPUCores != 1.5 || limits.Asked.MemoryBytes != 96<<20 || limits.Kernel.MemoryBytes != 96<<20 {
		t.Errorf("tm-limits: got %+v and %+v", limits.Asked, limits.Kernel)
	}
}

// TestAPI_order: containers come in the order that was asked for, up to the limit, and what is unknown comes last.
func TestAPI_order(t *testing.T) {
	p, _ := start(t)
	for key, value := range map[string]func(schema.Container) schema.Number{
		"memory":    func(c schema.Container) schema.Number { return c.Memory.WorkingSetBytes },
		"exit_code": func(c schema.Container) schema.Number { return c.ExitCode },
		"started":   func(c schema.Container) schema.Number { return momentNumber(c.StartedAt) },
		"restarts":  func(c schema.Container) schema.Number { return c.Restarts },
	} {
		for _, sign := range []schema.Number{1, -1} {
			path := "/api/v1/containers?sort=" + strings.Repeat("-", int(1-sign)/2) + key
			list := answer[schema.Containers](t, p, path).Containers
			known := 0
			for i, c := range list {
				v := value(c)
				if !v.Known() {
					continue
				}
				if known++; i > 0 && (!value(list[i-1]).Known() || sign*value(list[i-1]) > sign*v) {
					t.Errorf("%s: %s with %v comes behind %s with %v", path, c.Name, v, list[i-1].Name, value(list[i-1]))
				}
			}
			if known < 3 {
				t.Errorf("%s: only %d are known", path, known)
			}
		}
	}
	all := answer[schema.Containers](t, p, "/api/v1/containers")
	if few := answer[schema.Containers](t, p, "/api/v1/containers?limit=3"); len(few.Containers) != 3 || few.Total != all.Total || all.Total != len(all.Containers) {
		t.Errorf("3 of %d: got %d of %d", all.Total, len(few.Containers), few.Total)
	}
}

// momentNumber is a time as a number, in seconds.
func momentNumber(m schema.Moment) schema.Number {
	if m.IsZero() {
		return schema.Unknown()
	}
	return schema.Number(time.Time(m).UnixNano()) / 1e9
}

// TestAPI_badInput: what makes no sense is answered by a problem, and tallyman lives on.
func TestAPI_badInput(t *testing.T) {
	p, e := start(t)
	// Of seventeen ids, two begin with the same digit.
	first := map[byte][]string{}
	for _, c := range e.Containers(t, "tm-") {
		first[c.ID[0]] = append(first[c.ID[0]], c.ID)
	}
	for digit, ids := range first {
		if len(ids) < 2 {
			continue
		}
		problem := refused(t, p, "/api/v1/containers/"+string(digit))
		for _, id := range ids {
			if !slices.ContainsFunc(problem.Candidates, func(c schema.Candidate) bool { return string(c.ID) == id }) && len(problem.Candidates) < 20 {
				t.Errorf("%c: %s is not among the candidates %+v", digit, id, problem.Candidates)
			}
		}
		if problem.Status != http.StatusConflict {
			t.Errorf("%c: got %+v", digit, problem)
		}
	}
	for path, want := range map[string]int{
		"/api/v1/containers/nonsense":                          404,
		"/api/v1/containers/..%2f..%2fetc%2fpasswd":            404,
		"/api/v1/containers/%2e%2e%2f%2e%2e%2fetc%2fpasswd":    404,
		"/api/v1/containers/tm-*":                              404,
		"/api/v1/containers/%00":                               404,
		"/api/v1/containers/" + strings.Repeat("a", 4096):      404,
		"/api/v1/containers/tm-web/../../../../etc/passwd":     404,
		"/api/v1/containers/" + url.PathEscape("<script>"):     404,
		"/api/v1/containers?limit=-1":                          400,
		"/api/v1/containers?sort=%3Cscript%3E":                 400,
		"/api/v1/containers?name=[":                            400,
		"/api/v1/containers?" + strings.Repeat("name=a&", 9):   400,
		"/api/v1/containers?name=" + strings.Repeat("a", 9000): 414,
		"/api/v1/nonsense":                                     404,
		"/api/v1/summary?refresh=":                             400,
	} {
		if problem := refused(t, p, path); problem.Status != want || problem.Detail == "" {
			t.Errorf("%.80s: got %+v, want %d", path, problem, want)
		}
	}
	answer[schema.Summary](t, p, "/api/v1/summary")
}

// TestAPI_attention: the trouble is on top, for the right reasons, and who is well is not among it.
func TestAPI_attention(t *testing.T) {
	p, e := start(t)
	e.Remove(t, "tm-oomloop")
	e.Run(t, "run", "-d", "--name", "tm-oomloop", "--restart", "always", "--network", "none", "-m", "48m", "--memory-swap", "48m", image, "tail", "/dev/zero")
	want := map[string]string{
		"tm-oomloop": "oom_looping", "tm-sick": "unhealthy", "tm-busy": "throttled", "tm-crash": "restarting", "tm-exit3": "exited_nonzero", "tm-oom": "oom_killed",
		"tm-startfail": "exited_nonzero", "tm-killed": "exited_nonzero",
	}
	well := []string{"tm-exit0", "tm-created", "tm-db", "tm-tty", "tm-paused", "tm-host", "tm-none", "tm-starting", "tm-renamed"}
	var summary schema.Summary
	var missing string
	for end := time.Now().Add(patience(limit)); ; time.Sleep(2 * time.Second) { // rates are taken over a second and more
		summary = answer[schema.Summary](t, p, "/api/v1/summary")
		found := map[string][]string{}
		for _, a := range summary.Attention {
			found[string(a.Name)] = a.Reasons
		}
		missing = ""
		for name, reason := range want {
			if !slices.Contains(found[name], reason) {
				missing += fmt.Sprintf("\n%s is not %s, but %q", name, reason, found[name])
			}
		}
		for _, name := range well {
			if found[name] != nil {
				missing += fmt.Sprintf("\n%s is well, not %q", name, found[name])
			}
		}
		if missing == "" || time.Now().After(end) {
			break
		}
	}
	if missing != "" {
		t.Error(missing)
	}
	for i, a := range summary.Attention {
		t.Logf("%2d. %s: %s", i+1, a.Name, strings.Join(a.Reasons, ", "))
	}
	if first := summary.Attention[0]; first.Name != "tm-oomloop" {
		t.Errorf("the first one is %+v", first)
	}
	if last := summary.Attention[len(summary.Attention)-1]; last.Reasons[0] != "exited_nonzero" {
		t.Errorf("the last one is %+v", last)
	}
	top := summary.Top.CPU
	if len(top) == 0 || top[0].Name != "tm-busy" || summary.Top.Throttling[0].Name != "tm-busy" {
		t.Errorf("who uses most: %+v", summary.Top)
	}
	for _, a := range summary.Ages {
		if a.Part == "kernel" && (!a.AgeSeconds.Known() || float64(a.AgeSeconds) > patience(limit).Seconds()) {
			t.Errorf("got %+v", a)
		}
	}
}

// TestAPI_unchanged: a client that asks again before there is a new snapshot is not sent the same once more.
func TestAPI_unchanged(t *testing.T) {
	e := populated(t)
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, MaxAge: "1h"})
	// The engine has something to say now and then, which makes a new snapshot.
	for end := time.Now().Add(patience(limit)); ; {
		resp, _, err := p.Get(t.Context(), "/api/v1/containers")
		if err != nil {
			t.Fatal(err)
		}
		again, body, err := p.Get(t.Context(), "/api/v1/containers", "If-None-Match: "+resp.Header.Get("ETag"))
		if err != nil {
			t.Fatal(err)
		}
		if again.StatusCode == http.StatusNotModified && body == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %s", again.Status)
		}
	}
}

// TestAPI_capabilities: what is missing is said with what would mend it, and the groups of metrics are those that are on.
func TestAPI_capabilities(t *testing.T) {
	p, _ := start(t, "--no-collector.network", "--collector.tcp")
	answer := answer[schema.Capabilities](t, p, "/api/v1/capabilities")
	names := map[string]bool{}
	for _, c := range answer.Capabilities {
		names[c.Name] = true
		if c.Available != (c.Reason == "") || !c.Available && c.Help == "" {
			t.Errorf("got %+v", c)
		}
	}
	for _, name := range []string{"cpu", "memory", "host", "engine"} {
		if !names[name] {
			t.Errorf("%s is not listed: %v", name, names)
		}
	}
	for _, g := range answer.Groups {
		if want := g.Default != (g.Name == "network" || g.Name == "tcp"); g.On != want {
			t.Errorf("got %+v", g)
		}
	}
}
