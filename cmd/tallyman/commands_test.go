package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fakeengine"
	"tallyman/internal/fixture"
	"tallyman/internal/pki"
)

// command runs a command to its end.
func command(t *testing.T, vars map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), args, env(vars), &out, &problems)
	return code, out.String(), problems.String()
}

// recorded is a recorded host with an engine, as flags.
func recorded(t *testing.T, o fakeengine.Options) (fake *fakeengine.Engine, flags []string) {
	t.Helper()
	fake = fakeengine.ForTest(t, o)
	return fake, []string{"--path.rootfs=" + fixture.Open(t, "../../cgroups/testdata/v2-systemd.txtar").Root, "--engine.host=" + fake.Host()}
}

// TestCommands_help: each command tells its flags and their variables, and only those that make sense for it.
func TestCommands_help(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args         []string
		want, unwant []string
	}{
		{[]string{"--help"}, []string{"serve", "df", "ps", "top", "doctor", "--web.listen-address"}, []string{"--format"}},
		{[]string{"help", "df"}, []string{"--format", "TALLYMAN_DF_FORMAT", "--url", "TALLYMAN_URL", "--engine.host", "--engine.disk-usage-timeout"}, []string{"--web.listen-address", "--sort", "--log.level"}},
		{[]string{"ps", "--help"}, []string{"--format", "TALLYMAN_PS_SORT", "--state", "--name", "--[no-]all", "--collector.source"}, []string{"--web.listen-address", "--interval", "disk-usage"}},
		{[]string{"top", "-h"}, []string{"--interval", "TALLYMAN_TOP_INTERVAL", "--sort", "--url.ca-file"}, []string{"--web.listen-address", "--format"}},
		{[]string{"help", "doctor"}, []string{"--format", "--web.listen-address", "--collector.[no-]process"}[:2], []string{"--interval"}},
		{[]string{"serve", "--help"}, []string{"--web.listen-address", "TALLYMAN_ENGINE_HOST"}, []string{"--format", "--url"}},
	} {
		code, out, stderr := command(t, nil, tt.args...)
		if code != exitOK || stderr != "" {
			t.Errorf("%v: code %d, %q", tt.args, code, stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not tell of %s", tt.args, want)
			}
		}
		for _, unwant := range tt.unwant {
			if strings.Contains(out, unwant) {
				t.Errorf("%v tells of %s", tt.args, unwant)
			}
		}
	}
}

// TestCommands_refuse: what is wrong ends with code 2 and one line that says what would be right.
func TestCommands_refuse(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want []string
	}{
		{args: []string{"df", "--format=xml"}, want: []string{"--format", "TALLYMAN_DF_FORMAT", "xml", "table, json"}},
		{args: []string{"df", "--web.listen-address=:1"}, want: []string{"--web.listen-address", "tallyman help df"}},
		{args: []string{"df", "extra"}, want: []string{"extra"}},
		{args: []string{"help", "dd"}, want: []string{"dd", "tallyman --help"}},
		{args: []string{"--engine.host=unix:///a", "ps"}, want: []string{"ps", "the command comes first"}},
		{args: []string{"ps", "--sort=size"}, want: []string{"--sort", "size", "trouble, name, cpu"}},
		{args: []string{"ps", "--state=gone"}, want: []string{"--state", "gone", "running"}},
		{args: []string{"ps", "--name=a[b"}, want: []string{"--name", "a[b", "web-*"}},
		{env: map[string]string{"TALLYMAN_PS_ALL": "maybe"}, args: []string{"ps"}, want: []string{"TALLYMAN_PS_ALL", "maybe"}},
		{args: []string{"ps", "--engine.host=nonsense"}, want: []string{"--engine.host", "nonsense", "unix:///"}},
		{args: []string{"ps", "--path.rootfs=" + empty}, want: []string{"--path.cgroupfs", empty}},
		{args: []string{"ps", "--url=localhost:1"}, want: []string{"--url", "http://host:10180"}},
		{args: []string{"top", "--interval=10ms"}, want: []string{"--interval", "10ms", "1s or more"}},
		{args: []string{"top"}, want: []string{"terminal", "tallyman ps"}},
	} {
		code, out, stderr := command(t, tt.env, tt.args...)
		if code != exitUsage || strings.Count(stderr, "\n") != 1 || out != "" {
			t.Errorf("%v: got code %d, want %d and one line: %q %q", tt.args, code, exitUsage, stderr, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: %q does not name %q", tt.args, stderr, want)
			}
		}
	}
}

