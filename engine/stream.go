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
type eventStream struct{ lineReader }

func newEventStream(body io.ReadCloser, cancel func(), maxSkip int64) *eventStream {
	return &eventStream{lineReader{
		body: body, cancel: cancel, reader: bufio.NewReaderSize(body, 16<<10),
		maxLine: maxEventBytes, maxSkip: maxSkip,
	}}
}

// next returns the next event. skippable errors concern one event only: the stream can be read on.
func (s *eventStream) next() (ev event, skippable bool, err error) {
	for {
		line, err := s.readLine()
		if err != nil {
			return event{}, errors.Is(err, errLineTooLong), fmt.Errorf("read event: %w", err)
		}
		line = bytes.Trim(line, "\x1e \t\r\n")
		if len(line) == 0 {
			continue
		}
		ev, err = decodeEvent(line)
		return ev, err != nil, err
	}
}
