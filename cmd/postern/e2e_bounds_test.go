package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestBinaryBounds holds the binary against clients that are slow, that never read, and that are many.
func TestBinaryBounds(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "bounds", true)
	h.execute(t, "bounds", `create function api.text(kb int) returns text language sql stable as $$ select repeat('x', kb * 1024) $$;
		create table api.sizes (size int); grant insert, select on api.sizes to e2e_anon;
		create function api.size(json) returns int language sql volatile as
			$$ insert into api.sizes values (octet_length($1::text)) returning size $$;`+bulkSchema)
	t.Run("never read", func(t *testing.T) { testNeverRead(t, h) })
	t.Run("slow senders", func(t *testing.T) { testSlowSenders(t, h) })
	t.Run("connections", func(t *testing.T) { testConnections(t, h) })
	t.Run("bulk", func(t *testing.T) { testBulk(t, h) })
	t.Run("bulk on its way", func(t *testing.T) { testBulkOnItsWay(t, h) })
	t.Run("bytes in flight", func(t *testing.T) { testBytesInFlight(t, h) })
}

// dial opens a connection with small buffers, so that a few answers fill it.
func (p *process) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	tcp := conn.(*net.TCPConn)
	_ = tcp.SetReadBuffer(4 << 10)
	return tcp
}

// closedWithin reports whether the server closes a connection from which nothing is read meanwhile.
func closedWithin(t *testing.T, p *process, conn *net.TCPConn, limit time.Duration) bool {
	t.Helper()
	port := fmt.Sprintf(":%04X", conn.LocalAddr().(*net.TCPAddr).Port)
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		open := false
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Skip("the system does not list its sockets")
		}
		for line := range strings.Lines(string(table)) { // the server's side: remote address, then the state, 01 for established
			fields := strings.Fields(line)
			open = open || strings.HasSuffix(fields[2], port) && fields[3] == "01"
		}
		if !open {
			return true
		}
	}
	return false
}

// A client that never reads loses its connection after server-client-timeout, whatever the size of its answers, and holds no
// connection to the database meanwhile.
func testNeverRead(t *testing.T, h *house) {
	p := h.serve(t, "bounds", "PGRST_SERVER_CLIENT_TIMEOUT=2", "PGRST_DB_POOL=1")
	for _, kb := range []int{2, 60, 30 << 10} {
		request := fmt.Sprintf("GET /rpc/text?kb=%d HTTP/1.1\r\nHost: h\r\n\r\n", kb)
		conn := p.dial(t)
		go func() { _, _ = io.WriteString(conn, strings.Repeat(request, max(30<<10/kb, 1))) }() // pipelined
		time.Sleep(500 * time.Millisecond)
		p.expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3") // on the only connection to the database
		if !closedWithin(t, p, conn, 10*time.Second) {
			t.Errorf("%d KiB: a connection that nobody reads is kept", kb)
		}
	}
	// HTTP/2: a stream without a window is reset, and a connection that is not read is closed.
	const noWindow, hugeWindow = "\x00\x04\x00\x00\x00\x00", "\x00\x04\x7f\xff\xff\xff" // SETTINGS_INITIAL_WINDOW_SIZE
	for _, kb := range []int{1, 60, 30 << 10} {
		conn := p.dial(t)
		_, _ = io.WriteString(conn, http2Preface+frame(frameSettings, 0, 0, noWindow)+frame(frameHeaders, 5, 1, headerBlock(fmt.Sprintf("/rpc/text?kb=%d", kb))))
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		for kind := byte(0); kind != frameReset; {
			var head [9]byte
			_, err := io.ReadFull(conn, head[:])
			payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			if err == nil {
				_, err = io.ReadFull(conn, payload)
			}
			if kind = head[3]; err != nil {
				t.Errorf("HTTP/2, %d KiB: %v in place of a reset", kb, err)
				break
			}
			if kind == framePing && head[4] == 0 { // else the connection is closed, which a slow database may leave time for
				_, _ = io.WriteString(conn, frame(framePing, 1, 0, string(payload)))
			}
		}
	}
	conn := p.dial(t)
	_, _ = io.WriteString(conn, http2Preface+frame(frameSettings, 0, 0, hugeWindow)+frame(frameWindow, 0, 0, "\x7f\xff\x00\x00")+
		frame(frameHeaders, 5, 1, headerBlock("/rpc/text?kb=30720")))
	if !closedWithin(t, p, conn, 10*time.Second) {
		t.Error("HTTP/2: a connection that nobody reads is kept")
	}
}

