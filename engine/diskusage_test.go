package engine

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
	"tallyman/internal/self"
)

// diskLab is a fake engine in memory with a DiskUsage that asks it, for use under the clock of testing/synctest.
type diskLab struct {
	*fakeengine.Engine
	*DiskUsage
	client *Client
	self   *self.Metrics
	log    *logbook
}

// newDiskLab starts everything and connects; whatever it starts ends with the test.
func newDiskLab(t *testing.T, version string, co Options, do DiskUsageOptions) *diskLab {
	t.Helper()
	l := &diskLab{self: self.New(self.Build{}, false), log: &logbook{}}
	l.Engine = fakeengine.ForTest(t, fakeengine.Options{Version: version, Listen: "pipe://engine"})
	co.Self = l.self
	l.client = newClient(t, co)
	l.client.base.DialContext = l.Dial
	if do.Rand == nil {
		do.Rand = func() float64 { return 0 }
	}
	do.Self, do.Log = l.self, slog.New(slog.NewTextHandler(l.log, nil))
	l.DiskUsage = NewDiskUsage(l.client, do)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := l.DiskUsage.Run(ctx); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	l.connect(t)
	return l
}

func (l *diskLab) connect(t *testing.T) {
	t.Helper()
	if err := l.client.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// after lets time pass and tells what is known then.
func (l *diskLab) after(d time.Duration) *Disk {
	time.Sleep(d)
	synctest.Wait()
	return l.Disk()
}

// requests tells how often the engine was asked, in all or, with "?type=container", for one kind.
func (l *diskLab) requests(kind string) int { return l.Requests("/system/df" + kind) }

// line is a DiskPart as people compare it with `docker system df`.
type line struct{ Active, Total, Bytes, Reclaimable float64 }

func lines(d *Disk) map[DiskKind]line {
	out := map[DiskKind]line{}
	for _, p := range d.Parts {
		out[p.Kind] = line{p.Active, p.Active + p.Inactive, p.Bytes, p.Reclaimable}
	}
	return out
}

// reasons tells what is wrong with each part.
func reasons(d *Disk) string {
	var out []string
	for _, p := range d.Parts {
		out = append(out, p.Reason)
	}
	return strings.Join(out, " ")
}

// TestDiskUsage_isThatOfTheCommandLine: the numbers are those that the command lines of engines up to 28 print for these
// answers, computed apart from our code, and for engine 29 those that it says itself.
func TestDiskUsage_isThatOfTheCommandLine(t *testing.T) {
	f := func(version, pinned string, want map[DiskKind]line, requests int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := newDiskLab(t, version, Options{APIVersion: pinned}, DiskUsageOptions{})
			d := l.after(6 * time.Second)
			if diff := cmp.Diff(want, lines(d)); diff != "" {
				t.Errorf("%s %s: -want +got:\n%s", version, pinned, diff)
			}
			if got := l.requests(""); got != requests || reasons(d) != "   " || len(d.Containers) != 28 {
				t.Errorf("%s %s: %d requests, reasons %q, %d containers", version, pinned, got, reasons(d), len(d.Containers))
			}
			if got := l.client.APIVersion(); pinned == "" && version == "29.7.2" && got != "1.51" {
				t.Errorf("the version of other requests is now %s", got)
			}
		})
	}
	volumes := line{3, 4, 2097152, 0}
	f("20.10.24", "", map[DiskKind]line{
		DiskImages: {3, 5, 6966418, 6966418}, DiskContainers: {21, 28, 5242880, 0}, DiskVolumes: volumes, DiskBuildCache: {},
	}, 1)
	f("28.5.2", "", map[DiskKind]line{
		DiskImages: {3, 6, 21222022, 17968008}, DiskContainers: {21, 28, 5390336, 28672}, DiskVolumes: volumes, DiskBuildCache: {},
	}, 4)
	f("28.5.2", "1.41", map[DiskKind]line{
		DiskImages: {3, 6, 21222022, 17968008}, DiskContainers: {21, 28, 5390336, 28672}, DiskVolumes: volumes, DiskBuildCache: {},
	}, 1)
	f("29.7.2", "", map[DiskKind]line{
		DiskImages: {3, 5, 12154959, 9060140}, DiskContainers: {21, 28, 5390336, 28672}, DiskVolumes: volumes, DiskBuildCache: {},
	}, 4)
	f("29.7.2", "1.51", map[DiskKind]line{
		DiskImages: {3, 5, 12154959, 12152642}, DiskContainers: {21, 28, 5390336, 28672}, DiskVolumes: volumes, DiskBuildCache: {},
	}, 4)
}

