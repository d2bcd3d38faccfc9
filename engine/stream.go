package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxEventBytes bounds one event; a container's labels are part of each of its events.
const maxEventBytes = 1 << 20

// eventStream reads events line by line. Every engine ends an event with a line feed, also those that send json-seq, which
// puts a record separator before it. Not for concurrent use, but for close.
type eventStream struct {
	body    io.ReadCloser
	cancel  func()
	reader  *bufio.Reader
	line    []byte
	maxSkip int64 // how much of an oversized event is skipped before the stream is given up
}

func newEventStream(body io.ReadCloser, cancel func(), maxSkip int64) *eventStream {
	return &eventStream{body: body, cancel: cancel, reader: bufio.NewReaderSize(body, 16<<10), maxSkip: maxSkip}
}

// close ends the stream and any next that waits.
func (s *eventStream) close() {
	s.cancel()
	_ = s.body.Close()
}

// next returns the next event. skippable errors concern one event only: the stream can be read on.
func (s *eventStream) next() (ev event, skippable bool, err error) {
	for {
		line, err := s.readLine()
		if err != nil {
			return event{}, errors.Is(err, errEventTooLarge), err
		}
		line = bytes.Trim(line, "\x1e \t\r\n")
		if len(line) == 0 {
			continue
		}
		ev, err = decodeEvent(line)
		return ev, err != nil, err
	}
}

// errEventTooLarge is an event that was skipped for its size.
var errEventTooLarge = fmt.Errorf("event of more than %d bytes: %w", maxEventBytes, ErrTooLarge)

// readLine returns the next line; it is valid until the next call. The last line counts only when it is complete.
func (s *eventStream) readLine() ([]byte, error) {
	s.line = s.line[:0]
	var size int64
	for {
		part, err := s.reader.ReadSlice('\n')
		size += int64(len(part))
		if size <= maxEventBytes {
			s.line = append(s.line, part...)
		}
		switch {
		case err == nil && size > maxEventBytes:
			return nil, errEventTooLarge
		case err == nil:
			return s.line, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errStreamEnded // between two chunks, or within one
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("read event stream: %w", err)
		case size > s.maxSkip:
			return nil, fmt.Errorf("event stream sends no complete event in %d bytes: %w", size, ErrTooLarge)
		}
	}
}
