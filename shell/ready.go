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
	// One that hangs takes no more than one connection by it.
	probed := s.probes.DoChan("", func() (any, error) { return nil, s.pool.Probe(context.WithoutCancel(ctx)) })
	select {
	case result := <-probed:
		return result.Err == nil
	case <-ctx.Done():
		return false
	}
}
