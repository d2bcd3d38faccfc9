package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/require"
)

// screen is a terminal of tmux, in which a shell runs.
type screen struct {
	t      *testing.T
	socket string
}

// newScreen starts a terminal; env are variables of its shell.
func newScreen(t *testing.T, width, height int, env ...string) *screen {
	t.Helper()
	require.Program(t, "tmux", "tmux")
	folder, err := os.MkdirTemp("", "tm") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	s := &screen{t, filepath.Join(folder, "tmux")}
	args := []string{"new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height)}
	for _, pair := range append(env, "LC_ALL=C.UTF-8", "HOME="+folder) {
		args = append(args, "-e", pair)
	}
	s.tmux(append(args, "sh")...)
	t.Cleanup(func() { _ = s.command("kill-server").Run() })
	s.keys("-l", "echo rea''dy")
	s.keys("Enter")
	s.shows("a shell", func(text string) bool { return strings.Contains(strings.ReplaceAll(text, "rea''dy", ""), "ready") })
	return s
}

func (s *screen) command(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", s.socket, "-f", "/dev/null"}, args...)...)
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// keys presses keys, as tmux names them.
func (s *screen) keys(names ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, names...)...)
}

// text is what the terminal shows.
func (s *screen) text() string { return s.tmux("capture-pane", "-p") }

// shows waits until the terminal shows what is wanted.
func (s *screen) shows(what string, is func(text string) bool) string {
	s.t.Helper()
	for end := time.Now().Add(patience(30 * time.Second)); ; time.Sleep(50 * time.Millisecond) {
		text := s.text()
		if is(text) {
			return text
		}
		if time.Now().After(end) {
			s.t.Fatalf("it does not show %s:\n%s", what, text)
		}
	}
}

func (s *screen) has(words ...string) string {
	s.t.Helper()
	return s.shows(strings.Join(words, ", "), func(text string) bool {
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return true
	})
}

// first waits until a container is the first of the list.
func (s *screen) first(name string) {
	s.t.Helper()
	s.shows(name+" first", func(text string) bool {
		_, below, ok := strings.Cut(text, "\nNAME ")
		_, below, more := strings.Cut(below, "\n")
		return ok && more && strings.HasPrefix(below, name+" ")
	})
}

// settings are those of the terminal, and whether a program has taken over the screen.
func (s *screen) settings() string {
	s.t.Helper()
	tty := strings.TrimSpace(s.tmux("display-message", "-p", "#{pane_tty}"))
	out, err := exec.Command("stty", "-F", tty, "-a").CombinedOutput()
	if err != nil {
		s.t.Fatalf("stty: %v: %s", err, out)
	}
	return string(out) + s.tmux("display-message", "-p", "alternate screen #{alternate_on}, cursor #{cursor_flag}, keypad #{keypad_flag}, mouse #{mouse_any_flag}")
}

// begin starts top, and waits until it shows the containers.
func (s *screen) begin(binary, args string) {
	s.t.Helper()
	s.keys("-l", binary+" top "+args+"; echo ended with $?")
	s.keys("Enter")
	s.has("tm-busy", "q quit")
}

