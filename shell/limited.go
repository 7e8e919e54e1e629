package shell

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// limited is the listener of a server that has at most so many connections. Where there are as many, those that no request uses are
// closed, and new ones wait until there is room.
type limited struct {
	net.Listener
	server *http.Server
	taken  chan struct{} // holds an element for each connection
	closed chan struct{}
	close  func() error
}

// sheddingPeriod is how often unused connections are looked for while new ones wait.
const sheddingPeriod = time.Second

// newLimited makes the server tell the listener of its connections.
func newLimited(listener net.Listener, server *http.Server, most int) *limited {
	l := &limited{Listener: listener, server: server, taken: make(chan struct{}, most), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return listener.Close()
	})
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed { // comes once for each; nothing is hijacked
			<-l.taken
		}
	}
	return l
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.taken <- struct{}{}:
	default:
		if !l.wait() {
			return nil, net.ErrClosed
		}
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.taken
	}
	return conn, err
}

// wait waits for room and reports whether there is some, not so when the listener was closed.
func (l *limited) wait() bool {
	defer l.server.SetKeepAlivesEnabled(true)
	for {
		l.server.SetKeepAlivesEnabled(false) // closes those that are idle
		select {
		case l.taken <- struct{}{}:
			return true
		case <-l.closed:
			return false
		case <-time.After(sheddingPeriod):
		}
	}
}

func (l *limited) Close() error { return l.close() }