// Of HTTP/2 (RFC 9113): what a client says first, and types of frames.
const (
	http2Preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameWindow   = 8
)

func frame(kind, flags, stream byte, payload string) string {
	return string([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
}

// headerBlock encodes the header of a GET (RFC 7541): method and scheme by their index, path and host as literals.
func headerBlock(path string) string {
	return "\x82\x86\x04" + string(rune(len(path))) + path + "\x01\x01h"
}

// A client that stops sending, in the header, in a body or after a body that nobody reads, loses its connection.
func testSlowSenders(t *testing.T, h *house) {
	p := h.serve(t, "bounds", "PGRST_SERVER_CLIENT_TIMEOUT=1")
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"half a header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: ", ""},
		{"half a body", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n{", "400"},
		{"half a body after much", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + strings.Repeat(" ", 4<<20), "400"},
		{"a body that nobody reads", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\nContent-Length: 30\r\n\r\n{", "401"},
		{"a body of a preflight", "OPTIONS /rpc/add HTTP/1.1\r\nHost: h\r\nOrigin: http://a\r\nAccess-Control-Request-Method: GET\r\nContent-Length: 30\r\n\r\n{", "200"},
		{"half a chunk", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "400"},
	} {
		conn := p.dial(t)
		_, _ = io.WriteString(conn, test.text)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			t.Errorf("%s: the connection is kept", test.name)
		}
		if status := strings.TrimPrefix(string(answer), "HTTP/1.1 "); !strings.HasPrefix(status, test.want) || test.want == "" && status != "" {
			t.Errorf("%s: %.200s", test.name, answer)
		}
	}
	// One that only goes on now and then is given up as well: a byte each half a second is too slow.
	conn := p.dial(t)
	_, _ = io.WriteString(conn, "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
	sent := 0
	for ; sent < 10; sent++ {
		if _, err := conn.Write([]byte{' '}); err != nil {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	if sent == 10 {
		t.Error("a byte each half a second: the connection is kept")
	}
}

// Where there are as many connections as may be, unused ones make room, and those that only wait for a header lose theirs.
func testConnections(t *testing.T, h *house) {
	p := h.serve(t, "bounds", "PGRST_SERVER_MAX_CONNECTIONS=4", "PGRST_SERVER_CLIENT_TIMEOUT=2")
	const request = "GET /rpc/add?a=1&b=2 HTTP/1.1\r\nHost: h\r\n\r\n"
	answered := func(conn net.Conn, limit time.Duration) error {
		_ = conn.SetDeadline(time.Now().Add(limit))
		_, _ = io.WriteString(conn, request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && response.StatusCode != 200 {
			err = errors.New(response.Status)
		}
		return err
	}
	for n := range 12 {
		if err := answered(p.dial(t), 5*time.Second); err != nil { // and stays open
			t.Fatalf("unused connections, %d: %v", n, err)
		}
	}
	for range 8 { // over HTTP/2, too
		p.over("HTTP/2.0", nil).expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3")
	}
	for range 4 {
		_, _ = io.WriteString(p.dial(t), "GET / HTTP/1.1\r\n")
	}
	for n := range 4 {
		if err := answered(p.dial(t), 10*time.Second); err != nil {
			t.Fatalf("half headers, %d: %v", n, err)
		}
	}
	// There are never more: four sleep, the fifth waits for one of them.
	p = h.serve(t, "bounds", "PGRST_SERVER_MAX_CONNECTIONS=4", "PGRST_DB_POOL=8")
	var waiting sync.WaitGroup
	var most atomic.Int64
	for range 8 {
		waiting.Go(func() {
			if r := p.send(t, "POST", "/rpc/sleep", `{"seconds": 0.5}`, "Connection", "close"); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	for range 20 {
		var now int64
		_, _ = fmt.Sscan(h.ask(t, "bounds", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), &now)
		most.Store(max(most.Load(), now))
		time.Sleep(20 * time.Millisecond)
	}
	waiting.Wait()
	if most.Load() < 1 || most.Load() > 4 {
		t.Errorf("%d requests at once on four connections", most.Load())
	}
}

// Many long bodies at once take no more memory than their bound lets them. They wait for each other, and what has waited too long is
// told to come back.
func testBytesInFlight(t *testing.T, h *house) {
	const size, bodies = 60 << 20, 12
	p := h.serve(t, "bounds", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=300")
	send := func(p *process, size int64, chunked bool) (status int, retry string) {
		request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/rpc/size", io.MultiReader(strings.NewReader(`{"a":"`), io.LimitReader(letters{}, size-8), strings.NewReader(`"}`)))
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		if request.ContentLength = size; chunked {
			request.ContentLength = -1
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := p.client.Do(request)
		if err != nil {
			return 0, "" // refused before it was sent
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode == 200 && string(text) != fmt.Sprint(size) {
			t.Errorf("%s", text)
		}
		return response.StatusCode, response.Header.Get("Retry-After")
	}
	many := func(p *process) (statuses map[int]int) {
		statuses = make(map[int]int)
		var mutex sync.Mutex
		var waiting sync.WaitGroup
		for range bodies {
			waiting.Go(func() {
				status, retry := send(p, size, false)
				if status == 503 && retry == "" {
					t.Error("503 without Retry-After")
				}
				mutex.Lock()
				defer mutex.Unlock()
				statuses[status]++
			})
		}
		waiting.Wait()
		return statuses
	}
	if statuses := many(p); statuses[200] != bodies {
		t.Errorf("all have the time: %v", statuses)
	}
	peak := peakMemory(t, p.command.Process.Pid)
	t.Logf("%d bodies of %d MiB: a peak of %d MiB", bodies, size>>20, peak>>10)
	if peak > 700<<10 {
		t.Errorf("a peak of %d MiB", peak>>10)
	}
	if stored := h.ask(t, "bounds", "select count(*) from api.sizes"); stored != fmt.Sprint(bodies) {
		t.Errorf("%s are stored", stored)
	}
	// One that is never sent to its end has the room: others are refused in time, and short ones have room of their own.
	p = h.serve(t, "bounds", "PGRST_SERVER_MAX_BYTES_IN_FLIGHT=67108864", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=1", "PGRST_SERVER_CLIENT_TIMEOUT=300")
	conn := p.dial(t)
	_, _ = fmt.Fprintf(conn, "POST /rpc/size HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat(" ", 2<<20))
	eventually(t, "a refusal", func() bool { status, _ := send(p, 2<<20, false); return status == 503 || status == 0 })
	p.expect(t, "POST", "/rpc/add", `{"a": 1, "b": 2}`, nil, 200, "3")
	_ = conn.Close()
	eventually(t, "room", func() bool { status, _ := send(p, 2<<20, false); return status == 200 })
	for _, chunked := range []bool{true, false, true} { // in chunks one has room for the longest at first
		if status, _ := send(p, 8<<20, chunked); status != 200 {
			t.Errorf("one after the other, chunked %t: %d", chunked, status)
		}
	}
	// Answers that are not read take room, too: a large one more is refused, small ones are not.
	p = h.serve(t, "bounds", "PGRST_SERVER_MAX_BYTES_IN_FLIGHT=33554432", "PGRST_DB_POOL=2", "PGRST_SERVER_CLIENT_TIMEOUT=300",
		"PGRST_DB_POOL_ACQUISITION_TIMEOUT=300")
	for range 15 {
		_, _ = io.WriteString(p.dial(t), "GET /rpc/text?kb=30720 HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	refused := false
	for deadline := time.Now().Add(time.Minute); !refused && time.Now().Before(deadline); {
		r := p.send(t, "GET", "/rpc/text?kb=20480", "")
		refused = r.status == 503 && r.code() == "PGRST003" && r.header.Get("Retry-After") != ""
	}
	if !refused {
		t.Error("a large answer has room beside others")
	}
	p.expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3")
	peak = peakMemory(t, p.command.Process.Pid)
	t.Logf("15 answers of 30 MiB: a peak of %d MiB", peak>>10)
	if peak > 500<<10 {
		t.Errorf("answers: a peak of %d MiB", peak>>10)
	}
}

// letters is text without an end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
