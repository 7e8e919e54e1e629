package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/db"
)

func TestServer(t *testing.T) {
	c := stubCluster(t)
	uri := c.URI("authenticator", "postgres")
	execute := func(t *testing.T, sql string) {
		t.Helper()
		if err := c.Exec(t.Context(), "postgres", sql); err != nil {
			t.Fatal(err)
		}
	}
	hurried := token(`{"role":"hurried","n":12345678901234567890.10}`)

	for _, form := range []struct {
		name        string
		environment string
	}{{"prepared", "A=b"}, {"not prepared", "PGRST_DB_PREPARED_STATEMENTS=false"}} {
		t.Run(form.name, func(t *testing.T) {
			s := startServer(t, uri, true, form.environment, "PGRST_SERVER_TRACE_HEADER=X-Request-Id", "PGRST_SERVER_TIMING_ENABLED=true")
			t.Run("answers", func(t *testing.T) { testAnswers(t, s) })
			for _, test := range []struct {
				path, authorization string
				status              int
				body                string
			}{
				{"/session", "", 200, `anon "test", "public" {"role":"anon"} 0 read committed -1`},
				{"/session", hurried, 200, `hurried "test", "public" {"n":12345678901234567890.10,"role":"hurried"} 200ms serializable -1`},
				{"/session", token(`{"role":"author"}`), 200, `author "test", "public" {"role":"author"} 0 read committed -1`},
				{"/sleep", hurried, 500, `["57014", "canceling statement due to statement timeout", false, "verbose"]`},
				{"/session", "", 200, `anon "test", "public" {"role":"anon"} 0 read committed -1`},
				{"/made/before?a=eq.v", "", 200, `before v  anon "test", "public" {"role":"anon"} GET /made/before {… {} on repeatable read 5s`},
				{"/made/before?a=eq.w", hurried, 200, `before w  hurried "test", "public" {"n":12345678901234567890.10,"role":"hurried"} GET /made/before {… {} on repeatable read 5s`},
				{"/made/a?a=eq.v", "", 200, "handled a"},
				{"/made/a?a=eq.w", "", 200, `a w  anon "test", "public" {"role":"anon"} GET /made/a {… {} on read committed 0`},
				{"/made/a?a=eq.w", hurried, 200, "handled a"},
				{"/made/stale?a=eq.v", "", 200, "handled stale"},
				{"/made/stale?a=eq.v", "", 200, "handled stale"},
				{"/made/escapes?a=eq.v", "", 200, "handled escapes"},
				{"/made/escapes?a=eq.v", "", 200, "handled escapes true"},
				{"/made/once", "", 200, "handled once"},
				{"/made/once", "", 200, "handled once"},
				{"/raise", "", 500, `["P0001", "outside", true, "verbose"]`},
				{"/raise", hurried, 500, `["P0001", "outside", false, "verbose"]`},
				{"/x", token(`{"role":"postgres"}`), 500, `["42501", "permission denied to set role \"postgres\"", false, "verbose"]`},
				{"/x", token(`{"role":"no such"}`), 401, `["22023", "role \"no such\" does not exist", false, "verbose"]`},
				{"/x", token(`{"role":""}`), 401, `["22023", "role \"\" does not exist", false, "verbose"]`},
				{"/x", token(`{"role":"none"}`), 401, `["22023", "role \"none\" does not exist", false, "verbose"]`},
				{"/x", token(`{"role":"a\u0000b"}`), 401, `{"code":"PGRST303","details":null,"hint":null,"message":"The token's role is not a name that a role can have"}`},
				{"/deallocate", "", 200, ""},
				{"/session", "", 200, `anon "test", "public" {"role":"anon"} 0 read committed -1`},
				{"/deallocate", "", 200, ""},
				{"/session", hurried, 200, `hurried "test", "public" {"n":12345678901234567890.10,"role":"hurried"} 200ms serializable -1`},
				{"/die", "", 503, `{"code":"57P01","details":null,"hint":null,"message":"terminating connection due to administrator command"}`},
				{"/session", "", 200, `anon "test", "public" {"role":"anon"} 0 read committed -1`},
			} {
				headers := []string{"Authorization", test.authorization}
				if test.authorization == "" {
					headers = nil
				}
				status, body := s.get(t, test.path, headers...)
				prefix, suffix, cut := strings.Cut(test.body, "…")
				if status != test.status || body != test.body && !(cut && strings.HasPrefix(body, prefix) && strings.HasSuffix(body, suffix)) {
					t.Errorf("%s: got %d %s\nwant %d %s", test.path, status, body, test.status, test.body)
				}
			}
		})
	}

	t.Run("reload", func(t *testing.T) {
		s := startServer(t, uri, true, "PGRST_APP_SETTINGS_X=from the environment")
		_, body := s.get(t, "/x")
		first := generationOf(body)
		if _, body := s.get(t, "/session"); !strings.HasSuffix(body, " from the environment") {
			t.Error(body)
		}
		eventually(t, "listening", func() bool { return strings.Contains(s.events.String(), "Listener connected") })
		execute(t, "notify pgrst, 'reload schema'")
		eventually(t, "a new generation", func() bool { _, body := s.get(t, "/x"); return generationOf(body) != first })
		execute(t, "create schema other; alter role authenticator set pgrst.db_max_rows = '7'; alter role authenticator in database postgres set pgrst.db_schemas = 'test, other'; notify pgrst, 'reload config'")
		eventually(t, "the new settings", func() bool {
			_, body := s.get(t, "/settings")
			return strings.Contains(body, `"db_max_rows": 7`) && strings.Contains(body, `"db_schemas": ["test", "other"]`)
		})
		execute(t, "alter role authenticator set pgrst.db_tx_end = 'nonsense'; notify pgrst, 'reload config'")
		eventually(t, "a complaint", func() bool { return strings.Contains(s.events.String(), "Failed reloading config: setting db-tx-end") })
		execute(t, `alter role authenticator reset all; alter role authenticator in database postgres reset all;
			create function public.pre() returns void language sql as $$ select set_config('pgrst.db_max_rows', '9', true) $$;
			alter role authenticator set pgrst.db_pre_config = 'public.pre'; notify pgrst; notify pgrst`)
		eventually(t, "the name of the function", func() bool { return strings.Count(s.events.String(), "Config reloaded") >= 2 })
		execute(t, "notify pgrst")
		eventually(t, "its settings", func() bool { _, body := s.get(t, "/settings"); return strings.Contains(body, `"db_max_rows": 9`) })
		execute(t, "alter role authenticator reset all")
		execute(t, "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'")
		eventually(t, "listening again", func() bool { return strings.Count(s.events.String(), "Listener connected") == 2 })
		if _, body := s.get(t, "/settings"); !strings.Contains(body, "db_max_rows") {
			t.Error(body)
		}
	})

	t.Run("lost connections", func(t *testing.T) {
		s := startServer(t, uri, true)
		s.get(t, "/x")
		execute(t, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")
		time.Sleep(100 * time.Millisecond)
		if status, body := s.get(t, "/x"); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	})

	t.Run("full pool", func(t *testing.T) {
		s := startServer(t, uri, true, "PGRST_DB_POOL=1", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=1")
		ctx, cancel := context.WithCancel(t.Context())
		var sleeping sync.WaitGroup
		sleeping.Go(func() {
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/sleep", nil)
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		})
		sleeps := func() bool {
			return count(t, uri, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1
		}
		eventually(t, "sleep", sleeps)
		if status, body := s.get(t, "/x"); status != 504 || !strings.Contains(body, `"PGRST003"`) {
			t.Errorf("%d %s", status, body)
		}
		if status := s.ready(t, "/ready"); status != 200 {
			t.Errorf("ready: %d", status)
		}
		_, text := s.ask(t, "/metrics")
		for _, line := range []string{"pgrst_db_pool_timeouts_total 1", "pgrst_db_pool_max 1", "pgrst_db_pool_available 0"} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("metrics: no line %s", line)
			}
		}
		if status, body := s.get(t, "/x", "Authorization", "Bearer a.b.c"); status != 401 { // it needs no connection
			t.Errorf("a bad token: %d %s", status, body)
		}
		cancel() // the client goes away: its query is cancelled, its connection kept
		sleeping.Wait()
		eventually(t, "the end of the sleep", func() bool { return !sleeps() })
		if status, body := s.get(t, "/x"); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	})

	t.Run("nothing is left", func(t *testing.T) {
		s := startServer(t, uri, true, "PGRST_DB_POOL=3", "PGRST_SERVER_DRAIN_TIMEOUT=0")
		uploading, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = uploading.Close() }()
		_, _ = io.WriteString(uploading, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
		for _, path := range []string{"/x", "/session", "/made/a?a=eq.v", "/deallocate", "/die"} {
			s.get(t, path)
		}
		s.ready(t, "/ready")
		execute(t, "notify pgrst, 'reload config'")
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		left := func() (stacks []string) { // other tests of this package do not run meanwhile
			all := make([]byte, 1<<20)
			for stack := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
				if strings.Contains(stack, "postern/shell") {
					stacks = append(stacks, stack)
				}
			}
			return stacks
		}
		for tries := 0; tries < 100 && len(left()) > 0; tries++ { // what has said that it is done may have a step to go
			time.Sleep(10 * time.Millisecond)
		}
		for _, stack := range left() {
			t.Errorf("it goes on after the end: %s", stack)
		}
	})

	t.Run("stopping", func(t *testing.T) {
		s := startServer(t, uri, true)
		var napping sync.WaitGroup
		status := 0
		napping.Go(func() {
			if response, err := http.Get(s.base + "/nap"); err == nil {
				status = response.StatusCode
				response.Body.Close()
			}
		})
		eventually(t, "a nap", func() bool {
			return count(t, uri, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1
		})
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		napping.Wait()
		if status != 200 {
			t.Errorf("a running request was cut: %d", status)
		}
	})

	t.Run("database comes late", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().(*net.TCPAddr)
		listener.Close()
		s := startServer(t, fmt.Sprintf("postgres://authenticator@127.0.0.1:%d/postgres?sslmode=disable", address.Port), false)
		response := s.send(t, http.MethodGet, "/x", nil)
		if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || s.ready(t, "/ready") != 503 || s.ready(t, "/live") != 200 {
			t.Errorf("%d %v", response.StatusCode, response.Header)
		}
		if listener, err = net.Listen("tcp", address.String()); err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go forward(listener, filepath.Join(c.SocketDir, fmt.Sprintf(".s.PGSQL.%d", c.Port)))
		eventually(t, "an answer", func() bool { status, _ := s.get(t, "/x"); return status == 200 })
		if s.ready(t, "/ready") != 200 || s.ready(t, "/config") != 200 || s.ready(t, "/other") != 404 {
			t.Error("admin server")
		}
	})

	t.Run("other version", func(t *testing.T) {
		defer execute(t, "create or replace function postern.version() returns text language sql as $$ select '0.1.0'::text $$")
		defer execute(t, "create or replace function postern.protocol() returns int language sql as $$ select 1 $$")
		for protocol, upgrade := range map[int]string{0: "the database, by `postern migrate`", 99: "the binary"} {
			execute(t, "create or replace function postern.version() returns text language sql as $$ select '9.9.9'::text $$")
			execute(t, fmt.Sprintf("create or replace function postern.protocol() returns int language sql as $$ select %d $$", protocol))
			err := serveEnvironment(t.Context(), []string{"PGRST_DB_URI=" + uri, "PGRST_SERVER_PORT=0"}, nil)
			if !missing(err, "9.9.9") || !strings.HasSuffix(err.Error(), "upgrade "+upgrade) {
				t.Errorf("protocol %d: %v", protocol, err)
			}
		}
	})
	t.Run("not installed", func(t *testing.T) {
		if err := serveEnvironment(t.Context(), []string{"PGRST_DB_URI=" + c.URI("authenticator", "template1"), "PGRST_SERVER_PORT=0"}, nil); !missing(err, "") || !strings.Contains(err.Error(), "postern migrate") {
			t.Error(err)
		}
	})
}

