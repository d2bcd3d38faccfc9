package collector

import "tallyman/cgroups"

// judge lists what of the kernel's can be read, and logs what has become impossible.
func (c *Collector) judge() []cgroups.Capability {
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
	return known
}