func TestDiskUsage_objects(t *testing.T) {
	f := func(version string, top int, images []ImageDisk, otherImages DiskRest, volumes []VolumeDisk, otherVolumes DiskRest,
		web, db ContainerDisk,
	) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := newDiskLab(t, version, Options{}, DiskUsageOptions{Top: top})
			d := l.after(6 * time.Second)
			for i := range d.Images {
				d.Images[i].ID = d.Images[i].ID[:len("sha256:")+4]
			}
			got := []any{
				d.Images, d.OtherImages, d.Volumes, d.OtherVolumes,
				d.Containers[l.ID("eng-shop-web-1")], d.Containers[l.ID("eng-shop-db-1")],
			}
			same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
			if diff := cmp.Diff([]any{images, otherImages, volumes, otherVolumes, web, db}, got, same); diff != "" {
				t.Errorf("%s: -want +got:\n%s", version, diff)
			}
		})
	}
	f("20.10.24", 3,
		[]ImageDisk{{"sha256:d510", "eng-unused:latest", 4982256}, {"sha256:56b6", "<none>", 1984162}, {"sha256:cacb", "eng-bb-hc:latest", 1984162}},
		DiskRest{2, 2 * 1984162, math.NaN()},
		[]VolumeDisk{{"eng-data", 2097152, 1}, {"7a0c6005819d3e4f1cfdadf0560e2ba821bf3041d58cf307eede68fa5de3d041", 0, 1}, {"eng-empty", 0, 0}},
		DiskRest{1, 0, 1}, ContainerDisk{0, 1984162}, ContainerDisk{5242880, 7227042})
	f("29.7.2", 0,
		[]ImageDisk{
			{"sha256:b264", "eng-unused:latest", 9059408},
			{"sha256:1d38", "eng-bb-hc:latest", 3093312},
			{"sha256:e402", "eng-bb:1.0", 3093277},
			{"sha256:9834", "<none>", 3093234},
			{"sha256:ace7", "eng-moved:latest", 3093234},
		},
		noRest(),
		[]VolumeDisk{
			{"eng-data", 2097152, 1},
			{"8c089162fcd6e158c79c18a79982f695746eed841ffc1b2ce4f0bdcede664a05", 0, 1},
			{"eng-empty", 0, 0},
			{"eng-labelled", 0, 1},
		},
		noRest(), ContainerDisk{4096, 2048000}, ContainerDisk{5263360, 7307264})
	f("28.5.2", -1, []ImageDisk{}, DiskRest{6, 24580215, math.NaN()}, []VolumeDisk{}, DiskRest{4, 2097152, 3},
		ContainerDisk{4096, 2048000}, ContainerDisk{5263360, 7307264})
}

func TestDiskUsage_schedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{}, DiskUsageOptions{})
		d := l.after(4 * time.Second)
		if got := l.requests(""); got != 0 || reasons(d) != "not_asked not_asked not_asked not_asked" || !math.IsNaN(d.Part(DiskImages).Bytes) {
			t.Errorf("at first: %d requests, %+v", got, d)
		}
		d = l.after(time.Second)
		first := time.Now()
		if got := l.requests(""); got != 4 || !d.Refreshed.Equal(first) || !d.Part(DiskVolumes).At.Equal(first) {
			t.Errorf("after 5 s: %d requests, refreshed %v", got, d.Refreshed)
		}
		if d = l.after(4 * time.Minute); l.requests("") != 4 || !d.Refreshed.Equal(first) {
			t.Errorf("after 4 min: %d requests", l.requests(""))
		}
		if d = l.after(time.Minute); l.requests("") != 8 || !d.Refreshed.Equal(first.Add(5*time.Minute)) {
			t.Errorf("after 5 min: %d requests, refreshed %v", l.requests(""), d.Refreshed)
		}
		l.client.disconnect()
		if d = l.after(time.Hour); l.requests("") != 8 || reasons(d) != "   " {
			t.Errorf("not connected: %d requests, reasons %q", l.requests(""), reasons(d))
		}
		l.connect(t)
		if l.after(6 * time.Second); l.requests("") != 12 {
			t.Errorf("connected again: %d requests", l.requests(""))
		}
	})
}

