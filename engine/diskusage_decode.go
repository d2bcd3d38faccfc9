package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxDiskObjects bounds each list of a disk usage.
const maxDiskObjects = 100_000

// diskAnswer is what one answer of GET /system/df says. What it does not speak of is not in parts.
type diskAnswer struct {
	parts      map[DiskKind]DiskPart
	containers map[string]ContainerDisk
	images     map[string]ImageDisk  // by id
	volumes    map[string]VolumeDisk // by name
	layers     amount                // LayersSize
	totals     map[DiskKind]wireDisk // what the engine itself counted
}

// amount is a number of the engine's that may be unknown: -1, null and what is no number at all become NaN. A field that
// the engine leaves out keeps what was there before.
type amount float64

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (a *amount) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	if err != nil || f < 0 || f > math.MaxInt64 {
		f = math.NaN()
	}
	*a = amount(f)
	return nil
}

// orZero is the amount as sums take it.
func (a amount) orZero() float64 {
	if math.IsNaN(float64(a)) {
		return 0
	}
	return float64(a)
}

// unknown is what a field is before anything is read, where leaving it out does not mean 0.
func unknown() amount { return amount(math.NaN()) }

type (
	// wireDisk is what ImageUsage and its likes say beside the list of items. What is 0 is left out there.
	wireDisk struct {
		ActiveCount, TotalCount, TotalSize, Reclaimable number
	}
	wireDiskImage struct {
		ID                           string `json:"Id"`
		RepoTags                     []string
		Size, SharedSize, Containers amount
	}
	wireDiskContainer struct {
		ID                 string `json:"Id"`
		State              string
		SizeRw, SizeRootFs amount // left out when 0
	}
	wireDiskVolume struct {
		Name      string
		UsageData struct{ Size, RefCount amount }
	}
	wireDiskCache struct {
		Size          amount
		InUse, Shared bool
	}
)

// has says whether the answer spoke of a kind.
func (a *diskAnswer) has(kind DiskKind) bool {
	_, ok := a.parts[kind]
	return ok
}

// decodeDisk reads an answer of GET /system/df item by item, as it may be large. asked are the kinds that the question was
// about: a list of theirs that is null is an empty one, one of another kind was not made. JSON that breaks off makes the
// whole answer an error.
func decodeDisk(r io.Reader, asked []DiskKind) (*diskAnswer, error) {
	a := &diskAnswer{parts: map[DiskKind]DiskPart{}, totals: map[DiskKind]wireDisk{}, layers: unknown()}
	d := json.NewDecoder(r)
	_, err := eachField(d, func(key string) error {
		switch key {
		case "LayersSize":
			return decodeInto(d, &a.layers)
		case "Images", "ImageUsage":
			return a.kind(d, key, DiskImages, asked)
		case "Containers", "ContainerUsage":
			return a.kind(d, key, DiskContainers, asked)
		case "Volumes", "VolumeUsage":
			return a.kind(d, key, DiskVolumes, asked)
		case "BuildCache", "BuildCacheUsage":
			return a.kind(d, key, DiskBuildCache, asked)
		}
		return skip(d)
	})
	if err != nil {
		return nil, fmt.Errorf("decode disk usage: %w", notJSON(err))
	}
	a.finish()
	return a, nil
}

// kind reads a field about one kind: the list itself or, since API 1.52, an object with the list in Items.
func (a *diskAnswer) kind(d *json.Decoder, key string, kind DiskKind, asked []DiskKind) error {
	if !strings.HasSuffix(key, "Usage") {
		return a.list(d, kind, slices.Contains(asked, kind))
	}
	var w wireDisk
	found, err := eachField(d, func(key string) error {
		switch key {
		case "ActiveCount":
			return decodeInto(d, &w.ActiveCount)
		case "TotalCount":
			return decodeInto(d, &w.TotalCount)
		case "TotalSize":
			return decodeInto(d, &w.TotalSize)
		case "Reclaimable":
			return decodeInto(d, &w.Reclaimable)
		case "Items":
			return a.list(d, kind, false)
		}
		return skip(d)
	})
	if found {
		a.totals[kind] = w
	}
	return err
}

