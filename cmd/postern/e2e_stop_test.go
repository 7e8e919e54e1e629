package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Without db-pool-automatic-recovery the loss of the database ends the process, whichever connection it is seen by.
func testNoRecovery(t *testing.T, h *house, database string) {
	serve := func(t *testing.T, settings ...string) *process {
		p := h.serve(t, database, append(settings, "PGRST_DB_POOL_AUTOMATIC_RECOVERY=false")...)
		p.failed = true
		return p
	}
	ends := func(t *testing.T, p *process) {
		t.Helper()
		if err := p.end(20 * time.Second); err == nil || !strings.Contains(p.events.String(), "db-pool-automatic-recovery is off") {
			t.Errorf("it ends with: %v\n%s", err, p.events)
		}
	}
	const terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and usename = 'e2e_login' and query "
	t.Run("listener", func(t *testing.T) {
		p := serve(t)
		h.ask(t, database, terminate+"~* '^listen'")
		ends(t, p)
	})
	t.Run("pool", func(t *testing.T) {
		p := serve(t, "PGRST_DB_CHANNEL_ENABLED=false")
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if response, err := p.client.Post(p.base+"/rpc/sleep", "application/json", strings.NewReader(`{"seconds":30}`)); err == nil {
				_ = response.Body.Close()
			}
		})
		eventually(t, "sleep", func() bool {
			return h.ask(t, database, terminate+"~* 'none' or wait_event = 'PgSleep' and datname = current_database()") == "1"
		})
		waiting.Wait()
		ends(t, p)
	})
	t.Run("refresher", func(t *testing.T) {
		p := serve(t)
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
		h.execute(t, "postgres", "alter database "+database+" allow_connections off") // those that there are stay
		defer h.execute(t, "postgres", "alter database "+database+" allow_connections on")
		ends(t, p)
	})
	t.Run("start", func(t *testing.T) {
		p := h.launch(t, exec.Command(h.binary, "serve"), database, "PGRST_DB_URI=postgresql://nobody@127.0.0.1:1/none", "PGRST_DB_POOL_AUTOMATIC_RECOVERY=false")
		p.failed = true
		if err := p.end(20 * time.Second); err == nil {
			t.Error("it ends well")
		}
	})
}

// SIGUSR1 reads settings again only with db-config, SIGUSR2 always.
func testSignals(t *testing.T, h *house, database string) {
	for _, config := range []bool{true, false} {
		file := filepath.Join(t.TempDir(), "secret")
		write := func(secret string) {
			if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(testSecret)
		p := h.serve(t, database, "PGRST_JWT_SECRET=@"+file, fmt.Sprintf("PGRST_DB_CONFIG=%t", config))
		status := func() int {
			return p.send(t, "GET", "/rpc/me", "", "Authorization", token(`{"role":"e2e_user"}`)).status
		}
		if got := status(); got != 200 {
			t.Errorf("db-config %t: %d", config, got)
		}
		write(strings.Repeat("other", 8))
		_ = p.command.Process.Signal(syscall.SIGUSR1)
		p.await(t, "Connections and compiled statements renewed")
		if got := status(); (got == 401) != config {
			t.Errorf("db-config %t, after SIGUSR1: %d", config, got)
		}
		_ = p.command.Process.Signal(syscall.SIGUSR2)
		p.await(t, "Config reloaded")
		if got := status(); got != 401 {
			t.Errorf("db-config %t, after SIGUSR2: %d", config, got)
		}
	}
}

// Requests that run for too long are ended at the end, and while they run the server is not ready.
func testDrain(t *testing.T, h *house, database string) {
	p := h.serve(t, database, "PGRST_SERVER_DRAIN_TIMEOUT=2")
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if response, err := p.client.Post(p.base+"/rpc/sleep", "application/json", strings.NewReader(`{"seconds":60}`)); err == nil {
			_ = response.Body.Close()
			t.Errorf("an answer: %d", response.StatusCode)
		}
	})
	const sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
	eventually(t, "sleep", func() bool { return h.ask(t, database, sleeping) == "1" })
	began := time.Now()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	p.await(t, "Received termination unix signal SIGTERM")
	if ready := p.ready(); ready != 503 {
		t.Errorf("ready: %d", ready)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	waiting.Wait()
	if took := time.Since(began); took < 1900*time.Millisecond || took > 15*time.Second {
		t.Errorf("stopping takes %v", took)
	}
	eventually(t, "the end of the query", func() bool { return h.ask(t, database, sleeping) == "0" })
}