// TestDf: what docker system df says of the recorded engine, word for word.
func TestDf(t *testing.T) {
	t.Parallel()
	fake, flags := recorded(t, fakeengine.Options{})
	code, table, stderr := command(t, nil, append([]string{"df"}, flags...)...)
	if code != exitOK || stderr != "" || fake.Requests("/system/df") == 0 {
		t.Fatalf("code %d, %q, asked %d times", code, stderr, fake.Requests("/system/df"))
	}
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(lines) != 5 || lines[0] != "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE" || !strings.HasPrefix(lines[1], "Images          ") || !strings.HasPrefix(lines[4], "Build Cache     ") {
		t.Errorf("got\n%s", table)
	}
	code, out, _ := command(t, nil, append([]string{"df", "--format=json"}, flags...)...)
	if code != exitOK {
		t.Errorf("code %d", code)
	}
	for n, text := range slices.Collect(strings.Lines(out)) {
		var line struct {
			Type, TotalCount, Active, Size, Reclaimable string
			SizeBytes, ReclaimableBytes                 *float64
			RefreshedAt                                 time.Time
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line.SizeBytes == nil || line.ReclaimableBytes == nil || time.Since(line.RefreshedAt) > time.Minute {
			t.Errorf("got %s", text)
		}
		for _, cell := range []string{line.Type, line.TotalCount, line.Active, line.Size, line.Reclaimable} {
			if cell == "" || !strings.Contains(lines[n+1], cell) {
				t.Errorf("%q of %s is not in %s", cell, text, lines[n+1])
			}
		}
	}
}

// TestDf_refused: what the engine does not tell is a dash with the reason beside it; when it tells nothing, the code is 1.
func TestDf_refused(t *testing.T) {
	t.Parallel()
	fake, flags := recorded(t, fakeengine.Options{})
	fake.SetFault("/system/df?type=volume", fakeengine.Fault{Status: 500, Body: `{"message":"volume driver \u001b[31mis broken"}`})
	code, out, stderr := command(t, nil, append([]string{"df"}, flags...)...)
	if code != exitOK || !strings.Contains(out, "Local Volumes   –         –         –         –\n") || !strings.Contains(stderr, "Local Volumes: ") ||
		!strings.Contains(stderr, "volume driver") || strings.Contains(stderr, "\x1b") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("code %d\n%s%q", code, out, stderr)
	}
	code, out, _ = command(t, nil, append([]string{"df", "--format=json"}, flags...)...)
	if code != exitOK || !strings.Contains(out, `"Size":null,"TotalCount":null,"Type":"Local Volumes","SizeBytes":null`) {
		t.Errorf("code %d\n%s", code, out)
	}
	fake.SetFault("/system/df", fakeengine.Fault{Status: 403, Body: "no"})
	fake.SetFault("/system/df?type=volume", fakeengine.Fault{Status: 403, Body: "no"})
	for _, kind := range []string{"image", "container", "build-cache"} {
		fake.SetFault("/system/df?type="+kind, fakeengine.Fault{Status: 403, Body: "no"})
	}
	code, out, stderr = command(t, nil, append([]string{"df"}, flags...)...)
	if code != exitFail || out != "" || !strings.Contains(stderr, "403") || !strings.Contains(stderr, "/system/df") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("code %d\n%s%q", code, out, stderr)
	}
}

// TestDf_several: with several engines each line names its own, and one that is away costs the other nothing.
func TestDf_several(t *testing.T) {
	t.Parallel()
	fake, flags := recorded(t, fakeengine.Options{})
	code, out, stderr := command(t, nil, "df", flags[0], "--engine.host=here="+fake.Host(), "--engine.host=away=unix:///nonexistent.sock")
	if code != exitOK || !strings.HasPrefix(out, "ENGINE    TYPE            TOTAL") || !strings.Contains(out, "\nhere      Images          ") ||
		!strings.Contains(stderr, "tallyman: engine away: there is no socket /nonexistent.sock") {
		t.Errorf("code %d\n%s%q", code, out, stderr)
	}
}

