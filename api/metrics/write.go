package metrics

import (
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"tallyman/collector"
)

// ContentType is the media type of what a Writer writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// chunkBytes is how much Stream gathers before it hands it on: a body of many megabytes never stands in memory.
const chunkBytes = 64 << 10

// Writer renders Snapshots as Prometheus text, version 0.0.4, by appending bytes to a buffer: once its scratch space has
// grown it allocates nothing. It is not for concurrent use.
//
// Bytes that are not UTF-8 become U+FFFD. There are no timestamps.
type Writer struct {
	rows []compiled
	opts WriterOptions
	// draw is appendSample, bound once: binding it for each container would allocate.
	draw func(Sample)

	dst    []byte
	out    io.Writer // where full chunks go; nil when the caller wants all of it in dst
	err    error     // the first error of out
	chunk  []byte    // kept between calls of Stream
	arena  []byte    // the label blocks of all containers, one behind the other, then those of the engines
	blocks []block   // the host's first

	row     *compiled // the family that is being written
	labels  []byte    // the label block that its samples begin with
	user    []byte    // the labels that its samples end with
	started bool      // whether its header has been written
	coarse  bool      // whether its group is selected
	fine    bool      // whether the group of its finer grain is
}

// compiled is a row with all of its constant text.
type compiled struct {
	Family

	header []byte   // the HELP and TYPE lines
	keys   []string // `event="` for each extra label
	group  groupKey
	finer  groupKey // of FinerGroup

	samples, fineSamples int // of the latest rendering, by the group that they belong to
}

// block is a label block in the arena: of a container, with its user's labels behind the end, or, empty where there is only one, of
// an engine.
type block struct{ start, end, user int }

// WriterOptions configure a Writer; the zero value works.
type WriterOptions struct {
	// LabelsOnAll puts the labels of users on every sample of their containers, instead of on those of container_info only.
	LabelsOnAll bool
}

// NewWriter returns a Writer of the whole table.
func NewWriter(o WriterOptions) *Writer {
	w := newWriter(Families())
	w.opts = o
	return w
}

// newWriter lets tests render a table of their own.
func newWriter(families []Family) *Writer {
	w := &Writer{rows: make([]compiled, len(families))}
	for i := range families {
		w.rows[i] = compile(families[i])
	}
	w.draw = w.appendSample
	return w
}

// compile prepares the constant text of a row.
func compile(f Family) compiled {
	c := compiled{Family: f}
	c.group.bit, c.group.byDefault = groupBit(f.Group)
	c.finer.bit, c.finer.byDefault = groupBit(f.FinerGroup)
	c.header = append(c.header, "# HELP "+f.Name+" "...)
	c.header = appendHelp(c.header, f.Help)
	c.header = append(c.header, "\n# TYPE "+f.Name+" "+string(f.Type)+"\n"...)
	for _, name := range f.Labels {
		c.keys = append(c.keys, name+`="`)
	}
	return c
}

// Append appends the samples of the selected groups to dst. A family without samples has no header.
func (w *Writer) Append(dst []byte, s *collector.Snapshot, sel Selection) []byte {
	w.dst, w.out, w.err = dst, nil, nil
	w.render(s, sel)
	dst, w.dst = w.dst, nil
	return dst
}

// Stream writes what Append would append, in pieces. It stops at the first error of out.
func (w *Writer) Stream(out io.Writer, s *collector.Snapshot, sel Selection) error {
	if w.chunk == nil {
		w.chunk = make([]byte, 0, chunkBytes+chunkBytes/8)
	}
	w.dst, w.out, w.err = w.chunk[:0], out, nil
	w.render(s, sel)
	w.flush()
	w.chunk, w.dst, w.out = w.dst[:0], nil, nil
	return w.err
}

// render writes every selected family.
func (w *Writer) render(s *collector.Snapshot, sel Selection) {
	w.prepare(s)
	for i := range w.rows {
		w.row, w.started = &w.rows[i], false
		w.row.samples, w.row.fineSamples = 0, 0
		if w.err != nil {
			break
		}
		w.coarse, w.fine = sel.has(w.row.group), w.row.Finer != nil && sel.has(w.row.finer)
		if !w.coarse && !w.fine {
			continue
		}
		if w.row.PerContainer() {
			w.renderContainers(s)
			continue
		}
		w.labels, w.user = nil, nil
		w.renderSnapshot(s)
		w.renderEngines(s)
	}
	w.row, w.labels, w.user = nil, nil, nil
}

// renderContainers writes a family that has samples for each container.
func (w *Writer) renderContainers(s *collector.Snapshot) {
	next := 0
	s.All(func(c *collector.Container) {
		w.renderContainer(c, w.blocks[next])
		next++
		if w.out != nil && len(w.dst) >= chunkBytes {
			w.flush()
		}
	})
}

// renderContainer writes the samples of one container.
func (w *Writer) renderContainer(c *collector.Container, b block) {
	w.labels, w.user = w.arena[b.start:b.end], nil
	if w.opts.LabelsOnAll || w.row.UserLabels {
		w.user = w.arena[b.end:b.user]
	}
	if w.fine {
		before := w.row.samples
		if w.row.Finer(c, w.draw) {
			w.row.fineSamples += w.row.samples - before
			w.row.samples = before
			return
		}
	}
	if !w.coarse {
		return
	}
	if w.row.Each != nil {
		w.row.Each(c, w.draw)
		return
	}
	v := w.row.Value(c)
	if math.IsNaN(v) {
		return
	}
	w.begin()
	w.dst = append(w.dst, w.labels...)
	w.dst = append(w.dst, w.user...)
	w.dst = append(w.dst, '}', ' ')
	w.dst = appendValue(w.dst, v)
	w.dst = append(w.dst, '\n')
}

