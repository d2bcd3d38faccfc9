package engine

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tallyman/internal/fakeengine"
	"tallyman/internal/self"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a fake engine with an Inventory that follows it.
type lab struct {
	*fakeengine.Engine
	inv  *Inventory
	self *self.Metrics
	log  *logbook
	stop func()
}

// logbook keeps what was logged.
type logbook struct {
	mu    sync.Mutex // guards the field below
	lines strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logbook) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.lines.String(), s)
}

// fast are options that let outages pass quickly.
func fast() InventoryOptions {
	return InventoryOptions{
		BackoffMin: 20 * time.Millisecond, BackoffMax: 100 * time.Millisecond, Ping: 200 * time.Millisecond,
		ImagesDelay: 20 * time.Millisecond,
		Patience:    10 * time.Second, // even when the machine is busy
	}
}

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// follow starts an Inventory on a fake engine and ends it with the test.
func follow(t *testing.T, e *fakeengine.Engine, co Options, io InventoryOptions) *lab {
	t.Helper()
	l := &lab{Engine: e, self: self.New(self.Build{}, false), log: &logbook{}}
	co.Host, co.Self = e.Host(), l.self
	if co.Timeout == 0 {
		co.Timeout = 2 * time.Second
	}
	io.Self, io.Log = l.self, slog.New(slog.NewTextHandler(l.log, nil))
	l.inv = NewInventory(newClient(t, co), io)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.inv.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run did not end within 5 s")
		}
	})
	t.Cleanup(l.stop)
	return l
}

// recorded is follow on a recording with fast options, after the first sync and the first list of images.
func recorded(t *testing.T, version string) *lab {
	t.Helper()
	e := fakeengine.ForTest(t, fakeengine.Options{Version: version})
	l := follow(t, e, Options{}, fast())
	l.await(t, "up", func(v *View) bool { return v.Up && v.Containers[0].ImageKnown })
	return l
}

// await polls the View until it is as wanted. Real sockets allow no fake clock.
func (l *lab) await(t *testing.T, what string, ok func(*View) bool) *View {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		v := l.inv.View()
		if ok(v) {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("never became %s: up %v, problem %q, %d containers, events %v", what, v.Up, v.Problem, len(v.Containers), v.Events)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// awaitContainer waits until a container is as wanted.
func (l *lab) awaitContainer(t *testing.T, name, what string, ok func(*Container) bool) *Container {
	t.Helper()
	var last *Container
	l.await(t, name+" "+what, func(v *View) bool {
		last = find(v, name)
		return last != nil && ok(last)
	})
	return last
}

func find(v *View, name string) *Container {
	for _, c := range v.Containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// counter reads one of tallyman's own counters, summed over the labels that are not given.
func (l *lab) counter(t *testing.T, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := l.self.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			matching := 0
			for _, pair := range m.GetLabel() {
				if labels[pair.GetName()] == pair.GetValue() {
					matching++
				}
			}
			if matching == len(labels) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// eachInspect calls f with every recorded inspect of every engine version.
func eachInspect(t testing.TB, f func(version, name string, data []byte)) {
	t.Helper()
	n := 0
	for _, version := range fakeengine.Versions() {
		fsys := recording(t, version)
		names, err := fs.Glob(fsys, "inspect/*.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			n++
			f(version, strings.TrimSuffix(strings.TrimPrefix(name, "inspect/"), ".json"), data)
		}
	}
	if n < 80 {
		t.Fatalf("only %d recordings", n)
	}
}

func recording(t testing.TB, version string) fs.FS {
	t.Helper()
	fsys, err := fakeengine.Recorded(version)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func readFile(t testing.TB, version, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(recording(t, version), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
