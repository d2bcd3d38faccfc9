package cgroups

import (
	"bytes"
	"math"
	"strconv"
)

// The parsers of what /proc says of processes and of their sockets; see parse.go for what all parsers promise.

// parsePIDs appends the process ids of cgroup.procs to dst; 0 is a process that our pid namespace does not hold.
//
//	4836
//	12590
func parsePIDs(b []byte, dst []int) ([]int, error) {
	l := lines{rest: b}
	for l.next() {
		n, err := number(l.line)
		if err != nil || n > math.MaxInt32 {
			l.fail(errNotNumber)
			return dst, l.first
		}
		dst = append(dst, int(n))
	}
	return dst, nil
}

// parseLoadavg reads the load and the number of tasks of the host from /proc/loadavg (https://docs.kernel.org/filesystems/proc.html).
//
//	0.20 0.18 0.12 1/80 11206
func parseLoadavg(b []byte, s *Stats) error {
	line, _ := firstLine(b)
	var load Load
	rest := line
	for _, v := range []*float64{&load.One, &load.Five, &load.Fifteen} {
		var field []byte
		field, rest = nextField(rest)
		n, err := hundredths(field)
		if err != nil {
			return parseError(1, line, err)
		}
		*v = n
	}
	_, tasks, ok := bytes.Cut(rest, []byte{'/'})
	if !ok {
		return parseError(1, line, errFormat)
	}
	field, _ := nextField(tasks)
	n, err := number(field)
	if err != nil {
		return parseError(1, line, err)
	}
	if s.Load == nil {
		s.Load = new(Load)
	}
	*s.Load, s.Pids.Threads = load, n
	return nil
}

// hundredths reads a number with two digits behind its point.
func hundredths(b []byte) (float64, error) {
	whole, part, ok := bytes.Cut(b, []byte{'.'})
	if !ok || len(part) != 2 {
		return 0, errFormat
	}
	n, err := number(whole)
	if err != nil {
		return 0, err
	}
	m, err := number(part)
	return (n*100 + m) / 100, err
}

// ulimits are the rows of /proc/<pid>/limits. All names have been there since Linux 2.6.25.
var ulimits = map[string]string{
	"Max cpu time":          "max_cpu_time",
	"Max file size":         "max_file_size",
	"Max data size":         "max_data_size",
	"Max stack size":        "max_stack_size",
	"Max core file size":    "max_core_file_size",
	"Max resident set":      "max_resident_set",
	"Max processes":         "max_processes",
	"Max open files":        "max_open_files",
	"Max locked memory":     "max_locked_memory",
	"Max address space":     "max_address_space",
	"Max file locks":        "max_file_locks",
	"Max pending signals":   "max_pending_signals",
	"Max msgqueue size":     "max_msgqueue_size",
	"Max nice priority":     "max_nice_priority",
	"Max realtime priority": "max_realtime_priority",
	"Max realtime timeout":  "max_realtime_timeout",
}

// parseLimits reads the soft limits of /proc/<pid>/limits (https://docs.kernel.org/filesystems/proc.html). Two blanks end a name.
//
//	Limit                     Soft Limit           Hard Limit           Units
//	Max cpu time              unlimited            unlimited            seconds
//	Max open files            20000                20000                files
func parseLimits(b []byte, p *Process) error {
	p.Limits = p.Limits[:0]
	l := lines{rest: b}
	for l.next() {
		end := bytes.Index(l.line, []byte("  "))
		if end < 0 {
			end = len(l.line)
		}
		name, ok := ulimits[string(l.line[:end])]
		if !ok || len(p.Limits) >= len(ulimits) {
			continue
		}
		soft, _ := nextField(l.line[end:])
		v, err := softLimit(soft)
		if err != nil {
			l.fail(err)
			continue
		}
		p.Limits = append(p.Limits, Ulimit{Name: name, Soft: v})
	}
	return l.first
}

// softLimit reads a number, NaN for "unlimited".
func softLimit(b []byte) (float64, error) {
	if string(b) == "unlimited" {
		return math.NaN(), nil
	}
	return number(b)
}

// parseTCP adds up lines of /proc/<pid>/net/tcp and tcp6 by state (https://docs.kernel.org/networking/proc_net_tcp.html).
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//	 0: 0100007F:8000 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 117216 1 00000000a1d982ab 100 0 0 10 0
func parseTCP(l *lines, t *TCPStates) {
	if l.n == 0 && heading(l) {
		*t = TCPStates{}
	}
	for l.first == nil && l.next() {
		state, _, err := socketState(l.line)
		if err != nil {
			l.fail(err)
			return
		}
		if n := t.count(state); n != nil {
			*n++
		}
	}
}

// count gives the number that a state of the kernel adds to (include/net/tcp_states.h); nil = one that it has been given since.
func (t *TCPStates) count(state uint64) *float64 {
	switch state {
	case 1:
		return &t.Established
	case 2:
		return &t.SynSent
	case 3, 12: // 12: a request that is not yet a connection
		return &t.SynRecv
	case 4:
		return &t.FinWait1
	case 5:
		return &t.FinWait2
	case 6:
		return &t.TimeWait
	case 7:
		return &t.Close
	case 8:
		return &t.CloseWait
	case 9:
		return &t.LastAck
	case 10:
		return &t.Listen
	case 11:
		return &t.Closing
	}
	return nil
}

// udpDrops is the number of the column of drops behind that of the queues.
const udpDrops = 8

// parseUDP adds up lines of /proc/<pid>/net/udp and udp6.
//
//	  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
//	3082: 00000000:1F90 00000000:0000 07 00000000:00000300 00:00000000 00000000     0        0 117300 2 00000000d1c9b9a4 5
func parseUDP(l *lines, u *UDPSockets) {
	if l.n == 0 && heading(l) {
		*u = UDPSockets{}
	}
	for l.first == nil && l.next() {
		state, rest, err := socketState(l.line)
		if err != nil {
			l.fail(err)
			return
		}
		queues, rest := nextField(rest)
		tx, rx, _ := bytes.Cut(queues, []byte{':'})
		var column []byte
		for range udpDrops {
			column, rest = nextField(rest)
		}
		t, err := strconv.ParseUint(string(tx), 16, 32)
		r, err2 := strconv.ParseUint(string(rx), 16, 32)
		drops, err3 := number(column)
		if err != nil || err2 != nil || err3 != nil {
			l.fail(errFormat)
			return
		}
		if state == 7 { // a UDP socket without a peer; 1 has one
			u.Listen++
		}
		u.TxQueued, u.RxQueued, u.Dropped = u.TxQueued+float64(t), u.RxQueued+float64(r), u.Dropped+drops
	}
}

// heading takes the first line of a table of sockets; false, and a failed line, when it is none.
func heading(l *lines) bool {
	if !l.next() {
		return false
	}
	first, _ := nextField(l.line)
	if string(first) != "sl" {
		l.fail(errFormat)
		return false
	}
	return true
}

// socketState reads the state of a socket, the fourth column of its line, and gives what stands behind it.
func socketState(line []byte) (state uint64, rest []byte, err error) {
	_, rest = nextField(line)
	_, rest = nextField(rest)
	_, rest = nextField(rest)
	field, rest := nextField(rest)
	state, err = strconv.ParseUint(string(field), 16, 8)
	if err != nil {
		return 0, nil, errFormat
	}
	return state, rest, nil
}