// psRow finds the line of a container.
func psRow(t *testing.T, table, name string) []string {
	t.Helper()
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == name {
			return words
		}
	}
	t.Fatalf("%s is not in\n%s", name, table)
	return nil
}

// TestPs: every container in every state, trouble first; names that were made to do harm do none.
func TestPs(t *testing.T) {
	t.Parallel()
	fake, flags := recorded(t, fakeengine.Options{})
	fake.Update("eng-host", func(doc map[string]any) { doc["Name"] = "/\x1b]0;owned\x07\n\u202etxt" })
	code, table, stderr := command(t, nil, append([]string{"ps"}, flags...)...)
	if code != exitOK || stderr != "" {
		t.Fatalf("code %d, %q", code, stderr)
	}
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(lines) != 1+28 || !strings.HasPrefix(lines[0], "NAME") {
		t.Errorf("%d lines:\n%s", len(lines), table)
	}
	if strings.ContainsAny(table, "\x1b\x07\u202e") || !strings.Contains(table, `\x1b]0;owned\a\n\u202etxt`) {
		t.Errorf("a hostile name is not inert:\n%q", table)
	}
	if got := psRow(t, table, "eng-sick"); got[1] != "running" || got[2] != "unhealthy" {
		t.Errorf("got %q", got)
	}
	if got := psRow(t, table, "eng-exit3"); got[1] != "exited" || got[len(got)-4] != "3" {
		t.Errorf("got %q", got)
	}
	trouble := false // below the first container without
	for _, line := range lines[1:] {
		has := strings.Contains(line, "restarting") || strings.Contains(line, "unhealthy") || strings.Contains(line, "oom-killed") || strings.Contains(line, "exited-nonzero")
		if has && trouble {
			t.Errorf("trouble comes late: %s", line)
		}
		trouble = trouble || !has
	}
}

// TestPs_choices: filters, orders and forms.
func TestPs_choices(t *testing.T) {
	t.Parallel()
	_, flags := recorded(t, fakeengine.Options{})
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--state=exited", "--sort=name", "--name=eng-exit"}, "NAME eng-exit0 eng-exit3"},
		{[]string{"--sort=-name", "--name=eng-exit?"}, "NAME eng-exit3 eng-exit0"},
		{[]string{"--name=exit?"}, "NAME"}, // a pattern is of the whole name
		{[]string{"--no-all", "--name=eng-exit"}, "NAME"},
		{[]string{"--no-all", "--name=paused"}, "NAME eng-paused"},
		{[]string{"--format=wide", "--state=paused", "--state=restarting"}, "NAME eng-crash eng-paused"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			code, out, stderr := command(t, nil, append(append([]string{"ps"}, tt.args...), flags...)...)
			var all []string
			for line := range strings.Lines(out) {
				all = append(all, strings.Fields(line)[0])
			}
			if got := strings.Join(all, " "); code != exitOK || got != tt.want {
				t.Errorf("code %d, %q, want %q: %s", code, got, tt.want, stderr)
			}
		})
	}
	code, out, _ := command(t, map[string]string{"TALLYMAN_PS_FORMAT": "json"}, append([]string{"ps", "--name=eng-exit3"}, flags...)...)
	var line struct {
		Name, State string
		ExitCode    *float64 `json:"exit_code"`
		CPU         map[string]*float64
		Attention   []string
	}
	if err := json.Unmarshal([]byte(out), &line); code != exitOK || err != nil || line.Name != "eng-exit3" || line.ExitCode == nil || *line.ExitCode != 3 || line.CPU["cores"] != nil || len(line.Attention) == 0 {
		t.Errorf("code %d, %v\n%s", code, err, out)
	}
}

// TestCommands_away: without an engine, or without a tallyman, there is one line that says why, and code 1.
func TestCommands_away(t *testing.T) {
	t.Parallel()
	root := "--path.rootfs=" + fixture.Open(t, "../../cgroups/testdata/v2-systemd.txtar").Root
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<h1>hello") }))
	t.Cleanup(page.Close)
	for _, name := range []string{"df", "ps"} {
		for want, args := range map[string][]string{
			"/nonexistent.sock": {root, "--engine.host=unix:///nonexistent.sock"},
			"is no tallyman":    {"--url=" + page.URL},
		} {
			code, out, stderr := command(t, nil, append([]string{name}, args...)...)
			if code != exitFail || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
				t.Errorf("%s %v: code %d, %q %q", name, args, code, out, stderr)
			}
		}
	}
}

