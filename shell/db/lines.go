package db

import (
	"context"
	"net"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// lines are the connections of a Pool that are open, whatever for: requests, LISTEN, settings, cancelling a query.
type lines struct {
	life  context.Context // until abort
	end   context.CancelFunc
	mutex sync.Mutex
	open  map[*line]struct{}
}

// A line is a connection among lines. It is a syscall.Conn for healthy.
type line struct {
	net.Conn
	of *lines
}

func newLines() *lines {
	l := &lines{open: make(map[*line]struct{})}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// dialer returns what dials as dial does, and keeps account of it.
func (l *lines) dialer(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(l.life, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.mutex.Lock()
		defer l.mutex.Unlock()
		if l.life.Err() != nil {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		made := &line{conn, l}
		l.open[made] = struct{}{}
		return made, nil
	}
}

// abort closes all connections. No other can be made.
func (l *lines) abort() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.end()
	for one := range l.open {
		_ = one.Conn.Close()
	}
}

// Close closes the connection.
func (l *line) Close() error {
	l.of.mutex.Lock()
	delete(l.of.open, l)
	l.of.mutex.Unlock()
	return l.Conn.Close()
}

// SyscallConn returns the connection's socket.
func (l *line) SyscallConn() (syscall.RawConn, error) {
	if source, ok := l.Conn.(syscall.Conn); ok {
		return source.SyscallConn()
	}
	return nil, syscall.EINVAL
}

// Abort closes all connections without waiting for the servers, and lets no other be made: what waits for one ends.
func (p *Pool) Abort() { p.options.lines.abort() }
