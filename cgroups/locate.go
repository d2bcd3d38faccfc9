package cgroups

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	containerd "github.com/containerd/cgroups/v3"
)

// locator finds the cgroup of a container without walking the tree: first by what /proc says of its process, then by where
// the cgroup drivers put containers.
type locator struct {
	hierarchy hierarchy
	procFS    string
	// parent is where the engine puts containers without a parent of their own, learnt from the first one that was found:
	// dockerd's own --cgroup-parent, or a rootless engine's slice, is told by no API.
	parent string
	// element is what it calls a container's own folder there, with idMark in place of the id.
	element string
}

// idMark stands for a container's id in a learnt name: no cgroup can be called so.
const idMark = "\x00"

// location is where a cgroup was found.
type location struct {
	path string // in the hierarchy that names it
	dirs bases
	pid  int // the process that proved it; 0 = found by its name alone
	// hint is where the process says the cgroup is, seen from a cgroup namespace of our own with the way up cut off: the right
	// path, unless both have a parent in common.
	hint string
}

// locate finds the folders of a container's cgroup.
func (l *locator) locate(t Target) (location, error) {
	if !validID(t.ID) {
		return location{}, fmt.Errorf("container id %q: want hex digits: %w", t.ID, ErrNotFound)
	}
	process := l.byProcess(t)
	if l.there(process) {
		l.learn(t, process.path)
		return process, nil
	}
	for _, p := range append(l.candidates(t), process.hint) {
		if p == "" {
			continue
		}
		loc := location{path: p, dirs: l.hierarchy.dirs(func(base) string { return p }), pid: process.pid}
		if l.there(loc) {
			l.learn(t, p)
			return loc, nil
		}
	}
	return location{}, fmt.Errorf("cgroup of container %.12s: %w", t.ID, ErrNotFound)
}

// byProcess reads /proc/<pid>/cgroup. It counts only when it holds the container's id: the process id may be one of another
// pid namespace, or may have been used again. A path that leads out of our own cgroup namespace ("/../<id>") proves the
// process all the same, but not where the cgroup is mounted: the location has a pid then, and no folders.
func (l *locator) byProcess(t Target) location {
	if t.PID <= 0 {
		return location{}
	}
	v1, v2, err := containerd.ParseCgroupFileUnified(filepath.Join(l.procFS, strconv.Itoa(t.PID), "cgroup"))
	if err != nil {
		return location{} // not our /proc, or just ended
	}
	names := controllersV1()
	paths := func(b base) string {
		if b == baseUnified {
			return cutAt(v2, t.ID)
		}
		return cutAt(v1[names[b]], t.ID)
	}
	p := paths(l.hierarchy.first())
	switch {
	case p == "" && l.isSelf(t.PID):
		return location{pid: t.PID} // in a cgroup namespace of its own, tallyman's container is "/"
	case p == "":
		return location{}
	case strings.HasPrefix(p, "/.."):
		return location{pid: t.PID, hint: withoutUp(p)}
	}
	return location{path: p, dirs: l.hierarchy.dirs(paths), pid: t.PID}
}

// isSelf says whether a process is tallyman itself, as the mounted /proc counts processes.
func (l *locator) isSelf(pid int) bool {
	self, err := os.Readlink(filepath.Join(l.procFS, "self"))
	return err == nil && self == strconv.Itoa(pid)
}

// there says whether the cgroup exists in the hierarchy that names it.
func (l *locator) there(loc location) bool {
	dir := loc.dirs[l.hierarchy.first()]
	return dir != "" && exists(dir)
}

// candidates lists where the container's cgroup would be, likeliest first.
func (l *locator) candidates(t Target) []string {
	scope := "docker-" + t.ID + ".scope"
	// Podman has names of its own (https://docs.podman.io/en/latest/markdown/podman.1.html, --cgroup-manager).
	pod, podScope := "libpod-"+t.ID, "libpod-"+t.ID+".scope"
	out := []string{l.expected(t)}
	if t.Parent == "" {
		return append(out, path.Join("/docker", t.ID), path.Join("/system.slice", scope),
			path.Join("/machine.slice", podScope), path.Join("/libpod_parent", pod))
	}
	return append(out, path.Join("/", t.Parent, t.ID), path.Join(slicePath(t.Parent), scope),
		path.Join(slicePath(t.Parent), podScope), path.Join("/", t.Parent, pod))
}

// expected is the path that the engine's cgroup driver gives.
func (l *locator) expected(t Target) string {
	scope := "docker-" + t.ID + ".scope"
	switch {
	case t.Parent == "" && l.parent != "":
		return path.Join(l.parent, strings.Replace(l.element, idMark, t.ID, 1))
	case t.Driver == "systemd" && t.Parent == "":
		return path.Join("/system.slice", scope)
	case t.Driver == "systemd":
		return path.Join(slicePath(t.Parent), scope)
	case t.Parent == "":
		return path.Join("/docker", t.ID)
	default:
		return path.Join("/", t.Parent, t.ID)
	}
}

// learn remembers the parent of a container that has none of its own.
func (l *locator) learn(t Target, p string) {
	if t.Parent == "" && l.parent == "" {
		l.parent, l.element = path.Dir(p), strings.Replace(path.Base(p), t.ID, idMark, 1)
	}
}

// cutAt cuts a cgroup path behind the element that holds the container's id: its processes may sit in a child cgroup of
// their own making. It gives "" when there is none.
func cutAt(p, id string) string {
	i := strings.Index(p, id)
	if i < 0 {
		return ""
	}
	if end := strings.IndexByte(p[i:], '/'); end >= 0 {
		return p[:i+end]
	}
	return p
}

// withoutUp cuts the elements ".." off the beginning of a path.
func withoutUp(p string) string {
	for strings.HasPrefix(p, "/../") {
		p = p[len("/.."):]
	}
	return p
}

// slicePath expands the name of a systemd slice: "a-b.slice" lies in "/a.slice/a-b.slice"
// (https://www.freedesktop.org/software/systemd/man/latest/systemd.slice.html).
func slicePath(slice string) string {
	name, ok := strings.CutSuffix(path.Base(slice), ".slice")
	if !ok {
		return path.Join("/", slice)
	}
	out, prefix := "/", ""
	for part := range strings.SplitSeq(name, "-") {
		if part == "" {
			return path.Join("/", slice) // "-.slice" is the root
		}
		prefix += part
		out = path.Join(out, prefix+".slice")
		prefix += "-"
	}
	return out
}

// validID keeps anything but an id out of the paths that are built of it.
func validID(id string) bool {
	if len(id) < 12 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
