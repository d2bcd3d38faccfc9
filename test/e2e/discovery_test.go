package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// discovering scrapes what tallyman offers, by the containers' own addresses and by the ports of the host, under the names of the containers.
const discovering = `global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: apps
    http_sd_configs: [{url: "%[1]s/api/v1/sd", refresh_interval: 1s}]
    relabel_configs: &names
      - {source_labels: [__meta_docker_container_name], regex: "/(.*)", target_label: name}
      - {source_labels: [__meta_docker_container_label_com_docker_compose_project], target_label: project}
  - job_name: published
    http_sd_configs: [{url: "%[1]s/api/v1/sd?address=published", refresh_interval: 1s}]
    relabel_configs: *names
`

// TestDiscovery: a real Prometheus finds the containers that ask to be scraped, scrapes them, and loses them when they end. A container
// whose labels are wrong is not found, and is named.
func TestDiscovery(t *testing.T) {
	t.Parallel() // it waits, most of the time
	require.Prometheus(t)
	e := populated(t)
	serve := func(name string, port int, options ...string) {
		t.Helper()
		e.Remove(t, name)
		script := fmt.Sprintf(`mkdir -p /www && echo "served_port %d" >/www/metrics.txt && exec httpd -f -p %d -h /www`, port, port)
		e.Run(t, append(append([]string{"run", "-d", "--name", name, "--label", "prometheus.io/scrape=true"}, options...), image, "sh", "-c", script)...)
	}
	atHost := freePort(t)
	serve("tm-sd-app", 8080, "--label", "prometheus.io/port=8080", "--label", "prometheus.io/path=/metrics.txt",
		"--label", "com.docker.compose.project=shop", "-p", "127.0.0.1::8080")
	serve("tm-sd-host", atHost, "--network", "host", "--label", fmt.Sprint("prometheus.io/port=", atHost), "--label", "prometheus.io/path=/metrics.txt")
	serve("tm-sd-wrong", 8080, "--label", "prometheus.io/port=99999")
	serve("tm-sd-ftp", 8080, "--label", "prometheus.io/port=8080", "--label", "prometheus.io/scheme=ftp")
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.sd"}})
	p.Ready(t)
	server := prometheus.Run(t, prometheus.Options{Config: fmt.Sprintf(discovering, p.URL)})
	await := func(what string, want float64) {
		t.Helper()
		for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
			got, err := server.Query(t.Context(), what)
			if err == nil && got == want {
				t.Logf("%s = %v", what, got)
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: got %v, %v, want %v", what, got, err, want)
			}
		}
	}
	await(`up{job="apps", name="tm-sd-app", project="shop"}`, 1)
	await(`served_port{job="apps", name="tm-sd-app"}`, 8080)
	await(`served_port{job="published", name="tm-sd-app"}`, 8080)
	await(`served_port{job="apps", name="tm-sd-host"}`, float64(atHost))
	await(`count(up{name=~"tm-sd-.*"})`, 4) // each of the two in both jobs, and nothing else
	problems, err := p.Text(t.Context(), "/api/v1/sd/problems")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tm-sd-wrong": `label prometheus.io/port is \"99999\": want a port from 1 to 65535`, "tm-sd-ftp": `label prometheus.io/scheme is \"ftp\": want http or https`,
	} {
		if !strings.Contains(problems, name) || !strings.Contains(problems, want) || strings.Count(p.Log(), name) != 1 {
			t.Errorf("%s: want %s in %s, and it named once in the log", name, want, problems)
		}
	}
	t.Log(problems)
	e.Run(t, "kill", "tm-sd-app")
	served(t, p, "tm-sd-app", func(page scrape.Page) bool {
		return page.Is(1, "container_state", "name", "tm-sd-app", "state", "exited")
	})
	await(`count(up{name=~"tm-sd-.*"})`, 2)
}

// freePort finds a port of the host that is free now.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
