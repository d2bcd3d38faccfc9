package cgroups

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLogs_size(t *testing.T) {
	t.Parallel()
	root, id := t.TempDir(), strings.Repeat("ab", 32)
	folder := filepath.Join(root, "var/lib/docker/containers", id)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, size int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logs, path := NewLogs(root), "/var/lib/docker/containers/"+id+"/"+id+"-json.log"
	now := time.Unix(1e9, 0)
	logs.now = func() time.Time { return now }
	check := func(what string, want float64) {
		t.Helper()
		if got, err := logs.Size(id, path); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", what, got, err, want)
		}
	}
	refused := func(id, path string, want error) {
		t.Helper()
		if got, err := logs.Size(id, path); !errors.Is(err, want) || got != 0 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, %v, want %v", path, got, err, want)
		}
	}
	refused(id, path, fs.ErrNotExist)
	write(id+"-json.log", 0)
	check("an empty log", 0)
	write(id+"-json.log", 1000)
	check("one file", 1000)
	write(id+"-json.log.3", 1<<20)
	check("a file behind a gap is no part of it", 1000)
	write(id+"-json.log.1", 30)
	write(id+"-json.log.2.gz", 5)
	check("rotated files that nothing tells of", 1000)
	now = now.Add(rotatedEvery)
	check("rotated files", 1035+1<<20)
	write(id+"-json.log.1.gz", 2)
	now = now.Add(rotatedEvery)
	check("a file that is being compressed", 1037+1<<20)
	write(id+"-json.log.1.gz", 3)
	write(id+"-json.log", 990)
	check("a log that was copied and cut", 1028+1<<20)
	write(id+"-json.log.1.gz", 4)
	if err := os.Rename(filepath.Join(folder, id+"-json.log"), filepath.Join(folder, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	write(id+"-json.log", 990)
	check("a log that was renamed", 1029+1<<20)
	now = now.Add(10 * rotatedEvery)
	logs.older("another", 1, 1)
	if len(logs.rotated) != 1 {
		t.Errorf("%d logs are remembered", len(logs.rotated))
	}

	// What the engine says is not trusted.
	refused("", path, fs.ErrInvalid)
	refused(id, "", fs.ErrInvalid)
	refused(id, "/etc/passwd", fs.ErrInvalid)
	refused(id, path[1:], fs.ErrInvalid)
	refused(id, "/var/lib/docker/containers/"+id, fs.ErrInvalid)
	refused(id, "/../../../../../../../../etc/"+id+"/../passwd", fs.ErrInvalid)
	refused(id, path+"\n", fs.ErrNotExist)
	refused(id, path+"\x00", unix.EINVAL)
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link.log")); err != nil {
		t.Fatal(err)
	}
	refused(id, "/var/lib/docker/containers/"+id+"/link.log", fs.ErrInvalid)
}

func TestLogs_size_closedFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "abc")
	if err := os.Mkdir(folder, 0); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			if err := unix.Setfsuid(65534); err != nil { // nothing is closed to root
				failed <- err
				return
			}
		}
		_, err := NewLogs("").Size("abc", folder+"/x.log")
		failed <- err
	}()
	if err := <-failed; !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkLogs is what a container without rotated logs costs.
func BenchmarkLogs(b *testing.B) {
	path := filepath.Join(b.TempDir(), "abc-json.log")
	if err := os.WriteFile(path, []byte("line"), 0o600); err != nil {
		b.Fatal(err)
	}
	logs := NewLogs("")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := logs.Size("abc", path); err != nil {
			b.Fatal(err)
		}
	}
}
