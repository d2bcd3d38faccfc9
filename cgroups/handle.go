package cgroups

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Handle is an open cgroup. It belongs to its Reader and, like it, is not safe for concurrent use.
type Handle struct {
	r     *Reader
	path  string
	files []file
	// denied says why files cannot be opened that are there; nil = none.
	denied map[*fileSpec]error
	// folders is where the files are that are not kept open; reopened says that these are all.
	folders  *folders
	reopened bool
	netDev   string // "" = not its own
	host     bool
	// firstProcess is the container's, as /proc names it; 0 = unknown, or its processes are not asked for.
	firstProcess int
	proc         string // /proc/<firstProcess>
	sockets      []socketFile
	limits       limits
	rest         rest
}

// FileError says which kernel file could not be read or understood. The rest of the reading was delivered.
type FileError struct {
	File   string // "memory.stat"
	Reason string // "parse", "permission", "too_large", "descriptors" or "io"
	Err    error
}

// Error names file and cause.
func (e *FileError) Error() string { return "read " + e.File + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Errors are the files of one reading that could not be used.
type Errors []*FileError

// Error joins the messages.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Path is the cgroup path, such as "/docker/<id>", "/system.slice/docker-<id>.scope" or "/".
func (h *Handle) Path() string { return h.path }

// Read fills s with the present numbers; limits may be up to a minute old, unless Expire was called. The error is ErrGone, after
// which the Handle is closed and s is unknown, or Errors: the numbers of those files are unknown and all others are there.
func (h *Handle) Read(s *Stats) error { return h.read(s, false) }

// Glance is Read of what shows how a cgroup fares, for a good half of the cost: use and peak of memory, processor time, throttling, bytes of
// io, traffic, and pressure. All else stays unknown. Peak and working set are those of the glance before where nothing happened since.
func (h *Handle) Glance(s *Stats) error {
	// There must be a file to tell whether the cgroup is gone.
	return h.read(s, slices.ContainsFunc(h.files, func(f file) bool { return f.spec.glance }))
}

func (h *Handle) read(s *Stats, glance bool) error {
	s.Reset()
	bad, err := h.readFiles(s, glance)
	if err != nil {
		h.Close()
		s.Reset()
		return err
	}
	if err := h.readNetDev(s); err != nil {
		bad = append(bad, err)
	}
	if glance {
		s.Memory.DeriveWorkingSet()
	} else {
		bad = h.readProcess(s, bad)
		bad = h.readSockets(s, bad)
		h.derive(s)
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// readFiles reads the files of the cgroup. The error is ErrGone.
func (h *Handle) readFiles(s *Stats, glance bool) (bad Errors, gone error) {
	now := h.r.now()
	due := h.limits.due(now)
	whole := true
	for i := range h.files {
		f := &h.files[i]
		if f.spec.limit && !due || glance && h.passes(f.spec, s, now) {
			continue
		}
		b, err := h.readFile(f)
		if err == nil {
			err = f.spec.parse(b, s, h.r)
			if err != nil {
				bad = append(bad, &FileError{File: f.name(), Reason: "parse", Err: err})
			}
		} else {
			bad, gone = h.failed(f, err, bad)
		}
		if gone != nil {
			return nil, gone
		}
		whole = whole && (err == nil || !f.spec.limit)
	}
	switch {
	case glance:
		h.rest.complete(s, now)
	case !due:
		h.limits.fill(s)
	case whole: // otherwise the next reading tries again
		h.limits.keep(s, now)
	}
	return bad, nil
}

// passes says whether a glance passes a file over.
func (h *Handle) passes(f *fileSpec, s *Stats, now time.Time) bool {
	return !f.glance || f.still && h.rest.lasts(s, now)
}

// failed judges that a file cannot be read. The second error is ErrGone.
func (h *Handle) failed(f *file, err error, bad Errors) (Errors, error) {
	switch {
	// The kernel answers ENODEV on a file of a removed cgroup, and when the controller was taken away from a living one:
	// opening it anew tells which. A file that is not kept is simply no longer there.
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT):
		return nil, ErrGone
	case errors.Is(err, unix.EOPNOTSUPP): // pressure switched off (psi=0), cgroup.procs of a threaded cgroup
		return bad, nil
	}
	return append(bad, &FileError{File: f.name(), Reason: reasonOf(err), Err: err}), nil
}

// readNetDev opens /proc/<pid>/net/dev anew for each reading: an open one would keep the network namespace of an ended
// container, and its interfaces, in the kernel.
func (h *Handle) readNetDev(s *Stats) *FileError {
	if h.netDev == "" {
		return nil
	}
	b, err := h.r.readPath(h.netDev, true)
	switch {
	case err == nil:
	case ended(err):
		return nil
	default:
		return &FileError{File: "net/dev", Reason: reasonOf(err), Err: err}
	}
	if err := parseNetDev(b, s, h.r, h.r.hides); err != nil {
		return &FileError{File: "net/dev", Reason: "parse", Err: err}
	}
	return nil
}

// derive fills what follows from several files.
func (h *Handle) derive(s *Stats) {
	m := &s.Memory
	if h.r.hierarchy.unified {
		deriveV2(s)
	}
	m.DeriveWorkingSet()
	s.PerCPU = present(s.PerCPU, h.r)
	if h.host {
		return
	}
	parent := h.hasChildren()
	// From another pid namespace v1 lists no processes although there are some.
	if parent || s.Pids.Processes == 0 && s.Pids.Threads > 0 {
		s.Pids.Processes = math.NaN()
	}
	if parent && h.r.hierarchy.unified {
		m.OwnPageFaults, m.OwnMajorPageFaults = math.NaN(), math.NaN()
	}
}

// DeriveWorkingSet fills in what docker stats and the kubelet call used: NaN when one of its terms is unknown.
func (m *Memory) DeriveWorkingSet() {
	m.WorkingSet = m.Usage - m.InactiveFile
	if m.WorkingSet < 0 {
		m.WorkingSet = 0 // the two files were not read at the same instant
	}
}

// hasChildren says whether there are child cgroups: a folder of the cgroup file systems has two links and one for each folder in
// it.
func (h *Handle) hasChildren() bool {
	var st unix.Stat_t
	return h.folders.stat(h.r.hierarchy.procs, &st) == nil && st.Nlink > 2
}

// reasonOf is the word under which a failure is counted.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "permission"
	case errors.Is(err, errTooMany):
		return "too_large"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "descriptors"
	}
	return "io"
}
