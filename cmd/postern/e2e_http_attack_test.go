package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is wrong or sly in HTTP itself: each row is what is sent, byte by byte, and all that comes back. Errors without a code are
// net/http's own answers.
func testHTTPAttacks(t *testing.T, h *house) {
	p := h.serve(t, "e2e", "PGRST_SERVER_TRACE_HEADER=X-Trace")
	testFraming(t, h, p)
	const one = "/books?select=id&id=eq.1"
	const ends = "\r\nConnection: close\r\n\r\n"
	smuggled := "GET /rpc/add?a=1&b=2 HTTP/1.1\r\nHost: h" + ends
	for _, test := range []struct{ name, text, want string }{
		{"a request", "GET " + one + " HTTP/1.1\r\nHost: h" + ends, `200 [{"id":1}]`},
		{"absolute form", "GET http://other" + one + " HTTP/1.1\r\nHost: h" + ends, `200 [{"id":1}]`},
		{"an empty segment", "GET /" + one + " HTTP/1.1\r\nHost: h" + ends, "404 PGRST125"},
		{"a slash at the end", "GET /books/ HTTP/1.1\r\nHost: h" + ends, "404 PGRST125"},
		{"an encoded slash", "GET /rpc%2fadd HTTP/1.1\r\nHost: h" + ends, "404 PGRST205"},
		{"dots", "GET /x/../books HTTP/1.1\r\nHost: h" + ends, "404 PGRST125"},
		{"encoded dots", "GET /%2e%2e HTTP/1.1\r\nHost: h" + ends, "404 PGRST205"},
		{"capitals", "GET /Books HTTP/1.1\r\nHost: h" + ends, "404 PGRST205"},
		{"a method in small letters", "get " + one + " HTTP/1.1\r\nHost: h" + ends, "405 PGRST117"},
		{"no Host", "GET " + one + " HTTP/1.1" + ends, "400 "},
		{"two Hosts", "GET " + one + " HTTP/1.1\r\nHost: h\r\nHost: i" + ends, "400 "},
		{"two lengths", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 30" + ends + "{}", "400 "},
		{"a negative length", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Length: -1" + ends, "400 "},
		{"length and chunks", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked" +
			"\r\n\r\n0\r\n\r\n" + smuggled, "404 PGRST202"}, // RFC 9112, 6.3: the chunks count, and the connection is closed
		{"chunks", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"a\":1,\"b\":2}\r\n0\r\n\r\n" + smuggled, "200 3"},
		{"chunks in HTTP/1.0", "POST /rpc/add HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 13\r\nTransfer-Encoding: chunked" +
			"\r\n\r\n{\"a\":1,\"b\":2}" + smuggled, "200 3"},
		{"a coding in disguise", "POST /rpc/add HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked" + ends + "0\r\n\r\n" + smuggled, "501 "},
		{"a length that is cut", "GET " + one + " HTTP/1.1\r\nHost: h\r\nContent-Length : 4" + ends, "400 "},
		{"a folded header", "GET " + one + " HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c" + ends, `200 [{"id":1}]`},
		{"a header without a name", "GET " + one + " HTTP/1.1\r\nHost: h\r\n: b" + ends, "400 "},
		{"a NUL in a header", "GET " + one + " HTTP/1.1\r\nHost: h\r\nX-A: a\x00b" + ends, "400 "},
		{"bytes beyond UTF-8 in a value", "GET /books?title=eq.\xff HTTP/1.1\r\nHost: h" + ends, "400 PGRST100"},
		{"bytes beyond UTF-8 in a name", "GET http://h/books?\xc3=eq.1 HTTP/1.1\r\nHost: h" + ends, "400 PGRST100"},
		{"bytes beyond UTF-8 in a page", "GET /books?offset=\xed\xa0\x80 HTTP/1.1\r\nHost: h" + ends, "400 PGRST100"},
		{"bytes beyond UTF-8 in the path", "GET /books\xff?select=id HTTP/1.1\r\nHost: h" + ends, "400 PGRST100"},
		{"UTF-8 as it is", "GET " + one + "&title=neq.\u00e9 HTTP/1.1\r\nHost: h" + ends, `200 [{"id":1}]`},
		{"percent signs that start no escape", "GET /books?select=id&title=like(any).{%ne%,%zz%} HTTP/1.1\r\nHost: h" + ends, `200 [{"id":1}]`},
		{"two slashes", "GET // HTTP/1.1\r\nHost: h" + ends, "404 PGRST125"},
		{"bytes beyond UTF-8 in a header", "GET " + one + " HTTP/1.1\r\nHost: h\r\nX-A: \xff\xfe" + ends, `200 [{"id":1}]`},
		{"a header of five megabytes", "GET " + one + " HTTP/1.1\r\nHost: h\r\nX-A: " + strings.Repeat("a", 5<<20) + ends, "431 "},
		{"a trace that breaks the line", "GET " + one + " HTTP/1.1\r\nHost: h\r\nX-Trace: a\rX-B: c" + ends, "400 "},
		{"another protocol", "GET " + one + " HTTP/3.7\r\nHost: h" + ends, "505 "},
		{"no protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 "},
	} {
		answers := converse(t, p, test.text)
		if strings.Join(answers, ", ") != test.want {
			t.Errorf("%s: %q, want %q", test.name, answers, test.want)
		}
	}
	for _, method := range []string{"HEAD", "OPTIONS"} {
		if answers := converse(t, p, method+" /books HTTP/1.1\r\nHost: h\r\n\r\n"+smuggled); len(answers) != 2 || answers[0] != "200 " || answers[1] != "200 3" {
			t.Errorf("%s: %q", method, answers)
		}
	}
}

// Stored data that reads like an answer of net/http arrives as it is, wherever in it a write to the socket begins.
func testFraming(t *testing.T, h *house, p *process) {
	const answer = "HTTP/1.1 400 Bad Request: x\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	h.execute(t, "e2e", `create table more.answers as
		select n, repeat(' ', n) || repeat(convert_from('`+fmt.Sprintf("\\x%x", answer)+`', 'UTF8'), 300) as text from generate_series(0, `+
		strconv.Itoa(len(answer)-1)+`) as n;
		create domain more."text/plain" as text;
		create function more.answer(n int) returns more."text/plain" language sql stable as $$ select a.text from more.answers as a where a.n = $1 $$;
		grant select on more.answers to e2e_anon`)
	one := p.over("HTTP/1.1", nil)
	one.client.Transport.(*http.Transport).MaxConnsPerHost = 1 // a broken frame would break the next answer, too
	for n := range len(answer) {
		want := strings.Repeat(" ", n) + strings.Repeat(answer, 300)
		r := one.send(t, "GET", "/rpc/answer?n="+strconv.Itoa(n), "", "Accept-Profile", "more", "Accept", "text/plain")
		if r.status != 200 || r.body != want || r.closed {
			t.Fatalf("%d: %d, %d bytes in place of %d, closed %t", n, r.status, len(r.body), len(want), r.closed)
		}
	}
}

// converse sends text and gives the status and body of all answers, of an error its code, until the server closes.
func converse(t *testing.T, p *process, text string) (answers []string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }() // the server may answer before it has read all
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(text, " ")
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return answers
		}
		method = "GET"
		body, err := io.ReadAll(response.Body)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) { // net/http does not wait for what it answers by itself to be read
			t.Fatal(err)
		}
		r := reply{status: response.StatusCode, body: string(body)}
		if r.status >= 400 {
			r.body = r.code()
		}
		answers = append(answers, fmt.Sprintf("%d %s", r.status, r.body))
	}
}
