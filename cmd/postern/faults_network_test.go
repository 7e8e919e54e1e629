package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

// tamperer passes connections on to PostgreSQL, message by message, and does harm to one message each time it is armed.
type tamperer struct {
	address string
	server  string
	sealed  bool // by TLS: nothing is known of messages, any bit of what comes next is garbled
	armed   atomic.Pointer[harm]
	mutex   sync.Mutex
	open    map[net.Conn]bool
}

// harm is what happens to the next message of a kind.
type harm struct {
	fromServer bool
	kind       byte // the type of the message; 0 is the first of a client, which has none
	action     string
}

var actions = []string{"cut before", "cut within", "cut after", "delay", "garble type"}

func newTamperer(t *testing.T, c *cluster.Cluster, sealed bool) *tamperer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tamperer{
		address: listener.Addr().String(), server: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), sealed: sealed,
		open: make(map[net.Conn]bool),
	}
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.server)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mutex.Lock()
			p.open[client] = true
			p.mutex.Unlock()
			var both sync.WaitGroup
			both.Go(func() { p.pass(client, server, false) })
			both.Go(func() { p.pass(server, client, true) })
			go func() {
				both.Wait()
				p.mutex.Lock()
				delete(p.open, client)
				p.mutex.Unlock()
			}()
		}
	}()
	return p
}

// cut ends all connections.
func (p *tamperer) cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for client := range p.open {
		_ = client.Close()
	}
}