func missing(err error, found string) bool {
	var missing *db.NotInstalledError
	return errors.As(err, &missing) && missing.Found == found
}

// testAnswers checks what does not depend on the role.
func testAnswers(t *testing.T, s *testServer) {
	response := s.send(t, http.MethodGet, "/a%20b?z=1&a", nil, "X-Request-Id", "77", "Cookie", "k=v")
	body, _ := io.ReadAll(response.Body)
	for _, part := range []string{`"path": "/a%20b"`, `"query": "z=1&a"`, `"vals":["?a=&z=1"]`, `"cookies":{"k":"v"}`, `"x-request-id":"77"`, `"anonymous": true`} {
		if !bytes.Contains(body, []byte(part)) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	if h := response.Header; h.Get("X-Request-Id") != "77" || len(h.Values("X-Two")) != 2 || h.Get("Content-Type") != "application/json; charset=utf-8" ||
		!strings.HasPrefix(h.Get("Server-Timing"), "jwt;dur=") || h.Get("Content-Length") != fmt.Sprint(len(body)) {
		t.Errorf("%v", h)
	}
	payload := bytes.Repeat([]byte("\x00\xff"), 1<<20)
	response = s.send(t, http.MethodPost, "/payload", io.MultiReader(bytes.NewReader(payload))) // chunked
	if body, _ = io.ReadAll(response.Body); string(body) != fmt.Sprintf("%d %x", len(payload), md5.Sum(payload)) {
		t.Errorf("payload: %s", body)
	}
	if status, body := s.get(t, "/large"); status != 200 || len(body) != 3_000_000 {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	if status, body := s.get(t, "/?"+strings.Repeat("x", 1<<20)); status != 414 || !strings.Contains(body, `"PGRST100"`) {
		t.Errorf("long target: %d %.100s", status, body)
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/payload", http.NoBody)
	request.ContentLength, request.Body = 1<<40, io.NopCloser(strings.NewReader("x"))
	if response, err := http.DefaultClient.Do(request); err == nil && response.StatusCode != 413 {
		t.Errorf("long body: %d", response.StatusCode)
	}
	response = s.send(t, http.MethodOptions, "/x", nil, "Origin", "http://a", "Access-Control-Request-Method", "POST")
	if response.StatusCode != 200 || response.ContentLength != 0 || response.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", response.StatusCode, response.Header)
	}
	response = s.send(t, "PURGE", "/x", nil)
	if body, _ = io.ReadAll(response.Body); !bytes.Contains(body, []byte(`"method": "PURGE"`)) {
		t.Errorf("any method: %s", body)
	}
	response = s.send(t, http.MethodHead, "/x", nil)
	if body, _ = io.ReadAll(response.Body); response.StatusCode != 200 || len(body) != 0 || response.Header.Get("Content-Length") != "" {
		t.Errorf("HEAD: %d %v", response.StatusCode, response.Header)
	}
}

// count asks for a number.
func count(t *testing.T, uri, sql string) int {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	result := conn.ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	n := 0
	fmt.Sscan(string(result.Rows[0][0]), &n)
	return n
}

// forward passes connections on to a Unix socket.
func forward(listener net.Listener, socket string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", socket)
		if err != nil {
			client.Close()
			continue
		}
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		go func() { _, _ = io.Copy(client, server); client.Close() }()
	}
}
