package db

import (
	"net"
	"testing"
	"time"
)

func TestHealthy(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() { conn, _ := listener.Accept(); accepted <- conn }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server := <-accepted
	ask := func() bool {
		t.Helper()
		told := make(chan bool, 1)
		go func() { told <- healthy(conn) }()
		select {
		case answer := <-told:
			return answer
		case <-time.After(5 * time.Second):
			t.Fatal("it waits for a Read")
			return false
		}
	}
	if !ask() {
		t.Error("an idle connection is not healthy")
	}
	read := make(chan struct{})
	go func() { defer close(read); _, _ = conn.Read(make([]byte, 1)) }()
	time.Sleep(50 * time.Millisecond)
	if !ask() {
		t.Error("a connection that is read from is not healthy")
	}
	_, _ = server.Write([]byte("ab"))
	<-read
	time.Sleep(50 * time.Millisecond) // until b is there as well
	if ask() {
		t.Error("a connection with something to read is healthy")
	}
	_, _ = conn.Read(make([]byte, 1))
	_ = server.Close()
	time.Sleep(50 * time.Millisecond)
	if ask() {
		t.Error("a closed connection is healthy")
	}
}
