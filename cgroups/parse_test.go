package cgroups

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// plainNames names without remembering.
type plainNames struct{}

func (plainNames) intern(b []byte) string { return string(b) }

func (plainNames) device(major, minor uint32) string { return fmt.Sprintf("%d:%d", major, minor) }

// parsers lists every parser by the kernel file it is for, with a line of a real one.
func parsers() map[string]struct {
	sample string
	parse  func([]byte, *Stats) error
} {
	out := map[string]struct {
		sample string
		parse  func([]byte, *Stats) error
	}{}
	add := func(name, sample string, parse func([]byte, *Stats) error) {
		out[name] = struct {
			sample string
			parse  func([]byte, *Stats) error
		}{sample, parse}
	}
	add("memory.current", "2768896\n", func(b []byte, s *Stats) error { return parseSingle(b, &s.Memory.Usage) })
	add("pids.max", "max\n", func(b []byte, s *Stats) error { return parseLimit(b, &s.Pids.ThreadsMax) })
	add("memory.stat", "anon 114688\nfile 2097152\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, memoryStatV2(), s) })
	add("memory.stat v1", "rss 1\ntotal_rss 114688\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, memoryStatV1(), s) })
	add("memory.events", "low 0\noom_kill 1\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, memoryEvents(), s) })
	add("memory.swap.events", "high 0\nmax 3\nfail 5\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, swapEvents(), s) })
	add("memory.oom_control", "under_oom 0\noom_kill 0\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, oomControl(), s) })
	add("cpu.stat", "usage_usec 1561294\nnr_periods 5\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, cpuStatV2(), s) })
	add("cpu.stat v1", "nr_periods 153\nthrottled_time 9\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, cpuStatV1(), s) })
	add("cpuacct.stat", "user 144\nsystem 11\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, cpuacctStat(), s) })
	add("cpu.max", "50000 100000\n", func(b []byte, s *Stats) error { return parseCPUMax(b, &s.CPU) })
	add("cpu.weight", "100\n", func(b []byte, s *Stats) error { return parseCPUWeight(b, &s.CPU) })
	add("cpuset.cpus.effective", "0-3,8\n", func(b []byte, s *Stats) error { return parseCPUList(b, &s.CPU.CpusetCores) })
	add("cpu.pressure", "some avg10=3.21 avg60=0.85 avg300=0.19 total=658586\nfull avg10=3.03 avg60=0.77 avg300=0.17 total=615861\n",
		func(b []byte, s *Stats) error { return parsePressure(b, &s.Pressure.CPU) })
	add("cgroup.procs", "4836\n12590\n", func(b []byte, s *Stats) error { return parseProcs(b, &s.Pids.Processes) })
	add("loadavg", "0.20 0.18 0.12 1/80 11206\n", func(b []byte, s *Stats) error { return parseLoadavg(b, s) })
	add("meminfo", "MemTotal:       24660764 kB\nMemFree: 1 kB\n", func(b []byte, s *Stats) error { return hostMemory(b, s, nil) })
	add("io.stat", "254:0 rbytes=1048576 wbytes=0 rios=3 wios=0 dbytes=0 dios=0\n7:1\n",
		func(b []byte, s *Stats) error { return parseIOStat(b, s, plainNames{}) })
	add("blkio.throttle.io_service_bytes", "254:0 Read 1048576\n254:0 Write 0\n254:0 Total 1048576\nTotal 1048576\n",
		func(b []byte, s *Stats) error { return parseBlkioBytes(b, s, plainNames{}) })
	add("blkio.throttle.io_serviced", "254:0 Read 3\n254:0 Write 0\nTotal 3\n",
		func(b []byte, s *Stats) error { return parseBlkioOperations(b, s, plainNames{}) })
	add("diskstats", " 254       0 vda 2298 351 398778 2405 1258 185 24320 2120 0 3620 4763 3 0 8 1 259 237\n"+
		" 254       1 vda1 2290 351 398770 2405 1258 185 24320 2120 0 3620 4763 3 0 8 1 259 237\n   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		func(b []byte, s *Stats) error { return parseHostIO(b, s, plainNames{}) })
	add("cpuacct.usage_percpu", "691140385614 842646214464 \n", func(b []byte, s *Stats) error { return parseUsagePerCPU(b, s) })
	add("memory.numa_stat v1", "total=5498 N0=5498\nfile=434 N0=434\nanon=374 N0=374\nunevictable=4690 N0=4690\n"+
		"hierarchical_total=657831 N0=657831\nhierarchical_file=285976 N0=285976\nhierarchical_anon=367165 N0=367165\nhierarchical_unevictable=4690 N0=4690\n",
		func(b []byte, s *Stats) error { return parseNUMAStat(b, numaStatV1(), 1, s) })
	add("memory.numa_stat", "anon N0=114688 N1=4096\nfile N0=2097152 N1=0\nkernel_stack N0=16384 N1=0\nunevictable N0=0 N1=0\n",
		func(b []byte, s *Stats) error { return parseNUMAStat(b, numaStatV2(), 4096, s) })
	add("limits", "Limit                     Soft Limit           Hard Limit           Units     \n"+
		"Max cpu time              unlimited            unlimited            seconds   \n"+
		"Max open files            20000                20000                files     \n"+
		"Max nice priority         0                    0                    \n",
		func(b []byte, s *Stats) error {
			if s.Process == nil {
				s.Process = &Process{FileDescriptors: unknown(), Sockets: unknown()}
			}
			return parseLimits(b, s.Process)
		})
	add("net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n"+
		"   0: 0100007F:8000 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 117216 1 00000000a1d982ab 100 0 0 10 0                    \n"+
		"   1: 0100007F:8000 0100007F:D2B4 01 00000000:00000000 00:00000000 00000000     0        0 117260 1 00000000b1d982ab 20 4 30 10 -1                   \n"+
		"   2: 0100007F:D2B6 0100007F:8000 06 00000000:00000000 03:00000A5C 00000000     0        0 0 3 0000000000000000                                      \n",
		whole(parseTCPInto))
	add("net/udp", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n"+
		" 3082: 00000000:1F90 00000000:0000 07 00000001:00000300 00:00000000 00000000     0        0 117300 2 00000000d1c9b9a4 5         \n"+
		" 3083: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 117301 2 00000000d1c9b9a5 2         \n",
		whole(parseUDPInto))
	add("hugetlb.2MB.current", "4194304\n", func(b []byte, s *Stats) error { return parseSingle(b, &s.hugePages("2MB").Usage) })
	add("hugetlb.2MB.events", "max 2\n", func(b []byte, s *Stats) error { return parseFlatKeyed(b, hugetlbEvents("2MB"), s) })
	add("net/dev", "Inter-|   Receive |  Transmit\n face |bytes    packets|bytes\n    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n  eth0:    1182      13    1    2    0     0          0         0        7       5    3    4    0     0       0          0\n",
		func(b []byte, s *Stats) error {
			return parseNetDev(b, s, plainNames{}, func(b []byte) bool { return hiddenInterface(string(b)) })
		})
	return out
}

// whole reads a table of sockets as stream does, in one piece.
func whole(parse func(*lines, *Sockets)) func([]byte, *Stats) error {
	return func(b []byte, s *Stats) error {
		s.Sockets = &Sockets{unknownTCP(), unknownTCP(), unknownUDP(), unknownUDP()}
		l := lines{rest: b}
		parse(&l, s.Sockets)
		if err := l.end(); err != nil {
			*s.Sockets = Sockets{unknownTCP(), unknownTCP(), unknownUDP(), unknownUDP()}
			return err
		}
		return nil
	}
}

func parseTCPInto(l *lines, s *Sockets) { parseTCP(l, &s.TCP) }

func parseUDPInto(l *lines, s *Sockets) { parseUDP(l, &s.UDP) }

func parsed(parse func([]byte, *Stats) error, text string) (Stats, error) {
	var s Stats
	s.Reset()
	err := parse([]byte(text), &s)
	return s, err
}

func TestParsers(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	all := parsers()
	for _, tt := range []struct {
		file, text string
		field      func(*Stats) float64
		want       float64
		fails      bool
	}{
		{"memory.current", "2768896\n", func(s *Stats) float64 { return s.Memory.Usage }, 2768896, false},
		{"memory.current", "0\n", func(s *Stats) float64 { return s.Memory.Usage }, 0, false},
		{"memory.current", "9223372036854775808\n", func(s *Stats) float64 { return s.Memory.Usage }, 1 << 63, false},
		{"memory.current", "9223372036854775809\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "18446744073709551615\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "18446744073709551616\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "-1\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "1 2\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"memory.current", "0x10\n", func(s *Stats) float64 { return s.Memory.Usage }, nan, true},
		{"pids.max", "max\n", func(s *Stats) float64 { return s.Pids.ThreadsMax }, nan, false},
		{"pids.max", "100\n", func(s *Stats) float64 { return s.Pids.ThreadsMax }, 100, false},
		{"pids.max", "9223372036854771712\n", func(s *Stats) float64 { return s.Pids.ThreadsMax }, nan, false},
		{"pids.max", "9223372036854710272\n", func(s *Stats) float64 { return s.Pids.ThreadsMax }, nan, false}, // pages of 64 KiB
		{"pids.max", "-1\n", func(s *Stats) float64 { return s.Pids.ThreadsMax }, nan, false},
		{"memory.stat", "file 5\nanon x\nnew_key 9\nkernel 7", func(s *Stats) float64 { return s.Memory.Kernel }, 7, true},
		{"memory.stat", "file 5\nanon x\n", func(s *Stats) float64 { return s.Memory.RSS }, nan, true},
		{"memory.stat", "anon 18446744073709547520\nfile 1\n", func(s *Stats) float64 { return s.Memory.RSS }, nan, true},
		{"memory.stat", "", func(s *Stats) float64 { return s.Memory.RSS }, nan, true},
		{"cpu.pressure", "", func(s *Stats) float64 { return s.Pressure.CPU.Some }, nan, true},
		{"memory.stat", "anon\n", func(s *Stats) float64 { return s.Memory.RSS }, nan, true},
		{"memory.stat", "anon 5 6\n", func(s *Stats) float64 { return s.Memory.RSS }, nan, true},
		{"memory.stat", "pgfault 1\nanon 5\nfile 2", func(s *Stats) float64 { return s.Memory.RSS }, 5, false},
		{"memory.swap.events", "high 0\nmax 3\nfail 5\n", func(s *Stats) float64 { return s.Memory.SwapEvents.Fail }, 5, false},
		{"memory.swap.events", "high 0\nmax 3\nfail 5\n", func(s *Stats) float64 { return s.Memory.SwapEvents.High }, 0, false},
		{"cpu.stat", "usage_usec 1500000\n", func(s *Stats) float64 { return s.CPU.Usage }, 1.5, false},
		{"cpu.stat v1", "throttled_time 1500000000\n", func(s *Stats) float64 { return s.CPU.Throttled }, 1.5, false},
		{"cpuacct.stat", "user 150\n", func(s *Stats) float64 { return s.CPU.User }, 1.5, false},
		{"cpu.max", "max 100000\n", func(s *Stats) float64 { return s.CPU.QuotaMicros }, nan, false},
		{"cpu.max", "max 100000\n", func(s *Stats) float64 { return s.CPU.PeriodMicros }, 100000, false},
		{"cpu.max", "50000\n", func(s *Stats) float64 { return s.CPU.QuotaMicros }, nan, true},
		{"cpu.weight", "1\n", func(s *Stats) float64 { return s.CPU.Shares }, 2, false},
		{"cpu.weight", "100\n", func(s *Stats) float64 { return s.CPU.Shares }, 1024, false},
		{"cpu.weight", "10000\n", func(s *Stats) float64 { return s.CPU.Shares }, 262144, false},
		{"cpu.weight", "0\n", func(s *Stats) float64 { return s.CPU.Shares }, nan, false},
		{"cpuset.cpus.effective", "0-3,8\n", func(s *Stats) float64 { return s.CPU.CpusetCores }, 5, false},
		{"cpuset.cpus.effective", "\n", func(s *Stats) float64 { return s.CPU.CpusetCores }, nan, false},
		{"cpuset.cpus.effective", "3-1\n", func(s *Stats) float64 { return s.CPU.CpusetCores }, nan, true},
		{"cpu.pressure", "some avg10=0.00 total=1500000\n", func(s *Stats) float64 { return s.Pressure.CPU.Some }, 1.5, false},
		{"cpu.pressure", "some avg10=0.00 total=1500000\n", func(s *Stats) float64 { return s.Pressure.CPU.Full }, nan, false},
		{"cpu.pressure", "some avg10=0.00\nfull total=1000000\n", func(s *Stats) float64 { return s.Pressure.CPU.Full }, 1, true},
		{"cgroup.procs", "1\n22\n333\n", func(s *Stats) float64 { return s.Pids.Processes }, 3, false},
		{"cgroup.procs", "", func(s *Stats) float64 { return s.Pids.Processes }, 0, false},
		{"cgroup.procs", "1\nx\n", func(s *Stats) float64 { return s.Pids.Processes }, nan, true},
		{"loadavg", "0.20 0.18 0.12 1/80 11206\n", func(s *Stats) float64 { return s.Pids.Threads }, 80, false},
		{"loadavg", "0.20 13.08 0.12 1/80 11206\n", func(s *Stats) float64 { return s.Load.Five }, 13.08, false},
		{"loadavg", "0.20\n", func(s *Stats) float64 { return s.Pids.Threads }, nan, true},
		{"loadavg", "0.20 0.1 0.12 1/80 11206\n", func(s *Stats) float64 { return s.Pids.Threads }, nan, true},
		{"loadavg", "0.20 -1.00 0.12 1/80 11206\n", func(s *Stats) float64 { return s.Pids.Threads }, nan, true},
		{"meminfo", "MemTotal: 3 kB\nMemFree: 1 kB\n", func(s *Stats) float64 { return s.Memory.Usage }, 2048, false},
		{"io.stat", "254:0 rbytes=5 new=6 wbytes=x\n", func(s *Stats) float64 { return s.IO[0].ReadBytes }, 5, true},
		{"io.stat", "254:0 rbytes=5 new=6 wbytes=x\n", func(s *Stats) float64 { return s.IO[0].WriteBytes }, nan, true},
		{"io.stat", "7:1\n7:2 rios=1\n", func(s *Stats) float64 { return float64(s.IO[0].Minor) }, 2, false},
		{"io.stat", "", func(s *Stats) float64 { return float64(len(s.IO)) }, 0, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return float64(len(s.IO)) }, 1, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return s.IO[0].Reads }, 2298, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return s.IO[0].ReadBytes }, 204174336, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return s.IO[0].Writes }, 1258, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return s.IO[0].WriteBytes }, 12451840, false},
		{"diskstats", all["diskstats"].sample, func(s *Stats) float64 { return s.IO[0].DiscardBytes }, 4096, false},
		{"diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", func(s *Stats) float64 { return s.IO[0].WriteBytes }, 3584, false},
		{"diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", func(s *Stats) float64 { return s.IO[0].DiscardBytes }, nan, false},
		{"diskstats", "8 0 sda 1 2 3 4 5 6\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n", func(s *Stats) float64 { return float64(s.IO[0].Minor) }, 16, true},
		{"diskstats", "sda\n", func(s *Stats) float64 { return float64(len(s.IO)) }, 0, true},
		{"blkio.throttle.io_service_bytes", "254:0 Write 7\nTotal 7\n", func(s *Stats) float64 { return s.IO[0].WriteBytes }, 7, false},
		{"blkio.throttle.io_service_bytes", "254:0 Write 7\nTotal 7\n", func(s *Stats) float64 { return s.IO[0].ReadBytes }, nan, false},
		{"blkio.throttle.io_serviced", "Total 0\n", func(s *Stats) float64 { return float64(len(s.IO)) }, 0, false},
		{"blkio.throttle.io_serviced", "vda Read 1\n", func(s *Stats) float64 { return float64(len(s.IO)) }, 0, true},
		{"cpuacct.usage_percpu", "691140385614 842646214464 \n", func(s *Stats) float64 { return s.PerCPU[1] }, 842.646214464, false},
		{"cpuacct.usage_percpu", "5\n", func(s *Stats) float64 { return float64(len(s.PerCPU)) }, 1, false},
		{"cpuacct.usage_percpu", "5 x 6\n", func(s *Stats) float64 { return float64(len(s.PerCPU)) }, 0, true},
		{"cpuacct.usage_percpu", "\n", func(s *Stats) float64 { return float64(len(s.PerCPU)) }, 0, true},
		{"cpuacct.usage_percpu", strings.Repeat("1 ", maxProcessors+1), func(s *Stats) float64 { return float64(len(s.PerCPU)) }, 0, true},
		{"memory.numa_stat v1", all["memory.numa_stat v1"].sample, func(s *Stats) float64 { return s.NUMA[0].Own.Unevictable }, 4690, false},
		{"memory.numa_stat v1", "anon=5 N0=x N1=5\n", func(s *Stats) float64 { return s.NUMA[0].Own.Anon }, 5, true},
		{"memory.numa_stat v1", "anon=5 N=5\nfile=1 N7=1", func(s *Stats) float64 { return float64(s.NUMA[0].Node) }, 7, true},
		{"memory.numa_stat", all["memory.numa_stat"].sample, func(s *Stats) float64 { return s.NUMA[0].Subtree.Anon }, 28, false},
		{"memory.numa_stat", all["memory.numa_stat"].sample, func(s *Stats) float64 { return s.NUMA[1].Subtree.File }, 0, false},
		{"memory.numa_stat", all["memory.numa_stat"].sample, func(s *Stats) float64 { return s.NUMA[0].Own.Anon }, nan, false},
		{"memory.numa_stat", "new_key Nx=y\n", func(s *Stats) float64 { return float64(len(s.NUMA)) }, 0, false},
		{"hugetlb.2MB.current", "4194304\n", func(s *Stats) float64 { return s.Hugetlb[0].Usage }, 4 << 20, false},
		{"hugetlb.2MB.events", "max 2\n", func(s *Stats) float64 { return s.Hugetlb[0].FailCount }, 2, false},
		{"hugetlb.2MB.events", "max x\n", func(s *Stats) float64 { return float64(len(s.Hugetlb)) }, 0, true},
		{"limits", all["limits"].sample, func(s *Stats) float64 { return s.Process.Limits[0].Soft }, nan, false},
		{"limits", all["limits"].sample, func(s *Stats) float64 { return s.Process.Limits[1].Soft }, 20000, false},
		{"limits", all["limits"].sample, func(s *Stats) float64 { return float64(len(s.Process.Limits)) }, 3, false},
		{"limits", "Max cpu time  x\nMax open files  5\n", func(s *Stats) float64 { return s.Process.Limits[0].Soft }, 5, true},
		{"limits", "Max new  5\nMax file size\nMax open files  7", func(s *Stats) float64 { return s.Process.Limits[0].Soft }, 7, true},
		{"net/tcp", all["net/tcp"].sample, func(s *Stats) float64 { return s.Sockets.TCP.Listen }, 1, false},
		{"net/tcp", all["net/tcp"].sample, func(s *Stats) float64 { return s.Sockets.TCP.Established }, 1, false},
		{"net/tcp", all["net/tcp"].sample, func(s *Stats) float64 { return s.Sockets.TCP.TimeWait }, 1, false},
		{"net/tcp", all["net/tcp"].sample, func(s *Stats) float64 { return s.Sockets.TCP.Close }, 0, false},
		{"net/tcp", " sl\n0: a b 0A\n1: a b", func(s *Stats) float64 { return s.Sockets.TCP.Listen }, nan, true},
		{"net/tcp", " sl\n0: a b 0A\n1: a b FF", func(s *Stats) float64 { return s.Sockets.TCP.Listen }, 1, false},
		{"net/tcp", "0: a b 0A\n", func(s *Stats) float64 { return s.Sockets.TCP.Listen }, nan, true},
		{"net/tcp", "", func(s *Stats) float64 { return s.Sockets.TCP.Listen }, nan, true},
		{"net/udp", all["net/udp"].sample, func(s *Stats) float64 { return s.Sockets.UDP.Listen }, 1, false},
		{"net/udp", all["net/udp"].sample, func(s *Stats) float64 { return s.Sockets.UDP.Dropped }, 7, false},
		{"net/udp", all["net/udp"].sample, func(s *Stats) float64 { return s.Sockets.UDP.RxQueued }, 768, false},
		{"net/udp", all["net/udp"].sample, func(s *Stats) float64 { return s.Sockets.UDP.TxQueued }, 1, false},
		{"net/udp", " sl\n0: a b 07 1:2 3 4 5 6 7 8 9\n", func(s *Stats) float64 { return s.Sockets.UDP.Listen }, nan, true},
		{"net/dev", all["net/dev"].sample, func(s *Stats) float64 { return s.Network[0].TxDropped }, 4, false},
		{"net/dev", "eth0: 1 2 3\neth1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", func(s *Stats) float64 { return s.Network[0].TxBytes }, 9, true},
	} {
		s, err := parsed(all[tt.file].parse, tt.text)
		got := tt.field(&s)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s %q: got %v, want %v", tt.file, tt.text, got, tt.want)
		}
		var parse *ParseError
		if (err != nil) != tt.fails || (err != nil && !errors.As(err, &parse)) {
			t.Errorf("%s %q: got error %v, want one: %v", tt.file, tt.text, err, tt.fails)
		}
	}
}

// TestParsers_order: the order of lines does not matter where each line has a key.
func TestParsers_order(t *testing.T) {
	t.Parallel()
	for name, p := range parsers() {
		lines := strings.SplitAfter(strings.TrimSuffix(p.sample, "\n"), "\n")
		if name == "limits" || len(lines) < 2 {
			continue
		}
		lines[len(lines)-1] += "\n"
		var reversed string
		for _, l := range lines {
			reversed = l + reversed
		}
		if strings.HasPrefix(name, "net/") || name == "diskstats" {
			continue // begins with a heading; has a disk before its partitions
		}
		a, errA := parsed(p.parse, p.sample)
		b, errB := parsed(p.parse, reversed)
		if dump(a) != dump(b) || (errA == nil) != (errB == nil) {
			t.Errorf("%s: %v, reversed %v", name, a, b)
		}
	}
}

// dump writes a value down, with what it points to.
func dump(s Stats) string {
	text := fmt.Sprintf("%+v", s)
	if s.Sockets != nil {
		text += fmt.Sprintf("%+v", *s.Sockets)
	}
	if s.Process != nil {
		text += fmt.Sprintf("%+v", *s.Process)
	}
	return text
}

func TestParsers_allocations(t *testing.T) {
	for name, p := range parsers() {
		var s Stats
		s.Reset()
		text := []byte(p.sample)
		n := testing.AllocsPerRun(100, func() {
			s.IO, s.Network = s.IO[:0], s.Network[:0]
			if err := p.parse(text, &s); err != nil {
				t.Fatal(err)
			}
		})
		most := 0.0
		switch name {
		case "memory.stat", "memory.stat v1", "memory.events", "memory.swap.events", "memory.oom_control", "cpu.stat", "cpu.stat v1", "cpuacct.stat", "memory.numa_stat", "memory.numa_stat v1", "hugetlb.2MB.events":
			continue // parsers() makes their tables anew each time; a Reader makes them once: see TestRead_allocations
		case "net/tcp", "net/udp":
			most = 1 // the Sockets
		case "net/dev":
			most = 2 // the list, and plainNames' string
		case "io.stat", "diskstats", "blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced":
			most = 4 // plainNames' strings
		}
		if n > most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, most)
		}
	}
}

// checkFuzzed holds whatever a parser gave to what every parser promises.
func checkFuzzed(t *testing.T, text string, s Stats) {
	t.Helper()
	known := 0
	walkNumbers(reflect.ValueOf(s), func(v float64) {
		if math.IsNaN(v) {
			return
		}
		known++
		if v < 0 || math.IsInf(v, 0) {
			t.Errorf("%q gave %v", text, v)
		}
	})
	if known > 0 && text != "" && !strings.ContainsAny(text, "0123456789") {
		t.Errorf("%q gave %d numbers without holding a digit", text, known)
	}
}

func walkNumbers(v reflect.Value, f func(float64)) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			walkNumbers(field, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkNumbers(v.Index(i), f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walkNumbers(v.Elem(), f)
		}
	case reflect.Float64:
		f(v.Float())
	}
}

func fuzz(f *testing.F, files ...string) {
	f.Helper()
	all := parsers()
	for _, p := range all {
		f.Add(p.sample)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range files {
			s, err := parsed(all[file].parse, text)
			var parse *ParseError
			if err != nil && !errors.As(err, &parse) {
				t.Errorf("%s %q: error %v does not name a line", file, text, err)
			}
			checkFuzzed(t, text, s)
		}
	})
}

