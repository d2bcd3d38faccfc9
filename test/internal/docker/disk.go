package docker

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// DiskUsage is the part of GET /system/df that "docker system df" makes its table of, in the newest version that the engine speaks
// (https://docs.docker.com/reference/api/engine/version/v1.51/#tag/System/operation/SystemDataUsage).
type DiskUsage struct {
	LayersSize float64
	Images     []DiskImage
	Containers []DiskContainer
	Volumes    []DiskVolume
	BuildCache []DiskCache
	// ImageUsage is what engines from 29 on count themselves.
	ImageUsage *struct{ Reclaimable float64 }
}

// DiskImage is an image in a DiskUsage.
type DiskImage struct {
	ID                           string `json:"Id"`
	RepoTags                     []string
	Size, SharedSize, Containers float64
}

// DiskContainer is a container in a DiskUsage.
type DiskContainer struct {
	ID                 string `json:"Id"`
	Names              []string
	State              string
	SizeRw, SizeRootFs float64
}

// DiskVolume is a volume in a DiskUsage.
type DiskVolume struct {
	Name      string
	UsageData struct{ Size, RefCount float64 }
}

// DiskCache is a record of the build cache in a DiskUsage.
type DiskCache struct {
	ID            string
	Size          float64
	InUse, Shared bool
}

// DiskUsage asks the engine for its disk usage. The lists are in order.
func (e Engine) DiskUsage(t testing.TB) DiskUsage {
	t.Helper()
	var d DiskUsage
	e.get(t, "/system/df", &d)
	slices.SortFunc(d.Images, func(a, b DiskImage) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Containers, func(a, b DiskContainer) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Volumes, func(a, b DiskVolume) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.BuildCache, func(a, b DiskCache) int { return cmp.Compare(a.ID, b.ID) })
	return d
}

// DiskRow is a line of the table of "docker system df" in plain numbers.
type DiskRow struct{ Total, Active, Bytes, Reclaimable float64 }

// Table makes that table as the docker command does, by the names that tallyman gives its lines.
func (d *DiskUsage) Table() map[string]DiskRow {
	images := DiskRow{Total: float64(len(d.Images)), Bytes: d.LayersSize, Reclaimable: d.LayersSize}
	for _, i := range d.Images {
		if i.Containers > 0 {
			images.Active++
			images.Reclaimable -= i.Size - i.SharedSize
		}
	}
	if d.ImageUsage != nil {
		images.Reclaimable = d.ImageUsage.Reclaimable
	}
	containers := DiskRow{Total: float64(len(d.Containers))}
	for _, c := range d.Containers {
		containers.add(slices.Contains([]string{"running", "paused", "restarting"}, c.State), c.SizeRw)
	}
	volumes := DiskRow{Total: float64(len(d.Volumes))}
	for _, v := range d.Volumes {
		volumes.add(v.UsageData.RefCount > 0, max(v.UsageData.Size, 0))
	}
	cache := DiskRow{Total: float64(len(d.BuildCache))}
	for _, c := range d.BuildCache {
		size := c.Size
		if c.Shared {
			size = 0
		}
		cache.add(c.InUse, size)
	}
	return map[string]DiskRow{"images": images, "containers": containers, "volumes": volumes, "build_cache": cache}
}

func (r *DiskRow) add(active bool, bytes float64) {
	r.Bytes += bytes
	if active {
		r.Active++
	} else {
		r.Reclaimable += bytes
	}
}

// DiskLine is what "docker system df" prints of one type.
type DiskLine struct{ Type, TotalCount, Active, Size, Reclaimable string }

// DiskLines is what "docker system df" prints, by the names that tallyman gives the lines.
func (e Engine) DiskLines(t testing.TB) map[string]DiskLine {
	t.Helper()
	names := map[string]string{"Images": "images", "Containers": "containers", "Local Volumes": "volumes", "Build Cache": "build_cache"}
	out := map[string]DiskLine{}
	for text := range strings.Lines(e.Run(t, "system", "df", "--format", "{{json .}}")) {
		var line DiskLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("docker system df: %v in %s", err, text)
		}
		out[names[line.Type]] = line
	}
	return out
}
