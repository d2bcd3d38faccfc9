package cgroups

import (
	"errors"
	"math"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Descriptors is how many file descriptors a Reader keeps.
type Descriptors struct {
	Files       int // kernel files, which cost a reading one pread each
	Directories int // folders of cgroups whose files are opened for each reading, by openat
	Max         int // the most that both together may be
}

// fileShare is the part of the budget that files may take, in hundredths; folders, which do for many files each, take the
// rest.
const fileShare = 70

// descriptorShare leaves a quarter of the limit to sockets and to the runtime.
func descriptorShare() int {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return 512
	}
	return int(min(lim.Cur, math.MaxInt32) / 4 * 3)
}

// Descriptors tells how many descriptors are kept.
func (r *Reader) Descriptors() Descriptors { return r.kept }

// mayKeep says whether n more files fit into their part of the budget.
func (r *Reader) mayKeep(n int) bool { return (r.kept.Files+n)*100 <= r.kept.Max*fileShare }

// folders are the folders of one cgroup whose files are not kept open: a descriptor of each, or, past the budget, its path.
// Through a descriptor the files cannot be mistaken for those of a later cgroup of the same name.
type folders struct {
	paths bases
	fds   [baseCount]int // -1 = only the path
}

// open opens a file of a folder.
func (f *folders) open(b base, name string) (int, error) {
	if f.fds[b] >= 0 {
		return openFile(f.fds[b], name)
	}
	return openFile(unix.AT_FDCWD, filepath.Join(f.paths[b], name))
}

// keepFolders opens the folders that the specs are in, as far as the budget goes.
func (r *Reader) keepFolders(dirs *bases, specs []fileSpec) *folders {
	f := &folders{paths: *dirs}
	for b := range f.fds {
		f.fds[b] = -1
	}
	for i := range specs {
		b := specs[i].base
		if f.fds[b] >= 0 || dirs[b] == "" || r.kept.Files+r.kept.Directories >= r.kept.Max {
			continue
		}
		fd, err := retry(func() (int, error) {
			return unix.Open(dirs[b], unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		})
		if err == nil {
			f.fds[b] = fd
			r.kept.Directories++
		}
	}
	return f
}

// openFiles opens the files that a cgroup has, and keeps them open as far as the budget goes.
func (r *Reader) openFiles(path string, dirs *bases, specs []fileSpec) *Handle {
	h := &Handle{r: r, path: path, dir: dirs[r.hierarchy.procs]}
	keep := r.mayKeep(len(specs) - countLimits(specs))
	if keep {
		h.folders = &folders{paths: *dirs}
		for b := range h.folders.fds {
			h.folders.fds[b] = -1
		}
	} else {
		h.folders = r.keepFolders(dirs, specs)
	}
	short := false
	for i := range specs {
		spec := &specs[i]
		if dirs[spec.base] == "" {
			continue
		}
		f, ok := h.openSpec(spec)
		if !ok {
			continue
		}
		if f.fd >= 0 && (!keep || spec.limit) {
			unix.Close(f.fd)
			f.fd = -1
		}
		if f.fd >= 0 {
			r.kept.Files++
		}
		short = short || f.fd < 0
		h.files = append(h.files, f)
	}
	if !short {
		h.closeFolders() // every file is kept: nothing will be opened again
	}
	return h
}

// openSpec opens the file of one spec; false when this cgroup has no such file.
func (h *Handle) openSpec(spec *fileSpec) (file, bool) {
	f := file{spec: spec, name: spec.name}
	var err error
	f.fd, err = h.folders.open(spec.base, f.name)
	if errors.Is(err, unix.ENOENT) && spec.other != "" {
		f.name = spec.other
		f.fd, err = h.folders.open(spec.base, f.name)
	}
	switch {
	case err == nil:
		return f, true
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOTDIR):
		return f, false
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		f.fd = -1
		return f, true // it may be there: each reading tries again
	}
	f.fd, f.denied = -1, err
	return f, true
}

// Close gives the descriptors back. It may be called more than once.
func (h *Handle) Close() {
	for i := range h.files {
		if h.files[i].fd >= 0 {
			unix.Close(h.files[i].fd)
			h.r.kept.Files--
		}
	}
	h.files = nil
	h.closeFolders()
}

func (h *Handle) closeFolders() {
	if h.folders == nil {
		return
	}
	for _, fd := range h.folders.fds {
		if fd >= 0 {
			unix.Close(fd)
			h.r.kept.Directories--
		}
	}
	h.folders = nil
}
