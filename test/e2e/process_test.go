package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// hostServed says what is missing of the host's own numbers, which need no engine.
func hostServed(page scrape.Page) string {
	for _, family := range []string{"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_last_seen"} {
		if len(page.All(family, "id", "/")) != 1 {
			return "the host has no " + family
		}
	}
	if v, ok := page.Value("machine_cpu_cores"); !ok || v < 1 {
		return "machine_cpu_cores is not served"
	}
	if !page.Is(0, "tallyman_engine_up") {
		return "tallyman_engine_up is not 0"
	}
	return ""
}

// TestNoEngine: without an engine, the kernel's numbers of the host are served.
func TestNoEngine(t *testing.T) {
	p := launch(t, program.Options{Path: binary(t), Host: "unix://" + filepath.Join(t.TempDir(), "none.sock")})
	page := p.WaitFor(t, limit, hostServed)
	if n := len(page["container_info"]); n > 0 {
		t.Errorf("got %d containers", n)
	}
	for path, want := range map[string]string{"/-/healthy": "", "/api/v1/summary": "none.sock", "/": "none.sock"} {
		body, err := p.Text(t.Context(), path)
		if err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: got %v, %q, want %q in it", path, err, body, want)
		}
	}
}

// TestNoPermission: a socket that tallyman may not use leads to one line in the log that says what to do, however often it
// is tried, and costs nothing else.
func TestNoPermission(t *testing.T) {
	require.Root(t)
	for mode, want := range map[os.FileMode]string{0o660: "usermod -aG", 0o600: "only user id 0"} {
		t.Run(fmt.Sprintf("mode %o", mode), func(t *testing.T) {
			folder, err := os.MkdirTemp("", "tm")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(folder)
			socket := filepath.Join(folder, "docker.sock")
			listener, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			// Group 1 has a name on every Linux; which one does not matter.
			if err := errors.Join(os.Chown(socket, 0, 1), os.Chmod(socket, mode), os.Chmod(folder, 0o755)); err != nil {
				t.Fatal(err)
			}
			p := launch(t, program.Options{Path: binary(t), Host: "unix://" + socket, UID: 65534, GID: 65534})
			p.WaitFor(t, limit, func(page scrape.Page) string {
				if tries, _ := page.Value("tallyman_engine_reconnects_total"); tries < 3 && errorsOf(page) < 3 {
					return "the engine was not tried three times"
				}
				return hostServed(page)
			})
			if n := strings.Count(p.Log(), "no permission to use "+socket); n != 1 || !strings.Contains(p.Log(), want) {
				t.Errorf("got %d lines that say what to do, want one with %q:\n%s", n, want, p.Log())
			}
		})
	}
}

// errorsOf counts the requests that the engine did not answer.
func errorsOf(page scrape.Page) float64 {
	total := 0.0
	for _, s := range page.All("tallyman_engine_requests_total", "code", "error") {
		total += s.Value
	}
	return total
}

// TestShutdown: SIGTERM ends tallyman within 5 s, also while clients that are slow to ask or to read are connected.
func TestShutdown(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		p, _ := start(t)
		ends(t, p, 5*time.Second)
	})
	t.Run("slow clients", func(t *testing.T) {
		p, _ := start(t)
		asks, reads := dial(t, p), dial(t, p)
		if _, err := asks.Write([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow")); err != nil {
			t.Fatal(err)
		}
		// More answers than the buffers of a connection hold, none of which is read.
		if _, err := reads.Write(bytes.Repeat([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), 100)); err != nil {
			t.Fatal(err)
		}
		p.Metrics(t) // the clients are being served by now
		ends(t, p, 5*time.Second)
	})
}

func dial(t *testing.T, p *program.Program) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func ends(t *testing.T, p *program.Program, promise time.Duration) {
	t.Helper()
	code, took := p.Stop(t)
	if code != 0 || took > patience(promise) {
		t.Errorf("ended with code %d after %v, want 0 within %v", code, took, promise)
	}
	t.Logf("ended after %v", took.Round(time.Millisecond))
}

// try runs the binary to its end.
func try(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = append(os.Environ(), env...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String(), problems.String()
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := try(t, nil, "--version")
	if code != 0 || !strings.HasPrefix(stdout, "tallyman ") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Errorf("got code %d, %q, %q", code, stdout, stderr)
	}
}

// TestBadConfiguration: a wrong configuration ends with code 2 and one line that names what is wrong.
func TestBadConfiguration(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(broken, []byte("tls_server_config: {cert_file: none.pem, key_file: none.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		env, arg string
		want     []string
	}{
		{arg: "--nonsense", want: []string{"--nonsense"}},
		{arg: "--web.listen-address=foo", want: []string{"--web.listen-address", `"foo"`, "host:port"}},
		{arg: "--web.config.file=" + broken, want: []string{"--web.config.file", "none.pem"}},
		{arg: "--path.cgroupfs=/proc", want: []string{"--path.cgroupfs", "/proc", "/sys/fs/cgroup"}},
		{arg: "--engine.host=/var/run/docker.sock", want: []string{"--engine.host", "unix:///var/run/docker.sock"}},
		{env: "DOCKER_HOST=nonsense", arg: "--collector.cpu", want: []string{"DOCKER_HOST", "nonsense", "unix:///"}},
		{env: "TALLYMAN_ENGINE_TIMEOUT=soon", arg: "--collector.cpu", want: []string{"TALLYMAN_ENGINE_TIMEOUT", "soon", "10s"}},
	} {
		t.Run(tt.env+" "+tt.arg, func(t *testing.T) {
			code, stdout, stderr := try(t, []string{tt.env, "TALLYMAN_WEB_LISTEN_ADDRESS=127.0.0.1:0"}, tt.arg)
			if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got code %d and %q, want 2 and one line: %q", code, stdout, stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not name %q", stderr, want)
				}
			}
		})
	}
}

// TestAddressInUse: what fails after the start is code 1.
func TestAddressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	code, _, stderr := try(t, nil, "--web.listen-address="+listener.Addr().String(), "--engine.host=unix:///nonexistent/docker.sock")
	if code != 1 || !strings.Contains(stderr, "address already in use") {
		t.Errorf("got code %d, %q", code, stderr)
	}
}
