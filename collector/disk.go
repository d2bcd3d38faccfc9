package collector

import (
	"errors"
	"io/fs"
	"math"

	"tallyman/cgroups"
	"tallyman/engine"
)

const notMounted = "not_mounted"

// unknownDisk is that of the host and of slices.
func unknownDisk() Disk { return Disk{Writable: math.NaN(), Root: math.NaN(), Log: math.NaN()} }

// readDisk tells what a container takes on disk, by its engine's latest disk usage and by the files of its log.
func (c *Collector) readDisk(f *engine.Container, e *EngineStatus) Disk {
	d := unknownDisk()
	if e.Disk != nil {
		if known, ok := e.Disk.Containers[f.ID]; ok {
			d.Writable, d.Root = known.Writable, known.Root
		}
	}
	if c.opts.Logs == nil || f.LogPath == "" {
		return d
	}
	size, err := c.opts.Logs.Size(f.ID, f.LogPath)
	if err == nil {
		d.Log = size
	}
	if err == nil || e.logs.Name == "" { // one that is seen is enough: another may have been removed
		e.logs = logCapability(err)
	}
	return d
}

// judgeLogs says whether logs can be seen. What this collection did not look for is as it was.
func (e *followed) judgeLogs() {
	if e.status.logs.Name != "" {
		e.logs = e.status.logs
	}
	if e.logs.Name == "" || e.logs.Reason == notMounted && !e.local {
		return // no container has a log, or all are on another host
	}
	e.status.Capabilities = append(e.status.Capabilities, e.logs)
}

// logCapability says whether logs can be seen.
func logCapability(err error) cgroups.Capability {
	k := cgroups.Capability{Name: logSize}
	switch {
	case err == nil:
		return k
	case errors.Is(err, fs.ErrNotExist):
		k.Reason = notMounted
		k.Help = "no log of a container is where its engine says: mount the host's /var/lib/docker/containers, or where else the engine keeps its data, at the same place below --path.rootfs"
	case errors.Is(err, fs.ErrPermission):
		k.Reason = "permission"
		k.Help = "the folders of the containers' logs are closed to this user: run tallyman as root, which needs no capability for it"
	default:
		k.Reason, k.Help = "io", err.Error()
	}
	return k
}

// diskCapability says whether an engine tells its disk usage; false while that is not known, or not wanted.
func diskCapability(d *engine.Disk) (cgroups.Capability, bool) {
	k := cgroups.Capability{Name: "disk_usage"}
	for _, p := range d.Parts {
		switch p.Reason {
		case "":
		case engine.DiskOff, engine.DiskNotAsked:
			return k, false
		default:
			k.Reason, k.Help = p.Reason, p.Problem
			return k, true
		}
	}
	return k, true
}