// list reads the list of one kind. It may come a second time, with the same items: engine 29 sends two forms of it.
func (a *diskAnswer) list(d *json.Decoder, kind DiskKind, nullIsEmpty bool) error {
	var (
		part  DiskPart
		found bool
		err   error
	)
	switch kind {
	case DiskImages:
		a.images = map[string]ImageDisk{}
		blank := wireDiskImage{Size: unknown(), SharedSize: unknown(), Containers: unknown()}
		found, err = eachItem(d, blank, func(w wireDiskImage) { a.image(w, &part) })
	case DiskContainers:
		a.containers = map[string]ContainerDisk{}
		found, err = eachItem(d, wireDiskContainer{}, func(w wireDiskContainer) { a.container(w, &part) })
	case DiskVolumes:
		a.volumes = map[string]VolumeDisk{}
		var blank wireDiskVolume
		blank.UsageData.Size, blank.UsageData.RefCount = unknown(), unknown()
		found, err = eachItem(d, blank, func(w wireDiskVolume) { a.volume(w, &part) })
	case DiskBuildCache:
		found, err = eachItem(d, wireDiskCache{}, func(w wireDiskCache) { w.count(&part) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if found || nullIsEmpty {
		a.parts[kind] = part
	}
	return nil
}

// image takes in an image. What others share is never freed by removing it, so Reclaimable is, until finish, what images
// in use have for themselves. Like the command line, an image of which it is not known counts as used.
func (a *diskAnswer) image(w wireDiskImage, part *DiskPart) {
	part.count(w.Containers > 0)
	if w.Containers != 0 && !math.IsNaN(float64(w.Size-w.SharedSize)) {
		part.Reclaimable += float64(w.Size - w.SharedSize)
	}
	if id := clip(w.ID, maxImage); id != "" {
		a.images[id] = ImageDisk{ID: id, Name: imageName(w.RepoTags), Bytes: float64(w.Size)}
	}
}

// imageName is the first tag. Engine 20.10 writes "<none>:<none>" where there is none, newer ones nothing.
func imageName(tags []string) string {
	if len(tags) == 0 || tags[0] == "" || tags[0] == "<none>:<none>" {
		return "<none>"
	}
	return clip(tags[0], maxImage)
}

func (a *diskAnswer) container(w wireDiskContainer, part *DiskPart) {
	active := false
	switch State(w.State) {
	case StateRunning, StatePaused, StateRestarting:
		active = true
	}
	part.count(active)
	part.Bytes += w.SizeRw.orZero()
	if !active {
		part.Reclaimable += w.SizeRw.orZero()
	}
	if isID(w.ID) {
		a.containers[w.ID] = ContainerDisk{Writable: float64(w.SizeRw), Root: float64(w.SizeRootFs)}
	}
}

func (a *diskAnswer) volume(w wireDiskVolume, part *DiskPart) {
	part.count(w.UsageData.RefCount > 0)
	part.Bytes += w.UsageData.Size.orZero()
	if w.UsageData.RefCount == 0 {
		part.Reclaimable += w.UsageData.Size.orZero()
	}
	if name := clip(w.Name, maxName); name != "" {
		a.volumes[name] = VolumeDisk{Name: name, Bytes: float64(w.UsageData.Size), Containers: float64(w.UsageData.RefCount)}
	}
}

// count takes in a record of the build cache. What it shares with images is counted there.
func (w wireDiskCache) count(part *DiskPart) {
	part.count(w.InUse)
	if w.Shared {
		return
	}
	part.Bytes += w.Size.orZero()
	if !w.InUse {
		part.Reclaimable += w.Size.orZero()
	}
}

func (p *DiskPart) count(active bool) {
	if active {
		p.Active++
	} else {
		p.Inactive++
	}
}

// finish makes the sums. What the engine itself counted goes before what the command line would make of the lists: they
// differ, since engine 29 counts as reclaimable only what images without a container do not share.
func (a *diskAnswer) finish() {
	if images, ok := a.parts[DiskImages]; ok {
		images.Bytes = float64(a.layers)
		images.Reclaimable = images.Bytes - images.Reclaimable
		a.parts[DiskImages] = images
	}
	for kind, w := range a.totals {
		a.parts[kind] = DiskPart{
			Active: float64(max(w.ActiveCount, 0)), Inactive: float64(max(w.TotalCount-w.ActiveCount, 0)),
			Bytes: float64(w.TotalSize), Reclaimable: float64(w.Reclaimable),
		}
	}
}

// eachField calls read for each field of the object that comes next; read must take the value. found is false for null.
func eachField(d *json.Decoder, read func(key string) error) (found bool, err error) {
	if found, err = begin(d, '{'); !found {
		return found, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return true, err
		}
		name, _ := key.(string)
		if err := read(name); err != nil {
			return true, err
		}
	}
	_, err = d.Token()
	return true, err
}

// eachItem calls take for each item of the list that comes next, read into a copy of blank. found is false for null.
func eachItem[T any](d *json.Decoder, blank T, take func(T)) (found bool, err error) {
	if found, err = begin(d, '['); !found {
		return found, err
	}
	for n := 1; d.More(); n++ {
		item := blank
		if err := decodeInto(d, &item); err != nil {
			return true, err
		}
		if n > maxDiskObjects {
			return true, fmt.Errorf("more than %d: %w", maxDiskObjects, ErrTooLarge)
		}
		take(item)
	}
	_, err = d.Token()
	return true, err
}

// begin takes the beginning of an object or a list. It says false for null in place of it.
func begin(d *json.Decoder, want json.Delim) (bool, error) {
	got, err := d.Token()
	if err != nil || got == nil {
		return false, err
	}
	if got != want {
		return false, fmt.Errorf("begins with %.20v in place of %v: %w", got, want, errMalformed)
	}
	return true, nil
}

// decodeInto reads the next value as far as the types agree; see unmarshal.
func decodeInto(d *json.Decoder, into any) error {
	err := d.Decode(into)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

func skip(d *json.Decoder) error {
	var ignored json.RawMessage
	return d.Decode(&ignored)
}
