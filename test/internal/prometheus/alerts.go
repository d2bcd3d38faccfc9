package prometheus

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Alert is an alert as Prometheus or Alertmanager tells it.
type Alert struct {
	Labels      map[string]string
	Annotations map[string]string
	State       string // of Prometheus only: "pending" or "firing"
}

// Is says whether the labels are among those of the alert.
func (a *Alert) Is(labels map[string]string) bool {
	for name, value := range labels {
		if a.Labels[name] != value {
			return false
		}
	}
	return true
}

// Alerts are those that are pending or firing now.
func (s *Server) Alerts(ctx context.Context) ([]Alert, error) {
	var answer struct{ Data struct{ Alerts []Alert } }
	err := s.decode(ctx, "/api/v1/alerts", &answer)
	return answer.Data.Alerts, err
}

// Alertmanager is a running Alertmanager, which notifies nobody.
type Alertmanager struct {
	server Server
}

// StartAlertmanager runs an Alertmanager until the test ends.
func StartAlertmanager(t testing.TB) *Alertmanager {
	t.Helper()
	folder, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(folder, "alertmanager.yml")
	if err := os.WriteFile(file, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Without an address for its cluster it stands alone.
	return &Alertmanager{*run(t, folder, address, exec.Command("prometheus-alertmanager", "--config.file="+file,
		"--storage.path="+filepath.Join(folder, "data"), "--web.listen-address="+address, "--cluster.listen-address="))}
}

// Alerts are those that have arrived and are active.
func (a *Alertmanager) Alerts(ctx context.Context) ([]Alert, error) {
	// Its state is not a word but an object, and all of these are active.
	var answer []struct{ Labels, Annotations map[string]string }
	err := a.server.decode(ctx, "/api/v2/alerts?active=true", &answer)
	var alerts []Alert
	for _, one := range answer {
		alerts = append(alerts, Alert{Labels: maps.Clone(one.Labels), Annotations: one.Annotations})
	}
	return alerts, err
}
