package fakeengine

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// pipe is a listener in memory.
type pipe struct {
	name   string
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipe(name string) *pipe {
	p := &pipe{name: name, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.close()
	return nil
}

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return p }

// Network implements net.Addr.
func (p *pipe) Network() string { return "pipe" }

// String implements net.Addr.
func (p *pipe) String() string { return p.name }

// dial is the other end of Accept. A closed one refuses, as a socket does.
func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
