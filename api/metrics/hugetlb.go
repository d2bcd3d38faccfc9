package metrics

import "tallyman/cgroups"

// hugetlbFamilies are the rows of the huge pages.
func hugetlbFamilies() []Family {
	return []Family{
		perPageSize(Gauge, "container_hugetlb_usage_bytes",
			"Huge pages in use, from hugetlb.<size>.usage_in_bytes or hugetlb.<size>.current.",
			func(p *cgroups.HugePages) float64 { return p.Usage }),
		perPageSize(Gauge, "container_hugetlb_max_usage_bytes",
			"Most huge pages in use so far, from hugetlb.<size>.max_usage_in_bytes (cgroup v1).",
			func(p *cgroups.HugePages) float64 { return p.MaxUsage }),
		perPageSize(Untyped, "container_hugetlb_failcnt",
			"Huge pages refused at the limit, from hugetlb.<size>.failcnt or hugetlb.<size>.events max.",
			func(p *cgroups.HugePages) float64 { return p.FailCount }),
	}
}

// perPageSize gives a family with one sample for each size of huge pages.
func perPageSize(t Type, name, help string, value func(*cgroups.HugePages) float64) Family {
	return Family{
		Name: name, Help: help, Type: t, Group: GroupHugetlb, Labels: []string{"pagesize"},
		Each: func(c *container, yield func(Sample)) {
			for i := range c.Stats.Hugetlb {
				p := &c.Stats.Hugetlb[i]
				yield(labelled(value(p), p.PageSize))
			}
		},
	}
}
