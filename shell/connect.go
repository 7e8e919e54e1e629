package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
	"postern/shell/config"
	"postern/shell/db"
)

// What stands in the way of all requests.
var (
	errNotConnected = &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST000", Message: "Cannot connect to the database",
	}
	errSettings = &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST002", Message: "The settings in the database cannot be used",
	}
	errMissing = &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST002", Message: "A schema of the API does not exist",
	}
)

// reading reports whether the settings of the database have not been read yet.
func (s *Server) reading() bool { return !s.connected.Load() }

// connect tries to reach the database until it is there, listens, and reads its settings; then the API is served. While
// that fails it is served, too, and answers 503, but on a port that another process may serve. A database without
// postern, and a password that is refused, stop the server.
func (s *Server) connect(ctx context.Context) {
	var backoff db.Backoff
	known, logged := s.state.Load().config.Warnings, ""
	for {
		err := s.attempt(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		if s.hopeless(err) {
			return
		}
		pause := refreshPause
		if s.unreachable() {
			pause = backoff.Next()
			s.logUnreachable(err, pause)
		} else if text := err.Error(); text != logged && !errors.Is(err, errMissing) { // found has logged these by name
			s.log.event("Not ready: %s", text)
			logged = text
		}
		s.retry.Store(int64(pause / time.Second))
		if !s.state.Load().config.ServerReuseport {
			s.serveAPI()
		}
		if !db.Sleep(ctx, pause) {
			return
		}
	}
	s.retry.Store(0)
	s.warn(known...)
	s.tellServer(ctx)
	s.serveAPI()
	if s.first != nil {
		s.first()
	}
}

// tellServer logs which server was reached. It comes before the first request, which then finds a free connection.
func (s *Server) tellServer(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	if server, err := s.pool.Server(ctx); err == nil {
		s.log.event("Successfully connected to %s on %q", server.Version, server.Address)
	}
	if live, err := s.pool.Live(ctx); err == nil && !live {
		s.log.event("The database has no event triggers of postern, so it does not see DDL by itself: after DDL send "+
			"NOTIFY %s or SIGUSR1", s.state.Load().config.DBChannel)
	}
}

// attempt does what connect does, once. It listens, and meanwhile connects to read, before it reads: no NOTIFY is lost.
func (s *Server) attempt(ctx context.Context) error {
	checking, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	if err := s.pool.Check(checking); err != nil {
		s.obstacle.Store(cmp.Or(s.pool.PooledFault(err), errNotConnected))
		return err
	}
	err := s.readAfter(ctx, s.listen(ctx), func(ctx context.Context, reader *db.Reader) error {
		return s.reloadBy(ctx, reader, false)
	})
	if err != nil {
		s.obstacle.Store(errNotConnected)
		if isAnswer(err) {
			s.obstacle.Store(errSettings)
		}
		return err
	}
	if f := s.obstacle.Load(); f != nil {
		return f
	}
	return nil
}

// unreachable reports whether what stands in the way is that the database cannot be reached.
func (s *Server) unreachable() bool {
	f := s.obstacle.Load()
	return f != nil && f != errSettings && f != errMissing
}

func (s *Server) logUnreachable(err error, pause time.Duration) {
	if f := s.obstacle.Load(); f != errNotConnected { // it says what to do
		s.log.event("%s: %s (%v); trying again in %s", f.Message, f.Hint, err, pause)
		return
	}
	s.log.within(nil, nil).failure(
		http.StatusServiceUnavailable, errNotConnected.Code, "Database connection error.", err.Error())
	s.log.event("Attempting to reconnect to the database in %d seconds...", pause/time.Second)
}

// isAnswer reports whether an error is not that the database cannot be reached.
func isAnswer(err error) bool {
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	return !refused && !pgconn.Timeout(err) && !errors.Is(err, context.DeadlineExceeded)
}

// hopeless stops the server if trying again to connect is of no use, or unwanted.
func (s *Server) hopeless(err error) bool {
	missing, ok := errors.AsType[*db.NotInstalledError](err)
	switch {
	case ok:
		s.fail(missing)
	case !s.unreachable():
		return false
	case strings.HasPrefix(db.SQLState(err), "28") || !s.state.Load().config.DBPoolAutomaticRecovery:
		s.fail(fmt.Errorf("cannot connect to the database: %w", err))
	default:
		return false
	}
	return true
}

// lost stops the server if err says that the database was lost, not just that a query failed, and it must not recover.
func (s *Server) lost(err error) {
	answered, ok := errors.AsType[*pgconn.PgError](err)
	if s.state.Load().config.DBPoolAutomaticRecovery || db.IsFull(err) ||
		ok && answered.SeverityUnlocalized == "ERROR" {
		return
	}
	s.fail(fmt.Errorf("the database was lost, and db-pool-automatic-recovery is off: %w", err))
}

// warn logs the warnings of the configuration, but for those known.
func (s *Server) warn(known ...string) {
	for _, text := range s.state.Load().config.Warnings {
		if !slices.Contains(known, text) {
			s.log.warn("%s", text)
		}
	}
}

// schemasOf returns the schemas that a configuration names.
func schemasOf(c *config.Config) []string { return slices.Concat(c.DBSchemas, c.DBExtraSearchPath) }

// found notes which schemas are missing: while there are any, all requests are refused. Callers hold reloads.
func (s *Server) found(missing []string) {
	for _, schema := range missing {
		if slices.Contains(s.missing, schema) {
			continue
		}
		setting := "db-extra-search-path"
		if slices.Contains(s.state.Load().config.DBSchemas, schema) {
			setting = "db-schemas"
		}
		s.log.event("The schema %q of %s does not exist: requests are answered with 503", schema, setting)
	}
	if len(s.missing) > 0 && len(missing) == 0 {
		s.log.event("All schemas exist")
	}
	s.missing = missing
	s.connected.Store(true)
	if len(missing) > 0 {
		s.obstacle.Store(errMissing)
	} else {
		s.obstacle.Store(nil)
	}
}

// noteDDL has refresh look soon: a schema may be gone.
func (s *Server) noteDDL() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// serveAPI opens the API's socket, if that is not done yet, and answers what comes.
func (s *Server) serveAPI() {
	s.opening.Do(func() {
		c := s.state.Load().config
		listener := s.activated
		if listener == nil {
			var err error
			listener, err = listen(socket{c.ServerHost, c.ServerPort, c.ServerReuseport, c.ServerUnixSocket,
				c.ServerUnixSocketMode})
			if err != nil {
				s.fail(err)
				return
			}
		}
		s.main = newLimited(listener, s.api, c.ServerMaxConnections)
		s.start(s.api, s.main, "API server")
		close(s.opened)
		notify(daemon.SdNotifyReady)
	})
}
