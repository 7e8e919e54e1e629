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
	running := s.probe(ctx)
	select {
	case <-running.answered:
		return running.err == nil
	case <-ctx.Done():
		return false
	}
}

// probe is a question to the database, whether it answers.
type probe struct {
	answered chan struct{}
	err      error // once answered is closed
}

// probe asks the database whether it answers, unless that is going on: one that hangs takes no more than one connection
// by it.
func (s *Server) probe(ctx context.Context) *probe {
	s.probeLock.Lock()
	defer s.probeLock.Unlock()
	if s.probing != nil {
		return s.probing
	}
	p := &probe{answered: make(chan struct{})}
	s.probing = p
	s.background.Go(func() {
		p.err = s.pool.Probe(context.WithoutCancel(ctx))
		s.probeLock.Lock()
		s.probing = nil
		s.probeLock.Unlock()
		close(p.answered)
	})
	return p
}
