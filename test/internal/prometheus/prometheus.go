package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

// Server is a running Prometheus.
type Server struct {
	url string
}

// config scrapes its targets each second.
const (
	config = `global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
`
	configJob = `  - job_name: %q
    static_configs: [{targets: [%q]}]
`
)

// Job is a target (host:port) with the name that its series have in the label job.
type Job struct{ Name, Target string }

// Start runs a Prometheus that scrapes a target (host:port) each second, until the test ends.
func Start(t testing.TB, target string) *Server {
	t.Helper()
	return StartJobs(t, Job{"tallyman", target})
}

// StartJobs is Start for several targets.
func StartJobs(t testing.TB, jobs ...Job) *Server {
	t.Helper()
	text := []byte(config)
	for _, j := range jobs {
		text = fmt.Appendf(text, configJob, j.Name, j.Target)
	}
	folder := t.TempDir()
	file, logFile := filepath.Join(folder, "prometheus.yml"), filepath.Join(folder, "log")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	address := freeAddress(t)
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+address)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, logFile) })
	s := &Server{url: "http://" + address}
	for end := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		if _, err := s.ask(t.Context(), "/-/ready"); err == nil {
			return s
		} else if time.Now().After(end) {
			t.Fatalf("Prometheus is not ready: %v", err)
		}
	}
}

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
	body, err := s.ask(ctx, "/api/v1/query?query="+url.QueryEscape(expression))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("query %s: %w", expression, err)
	}
	if n := len(answer.Data.Result); n != 1 {
		return 0, fmt.Errorf("query %s: got %d series, want 1", expression, n)
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

func (s *Server) ask(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, resp.Status, body)
	}
	return body, err
}

// CheckMetrics runs "promtool check metrics" over a page and returns what it says: nothing, when all is well.
func CheckMetrics(page string) (string, error) {
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(page)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
