package shell

import (
	"context"
	"net"
	"os"
)

// isOpen reports whether the API's socket is open.
func (s *Server) isOpen() bool {
	select {
	case <-s.opened:
		return true
	default:
		return false
	}
}

// Live reports whether the API is served (for the admin server).
func (s *Server) Live() bool {
	if !s.isOpen() {
		return false
	}
	if address, ok := s.main.Addr().(*net.UnixAddr); ok {
		_, err := os.Stat(address.Name)
		return err == nil
	}
	return true
}

// Ready reports whether requests can be answered: the API is served and nothing stands in its way, the keys of the
// issuer have arrived, if they come from one, and the database answers before the context ends.
func (s *Server) Ready(ctx context.Context) bool {
	if !s.isOpen() || s.stopping.Load() || s.obstacle.Load() != nil || !s.state.Load().verifier.Ready() {
		return false
	}
	asked := s.ask(ctx)
	select {
	case <-asked.answered:
		return asked.err == nil
	case <-ctx.Done():
		return false
	}
}

// question is whether the database answers.
type question struct {
	answered chan struct{}
	err      error // once answered is closed
}

// ask asks the database whether it answers, unless that is going on: one that hangs takes no more than one connection
// by it.
func (s *Server) ask(ctx context.Context) *question {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.asked != nil {
		return s.asked
	}
	q := &question{answered: make(chan struct{})}
	s.asked = q
	s.background.Go(func() {
		q.err = s.pool.Probe(context.WithoutCancel(ctx))
		s.asking.Lock()
		s.asked = nil
		s.asking.Unlock()
		close(q.answered)
	})
	return q
}