func FuzzParseSingle(f *testing.F)     { fuzz(f, "memory.current") }
func FuzzParseLimit(f *testing.F)      { fuzz(f, "pids.max") }
func FuzzParseMemoryStat(f *testing.F) { fuzz(f, "memory.stat", "memory.stat v1") }
func FuzzParseMemoryEvents(f *testing.F) {
	fuzz(f, "memory.events", "memory.swap.events", "memory.oom_control")
}
func FuzzParseCPUStat(f *testing.F)     { fuzz(f, "cpu.stat", "cpu.stat v1", "cpuacct.stat") }
func FuzzParseUsagePerCPU(f *testing.F) { fuzz(f, "cpuacct.usage_percpu") }
func FuzzParseNUMAStat(f *testing.F)    { fuzz(f, "memory.numa_stat", "memory.numa_stat v1") }
func FuzzParseHugetlb(f *testing.F)     { fuzz(f, "hugetlb.2MB.current", "hugetlb.2MB.events") }
func FuzzParseLimits(f *testing.F)      { fuzz(f, "limits") }
func FuzzParseTCP(f *testing.F)         { fuzzSockets(f, "net/tcp") }
func FuzzParseUDP(f *testing.F)         { fuzzSockets(f, "net/udp") }
func FuzzParsePIDs(f *testing.F) {
	f.Add("4836\n12590\n")
	f.Fuzz(func(t *testing.T, text string) {
		pids, err := parsePIDs([]byte(text), nil)
		var parse *ParseError
		if err != nil && !errors.As(err, &parse) || len(pids) > strings.Count(text, "\n")+1 {
			t.Errorf("%q gave %v, %v", text, pids, err)
		}
	})
}

