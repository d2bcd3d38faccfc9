package cgroups

import (
	"math"
	"os"
	"slices"
	"strings"
)

// maxPageSizes bounds the sizes of huge pages. Architectures have up to a handful.
const maxPageSizes = 16

// files gives the files to read of a cgroup. Which sizes of huge pages there are is seen at the first cgroup that has files for
// them, and asked but once: the root of v2 has none, and neither has any cgroup where the controller is off.
func (r *Reader) files(dirs *bases) []fileSpec {
	if r.parts&PartHugetlb != 0 && !r.sizesKnown {
		more := slices.Concat(hugetlbV1(pageSizes(dirs[baseHugetlb], ".usage_in_bytes")), hugetlbV2(pageSizes(dirs[baseUnified], ".current")))
		r.hierarchy.files = slices.Concat(r.hierarchy.files, more)
		r.sizesKnown = len(more) > 0
	}
	return r.hierarchy.files
}

// pageSizes lists the sizes for which a folder has files "hugetlb.<size><suffix>". /sys/kernel/mm/hugepages, which lists them
// too, may not be there in a container.
func pageSizes(dir, suffix string) []string {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var sizes []string
	for _, e := range entries {
		size, ok := strings.CutPrefix(e.Name(), "hugetlb.")
		size, whole := strings.CutSuffix(size, suffix)
		// "2MB.rsvd" are reservations.
		if ok && whole && size != "" && !strings.Contains(size, ".") && len(sizes) < maxPageSizes {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// hugetlbV1 lists the files of cgroup v1 (https://docs.kernel.org/admin-guide/cgroup-v1/hugetlb.html).
func hugetlbV1(sizes []string) []fileSpec {
	var out []fileSpec
	for _, size := range sizes {
		name := "hugetlb." + size
		out = append(out,
			fileSpec{base: baseHugetlb, name: name + ".usage_in_bytes", part: PartHugetlb, parse: single(func(s *Stats) *float64 { return &s.hugePages(size).Usage })},
			fileSpec{base: baseHugetlb, name: name + ".max_usage_in_bytes", part: PartHugetlb, parse: single(func(s *Stats) *float64 { return &s.hugePages(size).MaxUsage })},
			fileSpec{base: baseHugetlb, name: name + ".failcnt", part: PartHugetlb, parse: single(func(s *Stats) *float64 { return &s.hugePages(size).FailCount })},
		)
	}
	return out
}

// hugetlbV2 lists the files of cgroup v2 (https://docs.kernel.org/admin-guide/cgroup-v2.html#hugetlb-interface-files).
func hugetlbV2(sizes []string) []fileSpec {
	var out []fileSpec
	for _, size := range sizes {
		name := "hugetlb." + size
		out = append(out,
			fileSpec{base: baseUnified, name: name + ".current", part: PartHugetlb, parse: single(func(s *Stats) *float64 { return &s.hugePages(size).Usage })},
			fileSpec{base: baseUnified, name: name + ".events", part: PartHugetlb, parse: flatKeyed(hugetlbEvents(size))},
		)
	}
	return out
}

func hugetlbEvents(size string) map[string]flatKey {
	return map[string]flatKey{
		"max": {func(s *Stats) *float64 { return &s.hugePages(size).FailCount }, 1},
	}
}

// hugePages gives the entry of a size, a new one when there is none yet.
func (s *Stats) hugePages(size string) *HugePages {
	for i := range s.Hugetlb {
		if s.Hugetlb[i].PageSize == size {
			return &s.Hugetlb[i]
		}
	}
	nan := math.NaN()
	s.Hugetlb = append(s.Hugetlb, HugePages{PageSize: size, Usage: nan, MaxUsage: nan, FailCount: nan})
	return &s.Hugetlb[len(s.Hugetlb)-1]
}
