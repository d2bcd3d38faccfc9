package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
)

// imageID makes an image id of a digit.
func imageID(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func TestTagOf(t *testing.T) {
	digest := imageID("a")
	for name, want := range map[string]string{
		"busybox":                                    "docker.io/library/busybox:latest",
		"busybox:latest":                             "docker.io/library/busybox:latest",
		"docker.io/busybox":                          "docker.io/library/busybox:latest",
		"index.docker.io/library/busybox":            "docker.io/library/busybox:latest",
		"grafana/grafana:12.1":                       "docker.io/grafana/grafana:12.1",
		"registry.example.test:5000/team/app:v1":     "registry.example.test:5000/team/app:v1",
		"registry.example.test:5000/app":             "registry.example.test:5000/app:latest",
		"localhost/app":                              "localhost/app:latest", // podman
		"localhost:5000/app:a-b_c.d":                 "localhost:5000/app:a-b_c.d",
		"0123456789ab":                               "docker.io/library/0123456789ab:latest", // the beginning of an id: nobody has that tag
		"sha256:0123456789ab":                        "docker.io/library/sha256:0123456789ab",
		"busybox@" + digest:                          "",
		"busybox:1@" + digest:                        "",
		"registry.example.test:5000/app:1@" + digest: "",
		digest:                  "",
		digest[len("sha256:"):]: "",
	} {
		if got, ok := tagOf(name); got != want || !ok {
			t.Errorf("%q: got %q, %v, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "<none>:<none>", "Upper", "a b", "busybox:", "busybox@sha256:12", "http://x/y", strings.Repeat("x/", 200) + "y", "\xff"} {
		if got, ok := tagOf(name); got != "" || ok {
			t.Errorf("%q: got %q, %v, want nothing", name, got, ok)
		}
	}
}

func TestDecodeImages_recordings(t *testing.T) {
	for _, version := range fakeengine.Versions() {
		l, err := decodeImages(bytes.NewReader(readFile(t, version, "images-json.json")))
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		in, err := decodeInspect(readFile(t, version, "inspect/eng-registry.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"docker.io/library/eng-bb:1.0", "docker.io/library/eng-bb:latest", "registry.example.test:5000/team/eng-app:v1.2.3"} {
			if l.owners[tag] != in.ImageID {
				t.Errorf("%s: %s names %q, want %q", version, tag, l.owners[tag], in.ImageID)
			}
		}
		if made := l.created[in.ImageID]; made.Year() != 2026 || made.After(in.Created) {
			t.Errorf("%s: made at %v, before its container at %v", version, made, in.Created)
		}
		for tag := range l.owners {
			if strings.Contains(tag, "none") {
				t.Errorf("%s: tag %q", version, tag)
			}
		}
	}
}

func TestDecodeImages_quirks(t *testing.T) {
	a, b := imageID("a"), imageID("b")
	l, err := decodeImages(strings.NewReader(`[
		{"Id":"` + a + `","RepoTags":["x:1",7,"<none>:<none>"],"Created":1.795237602e9},
		{"Id":"` + b + `","RepoTags":null,"Created":-62135596800},
		{"Id":"sha256:c","RepoTags":"y","Created":"1795237602"},
		{"Id":"sha256:d","Created":0}, {"Id":"sha256:e","Created":1e300}, {"Id":7}, {}, null, 3, []
	]`))
	if err != nil {
		t.Fatal(err)
	}
	made := time.Unix(1795237602, 0).UTC()
	want := map[string]time.Time{a: made, b: {}, "sha256:c": made, "sha256:d": {}, "sha256:e": {}}
	if diff := cmp.Diff(l.created, want); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(l.owners, map[string]string{"docker.io/library/x:1": a}); diff != "" {
		t.Error(diff)
	}
	for body, want := range map[string]string{
		"":                   "decode list of images: EOF",
		"null":               "decode list of images: begins with <nil>, not with a list",
		`{"message":"no"}`:   "begins with {, not with a list",
		`[{"Id":"sha256:a"}`: "decode list of images: ",
		`<html>`:             "decode list of images: HTML instead of JSON",
	} {
		if _, err := decodeImages(strings.NewReader(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", body, err, want)
		}
	}
}

func TestDecodeImages_bounded(t *testing.T) {
	var many strings.Builder
	many.WriteString("[")
	for n := range maxImages + 1 {
		fmt.Fprintf(&many, `{"Id":"%d"},`, n)
	}
	many.WriteString("{}]")
	if _, err := decodeImages(strings.NewReader(many.String())); err == nil || !strings.Contains(err.Error(), "more than 100000") {
		t.Errorf("%d images: got %v", maxImages+1, err)
	}
}

func FuzzDecodeImages(f *testing.F) {
	for _, version := range fakeengine.Versions() {
		f.Add(readFile(f, version, "images-json.json"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := decodeImages(bytes.NewReader(data))
		if (l == nil) != (err != nil) {
			t.Fatalf("got %v and %v", l, err)
		}
		if l == nil {
			return
		}
		for tag, id := range l.owners {
			if again, ok := tagOf(tag); !ok || again != tag {
				t.Errorf("tag %q is spelt %q, %v", tag, again, ok)
			}
			if _, ok := l.created[id]; !ok {
				t.Errorf("tag %q names %q, which is not listed", tag, id)
			}
		}
	})
}

// shelf drives a tracker by hand through lists of images.
type shelf struct {
	t       *testing.T
	tracker *tracker
	nano    int64
	owners  map[string]string
}

func newShelf(t *testing.T) *shelf {
	return &shelf{t: t, tracker: newTracker(), owners: map[string]string{}}
}

// tag moves a tag; told says whether the engine sends the event.
func (s *shelf) tag(tag, id string, told bool) {
	s.owners[tag] = id
	if told {
		s.nano++
		s.tracker.event(event{kind: "image", action: "tag", id: id, nano: s.nano})
	}
}

// list asks for the images; what it returns gives the tracker the answer that the engine makes now.
func (s *shelf) list() (answer func()) {
	l := &imageList{created: map[string]time.Time{}, owners: map[string]string{}, round: s.tracker.images.ask()}
	for tag, id := range s.owners {
		l.owners["docker.io/library/"+tag] = id
		l.created[id] = time.Unix(1_700_000_000, 0)
	}
	return func() { s.tracker.imagesListed(l) }
}

// run adds a container of an image, as its "create" event and the inspect after it do; it returns its id.
func (s *shelf) run(name, image string) string {
	s.nano++
	id := fmt.Sprintf("%064x", s.nano)
	s.tracker.event(event{kind: "container", action: "create", id: id, nano: s.nano})
	s.tracker.inspected(inspected{Container: Container{ID: id, Name: name, Image: image, ImageID: s.owners[image]}}, false, false)
	return id
}

func (s *shelf) want(what, id string, known, stale bool) {
	s.t.Helper()
	c := s.tracker.entries[id].current()
	if c.ImageKnown != known || c.ImageStale != stale {
		s.t.Errorf("%s: known %v, stale %v; want %v, %v", what, c.ImageKnown, c.ImageStale, known, stale)
	}
}

func TestTracker_staleImages(t *testing.T) {
	s := newShelf(t)
	old, young := imageID("a"), imageID("b")
	s.tag("app:1", old, false)
	first := s.run("first", "app:1")
	s.want("before the first list", first, false, false)
	s.list()()
	s.want("listed", first, true, false)
	s.tag("app:1", young, true)
	second := s.run("second", "app:1")
	s.want("the old list still counts", first, true, false)
	s.want("but not against what is newer", second, false, false)
	s.list()()
	s.want("the tag has moved", first, true, true)
	s.want("the tag names it", second, true, false)
	third := s.run("third", "app:1")
	s.want("nothing happened since the list", third, true, false)
	if c := s.tracker.entries[first].current(); !c.ImageCreated.IsZero() {
		t.Errorf("made at %v, but the image is in no list", c.ImageCreated)
	}
	if c := s.tracker.entries[second].current(); !c.ImageCreated.Equal(time.Unix(1_700_000_000, 0)) {
		t.Errorf("made at %v", c.ImageCreated)
	}
	delete(s.owners, "app:1")
	s.list()()
	s.want("the tag was removed", first, true, false)
	s.want("the tag was removed", second, true, false)
	s.tracker.imagesListed(nil)
	s.want("there is no list", second, false, false)
	if c := s.tracker.entries[second].current(); !c.ImageCreated.IsZero() {
		t.Errorf("there is no list, but it was made at %v", c.ImageCreated)
	}
}

// TestTracker_staleImagesWhileListing: no list is held against a container that came after the tag had moved away from
// what the list says.
func TestTracker_staleImagesWhileListing(t *testing.T) {
	s := newShelf(t)
	old, young := imageID("a"), imageID("b")
	s.tag("app:1", old, false)
	first := s.run("first", "app:1")
	answer := s.list()
	s.tag("app:1", young, true)
	second := s.run("second", "app:1")
	answer()
	s.want("what the list saw", first, true, false)
	s.want("newer than the list", second, false, false)
	answer = s.list()
	third := s.run("third", "app:1")
	s.want("newer than the list that is known", third, false, false)
	answer()
	for _, id := range []string{second, third} {
		s.want("the next list", id, true, false)
	}
	s.want("the next list", first, true, true)
	// The stream broke, and nobody was told.
	s.tag("app:1", old, false)
	s.tracker.images.changed()
	answer = s.list()
	fourth := s.run("fourth", "app:1")
	s.want("after a gap", fourth, false, false)
	answer()
	s.want("after a gap, listed", fourth, true, false)
	s.want("after a gap, listed", third, true, true)
}

func TestTracker_pinnedImages(t *testing.T) {
	s := newShelf(t)
	id := imageID("a")
	for _, name := range []string{id, id[len("sha256:"):], "app@" + id, "app:1@" + id, id[len("sha256:"):][:12]} {
		s.owners[name] = id
	}
	s.list()()
	for name := range s.owners {
		s.want(name, s.run(name, name), true, false)
	}
	s.owners["Not A Name"], s.owners["nameless:1"] = id, "something else"
	for _, name := range []string{"Not A Name", "nameless:1"} {
		s.want(name, s.run(name, name), false, false)
	}
}

// TestTracker_sameImagesSameContainers: a list that says the same as the one before changes no container.
func TestTracker_sameImagesSameContainers(t *testing.T) {
	s := newShelf(t)
	s.tag("app:1", imageID("a"), false)
	for n := range 10 {
		s.run(fmt.Sprint(n), "app:1")
	}
	s.list()()
	before := s.tracker.containers(nil)
	s.list()()
	if s.tracker.containersChanged() {
		t.Error("nothing is new, but containers are to be published again")
	}
	if after := s.tracker.containers(before); &after[0] != &before[0] {
		t.Error("nothing is new, but the list is another")
	}
}

func TestInventory_images(t *testing.T) {
	t.Parallel()
	for _, version := range fakeengine.Versions() {
		l := recorded(t, version)
		for _, c := range l.inv.View().Containers {
			if stale := c.Name == "eng-moved"; !c.ImageKnown || c.ImageStale != stale || c.ImageCreated.Year() != 2026 || c.ImageCreated.After(c.Created) {
				t.Errorf("%s: %s: known %v, stale %v, made at %v, want stale %v", version, c.Name, c.ImageKnown, c.ImageStale, c.ImageCreated, stale)
			}
		}
		before, lists := l.inv.View(), l.Requests("/images/json")
		l.Tag("eng-bb:latest", imageID("b"))
		l.awaitContainer(t, "eng-host", "stale", func(c *Container) bool { return c.ImageStale })
		after := l.inv.View()
		for _, name := range []string{"eng-registry", "eng-imagehc", "eng-moved"} { // of the same image by another tag, of others
			if find(after, name) != find(before, name) {
				t.Errorf("%s: another pointer, but nothing changed", name)
			}
		}
		l.Create("young", "eng-bb:latest")
		l.awaitContainer(t, "young", "not stale", func(c *Container) bool { return c.ImageKnown && !c.ImageStale })
		l.Tag("eng-bb:latest", find(before, "eng-host").ImageID)
		l.awaitContainer(t, "eng-host", "not stale", func(c *Container) bool { return c.ImageKnown && !c.ImageStale })
		l.awaitContainer(t, "young", "stale", func(c *Container) bool { return c.ImageStale })
		l.Untag("eng-bb:latest")
		v := l.awaitContainer(t, "young", "not stale", func(c *Container) bool { return c.ImageKnown && !c.ImageStale })
		if v.ImageCreated.IsZero() {
			t.Errorf("%s: the image is listed, but its age is not known", version)
		}
		if got := l.Requests("/images/json") - lists; got > 3 {
			t.Errorf("%s: %d lists for 3 events", version, got)
		}
		want := []EventCount{{"container", "create", 1}, {"image", "tag", 2}, {"image", "untag", 1}}
		if diff := cmp.Diff(l.inv.View().Events, want); diff != "" {
			t.Error(diff)
		}
	}
}

func TestInventory_imageEventStorm(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	e.SetFault("/images/json", fakeengine.Fault{Delay: 30 * time.Millisecond})
	l := follow(t, e, Options{}, fast())
	l.await(t, "up", func(v *View) bool { return v.Up && v.Containers[0].ImageKnown })
	lists, began := l.Requests("/images/json"), time.Now()
	for n := range 500 {
		l.Tag("eng-bb:latest", imageID(fmt.Sprint(n%10)))
	}
	l.Tag("eng-bb:latest", imageID("f"))
	l.Create("last", "eng-bb:latest")
	l.awaitContainer(t, "last", "known", func(c *Container) bool { return c.ImageKnown && !c.ImageStale })
	// Each list has the next one wait for imagesPace times as long as it took.
	most := int(time.Since(began)/(imagesPace*30*time.Millisecond)) + 2
	if got := l.Requests("/images/json") - lists; got > most {
		t.Errorf("%d lists for 501 events, want at most %d", got, most)
	}
}

// TestInventory_imagesFail: without the images, all else is as it should be, and they are not asked for again and again.
func TestInventory_imagesFail(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fakeengine.Fault{
		"403": {Status: 403, Body: `{"message":"not by this proxy"}`}, "500": {Status: 500}, "hangs": {Hang: true}, "half": {HalfJSON: true}, "endless": {Endless: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fakeengine.ForTest(t, fakeengine.Options{})
			e.SetFault("/images/json", fault)
			l := follow(t, e, Options{Timeout: 300 * time.Millisecond, MaxResponseBytes: 2 << 20}, fast())
			failed := func(v *View) bool {
				errors := l.counter(t, "tallyman_collect_errors_total", map[string]string{"part": "/images/json"})
				return v.Up && (errors > 0) == (name != "403") && (denied(v) == "images") == (name == "403")
			}
			v := l.await(t, "up, with images that failed", failed)
			if len(v.Containers) != 28 || v.Problem != "" {
				t.Errorf("%d containers, problem %q", len(v.Containers), v.Problem)
			}
			for _, c := range v.Containers {
				if c.ImageKnown || c.ImageStale || !c.ImageCreated.IsZero() {
					t.Errorf("%s: known %v, stale %v, made at %v", c.Name, c.ImageKnown, c.ImageStale, c.ImageCreated)
				}
			}
			l.Tag("eng-bb:latest", imageID("b"))
			l.Rename("eng-none", "eng-nothing")
			l.awaitContainer(t, "eng-nothing", "renamed", func(*Container) bool { return true })
			connects := 1 + l.counter(t, "tallyman_engine_reconnects_total", nil) // a busy machine may miss a ping
			if got := l.Requests("/images/json"); float64(got) > connects {
				t.Errorf("asked %d times in %v connections, though it failed", got, connects)
			}
			l.ClearFaults()
			l.DropEvents()
			v = l.await(t, "with images", func(v *View) bool { return v.Up && v.Containers[0].ImageKnown })
			if denied(v) != "" || !find(v, "eng-moved").ImageStale {
				t.Errorf("refused %q, eng-moved %+v", denied(v), find(v, "eng-moved"))
			}
		})
	}
}
