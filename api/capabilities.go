package api

import (
	"net/http"

	"tallyman/api/metrics"
	"tallyman/api/schema"
	"tallyman/cgroups"
	"tallyman/collector"
)

// capabilities answers with what can be seen here, and what would let the rest be seen.
func (s *Server) capabilities(w http.ResponseWriter, r *http.Request) {
	snap := s.snapshot(w, r)
	if snap == nil || s.tags.unchanged(w, r, snap) {
		return
	}
	s.sendJSON(w, r, http.StatusOK, newCapabilities(snap, s.groups))
}

// newCapabilities tells what can be seen, and which groups of metrics are on.
func newCapabilities(snap *collector.Snapshot, groups metrics.Selection) schema.Capabilities {
	c := schema.Capabilities{Time: schema.Moment(snap.Time), Capabilities: []schema.Capability{}}
	add := func(k cgroups.Capability, engine string) {
		c.Capabilities = append(c.Capabilities, schema.Capability{
			Name: k.Name, Engine: schema.Text(engine), Available: k.Reason == "", Reason: schema.Text(k.Reason), Help: schema.Text(k.Help),
		})
	}
	for _, k := range snap.Capabilities {
		add(k, "")
	}
	for i := range snap.Engines {
		for _, k := range snap.Engines[i].Capabilities {
			add(k, snap.Engines[i].Name)
		}
	}
	for _, g := range metrics.Groups() {
		c.Groups = append(c.Groups, schema.Group{
			Name: string(g.Name), Help: g.Help, On: groups.Has(g.Name), Default: g.Default, Flag: "--collector." + string(g.Name),
		})
	}
	return c
}
