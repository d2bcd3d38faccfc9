package cgroups

import (
	"bytes"
	"math"
)

// sectorBytes is the unit of /proc/diskstats, whatever the sectors of the disk are
// (https://docs.kernel.org/block/stat.html).
const sectorBytes = 512

// disk is a line of /proc/diskstats.
type disk struct {
	major, minor uint32
	name         []byte
	counters     []byte // behind the name
}

// parseDiskstats calls each with every block device of /proc/diskstats (https://docs.kernel.org/admin-guide/iostats.html), a disk before
// its partitions. The error of each concerns that line.
//
//	254       0 vda 103 0 ...
func parseDiskstats(b []byte, each func(disk) error) error {
	l := lines{rest: b}
	for l.next() {
		major, rest := nextField(l.line)
		minor, rest := nextField(rest)
		name, rest := nextField(rest)
		hi, err := number(major)
		lo, err2 := number(minor)
		if err != nil || err2 != nil || len(name) == 0 || hi > math.MaxUint32 || lo > math.MaxUint32 {
			l.fail(errFormat)
			continue
		}
		l.fail(each(disk{major: uint32(hi), minor: uint32(lo), name: name, counters: rest}))
	}
	return l.first
}

// parseHostIO fills the io of the host from /proc/diskstats: of whole disks that were used, as the root's io.stat of cgroup v2 has
// it. What the root cgroup of v1 says is nothing until a cgroup has a limit of io, and goes back when a cgroup below it is removed: the
// kernel sums up those that there are.
func parseHostIO(b []byte, s *Stats, n names) error {
	s.startIO()
	var whole []byte
	return parseDiskstats(b, func(k disk) error {
		if isPartition(k.name, whole) {
			return nil
		}
		whole = k.name
		d := unknownIO(k.major, k.minor)
		err := k.count(&d)
		if err == nil && d.Reads+d.Writes+d.ReadBytes+d.WriteBytes > 0 && len(s.IO) < maxDevices {
			d.Device = n.device(k.major, k.minor)
			s.IO = append(s.IO, d)
		}
		return err
	})
}

// count reads what a disk has done. Discards are there since Linux 4.18.
//
//	reads merged sectors ms writes merged sectors ms now ms ms discards merged sectors ms flushes ms
func (k disk) count(d *IODevice) error {
	columns := [...]struct {
		to  *float64
		per float64
	}{0: {&d.Reads, 1}, 2: {&d.ReadBytes, sectorBytes}, 4: {&d.Writes, 1}, 6: {&d.WriteBytes, sectorBytes}, 13: {&d.DiscardBytes, sectorBytes}}
	const before418 = 11
	rest := k.counters
	for i, c := range columns {
		var field []byte
		field, rest = nextField(rest)
		if len(field) == 0 && i == before418 {
			return nil
		}
		v, err := number(field)
		if err != nil {
			return err
		}
		if c.to != nil {
			*c.to = v * c.per
		}
	}
	return nil
}

// isPartition says whether a device is a partition of the disk whose line comes before, by how the kernel names them: "sda1" of "sda",
// "nvme0n1p1" of "nvme0n1".
func isPartition(name, disk []byte) bool {
	digits, ok := bytes.CutPrefix(name, disk)
	if !ok || len(disk) == 0 {
		return false
	}
	if isDigit(disk[len(disk)-1]) {
		if digits, ok = bytes.CutPrefix(digits, []byte("p")); !ok {
			return false
		}
	}
	for _, c := range digits {
		if !isDigit(c) {
			return false
		}
	}
	return len(digits) > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
