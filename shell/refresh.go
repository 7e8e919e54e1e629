package shell

import (
	"context"
	"reflect"
	"time"

	"postern/shell/db"
)

const (
	refreshPeriod = 5 * time.Second // how often the settings of roles are read: they count within ten seconds
	refreshPause  = time.Second     // the same, while a schema is missing, and at least between two times
)

// refresh reads roles, their settings, and whether the schemas exist from time to time, and after DDL, on a connection
// of its own: however busy the pool is, a membership that is revoked does not count for long.
func (s *Server) refresh(ctx context.Context) {
	failing := false
	for {
		pause := refreshPeriod
		if f := s.obstacle.Load(); f != nil {
			pause = refreshPause
		}
		if !db.Sleep(ctx, refreshPause) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause - refreshPause):
		case <-s.changed:
		}
		if s.reading() {
			continue
		}
		err := s.read(ctx, s.refreshOnce)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if !failing {
				s.log.event("Roles, their settings and schemas cannot be read, so changes of them do not count: %v", err)
			}
			s.lost(err)
		}
		failing = err != nil
	}
}

// read has a function read from the catalog while there is no other reload.
func (s *Server) read(ctx context.Context, with func(ctx context.Context, reader *db.Reader) error) error {
	now := make(chan struct{})
	close(now)
	return s.readAfter(ctx, now, with)
}

// readAfter does what read does, but not before a channel is closed. It connects meanwhile.
func (s *Server) readAfter(
	ctx context.Context, ready <-chan struct{}, with func(ctx context.Context, reader *db.Reader) error,
) error {
	s.reloads.Lock()
	defer s.reloads.Unlock()
	connecting, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	reader, err := s.pool.Reader(connecting)
	if err != nil {
		return err
	}
	defer reader.Close()
	select {
	case <-ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel = context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	return with(ctx, reader)
}

func (s *Server) refreshOnce(ctx context.Context, reader *db.Reader) error {
	st := s.state.Load()
	roles, err := readRoles(ctx, reader, st.config)
	if err != nil {
		return err
	}
	missing, err := reader.Missing(ctx, schemasOf(st.config))
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(roles, st.roleSource) {
		s.pool.Changed()
		s.state.Store(st.withRoles(roles, s.nextGeneration()))
		s.log.event("Roles or their settings changed")
	}
	s.found(missing)
	return nil
}
