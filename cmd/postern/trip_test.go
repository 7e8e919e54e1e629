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

// A warm request is one write and one read, whichever form the call takes.
func TestOneRoundTrip(t *testing.T) {
	c := stubCluster(t)
	for _, test := range []struct {
		name     string
		prepared bool
		assumed  *db.Assumed
	}{
		{"run", true, nil},
		{"run, settings", true, db.NewAssumed("", [][2]string{{"statement_timeout", "5s"}})},
		{"folded", true, nil},
		{"folded, not prepared", false, nil},
		{"settings", true, db.NewAssumed("", [][2]string{{"statement_timeout", "5s"}})},
		{"settings, not prepared", false, db.NewAssumed("", [][2]string{{"statement_timeout", "5s"}})},
		{"isolation level", true, db.NewAssumed("serializable", nil)},
		{"isolation level, not prepared", false, db.NewAssumed("serializable", [][2]string{{"statement_timeout", "5s"}})},
	} {
		t.Run(test.name, func(t *testing.T) {
			var writes, reads atomic.Int64
			pool, err := db.Open(db.Options{
				URI: c.URI("authenticator", "postgres"), Version: shell.Version, Size: 1, AcquireTimeout: time.Second,
				MaxLifetime: time.Hour, MaxIdle: time.Hour,
				Session: func() db.Session { return db.Session{Prepared: test.prepared, SearchPath: "test"} },
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
					return countedConn{conn, &writes, &reads}, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			request := &db.Request{
				JSON: func() []byte { return []byte(`{"path":"/x"}`) }, Settings: []byte("{}"), SearchPath: []byte("test"), Role: []byte("anon"), Claims: []byte("{}"),
				Assumed: test.assumed,
			}
			if strings.HasPrefix(test.name, "run") {
				request.Known, request.Statement, request.Plain = []byte("x"), []byte("x"), true
			}
			var answer db.Answer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for attempt := range 5 {
				time.Sleep(15 * time.Millisecond) // long enough for the connection to be looked at before its use
				beforeWrites, beforeReads := writes.Load(), reads.Load()
				if err := pool.Handle(ctx, request, &answer); err != nil {
					t.Fatal(err)
				}
				if answer.Status != 200 {
					t.Fatalf("%d %s", answer.Status, answer.Body)
				}
				if attempt == 0 {
					continue // connects
				}
				if request.Plain != strings.HasPrefix(string(answer.Body), "ran ") {
					t.Errorf("request %d: %s", attempt, answer.Body)
				}
				if w, r := writes.Load()-beforeWrites, reads.Load()-beforeReads; w != 1 || r != 1 {
					t.Errorf("request %d: %d writes, %d reads", attempt, w, r)
				}
			}
		})
	}
}

// A statement that the session has met is run; where that fails the database is asked for the answer.
func TestRun(t *testing.T) {
	c := stubCluster(t)
	pool, err := db.Open(db.Options{
		URI: c.URI("authenticator", "postgres"), Version: shell.Version, Size: 1, AcquireTimeout: time.Second, MaxLifetime: time.Hour, MaxIdle: time.Hour,
		Session: func() db.Session { return db.Session{Prepared: true, SearchPath: "test"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, test := range []struct {
		method, known string
		plain         bool
		want          []string
	}{
		{"GET", "a", true, []string{"served a", `ran a anon test {"c":1} GET /x {"h":1} {} on`, `ran a anon test {"c":1} GET /x {"h":1} {} on`}},
		{"PATCH", "b", true, []string{"served b", `ran b anon test {"c":1} PATCH /x {"h":1} {} off text`}},
		{"GET", "a", false, []string{"served a", "served a"}},
		{"GET", "stale", true, []string{"served stale", `recovered {} {"s": 1} stale 26000 anon`, "served stale"}},
		{"POST", "gone", true, []string{"served gone", `recovered {} {"s": 1} gone 26000 26000 anon`, "served gone"}},
		{"POST", "wrong", true, []string{"served wrong", `recovered {} {"s": 1} wrong 23505 m d h anon`, `recovered {} {"s": 1} wrong 23505 m d h anon`}},
	} {
		for _, want := range test.want {
			var answer db.Answer
			err := pool.Handle(t.Context(), &db.Request{
				JSON: func() []byte { return []byte("{}") }, Settings: []byte(`{"s": 1}`), SearchPath: []byte("test"), Role: []byte("anon"), Claims: []byte(`{"c":1}`), Method: test.method,
				Path: "/x", Headers: []byte(`{"h":1}`), Cookies: []byte("{}"), Known: []byte(test.known), Statement: []byte(test.known), Plain: test.plain, Text: []byte("text"),
			}, &answer)
			if got := strings.Join(strings.Fields(string(answer.Body)), " "); err != nil || got != want {
				t.Errorf("%s %s: got %q, %v, want %q", test.method, test.known, got, err, want)
			}
		}
	}
}
