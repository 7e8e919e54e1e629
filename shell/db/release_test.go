package db

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"postern/shell/fault"
)

// A server that shuts down leaves no connection to give back: that is an error, not a panic.
func TestServerGone(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // a server that answers what a new connection asks for, then is gone
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_ = listener.Close()
		serveOnce(conn)
	}()
	pool, err := Open(Options{
		URI: "postgres://u@" + listener.Addr().String() + "/d?sslmode=disable", Version: "1", Size: 1, AcquireTimeout: time.Second,
		MaxLifetime: time.Hour, MaxIdle: time.Hour, Session: func() Session { return Session{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var answer Answer
	var known *fault.Fault
	request := &Request{Method: []byte("GET"), JSON: func() []byte { return []byte("{}") }, Role: []byte("anon")}
	if err := pool.Do(context.Background(), request, nil, &answer); !errors.As(err, &known) || known.Status != 503 {
		t.Errorf("got %v", err)
	}
}

// serveOnce speaks PostgreSQL's protocol: every query gives one row with the text 1, until it shuts down in the midst of a request.
func serveOnce(conn net.Conn) {
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
			backend.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("v"), DataTypeOID: oidText}}})
		case *pgproto3.Parse:
			backend.Send(&pgproto3.ParseComplete{})
		case *pgproto3.Bind:
			backend.Send(&pgproto3.BindComplete{})
		case *pgproto3.Execute:
			if queries == 1 {
				continue
			}
			backend.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("1")}})
			backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		case *pgproto3.Sync:
			if queries++; queries > 1 { // after what a new connection asks for it is the request
				backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01", Message: "terminating"})
				_ = backend.Flush()
				return
			}
			backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
	}
}
