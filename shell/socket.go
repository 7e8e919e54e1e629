package shell

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket says where to listen.
type socket struct {
	host      string // an address, a name, or one of *, *4, !4, *6, !6
	port      int    // 0 takes a free one
	reuseport bool
	unix      string // path of a Unix socket, in place of host and port; empty for none
	mode      os.FileMode
}

// listen opens a socket. A file that is in the way of a Unix socket is removed if it is a socket.
func listen(s socket) (net.Listener, error) {
	if s.unix != "" {
		return listenUnix(s.unix, s.mode)
	}
	network, host := hostPreference(s.host)
	config := net.ListenConfig{}
	if s.reuseport {
		config.SetMultipathTCP(false) // leave attaches a filter, which its sockets refuse
		config.Control = func(_, _ string, raw syscall.RawConn) error {
			var failed error
			err := raw.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
			return errors.Join(err, failed)
		}
	}
	listener, err := config.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(s.port)))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return listener, nil
}

// hostPreference reads the special hosts of PostgREST's setting server-host: * is any address, 4 and 6 name the family,
// which with * is preferred and with ! needed.
func hostPreference(host string) (network, address string) {
	switch host {
	case "*", "*4", "*6":
		return "tcp", ""
	case "!4":
		return "tcp4", "0.0.0.0"
	case "!6":
		return "tcp6", "::"
	}
	return "tcp", strings.Trim(host, "[]")
}

func listenUnix(path string, mode os.FileMode) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("listening: %w", err)
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("listening: %s exists and is not a socket", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // by then it may be another process's
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("listening: %w", err), listener.Close())
	}
	return listener, nil
}
