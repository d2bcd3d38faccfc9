package docker

import "testing"

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
	var s Stats
	e.get(t, "/v1.41/containers/"+id+"/stats?stream=false&one-shot=true", &s)
	return s
}
