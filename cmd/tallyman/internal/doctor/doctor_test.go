package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tallyman/cgroups"
	"tallyman/cmd/tallyman/internal/ask"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// is checks a check: its status, and what it says.
func is(t *testing.T, c Check, status Status, words ...string) {
	t.Helper()
	if c.Status != status {
		t.Errorf("got %+v, want %s", c, status)
	}
	if (c.Fix == "") != (c.Status == Pass) {
		t.Errorf("%+v: a fix is for what is wrong", c)
	}
	for _, word := range words {
		if !strings.Contains(c.Found+" | "+c.Fix, word) {
			t.Errorf("%+v does not say %q", c, word)
		}
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	checks := []Check{pass("engine", "answers"), warn("port", "in \x1b[31muse", "stop it"), fail("x", "broken", "mend it")}
	WriteText(&out, checks)
	want := "pass  engine  answers\nwarn  port    in \\x1b[31muse\n              fix: stop it\nfail  x       broken\n              fix: mend it\n1 pass, 1 warn, 1 fail\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	if Worst(checks) != Fail || Worst(checks[:2]) != Warn || Worst(checks[:1]) != Pass || Worst(nil) != Pass {
		t.Error("the worst is another")
	}
}

// TestCertificates: one that has expired fails, one that will soon warns.
func TestCertificates(t *testing.T) {
	t.Parallel()
	ca := pki.New(t, pki.Options{Name: "ca", To: time.Now().Add(100 * 24 * time.Hour)})
	dir := t.TempDir()
	ca.Write(t, dir, ca.Issue(t, pki.Options{To: time.Now().Add(20 * 24 * time.Hour)}))
	e, err := engine.New(engine.Config{Client: engine.Options{Host: "tcp://127.0.0.1:1", TLSVerify: true, CertPath: dir}})
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]Status{0: Pass, 5: Pass, 7: Warn, 19: Warn, 21: Fail} {
		got := certificates("", e, time.Now().Add(time.Duration(days)*24*time.Hour))
		if len(got) != 2 {
			t.Fatalf("got %+v", got)
		}
		is(t, got[0], Pass, "ca.pem")
		is(t, got[1], want, "cert.pem")
	}
}

