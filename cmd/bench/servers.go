package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postern/cmd/postern/demo"
)

// The servers. Their names are also those that their connections to the database have there (application_name).
const (
	posternName = "postern"
	handRLS     = "hand-rls"
	handBare    = "hand-bare"
)

// poolSize is how many connections to the database each server may have.
const poolSize = 10

// server is a server that is being measured.
type server struct {
	name    string
	address string
	process *exec.Cmd
	stdin   io.Closer // a hand-written server ends with it
}

func (s *server) pid() int { return s.process.Process.Pid }

func (s *server) hand() bool { return s.name != posternName }

// buildPostern compiles the binary from the sources of the module that the working directory is in.
func buildPostern(ctx context.Context, path string) error {
	output, err := exec.CommandContext(ctx, "go", "build", "-o", path, "postern/cmd/postern").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build postern: %w\n%s", err, output)
	}
	return nil
}

// startServers starts all servers and waits until they answer.
func startServers(ctx context.Context, db *database, binary string) ([]*server, error) {
	var servers []*server
	for _, start := range []func() (*server, error){
		func() (*server, error) { return startPostern(ctx, db, binary) },
		func() (*server, error) {
			return startHand(ctx, handRLS, db.uri(demo.Authenticator, handRLS), db.secret)
		},
		func() (*server, error) { return startHand(ctx, handBare, db.uri(bareRole, handBare), db.secret) },
	} {
		s, err := start()
		if s != nil {
			servers = append(servers, s)
		}
		if err != nil {
			stopServers(servers)
			return nil, err
		}
	}
	return servers, nil
}

// startPostern starts the binary with the configuration of the demo. Connections are kept as long as the others keep
// theirs, by default.
func startPostern(ctx context.Context, db *database, binary string) (*server, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return nil, err
	}
	s := &server{name: posternName, address: address.String(), process: exec.CommandContext(ctx, binary, "serve")}
	s.process.Env = []string{
		"PGRST_DB_URI=" + db.uri(demo.Authenticator, posternName),
		"PGRST_DB_SCHEMAS=" + demo.Schemas,
		"PGRST_DB_ANON_ROLE=" + demo.Anonymous,
		"PGRST_DB_POOL=" + strconv.Itoa(poolSize),
		"PGRST_DB_POOL_MAX_IDLETIME=1800",
		"PGRST_DB_POOL_MAX_LIFETIME=3600",
		"PGRST_JWT_SECRET=" + db.secret,
		"PGRST_SERVER_HOST=127.0.0.1",
		"PGRST_SERVER_PORT=" + strconv.Itoa(address.Port),
	}
	s.process.Stderr = os.Stderr
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start postern: %w", err)
	}
	return s, s.await(ctx, cases[0].request(false, 0, db.token))
}

// startHand runs this binary as one of the hand-written servers.
func startHand(ctx context.Context, name, uri, secret string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, process: exec.CommandContext(ctx, self, serveHandCommand, name)}
	s.process.Env = []string{handURI + "=" + uri, handSecret + "=" + secret}
	s.process.Stderr = os.Stderr
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return s, fmt.Errorf("%s did not start: %w", name, err)
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

// await asks until there is an answer.
func (s *server) await(ctx context.Context, request []byte) error {
	for deadline := time.Now().Add(15 * time.Second); ; {
		_, err := s.ask(ctx, request)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w", s.name, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask sends one request on a connection of its own.
func (s *server) ask(ctx context.Context, request []byte) (response, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = c.conn.Close() }()
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return response{}, err
	}
	return c.do(request, true)
}

// stopServers ends the servers and waits for them.
func stopServers(servers []*server) {
	for _, s := range servers {
		if s.stdin != nil {
			_ = s.stdin.Close()
		}
		_ = s.process.Process.Signal(syscall.SIGTERM)
		stuck := time.AfterFunc(10*time.Second, func() { _ = s.process.Process.Kill() })
		err := s.process.Wait()
		stuck.Stop()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) && !errors.Is(err, context.Canceled) {
			progress(fmt.Sprintf("stopping %s: %v", s.name, err))
		}
	}
}
