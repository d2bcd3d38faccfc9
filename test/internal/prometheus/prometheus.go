// Package prometheus runs a real Prometheus and its promtool.
//
// Start reading at Start.
package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

// Server is a running Prometheus.
type Server struct {
	// Client asks it for what is not a query: its own metrics, and what else it serves.
	program.Client

	pid  int
	data string
	stop func()
}

// Options say how to run a Prometheus.
type Options struct {
	// Config is the text of its configuration file. Files that it names are looked for in Folder.
	Config string
	// Folder is where the configuration is put; "" = a new one.
	Folder string
	// Agent runs it as an agent, which answers no queries.
	Agent bool
	// Flags are more flags.
	Flags []string
}

// config scrapes one target each second.
const config = `global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: tallyman
    static_configs: [{targets: [%q]}]
`

// Start runs a Prometheus that scrapes a target (host:port) each second, until the test ends.
func Start(t testing.TB, target string) *Server {
	t.Helper()
	return Run(t, Options{Config: fmt.Sprintf(config, target)})
}

// Run runs a Prometheus on a free port until the test ends, and waits until it is ready.
func Run(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	file, logFile := filepath.Join(o.Folder, "prometheus.yml"), filepath.Join(o.Folder, "log")
	if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	address := freeAddress(t)
	s := &Server{Client: program.Client{URL: "http://" + address}, data: filepath.Join(o.Folder, "data")}
	args := []string{"--config.file=" + file, "--web.listen-address=" + address}
	if o.Agent {
		args = append(args, "--enable-feature=agent", "--storage.agent.path="+s.data)
	} else {
		args = append(args, "--storage.tsdb.path="+s.data)
	}
	cmd := exec.Command("prometheus", append(args, o.Flags...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.Folder, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() { stop(t, cmd, logFile) })
	t.Cleanup(s.stop)
	s.pid = cmd.Process.Pid
	for end := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		if _, err := s.Text(t.Context(), "/-/ready"); err == nil {
			return s
		} else if time.Now().After(end) {
			t.Fatalf("Prometheus is not ready: %v", err)
		}
	}
}

// Stop ends it before the test ends.
func (s *Server) Stop() { s.stop() }

// PID is its process id.
func (s *Server) PID() int { return s.pid }

// Data is the folder in which it keeps its samples.
func (s *Server) Data() string { return s.data }

// freeAddress finds a port that is free now; Prometheus does not tell which one it took.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func stop(t testing.TB, cmd *exec.Cmd, logFile string) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // how it ends does not matter
	if text, err := os.ReadFile(logFile); err == nil && t.Failed() {
		t.Logf("log of Prometheus:\n%s", text)
	}
}

// Query evaluates an expression now, and returns the value of the only series that it gives.
func (s *Server) Query(ctx context.Context, expression string) (float64, error) {
	all, err := s.Vector(ctx, expression)
	if err != nil {
		return 0, err
	}
	if n := len(all); n != 1 {
		return 0, fmt.Errorf("query %s: got %d series, want 1", expression, n)
	}
	return all[0].Value, nil
}

// Vector evaluates an expression now, and returns all the series that it gives.
func (s *Server) Vector(ctx context.Context, expression string) ([]scrape.Sample, error) {
	body, err := s.Text(ctx, "/api/v1/query?query="+url.QueryEscape(expression))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("query %s: %w", expression, err)
	}
	out := make([]scrape.Sample, len(answer.Data.Result))
	for i, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		out[i].Labels = r.Metric
		if out[i].Value, err = strconv.ParseFloat(text, 64); err != nil {
			return nil, fmt.Errorf("query %s: %w", expression, err)
		}
	}
	return out, nil
}

// Series lists the series that a selector names, those of the last hour that have ended too.
func (s *Server) Series(ctx context.Context, selector string) ([]map[string]string, error) {
	body, err := s.Text(ctx, fmt.Sprintf("/api/v1/series?match[]=%s&start=%d", url.QueryEscape(selector), time.Now().Add(-time.Hour).Unix()))
	if err != nil {
		return nil, err
	}
	var answer struct{ Data []map[string]string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("series %s: %w", selector, err)
	}
	return answer.Data, nil
}

// CheckConfig runs "promtool check config" over a file and returns what it says; args are more arguments.
func CheckConfig(file string, args ...string) (string, error) {
	out, err := exec.Command("promtool", slices.Concat([]string{"check", "config"}, args, []string{file})...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// CheckMetrics runs "promtool check metrics" over a page and returns what it says: nothing, when all is well.
func CheckMetrics(page string) (string, error) {
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(page)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
