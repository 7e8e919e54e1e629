package shell

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"postern/shell/db"
)

const (
	idleTimeout = 120 * time.Second // between two requests on a connection
	maxHeader   = 4 << 20           // bytes of a header; longer ones are answered by net/http
	maxStreams  = 128               // requests at a time on an HTTP/2 connection
	abortGrace  = time.Second       // for the database to end what runs, after server-drain-timeout
	partTime    = 250 * time.Millisecond
)

// newServer returns a server, the API's or the admin server, without TLS.
func (s *Server) newServer(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Protocols:         protocols,
		Handler:           handler,
		ReadHeaderTimeout: s.timeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          s.log.standard(),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      s.timeout, // to a client that is silent,
			PingTimeout:          s.timeout, // which has so long to answer
			WriteByteTimeout:     s.timeout,
		},
	}
}

// start begins to serve what comes in on the listener; if that ends before it should, the program does.
func (s *Server) start(server *http.Server, listener net.Listener, name string) {
	s.log.event("%s listening on %s", name, listener.Addr())
	serve := server.Serve
	if server.TLSConfig != nil {
		serve = func(listener net.Listener) error { return server.ServeTLS(listener, "", "") }
	}
	s.background.Go(func() {
		if err := serve(listener); !s.stopping.Load() {
			s.fail(fmt.Errorf("%s: %w", strings.ToLower(name), err))
		}
	})
}

// part has connections end with an answer, for a moment, on a port that another process serves by now: what a client
// sends while its connection is closed as idle is lost to it.
func (s *Server) part(ctx context.Context) {
	_ = s.main.Close() // who connects now comes to the other process
	s.parting.Store(true)
	db.Sleep(ctx, partTime)
}

// drain lets running requests finish, for server-drain-timeout, then ends them. The admin server answers meanwhile.
func (s *Server) drain() {
	c := s.state.Load().config
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.ServerDrainTimeout)*time.Second)
	defer cancel()
	s.opening.Do(func() {}) // if it is not served by now, it never is
	if s.main != nil {
		if s.activated == nil && c.ServerReuseport {
			leave(ctx, s.main.Listener)
			s.part(ctx)
		}
		s.api.SetKeepAlivesEnabled(false) // closes those that are idle
		s.main.settle(ctx)
	}
	for _, server := range []*http.Server{s.api, s.adminServer} {
		if server == nil || server.Shutdown(ctx) == nil {
			continue
		}
		if server == s.api {
			s.log.event("Requests that run for longer than server-drain-timeout are ended")
		}
		_ = server.Close()
	}
	if s.main != nil {
		s.main.open.Wait()
	}
}