// TestCommand_top: on a real terminal it shows the containers, sorts, filters, shows details, follows the size of the window and what
// happens, says when the engine goes, and gives the terminal back as it was.
func TestCommand_top(t *testing.T) {
	e := populated(t)
	s := newScreen(t, 160, 60, "DOCKER_HOST="+e.Host)
	before := s.settings()
	s.begin(binary(t), "--interval=1s")
	s.has("cpu ", "containers", "engine ", "look at", "tm-sick", "unhealthy")
	if got := s.settings(); got == before {
		t.Error("the terminal was not taken over")
	}
	s.keys("c")
	s.first("tm-busy")
	s.keys("c")
	s.has("by cpu ↑")
	s.keys("N")
	s.has("by name ↑")
	s.keys("-l", "/paused")
	s.first("tm-paused")
	s.keys("Enter")
	s.has("filter: paused")
	s.keys("Enter")
	t.Log(s.has("tm-paused  paused", "memory", "of 48.0 MiB", "tallyman.test", "Esc back"))
	s.keys("Escape")
	s.first("tm-paused")
	s.keys("Escape")
	s.has("tm-busy ", "tm-writer ")
	s.keys("?")
	s.has("sort by throttling")
	s.keys("Escape")

	s.tmux("resize-window", "-x", "60", "-y", "20")
	s.shows("20 lines of 60", func(text string) bool {
		for line := range strings.Lines(text) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 60 {
				return false
			}
		}
		return strings.Contains(text, "NAME") && !strings.Contains(text, "IMAGE") && strings.Count(text, "\n") == 20
	})
	s.tmux("resize-window", "-x", "160", "-y", "60")
	s.has("tm-writer", "NET IN/OUT")

	const name = "tm-top-new"
	e.Remove(t, name)
	e.Run(t, "run", "-d", "--name", name, "--network", "none", image, "sleep", "36000")
	s.has(name)
	e.Run(t, "rm", "-f", name)
	s.shows("no "+name, func(text string) bool { return !strings.Contains(text, name) })
	t.Log(s.text())

	for _, quit := range []string{"q", "C-c"} {
		s.keys(quit)
		s.has("ended with 0")
		if got := s.settings(); got != before {
			t.Errorf("after %s the terminal is not as it was:\n%s\nbefore:\n%s", quit, got, before)
		}
		if quit == "q" {
			s.keys("-l", "clear")
			s.keys("Enter")
			s.begin(binary(t), "")
		}
	}
}

// TestCommand_topAway: an engine that goes is said, and found again when it is back; SIGTERM gives the terminal back, too.
func TestCommand_topAway(t *testing.T) {
	e := populated(t)
	socket := forwarded(t, e)
	s := newScreen(t, 160, 50)
	before := s.settings()
	s.begin(binary(t), "--interval=1s --engine.host=unix://"+socket.path)
	socket.close()
	t.Log(s.has("away: ", "is dockerd running", "tm-busy"))
	socket.open()
	s.shows("the engine again", func(text string) bool { return !strings.Contains(text, "away: ") && strings.Contains(text, "engine ") })
	pid := strings.TrimSpace(s.tmux("display-message", "-p", "#{pane_pid}"))
	out, err := exec.Command("sh", "-c", "kill -TERM $(cat /proc/"+pid+"/task/"+pid+"/children)").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.has("ended with 0")
	if got := s.settings(); got != before {
		t.Errorf("the terminal is not as it was:\n%s\nbefore:\n%s", got, before)
	}
}

// forwarder stands before an engine's socket, and can go and come back as the engine does.
type forwarder struct {
	t        *testing.T
	path, to string

	mu       sync.Mutex // guards the fields below
	listener net.Listener
	conns    []net.Conn
}

func forwarded(t *testing.T, e docker.Engine) *forwarder {
	t.Helper()
	folder, err := os.MkdirTemp("", "tm") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	f := &forwarder{t: t, path: filepath.Join(folder, "d.sock"), to: socketOf(t, e)}
	f.open()
	t.Cleanup(f.close)
	return f
}

func (f *forwarder) open() {
	f.t.Helper()
	listener, err := net.Listen("unix", f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.listener = listener
	f.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.forward(conn)
		}
	}()
}

// forward passes on what both sides say.
func (f *forwarder) forward(conn net.Conn) {
	engine, err := net.Dial("unix", f.to)
	if err != nil {
		conn.Close()
		return
	}
	f.mu.Lock()
	f.conns = append(f.conns, conn, engine)
	f.mu.Unlock()
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
	}
	go pass(engine, conn)
	go pass(conn, engine)
}

// close cuts all connections, and lets nobody in any more.
func (f *forwarder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listener.Close()
	for _, conn := range f.conns {
		conn.Close()
	}
	f.conns = nil
}