// TestDiskUsage_manyTallymen: they do not come at the same moment.
func TestDiskUsage_manyTallymen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{}, DiskUsageOptions{Rand: func() float64 { return 0.999 }})
		if l.after(4600 * time.Millisecond); l.requests("") != 4 {
			t.Errorf("%d requests", l.requests(""))
		}
		if l.after(271 * time.Second); l.requests("") != 8 {
			t.Errorf("%d requests in all", l.requests(""))
		}
	})
}

func TestDiskUsage_off(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{}, DiskUsageOptions{Interval: -1})
		d := l.after(time.Hour)
		if l.requests("") != 0 || reasons(d) != "off off off off" {
			t.Errorf("%d requests, reasons %q", l.requests(""), reasons(d))
		}
		if got := l.Refresh(); got != (RefreshAnswer{Reason: "off"}) {
			t.Errorf("got %+v", got)
		}
	})
}

// TestDiskUsage_aKindThatHangs costs the others nothing, and keeps its last value.
func TestDiskUsage_aKindThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{}, DiskUsageOptions{})
		first := l.after(5 * time.Second).Refreshed
		l.SetFault("/system/df?type=container", fakeengine.Fault{Hang: true})
		l.UpdateDisk(func(df map[string]any) { df["LayersSize"] = 1e9 })
		d := l.after(5*time.Minute + 70*time.Second)
		if got := d.Part(DiskImages); got.Bytes != 1e9 || !got.At.Equal(first.Add(6*time.Minute)) || got.Reason != "" {
			t.Errorf("images: got %+v", got)
		}
		got := d.Part(DiskContainers)
		if got.Bytes != 5390336 || !got.At.Equal(first) || got.Reason != "timeout" || !strings.HasSuffix(got.Problem, "did not tell its disk usage within 1m0s") {
			t.Errorf("containers: got %+v", got)
		}
		if d.Took != time.Minute || len(d.Containers) != 28 {
			t.Errorf("took %v, %d containers", d.Took, len(d.Containers))
		}
		// An answer after the timeout is like none.
		l.SetFault("/system/df?type=container", fakeengine.Fault{Delay: 61 * time.Second})
		if got = l.after(5 * time.Minute).Part(DiskContainers); !got.At.Equal(first) || got.Reason != "timeout" {
			t.Errorf("late answer: got %+v", got)
		}
		l.ClearFaults()
		if got = l.after(7 * time.Minute).Part(DiskContainers); !got.At.After(first) || got.Reason != "" {
			t.Errorf("well again: got %+v", got)
		}
		if n := l.log.count("disk usage unknown"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, &l.log.lines)
		}
	})
}

// TestDiskUsage_busy: engine 20.10 refuses while it works on another's question.
func TestDiskUsage_busy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "20.10.24", Options{}, DiskUsageOptions{})
		first := l.after(5 * time.Second).Refreshed
		l.SetFault("/system/df", fakeengine.Fault{Status: 500, Body: `{"message":"a disk usage operation is already running"}`, Times: 2})
		d := l.after(5 * time.Minute)
		if reasons(d) != "busy busy busy busy" || !d.Refreshed.Equal(first) || d.Part(DiskImages).Bytes != 6966418 {
			t.Errorf("refreshed %v, reasons %q", d.Refreshed, reasons(d))
		}
		if d = l.after(time.Minute); reasons(d) != "   " || !d.Refreshed.Equal(first.Add(6*time.Minute)) || l.requests("") != 4 {
			t.Errorf("refreshed %v, reasons %q, %d requests", d.Refreshed, reasons(d), l.requests(""))
		}
	})
}

