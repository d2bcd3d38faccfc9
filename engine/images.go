package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/distribution/reference"
)

// Bounds of the list of images of one engine.
const (
	maxImages = 100_000
	maxTags   = 200_000
)

// imageList is what one list of images says. It is not changed once made.
type imageList struct {
	created map[string]time.Time // by image id
	owners  map[string]string    // the id of the image that has a tag, by the tag as tagOf spells it
	round   int                  // in which it was asked for; see imageShelf
}

// decodeImages reads the answer of GET /images/json. What has no id or a tag that makes no sense, such as "<none>:<none>", is
// left out.
func decodeImages(r io.Reader) (*imageList, error) {
	l := &imageList{created: map[string]time.Time{}, owners: map[string]string{}}
	err := eachEntry(r, "images", func(raw json.RawMessage) error {
		l.add(raw)
		if len(l.created) > maxImages || len(l.owners) > maxTags {
			return fmt.Errorf("more than %d, or than %d tags: %w", maxImages, maxTags, ErrTooLarge)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// add takes in an entry of the list.
func (l *imageList) add(raw []byte) {
	var w wireImage
	if unmarshal(raw, &w) != nil || w.ID == "" {
		return
	}
	id := clip(w.ID, maxImage)
	l.created[id] = unixTime(w.Created)
	for _, name := range w.RepoTags {
		if tag, ok := tagOf(clip(name, maxImage)); ok && tag != "" {
			l.owners[tag] = id
		}
	}
}

// tagOf spells the tag that a name means in full, as engines compare them: "docker.io/library/busybox:latest" for "busybox".
// It is "" for an id and for a name with a digest, which are of one image for ever. ok = the name makes sense.
func tagOf(name string) (tag string, ok bool) {
	ref, err := reference.ParseAnyReference(name)
	if err != nil {
		return "", false
	}
	named, isNamed := ref.(reference.Named)
	if _, pinned := ref.(reference.Digested); pinned || !isNamed {
		return "", true
	}
	return reference.TagNameOnly(named).String(), true
}

// imageFacts is what the engine's list of images says of the one of a container.
type imageFacts struct {
	created      time.Time
	known, stale bool // as ImageKnown and ImageStale
}

// imageShelf is the latest list of images, and how far it can be trusted. A container that came after the list was asked for
// may be of a tag that moved since: as soon as any event tells of images, such a container waits for the next list.
type imageShelf struct {
	list   *imageList // nil = the engine does not say
	round  int        // counts how often the list was asked for
	events int        // the round in which an event last told of images, or the stream was broken
}

// ask is called before the list of images is asked for; the list that comes is of the round that it returns.
func (s *imageShelf) ask() int {
	s.round++
	return s.round
}

// changed notes that images are not, or may not be, what the list said.
func (s *imageShelf) changed() { s.events = s.round }

// judge says what is known of the image of a container. met is the round in which the container came.
func (s *imageShelf) judge(c *Container, met int, before imageFacts) imageFacts {
	if s.list == nil {
		return imageFacts{}
	}
	out := imageFacts{created: s.list.created[c.ImageID], known: before.known, stale: before.stale}
	if met >= s.list.round && s.events >= s.list.round {
		return out
	}
	tag, ok := tagOf(c.Image)
	owner := cmp.Or(s.list.owners[tag], c.ImageID) // a tag that was removed has not moved
	out.known = ok && strings.HasPrefix(c.ImageID, "sha256:")
	out.stale = out.known && owner != c.ImageID
	return out
}

// imagesListed takes in the list of images; nil = it could not be had.
func (t *tracker) imagesListed(l *imageList) {
	t.images.list = l
	for _, e := range t.entries {
		if e.inspected { // the list of containers may name another image than the user did
			t.judgeImage(e)
		}
	}
}

// judgeImage brings up to date what is known of the image of a container.
func (t *tracker) judgeImage(e *entry) {
	if image := t.images.judge(&e.facts, e.met, e.image); image != e.image {
		e.image = image
		t.dirty[e] = struct{}{}
	}
}

// imagesPace is how many times as long as a list of images took the next one waits: with the containerd store a list is work.
const imagesPace = 20

// imagesWatch is when a session lists the images: at its beginning, with each resync, and soon after events about them.
type imagesWatch struct {
	at       time.Time // when they are due; zero = they are not
	earliest time.Time // not to be asked before
	asking   bool
	again    bool // asked for while a list was under way
	failures int  // in a row
}

// imagesAnswer is the end of one list of images.
type imagesAnswer struct {
	list *imageList
	took time.Duration
	err  error
}

// imagesSoon plans a list of the images. Further events until then are covered by it.
func (s *session) imagesSoon() {
	w := &s.images
	switch {
	case w.asking:
		w.again = true
	case w.at.IsZero():
		w.at = later(time.Now().Add(s.o.ImagesDelay), w.earliest)
	}
}

// startImages asks for the list of images.
func (s *session) startImages(ctx context.Context) {
	s.images.asking, s.images.again = true, false
	round := s.tracker.images.ask()
	s.wait.Go(func() {
		began := time.Now()
		list, err := s.client.images(ctx)
		if err == nil {
			list.round = round
		}
		s.imageLists <- imagesAnswer{list, time.Since(began), err}
	})
}

// imagesListed takes in the list of images. Without one, all else goes on, and it is tried ever more rarely.
func (s *session) imagesListed(a imagesAnswer) error {
	w := &s.images
	now := time.Now()
	w.asking = false
	w.earliest = now.Add(imagesPace * a.took)
	if isWrongVersion(a.err) {
		return a.err
	}
	s.tracker.imagesListed(a.list)
	if a.err == nil || isRefused(a.err) {
		s.touch()
	}
	if a.err == nil {
		w.failures = 0
	} else {
		w.earliest = later(w.earliest, now.Add(min(s.o.Resync, retryList<<min(w.failures, 8))))
		w.failures++
		w.again = true
	}
	if w.again {
		s.imagesSoon()
	}
	return nil
}