// renderSnapshot writes a family that has samples for the host as a whole.
func (w *Writer) renderSnapshot(s *collector.Snapshot) {
	if w.row.SnapshotEach != nil {
		w.row.SnapshotEach(s, w.draw)
	}
	if w.row.SnapshotValue != nil {
		w.appendSample(Sample{Value: w.row.SnapshotValue(s)})
	}
}

// renderEngines writes a family that has samples for each engine.
func (w *Writer) renderEngines(s *collector.Snapshot) {
	if w.row.EngineEach == nil {
		return
	}
	engines := w.blocks[len(w.blocks)-len(s.Engines):]
	for i := range s.Engines {
		w.labels = w.arena[engines[i].start:engines[i].end]
		w.row.EngineEach(s, &s.Engines[i], w.draw)
	}
}

// Series tells how many samples of each group the latest rendering had.
func (w *Writer) Series() map[Group]int {
	n := map[Group]int{}
	for i := range w.rows {
		r := &w.rows[i]
		n[r.Group] += r.samples
		if r.fineSamples > 0 {
			n[r.FinerGroup] += r.fineSamples
		}
	}
	return n
}

// begin writes the name of a sample, behind the header of its family if it is the first.
func (w *Writer) begin() {
	w.row.samples++
	if !w.started {
		w.started = true
		w.dst = append(w.dst, w.row.header...)
	}
	w.dst = append(w.dst, w.row.Name...)
}

// appendSample writes one sample with the extra labels of its family.
func (w *Writer) appendSample(s Sample) {
	if math.IsNaN(s.Value) {
		return
	}
	w.begin()
	w.dst = append(w.dst, w.labels...)
	open := len(w.labels) > 0
	for i, key := range w.row.keys {
		if open {
			w.dst = append(w.dst, ',')
		} else {
			w.dst, open = append(w.dst, '{'), true
		}
		w.dst = append(w.dst, key...)
		w.dst = appendEscaped(w.dst, s.Labels[i])
		w.dst = append(w.dst, '"')
	}
	w.dst = append(w.dst, w.user...)
	if open {
		w.dst = append(w.dst, '}')
	}
	w.dst = append(w.dst, ' ')
	w.dst = appendValue(w.dst, s.Value)
	w.dst = append(w.dst, '\n')
}

// prepare renders the label block of each container and engine once, for all families.
func (w *Writer) prepare(s *collector.Snapshot) {
	w.arena, w.blocks = w.arena[:0], w.blocks[:0]
	w.blocks = slices.Grow(w.blocks, 1+len(s.Containers)+len(s.Slices)+len(s.Engines))
	s.All(w.addBlock)
	for i := range s.Engines {
		start := len(w.arena)
		w.addEngine('{', s.Engines[i].Name)
		w.blocks = append(w.blocks, block{start: start, end: len(w.arena)})
	}
}

// addBlock renders the label block of one container, without the closing brace.
func (w *Writer) addBlock(c *collector.Container) {
	start := len(w.arena)
	w.addLabel('{', "id", c.ID)
	w.addLabel(',', "name", c.Name)
	w.addLabel(',', "image", c.Image)
	w.addEngine(',', c.Engine)
	end := len(w.arena)
	for i := range c.Labels {
		w.addLabel(',', c.Labels[i].Name, c.Labels[i].Value)
	}
	w.blocks = append(w.blocks, block{start, end, len(w.arena)})
}

// addEngine adds the label that tells engines apart to a label block, behind a comma or brace.
func (w *Writer) addEngine(before byte, name string) {
	if name != "" {
		w.addLabel(before, "engine", name)
	}
}

// addLabel adds a label to a label block, behind a comma or brace.
func (w *Writer) addLabel(before byte, name, value string) {
	w.arena = append(w.arena, before)
	w.arena = append(w.arena, name...)
	w.arena = append(w.arena, '=', '"')
	w.arena = appendEscaped(w.arena, value)
	w.arena = append(w.arena, '"')
}

// flush hands the gathered bytes on.
func (w *Writer) flush() {
	if w.err == nil && len(w.dst) > 0 {
		_, w.err = w.out.Write(w.dst)
	}
	w.dst = w.dst[:0]
}

// appendValue appends a number. Most are whole, and those are cheap.
func appendValue(dst []byte, v float64) []byte {
	const exact = 1 << 53 // beyond it a float64 cannot hold every whole number
	if v > -exact && v < exact {
		if n := int64(v); float64(n) == v {
			return strconv.AppendInt(dst, n, 10)
		}
	}
	switch {
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendEscaped appends a label value as it stands between quotes.
func appendEscaped(dst []byte, s string) []byte {
	plain := 0 // what lies before has been appended
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			if c != '\\' && c != '"' && c != '\n' {
				continue
			}
			dst = append(dst, s[plain:i-1]...)
			dst, plain = append(dst, '\\', escapeLetter(c)), i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[plain:i]...)
			dst, plain = append(dst, string(utf8.RuneError)...), i+1
		}
		i += size
	}
	return append(dst, s[plain:]...)
}

// escapeLetter is what stands behind the backslash.
func escapeLetter(c byte) byte {
	if c == '\n' {
		return 'n'
	}
	return c
}

// appendHelp appends a help text, in which quotes need no escape.
func appendHelp(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\':
			dst = append(dst, `\\`...)
		case '\n':
			dst = append(dst, `\n`...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}
