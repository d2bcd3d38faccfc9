package cgroups

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// The parsers in this file are pure: bytes of one kernel file in, numbers out, no I/O and no allocation. A line that cannot
// be understood makes a *ParseError and leaves its own number unknown; the lines after it are still read. Keys that are not
// asked for are passed over on purpose: kernels add new ones.

var (
	errNotNumber = errors.New("not a number")
	errNoValue   = errors.New("key without a value")
	errFormat    = errors.New("unknown format")
	errEmpty     = errors.New("file is empty")
	errTooBig    = errors.New("number above 2^63")
)

// unlimited is the least value that cgroup v1 means as "no limit": LONG_MAX rounded down to a page, whose size differs
// between architectures (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html).
const unlimited = 1 << 62

// ParseError says which line of a kernel file could not be understood.
type ParseError struct {
	Line int    // from 1
	Text string // the line, shortened
	Err  error
}

// Error names the line.
func (e *ParseError) Error() string {
	return "line " + strconv.Itoa(e.Line) + " " + strconv.Quote(e.Text) + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *ParseError) Unwrap() error { return e.Err }

// parseError is kept out of line, so that the parsers do not allocate while nothing is wrong.
func parseError(line int, text []byte, err error) error {
	const most = 80
	return &ParseError{Line: line, Text: string(text[:min(len(text), most)]), Err: err}
}

// lines walks over the lines of a file and remembers the first that could not be understood.
type lines struct {
	rest  []byte
	line  []byte
	n     int // of line, from 1
	first error
}

// next goes to the next line; false at the end.
func (l *lines) next() bool {
	if len(l.rest) == 0 {
		return false
	}
	l.line, l.rest = firstLine(l.rest)
	l.n++
	return true
}

// fail says that the line cannot be understood, if err is one.
func (l *lines) fail(err error) {
	if err != nil && l.first == nil {
		l.first = parseError(l.n, l.line, err)
	}
}

// firstLine cuts the first line off b.
func firstLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	return line, rest
}

// nextField cuts the first field, ended by spaces or tabs, off b.
func nextField(b []byte) (field, rest []byte) {
	start := 0
	for start < len(b) && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	end := start
	for end < len(b) && b[end] != ' ' && b[end] != '\t' {
		end++
	}
	return b[start:end], b[end:]
}

// number reads a decimal number without a sign. Beyond 2^63 it is none: that is how a counter looks which the kernel has counted
// below zero.
func number(b []byte) (float64, error) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	switch {
	case err != nil:
		return math.NaN(), errNotNumber
	case n > 1<<63:
		return math.NaN(), errTooBig
	}
	return float64(n), nil
}

// limit reads a number, NaN for "max" (v2), -1 (v1 quota) and v1's huge "no limit".
func limit(b []byte) (float64, error) {
	if string(b) == "max" || string(b) == "-1" {
		return math.NaN(), nil
	}
	v, err := number(b)
	if v >= unlimited {
		return math.NaN(), err
	}
	return v, err
}

// parseSingle reads a file of one number, such as memory.current.
//
//	2768896
func parseSingle(b []byte, v *float64) error { return parseOne(b, v, number) }

// parseLimit reads a file of one number or "max", such as pids.max, memory.max and memory.limit_in_bytes.
//
//	max
func parseLimit(b []byte, v *float64) error { return parseOne(b, v, limit) }

func parseOne(b []byte, v *float64, read func([]byte) (float64, error)) error {
	line, _ := firstLine(b)
	field, rest := nextField(line)
	if len(field) == 0 {
		return parseError(1, line, errEmpty)
	}
	if more, _ := nextField(rest); len(more) != 0 {
		return parseError(1, line, errFormat)
	}
	n, err := read(field)
	if err != nil {
		return parseError(1, line, err)
	}
	*v = n
	return nil
}

// flatKey says where a line of a flat keyed file goes.
type flatKey struct {
	field func(*Stats) *float64
	per   float64 // units of the file in one base unit: 1e6 for microseconds, 1 for bytes and counts
}

// parseFlatKeyed reads a file of "key value" lines, such as memory.stat, cpu.stat and memory.events
// (https://docs.kernel.org/admin-guide/cgroup-v2.html#format).
//
//	anon 114688
//	file 2097152
func parseFlatKeyed(b []byte, keys map[string]flatKey, s *Stats) error {
	if len(b) == 0 {
		return parseError(1, b, errEmpty)
	}
	l := lines{rest: b}
	for l.next() {
		name, rest := nextField(l.line)
		key, ok := keys[string(name)]
		if !ok {
			continue
		}
		v, err := onlyNumber(rest)
		if err != nil {
			l.fail(err)
			continue
		}
		*key.field(s) = v / key.per
	}
	return l.first
}

