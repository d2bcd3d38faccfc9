package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// DiskKind is what disk space is used for, as `docker system df` tells it apart.
type DiskKind string

// The kinds of disk usage, named as they are served.
const (
	DiskImages     DiskKind = "images"
	DiskContainers DiskKind = "containers"
	DiskVolumes    DiskKind = "volumes"
	DiskBuildCache DiskKind = "build_cache"
)

// DiskKinds lists every DiskKind in the order of `docker system df`.
func DiskKinds() []DiskKind {
	return []DiskKind{DiskImages, DiskContainers, DiskVolumes, DiskBuildCache}
}

// Reasons why a DiskPart is not known although nothing failed.
const (
	DiskNotAsked = "not_asked" // it is too early
	DiskOff      = "off"       // nobody wants it
)

// Disk is what one engine says about its disk usage, immutable and shared. Sizes are bytes, NaN = unknown.
//
// Source: GET /system/df; every number is that of `docker system df`.
type Disk struct {
	// Parts has one entry for each of DiskKinds, in that order, also for those that are not known.
	Parts []DiskPart
	// Containers holds the sizes of each container, by id; nil = not known.
	Containers map[string]ContainerDisk
	// Images are the largest ones, the largest first; OtherImages sums up the rest.
	Images      []ImageDisk
	OtherImages DiskRest
	// Volumes are the largest ones, the largest first; OtherVolumes sums up the rest.
	Volumes      []VolumeDisk
	OtherVolumes DiskRest
	// Refreshed is the end of the latest refresh in which the engine said anything; zero = there was none.
	Refreshed time.Time
	// Took is how long the engine worked on that refresh.
	Took time.Duration
}

// DiskPart is a line of `docker system df`.
type DiskPart struct {
	Kind DiskKind
	// Active is the number of objects in use: images that a container has, containers that run, are paused or restart,
	// volumes that a container has, build cache that a build uses. Inactive is the number of the others. NaN = unknown.
	Active, Inactive float64
	// Bytes is the space that all of them take, Reclaimable that which a prune would free. NaN = unknown.
	Bytes, Reclaimable float64
	// At is when the engine said so; zero = never. It is older than Disk.Refreshed when later attempts failed.
	At time.Time
	// Problem says, for people, why the latest attempt failed, Reason the same in a word; "" = it did not.
	Problem, Reason string
}

// ContainerDisk is the disk usage of a container.
type ContainerDisk struct {
	Writable float64 // SizeRw: what it wrote to its own layer
	Root     float64 // SizeRootFs: its image and its own layer
}

// ImageDisk is the disk usage of an image, layers that it shares with others included.
type ImageDisk struct {
	ID    string // "sha256:..."
	Name  string // the first tag, "<none>" without one
	Bytes float64
}

// VolumeDisk is the disk usage of a volume.
type VolumeDisk struct {
	Name       string
	Bytes      float64 // NaN for drivers that do not tell
	Containers float64 // that have it, in whatever state
}

// DiskRest sums up what is not listed one by one. NaN = unknown, or there is no rest.
type DiskRest struct {
	Count             int
	Bytes, Containers float64
}

// newDisk knows nothing, for a reason.
func newDisk(problem, reason string) *Disk {
	nan := math.NaN()
	d := &Disk{OtherImages: noRest(), OtherVolumes: noRest()}
	for _, kind := range DiskKinds() {
		d.Parts = append(d.Parts, DiskPart{
			Kind: kind, Active: nan, Inactive: nan, Bytes: nan, Reclaimable: nan, Problem: problem, Reason: reason,
		})
	}
	return d
}

func noRest() DiskRest { return DiskRest{Bytes: math.NaN(), Containers: math.NaN()} }

// Part gives the line of one kind.
func (d *Disk) Part(kind DiskKind) DiskPart { return d.Parts[slices.Index(DiskKinds(), kind)] }

// with makes a Disk that has the parts of an answer in place of its own. The largest top images and volumes are listed.
func (d *Disk) with(a *diskAnswer, at time.Time, top int) *Disk {
	next := *d
	next.Parts = slices.Clone(d.Parts)
	for i, kind := range DiskKinds() {
		part, ok := a.parts[kind]
		if !ok {
			continue
		}
		part.Kind, part.At = kind, at
		next.Parts[i] = part
		switch kind {
		case DiskContainers:
			next.Containers = a.containers
		case DiskImages:
			next.Images, next.OtherImages = largestImages(a.images, top)
		case DiskVolumes:
			next.Volumes, next.OtherVolumes = largestVolumes(a.volumes, top)
		}
	}
	return &next
}

// without makes a Disk that says why the newest numbers of some kinds are missing.
func (d *Disk) without(kinds []DiskKind, problem, reason string) *Disk {
	next := *d
	next.Parts = slices.Clone(d.Parts)
	for i := range next.Parts {
		if slices.Contains(kinds, next.Parts[i].Kind) {
			next.Parts[i].Problem, next.Parts[i].Reason = problem, reason
		}
	}
	return &next
}

func largestImages(all map[string]ImageDisk, top int) ([]ImageDisk, DiskRest) {
	images := slices.SortedFunc(maps.Values(all), func(a, b ImageDisk) int {
		return cmp.Or(largerFirst(a.Bytes, b.Bytes), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	listed := min(len(images), top)
	rest := noRest()
	for _, image := range images[listed:] {
		rest = rest.With(image.Bytes, math.NaN())
	}
	return slices.Clone(images[:listed]), rest // a clone, which does not keep the rest in memory
}

func largestVolumes(all map[string]VolumeDisk, top int) ([]VolumeDisk, DiskRest) {
	volumes := slices.SortedFunc(maps.Values(all), func(a, b VolumeDisk) int {
		return cmp.Or(largerFirst(a.Bytes, b.Bytes), cmp.Compare(a.Name, b.Name))
	})
	listed := min(len(volumes), top)
	rest := noRest()
	for _, volume := range volumes[listed:] {
		rest = rest.With(volume.Bytes, volume.Containers)
	}
	return slices.Clone(volumes[:listed]), rest
}

// largerFirst orders sizes; unknown ones come last, as NaN is less than any number to cmp.
func largerFirst(a, b float64) int { return cmp.Compare(b, a) }

// With is the rest with one more object in it.
func (r DiskRest) With(bytes, containers float64) DiskRest {
	return DiskRest{Count: r.Count + 1, Bytes: plus(r.Bytes, bytes), Containers: plus(r.Containers, containers)}
}

// plus adds up what is known.
func plus(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return a + b
}