// TestCommands_url: a running tallyman says the same as the parts in this process.
func TestCommands_url(t *testing.T) {
	t.Parallel()
	fake := fakeengine.ForTest(t, fakeengine.Options{})
	url, _ := serve(t, fake, "--engine.disk-usage-interval=1h")
	get(t, url+"/api/v1/containers")
	code, table, stderr := command(t, nil, "ps", "--url="+url, "--sort=name")
	if code != exitOK || strings.Count(table, "\n") != 29 || stderr != "" {
		t.Errorf("code %d, %q\n%s", code, stderr, table)
	}
	if resp, err := http.Get(url + "/api/v1/summary?refresh=1"); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("refresh: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		code, table, stderr = command(t, nil, "df", "--url="+url)
		if code == exitOK && stderr == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("code %d, %s", code, stderr)
		}
	}
	if lines := strings.Split(table, "\n"); !strings.HasSuffix(lines[0], " AGE") || !strings.HasSuffix(lines[1], " s") {
		t.Errorf("got\n%s", table)
	}
	code, report, _ := command(t, nil, "doctor", "--url="+url)
	if code != exitOK || !strings.Contains(report, "pass  tallyman") || !strings.Contains(report, "pass  engine") {
		t.Errorf("code %d\n%s", code, report)
	}
	if code, report, _ = command(t, nil, "doctor", "--url=http://127.0.0.1:1"); code != exitFail || !strings.Contains(report, "fail  tallyman") {
		t.Errorf("code %d\n%s", code, report)
	}
}

// statuses are the checks of a doctor's report by name.
func statuses(t *testing.T, report string) map[string]string {
	t.Helper()
	var answer struct {
		Status string
		Checks []struct{ Name, Status, Found, Fix string }
	}
	if err := json.Unmarshal([]byte(report), &answer); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	out := map[string]string{"": answer.Status}
	for _, c := range answer.Checks {
		out[c.Name] = fmt.Sprintf("%s: %s; %s", c.Status, c.Found, c.Fix)
	}
	return out
}

// TestDoctor: what is well passes; what is missing fails or warns, with what would mend it.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	badWeb := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(badWeb, []byte("tls_server_config: {cert_file: none.pem, key_file: none.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	fake, flags := recorded(t, fakeengine.Options{})
	check := func(wantCode int, want map[string]string, args ...string) {
		t.Helper()
		code, report, stderr := command(t, nil, append([]string{"doctor", "--format=json", "--web.listen-address=127.0.0.1:0"}, args...)...)
		if code != wantCode || stderr != "" {
			t.Errorf("%v: code %d, want %d: %q", args, code, wantCode, stderr)
		}
		got := statuses(t, report)
		for name, text := range want {
			for part := range strings.SplitSeq(text, "|") {
				if !strings.Contains(got[name], part) {
					t.Errorf("%v: %s is %q, want %q", args, name, got[name], part)
				}
			}
		}
	}
	check(exitOK, map[string]string{
		"engine": "pass: |28.5.2|28 containers", "engine events": "pass", "engine images": "pass", "engine info": "pass", "engine inspect": "pass",
		"engine disk usage": "pass", "engine clock": "pass", "cgroups": "pass: cgroup v2|memory", "memory": "pass", "descriptors": "pass",
		"port": "pass", "web config": "pass",
	}, flags...)
	check(exitFail, map[string]string{"engine": "fail: |/nonexistent.sock|is dockerd running", "cgroups": "pass"}, flags[0], "--engine.host=unix:///nonexistent.sock")
	check(exitFail, map[string]string{"cgroups": "fail: |" + dir + "|/sys/fs/cgroup", "engine": "pass", "engine events": "pass"}, "--path.rootfs="+dir, flags[1])
	check(exitFail, map[string]string{"engine flags": "fail: |nonsense|unix:///path", "cgroups": "pass"}, flags[0], "--engine.host=nonsense")
	check(exitFail, map[string]string{"engine flags": "fail: |ca.pem"}, flags[0], "--engine.host=tcp://127.0.0.1:1", "--engine.tls-dir="+dir)
	check(exitFail, map[string]string{"web config": "fail: |none.pem"}, append(flags, "--web.config.file="+badWeb)...)
	check(exitFail, map[string]string{"port": "fail: |in use by another program|--web.listen-address"}, append(flags, "--web.listen-address="+taken.Addr().String())...)
	check(exitOK, map[string]string{"engine disk usage": "pass: switched off"}, append(flags, "--engine.disk-usage-interval=0s")...)

	fake.SetFault("/events", fakeengine.Fault{Status: 403})
	fake.SetFault("/images/json", fakeengine.Fault{Status: 403})
	check(exitOK, map[string]string{"": "warn", "engine events": "warn: |403", "engine images": "warn: |allow that request", "engine info": "pass"}, flags...)
}

