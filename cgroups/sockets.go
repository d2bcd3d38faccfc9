package cgroups

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	// maxSocketBytes bounds what is read of one table of sockets: 400 000 connections.
	maxSocketBytes = 64 << 20
	// chunkBytes is how much of a table is held at a time. It is longer than any line.
	chunkBytes = 32 << 10
)

var errManySockets = fmt.Errorf("larger than %d bytes: %w", maxSocketBytes, errTooMany)

// socketTable is one of the tables of sockets of a network namespace.
type socketTable struct {
	name string // below /proc/<pid>
	part Parts
	// parse takes as many whole lines as there are; it is called once for each chunk.
	parse func(l *lines, s *Sockets)
	// forget makes the table's numbers unknown.
	forget func(s *Sockets)
}

// socketFile is a table of one network namespace.
type socketFile struct {
	socketTable
	path string
}

func socketTables() []socketTable {
	tcp := func(name string, field func(*Sockets) *TCPStates) socketTable {
		return socketTable{
			name, PartTCP,
			func(l *lines, s *Sockets) { parseTCP(l, field(s)) },
			func(s *Sockets) { *field(s) = unknownTCP() },
		}
	}
	udp := func(name string, field func(*Sockets) *UDPSockets) socketTable {
		return socketTable{
			name, PartUDP,
			func(l *lines, s *Sockets) { parseUDP(l, field(s)) },
			func(s *Sockets) { *field(s) = unknownUDP() },
		}
	}
	return []socketTable{
		tcp("net/tcp", func(s *Sockets) *TCPStates { return &s.TCP }),
		tcp("net/tcp6", func(s *Sockets) *TCPStates { return &s.TCP6 }),
		udp("net/udp", func(s *Sockets) *UDPSockets { return &s.UDP }),
		udp("net/udp6", func(s *Sockets) *UDPSockets { return &s.UDP6 }),
	}
}

func unknownTCP() TCPStates {
	nan := unknown()
	return TCPStates{nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan}
}

func unknownUDP() UDPSockets {
	nan := unknown()
	return UDPSockets{nan, nan, nan, nan}
}

// readSockets fills what the tables of sockets say. They are opened anew for each reading, as net/dev is. A table that cannot be
// read or understood to its end is unknown as a whole: a part of it would be a false count.
func (h *Handle) readSockets(s *Stats, bad Errors) Errors {
	if len(h.sockets) == 0 {
		return bad
	}
	s.Sockets = &Sockets{unknownTCP(), unknownTCP(), unknownUDP(), unknownUDP()}
	for i := range h.sockets {
		f := &h.sockets[i]
		err := h.r.stream(f, s.Sockets)
		if err == nil {
			continue
		}
		f.forget(s.Sockets)
		var parse *ParseError
		switch {
		case ended(err): // or this kernel has no IPv6
		case errors.As(err, &parse):
			bad = append(bad, &FileError{File: f.name, Reason: "parse", Err: err})
		default:
			bad = append(bad, &FileError{File: f.name, Reason: reasonOf(err), Err: err})
		}
	}
	return bad
}

// stream reads a table a chunk at a time, so that no table is ever held as a whole.
func (r *Reader) stream(f *socketFile, s *Sockets) error {
	fd, err := openFile(unix.AT_FDCWD, f.path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if r.lines == nil {
		r.lines = make([]byte, chunkBytes)
	}
	var l lines
	for held, total := 0, 0; ; {
		n, err := unix.Read(fd, r.lines[held:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		held, total = held+n, total+n
		if total > maxSocketBytes {
			return errManySockets
		}
		whole := held
		if n > 0 {
			whole = bytes.LastIndexByte(r.lines[:held], '\n') + 1
		}
		l.rest = r.lines[:whole]
		f.parse(&l, s)
		if n == 0 || l.first != nil {
			return l.end()
		}
		held = copy(r.lines, r.lines[whole:held])
		if held == len(r.lines) {
			return parseError(l.n+1, r.lines, errFormat)
		}
	}
}

// end gives the first line that could not be understood; a table without even its heading is no table.
func (l *lines) end() error {
	if l.first == nil && l.n == 0 {
		return parseError(1, nil, errEmpty)
	}
	return l.first
}
