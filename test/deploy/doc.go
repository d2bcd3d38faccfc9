// Package deploy checks the files of deploy/ with the programs that read them: promtool, a real Prometheus, systemd-analyze, docker and
// docker compose, nfpm's output by dpkg. It needs no engine.
//
// Start reading at TestPrometheus.
package deploy
