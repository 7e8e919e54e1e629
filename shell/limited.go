package shell

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"postern/shell/db"
)

// limited is the listener of a server that has at most so many connections. Where there are as many, the one that no
// request has used for longest is closed; while all are in use, new ones wait.
type limited struct {
	net.Listener
	taken  chan struct{} // holds an element for each connection
	closed chan struct{}
	close  func() error

	open sync.WaitGroup // connections, and those that are being closed

	mutex sync.Mutex
	idle  map[net.Conn]time.Time // since when connections are not in use
	fresh map[net.Conn]struct{}  // of which no request was read yet
}

const (
	sheddingPeriod = 100 * time.Millisecond // how often an unused connection is looked for while new ones may wait
	idleEnough     = 500 * time.Millisecond // with HTTP/2 a connection is idle before its first request

	settleMost = 2 * time.Second
	settleLook = 5 * time.Millisecond
)

// newLimited makes the server tell the listener of its connections.
func newLimited(listener net.Listener, server *http.Server, most int) *limited {
	l := &limited{
		Listener: listener, taken: make(chan struct{}, most), closed: make(chan struct{}), idle: make(map[net.Conn]time.Time),
		fresh: make(map[net.Conn]struct{}),
	}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return listener.Close()
	})
	server.ConnState = l.note
	return l
}

// note is http.Server.ConnState. A connection is closed once; none is hijacked.
func (l *limited) note(conn net.Conn, state http.ConnState) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if state == http.StateNew {
		l.fresh[conn] = struct{}{}
	} else {
		delete(l.fresh, conn)
	}
	switch state {
	case http.StateIdle:
		l.idle[conn] = time.Now()
	case http.StateClosed:
		<-l.taken
		l.open.Done()
		fallthrough
	default:
		delete(l.idle, conn)
	}
}

func (l *limited) Accept() (net.Conn, error) {
	if !l.take() {
		return nil, net.ErrClosed
	}
	l.open.Add(1) // before it comes, so that drain misses none
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.taken
		l.open.Done()
	}
	return conn, err
}

// take waits until one more connection may be taken. It reports false when the listener was closed.
func (l *limited) take() bool {
	select {
	case l.taken <- struct{}{}:
		return true
	default:
	}
	for {
		l.shed()
		select {
		case l.taken <- struct{}{}:
			return true
		case <-l.closed:
			return false
		case <-time.After(sheddingPeriod):
		}
	}
}

// shed closes the connection that has been idle for longest, if one has been for some time.
func (l *limited) shed() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var longest net.Conn
	since := time.Now().Add(-idleEnough)
	for conn, t := range l.idle {
		if t.Before(since) {
			longest, since = conn, t
		}
	}
	if longest != nil {
		delete(l.idle, longest)
		l.open.Go(func() { _ = longest.Close() }) // over TLS it may have to say so
	}
}

func (l *limited) Close() error { return l.close() }

// settle closes the listener and lets the connections that it has given out begin their first request: one that is read
// once http.Server.Shutdown has begun is not answered. It does not wait for long: some clients connect ahead.
func (l *limited) settle(ctx context.Context) {
	_ = l.Close()
	ctx, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	for l.unread() > 0 && db.Sleep(ctx, settleLook) {
	}
}

func (l *limited) unread() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.fresh)
}
