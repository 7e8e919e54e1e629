// Package shell is postern's HTTP server. It knows HTTP, tokens and connections; everything that an answer depends on is
// in the database, behind postern.handle.
package shell

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern/shell/admin"
	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
	"postern/shell/fault"
	"postern/shell/statement"
	"postern/shell/tracing"
)

const (
	idleTimeout  = 120 * time.Second // between two requests on a connection
	drainTimeout = 30 * time.Second  // for requests that run when the server stops
	maxHeader    = 4 << 20           // bytes of a header; longer ones are answered by net/http
	maxStreams   = 128               // requests at a time on an HTTP/2 connection
)

// Options are what a Server is made of.
type Options struct {
	Config   *config.Config
	Sources  config.Sources // where Config came from, for reloads
	Requests io.Writer      // log of answers
	Events   io.Writer      // log of events

	Connected func() // called once the database is reached; may be nil
}

// Server serves the API. Make one with New.
type Server struct {
	sources config.Sources
	log     *logger
	pool    *db.Pool
	state   atomic.Pointer[state]

	connected  atomic.Bool                 // whether the database was reached
	pooled     atomic.Pointer[fault.Fault] // why it was not, where that is a pooler
	retry      atomic.Int64                // seconds until the next attempt to connect
	complaint  atomic.Int64                // when a fault of all requests was last logged, in seconds
	reloads    sync.Mutex
	room       *room
	timeout    time.Duration // server-client-timeout
	states     int           // number of states so far, under reloads
	first      func()        // called once the database is reached
	statements *statement.Cache
	fatal      chan error
	listener   listening
	background sync.WaitGroup  // all that Run has begun but for the servers
	tokens     tokenSource     // its remote under reloads
	metrics    *admin.Metrics  // nil without an admin server
	tracer     *tracing.Tracer // nil where there are no traces

	main, admin net.Listener
	tls         *tls.Config // of main; nil without TLS
}

// New makes a server and opens its sockets. The database need not be there yet.
func New(options Options) (*Server, error) {
	c := options.Config
	s := &Server{
		sources:    options.Sources,
		log:        newLogger(c.LogFormat, options.Requests, options.Events),
		statements: statement.NewCache(c.DBStatementCacheSize),
		room:       newRoom(c.ServerMaxBytesInFlight),
		timeout:    time.Duration(c.ServerClientTimeout) * time.Second,
		fatal:      make(chan error, 1),
		first:      options.Connected,
		tokens:     tokenSource{counters: new(auth.Counters)},
	}
	s.tokens.debug = s.log.debug
	s.sources.DBURI = c.DBURI
	var err error
	if s.tokens.remote, err = s.remoteKeys(c); err != nil {
		return nil, err
	}
	s.state.Store(s.newState(c, nil))
	s.pool, err = db.Open(db.Options{
		URI: c.DBURI, Application: "postern/" + Version, Version: Version, Size: c.DBPool,
		AcquireTimeout: time.Duration(c.DBPoolAcquisitionTimeout) * time.Second,
		MaxLifetime:    time.Duration(c.DBPoolMaxLifetime) * time.Second,
		MaxIdle:        time.Duration(c.DBPoolMaxIdletime) * time.Second,
		Session:        s.session,
		Met:            s.meet,
		Debug:          s.log.debug,
		ReadURI:        c.DBURIRead,
		MaxLag:         time.Duration(c.DBReadMaxLag) * time.Second,
		Log:            s.log.event,
	})
	if err != nil {
		return nil, err
	}
	s.pool.SetDebug(c.LogLevel >= config.LogDebug)
	var untraced error
	if s.tracer, untraced = tracing.Open(Version, s.pool.Database(), s.log.event); untraced != nil {
		s.log.event("WARNING: there are no traces: %v", untraced)
	}
	if err = s.open(c); err == nil && s.admin != nil {
		s.metrics = admin.NewMetrics(s.pool.Stats, s.statements.Stats, s.tokens.counters)
	}
	return s, err
}

// open opens the sockets.
func (s *Server) open(c *config.Config) (err error) {
	if s.tls, err = s.tlsConfig(c.ServerTLSCert, c.ServerTLSKey); err != nil {
		return err
	}
	s.main, err = listen(socket{c.ServerHost, c.ServerPort, c.ServerReuseport, c.ServerUnixSocket, c.ServerUnixSocketMode})
	if err != nil {
		return err
	}
	if c.AdminServerPort == nil && c.AdminServerUnixSocket == "" {
		return nil
	}
	port := 0
	if c.AdminServerPort != nil {
		port = *c.AdminServerPort
	}
	s.admin, err = listen(socket{c.AdminServerHost, port, false, c.AdminServerUnixSocket, c.AdminServerUnixSocketMode})
	if err != nil {
		err = fmt.Errorf("admin server: %w", errors.Join(err, s.main.Close()))
	}
	return err
}

