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
	Directories int // folders of cgroups; files that are opened for each reading are opened from there
	Max         int // the most that both together may be
	Reopened    int // cgroups whose files there was no room to keep: they are opened for each reading, which costs about twice as much
}

const (
	// fileShare is the part of the budget that files may take, in hundredths: a descriptor of a file saves more than one of a folder,
	// which spares the way to it only.
	fileShare = 90
	// reserve is what is left to sockets and to the runtime, of a small limit a quarter.
	reserve = 1024
)

// descriptorShare is how many descriptors may be kept.
func descriptorShare() int {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return 512
	}
	most := int(min(lim.Cur, math.MaxInt32))
	return most - min(most/4, reserve)
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

// stat tells about a folder.
func (f *folders) stat(b base, st *unix.Stat_t) error {
	if f.fds[b] >= 0 {
		return unix.Fstat(f.fds[b], st)
	}
	return unix.Stat(f.paths[b], st)
}

// newFolders names the folders, and opens none.
func newFolders(dirs *bases) *folders {
	f := &folders{paths: *dirs}
	for b := range f.fds {
		f.fds[b] = -1
	}
	return f
}

// keepFolder opens a folder, as far as the budget goes.
func (r *Reader) keepFolder(f *folders, b base) {
	if f.fds[b] >= 0 || f.paths[b] == "" || r.kept.Files+r.kept.Directories >= r.kept.Max {
		return
	}
	fd, err := retry(func() (int, error) {
		return unix.Open(f.paths[b], unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err == nil {
		f.fds[b] = fd
		r.kept.Directories++
	}
}

// openFiles opens the files that a cgroup has, and keeps them open as far as the budget goes.
func (r *Reader) openFiles(path string, dirs *bases, specs []fileSpec) *Handle {
	h := &Handle{r: r, path: path, folders: newFolders(dirs), files: make([]file, 0, len(specs))}
	keep := r.mayKeep(len(specs) - countLimits(specs))
	if !keep {
		h.reopened = true
		r.kept.Reopened++
	}
	r.keepFolder(h.folders, r.hierarchy.procs) // each reading looks at it
	for i := range specs {
		spec := &specs[i]
		if dirs[spec.base] == "" {
			continue
		}
		if !keep {
			r.keepFolder(h.folders, spec.base)
		}
		f, ok := h.openSpec(spec)
		if !ok {
			continue
		}
		if f.fd >= 0 && (!keep || spec.limit) {
			unix.Close(int(f.fd))
			f.fd = -1
		}
		if f.fd >= 0 {
			r.kept.Files++
		}
		h.files = append(h.files, f)
	}
	return h
}

// openSpec opens the file of one spec; false when this cgroup has no such file.
func (h *Handle) openSpec(spec *fileSpec) (file, bool) {
	f := file{spec: spec, fd: -1}
	fd, err := h.folders.open(spec.base, spec.name)
	if errors.Is(err, unix.ENOENT) && spec.other != "" {
		f.other = true
		fd, err = h.folders.open(spec.base, spec.other)
	}
	switch {
	case err == nil:
		f.fd = int32(fd)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOTDIR):
		return f, false
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE): // it may be there: each reading tries again
	default:
		if h.denied == nil {
			h.denied = map[*fileSpec]error{}
		}
		h.denied[spec] = err
	}
	return f, true
}

// Close gives the descriptors back. It may be called more than once.
func (h *Handle) Close() {
	for i := range h.files {
		if h.files[i].fd >= 0 {
			unix.Close(int(h.files[i].fd))
			h.r.kept.Files--
		}
	}
	h.files = nil
	if h.reopened {
		h.reopened = false
		h.r.kept.Reopened--
	}
	for b, fd := range h.folders.fds {
		if fd >= 0 {
			unix.Close(fd)
			h.folders.fds[b] = -1
			h.r.kept.Directories--
		}
	}
}
