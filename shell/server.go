// Package shell is postern's HTTP server. It knows HTTP, tokens and connections; everything that an answer depends on
// is in the database, behind postern.handle.
package shell

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/singleflight"

	"postern/shell/admin"
	"postern/shell/apierror"
	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
	"postern/shell/statement"
	"postern/shell/tracing"
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

	connected  atomic.Bool                    // whether the settings of the database were read
	obstacle   atomic.Pointer[apierror.Error] // how all requests are answered; nil where all is well
	stopping   atomic.Bool                    // whether it no longer counts as ready
	parting    atomic.Bool                    // whether answers end their connections
	retry      atomic.Int64                   // seconds until the next attempt to connect
	complaint  atomic.Int64                   // when a fault of all requests was last logged, in seconds
	reloads    sync.Mutex
	room       *room
	streams    chan struct{} // has an element for each body and answer that streams
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
	missing    []string        // schemas that do not exist, under reloads
	changed    chan struct{}   // has an element when there was DDL
	describing sync.Mutex
	probes     singleflight.Group // of the database

	api, adminServer *http.Server
	main             *limited      // the API's socket, once opened is closed
	opened           chan struct{} // closed once the API is served
	opening          sync.Once
	ended            chan struct{} // closed when Run returns
	activated        net.Listener  // the API's socket, where the service manager has opened it
	admin            net.Listener  // nil for none
	tls              *tls.Config   // of the API; nil without TLS
}

// New makes a server and opens the socket of its admin server. The database need not be there yet.
func New(options Options) (*Server, error) {
	c := options.Config
	s := &Server{
		sources:    options.Sources,
		log:        newLogger(c.LogFormat, options.Requests, options.Events),
		statements: statement.NewCache(c.DBStatementCacheSize),
		room:       newRoom(c.ServerMaxBytesInFlight),
		streams:    make(chan struct{}, streamsAtOnce(c.DBMaxStreams, c.DBPool)),
		timeout:    time.Duration(c.ServerClientTimeout) * time.Second,
		fatal:      make(chan error, 1),
		first:      options.Connected,
		tokens:     tokenSource{counters: new(auth.Counters)},
		changed:    make(chan struct{}, 1),
		opened:     make(chan struct{}),
		ended:      make(chan struct{}),
	}
	s.tokens.debug = s.log.debug
	s.obstacle.Store(errNotConnected)
	s.sources.DBURI, s.sources.DBURIRead = c.DBURI, c.DBURIRead
	var err error
	if s.tokens.remote, err = s.remoteKeys(c); err != nil {
		return nil, err
	}
	s.state.Store(newState(c, nil, s.tokens, s.nextGeneration()))
	s.pool, err = db.Open(db.Options{
		URI: c.DBURI, Version: Version, Size: c.DBPool,
		AcquireTimeout: time.Duration(c.DBPoolAcquisitionTimeout) * time.Second,
		MaxLifetime:    time.Duration(c.DBPoolMaxLifetime) * time.Second,
		MaxIdle:        time.Duration(c.DBPoolMaxIdletime) * time.Second,
		Session:        s.session,
		OnVersion:      s.versionChanged,
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
		s.log.warn("there are no traces: %v", untraced)
	}
	if err = s.open(c); err == nil && s.admin != nil {
		s.metrics = admin.NewMetrics(s.pool.Stats, s.statements.Stats, s.tokens.counters)
	}
	return s, err
}

// open takes the sockets that the service manager has opened, and opens the admin server's.
func (s *Server) open(c *config.Config) (err error) {
	if s.tls, err = s.tlsConfig(c.ServerTLSCert, c.ServerTLSKey); err != nil {
		return err
	}
	if s.activated, s.admin, err = activated(); err != nil {
		return err
	}
	if s.admin != nil || c.AdminServerPort == nil && c.AdminServerUnixSocket == "" {
		return nil
	}
	port := 0
	if c.AdminServerPort != nil {
		port = *c.AdminServerPort
	}
	s.admin, err = listen(socket{c.AdminServerHost, port, false, c.AdminServerUnixSocket, c.AdminServerUnixSocketMode})
	if err != nil {
		err = fmt.Errorf("admin server: %w", err)
	}
	return err
}

// Address returns where the API is served, once it is; nil where it never was.
func (s *Server) Address() net.Addr {
	select {
	case <-s.opened:
		return s.main.Addr()
	case <-s.ended:
		return nil
	}
}

// Run serves until the context ends, then lets requests finish. It fails if the database lacks a postern that it knows.
func (s *Server) Run(ctx context.Context) error {
	defer close(s.ended)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.log.event("Starting postern %s", Version)
	s.warn()
	s.log.event("Connection Pool initialized with a maximum size of %d connections", s.pool.Stats().Max)
	// There is nothing to route: every path and method goes to the database, which knows the API.
	s.api = s.newServer(http.HandlerFunc(s.serve))
	s.api.TLSConfig = s.tls
	if s.admin != nil {
		s.adminServer = s.newServer(admin.Handler(s))
		// Its answers take no longer to be made.
		s.adminServer.ReadTimeout, s.adminServer.WriteTimeout = s.timeout, 2*s.timeout
		s.start(s.adminServer, s.admin, "Admin server")
	}
	s.background.Go(func() { s.connect(ctx) })
	s.background.Go(func() { s.refresh(ctx) })
	s.background.Go(func() { s.pool.WatchReplicas(ctx) })
	s.background.Go(func() { s.watchSignals(ctx) })
	s.background.Go(func() { watchdog(ctx) })

	var err error
	select {
	case <-ctx.Done():
		s.log.event("%s", stopped(ctx))
	case err = <-s.fatal:
	}
	s.stopping.Store(true)
	notify(daemon.SdNotifyStopping)
	stop()
	limit := time.Duration(s.state.Load().config.ServerDrainTimeout)*time.Second + abortGrace
	defer time.AfterFunc(limit, s.pool.Abort).Stop()
	s.drain()
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

// fail stops the server.
func (s *Server) fail(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}

// faulted logs an error that is answered if it is the server's fault, and stops the server if it must not recover. Of
// what all requests meet while the database cannot be reached, or is too slow, it logs no more than a line a second.
func (s *Server) faulted(st *state, f *apierror.Error, log within) {
	if f.Status < http.StatusInternalServerError {
		return
	}
	unavailable := f.Status == http.StatusServiceUnavailable || f.Status == http.StatusGatewayTimeout
	now := time.Now().Unix()
	last := s.complaint.Load()
	if (!unavailable || last != now && s.complaint.CompareAndSwap(last, now)) && st.config.LogLevel >= config.LogError {
		message, details := logText(f)
		log.failure(f.Status, f.Code, message, details)
	}
	if f.Cause != nil && f.Status == http.StatusServiceUnavailable {
		s.lost(f.Cause)
	}
}

// retryAfter returns the seconds after which a client may try again.
func (s *Server) retryAfter() string {
	return strconv.FormatInt(max(s.retry.Load(), 1), 10)
}

// Metrics returns what is counted.
func (s *Server) Metrics() *admin.Metrics { return s.metrics }

// Schema returns what requests find in the exposed schemas, as JSON. One at a time: each takes its own connection.
func (s *Server) Schema(ctx context.Context) ([]byte, error) {
	s.describing.Lock()
	defer s.describing.Unlock()
	schema, err := s.pool.Schema(ctx, s.state.Load().config.DBSchemas)
	if err != nil {
		s.log.event("The schema was not described: %v", err)
	}
	return schema, err
}

// Settings returns the settings without secrets.
func (s *Server) Settings() string { return s.state.Load().config.DumpPublic() }
