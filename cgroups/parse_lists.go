package cgroups

import (
	"bytes"
	"math"
)

// maxDevices bounds the block devices and the interfaces of one cgroup, and so its series.
const maxDevices = 1024

// names gives a kernel name as a string without allocating for names seen before, and device names for device numbers.
type names interface {
	intern(b []byte) string
	device(major, minor uint32) string
}

// parseIOStat reads io.stat of cgroup v2 (https://docs.kernel.org/admin-guide/cgroup-v2.html#io-interface-files). Devices
// without a number (a line of the device alone) were not used.
//
//	254:0 rbytes=1048576 wbytes=0 rios=3 wios=0 dbytes=0 dios=0
func parseIOStat(b []byte, s *Stats, n names) error {
	s.startIO()
	l := lines{rest: b}
	for l.next() {
		field, rest := nextField(l.line)
		major, minor, ok := deviceNumber(field)
		if !ok {
			if len(field) > 0 && string(field) != "(unknown)" {
				l.fail(errFormat)
			}
			continue
		}
		d := unknownIO(major, minor)
		l.fail(parseIOPairs(rest, &d))
		if wasUsed(&d) && len(s.IO) < maxDevices {
			d.Device = n.device(major, minor)
			s.IO = append(s.IO, d)
		}
	}
	return l.first
}

// parseIOPairs reads the key=value pairs behind a device of io.stat.
func parseIOPairs(b []byte, d *IODevice) error {
	var first error
	for {
		var pair []byte
		pair, b = nextField(b)
		if len(pair) == 0 {
			return first
		}
		i := bytes.IndexByte(pair, '=')
		if i < 0 {
			continue
		}
		var v *float64
		switch string(pair[:i]) {
		case "rbytes":
			v = &d.ReadBytes
		case "wbytes":
			v = &d.WriteBytes
		case "rios":
			v = &d.Reads
		case "wios":
			v = &d.Writes
		case "dbytes":
			v = &d.DiscardBytes
		default:
			continue
		}
		x, err := number(pair[i+1:])
		if err != nil && first == nil {
			first = err
		}
		*v = x
	}
}

// parseBlkioBytes reads blkio.throttle.io_service_bytes_recursive of cgroup v1
// (https://docs.kernel.org/admin-guide/cgroup-v1/blkio-controller.html).
//
//	254:0 Read 1048576
//	254:0 Write 0
//	Total 1048576
func parseBlkioBytes(b []byte, s *Stats, n names) error {
	return parseBlkio(b, s, n, func(d *IODevice, op []byte) *float64 {
		switch string(op) {
		case "Read":
			return &d.ReadBytes
		case "Write":
			return &d.WriteBytes
		case "Discard":
			return &d.DiscardBytes
		}
		return nil
	})
}

// parseBlkioOperations reads blkio.throttle.io_serviced_recursive of cgroup v1: as parseBlkioBytes, in operations.
func parseBlkioOperations(b []byte, s *Stats, n names) error {
	return parseBlkio(b, s, n, func(d *IODevice, op []byte) *float64 {
		switch string(op) {
		case "Read":
			return &d.Reads
		case "Write":
			return &d.Writes
		}
		return nil
	})
}

func parseBlkio(b []byte, s *Stats, n names, field func(*IODevice, []byte) *float64) error {
	s.startIO()
	l := lines{rest: b}
	for l.next() {
		dev, rest := nextField(l.line)
		major, minor, ok := deviceNumber(dev)
		if !ok {
			if len(dev) > 0 && string(dev) != "Total" {
				l.fail(errFormat)
			}
			continue
		}
		op, rest := nextField(rest)
		value, _ := nextField(rest)
		d := s.ioDevice(major, minor, n)
		if d == nil {
			break
		}
		v := field(d, op)
		if v == nil {
			continue
		}
		x, err := number(value)
		l.fail(err)
		*v = x
	}
	return l.first
}

// startIO makes an empty list of an unknown one: the kernel has answered.
func (s *Stats) startIO() {
	if s.IO == nil {
		s.IO = []IODevice{}
	}
}

