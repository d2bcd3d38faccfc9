package metrics

import (
	"strconv"

	"tallyman/cgroups"
)

// ioFamilies are the rows of the cgroup's own io, never that of the whole disk; the host's is that of all its disks.
func ioFamilies() []Family {
	return []Family{
		perDevice("container_fs_reads_total",
			"Reads from a device, from blkio.throttle.io_serviced_recursive or io.stat rios; of the host, from /proc/diskstats.",
			func(d *cgroups.IODevice) float64 { return d.Reads }),
		perDevice("container_fs_writes_total",
			"Writes to a device, from blkio.throttle.io_serviced_recursive or io.stat wios; of the host, from /proc/diskstats.",
			func(d *cgroups.IODevice) float64 { return d.Writes }),
		perDevice("container_fs_reads_bytes_total",
			"Bytes read from a device, from blkio.throttle.io_service_bytes_recursive or io.stat rbytes; of the host, from /proc/diskstats.",
			func(d *cgroups.IODevice) float64 { return d.ReadBytes }),
		perDevice("container_fs_writes_bytes_total",
			"Bytes written to a device, from blkio.throttle.io_service_bytes_recursive or io.stat wbytes; of the host, from /proc/diskstats.",
			func(d *cgroups.IODevice) float64 { return d.WriteBytes }),
		perDevice("container_fs_discards_bytes_total",
			"Bytes discarded on a device, from blkio.throttle.io_service_bytes_recursive or io.stat dbytes; of the host, from /proc/diskstats.",
			func(d *cgroups.IODevice) float64 { return d.DiscardBytes }),
	}
}

// perDevice gives a counter with one sample for each device of a container.
func perDevice(name, help string, value func(*cgroups.IODevice) float64) Family {
	return Family{
		Name: name, Help: help, Type: Counter, Group: GroupIO, Labels: []string{"device"},
		Each: func(c *container, yield func(Sample)) {
			for i := range c.Stats.IO {
				d := &c.Stats.IO[i]
				yield(labelled(value(d), d.Device))
			}
		},
	}
}

// blkioFamilies are the rows that say the same as ioFamilies in cAdvisor's other shape.
func blkioFamilies() []Family {
	spell := speller()
	return []Family{{
		Name: "container_blkio_device_usage_total", Type: Counter, Group: GroupBlkio,
		Labels: []string{"device", "major", "minor", "operation"},
		Help:   "Bytes moved, by device and operation, from blkio.throttle.io_service_bytes_recursive or io.stat; of the host, from /proc/diskstats.",
		Each: func(c *container, yield func(Sample)) {
			for i := range c.Stats.IO {
				d := &c.Stats.IO[i]
				major, minor := spell(d.Major), spell(d.Minor)
				yield(labelled(d.ReadBytes, d.Device, major, minor, "Read"))
				yield(labelled(d.WriteBytes, d.Device, major, minor, "Write"))
				yield(labelled(d.DiscardBytes, d.Device, major, minor, "Discard"))
			}
		},
	}}
}

// speller gives a function that spells device numbers. Those up to 511, which covers all major numbers of today's
// kernels and most minor ones, are spelt beforehand so that a scrape does not allocate for them.
func speller() func(uint32) string {
	spelt := make([]string, 512)
	for i := range spelt {
		spelt[i] = strconv.Itoa(i)
	}
	return func(n uint32) string {
		if int64(n) < int64(len(spelt)) {
			return spelt[n]
		}
		return strconv.FormatUint(uint64(n), 10)
	}
}
