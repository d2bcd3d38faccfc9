package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
)

// tallyman runs a command against an engine.
func tallyman(t *testing.T, e docker.Engine, args ...string) program.Answer {
	t.Helper()
	return program.Command(t, program.Options{Path: binary(t), Host: e.Host, Args: args})
}

// words are the cells of a table's lines, by the first of each.
func words(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Fields(line)
		if len(cells) > 0 {
			out[cells[0]] = strings.Join(cells[1:], " ")
		}
	}
	return out
}

// TestCommand_df: every cell is that of docker system df, of this host and of a running tallyman, as a table and as JSON.
func TestCommand_df(t *testing.T) {
	p, e := start(t, "--engine.disk-usage-interval=1h")
	fillDisk(t, e)
	cells := 0
	// Other containers write meanwhile: it is compared until the engine's answer has stayed the same for long enough.
	for end := time.Now().Add(patience(limit)); ; {
		before := e.Run(t, "system", "df")
		ours := tallyman(t, e, "df")
		asJSON := tallyman(t, e, "df", "--format=json")
		lines := e.DiskLines(t)
		theirs := e.Run(t, "system", "df")
		refreshed(t, p)
		remote := program.Command(t, program.Options{Path: binary(t), Args: []string{"df", "--url=" + p.URL}})
		if ours.Code != 0 || remote.Code != 0 || asJSON.Code != 0 || ours.Stderr+remote.Stderr+asJSON.Stderr != "" {
			t.Fatalf("this host: %+v, JSON: %+v, a running one: %+v", ours, asJSON, remote)
		}
		wrong := ""
		if ours.Stdout != theirs+"\n" {
			wrong = "docker system df:\n" + theirs + "\ntallyman df:\n" + ours.Stdout
		}
		cells = 0
		for text := range strings.Lines(asJSON.Stdout) {
			var line struct {
				docker.DiskLine
				SizeBytes, ReclaimableBytes *float64
			}
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(slices.Collect(maps.Values(lines)), line.DiskLine) || line.SizeBytes == nil || line.ReclaimableBytes == nil {
				wrong += "\n" + text
			}
			cells += 5
		}
		there := words(theirs)
		for name, row := range words(remote.Stdout) {
			if name != "TYPE" && !strings.HasPrefix(row, there[name]+" ") { // the age follows
				wrong += "\n" + name + " " + row + " at " + p.URL + ", docker: " + there[name]
			}
		}
		if wrong == "" && cells == 20 {
			t.Logf("all cells are equal:\ndocker system df\n%s\ntallyman df\n%s\ntallyman df --url\n%s", theirs, ours.Stdout, remote.Stdout)
			break
		}
		if before == theirs && time.Now().After(end) {
			t.Fatalf("%d cells: %s", cells, wrong)
		}
	}
}

// TestCommand_ps: the containers are those of docker ps -a, with their states and exit codes, of this host and of a running tallyman.
func TestCommand_ps(t *testing.T) {
	p, e := start(t)
	var want map[string]*docker.Container
	// In this order: the first takes more than a second, and then the other has two readings with a second between them, as rates want.
	for _, ask := range []struct {
		name string
		args []string
	}{{"this host", nil}, {"a running one", []string{"--url=" + p.URL}}} {
		name := ask.name
		answer := tallyman(t, e, append([]string{"ps", "--format=json"}, ask.args...)...)
		if answer.Code != 0 || answer.Stderr != "" {
			t.Fatalf("%s: %+v", name, answer)
		}
		want = steady(e.Containers(t, "tm-"))
		rates := 0
		for text := range strings.Lines(answer.Stdout) {
			var c struct {
				Name, State string
				ExitCode    *float64 `json:"exit_code"`
				CPU         struct{ Cores *float64 }
			}
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				t.Fatal(err)
			}
			known := want[c.Name]
			if known == nil {
				continue // it comes and goes
			}
			delete(want, c.Name)
			if c.State != known.State.Status {
				t.Errorf("%s: %s is %s, docker says %s", name, c.Name, c.State, known.State.Status)
			}
			if known.State.Status == "exited" && (c.ExitCode == nil || *c.ExitCode != known.State.ExitCode) {
				t.Errorf("%s: %s ended with %v, docker says %v", name, c.Name, c.ExitCode, known.State.ExitCode)
			}
			if c.CPU.Cores != nil {
				rates++
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: %v are missing", name, slices.Sorted(maps.Keys(want)))
		}
		if rates < 10 {
			t.Errorf("%s: the use of processors is known of %d containers", name, rates)
		}
	}
	table := tallyman(t, e, "ps")
	rows := words(table.Stdout)
	for name := range strings.FieldsSeq(e.Run(t, "ps", "-a", "--format", "{{.Names}}")) {
		if rows[name] == "" {
			t.Errorf("%s is not in the table", name)
		}
	}
	if !strings.HasPrefix(rows["tm-sick"], "running unhealthy unhealthy") || strings.Contains(table.Stdout, "\x1b") {
		t.Errorf("tm-sick is %q", rows["tm-sick"])
	}
	t.Logf("tallyman ps\n%s", table.Stdout)
}

