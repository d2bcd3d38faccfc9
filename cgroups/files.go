package cgroups

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxFileBytes bounds what is read of one kernel file. The largest real ones, cgroup.procs of a huge container and memory.stat
// of a NUMA machine, stay far below.
const maxFileBytes = 1 << 20

// surelyWhole is up to which size the first piece of a list is all of it: the kernel ends a piece where the next line does not fit
// into a page, and no line of the lists that are read here has the 1 kB that are left then. Asking for the end of cgroup.procs and
// net/dev costs 1 us of the 50 us that a container takes.
const surelyWhole = 3 << 10

var (
	errTooMany  = errors.New("too much to be read")
	errTooLarge = fmt.Errorf("larger than %d bytes: %w", maxFileBytes, errTooMany)
)

// base is a folder below which a kernel file is found.
type base int

const (
	baseUnified  base = iota // the cgroup in the v2 hierarchy (the only one, or the one beside v1 on hybrid hosts)
	baseCPU                  // v1
	baseCPUAcct              // v1
	baseCPUSet               // v1
	baseMemory               // v1
	basePids                 // v1
	baseBlkio                // v1
	baseHugetlb              // v1; where it is not mounted, the controller may be in the v2 hierarchy of a hybrid host
	baseProc                 // /proc: the host only
	basePressure             // /proc/pressure: the host only
	baseCount
)

// bases holds the folder of each base for one cgroup; "" = this host has none.
type bases [baseCount]string

// fileSpec says which file feeds which field of Stats.
type fileSpec struct {
	base base
	name string
	// other is the name to try when there is no such file: older kernels.
	other string
	part  Parts
	// list marks files that the kernel hands out a page at a time.
	list bool
	// limit marks files that change only when somebody changes them: they are read every limitsEvery, and not kept open.
	limit bool
	// glance marks files of what changes all the time; see Handle.Glance.
	glance bool
	// still marks files of a glance that stay as they are while the cgroup is at rest; see rest. They come behind those that tell.
	still bool
	parse func(b []byte, s *Stats, n names) error
}

// file is one kernel file of one cgroup. There are two dozen for each container: hence nothing is in it that can be elsewhere.
type file struct {
	spec  *fileSpec
	fd    int32 // -1 = not kept
	other bool  // it is called spec.other here
}

// name is what it is called.
func (f *file) name() string {
	if f.other {
		return f.spec.other
	}
	return f.spec.name
}

// readFile reads a whole file of a handle into the reader's buffer; the result is valid until the next call.
func (h *Handle) readFile(f *file) ([]byte, error) {
	if err := h.denied[f.spec]; err != nil {
		return nil, err
	}
	if f.fd >= 0 {
		return h.r.pread(int(f.fd), f.spec.list)
	}
	fd, err := h.folders.open(f.spec.base, f.name())
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return h.r.pread(fd, f.spec.list)
}

// readPath opens, reads and closes.
func (r *Reader) readPath(path string, list bool) ([]byte, error) {
	fd, err := openFile(unix.AT_FDCWD, path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return r.pread(fd, list)
}

func (r *Reader) pread(fd int, list bool) ([]byte, error) {
	n := 0
	for {
		got, err := unix.Pread(fd, r.buf[n:], int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		n += got
		if got == 0 || n < len(r.buf) && (!list || n == got && n < surelyWhole) {
			return r.buf[:n], nil
		}
		if n < len(r.buf) {
			continue
		}
		if n >= maxFileBytes {
			return nil, errTooLarge
		}
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
}

// openFile opens for reading; without O_NONBLOCK a FIFO put in place of a kernel file would hang the collection.
func openFile(dir int, path string) (int, error) {
	return retry(func() (int, error) { return unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) })
}

// retry repeats a call that a signal has interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
