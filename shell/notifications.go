package shell

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"postern/shell/db"
)

const (
	followPause = 200 * time.Millisecond // between two reloads that notifications ask for
	retryPause  = 5 * time.Second        // the same, where the database could not be reached
)

// listening is the running LISTEN.
type listening struct {
	channel string // empty when there is none
	stop    context.CancelFunc
}

// listen starts, stops or moves the LISTEN, as configured. The channel that it returns is closed once that was tried.
func (s *Server) listen(ctx context.Context) (tried <-chan struct{}) {
	first := make(chan struct{})
	done := sync.OnceFunc(func() { close(first) })
	s.reloads.Lock()
	defer s.reloads.Unlock()
	c := s.state.Load().config
	channel := c.DBChannel
	if !c.DBChannelEnabled {
		channel = ""
	}
	if channel == s.listener.channel {
		done()
		return first
	}
	if s.listener.stop != nil {
		s.listener.stop()
	}
	following, stop := context.WithCancel(ctx)
	s.listener = listening{channel, stop}
	if channel == "" {
		done()
		return first
	}
	pending := &reloadRequests{some: make(chan struct{}, 1)}
	s.background.Go(func() { s.follow(ctx, following, pending) })
	s.background.Go(func() {
		defer done()
		s.pool.Listen(following, channel,
			func(again bool) {
				server := s.pool.Listener()
				s.log.event("Listener connected to %s on %q and listening for database notifications on the %q channel",
					server.Version, server.Address, channel)
				if again { // some may have been missed
					pending.add(schemaReload | settingsReload)
				}
				done()
			},
			func(payload string) { pending.add(s.requested(channel, payload)) },
			func(err error, pause time.Duration) {
				s.log.event("Failed listening for database notifications on the %q channel. %v", channel, err)
				s.log.event("Retrying listening for database notifications in %d seconds...", pause/time.Second)
				if !errors.Is(err, db.ErrStandby) {
					s.lost(err)
				}
				done()
			})
	})
	return first
}

// reloadRequests are the reloads that notifications have asked for and that are not done yet.
type reloadRequests struct {
	bits atomic.Uint32
	some chan struct{} // has an element where there may be some
}

const (
	schemaReload   = 1 << iota // reload schema
	settingsReload             // reload config
)

// add notes requests; follow finds them.
func (w *reloadRequests) add(bits uint32) {
	w.bits.Or(bits)
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// requested returns what a notification asks for, and logs it.
func (s *Server) requested(channel, payload string) uint32 {
	switch payload {
	case "", "reload schema":
		s.log.event("Received a schema cache reload message on the %q channel", channel)
		if payload == "" && s.state.Load().config.DBConfig {
			return schemaReload | settingsReload
		}
		return schemaReload
	case "reload config":
		s.log.event("Received a config reload message on the %q channel", channel)
		return settingsReload
	}
	return 0
}

// failed reports whether an error means that the database could not be reached, so that another attempt may succeed.
func failed(err error) bool { return err != nil && !isAnswer(err) }

// follow does what notifications ask for, until following ends. Those that came meanwhile are done together.
func (s *Server) follow(ctx, following context.Context, pending *reloadRequests) {
	for {
		select {
		case <-following.Done():
			return
		case <-pending.some:
		}
		bits := pending.bits.Swap(0)
		pause := followPause
		if bits&schemaReload != 0 && failed(s.Renew(ctx)) {
			pause = retryPause
			pending.add(schemaReload)
		}
		if bits&settingsReload != 0 && failed(s.Reload(ctx)) {
			pause = retryPause
			pending.add(settingsReload)
		}
		if !db.Sleep(following, pause) {
			return
		}
	}
}
