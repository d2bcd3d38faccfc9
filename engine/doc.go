// Package engine is "what Docker says": the only place that talks to the Docker Engine API and the only importer of
// github.com/docker/docker. No type of that module leaves it.
//
// It opens nothing but its socket or connection, never sends anything but GET and HEAD requests on an allow-list of
// paths, to which the logs of containers belong only where that is switched on, and knows neither cgroups nor Prometheus.
//
// Start reading at Inventory (inventory.go), then Client (client.go) and Container (types.go). DiskUsage (diskusage.go) is
// apart from them.
package engine
