package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
	"tallyman/test/internal/rules"
)

// hastened is by how much the windows and delays of the rules are shortened here: 15 minutes become 30 s, 2 minutes 4 s. Expressions
// and thresholds are those that are committed.
const hastened = 30

// TestAlerts: a container that crashes in a loop, one that is killed for want of memory and one whose health check fails raise
// their alerts in a real Prometheus, which sends them to a real Alertmanager; a healthy one raises none.
func TestAlerts(t *testing.T) {
	t.Parallel() // it waits, most of the time
	require.Prometheus(t)
	require.Alertmanager(t)
	p, e := start(t)
	manager := prometheus.StartAlertmanager(t)
	server := prometheus.Run(t, prometheus.Options{
		Jobs: []prometheus.Job{{Name: "tallyman", Target: strings.TrimPrefix(p.URL, "http://")}}, Rules: hastenedRules(t), Alertmanager: manager,
	})
	began := time.Now()
	troubled := map[string]string{
		"tm-alert-crash": "ContainerRestartLoop",
		"tm-alert-oom":   "ContainerOOMKilled",
		"tm-alert-sick":  "ContainerUnhealthy",
	}
	runTroubled(t, e)
	waitForAlerts(t, troubled, func() ([]prometheus.Alert, error) {
		all, err := server.Alerts(t.Context())
		return slices.DeleteFunc(all, func(a prometheus.Alert) bool { return a.State != "firing" }), err
	})
	t.Logf("firing in Prometheus after %.1f s", time.Since(began).Seconds())
	for _, a := range waitForAlerts(t, troubled, func() ([]prometheus.Alert, error) { return manager.Alerts(t.Context()) }) {
		t.Logf("Alertmanager has %s (%s): %s Runbook: %s", a.Labels["alertname"], a.Labels["severity"], a.Annotations["description"], a.Annotations["runbook_url"])
		for _, name := range []string{"instance", "id", "image", "severity"} {
			if a.Labels[name] == "" {
				t.Errorf("%s of %s has no label %s", a.Labels["alertname"], a.Labels["name"], name)
			}
		}
		if want := "docs/alerts.md#" + strings.ToLower(a.Labels["alertname"]); a.Annotations["runbook_url"] != want || a.Annotations["summary"] == "" {
			t.Errorf("got runbook_url %q and summary %q, want %s and some", a.Annotations["runbook_url"], a.Annotations["summary"], want)
		}
	}
	// Not even pending, and at no time; that it was seen at all is shown by its state.
	if n, err := server.Query(t.Context(), `count(count_over_time(ALERTS{name="tm-alert-fine"}[5m])) or vector(0)`); err != nil || n != 0 {
		t.Errorf("tm-alert-fine: %v alerts, %v", n, err)
	}
	if n, err := server.Query(t.Context(), `container_health_status{name="tm-alert-fine", status="healthy"}`); err != nil || n != 1 {
		t.Errorf("tm-alert-fine: healthy is %v, %v", n, err)
	}
}

// hastenedRules writes the committed rules so that they can be waited for, and returns the pattern of their paths.
func hastenedRules(t *testing.T) string {
	t.Helper()
	set, err := rules.Load("../../dashboards/rules")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, path := range set.Files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), []byte(rules.Hasten(string(text), hastened)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "*.yaml")
}

// runTroubled runs a healthy container, and three that are not.
func runTroubled(t *testing.T, e docker.Engine) {
	t.Helper()
	for name, words := range map[string][]string{
		"tm-alert-fine":  {"--health-cmd", "true", "--health-interval", "2s", image, "sleep", "36000"},
		"tm-alert-sick":  {"--health-cmd", "exit 1", "--health-interval", "1s", "--health-retries", "2", image, "sleep", "36000"},
		"tm-alert-oom":   {"-m", "48m", "--memory-swap", "48m", image, "tail", "/dev/zero"},
		"tm-alert-crash": {"--restart", "always", image, "sh", "-c", "exit 1"},
	} {
		e.Remove(t, name)
		e.Run(t, slices.Concat([]string{"run", "-d", "--name", name, "--network", "none", "--stop-timeout", "1"}, words)...)
	}
}

// waitForAlerts waits until each container has its alert, and returns these.
func waitForAlerts(t *testing.T, wanted map[string]string, ask func() ([]prometheus.Alert, error)) []prometheus.Alert {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		all, err := ask()
		var found []prometheus.Alert
		lacking := ""
		for name, alert := range wanted {
			i := slices.IndexFunc(all, func(a prometheus.Alert) bool {
				return a.Is(map[string]string{"name": name, "alertname": alert})
			})
			if i < 0 {
				lacking += fmt.Sprintf(" %s of %s", alert, name)
				continue
			}
			found = append(found, all[i])
		}
		if lacking == "" && err == nil {
			return found
		}
		if time.Now().After(end) {
			t.Fatalf("there is no%s; %d alerts: %v: %v", lacking, len(all), err, all)
		}
	}
}
