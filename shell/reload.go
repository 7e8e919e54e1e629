package shell

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
)

const reloadTimeout = 10 * time.Second // for reading settings from the database

// nextGeneration returns a name that no state had before. Callers hold reloads, or are alone.
func (s *Server) nextGeneration() string {
	s.states++
	return strconv.FormatInt(int64(s.states), 36)
}

// session is what a new connection to the database starts with.
func (s *Server) session() db.Session {
	st := s.state.Load()
	return db.Session{Prepared: st.config.DBPreparedStatements, SearchPath: string(st.searchPath)}
}

// reload reads the configuration again and makes a new state of it; with renew also where nothing has changed, so that
// the database compiles every statement anew. On errors, which it logs, the old configuration stays.
func (s *Server) reload(ctx context.Context, renew bool) error {
	err := s.read(ctx, func(ctx context.Context, reader *db.Reader) error { return s.reloadBy(ctx, reader, renew) })
	s.metrics.Reloaded(renew, err)
	if err != nil {
		s.log.event("Failed reloading config: %v", err)
	}
	return err
}

func (s *Server) reloadBy(ctx context.Context, reader *db.Reader, renew bool) error {
	old := s.state.Load()
	c := old.config
	if c.DBConfig || !renew { // without db-config only SIGUSR2 and its like read the file again
		read, err := s.readConfig(ctx, reader, c)
		switch {
		case err == nil:
			c = read
		case !renew || s.reading():
			return err
		default:
			s.log.event("Failed reloading config: %v", err)
		}
	}
	roles, err := readRoles(ctx, reader, c)
	if err != nil {
		if s.reading() { // else the old ones stay
			return err
		}
		s.log.event("%v", err)
		roles = old.roleSource
	}
	missing, err := reader.Missing(ctx, schemasOf(c))
	if err != nil {
		return err
	}
	replaced := s.tokens.remote
	renewed, err := s.remoteKeys(c)
	if err != nil {
		return err
	}
	s.tokens.remote = renewed
	st := newState(c, roles, s.tokens, s.nextGeneration())
	s.pool.Changed()
	s.state.Store(st)
	s.pool.SetDebug(c.LogLevel >= config.LogDebug)
	if renewed != replaced && replaced != nil {
		replaced.Stop()
	}
	if renew || st.config.DBPreparedStatements != old.config.DBPreparedStatements ||
		string(st.searchPath) != string(old.searchPath) {
		s.pool.Reset()
	}
	s.found(missing)
	return nil
}

// readRoles reads the roles; their settings count only with db-config.
func readRoles(ctx context.Context, reader *db.Reader, c *config.Config) (*db.Roles, error) {
	roles, err := reader.Roles(ctx)
	if err == nil && !c.DBConfig {
		roles.Settings = nil
	}
	return roles, err
}

// remoteKeys returns the keys by the URL in jwt-secret, nil if it is none: the current ones, renewed, or of a new URL.
func (s *Server) remoteKeys(c *config.Config) (*auth.Remote, error) {
	current := s.tokens.remote
	switch {
	case !auth.IsURL(c.JWTSecret):
		return nil, nil
	case current != nil && current.URL() == c.JWTSecret:
		s.background.Go(current.Renew)
		return current, nil
	}
	made, err := auth.NewRemote(auth.RemoteOptions{URL: c.JWTSecret, Log: s.log.event, Counters: s.tokens.counters})
	if err == nil {
		made.Start()
	}
	return made, err
}

func (s *Server) readConfig(ctx context.Context, reader *db.Reader, old *config.Config) (*config.Config, error) {
	sources := s.sources
	if old.DBConfig {
		var err error
		if sources.Database, err = reader.Settings(ctx, old.DBPreConfig, config.DatabaseNames()); err != nil {
			return nil, err
		}
	}
	return config.Load(sources)
}

// Reload reads the configuration again, as SIGUSR2 and NOTIFY 'reload config' do.
func (s *Server) Reload(ctx context.Context) error {
	defer s.tellReloading()()
	err := s.reload(ctx, false)
	if err == nil {
		s.warn()
		s.log.event("Config reloaded")
		s.listen(ctx)
	}
	return err
}

// Renew makes the database compile every statement anew and replaces the connections, as SIGUSR1 and
// NOTIFY 'reload schema' do. Nothing of the schema is kept here. Where the settings cannot be read the old ones stay.
func (s *Server) Renew(ctx context.Context) error {
	defer s.tellReloading()()
	err := s.reload(ctx, true)
	if err != nil {
		s.reloads.Lock()
		st := s.state.Load()
		s.pool.Changed()
		s.state.Store(st.withRoles(st.roleSource, s.nextGeneration()))
		s.pool.Reset()
		s.reloads.Unlock()
	}
	s.log.event("Connections and compiled statements renewed")
	return err
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
				_ = s.Renew(ctx) // it is logged
			} else {
				_ = s.Reload(ctx)
			}
		}
	}
}
