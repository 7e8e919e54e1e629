package shell

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// adminSocket is the name of the admin server's socket (FileDescriptorName of systemd.socket).
const adminSocket = "admin"

// activated returns the sockets that the service manager has opened: the one named admin, and the other for the API.
func activated() (api, admin net.Listener, err error) {
	sockets, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("socket activation: %w", err)
	}
	for name, listeners := range sockets {
		for _, listener := range listeners {
			place := &api
			if name == adminSocket {
				place = &admin
			}
			if *place != nil {
				return nil, nil, fmt.Errorf("socket activation: there is more than one socket for the same server: "+
					"name that of the admin server %q", adminSocket)
			}
			*place = listener
		}
	}
	return api, admin, nil
}

// notify notifies the service manager, where there is one, of what happens (sd_notify).
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// tellReloading notifies the service manager that a reload begins, and what it returns that the reload has ended.
func (s *Server) tellReloading() (ended func()) {
	if !s.isOpen() {
		return func() {}
	}
	notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	return func() { notify(daemon.SdNotifyReady) }
}

// watchdog tells the service manager that the process lives, as often as that wants (WatchdogSec), until ctx ends.
func watchdog(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return
	}
	ticker := time.NewTicker(interval / 2)
	defer ticker.Stop()
	for {
		notify(daemon.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
