package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"tallyman/test/internal/proc"
)

const (
	// readyTimeout is how long tallyman may take to list and inspect the containers at its start.
	readyTimeout = 2 * time.Minute
	// stopTimeout is the promise to operators that SIGTERM ends it within 5 s, and a little.
	stopTimeout = 8 * time.Second
)

// tallyman is the running process that is measured.
type tallyman struct {
	cmd     *exec.Cmd
	log     bytes.Buffer // read after the process has ended only
	url     string
	client  http.Client
	ended   chan struct{} // closed when the process has ended, with the field below set
	failure error
	once    sync.Once
}

// build makes the binary of this checkout, unless there is one to measure; remove clears it away.
func build(ctx context.Context, binary string) (path string, remove func(), err error) {
	if binary != "" {
		return binary, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "benchhost")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path = filepath.Join(dir, "tallyman")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/tallyman")
	cmd.Dir = ".." // tallyman is no requirement of the module of the tests: they import nothing of it
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build tallyman (this must run in the folder test of the checkout): %w", err)
	}
	return path, remove, nil
}

// startTallyman starts it so that every scrape is a collection, and waits until it serves all containers.
func startTallyman(ctx context.Context, binary string, containers int) (*tallyman, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	t := &tallyman{url: "http://" + address, ended: make(chan struct{})}
	t.client.Timeout = 30 * time.Second
	// Without this, net/http asks for gzip by itself and unpacks it.
	t.client.Transport = &http.Transport{DisableCompression: true}
	t.cmd = exec.Command(binary, "--web.listen-address="+address, "--collector.max-age=0s")
	t.cmd.Stderr = &t.log
	// In a process group of its own it does not get the terminal's Ctrl-C, but is stopped in turn.
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tallyman: %w", err)
	}
	go func() {
		t.failure = t.cmd.Wait()
		close(t.ended)
	}()
	if err := t.await(ctx, containers); err != nil {
		return nil, errors.Join(err, t.stop(), errors.New(t.log.String()))
	}
	return t, nil
}

// freeAddress is one that nobody listens on; tallyman's log would tell the port of ":0", but only to a parser of logs.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (t *tallyman) await(ctx context.Context, containers int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errors.New("tallyman does not serve all containers in time"))
	defer cancel()
	for {
		body, err := t.scrape(ctx, "identity")
		if err == nil && measured(body) >= containers {
			return nil
		}
		select {
		case <-t.ended:
			return fmt.Errorf("tallyman ended at its start: %w", t.failure)
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// measured counts the containers of this program whose cgroup an exposition shows.
func measured(body []byte) int {
	n := 0
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(line, []byte("container_memory_usage_bytes{")) && bytes.Contains(line, []byte(`image="`+imageName+`"`)) {
			n++
		}
	}
	return n
}

// series counts the samples of an exposition.
func series(body []byte) int {
	n := 0
	for line := range bytes.Lines(body) {
		if line[0] != '#' && len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

// scrape asks once, for "identity" or "gzip", and returns the body as it came.
func (t *tallyman) scrape(ctx context.Context, encoding string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("scrape: %s: %s", resp.Status, body)
	}
	if got := resp.Header.Get("Content-Encoding"); err == nil && encoding == "gzip" && got != "gzip" {
		err = fmt.Errorf("scrape: asked for gzip, got %q", got)
	}
	return body, err
}

// cost is what one scrape takes.
type cost struct {
	cpu   time.Duration // of tallyman
	wall  time.Duration
	bytes int
}

// scrapes asks n times and returns the mean.
func (t *tallyman) scrapes(ctx context.Context, n int, encoding string) (cost, error) {
	var c cost
	before, err := proc.CPU(t.pid())
	if err != nil {
		return c, err
	}
	started := time.Now()
	for range n {
		body, err := t.scrape(ctx, encoding)
		if err != nil {
			return c, err
		}
		c.bytes = len(body)
	}
	c.wall = time.Since(started) / time.Duration(n)
	after, err := proc.CPU(t.pid())
	c.cpu = (after - before) / time.Duration(n)
	return c, err
}

func (t *tallyman) pid() int { return t.cmd.Process.Pid }

// descriptors counts what it has open.
func (t *tallyman) descriptors() (int, error) {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.pid()))
	return len(fds), err
}

// stop ends it, by force if it does not end by itself. A second call does nothing.
func (t *tallyman) stop() (err error) {
	t.once.Do(func() {
		_ = t.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-t.ended:
		case <-time.After(stopTimeout):
			_ = t.cmd.Process.Kill()
			<-t.ended
			err = fmt.Errorf("tallyman did not stop within %s of SIGTERM", stopTimeout)
		}
		if err == nil && t.failure != nil {
			err = fmt.Errorf("tallyman: %w\n%s", t.failure, t.log.String())
		}
		t.client.CloseIdleConnections()
	})
	return err
}