// TestReach_untried: an engine that was not reached in time fails, and it is said what may help.
func TestReach_untried(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{Name: "rack7", Client: engine.Options{Host: "tcp://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	checks := Engine(e, false)
	is(t, checks[0], Fail, "tcp://127.0.0.1:1", "--engine.timeout")
	if checks[0].Name != "rack7: engine" || len(checks) != 1 {
		t.Errorf("got %+v", checks)
	}
	plain, err := engine.New(engine.Config{Client: engine.Options{Host: "unix:///nonexistent/docker.sock"}})
	if err != nil {
		t.Fatal(err)
	}
	is(t, Engine(plain, true)[0], Fail, "docker run -v /nonexistent/docker.sock:/nonexistent/docker.sock:ro")
	if !Asked(e) {
		t.Error("nothing more can be asked of an engine that is away")
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	part := func(reason, problem string) *engine.Disk {
		return &engine.Disk{Parts: []engine.DiskPart{{Kind: engine.DiskImages, Bytes: 1 << 20}, {Kind: engine.DiskBuildCache, Reason: reason, Problem: problem}}}
	}
	is(t, disk("", part("", "")), Pass, "images 1.0 MiB", "build cache 0 B")
	is(t, disk("", part(engine.DiskOff, "")), Pass, "switched off")
	is(t, disk("", part(engine.DiskNotAsked, "")), Warn, "--engine.disk-usage-timeout")
	is(t, disk("", part("forbidden", "answered 403")), Warn, "answered 403", "/system/df")
}

// TestKernel: each capability that is missing warns, with its help as the fix; in a container, mounts that are missing are named.
func TestKernel(t *testing.T) {
	t.Parallel()
	s := &collector.Snapshot{
		Capabilities: []cgroups.Capability{
			{Name: "memory", Reason: "no_controller", Help: "the kernel was started without the memory controller: add cgroup_enable=memory to its command line"},
			{Name: "psi", Reason: "psi_off", Help: "pressure is switched off: add psi=1 to the kernel's command line"},
			{Name: "cpu"},
			{Name: "host", Reason: "cgroup_namespace", Help: "it is a container's own: mount the host's"},
		},
		Engines: []collector.EngineStatus{{Capabilities: []cgroups.Capability{
			{Name: "stats", Reason: "forbidden", Help: "it refuses: allow it"}, {Name: "events"},
		}}},
		Descriptors: cgroups.Descriptors{Files: 70, Directories: 5, Max: 100, Reopened: 2},
	}
	p := Paths{RootFS: "/", Root: cgroups.Root{ProcFS: t.TempDir(), CgroupFS: "/sys/fs/cgroup"}}
	checks := Kernel("cgroup v2", s, p, true)
	byName := map[string][]Check{}
	for _, c := range checks {
		byName[c.Name] = append(byName[c.Name], c)
	}
	one := func(name string) Check {
		t.Helper()
		if len(byName[name]) == 0 {
			t.Fatalf("no check %s in %+v", name, checks)
		}
		return byName[name][0]
	}
	is(t, one("cgroups"), Pass, "cgroup v2")
	is(t, one("memory"), Warn, "add cgroup_enable=memory")
	is(t, one("psi"), Warn, "psi=1")
	is(t, one("cpu"), Pass)
	is(t, one("stats"), Warn, "allow it")
	is(t, one("procfs"), Warn, "docker run -v /proc:/host/proc:ro", "--path.rootfs=/host")
	is(t, one("descriptors"), Warn, "75 of 100", "LimitNOFILE")
	is(t, one("mount"), Warn, "docker run -v /sys/fs/cgroup:/host/sys/fs/cgroup:ro and start tallyman with --path.rootfs=/host")
	if len(byName["events"]) > 0 {
		t.Error("Engine tells of events")
	}
	for _, c := range Kernel("cgroup v2", s, p, false) {
		if c.Name == "mount" || strings.Contains(c.Fix, "docker run -v") {
			t.Errorf("outside of a container: %+v", c)
		}
	}
}

func TestNoKernel(t *testing.T) {
	t.Parallel()
	p := Paths{RootFS: "/host", Root: cgroups.Root{ProcFS: "/host/proc", CgroupFS: "/host/sys/fs/cgroup"}}
	is(t, NoKernel(errors.New("no tree"), p, true)[0], Fail, "no tree", "docker run -v /sys/fs/cgroup:/host/sys/fs/cgroup:ro")
	is(t, NoKernel(errors.New("no tree"), p, false)[0], Fail, "--path.cgroupfs")
}

func TestPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	is(t, Port(t.Context(), l.Addr().String()), Fail, "in use", "ss -ltnp")
	address := l.Addr().String()
	l.Close()
	is(t, Port(t.Context(), address), Pass, "free")
}

// TestRemote: what a tallyman says of itself; one of a version without capabilities passes with a warning.
func TestRemote(t *testing.T) {
	t.Parallel()
	serve := func(capabilities string) *ask.Client {
		return ask.Local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasSuffix(r.URL.Path, "/summary"):
				fmt.Fprintf(w, `{"time": %q, "version": "1.2", "host": {"name": "vm"}, "disk": [{"type": "images", "problem": "too slow"}], "engines": [
					{"name": "a", "up": true, "version": "28", "api_version": "1.51", "containers": 3}, {"name": "b", "problem": "no permission to use it: add the user"}
				]}`, time.Now().Add(-time.Hour).Format(time.RFC3339))
			case capabilities == "":
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"error": "no such address"}`)
			default:
				fmt.Fprint(w, capabilities)
			}
		}))
	}
	got := Remote(t.Context(), serve(`{"capabilities": [{"name": "psi", "engine": null, "reason": "psi_off", "help": "off: add psi=1"}, {"name": "events", "engine": "a", "reason": null}]}`))
	want := []struct {
		name   string
		status Status
		word   string
	}{
		{"tallyman", Pass, "1.2"},
		{"clock", Warn, "1h0m"},
		{"a: engine", Pass, "28"},
		{"b: engine", Fail, "add the user"},
		{"disk usage of images", Warn, "too slow"},
		{"psi", Warn, "add psi=1"},
		{"a: events", Pass, ""},
	}
	for i, w := range want {
		if i >= len(got) || got[i].Name != w.name || got[i].Status != w.status || !strings.Contains(got[i].Found+got[i].Fix, w.word) {
			t.Errorf("%d: want %+v, got %+v", i, w, got)
			break
		}
	}
	old := Remote(t.Context(), serve(""))
	if last := old[len(old)-1]; last.Name != "capabilities" || last.Status != Warn {
		t.Errorf("got %+v", last)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	client, err := ask.New(ask.Options{URL: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	is(t, Remote(context.Background(), client)[0], Fail, "nothing listens")
}