// TestDiskUsage_forbidden: a proxy that lets everything else pass is asked once per interval.
func TestDiskUsage_forbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{Host: "unix:///run/proxy.sock"}, DiskUsageOptions{})
		l.SetFault("/system/df", fakeengine.Fault{Status: 403, Body: "<html><body><h1>403 Forbidden</h1></body></html>"})
		d := l.after(16 * time.Minute)
		want := "unix:///run/proxy.sock answered 403 to GET /system/df: allow that in the proxy before it, or is it no Docker engine? (Forbidden, in HTML)"
		if got := d.Part(DiskVolumes); reasons(d) != "forbidden forbidden forbidden forbidden" || got.Problem != want {
			t.Errorf("got %+v", got)
		}
		if l.requests("") != 4 || l.log.count("\n") != 1 || !d.Refreshed.IsZero() {
			t.Errorf("%d requests, refreshed %v, log:\n%s", l.requests(""), d.Refreshed, &l.log.lines)
		}
		l.ClearFaults()
		if d = l.after(5 * time.Minute); reasons(d) != "   " {
			t.Errorf("allowed again: reasons %q", reasons(d))
		}
	})
}

// TestDiskUsage_half: what an answer does not speak of keeps its last value and age.
func TestDiskUsage_half(t *testing.T) {
	for _, version := range fakeengine.Versions() {
		synctest.Test(t, func(t *testing.T) {
			l := newDiskLab(t, version, Options{}, DiskUsageOptions{})
			first := l.after(5 * time.Second).Refreshed
			l.UpdateDisk(func(df map[string]any) {
				for _, field := range []string{"Volumes", "VolumeUsage", "BuildCache", "BuildCacheUsage"} {
					delete(df, field)
				}
			})
			d := l.after(5 * time.Minute)
			if got := d.Part(DiskVolumes); got.Bytes != 2097152 || !got.At.Equal(first) || len(d.Volumes) != 4 {
				t.Errorf("%s: volumes %+v, list %v", version, got, d.Volumes)
			}
			if reasons(d) != "  parse parse" || !d.Part(DiskImages).At.Equal(first.Add(5*time.Minute)) {
				t.Errorf("%s: reasons %q, %+v", version, reasons(d), d.Part(DiskImages))
			}
		})
	}
}

// TestDiskUsage_allInOneAnswer: an engine that does not tell kinds apart, whatever version it claims, is asked once.
func TestDiskUsage_allInOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "20.10.24", Options{APIVersion: "1.41"}, DiskUsageOptions{})
		kinds := []DiskKind{DiskContainers}
		a, err := l.client.diskUsage(t.Context(), kinds)
		if err != nil || !a.has(DiskImages) || !a.has(DiskVolumes) || a.has(DiskBuildCache) {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

// TestDiskUsage_badAnswers: none crashes or hangs, each keeps the last values and has a reason and a problem of one line.
func TestDiskUsage_badAnswers(t *testing.T) {
	f := func(fault fakeengine.Fault, reason string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := newDiskLab(t, "28.5.2", Options{MaxResponseBytes: 1 << 20}, DiskUsageOptions{})
			before := l.after(5 * time.Second)
			l.SetFault("/system/df", fault)
			d := l.after(10 * time.Minute)
			p := d.Part(DiskContainers)
			if !strings.HasPrefix(p.Reason, reason) || p.Problem == "" || strings.Contains(p.Problem, "\n") || len(p.Problem) > maxMessage {
				t.Errorf("%+v: got %+v", fault, p)
			}
			if diff := cmp.Diff(lines(before), lines(d)); diff != "" {
				t.Errorf("%+v: the last values are gone: %s", fault, diff)
			}
		})
	}
	f(fakeengine.Fault{Hang: true}, "timeout")
	f(fakeengine.Fault{HTML: true}, "parse")
	f(fakeengine.Fault{Endless: true}, "too_large")
	f(fakeengine.Fault{HalfJSON: true}, "io")
	f(fakeengine.Fault{Cut: true}, "io")
	f(fakeengine.Fault{Status: 200, Body: `[1,2]`}, "parse")
	f(fakeengine.Fault{Status: 200, Body: `null`}, "parse")
	f(fakeengine.Fault{Status: 200, Body: `{"Containers":{"a":1}}`}, "parse")
	f(fakeengine.Fault{Status: 200, Body: `{"Containers":[{"Id":}]}`}, "parse")
	f(fakeengine.Fault{Status: 200, Body: `{}`}, "parse")
	f(fakeengine.Fault{Status: 200, Body: ``}, "io")
	f(fakeengine.Fault{Status: 404, Body: `{"message":"page not found"}`}, "forbidden")
	f(fakeengine.Fault{Status: 500, Body: `{"message":"driver \"overlay2\" failed\nto remove"}`}, "status")
}

