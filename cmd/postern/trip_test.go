package main

import (
	"context"
	"net"
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
				JSON: []byte(`{"path":"/x"}`), Settings: []byte("{}"), SearchPath: []byte("test"), Role: []byte("anon"), Claims: []byte("{}"),
				Assumed: test.assumed,
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
				if w, r := writes.Load()-beforeWrites, reads.Load()-beforeReads; w != 1 || r != 1 {
					t.Errorf("request %d: %d writes, %d reads", attempt, w, r)
				}
			}
		})
	}
}