// A server that takes over a port from another loses no request, each on a new connection.
func testHandOver(t *testing.T, h *house, database string) {
	port := fmt.Sprintf("PGRST_SERVER_PORT=%d", freePort(t))
	serve := func() *process { return h.serve(t, database, port, "PGRST_SERVER_REUSEPORT=true", "PGRST_DB_POOL=4") }
	p := serve()
	base := p.base
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, stop := context.WithCancel(t.Context())
	answers := make([]map[string]int, 32)
	asked := make([]atomic.Int64, len(answers))
	var clients sync.WaitGroup
	for i := range answers {
		answers[i] = make(map[string]int)
		clients.Go(func() {
			for ; ctx.Err() == nil; asked[i].Add(1) {
				response, err := client.Get(base + "/books?select=id&id=eq.1")
				if err != nil {
					answers[i][err.Error()]++
					continue
				}
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				answers[i][fmt.Sprintf("%d %s %v", response.StatusCode, body, err)]++
			}
		})
	}
	for range soaked(2, 40) {
		kept := p.keep(t)
		next := p.handOver(t, serve)
		kept()
		next.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
		for i := range asked { // those that have to try again need more than a second, in which there is not the next hand-over
			before := asked[i].Load()
			eventually(t, "another answer", func() bool { return asked[i].Load() > before })
		}
		p = next
	}
	stop()
	clients.Wait()
	all := make(map[string]int)
	for _, some := range answers {
		for answer, n := range some {
			all[answer] += n
		}
	}
	good := `200 [{"id":1}] <nil>`
	t.Logf("%d requests in %d hand-overs", all[good], soaked(2, 40))
	if len(all) != 1 || all[good] < 50 {
		t.Errorf("answers: %v", all)
	}
}

// keep sends requests on one connection, with pauses, and returns what waits for its end. That comes with an answer, not between two
// requests, where a client could be about to send the next.
func (p *process) keep(t *testing.T) (wait func()) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ask := func(reader *bufio.Reader) (closed bool, err error) {
		if _, err := io.WriteString(conn, "GET /books?select=id&id=eq.1 HTTP/1.1\r\nHost: kept\r\n\r\n"); err != nil {
			return false, err
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return false, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		return response.Close, err
	}
	go func() {
		defer close(ended)
		defer func() { _ = conn.Close() }()
		for reader, closed := bufio.NewReader(conn), false; !closed; time.Sleep(20 * time.Millisecond) {
			var err error
			if closed, err = ask(reader); err != nil {
				t.Errorf("a connection that is kept: %v", err)
				return
			}
		}
	}()
	return func() { <-ended }
}

// handOver starts a process that takes over the port, and stops this one.
func (p *process) handOver(t *testing.T, serve func() *process) *process {
	t.Helper()
	next := serve()
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	return next
}

// The settings of a role are seen within ten seconds, however busy the server is.
func testRolesUnderLoad(t *testing.T, h *house, database string) {
	h.execute(t, "postgres", "create role e2e_slow; grant e2e_slow to e2e_login")
	p := h.serve(t, database, "PGRST_DB_POOL=2")
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for range 6 { // more than there are connections
		clients.Go(func() {
			for ctx.Err() == nil {
				request, _ := http.NewRequestWithContext(ctx, "POST", p.base+"/rpc/sleep", strings.NewReader(`{"seconds":0.2}`))
				if response, err := p.client.Do(request); err == nil {
					_ = response.Body.Close()
				}
			}
		})
	}
	eventually(t, "load", func() bool {
		return h.ask(t, database, "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()") == "2"
	})
	for n := range 2 { // the first is soon after the start
		h.execute(t, "postgres", fmt.Sprintf("alter role e2e_slow set statement_timeout = %d", 200+n))
		eventually(t, "the change", func() bool { // ten seconds
			return strings.Count(p.events.String(), "Roles or their settings changed") > n
		})
	}
}

// Transactions that are read-only by default do not keep the server from listening.
func testReadOnly(t *testing.T, h *house, database string) {
	h.execute(t, "postgres", "alter database "+database+" set default_transaction_read_only = on")
	p := h.serve(t, database)
	p.await(t, "listening for database notifications")
	h.execute(t, database, "notify pgrst, 'reload config'")
	p.await(t, "Config reloaded")
}

// A server that takes over the path of a Unix socket keeps it when the other stops.
func testSocketHandOver(t *testing.T, h *house, database string) {
	path := filepath.Join(t.TempDir(), "api.sock")
	first := h.serve(t, database, "PGRST_SERVER_UNIX_SOCKET="+path)
	second := h.serve(t, database, "PGRST_SERVER_UNIX_SOCKET="+path)
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	second.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	second.base = "http://api"
	second.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
}

// Where there may be no more connections, settings are read on one of the pool's, and the database does not count as lost.
func testNoMoreConnections(t *testing.T, h *house, database string) {
	p := h.serve(t, database, "PGRST_DB_POOL=2", "PGRST_DB_POOL_AUTOMATIC_RECOVERY=false")
	p.await(t, "listening for database notifications")
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() { p.send(t, "POST", "/rpc/sleep", `{"seconds":1}`) })
	}
	eventually(t, "all connections", func() bool {
		return h.ask(t, database, "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()") == "2"
	})
	h.execute(t, "postgres", "alter database "+database+" connection limit 3") // not for superusers
	clients.Wait()
	h.execute(t, database, "notify pgrst, 'reload config'")
	p.await(t, "Config reloaded")
	h.execute(t, database, "notify pgrst, 'reload schema'")
	p.await(t, "Connections and compiled statements renewed")
	p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
	if text := p.events.String(); strings.Contains(text, "Failed reloading") || strings.Contains(text, "cannot be read") {
		t.Error(text)
	}
}
