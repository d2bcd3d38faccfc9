package fakeengine

import (
	"net/url"
	"slices"
)

// diskTypes are the words of the parameter "type" of /system/df, with the fields that answer it: those of all API versions,
// and the one of 1.52 and newer.
var diskTypes = []struct {
	name  string
	old   []string
	usage string
}{
	{"container", []string{"Containers"}, "ContainerUsage"},
	{"image", []string{"Images", "LayersSize"}, "ImageUsage"},
	{"volume", []string{"Volumes"}, "VolumeUsage"},
	{"build-cache", []string{"BuildCache", "BuilderSize"}, "BuildCacheUsage"},
}

// UpdateDisk changes anything in the answer to /system/df. It is the recorded one, which does not follow the containers.
func (e *Engine) UpdateDisk(change func(df map[string]any)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e.disk)
}

// diskUsage renders /system/df as the engine does for an API version: before 1.42 always all, before 1.52 with null for what
// was not asked for, since then without it and, with verbose, without the old fields.
func (e *Engine) diskUsage(version string, query url.Values) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	byType, usage := !less(version, "1.42"), !less(version, "1.52")
	out := map[string]any{}
	for _, t := range diskTypes {
		asked := !byType || len(query["type"]) == 0 || slices.Contains(query["type"], t.name)
		for _, field := range t.old {
			value, ok := e.disk[field]
			switch {
			case !ok, usage && (!asked || query.Get("verbose") != ""):
			case asked:
				out[field] = value
			case field == "LayersSize":
				out[field] = 0
			default:
				out[field] = nil
			}
		}
		if value, ok := e.disk[t.usage]; ok && usage && asked {
			out[t.usage] = value
		}
	}
	return encode(out)
}
