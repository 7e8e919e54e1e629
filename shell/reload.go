package shell

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
)

const (
	rolesPeriod   = 10 * time.Second // how often the settings of roles are read
	reloadTimeout = 10 * time.Second // for reading settings from the database

	followPause = 200 * time.Millisecond // between two reloads that notifications ask for
)

// listening is the running LISTEN.
type listening struct {
	channel string // empty when there is none
	stop    context.CancelFunc
}

// newState names and computes a state. Callers hold reloads, or are alone.
func (s *Server) newState(c *config.Config, roles *db.Roles) *state {
	return newState(c, roles, s.tokens, s.nextGeneration())
}

// nextGeneration returns a name that no state had before.
func (s *Server) nextGeneration() string {
	s.states++
	return strconv.FormatInt(int64(s.states), 36)
}

// session is what a new connection to the database starts with.
func (s *Server) session() db.Session {
	st := s.state.Load()
	return db.Session{Prepared: st.config.DBPreparedStatements, SearchPath: string(st.searchPath)}
}

// connect tries to reach the database until it is there, reads its settings and starts to listen. A database without
// postern, and a password that is refused, stop the server.
func (s *Server) connect(ctx context.Context) {
	var backoff db.Backoff
	for {
		err := s.attempt(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		var missing *db.NotInstalledError
		var refused *pgconn.PgError
		if errors.As(err, &missing) {
			s.fail(missing)
			return
		}
		if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "28") || !s.state.Load().config.DBPoolAutomaticRecovery {
			s.fail(fmt.Errorf("cannot connect to the database: %w", err))
			return
		}
		pause := backoff.Next()
		s.retry.Store(int64(pause / time.Second))
		if pooled := s.pool.PooledFault(err); pooled != nil {
			s.pooled.Store(pooled)
			s.log.event("%s: %s (%v); trying again in %s", pooled.Message, pooled.Hint, err, pause)
		} else {
			s.pooled.Store(nil)
			s.log.failure(http.StatusServiceUnavailable, "PGRST000", "Database connection error.", err.Error())
			s.log.event("Attempting to reconnect to the database in %d seconds...", pause/time.Second)
		}
		if !db.Sleep(ctx, pause) {
			return
		}
	}
	s.retry.Store(0)
	if err := s.reload(ctx, false); err != nil && ctx.Err() == nil {
		s.log.event("Configuration: %v", err)
	}
	s.connected.Store(true)
	if server, err := s.pool.Server(ctx); err == nil {
		s.log.event("Successfully connected to %s on %q", server.Version, server.Address)
	}
	if live, err := s.pool.Live(ctx); err == nil && !live {
		s.log.event("The database has no event triggers of postern, so it does not see DDL by itself: after DDL send NOTIFY %s or SIGUSR1", s.state.Load().config.DBChannel)
	}
	if s.first != nil {
		s.first()
	}
	s.listen(ctx)
}

func (s *Server) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	return s.pool.Check(ctx)
}

// reload reads the configuration again and makes a new state of it; with renew also where nothing has changed, so that
// the database compiles every statement anew. On errors the old configuration stays.
func (s *Server) reload(ctx context.Context, renew bool) error {
	s.reloads.Lock()
	defer s.reloads.Unlock()
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	old := s.state.Load()
	c, err := s.readConfig(ctx, old.config)
	if err != nil {
		return err
	}
	var roles *db.Roles
	if roles, err = s.pool.ReadRoles(ctx); err != nil {
		s.log.event("%v", err)
		roles = old.roleSource
	} else if !c.DBConfig {
		roles.Settings = nil
	}
	replaced := s.tokens.remote
	renewed, err := s.remoteKeys(c)
	if err != nil {
		return err
	}
	s.tokens.remote = renewed
	st := s.newState(c, roles)
	s.pool.Changed()
	s.state.Store(st)
	s.pool.SetDebug(c.LogLevel >= config.LogDebug)
	if renewed != replaced && replaced != nil {
		replaced.Stop()
	}
	if renew || st.config.DBPreparedStatements != old.config.DBPreparedStatements || string(st.searchPath) != string(old.searchPath) {
		s.pool.Reset()
	}
	return nil
}

// remoteKeys gives the keys by the URL in jwt-secret, nil where that is none: those there are, which it has fetched again,
// or others if the URL has changed.
func (s *Server) remoteKeys(c *config.Config) (*auth.Remote, error) {
	current := s.tokens.remote
	switch {
	case !auth.IsURL(c.JWTSecret):
		return nil, nil
	case current != nil && current.URL() == c.JWTSecret:
		go current.Renew()
		return current, nil
	}
	made, err := auth.NewRemote(auth.RemoteOptions{URL: c.JWTSecret, Log: s.log.event, Counters: s.tokens.counters})
	if err == nil {
		made.Start()
	}
	return made, err
}