// Address gives where the API is served.
func (s *Server) Address() net.Addr { return s.main.Addr() }

// Run serves until the context ends, then lets running requests finish. It fails when the database has no postern or
// another version of it.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.log.event("Starting postern %s", Version)
	for _, warning := range s.state.Load().config.Warnings {
		s.log.event("WARNING: %s", warning)
	}
	s.log.event("Connection Pool initialized with a maximum size of %d connections", s.pool.Stats().Max)
	// There is nothing to route: every path and method goes to the database, which knows the API.
	servers := []*http.Server{s.newServer(http.HandlerFunc(s.serve))}
	servers[0].TLSConfig = s.tls
	s.start(servers[0], newLimited(s.main, servers[0], s.state.Load().config.ServerMaxConnections), "API server")
	if s.admin != nil {
		servers = append(servers, s.newServer(admin.Handler(s)))
		servers[1].ReadTimeout, servers[1].WriteTimeout = s.timeout, 2*s.timeout // its answers take no longer to be made
		s.start(servers[1], s.admin, "Admin server")
	}
	s.background.Go(func() { s.connect(ctx) })
	s.background.Go(func() { s.refreshRoles(ctx) })
	s.background.Go(func() { s.pool.WatchReplicas(ctx) })
	s.background.Go(func() { s.watchSignals(ctx) })

	var err error
	select {
	case <-ctx.Done():
		s.log.event("%s", stopped(ctx))
	case err = <-s.fatal:
	}
	stop()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(drain) != nil {
			_ = server.Close()
		}
	}
	s.background.Wait()
	s.reloads.Lock()
	if s.tokens.remote != nil {
		s.tokens.remote.Stop()
	}
	s.reloads.Unlock()
	s.pool.Close()
	s.tracer.Close()
	return err
}

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

func (s *Server) start(server *http.Server, listener net.Listener, name string) {
	s.log.event("%s listening on %s", name, listener.Addr())
	serve := server.Serve
	if server.TLSConfig != nil {
		serve = func(listener net.Listener) error { return server.ServeTLS(listener, "", "") }
	}
	go func() {
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("%s: %w", strings.ToLower(name), err))
		}
	}()
}

// fail stops the server.
func (s *Server) fail(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}

// faulted looks at an error that is answered: it logs what is the server's fault, and stops the server if it must not recover. Of
// what all requests meet while the database cannot be reached, or is too slow, it logs no more than a line a second.
func (s *Server) faulted(st *state, f *fault.Fault) {
	if f.Status < http.StatusInternalServerError {
		return
	}
	unavailable := f.Status == http.StatusServiceUnavailable || f.Status == http.StatusGatewayTimeout
	now := time.Now().Unix()
	last := s.complaint.Load()
	if (!unavailable || last != now && s.complaint.CompareAndSwap(last, now)) && st.config.LogLevel >= config.LogError {
		message, details := told(f)
		s.log.failure(f.Status, f.Code, message, details)
	}
	if f.Cause != nil && f.Status == http.StatusServiceUnavailable && !st.config.DBPoolAutomaticRecovery {
		s.fail(errors.New("the database cannot be reached and db-pool-automatic-recovery is off"))
	}
}

// retryAfter gives the seconds after which a client may try again.
func (s *Server) retryAfter() string {
	return strconv.FormatInt(max(s.retry.Load(), 1), 10)
}

// Live tells whether the API is served (for the admin server).
func (s *Server) Live() bool {
	if address, ok := s.main.Addr().(*net.UnixAddr); ok {
		_, err := os.Stat(address.Name)
		return err == nil
	}
	return true
}

// Ready tells whether requests can be answered: the keys of the issuer have arrived, if they come from one, and the
// database is reached, or all connections to it are in use.
func (s *Server) Ready(ctx context.Context) bool {
	if !s.connected.Load() || !s.state.Load().verifier.Ready() {
		return false
	}
	return s.pool.Busy() || s.pool.Check(ctx) == nil
}

// Metrics gives what is counted.
func (s *Server) Metrics() *admin.Metrics { return s.metrics }

// Schema returns what requests find in the exposed schemas, as JSON.
func (s *Server) Schema(ctx context.Context) ([]byte, error) {
	schema, err := s.pool.Schema(ctx, s.state.Load().config.DBSchemas)
	if err != nil {
		s.log.event("The schema was not described: %v", err)
	}
	return schema, err
}

// Settings gives the settings without secrets.
func (s *Server) Settings() string { return s.state.Load().config.DumpPublic() }