// TestCommand_doctor: on a host that has everything, all is well; what is taken away is found, and what to do is said.
func TestCommand_doctor(t *testing.T) {
	e := populated(t)
	socket := socketOf(t, e)
	empty := t.TempDir()
	check := func(name string, code int, a program.Answer, want ...string) {
		t.Helper()
		t.Logf("%s: code %d\n%s", name, a.Code, a.Stdout)
		if a.Code != code || a.Stderr != "" {
			t.Errorf("%s: code %d, want %d: %s", name, a.Code, code, a.Stderr)
		}
		for _, w := range want {
			if !strings.Contains(a.Stdout, w) {
				t.Errorf("%s: it does not say %q", name, w)
			}
		}
	}
	free := "--web.listen-address=127.0.0.1:0"
	check("this host", 0, tallyman(t, e, "doctor", free), "pass  engine ", "pass  engine events", "pass  cgroups", "pass  containers", "pass  port", " 0 fail")
	check("engine down", 1, tallyman(t, e, "doctor", free, "--engine.host=unix:///nonexistent/docker.sock"),
		"fail  engine", "there is no socket /nonexistent/docker.sock", "is dockerd running", "pass  cgroups")
	check("no cgroups", 1, tallyman(t, e, "doctor", free, "--path.rootfs="+empty), "fail  cgroups", empty+"/sys/fs/cgroup is no cgroup tree", "pass  engine ")
	t.Run("no permission", func(t *testing.T) {
		require.Root(t)
		answer := program.Command(t, program.Options{Path: binary(t), Host: closed(t, socket), Args: []string{"doctor", free}, UID: 65534, GID: 65534})
		check("no permission", 1, answer, "fail  engine", "no permission to use", "usermod -aG", "--group-add ")
	})
}

// closed gives a way to the engine's socket that everybody may go, up to the socket itself: the folder of the tests' engine may be closed.
func closed(t *testing.T, socket string) (host string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "d.sock")
	if err := os.Link(socket, path); err != nil {
		t.Fatalf("give the socket a second name: %v", err)
	}
	return "unix://" + path
}

// TestCommand_doctorContained: in a container without mounts each of them is named as docker run takes it, and with the mounts that
// README names nothing is missing.
func TestCommand_doctorContained(t *testing.T) {
	e := populated(t)
	e.Import(t, archive(t, binary(t), "tallyman"), "-c", "LABEL tallyman.test=1", "-c", `ENTRYPOINT ["/tallyman"]`, "-", "tm-tallyman:latest")
	doctor := func(options []string, flags ...string) string {
		t.Helper()
		const name = "tm-doctor"
		e.Remove(t, name)
		args := append([]string{"run", "--name", name, "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"}, options...)
		out, err := e.Try(append(append(args, "tm-tallyman:latest", "doctor"), flags...)...)
		if err != nil { // it ends with 1, and the report with the error is not to be had
			out = e.Run(t, "logs", name)
		}
		e.Run(t, "rm", "-f", name)
		t.Logf("docker run %s … doctor %s\n%s", strings.Join(options, " "), strings.Join(flags, " "), out)
		return out
	}
	bare := doctor([]string{"--cgroupns", "private"})
	for _, want := range []string{
		"fail  engine", "there is no socket /var/run/docker.sock", "-v /var/run/docker.sock:/var/run/docker.sock:ro", "-v /sys/fs/cgroup:/host/sys/fs/cgroup:ro", "-v /proc:/host/proc:ro",
		"-v /var/lib/docker/containers:/host/var/lib/docker/containers:ro", "--path.rootfs=/host",
	} {
		if !strings.Contains(bare, want) {
			t.Errorf("without mounts it does not say %q", want)
		}
	}
	logs := e.Run(t, "info", "--format", "{{.DockerRootDir}}") + "/containers"
	full := doctor([]string{
		"-v", "/sys/fs/cgroup:/host/sys/fs/cgroup:ro", "-v", "/proc:/host/proc:ro", "-v", logs + ":/host" + logs + ":ro", "-v", socketOf(t, e) + ":/var/run/docker.sock:ro",
	}, "--path.rootfs=/host")
	for _, want := range []string{"pass  engine ", "pass  cgroups", "pass  containers", "pass  procfs", " 0 fail"} {
		if !strings.Contains(full, want) {
			t.Errorf("with all mounts it does not say %q", want)
		}
	}
}
