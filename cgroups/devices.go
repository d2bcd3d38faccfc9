package cgroups

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxNames bounds the names that are kept; a host has a handful of interface and device names.
	maxNames = 4096
	// devicesEvery is how often an unknown device number may lead to another look at /proc/diskstats.
	devicesEvery = 10 * time.Second
)

// intern gives b as a string, without allocating when it was seen before.
func (r *Reader) intern(b []byte) string {
	if s, ok := r.strings[string(b)]; ok {
		return s
	}
	if len(r.strings) >= maxNames {
		clear(r.strings)
	}
	s := string(b)
	r.strings[s] = s
	return s
}

// hiddenInterface leaves out the loopback and the host's side of containers' interfaces.
func hiddenInterface(name string) bool {
	return name == "lo" || strings.HasPrefix(name, "veth") || strings.HasPrefix(name, "docker")
}

// hides asks once for each name whether an interface is left out.
func (r *Reader) hides(name []byte) bool {
	hidden, ok := r.hidden[string(name)]
	if !ok {
		if len(r.hidden) >= maxNames {
			clear(r.hidden)
		}
		hidden = r.hide(string(name))
		r.hidden[string(name)] = hidden
	}
	return hidden
}

// device gives the path of a block device, and its number where the kernel has no name for it (any more).
func (r *Reader) device(major, minor uint32) string {
	key := [2]uint32{major, minor}
	name, ok := r.devices[key]
	if ok && name != "" {
		return name
	}
	if now := r.now(); now.Sub(r.devicesRead) >= devicesEvery {
		r.devicesRead = now
		r.readDevices()
		name = r.devices[key]
	}
	if name == "" {
		name = DeviceNumber(major, minor)
	}
	return name
}

// readDevices uses a buffer of its own: the caller is parsing what is in the reader's.
func (r *Reader) readDevices() {
	own := Reader{buf: make([]byte, 4096)}
	b, err := own.readPath(filepath.Join(r.root.ProcFS, "diskstats"), true)
	if err != nil {
		return
	}
	clear(r.devices)
	// A line that is no device names none.
	_ = parseDiskstats(b, func(d disk) error {
		if len(r.devices) < maxNames {
			r.devices[[2]uint32{d.major, d.minor}] = "/dev/" + string(d.name)
		}
		return nil
	})
}

// DeviceNumber names a block device of which only the number is known: "254:0".
func DeviceNumber(major, minor uint32) string { return fmt.Sprintf("%d:%d", major, minor) }