func TestDiskUsage_refresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDiskLab(t, "28.5.2", Options{}, DiskUsageOptions{})
		synctest.Wait() // it runs
		start := time.Now()
		f := func(want RefreshAnswer) {
			t.Helper()
			if got := l.Refresh(); !got.Next.Equal(want.Next) || got.Taken != want.Taken || got.Reason != want.Reason {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		l.client.disconnect()
		f(RefreshAnswer{Reason: "not_connected", Next: start.Add(5 * time.Second)})
		l.connect(t)
		l.SetFault("/system/df?type=volume", fakeengine.Fault{Delay: 30 * time.Second})
		f(RefreshAnswer{Taken: true, Next: start.Add(10 * time.Second)})
		f(RefreshAnswer{Reason: "running", Next: start.Add(10 * time.Second)})
		l.after(20 * time.Second)
		f(RefreshAnswer{Reason: "running", Next: start.Add(21 * time.Second)})
		if d := l.after(10 * time.Second); l.requests("") != 4 || reasons(d) != "   " || d.Took != 30*time.Second {
			t.Errorf("%d requests, reasons %q, took %v", l.requests(""), reasons(d), d.Took)
		}
		l.ClearFaults()
		f(RefreshAnswer{Taken: true, Next: start.Add(40 * time.Second)})
		l.after(time.Second)
		f(RefreshAnswer{Reason: "too_soon", Next: start.Add(40 * time.Second)})
		if l.after(4 * time.Minute); l.requests("") != 8 {
			t.Errorf("%d requests: an early refresh puts off the next", l.requests(""))
		}
		// Many at the same moment are one.
		var all sync.WaitGroup
		taken := make(chan bool, 100)
		for range 100 {
			all.Go(func() {
				if l.Refresh().Taken {
					taken <- true
				}
			})
		}
		all.Wait()
		if l.after(time.Second); len(taken) != 1 || l.requests("") != 12 {
			t.Errorf("%d taken, %d requests", len(taken), l.requests(""))
		}
	})
}

// TestDiskUsage_end: Run ends at once, whatever is under way, and that is no failure.
func TestDiskUsage_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakeengine.ForTest(t, fakeengine.Options{Listen: "pipe://engine"})
		e.SetFault("/system/df", fakeengine.Fault{Hang: true})
		counts := self.New(self.Build{}, false)
		c := newClient(t, Options{Self: counts})
		c.base.DialContext = e.Dial
		if err := c.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := NewDiskUsage(c, DiskUsageOptions{Self: counts})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		began := time.Now()
		if err := d.Run(ctx); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("Run returned %v after %v", err, time.Since(began))
		}
		if got := d.Refresh(); got.Taken || reasons(d.Disk()) != "not_asked not_asked not_asked not_asked" {
			t.Errorf("after the end: %+v, reasons %q", got, reasons(d.Disk()))
		}
		if n := (&lab{self: counts}).counter(t, "tallyman_collect_errors_total", nil); n != 0 {
			t.Errorf("%v errors counted", n)
		}
	})
}

// TestInventory_lostEngineIsNotAsked: the Client is disconnected while the Inventory has lost the engine.
func TestInventory_lostEngineIsNotAsked(t *testing.T) {
	l := recorded(t, "28.5.2")
	if !l.inv.client.connected() {
		t.Error("not connected while up")
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.await(t, "down", func(v *View) bool { return !v.Up })
	if l.inv.client.connected() {
		t.Error("connected while down")
	}
}

func ExampleDiskUsage() {
	c, err := NewClient(Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := NewDiskUsage(c, DiskUsageOptions{Interval: time.Hour})
	fmt.Println(d.Disk().Part(DiskImages).Problem)
	// Output: the engine was not asked yet
}