func (p *tamperer) pass(from, to net.Conn, fromServer bool) {
	defer func() { _, _ = from.Close(), to.Close() }()
	reader := bufio.NewReader(from)
	if p.sealed {
		p.passSealed(reader, to, fromServer)
		return
	}
	for first := !fromServer; ; first = false {
		head := 5
		if first {
			head = 4
		}
		message := make([]byte, head)
		if _, err := io.ReadFull(reader, message); err != nil {
			return
		}
		message = append(message, make([]byte, binary.BigEndian.Uint32(message[head-4:])-4)...)
		if _, err := io.ReadFull(reader, message[head:]); err != nil {
			return
		}
		kind := message[0]
		if first {
			kind = 0
		}
		if h := p.armed.Load(); h != nil && h.fromServer == fromServer && (h.kind == kind || h.kind == '*') && p.armed.CompareAndSwap(h, nil) {
			if !h.harm(message, head, to) {
				return
			}
			continue
		}
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}

func (p *tamperer) passSealed(from io.Reader, to io.Writer, fromServer bool) {
	chunk := make([]byte, 1<<16)
	for {
		n, err := from.Read(chunk)
		if err != nil {
			return
		}
		const header = 5 // of a record: whoever reads a garbled length may wait for more
		if h := p.armed.Load(); h != nil && h.fromServer == fromServer && n > header && p.armed.CompareAndSwap(h, nil) {
			chunk[header+rand.IntN(n-header)] ^= 1 << rand.IntN(8)
		}
		if _, err := to.Write(chunk[:n]); err != nil {
			return
		}
	}
}

// harm sends what becomes of the message, and reports whether the connection lives on.
func (h *harm) harm(message []byte, head int, to net.Conn) bool {
	switch h.action {
	case "cut before":
		return false
	case "cut within":
		message = message[:max(1, len(message)/2)]
	case "delay":
		time.Sleep(100 * time.Millisecond)
	case "garble type":
		message[head-5+head%5/4*5] ^= 0x80 // of the first message, which has no type, the length
	case "garble":
		if len(message) > head {
			message[head+rand.IntN(len(message)-head)] ^= 1 << rand.IntN(8)
		}
	case "garble length":
		message[head-4] ^= 0x20
	}
	_, err := to.Write(message)
	return err == nil && h.action != "cut within" && h.action != "cut after"
}

// stages are the messages of a connection and of a request, in the order in which they are sent.
var stages = []struct {
	name       string
	fromServer bool
	kind       byte
	connecting bool
}{
	{"startup", false, 0, true}, {"authentication request", true, 'R', true}, {"password", false, 'p', true}, {"parameter status", true, 'S', true},
	{"Parse", false, 'P', false}, {"Bind", false, 'B', false}, {"Execute", false, 'E', false}, {"Sync", false, 'S', false},
	{"ParseComplete", true, '1', false}, {"BindComplete", true, '2', false}, {"DataRow", true, 'D', false},
	{"CommandComplete", true, 'C', false}, {"ReadyForQuery", true, 'Z', false}, {"ErrorResponse", true, 'E', false},
}

// testNetworkFaults harms each kind of message in each way, while clients write.
func testNetworkFaults(t *testing.T, binary string) {
	h, _ := faultHouse(t, binary)
	proxy := newTamperer(t, h.cluster, false)
	uri := "PGRST_DB_URI=postgresql://e2e_login:e2e@" + proxy.address + "/e2e?sslmode=disable"
	s := besiege(t, h, "e2e", h.serve(t, "e2e", faultSettings(uri)...), time.Minute)
	strike := func(t *testing.T, h harm, connecting bool) {
		t.Helper()
		proxy.armed.Store(&h)
		if connecting {
			proxy.cut()
		}
		eventually(t, "the message", func() bool { return proxy.armed.Load() == nil })
	}
	for _, stage := range stages {
		s.suffer(t, fault{
			name: stage.name, allowed: []string{"503 PGRST000", "503 PGRST001", "503 08P01"}, within: 3 * time.Second,
			strike: func(t *testing.T) {
				for range soaked(1, 20) {
					for _, action := range actions {
						strike(t, harm{stage.fromServer, stage.kind, action}, stage.connecting)
					}
				}
			},
		})
	}
	// What is garbled within messages may be a value, which nobody can tell without TLS: here clients only read.
	s.gate.Lock()
	defer s.gate.Unlock()
	before := s.settled(t)
	s.timeout.Store(int64(500 * time.Millisecond))
	answers := make(map[string]int)
	for n := range soaked(149, 5000) {
		action := "garble"
		if n%150 == 149 {
			action = "garble length" // whoever reads it waits for more, until the client goes away
		}
		proxy.armed.Store(&harm{n%2 == 0, '*', action})
		for proxy.armed.Load() != nil {
			status, header, body, err := s.ask("GET", fmt.Sprintf("/books?id=eq.1&select=a%d:id,title", n%7), "")
			if status >= 400 {
				answers[fmt.Sprintf("%d %s", status, s.complain(t, status, header, body))]++
			} else {
				answers[fmt.Sprintf("%d, no answer: %t", status, err != nil)]++
			}
		}
	}
	t.Logf("garbled at random: %v", answers)
	s.timeout.Store(int64(time.Minute))
	s.await(t, 8*time.Second)
	s.left(t, before)
	s.check(t)
}

// testSealedFaults garbles any bit of connections by TLS: that is found out, each time.
func testSealedFaults(t *testing.T, binary string) {
	h, _ := faultHouse(t, binary)
	certificate, key := filepath.Join(h.cluster.Home, "cert.pem"), filepath.Join(h.cluster.Home, "key.pem")
	writeCertificate(t, certificate, key)
	owned := like(t, h.cluster.Home)
	for _, file := range []string{certificate, key} {
		if err := errors.Join(os.Chown(file, int(owned.Uid), int(owned.Gid)), os.Chmod(file, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{"alter system set ssl_cert_file = '" + certificate + "'", "alter system set ssl_key_file = '" + key + "'",
		"alter system set ssl = on", "select pg_reload_conf()"} {
		h.execute(t, "e2e", sql)
	}
	eventually(t, "TLS", func() bool { return h.ask(t, "e2e", "select current_setting('ssl')") == "on" })
	proxy := newTamperer(t, h.cluster, true)
	uri := "PGRST_DB_URI=postgresql://e2e_login:e2e@" + proxy.address + "/e2e?sslmode=require"
	s := besiege(t, h, "e2e", h.serve(t, "e2e", faultSettings(uri)...), time.Minute)
	s.suffer(t, fault{
		// 504 while a place in the pool is held by a connection whose handshake waits for what a garbled length has promised, no
		// answer where a request does, one in thousands.
		allowed: []string{"503 PGRST000", "503 PGRST001", "503 08P01", "504 PGRST003", "no answer"}, wanted: "503 PGRST001", within: 3 * time.Second,
		strike: func(t *testing.T) {
			for n := range soaked(60, 5000) {
				proxy.armed.Store(&harm{fromServer: n%2 == 0})
				eventually(t, "something sent", func() bool { return proxy.armed.Load() == nil })
			}
		},
	})
}
