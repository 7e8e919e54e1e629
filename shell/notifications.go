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
	retryPause  = 5 * time.Second        // the same, where the database could not be asked
)

// listening is the running LISTEN.
type listening struct {
	channel string // empty when there is none
	stop    context.CancelFunc
}

// listen starts, stops or moves the LISTEN, as the configuration has it. The channel that it returns is closed once
// that was tried.
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
		s.listener.stop = nil
	}
	s.listener.channel = channel
	if channel == "" {
		done()
		return first
	}
	following, stop := context.WithCancel(ctx)
	s.listener.stop = stop
	asked := &wishes{some: make(chan struct{}, 1)}
	s.background.Go(func() { s.follow(ctx, following, asked) })
	s.background.Go(func() {
		defer done()
		s.pool.Listen(following, channel,
			func(again bool) {
				server := s.pool.Listener()
				s.log.event("Listener connected to %s on %q and listening for database notifications on the %q channel",
					server.Version, server.Address, channel)
				if again { // some may have been missed
					asked.add(wishSchema | wishSettings)
				}
				done()
			},
			func(payload string) { asked.add(s.wish(channel, payload)) },
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

// wishes are what notifications ask for and is not done yet.
type wishes struct {
	bits atomic.Uint32
	some chan struct{} // has an element where there may be some
}

const (
	wishSchema   = 1 << iota // reload schema
	wishSettings             // reload config
)

func (w *wishes) add(bits uint32) {
	w.bits.Or(bits)
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// wish returns what a notification asks for, and logs it.
func (s *Server) wish(channel, payload string) uint32 {
	switch payload {
	case "", "reload schema":
		s.log.event("Received a schema cache reload message on the %q channel", channel)
		if payload == "" && s.state.Load().config.DBConfig {
			return wishSchema | wishSettings
		}
		return wishSchema
	case "reload config":
		s.log.event("Received a config reload message on the %q channel", channel)
		return wishSettings
	}
	return 0
}

// failed reports whether an error is of a database that could not be asked, and may be when it is tried again.
func failed(err error) bool { return err != nil && !isAnswer(err) }

// follow does what notifications ask for, until following ends. Those that came meanwhile are done together.
func (s *Server) follow(ctx, following context.Context, asked *wishes) {
	for {
		select {
		case <-following.Done():
			return
		case <-asked.some:
		}
		bits := asked.bits.Swap(0)
		pause := followPause
		if bits&wishSchema != 0 && failed(s.Renew(ctx)) {
			pause = retryPause
			asked.add(wishSchema)
		}
		if bits&wishSettings != 0 && failed(s.Reload(ctx)) {
			pause = retryPause
			asked.add(wishSettings)
		}
		if !db.Sleep(following, pause) {
			return
		}
	}
}
