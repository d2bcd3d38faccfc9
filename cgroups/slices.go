package cgroups

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	// slicesEvery is how often the tree is looked at for cgroups that match a pattern.
	slicesEvery = 15 * time.Second
	// maxSlices bounds the cgroups that patterns can find, and so their series.
	maxSlices = 1000
)

// watchlist is the cgroups beside those of containers that somebody wants to watch: system services, users' sessions.
type watchlist struct {
	patterns []string
	found    []string
	read     time.Time
}

// CheckSlice says what is wrong with a pattern of Options.Slices: it begins with "/" and each of its elements is one of a path,
// in which *, ? and [] mean what they mean to a shell.
func CheckSlice(pattern string) error {
	if !strings.HasPrefix(pattern, "/") {
		return fmt.Errorf("%q: want the path of a cgroup such as /system.slice/*.service", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q: %w: want a pattern such as /system.slice/*.service", pattern, err)
	}
	return nil
}

// Slices lists the paths of the cgroups that match the patterns of Options, without those of containers and without the root. The
// tree is looked at again at most every 15 seconds, and only along the patterns.
func (r *Reader) Slices() []string {
	s := &r.slices
	if len(s.patterns) == 0 {
		return nil
	}
	if now := r.now(); s.read.IsZero() || now.Sub(s.read) >= slicesEvery {
		s.found, s.read = r.expand(s.patterns), now
	}
	return s.found
}

// expand finds the cgroups that match patterns in the hierarchy that names cgroups.
func (r *Reader) expand(patterns []string) []string {
	mount := r.hierarchy.mounts[r.hierarchy.first()]
	seen := map[string]bool{}
	var out []string
	for _, pattern := range patterns {
		level := []string{"/"}
		for element := range strings.SplitSeq(strings.Trim(path.Clean(pattern), "/"), "/") {
			level = matching(mount, level, element)
		}
		for _, p := range level {
			if p != "/" && !seen[p] && !isContainer(path.Base(p)) && len(out) < maxSlices {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// matching lists the children of some cgroups whose names match one element of a pattern.
func matching(mount string, parents []string, element string) []string {
	if element == "" {
		return parents
	}
	var out []string
	for _, parent := range parents {
		if !strings.ContainsAny(element, `*?[\`) {
			if p := path.Join(parent, element); exists(filepath.Join(mount, p)) {
				out = append(out, p)
			}
			continue
		}
		entries, err := os.ReadDir(filepath.Join(mount, parent))
		if err != nil {
			continue // it has just ended
		}
		for _, e := range entries {
			if ok, _ := path.Match(element, e.Name()); ok && e.IsDir() && len(out) < maxSlices {
				out = append(out, path.Join(parent, e.Name()))
			}
		}
	}
	return out
}

// isContainer says whether a folder is named for a container: those are read by what the engine says of them.
func isContainer(name string) bool {
	run := 0
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			run = 0
			continue
		}
		if run++; run == idLength {
			return true
		}
	}
	return false
}

// idLength is the number of hex digits of a container's id.
const idLength = 64

// OpenSlice opens a cgroup by its path. The error is ErrNotFound when there is none.
func (r *Reader) OpenSlice(p string) (*Handle, error) {
	dirs := r.hierarchy.dirs(func(base) string { return path.Join("/", p) })
	h := r.openFiles(p, &dirs, r.files(&dirs))
	if len(h.files) == 0 {
		return nil, fmt.Errorf("open %s: %w", p, ErrNotFound)
	}
	return h, nil
}
