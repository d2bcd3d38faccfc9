package prometheus

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tallyman/test/internal/program"
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

// Options say what a Prometheus does.
type Options struct {
	// Jobs are scraped each second.
	Jobs []Job
	// Rules is a pattern of paths of rule files, which are evaluated each second; "" = there are none.
	Rules string
	// Alertmanager gets the alerts; nil = nobody does.
	Alertmanager *Alertmanager

	// Config is the text of its configuration file; "" = what the fields above say. Files that it names are looked for in Folder.
	Config string
	// Folder is where the configuration is put; "" = a new one.
	Folder string
	// Agent runs it as an agent, which answers no queries.
	Agent bool
	// Flags are more flags.
	Flags []string
}

// Job is a target (host:port) with the name that its series have in the label job.
type Job struct{ Name, Target string }

// text is the configuration.
func (o *Options) text() string {
	if o.Config != "" {
		return o.Config
	}
	var b strings.Builder
	b.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nscrape_configs:\n")
	for _, j := range o.Jobs {
		fmt.Fprintf(&b, "  - {job_name: %q, static_configs: [{targets: [%q]}]}\n", j.Name, j.Target)
	}
	if o.Rules != "" {
		fmt.Fprintf(&b, "rule_files: [%q]\n", o.Rules)
	}
	if o.Alertmanager != nil {
		fmt.Fprintf(&b, "alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", strings.TrimPrefix(o.Alertmanager.server.URL, "http://"))
	}
	return b.String()
}

// Start runs a Prometheus that scrapes a target (host:port) each second, until the test ends.
func Start(t testing.TB, target string) *Server {
	t.Helper()
	return Run(t, Options{Jobs: []Job{{"tallyman", target}}})
}

// Run runs a Prometheus on a free port until the test ends, and waits until it is ready.
func Run(t testing.TB, o Options) *Server {
	t.Helper()
	folder, address := cmp.Or(o.Folder, t.TempDir()), freeAddress(t)
	file, data := filepath.Join(folder, "prometheus.yml"), filepath.Join(folder, "data")
	if err := os.WriteFile(file, []byte(o.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--config.file=" + file, "--web.listen-address=" + address}
	if o.Agent {
		args = append(args, "--enable-feature=agent", "--storage.agent.path="+data)
	} else {
		args = append(args, "--storage.tsdb.path="+data)
	}
	s := run(t, folder, address, exec.Command("prometheus", append(args, o.Flags...)...))
	s.data = data
	return s
}

// run starts a program in a folder and waits until it is ready; it is stopped when the test ends.
func run(t testing.TB, folder, address string, cmd *exec.Cmd) *Server {
	t.Helper()
	logFile := filepath.Join(folder, "log")
	log, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Server{Client: program.Client{URL: "http://" + address}, pid: cmd.Process.Pid}
	s.stop = sync.OnceFunc(func() { stop(t, cmd, logFile) })
	t.Cleanup(s.stop)
	for end := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		if _, err := s.Text(t.Context(), "/-/ready"); err == nil {
			return s
		} else if time.Now().After(end) {
			t.Fatalf("%s is not ready: %v", cmd.Path, err)
		}
	}
}

// Stop ends it before the test ends.
func (s *Server) Stop() { s.stop() }

// PID is its process id.
func (s *Server) PID() int { return s.pid }

// Data is the folder in which it keeps its samples.
func (s *Server) Data() string { return s.data }

// freeAddress finds a port that is free now; Prometheus and Alertmanager do not tell which one they took.
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
		t.Logf("log of %s:\n%s", filepath.Base(cmd.Path), text)
	}
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