// ioDevice gives the entry of a device, a new one when there is none yet, and nil when there are too many.
func (s *Stats) ioDevice(major, minor uint32, n names) *IODevice {
	for i := range s.IO {
		if s.IO[i].Major == major && s.IO[i].Minor == minor {
			return &s.IO[i]
		}
	}
	if len(s.IO) >= maxDevices {
		return nil
	}
	d := unknownIO(major, minor)
	d.Device = n.device(major, minor)
	s.IO = append(s.IO, d)
	return &s.IO[len(s.IO)-1]
}

func unknownIO(major, minor uint32) IODevice {
	nan := math.NaN()
	return IODevice{Major: major, Minor: minor, Reads: nan, Writes: nan, ReadBytes: nan, WriteBytes: nan, DiscardBytes: nan}
}

func wasUsed(d *IODevice) bool {
	return d.Reads >= 0 || d.Writes >= 0 || d.ReadBytes >= 0 || d.WriteBytes >= 0 || d.DiscardBytes >= 0
}

// deviceNumber reads "254:0".
func deviceNumber(b []byte) (major, minor uint32, ok bool) {
	before, after, found := bytes.Cut(b, []byte{':'})
	if !found {
		return 0, 0, false
	}
	hi, err := number(before)
	lo, err2 := number(after)
	if err != nil || err2 != nil || hi > math.MaxUint32 || lo > math.MaxUint32 {
		return 0, 0, false
	}
	return uint32(hi), uint32(lo), true
}

// netDevColumns is the number of counters behind an interface in /proc/<pid>/net/dev.
const netDevColumns = 16

// parseNetDev reads /proc/<pid>/net/dev; the two lines of headings have no colon before their first bar. Interfaces that
// skip names are left out.
//
//	eth0:    1182      13    0    0    0     0          0         0        0       0    0    0    0     0       0          0
func parseNetDev(b []byte, s *Stats, n names, skip func([]byte) bool) error {
	s.Network = []Interface{}
	l := lines{rest: b}
	for l.next() {
		if bytes.IndexByte(l.line, '|') >= 0 {
			continue
		}
		// The name of an alias ("eth0:1") has a colon of its own: the counters begin after the last one.
		i := bytes.LastIndexByte(l.line, ':')
		if i < 0 {
			if len(bytes.TrimSpace(l.line)) > 0 {
				l.fail(errFormat)
			}
			continue
		}
		name := bytes.TrimSpace(l.line[:i])
		if len(name) == 0 || skip(name) || len(s.Network) >= maxDevices {
			continue
		}
		var v [netDevColumns]float64
		if err := parseColumns(l.line[i+1:], &v); err != nil {
			l.fail(err)
			continue
		}
		s.Network = append(s.Network, Interface{
			Name:    n.intern(name),
			RxBytes: v[0], RxPackets: v[1], RxErrors: v[2], RxDropped: v[3],
			TxBytes: v[8], TxPackets: v[9], TxErrors: v[10], TxDropped: v[11],
		})
	}
	return l.first
}

func parseColumns(b []byte, v *[netDevColumns]float64) error {
	for i := range v {
		var field []byte
		field, b = nextField(b)
		if len(field) == 0 {
			return errNoValue
		}
		x, err := number(field)
		if err != nil {
			return err
		}
		v[i] = x
	}
	return nil
}

// parseDiskstats calls each with the number and name of every block device of /proc/diskstats.
//
//	254       0 vda 103 0 ...
func parseDiskstats(b []byte, each func(major, minor uint32, name []byte)) {
	l := lines{rest: b}
	for l.next() {
		major, rest := nextField(l.line)
		minor, rest := nextField(rest)
		name, _ := nextField(rest)
		hi, err := number(major)
		lo, err2 := number(minor)
		if err == nil && err2 == nil && len(name) > 0 && hi <= math.MaxUint32 && lo <= math.MaxUint32 {
			each(uint32(hi), uint32(lo), name)
		}
	}
}