// onlyNumber reads the one number that stands behind a key.
func onlyNumber(b []byte) (float64, error) {
	field, rest := nextField(b)
	if len(field) == 0 {
		return math.NaN(), errNoValue
	}
	if more, _ := nextField(rest); len(more) != 0 {
		return math.NaN(), errFormat
	}
	return number(field)
}

// parseCPUMax reads cpu.max: quota (or "max") and period in microseconds.
//
//	50000 100000
func parseCPUMax(b []byte, c *CPU) error {
	line, _ := firstLine(b)
	quota, rest := nextField(line)
	period, _ := nextField(rest)
	q, err := limit(quota)
	if err != nil {
		return parseError(1, line, err)
	}
	p, err := number(period)
	if err != nil {
		return parseError(1, line, err)
	}
	c.QuotaMicros, c.PeriodMicros = q, p
	return nil
}

// parseCPUWeight reads cpu.weight (1 to 10000) as CPU shares (2 to 262144): the inverse of the mapping of runc 1.3.2 and
// later, in which the default weight 100 is the default 1024 shares. Older releases of runc mapped shares linearly; which
// one wrote the weight cannot be seen here (https://github.com/opencontainers/cgroups/pull/20).
//
//	100
func parseCPUWeight(b []byte, c *CPU) error {
	weight := math.NaN()
	if err := parseSingle(b, &weight); err != nil {
		return err
	}
	if weight >= 1 { // 0 = cpu.idle: no weight at all
		l := (math.Sqrt(125*125+4*612*(math.Log10(weight)+7.0/34)) - 125) / 2
		c.Shares = math.Round(math.Exp2(l))
	}
	return nil
}

// parseCPUList counts the processors of a list such as cpuset.cpus.effective. An empty list is unknown.
//
//	0-3,8
func parseCPUList(b []byte, v *float64) error {
	line, _ := firstLine(b)
	list := bytes.TrimSpace(line)
	total := 0.0
	for len(list) > 0 {
		var item []byte
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			item, list = list, nil
		}
		from, to := item, item
		if i := bytes.IndexByte(item, '-'); i >= 0 {
			from, to = item[:i], item[i+1:]
		}
		lo, err := number(from)
		hi, err2 := number(to)
		if err != nil || err2 != nil || hi < lo {
			return parseError(1, line, errFormat)
		}
		total += hi - lo + 1
	}
	if total > 0 {
		*v = total
	}
	return nil
}

// CountCPUs counts the processors of a list such as "0-3,7", as the kernel and the engine write it; NaN for what is none.
func CountCPUs(list string) float64 {
	n := unknown()
	_ = parseCPUList([]byte(list), &n) // the error names a line of a file
	return n
}

// parsePressure reads a pressure file; "total" is in microseconds (https://docs.kernel.org/accounting/psi.html).
//
//	some avg10=3.21 avg60=0.85 avg300=0.19 total=658586
//	full avg10=3.03 avg60=0.77 avg300=0.17 total=615861
func parsePressure(b []byte, p *Stall) error {
	if len(b) == 0 {
		return parseError(1, b, errEmpty)
	}
	l := lines{rest: b}
	for l.next() {
		kind, rest := nextField(l.line)
		var v *float64
		switch string(kind) {
		case "some":
			v = &p.Some
		case "full":
			v = &p.Full
		default:
			continue
		}
		i := bytes.LastIndex(rest, []byte("total="))
		if i < 0 {
			l.fail(errNoValue)
			continue
		}
		field, _ := nextField(rest[i+len("total="):])
		usec, err := number(field)
		if err != nil {
			l.fail(err)
			continue
		}
		*v = usec / 1e6
	}
	return l.first
}

// parseProcs counts the lines of cgroup.procs, one process id each.
//
//	4836
//	12590
func parseProcs(b []byte, v *float64) error {
	l := lines{rest: b}
	for l.next() {
		if len(l.line) == 0 || l.line[0] < '0' || l.line[0] > '9' {
			l.fail(errNotNumber)
			return l.first
		}
	}
	*v = float64(l.n)
	return nil
}

// meminfo is what a host without memory files in its root cgroup (v2) says of its memory, in bytes.
type meminfo struct {
	total, free, swapTotal, swapFree float64
}

// parseMeminfo reads /proc/meminfo.
//
//	MemTotal:       24660764 kB
func parseMeminfo(b []byte, m *meminfo) error {
	l := lines{rest: b}
	for l.next() {
		key, rest := nextField(l.line)
		var v *float64
		switch string(key) {
		case "MemTotal:":
			v = &m.total
		case "MemFree:":
			v = &m.free
		case "SwapTotal:":
			v = &m.swapTotal
		case "SwapFree:":
			v = &m.swapFree
		default:
			continue
		}
		field, _ := nextField(rest)
		kb, err := number(field)
		if err != nil {
			l.fail(err)
			continue
		}
		*v = kb * 1024
	}
	return l.first
}
