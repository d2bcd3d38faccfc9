package program

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tallyman/test/internal/contract"
)

// How long an emulated machine may take for what takes milliseconds elsewhere.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
)

// Options say how to start the binary. The zero value starts it on the host, with the engine of the environment.
type Options struct {
	// Path is the binary; see Build.
	Path string
	// Host is the engine, for --engine.host; "" = none is named.
	Host string
	// Listen is where it listens; "" = on a free port of 127.0.0.1.
	Listen string
	// MaxAge is for how long a reading is shared, such as "1s"; "" = for none.
	MaxAge string
	// Args are more flags.
	Args []string
	// Env are more variables of its environment, "NAME=value".
	Env []string
	// Contract is what its JSON API must keep to; see Client.
	Contract *contract.Contract
	// UID and GID run it as another user; 0 = as the test itself.
	UID, GID uint32
}

// Program is a running tallyman. It is safe for concurrent use.
type Program struct {
	Client

	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has ended, and code is set
	code   int
	listen chan string

	mu  sync.Mutex // guards the fields below
	log []string
}

// Start runs tallyman until the test ends, and waits until it listens. Unlike at the command line, a reading
// is not shared by two scrapes unless MaxAge says so: what the tests compare is of this moment.
func Start(t testing.TB, o Options) *Program {
	t.Helper()
	args := []string{"--web.listen-address=" + cmp.Or(o.Listen, "127.0.0.1:0"), "--collector.max-age=" + cmp.Or(o.MaxAge, "0s")}
	if o.Host != "" {
		args = append(args, "--engine.host="+o.Host)
	}
	p := &Program{cmd: exec.Command(o.Path, append(args, o.Args...)...), ended: make(chan struct{}), listen: make(chan string, 1)}
	p.cmd.Env = append(os.Environ(), o.Env...)
	if o.UID != 0 {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: o.UID, Gid: o.GID}}
	}
	p.Contract = o.Contract
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(stderr)
	t.Cleanup(func() { p.end(t) })
	select {
	case address := <-p.listen:
		p.URL = "http://" + address
	case <-p.ended:
		t.Fatalf("tallyman ended with code %d: %s", p.code, p.Log())
	case <-time.After(startTimeout):
		t.Fatalf("tallyman does not listen after %v: %s", startTimeout, p.Log())
	}
	return p
}

// follow keeps the log, finds the address in it, and waits for the end.
func (p *Program) follow(stderr io.Reader) {
	address := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.log = append(p.log, lines.Text())
		p.mu.Unlock()
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case p.listen <- m[1]:
			default:
			}
		}
	}
	_ = p.cmd.Wait() // the exit code says it
	p.code = p.cmd.ProcessState.ExitCode()
	close(p.ended)
}

// Log is what it has logged so far.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// PID is its process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Stop sends SIGTERM and returns the exit code and how long the end took.
func (p *Program) Stop(t testing.TB) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
		t.Errorf("tallyman did not end within %v after SIGTERM", stopTimeout)
	}
	return p.code, time.Since(began)
}

// end is the Stop of every test, unless the test has done it.
func (p *Program) end(t testing.TB) {
	select {
	case <-p.ended:
	default:
		if code, _ := p.Stop(t); code != 0 {
			t.Errorf("tallyman ended with code %d", code)
		}
	}
	if t.Failed() {
		t.Logf("log of tallyman:\n%s", p.Log())
	}
}
