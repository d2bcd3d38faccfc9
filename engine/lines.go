package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lineReader reads a body that has no end line by line. It is not for concurrent use, but for close.
type lineReader struct {
	body   io.ReadCloser
	cancel func()
	reader *bufio.Reader
	line   []byte
	// maxLine bounds one line; of a longer one at most maxSkip bytes are passed over before the body is given up.
	maxLine int
	maxSkip int64
}

// errLineTooLong is a line that was passed over for its size.
var errLineTooLong = fmt.Errorf("line too long: %w", ErrTooLarge)

// close ends the body and any readLine that waits.
func (r *lineReader) close() {
	r.cancel()
	_ = r.body.Close()
}

// readLine returns the next line; it is valid until the next call. The last line counts only when it is complete. After
// errLineTooLong the next line can be read; every other error is the end.
func (r *lineReader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	var size int64
	for {
		part, err := r.reader.ReadSlice('\n')
		size += int64(len(part))
		if size <= int64(r.maxLine) {
			r.line = append(r.line, part...)
		}
		switch {
		case err == nil && size > int64(r.maxLine):
			return nil, fmt.Errorf("more than %d bytes: %w", r.maxLine, errLineTooLong)
		case err == nil:
			return r.line, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errStreamEnded // between two chunks, or within one
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("read stream: %w", err)
		case size > r.maxSkip:
			return nil, fmt.Errorf("stream sends no complete line in %d bytes: %w", size, ErrTooLarge)
		}
	}
}
