package docker

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Stats is the part of GET /containers/{id}/stats that "docker stats" makes its columns of
// (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats).
type Stats struct {
	CPU struct {
		Usage struct {
			Total float64 `json:"total_usage"` // nanoseconds
		} `json:"cpu_usage"`
	} `json:"cpu_stats"`
	Memory struct {
		Usage float64            `json:"usage"`
		Stats map[string]float64 `json:"stats"`
	} `json:"memory_stats"`
	Pids struct {
		Current float64 `json:"current"`
	} `json:"pids_stats"`
}

// Stats asks the engine once for the statistics of a container.
func (e Engine) Stats(t testing.TB, id string) Stats {
	t.Helper()
	socket, ok := strings.CutPrefix(e.Host, "unix://")
	if !ok {
		t.Fatalf("this test asks the engine's socket: want DOCKER_HOST=unix://..., got %s", e.Host)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/v1.41/containers/"+id+"/stats?stream=false&one-shot=true", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s Stats
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("stats of %s: %s: %v", id, resp.Status, err)
	}
	return s
}
