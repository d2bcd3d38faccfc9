package metrics

import "tallyman/cgroups"

// numaFamilies are the rows of the memory by NUMA node.
func numaFamilies() []Family {
	spell := speller()
	each := func(p *cgroups.NUMAPages, scope, node string, yield func(Sample)) {
		yield(labelled(p.File, "file", scope, node))
		yield(labelled(p.Anon, "anon", scope, node))
		yield(labelled(p.Unevictable, "unevictable", scope, node))
	}
	return []Family{{
		Name: "container_memory_numa_pages", Type: Gauge, Group: GroupNUMA, Labels: []string{"type", "scope", "node"},
		Help: "Pages of memory on a NUMA node, of the container alone and with its child cgroups, from memory.numa_stat; cgroup v2 has no scope container.",
		Each: func(c *container, yield func(Sample)) {
			for i := range c.Stats.NUMA {
				n := &c.Stats.NUMA[i]
				node := spell(n.Node)
				each(&n.Own, "container", node, yield)
				each(&n.Subtree, "hierarchy", node, yield)
			}
		},
	}}
}
