package db

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"postern/shell/apierror"
)

// script is what a server that plays PostgreSQL says to each Sync after those of a new connection.
type script []func(backend *pgproto3.Backend) bool // reports whether the connection stays

// say returns a step that sends an error, which is the end where it is fatal.
func say(severity, code string) func(*pgproto3.Backend) bool {
	return func(backend *pgproto3.Backend) bool {
		backend.Send(&pgproto3.ErrorResponse{Severity: severity, SeverityUnlocalized: severity, Code: code, Message: "m"})
		if severity != "FATAL" {
			backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
		return backend.Flush() == nil && severity != "FATAL"
	}
}

// leave ends the connection without a word.
func leave(*pgproto3.Backend) bool { return false }

// play returns a pool on such a server, which takes one connection.
func play(t *testing.T, steps script) *Pool {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_ = listener.Close()
		serveOnce(conn, steps)
	}()
	pool, err := Open(Options{
		URI: "postgres://u@" + listener.Addr().String() + "/d?sslmode=disable", Version: "1", Size: 1, AcquireTimeout: time.Second,
		MaxLifetime: time.Hour, MaxIdle: time.Hour, Session: func() Session { return Session{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// A server that goes down is 503 wherever it says so, also where it is asked how an error is worded, and leaves no connection to give
// back. Of a write that was sent it is then not known whether it was committed.
func TestServerGone(t *testing.T) {
	for _, test := range []struct {
		name, method, code string
		uncertain          bool
		steps              script
	}{
		{"a read", "GET", "57P01", false, script{say("FATAL", "57P01")}},
		{"a write", "POST", "57P01", true, script{say("FATAL", "57P01")}},
		{"a crash", "PATCH", "57P02", true, script{say("FATAL", "57P02")}},
		{"a read without a word", "GET", "PGRST001", false, script{leave}},
		{"a write without a word", "DELETE", "PGRST001", true, script{leave}},
		{"OPTIONS without a word", "OPTIONS", "PGRST001", false, script{leave}},
		{"an error, then down", "POST", "57P03", false, script{say("ERROR", "23505"), say("FATAL", "57P03")}},
		{"an error, then nothing", "POST", "PGRST001", false, script{say("ERROR", "23505"), leave}},
		{"an error, then a pooler without a server", "POST", "PGRST001", false, script{say("ERROR", "23505"), say("ERROR", "08006")}},
		{"an error, then another", "POST", "23505", false, script{say("ERROR", "23505"), say("ERROR", "XX000")}},
	} {
		pool := play(t, test.steps)
		var answer Answer
		var known *apierror.Error
		request := &Request{Method: []byte(test.method), JSON: func() []byte { return []byte("{}") }, Role: []byte("anon")}
		status := map[bool]int{false: 503, true: 500}[test.code == "23505"]
		err := pool.Do(context.Background(), request, nil, &answer)
		if !errors.As(err, &known) || known.Status != status || known.Code != test.code || (known.Details == uncertain) != test.uncertain {
			t.Errorf("%s: %+v", test.name, err)
		}
	}
}

// serveOnce speaks PostgreSQL's protocol: every query of a new connection gives one row with the text 1; then it follows the steps.
func serveOnce(conn net.Conn, steps script) {
	defer func() { _ = conn.Close() }()
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	queries := 0
	for backend.Flush() == nil {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		switch message.(type) {
		case *pgproto3.Describe:
			if queries == 0 {
				backend.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("v"), DataTypeOID: oidText}}})
			}
		case *pgproto3.Parse:
			if queries == 0 {
				backend.Send(&pgproto3.ParseComplete{})
			}
		case *pgproto3.Bind:
			if queries == 0 {
				backend.Send(&pgproto3.BindComplete{})
			}
		case *pgproto3.Execute:
			if queries == 0 {
				backend.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("1")}})
				backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
			}
		case *pgproto3.Sync:
			if queries++; queries > 1 { // after what a new connection asks for it is the request
				if len(steps) == 0 || !steps[0](backend) {
					return
				}
				steps = steps[1:]
				continue
			}
			backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
	}
}
