// Package cgroups is "what the kernel says": it reads cgroup files, v1, v2 and hybrid, and the few files of /proc that
// belong to a container or to the host. It is the only package that opens them. It also knows how large log files are.
//
// It does not know the Docker Engine, Prometheus or JSON, and nobody outside can ask which cgroup version a host has:
// whatever the kernel offers is delivered as the same Stats, in base units, with NaN where the kernel did not say.
//
// Start reading at Reader (reader.go), then Stats (stats.go).
package cgroups
