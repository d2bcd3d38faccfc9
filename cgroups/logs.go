package cgroups

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLogFiles bounds how many rotated files of one container are looked for.
const maxLogFiles = 1000

// Logs tells how large the logs of containers are. It only looks the files up, and opens none. It is safe for concurrent use.
type Logs struct{ rootFS string }

// NewLogs returns the Logs of the host whose root is mounted at rootFS; "" = "/".
func NewLogs(rootFS string) *Logs {
	if rootFS == "" {
		rootFS = "/"
	}
	return &Logs{rootFS}
}

// Size is the size in bytes of the log of a container, at a path of the host as the engine names it (LogPath of inspect), with its
// rotated files: beside x.log these are x.log.1 or x.log.1.gz, x.log.2 and so on, without a gap. The error wraps fs.ErrNotExist or
// fs.ErrPermission where the log cannot be seen, and fs.ErrInvalid where the path is no log of this container: it must have the
// container's id in it, and be a regular file.
func (l *Logs) Size(id, path string) (float64, error) {
	path = filepath.Clean(path) // so that ".." does not lead out of the root
	if id == "" || !strings.Contains(path, id) || !filepath.IsAbs(path) {
		return 0, fmt.Errorf("log %.200q: not a path of this container's: %w", path, fs.ErrInvalid)
	}
	path = filepath.Join(l.rootFS, path)
	total, err := fileSize(path)
	if err != nil {
		return 0, fmt.Errorf("log %.200q: %w", path, err)
	}
	for n := 1; n <= maxLogFiles; n++ {
		size, found := rotatedSize(path + "." + strconv.Itoa(n))
		if !found {
			break
		}
		total += size
	}
	return total, nil
}

// rotatedSize is the size of a rotated file, compressed or not; both are there while the one is made of the other.
func rotatedSize(path string) (size float64, found bool) {
	for _, name := range []string{path, path + ".gz"} {
		if n, err := fileSize(name); err == nil {
			size, found = size+n, true
		}
	}
	return size, found
}

// fileSize is the size of a regular file; a link is none.
func fileSize(path string) (float64, error) {
	var st unix.Stat_t
	_, err := retry(func() (int, error) { return 0, unix.Lstat(path, &st) })
	switch {
	case err != nil:
		return 0, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return 0, fmt.Errorf("no regular file: %w", fs.ErrInvalid)
	}
	return float64(st.Size), nil
}
