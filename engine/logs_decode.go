package engine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// frameHeader is what stands before each message of a container without a terminal: the stream, three zeros, and the length,
// the highest byte first.
const frameHeader = 8

// logReader puts the lines of a log together. The library's own reader (stdcopy) makes room for as much as a header says, up to 4 GiB,
// before anything has come; this one keeps only what is shown.
type logReader struct {
	lines []LogLine
	size  int         // of all lines
	open  [3]openLine // the line that is being written, by stream; the first is that of a terminal
}

// openLine is the beginning of a line.
type openLine struct {
	text    []byte
	started bool // there is one
	cut     bool // it was longer
}

// readLogs reads the answer of GET /containers/{id}/logs?timestamps=1. Every message begins with a time, which begins with a
// digit, unless a header comes first, which begins with the number of its stream. That tells what a container with a terminal wrote from
// what another one did, also where the engine does not (API versions below 1.42).
func readLogs(body io.Reader) ([]LogLine, error) {
	in := bufio.NewReaderSize(body, 32<<10)
	var r logReader
	first, err := in.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read logs: %w", err)
	case first[0] < ' ':
		err = r.framed(in)
	default:
		err = r.plain(in)
	}
	if err != nil {
		return nil, fmt.Errorf("read logs: %w", err)
	}
	for stream := range r.open {
		r.end(stream)
	}
	return r.lines, nil
}

