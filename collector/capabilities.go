package collector

import (
	"slices"

	"tallyman/cgroups"
	"tallyman/engine"
)

// judge lists what can be read, and logs what has become impossible.
func (c *Collector) judge(view *engine.View) []cgroups.Capability {
	known := c.kernel.Capabilities()
	missing := make(map[string]string, len(c.missing))
	for _, k := range known {
		if k.Reason == "" {
			continue
		}
		missing[k.Name] = k.Reason
		if c.missing[k.Name] != k.Reason {
			c.opts.Log.Warn("cannot be read here", "what", k.Name, "reason", k.Reason, "help", k.Help)
		}
	}
	c.missing = missing
	// Package engine logs its own troubles.
	return append(slices.Clip(known), cgroups.Capability{Name: "engine", Reason: view.Reason, Help: view.Problem})
}
