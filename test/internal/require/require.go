package require

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// engineTimeout is how long the engine may take to tell its version, on an emulated machine too.
const engineTimeout = 60 * time.Second

// Engine needs a Docker Engine that answers (DOCKER_HOST, or docker's default).
func Engine(t testing.TB) {
	t.Helper()
	Program(t, "engine", "docker")
	ctx, cancel := context.WithTimeout(t.Context(), engineTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err != nil {
		missing(t, "engine", "no Docker Engine answers: "+strings.TrimSpace(string(out)))
	}
}

// Program needs a program in PATH, as a part of a component.
func Program(t testing.TB, component, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		missing(t, component, name+" is not installed")
	}
}

// Promtool needs Prometheus' promtool.
func Promtool(t testing.TB) {
	t.Helper()
	Program(t, "promtool", "promtool")
}

// Prometheus needs a Prometheus server.
func Prometheus(t testing.TB) {
	t.Helper()
	Program(t, "prometheus", "prometheus")
}

// Alertmanager needs Prometheus' Alertmanager, under the name that Debian gives it.
func Alertmanager(t testing.TB) {
	t.Helper()
	Program(t, "alertmanager", "prometheus-alertmanager")
}

// Browser needs Debian's Chromium.
func Browser(t testing.TB) {
	t.Helper()
	Program(t, "browser", "chromium")
}

// Root needs the rights of root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root", "not run as root")
	}
}

// OwnEngine needs what it takes to start an engine of one's own.
func OwnEngine(t testing.TB) {
	t.Helper()
	Root(t)
	Program(t, "engine", "docker")
	Program(t, "engine", "dockerd")
}

// missing ends the test: left out, or failed where the component is asked for.
func missing(t testing.TB, component, why string) {
	t.Helper()
	if asked(os.Getenv("TALLYMAN_TEST_REQUIRE"), component) {
		t.Fatalf("needs %s, which TALLYMAN_TEST_REQUIRE asks for: %s", component, why)
	}
	t.Skipf("needs %s: %s", component, why)
}

// asked says whether the list names the component.
func asked(list, component string) bool {
	if list == "1" {
		return true
	}
	for word := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(word) == component {
			return true
		}
	}
	return false
}