// plain reads what a terminal was sent.
func (r *logReader) plain(in *bufio.Reader) error {
	for {
		part, err := in.ReadSlice('\n')
		r.write(0, part)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// framed reads messages with headers. A frame is one message: a driver cuts a long line into several, each with a time before it, of
// which only the last ends the line.
func (r *logReader) framed(in *bufio.Reader) error {
	var header [frameHeader]byte
	for {
		_, err := io.ReadFull(in, header[:])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		stream, length := int(header[0]), int64(binary.BigEndian.Uint32(header[4:]))
		if stream > 3 || header[1]|header[2]|header[3] != 0 {
			return fmt.Errorf("a header of % x: %w", header, errMalformed)
		}
		if stream == 3 {
			return engineSays(io.LimitReader(in, min(length, maxLogLine)))
		}
		if err := r.message(in, max(stream, 1), length); err != nil {
			return err
		}
	}
}

// engineSays reads what an engine says that fails in the middle.
func engineSays(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return fmt.Errorf("the engine says: %s", oneLine(string(text)))
}

// message reads one frame.
func (r *logReader) message(in *bufio.Reader, stream int, length int64) error {
	part := make([]byte, min(length, int64(maxLogMessage)))
	n, err := io.ReadFull(in, part)
	part = part[:n]
	if err == nil {
		err = r.skip(in, length-int64(n), &part)
	}
	if r.open[stream].started {
		_, part = cutStamp(part) // the first one of the line counts
	}
	for len(part) > 0 {
		end := bytes.IndexByte(part, '\n') + 1
		if end == 0 {
			end = len(part)
		}
		r.write(stream, part[:end])
		part = part[end:]
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // within a message
	}
	return err
}

// skip passes over the rest of a frame that is longer than what is kept; only whether it ends a line matters.
func (r *logReader) skip(in *bufio.Reader, rest int64, part *[]byte) error {
	if rest == 0 {
		return nil
	}
	if _, err := io.CopyN(io.Discard, in, rest-1); err != nil {
		return err
	}
	last, err := in.ReadByte()
	*part = append(*part, '.', last) // one more than is kept, so that the line is known to be cut
	return err
}

// write adds to the line of a stream, and ends it with its line feed.
func (r *logReader) write(stream int, part []byte) {
	l := &r.open[stream]
	if len(part) == 0 {
		return
	}
	l.started = true
	ends := part[len(part)-1] == '\n'
	if ends {
		part = bytes.TrimSuffix(part[:len(part)-1], []byte("\r"))
	}
	room := maxLogMessage - len(l.text)
	if len(part) > room {
		part, l.cut = part[:max(room, 0)], true
	}
	l.text = append(l.text, part...)
	if ends {
		r.end(stream)
	}
}

// end takes in the line of a stream, if there is one.
func (r *logReader) end(stream int) {
	l := &r.open[stream]
	if !l.started {
		return
	}
	at, text := cutStamp(l.text)
	if len(text) > maxLogLine {
		text, l.cut = text[:maxLogLine], true
	}
	out := LogLine{Time: at, Stream: [...]string{"", "stdout", "stderr"}[stream], Text: harmless(text)}
	if l.cut {
		out.Text += "…"
	}
	r.lines, r.size = append(r.lines, out), r.size+len(out.Text)
	for r.size > maxLogText || len(r.lines) > MaxLogLines {
		r.size -= len(r.lines[0].Text)
		r.lines = r.lines[1:]
	}
	*l = openLine{text: l.text[:0]}
}

// stampLayout is how engines write the time before a line.
const stampLayout = "2006-01-02T15:04:05.000000000Z07:00"

// maxLogMessage is what is kept of a line with its time.
const maxLogMessage = len(stampLayout) + 1 + maxLogLine

// cutStamp takes the time off the beginning of a message; zero = there is none.
func cutStamp(message []byte) (time.Time, []byte) {
	stamp, text, found := bytes.Cut(message, []byte(" "))
	if !found {
		stamp, text = message, nil // podman puts no space before nothing
	}
	if len(stamp) > len(stampLayout) {
		return time.Time{}, message
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, message
	}
	return at.UTC(), text
}

// harmless makes text of what a container wrote, which may have meant to paint a terminal, or worse: sequences that a terminal
// obeys are left out, and other control characters become pictures of themselves. What is not UTF-8 is replaced.
func harmless(text []byte) string {
	var out strings.Builder
	for len(text) > 0 {
		if n := escapeSequence(text); n > 0 {
			text = text[n:]
			continue
		}
		c, n := utf8.DecodeRune(text)
		text = text[n:]
		switch {
		case c == '\t':
			out.WriteByte('\t')
		case c < ' ':
			out.WriteRune('\u2400' + c)
		case c == 0x7f:
			out.WriteRune('\u2421')
		case unicode.IsControl(c), turnsText(c), c == '\u2028', c == '\u2029':
			out.WriteRune(utf8.RuneError)
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// turnsText says whether a character changes the direction of what follows, so that text reads as what it is not.
func turnsText(c rune) bool {
	return c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' || c == '\u200e' || c == '\u200f' || c == '\u061c'
}

// escapeSequence is the length of the sequence for terminals (ECMA-48) at the beginning of a text; 0 = there is none, or no end
// of it.
func escapeSequence(text []byte) int {
	if len(text) < 2 || text[0] != 0x1b {
		return 0
	}
	switch c := text[1]; {
	case c == '[':
		return controlSequence(text)
	case bytes.IndexByte([]byte("]P_^X"), c) >= 0:
		return controlString(text)
	case c >= 0x20 && c <= 0x2f: // a character set: one more
		return min(3, len(text))
	case c >= 0x30 && c <= 0x7e:
		return 2
	}
	return 0
}

// controlSequence is the length of parameters and the letter that ends them.
func controlSequence(text []byte) int {
	for n := 2; n < len(text); n++ {
		switch c := text[n]; {
		case c < 0x20 || c > 0x7e:
			return 0
		case c >= 0x40:
			return n + 1
		}
	}
	return 0
}

// controlString is the length of a text for the terminal, such as its title, which ends with BEL or ESC \.
func controlString(text []byte) int {
	for n := 2; n < len(text); n++ {
		switch text[n] {
		case 0x07:
			return n + 1
		case 0x1b:
			return min(n+2, len(text))
		}
	}
	return 0
}
