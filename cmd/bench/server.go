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
)

// The servers. Their names are also those that their connections to the database have there (application_name).
const (
	posternName   = "postern"
	handName      = "hand"
	pipelinedName = "pipelined"
	bareName      = "bare"
)

// poolSize is how many connections to the database each server may have.
const poolSize = 10

// server is a server that is being measured.
type server struct {
	dialect
	name    string
	address string
	process *exec.Cmd
	stdin   io.Closer // a hand-written server ends with it
}

func (s *server) pid() int { return s.process.Process.Pid }

// buildPostern compiles the binary from the sources that this module refers to.
func buildPostern(ctx context.Context, path string) error {
	progress("building postern")
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "postern").Output()
	if err != nil {
		return fmt.Errorf("find postern's sources (run this in their directories, or name a binary by -postern): %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-C", strings.TrimSpace(string(root)), "-o", path, "./cmd/postern")
	output, err := build.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build postern: %w\n%s", err, output)
	}
	return nil
}

// startServers starts postern, the others that speak its dialect, and the hand-written servers, and waits until they
// answer.
func startServers(ctx context.Context, db *database, o options) (servers []*server, err error) {
	defer func() {
		if err != nil {
			stopServers(servers)
		}
	}()
	for _, one := range append([]command{{posternName, []string{o.postern, "serve"}}}, o.others...) {
		s, err := startOne(ctx, db, o, one)
		if s != nil {
			servers = append(servers, s)
		}
		if err != nil {
			return servers, err
		}
	}
	for _, name := range []string{handName, pipelinedName, bareName} {
		s, err := startHand(ctx, db, o, name)
		if s != nil {
			servers = append(servers, s)
		}
		if err != nil {
			return servers, err
		}
	}
	return servers, nil
}

// environment returns the settings of a server that has PostgREST's.
func (o options) environment(uri, address string) []string {
	host, port, _ := net.SplitHostPort(address)
	return []string{
		"PATH=" + os.Getenv("PATH"), "PGRST_DB_URI=" + uri, "PGRST_DB_ANON_ROLE=app_anon",
		"PGRST_DB_POOL=" + strconv.Itoa(poolSize),
		"PGRST_SERVER_HOST=" + host, "PGRST_SERVER_PORT=" + port,
	}
}

// startOne starts postern or another server with its settings and its dialect.
func startOne(ctx context.Context, db *database, o options, one command) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{name: one.name, address: address, process: exec.CommandContext(ctx, one.words[0], one.words[1:]...)}
	schemas := "app"
	if o.profile {
		schemas, s.profile = "extra,app", "app"
	}
	s.process.Env = append(o.environment(db.uri(authenticator, one.name), address), "PGRST_DB_SCHEMAS="+schemas,
		"PGRST_JWT_SECRET="+db.keySet())
	s.process.Env = append(s.process.Env, o.env...)
	s.process.Stderr = os.Stderr
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, s.await(ctx, s.request(cases[0], 0, db.tokens))
}

// start starts the process.
func (s *server) start() error {
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	return nil
}

// startHand runs this binary as one of the hand-written servers.
func startHand(ctx context.Context, db *database, o options, name string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	role := authenticator
	if name == bareName {
		role = bareRole
	}
	s := &server{dialect: dialect{hand: true}, name: name, process: exec.CommandContext(ctx, self, serveHandCommand, name)}
	s.process.Env = []string{handURI + "=" + db.uri(role, name), handSecret + "=" + db.secret,
		handPublicKey + "=" + db.publicKey()}
	for _, setting := range o.env {
		if function, ok := strings.CutPrefix(setting, "PGRST_DB_PRE_REQUEST="); ok {
			s.process.Env = append(s.process.Env, handPreRequest+"="+function)
		}
	}
	s.process.Stderr = os.Stderr
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return s, fmt.Errorf("%s did not start: %w", name, err)
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

// freeAddress returns one on this machine that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// await asks until there is an answer.
func (s *server) await(ctx context.Context, request []byte) error {
	for deadline := time.Now().Add(patience); ; {
		_, err := s.ask(ctx, request, 0)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w", s.name, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ask sends one request on a connection of its own.
func (s *server) ask(ctx context.Context, request []byte, status int) (response, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = c.conn.Close() }()
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return response{}, err
	}
	return c.do(request, status, true)
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
