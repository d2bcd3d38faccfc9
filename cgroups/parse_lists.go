package cgroups

import (
	"bytes"
	"math"
)

// maxProcessors bounds what is read of cpuacct.usage_percpu: no kernel is built for more.
const maxProcessors = 8192

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

// parseUsagePerCPU reads cpuacct.usage_percpu of cgroup v1: nanoseconds, for each processor that the kernel could have. The
// numbers belong together: when one cannot be understood, none is given
// (https://docs.kernel.org/admin-guide/cgroup-v1/cpuacct.html).
//
//	691140385614 842646214464
func parseUsagePerCPU(b []byte, s *Stats) error {
	s.PerCPU = s.PerCPU[:0]
	line, _ := firstLine(b)
	for rest := line; ; {
		var field []byte
		if field, rest = nextField(rest); len(field) == 0 {
			break
		}
		nanoseconds, err := number(field)
		if err == nil && len(s.PerCPU) >= maxProcessors {
			err = errFormat
		}
		if err != nil {
			s.PerCPU = nil
			return parseError(1, line, err)
		}
		s.PerCPU = append(s.PerCPU, nanoseconds/1e9)
	}
	if len(s.PerCPU) == 0 {
		s.PerCPU = nil
		return parseError(1, line, errEmpty)
	}
	return nil
}

// maxNodes bounds the NUMA nodes of a cgroup: no kernel is built for more.
const maxNodes = 1024

// numaKey says where a line of memory.numa_stat goes.
type numaKey func(*NUMANode) *float64

// parseNUMAStat reads memory.numa_stat of cgroup v1, in pages
// (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#numa-stat), which has a sum behind the key, and that of v2, in bytes
// (https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files), which has none. per is the file's unit in one page.
//
//	total=5498 N0=5498
//	hierarchical_total=657831 N0=657831
//	anon N0=4096 N1=0
func parseNUMAStat(b []byte, keys map[string]numaKey, per float64, s *Stats) error {
	s.NUMA = s.NUMA[:0]
	l := lines{rest: b}
	for l.next() {
		name, rest := nextField(l.line)
		if i := bytes.IndexByte(name, '='); i >= 0 {
			name = name[:i]
		}
		key, ok := keys[string(name)]
		if !ok {
			continue
		}
		for {
			var pair []byte
			if pair, rest = nextField(rest); len(pair) == 0 {
				break
			}
			node, v, err := numaPair(pair)
			if err != nil {
				l.fail(err)
				continue
			}
			if n := s.numaNode(node); n != nil {
				*key(n) = v / per
			}
		}
	}
	return l.first
}

// numaPair reads "N0=5498".
func numaPair(pair []byte) (node uint32, v float64, err error) {
	i := bytes.IndexByte(pair, '=')
	if i < 2 || pair[0] != 'N' {
		return 0, 0, errFormat
	}
	n, err := number(pair[1:i])
	if err != nil || n > math.MaxUint32 {
		return 0, 0, errFormat
	}
	v, err = number(pair[i+1:])
	return uint32(n), v, err
}

// numaNode gives the entry of a node, a new one when there is none yet, and nil when there are too many.
func (s *Stats) numaNode(node uint32) *NUMANode {
	for i := range s.NUMA {
		if s.NUMA[i].Node == node {
			return &s.NUMA[i]
		}
	}
	if len(s.NUMA) >= maxNodes {
		return nil
	}
	nan := math.NaN()
	unknown := NUMAPages{nan, nan, nan}
	s.NUMA = append(s.NUMA, NUMANode{Node: node, Own: unknown, Subtree: unknown})
	return &s.NUMA[len(s.NUMA)-1]
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