func (s *Server) readConfig(ctx context.Context, old *config.Config) (*config.Config, error) {
	sources := s.sources
	if old.DBConfig {
		var err error
		if sources.Database, err = s.pool.ReadSettings(ctx, old.DBPreConfig, config.DatabaseNames()); err != nil {
			return nil, err
		}
	}
	return config.Load(sources)
}

// Reload reads the configuration again, as SIGUSR2 and NOTIFY 'reload config' do.
func (s *Server) Reload(ctx context.Context) {
	err := s.reload(ctx, false)
	s.metrics.Reloaded(false, err)
	if err != nil {
		s.log.event("Failed reloading config: %v", err)
		return
	}
	for _, warning := range s.state.Load().config.Warnings {
		s.log.event("WARNING: %s", warning)
	}
	s.log.event("Config reloaded")
	s.listen(ctx)
}

// Renew makes the database compile every statement anew and replaces the connections, as SIGUSR1 and
// NOTIFY 'reload schema' do. Nothing of the schema is kept here.
func (s *Server) Renew(ctx context.Context) {
	err := s.reload(ctx, true)
	s.metrics.Reloaded(true, err)
	if err != nil {
		s.log.event("Failed reloading config: %v", err)
	}
	s.log.event("Connections and compiled statements renewed")
}

// refreshRoles reads roles and their settings from time to time, on a connection of its own: however busy the pool is, a membership
// that is revoked does not count for long.
func (s *Server) refreshRoles(ctx context.Context) {
	for db.Sleep(ctx, rolesPeriod) {
		if !s.connected.Load() {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, reloadTimeout)
		roles, err := s.pool.ReadRoles(limited)
		cancel()
		if err != nil {
			continue // requests tell when the database is lost
		}
		s.reloads.Lock()
		st := s.state.Load()
		if !st.config.DBConfig {
			roles.Settings = nil
		}
		if !reflect.DeepEqual(roles, st.roleSource) {
			s.pool.Changed()
			s.state.Store(st.withRoles(roles, s.nextGeneration()))
			s.log.event("Roles or their settings changed")
		}
		s.reloads.Unlock()
	}
}

// listen starts, stops or moves the LISTEN, as the configuration has it.
func (s *Server) listen(ctx context.Context) {
	c := s.state.Load().config
	s.reloads.Lock()
	defer s.reloads.Unlock()
	channel := c.DBChannel
	if !c.DBChannelEnabled {
		channel = ""
	}
	if channel == s.listener.channel {
		return
	}
	if s.listener.stop != nil {
		s.listener.stop()
		s.listener.stop = nil
	}
	s.listener.channel = channel
	if channel == "" {
		return
	}
	following, stop := context.WithCancel(ctx)
	s.listener.stop = stop
	messages := make(chan string, 16)
	s.background.Go(func() { s.follow(ctx, following, channel, messages) })
	s.background.Go(func() {
		s.pool.Listen(following, channel,
			func(again bool) {
				server := s.pool.Listener()
				s.log.event("Listener connected to %s on %q and listening for database notifications on the %q channel",
					server.Version, server.Address, channel)
				if again { // some may have been missed
					offer(messages, missed)
				}
			},
			func(payload string) { offer(messages, payload) },
			func(err error, pause time.Duration) {
				s.log.event("Failed listening for database notifications on the %q channel. %v", channel, err)
				s.log.event("Retrying listening for database notifications in %d seconds...", pause/time.Second)
			})
	})
}

// missed stands for the notifications that may have come while nobody listened. No payload is like it.
const missed = "\x00"

// offer passes a message on unless so many wait that one more changes nothing.
func offer(messages chan<- string, message string) {
	select {
	case messages <- message:
	default:
	}
}

// follow does what notifications ask for, until following ends. Those that came meanwhile are done together.
func (s *Server) follow(ctx, following context.Context, channel string, messages <-chan string) {
	for {
		schema, settings := false, false
		collect := func(message string) {
			switch message {
			case missed:
				schema, settings = true, true
			case "", "reload schema":
				s.log.event("Received a schema cache reload message on the %q channel", channel)
				schema, settings = true, settings || message == ""
			case "reload config":
				s.log.event("Received a config reload message on the %q channel", channel)
				settings = true
			}
		}
		select {
		case <-following.Done():
			return
		case message := <-messages:
			collect(message)
		}
		for len(messages) > 0 {
			collect(<-messages)
		}
		if schema {
			s.Renew(ctx)
		}
		if settings {
			s.Reload(ctx)
		}
		if !db.Sleep(following, followPause) {
			return
		}
	}
}

// watchSignals renews on SIGUSR1 and reloads on SIGUSR2.
func (s *Server) watchSignals(ctx context.Context) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case which := <-signals:
			s.log.event("Received unix signal %s", unix.SignalName(which.(syscall.Signal)))
			if which == syscall.SIGUSR1 {
				s.Renew(ctx)
			} else {
				s.Reload(ctx)
			}
		}
	}
}