// fuzzSockets: no more sockets than lines, whatever they say, and the same whether the table comes in one piece or in two.
func fuzzSockets(f *testing.F, file string) {
	f.Helper()
	all := parsers()
	f.Add(all["net/tcp"].sample, 300)
	f.Add(all["net/udp"].sample, 7)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		s, err := parsed(all[file].parse, text)
		sockets, known := 0.0, false
		tcp := s.Sockets.TCP
		for _, n := range []float64{
			tcp.Established, tcp.SynSent, tcp.SynRecv, tcp.FinWait1, tcp.FinWait2, tcp.TimeWait, tcp.Close, tcp.CloseWait,
			tcp.LastAck, tcp.Listen, tcp.Closing, s.Sockets.UDP.Listen,
		} {
			if !math.IsNaN(n) {
				sockets, known = sockets+n, true
			}
		}
		if known != (err == nil) || sockets > float64(strings.Count(text, "\n")) {
			t.Errorf("%q gave %v sockets, %v", text, sockets, err)
		}
		var pieces Stats
		parse := map[string]func(*lines, *Sockets){"net/tcp": parseTCPInto, "net/udp": parseUDPInto}[file]
		i := strings.IndexByte(text[min(max(cut, 0), len(text)):], '\n') + 1 + min(max(cut, 0), len(text))
		i = min(i, len(text))
		if i > 0 && text[i-1] != '\n' {
			i = 0
		}
		errPieces := whole(func(l *lines, s *Sockets) {
			l.rest = []byte(text[:i])
			parse(l, s)
			l.rest = []byte(text[i:])
			parse(l, s)
		})(nil, &pieces)
		if fmt.Sprint(err) != fmt.Sprint(errPieces) || dumpSockets(s) != dumpSockets(pieces) {
			t.Errorf("%q cut at %d: %v %v, whole: %v %v", text, i, dumpSockets(pieces), errPieces, dumpSockets(s), err)
		}
	})
}

func dumpSockets(s Stats) string { return fmt.Sprintf("%+v", *s.Sockets) }

func FuzzParseCPUMax(f *testing.F)    { fuzz(f, "cpu.max") }
func FuzzParseCPUWeight(f *testing.F) { fuzz(f, "cpu.weight") }
func FuzzParseCPUList(f *testing.F)   { fuzz(f, "cpuset.cpus.effective") }
func FuzzParsePressure(f *testing.F)  { fuzz(f, "cpu.pressure") }
func FuzzParseProcs(f *testing.F)     { fuzz(f, "cgroup.procs") }
func FuzzParseLoadavg(f *testing.F)   { fuzz(f, "loadavg") }
func FuzzParseMeminfo(f *testing.F)   { fuzz(f, "meminfo") }
func FuzzParseIOStat(f *testing.F)    { fuzz(f, "io.stat") }
func FuzzParseBlkio(f *testing.F) {
	fuzz(f, "blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced")
}
func FuzzParseNetDev(f *testing.F) { fuzz(f, "net/dev") }

func FuzzParseDiskstats(f *testing.F) { fuzz(f, "diskstats") }
