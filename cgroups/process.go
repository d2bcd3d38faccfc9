package cgroups

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The bounds of what is counted of one container in one reading. Past them the numbers are unknown.
const (
	maxProcesses   = 10_000
	maxDescriptors = 1_000_000
)

var (
	errManyProcesses   = fmt.Errorf("more than %d processes: %w", maxProcesses, errTooMany)
	errManyDescriptors = fmt.Errorf("more than %d descriptors: %w", maxDescriptors, errTooMany)
)

// readProcess fills what /proc says of the container's processes. It needs the right to trace them: root, or CAP_SYS_PTRACE.
func (h *Handle) readProcess(s *Stats, bad Errors) Errors {
	if h.firstProcess == 0 {
		return bad
	}
	s.Process = &Process{FileDescriptors: unknown(), Sockets: unknown()}
	if err := h.readLimits(s); err != nil {
		bad = append(bad, err)
	}
	if err := h.countDescriptors(s.Process); err != nil {
		bad = append(bad, err)
	}
	return bad
}

func (h *Handle) readLimits(s *Stats) *FileError {
	b, err := h.r.readPath(filepath.Join(h.proc, "limits"), true)
	switch {
	case ended(err):
		return nil
	case err != nil:
		return &FileError{File: "limits", Reason: reasonOf(err), Err: err}
	}
	if err := parseLimits(b, s.Process); err != nil {
		return &FileError{File: "limits", Reason: "parse", Err: err}
	}
	return nil
}

// countDescriptors counts what all processes of the container hold open. One whose descriptors may not be seen makes the sum
// unknown.
func (h *Handle) countDescriptors(p *Process) *FileError {
	pids := h.processes()
	switch {
	case h.hasChildren():
		return nil // some processes are in child cgroups
	// cgroup.procs names processes as our own pid namespace does, and has 0, or nothing, for those that are not in it. Only
	// where it names the container's first process as /proc does, are its numbers those of /proc.
	case !slices.Contains(pids, h.firstProcess):
		return nil
	case len(pids) > maxProcesses:
		return &FileError{File: "cgroup.procs", Reason: reasonOf(errManyProcesses), Err: errManyProcesses}
	}
	var all openFiles
	for _, pid := range pids {
		if err := h.r.countOpen(pid, &all); err != nil && !ended(err) {
			return &FileError{File: "fd", Reason: reasonOf(err), Err: err}
		}
	}
	p.FileDescriptors = float64(all.descriptors)
	if all.hidden != nil {
		return &FileError{File: "fd", Reason: reasonOf(all.hidden), Err: all.hidden}
	}
	p.Sockets = float64(all.sockets)
	return nil
}

// processes lists the processes of the cgroup; none where that failed, which was counted when the number of them was read. The
// list is valid until the next call.
func (h *Handle) processes() []int {
	i := slices.IndexFunc(h.files, func(f file) bool { return f.spec.name == "cgroup.procs" })
	if i < 0 {
		return nil
	}
	b, err := h.readFile(&h.files[i])
	if err != nil {
		return nil
	}
	if h.r.pids, err = parsePIDs(b, h.r.pids[:0]); err != nil {
		return nil
	}
	return h.r.pids
}

// openFiles is what processes hold open.
type openFiles struct {
	descriptors, sockets int
	hidden               error // why it cannot be told whether some of them are sockets
}

// countOpen adds what one process holds open (/proc/<pid>/fd).
func (r *Reader) countOpen(pid int, o *openFiles) error {
	dir, err := unix.Open(filepath.Join(r.root.ProcFS, strconv.Itoa(pid), "fd"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	var names []string
	for {
		n, err := unix.ReadDirent(dir, r.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		_, _, names = unix.ParseDirent(r.buf[:n], -1, names[:0])
		o.descriptors += len(names)
		if o.descriptors > maxDescriptors {
			return errManyDescriptors
		}
		for _, name := range names {
			o.look(dir, name)
		}
	}
}

// look sees whether a descriptor is a socket: its link is "socket:[117216]".
func (o *openFiles) look(dir int, name string) {
	if o.hidden != nil {
		return
	}
	var link [64]byte
	n, err := unix.Readlinkat(dir, name, link[:])
	switch {
	case err == nil && strings.HasPrefix(string(link[:n]), "socket:"):
		o.sockets++
	case err == nil, ended(err): // closed meanwhile
	default:
		o.hidden = err
	}
}

// ended says that what was to be read of a process is no longer there, since it ended (EINVAL: it is a zombie without
// namespaces).
func ended(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL)
}
