package cgroups

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxLogFiles bounds how many rotated files of one container are looked for.
const maxLogFiles = 1000

// rotatedEvery is how often rotated files are looked up although the log has not been rotated since: the engine compresses them
// in its own time, and looking for the first, where there is none, takes two thirds of what a log costs.
const rotatedEvery = time.Minute

// Logs tells how large the logs of containers are. It only looks the files up, and opens none. It is safe for concurrent use.
type Logs struct {
	rootFS string
	now    func() time.Time

	mu      sync.Mutex
	rotated map[string]rotated // by the path of the log
	swept   time.Time          // when those were forgotten that nobody asks for any more
}

// rotated is what the rotated files of a log take.
type rotated struct {
	inode uint64  // of the log itself: it is another when the engine has rotated the log
	size  float64 // of the log itself: it shrinks when somebody else has
	bytes float64
	at    time.Time
}

// NewLogs returns the Logs of the host whose root is mounted at rootFS; "" = "/".
func NewLogs(rootFS string) *Logs {
	if rootFS == "" {
		rootFS = "/"
	}
	return &Logs{rootFS: rootFS, now: time.Now, rotated: map[string]rotated{}}
}

// Size is the size in bytes of the log of a container, at a path of the host as the engine names it (LogPath of inspect), with its
// rotated files: beside x.log these are x.log.1 or x.log.1.gz, x.log.2 and so on, without a gap; their part may be a minute old. The
// error wraps fs.ErrNotExist or fs.ErrPermission where the log cannot be seen, and fs.ErrInvalid where the path is no log of this
// container: it must have the container's id in it, and be a regular file.
func (l *Logs) Size(id, path string) (float64, error) {
	path = filepath.Clean(path) // so that ".." does not lead out of the root
	if id == "" || !strings.Contains(path, id) || !filepath.IsAbs(path) {
		return 0, fmt.Errorf("log %.200q: not a path of this container's: %w", path, fs.ErrInvalid)
	}
	path = filepath.Join(l.rootFS, path)
	size, inode, err := fileSize(path)
	if err != nil {
		return 0, fmt.Errorf("log %.200q: %w", path, err)
	}
	return size + l.older(path, inode, size), nil
}

// older is what the rotated files of a log take.
func (l *Logs) older(path string, inode uint64, size float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	known := l.rotated[path]
	if age := now.Sub(known.at); known.inode == inode && known.size <= size && age >= 0 && age < rotatedEvery {
		known.size = size
		l.rotated[path] = known
		return known.bytes
	}
	if now.Sub(l.swept) >= 2*rotatedEvery {
		maps.DeleteFunc(l.rotated, func(_ string, r rotated) bool { return now.Sub(r.at) >= 2*rotatedEvery })
		l.swept = now
	}
	total := 0.0
	for n := 1; n <= maxLogFiles; n++ {
		size, found := rotatedSize(path + "." + strconv.Itoa(n))
		if !found {
			break
		}
		total += size
	}
	l.rotated[path] = rotated{inode, size, total, now}
	return total
}

// rotatedSize is the size of a rotated file, compressed or not; both are there while the one is made of the other.
func rotatedSize(path string) (size float64, found bool) {
	for _, name := range []string{path, path + ".gz"} {
		if n, _, err := fileSize(name); err == nil {
			size, found = size+n, true
		}
	}
	return size, found
}

// fileSize is the size of a regular file, which is told from another by its inode; a link is none.
func fileSize(path string) (size float64, inode uint64, err error) {
	var st unix.Stat_t
	_, err = retry(func() (int, error) { return 0, unix.Lstat(path, &st) })
	switch {
	case err != nil:
		return 0, 0, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return 0, 0, fmt.Errorf("no regular file: %w", fs.ErrInvalid)
	}
	return float64(st.Size), st.Ino, nil
}
