package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tallyman/test/env"
	"tallyman/test/internal/contract"
	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
)

// limit is how long a test waits for something that takes a moment: much longer on an emulated machine.
const limit = 2 * time.Minute

// image is what populate makes, with a shell and sleep.
const image = "tm-busybox:latest"

// patience stretches a promise that tallyman makes, by TALLYMAN_TEST_PATIENCE: an emulated machine is that much slower.
func patience(d time.Duration) time.Duration {
	factor, err := strconv.ParseFloat(os.Getenv("TALLYMAN_TEST_PATIENCE"), 64)
	if err != nil || factor < 1 {
		return d
	}
	return time.Duration(float64(d) * factor)
}

// setup is made once for all tests, by the first one that needs it.
type setup struct {
	folder string
	binary func() (string, error)
	// populate fills the engine.
	populate func() error
	filled   atomic.Bool
	// clean empties the engine, if it was filled.
	clean func() error
	// contract is what the JSON API of every tallyman must keep to.
	contract *contract.Contract
	// ending says that no more programs may be started: nobody would stop them.
	ending atomic.Bool
}

var shared *setup

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "tallyman-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	// Another user must be able to run the binary in it.
	if err := os.Chmod(folder, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := &setup{folder: folder, contract: &contract.Contract{}}
	s.binary = sync.OnceValues(func() (string, error) { return program.Build(folder) })
	s.populate = sync.OnceValue(func() error {
		s.filled.Store(true)
		return s.script("populate", engineHost())
	})
	s.clean = sync.OnceValue(func() error {
		if !s.filled.Load() || os.Getenv("TALLYMAN_TEST_KEEP") != "" {
			return nil
		}
		return s.script("populate", engineHost(), "clean")
	})
	shared = s
	go s.interrupted()
	code := m.Run()
	fmt.Println("note:", s.contract)
	if err := s.clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// interrupted tidies up when the tests are told to end.
func (s *setup) interrupted() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	s.ending.Store(true)
	signal.Ignore(syscall.SIGPIPE) // the go command, to which the tests write, has ended already
	_ = s.clean()                  // whoever ends the tests may have ended the engine, too
	_ = os.RemoveAll(s.folder)
	os.Exit(1)
}

// engineHost is the engine under test.
func engineHost() string { return docker.Default().Host }

// script runs a script of test/env; its error holds what it printed.
func (s *setup) script(name string, args ...string) error {
	path, err := env.Write(s.folder, name)
	if err != nil {
		return err
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// binary is the tallyman to test.
func binary(t testing.TB) string {
	t.Helper()
	path, err := shared.binary()
	if err == nil && shared.ending.Load() {
		err = errors.New("the tests were told to end")
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// populated is the engine, with its containers.
func populated(t testing.TB) docker.Engine {
	t.Helper()
	require.Engine(t)
	if err := shared.populate(); err != nil {
		t.Fatal(err)
	}
	return docker.Default()
}

// socketOf is the path of an engine's socket, for tests that mount it or stand before it.
func socketOf(t testing.TB, e docker.Engine) string {
	t.Helper()
	path, ok := strings.CutPrefix(e.Host, "unix://")
	if !ok {
		t.Fatalf("this test needs the engine's socket: want DOCKER_HOST=unix://..., got %s", e.Host)
	}
	return path
}

// launch runs a tallyman whose JSON API must be as it is documented.
func launch(t testing.TB, o program.Options) *program.Program {
	t.Helper()
	o.Contract = shared.contract
	return program.Start(t, o)
}

// start runs tallyman on the host with the populated engine.
func start(t testing.TB, args ...string) (*program.Program, docker.Engine) {
	t.Helper()
	e := populated(t)
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: args})
	p.Ready(t)
	return p, e
}
