package shell

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// limited is the listener of a server that has at most so many connections. Where there are as many, the one that no request has
// used for longest is closed; while all are in use, new ones wait.
type limited struct {
	net.Listener
	taken  chan struct{} // holds an element for each connection
	closed chan struct{}
	close  func() error

	mutex sync.Mutex
	idle  map[net.Conn]time.Time // since when connections are not in use
}

const (
	sheddingPeriod = 100 * time.Millisecond // how often an unused connection is looked for while new ones may wait
	idleEnough     = 500 * time.Millisecond // with HTTP/2 a connection is idle before its first request
)

// newLimited makes the server tell the listener of its connections.
func newLimited(listener net.Listener, server *http.Server, most int) *limited {
	l := &limited{
		Listener: listener, taken: make(chan struct{}, most), closed: make(chan struct{}), idle: make(map[net.Conn]time.Time),
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
	switch state {
	case http.StateIdle:
		l.idle[conn] = time.Now()
	case http.StateClosed:
		<-l.taken
		fallthrough
	default:
		delete(l.idle, conn)
	}
}

func (l *limited) Accept() (net.Conn, error) {
	if !l.take() {
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.taken
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
		go func() { _ = longest.Close() }() // over TLS it may have to say so
	}
}

func (l *limited) Close() error { return l.close() }
