package cgroups

import (
	"errors"
	"fmt"
	"os"

	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/containerd/cgroups/v3/cgroup2"
)

// Raw gives all that containerd's library reads of the cgroup at a path, for people who look for what Stats leaves out: a
// value to be encoded as JSON, whose shape depends on the host's version of cgroups
// (https://pkg.go.dev/github.com/containerd/cgroups/v3). It is slow, and cannot tell 0 from unknown. The error is ErrNotFound
// when there is no such cgroup. Unlike the rest of Reader it is safe for concurrent use.
func (r *Reader) Raw(path string) (any, error) {
	stat := r.rawV1
	if r.hierarchy.unified {
		stat = r.rawV2
	}
	all, err := stat(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, cgroup1.ErrCgroupDeleted) {
		return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return all, nil
}

func (r *Reader) rawV2(path string) (any, error) {
	mount := r.hierarchy.mounts[baseUnified]
	if _, err := os.Stat(mount + path); err != nil {
		return nil, err // the library would give zeros
	}
	m, err := cgroup2.Load(path, cgroup2.WithMountpoint(mount))
	if err != nil {
		return nil, err
	}
	return m.Stat()
}

func (r *Reader) rawV1(path string) (any, error) {
	controllers := func() ([]cgroup1.Subsystem, error) {
		root := r.root.CgroupFS
		all := []cgroup1.Subsystem{
			cgroup1.NewCpuset(root), cgroup1.NewCpu(root), cgroup1.NewCpuacct(root), cgroup1.NewMemory(root),
			cgroup1.NewPids(root), cgroup1.NewBlkio(root, cgroup1.ProcRoot(r.root.ProcFS)),
		}
		if huge, err := cgroup1.NewHugetlb(root); err == nil { // fails on kernels without huge pages
			all = append(all, huge)
		}
		return append(all, cgroup1.NewRdma(root)), nil
	}
	c, err := cgroup1.Load(cgroup1.StaticPath(path), cgroup1.WithHierarchy(controllers))
	if err != nil {
		return nil, err
	}
	return c.Stat(cgroup1.IgnoreNotExist)
}
