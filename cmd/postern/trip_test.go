package main

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern/shell"
	"postern/shell/db"
	"postern/shell/statement"
)

// countedConn counts how often is written to and read from a connection.
type countedConn struct {
	net.Conn
	writes, reads *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.reads.Add(1)
	return n, err
}

func (c countedConn) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(syscall.Conn).SyscallConn()
}

// tripPool is a pool of one connection, whose writes and reads are counted.
func tripPool(t *testing.T, uri string, prepared bool, writes, reads *atomic.Int64) *db.Pool {
	t.Helper()
	pool, err := db.Open(db.Options{
		URI: uri, Version: shell.Version, Size: 1, AcquireTimeout: time.Second, MaxLifetime: time.Hour, MaxIdle: time.Hour,
		Session: func() db.Session { return db.Session{Prepared: prepared, SearchPath: "test"} },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return countedConn{conn, writes, reads}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// tripRequest is a request for a path of the stub.
func tripRequest(method, name string, settings *db.TransactionSettings) *db.Request {
	return &db.Request{
		JSON: func() []byte { return []byte(`{"path":"/made/` + name + `"}`) }, SearchPath: []byte("test"), Role: []byte("anon"),
		Claims: []byte(`{"c":1}`), Method: []byte(method), Path: []byte("/x"), Headers: []byte(`{"h":1}`), Cookies: []byte("{}"),
		Verbosity: []byte("verbose"), Settings: settings, Location: []byte("?l"), Payload: []byte("text"), Values: [][]byte{[]byte("value")},
	}
}

// A request is one write and one read, whichever way it takes; only the statement that is prepared for the first time is no warm one.
func TestOneRoundTrip(t *testing.T) {
	c := stubCluster(t)
	settings := [][2]string{{"statement_timeout", "5s"}}
	for _, test := range []struct {
		name     string
		prepared bool
		kept     bool
		settings *db.TransactionSettings
	}{
		{"handle", true, false, nil},
		{"handle, settings", true, false, db.NewTransactionSettings("", settings)},
		{"handle, isolation level", true, false, db.NewTransactionSettings("serializable", nil)},
		{"handle, not prepared", false, false, nil},
		{"compiled", true, true, nil},
		{"compiled, settings", true, true, db.NewTransactionSettings("", settings)},
		{"compiled, isolation level", true, true, db.NewTransactionSettings("serializable", nil)},
		{"compiled, not prepared", false, true, nil},
		{"compiled, isolation level and settings, not prepared", false, true, db.NewTransactionSettings("serializable", settings)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var writes, reads atomic.Int64
			pool := tripPool(t, c.URI("authenticator", "postgres"), test.prepared, &writes, &reads)
			var answer db.Answer
			var known *statement.Statement
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for attempt := range 6 {
				time.Sleep(15 * time.Millisecond) // long enough for the connection to be looked at before its use
				beforeWrites, beforeReads := writes.Load(), reads.Load()
				if err := pool.Do(ctx, tripRequest("GET", "a", test.settings), known, &answer); err != nil {
					t.Fatal(err)
				}
				if answer.Status != 200 || strings.HasPrefix(string(answer.Body), "handled ") != (known == nil) {
					t.Fatalf("%d %s", answer.Status, answer.Body)
				}
				if attempt == 0 { // connects
					if answer.Statement == nil {
						t.Fatal("no statement")
					}
					if test.kept {
						known = answer.Statement
					}
					continue
				}
				if w, r := writes.Load()-beforeWrites, reads.Load()-beforeReads; w != 1 || r != 1 {
					t.Errorf("request %d: %d writes, %d reads", attempt, w, r)
				}
			}
		})
	}
}

// What a statement that was compiled says of itself holds for the next requests, and what it yields tells what to do with it.
func TestCompiledStatements(t *testing.T) {
	c := stubCluster(t)
	for _, prepared := range []bool{true, false} {
		var writes, reads atomic.Int64
		pool := tripPool(t, c.URI("authenticator", "postgres"), prepared, &writes, &reads)
		for _, test := range []struct {
			method, name string
			want         string // of the answers but the first
			note         db.Note
			restores     int64
		}{
			{"GET", "a", `a value text anon test {"c":1} GET /x {"h":1} {} on read committed 0`, db.Fine, 0},
			{"PATCH", "b", `b value text anon test {"c":1} PATCH /x {"h":1} {} off read committed 0`, db.Fine, 0},
			{"POST", "safe", `safe value text anon test {"c":1} POST /x {"h":1} {} on read committed 0`, db.Fine, 0},
			{"GET", "held", `held value text anon test {"c":1} GET /x {"h":1} {} on repeatable read 5s`, db.Fine, 0},
			{"POST", "dirty", `dirty value text anon test {"c":1} POST /x {"h":1} {} off read committed 0`, db.Fine, 4},
			{"GET", "stale", "", db.Stale, 0},
			{"GET", "escapes", "", db.Escapes, 0},
			{"POST", "gone", "", db.Stale, 0},
			{"POST", "wrong", `["23505", "m", false, "verbose"]`, db.Fine, 0},
		} {
			before := pool.Stats().Restores
			var answer db.Answer
			if err := pool.Do(t.Context(), tripRequest(test.method, test.name, nil), nil, &answer); err != nil || string(answer.Body) != "handled "+test.name {
				t.Fatalf("%s: %s %v", test.name, answer.Body, err)
			}
			known := answer.Statement
			for attempt := range 3 {
				err := pool.Do(t.Context(), tripRequest(test.method, test.name, nil), known, &answer)
				if got := string(answer.Body); err != nil || answer.Note != test.note || answer.Note == db.Fine && got != test.want {
					t.Errorf("%s, request %d: got %q, note %d, %v, want %q", test.name, attempt, got, answer.Note, err, test.want)
				}
			}
			if got := pool.Stats().Restores - before; prepared && got != test.restores {
				t.Errorf("%s: the session is restored %d times", test.name, got)
			}
		}
		var answer db.Answer
		if err := pool.Do(t.Context(), tripRequest("GET", "before", nil), nil, &answer); err != nil || answer.Status != 0 || answer.Statement == nil {
			t.Errorf("before: %d %v", answer.Status, err)
		}
	}
}