// TestDoctor_port: a port on which a tallyman listens is no trouble.
func TestDoctor_port(t *testing.T) {
	t.Parallel()
	fake := fakeengine.ForTest(t, fakeengine.Options{})
	url, _ := serve(t, fake)
	_, flags := recorded(t, fakeengine.Options{})
	code, report, _ := command(t, nil, append([]string{"doctor", "--web.listen-address=" + strings.TrimPrefix(url, "http://")}, flags...)...)
	if code != exitOK || !strings.Contains(report, "a tallyman listens on") || !strings.Contains(report, " 0 fail") {
		t.Errorf("code %d\n%s", code, report)
	}
}

// TestDoctor_quick: one that runs is healthy, be it behind TLS, a password or client certificates, of which the check knows nothing; the
// engine is not asked. Where nothing listens, or another program, it is not.
func TestDoctor_quick(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := pki.New(t, pki.Options{Name: "ca"})
	ca.Write(t, dir, ca.Issue(t, pki.Options{Hosts: []string{"elsewhere.example"}}))
	certificates := fmt.Sprintf("tls_server_config: {cert_file: %s/cert.pem, key_file: %[1]s/key.pem", dir)
	web := map[string]string{
		"plain":               "",
		"password":            "basic_auth_users: {me: $2y$10$BxWDmDQkxOXtOSoEWb5DZeKWZRkq3fXnVaPzDfPUpYUJBqfIMRW2y}",
		"TLS":                 certificates + "}",
		"client certificates": certificates + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: " + dir + "/ca.pem}",
	}
	_, flags := recorded(t, fakeengine.Options{})
	for name, text := range web {
		file := filepath.Join(dir, name+".yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		url, _ := begin(t, fakeengine.ForTest(t, fakeengine.Options{}), "--web.config.file="+file)
		_, address, _ := strings.Cut(url, "://")
		vars := map[string]string{"TALLYMAN_WEB_LISTEN_ADDRESS": address, "TALLYMAN_WEB_CONFIG_FILE": file}
		code, report, stderr := command(t, vars, "doctor", "--quick", flags[1])
		if code != exitOK || stderr != "" || !strings.HasPrefix(report, "pass  tallyman  http") || strings.Count(report, "\n") != 2 {
			t.Errorf("%s: code %d\n%s%s", name, code, report, stderr)
		}
		if name == "plain" {
			if code, report, _ = command(t, nil, "doctor", "--quick", "--url="+url); code != exitOK {
				t.Errorf("by --url: code %d\n%s", code, report)
			}
		}
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(other.Close)
	for name, args := range map[string][]string{
		"nothing listens": {"--web.listen-address=127.0.0.1:1"},
		"is no tallyman":  {"--web.listen-address=" + other.Listener.Addr().String()},
		"by --url":        {"--web.systemd-socket"},
		"vsock":           {"--web.listen-address=vsock://:1234"},
		"none.yml":        {"--web.config.file=" + dir + "/none.yml"},
	} {
		code, report, stderr := command(t, nil, append([]string{"doctor", "--quick"}, args...)...)
		if code != exitFail || stderr != "" || !strings.Contains(report, name) {
			t.Errorf("%s: code %d\n%s%s", name, code, report, stderr)
		}
	}
}
