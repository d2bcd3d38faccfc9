package collector

import "tallyman/cgroups"

// The capabilities that the collector judges itself.
const (
	logSize    = "log_size" // to see how large logs are
	statistics = "stats"    // to have the statistics of an engine's containers
)

// judge lists what of the kernel's can be read, and logs what has become impossible. Package engine logs its own troubles.
func (c *Collector) judge(engines []EngineStatus) []cgroups.Capability {
	missing := map[string]string{}
	known := c.kernel.Capabilities()
	for _, k := range known {
		c.miss(missing, k, "")
	}
	for i := range engines {
		for _, k := range engines[i].Capabilities {
			if k.Name == logSize || k.Name == statistics {
				c.miss(missing, k, engines[i].Name)
			}
		}
	}
	c.missing = missing
	return known
}

// miss adds a capability to those that are missing, if it is, and logs it when that is news. engine is whose it is, if anyone's.
func (c *Collector) miss(missing map[string]string, k cgroups.Capability, engine string) {
	if k.Reason == "" {
		return
	}
	key := k.Name + " " + engine
	missing[key] = k.Reason
	if c.missing[key] == k.Reason {
		return
	}
	log := c.opts.Log
	if engine != "" {
		log = log.With("engine", engine)
	}
	log.Warn("cannot be read here", "what", k.Name, "reason", k.Reason, "help", k.Help)
}
