package dashboards

import (
	"strings"

	"tallyman/dashboards/grafana"
)

// The addresses of the dashboards, which must not change: people keep them.
const (
	uidFleet     = "tallyman-fleet"
	uidHost      = "tallyman-host"
	uidContainer = "tallyman-container"
	uidDisk      = "tallyman-disk"
	uidSelf      = "tallyman-self"
)

// Named is a dashboard with the name of its file.
type Named struct {
	File string
	grafana.Dashboard
}

// All gives the dashboards, in the order in which one goes from the whole to the part. Each call makes new ones.
func All() []Named {
	all := []Named{
		{"fleet.json", fleet()},
		{"host.json", host()},
		{"container.json", oneContainer()},
		{"disk.json", disk()},
		{"tallyman.json", itself()},
	}
	for i := range all {
		d := &all[i].Dashboard
		d.Tags, d.From, d.Refresh = []string{"docker", "tallyman"}, "now-1h", "30s"
		for j := range all {
			if to := &all[j].Dashboard; to.UID != d.UID {
				d.Links = append(d.Links, grafana.Link{Title: to.Title, URL: address(d, to)})
			}
		}
	}
	return all
}

// address leads from one dashboard to another, with the choices that both have. Several hosts are no choice of one.
func address(from, to *grafana.Dashboard) string {
	var kept []string
	for _, v := range to.Variables {
		for _, have := range from.Variables {
			if have.Name == v.Name && (v.Multi || !have.Multi) {
				kept = append(kept, "${"+v.Name+":queryparam}")
			}
		}
	}
	return "/d/" + to.UID + "?" + strings.Join(kept, "&")
}
