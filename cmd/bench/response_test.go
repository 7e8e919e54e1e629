package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadResponse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want response
	}{
		"length": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", response{status: 200, body: []byte("abc")}},
		"header names in any case, space around values": {
			"HTTP/1.1 201 Created\r\ncontent-LENGTH:\t2 \r\nServer: x\r\n\r\nab", response{status: 201, body: []byte("ab")},
		},
		"empty":            {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", response{status: 200}},
		"no reason phrase": {"HTTP/1.1 204\r\n\r\n", response{status: 204}},
		"no content":       {"HTTP/1.1 204 No Content\r\n\r\n", response{status: 204}},
		"closing":          {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", response{status: 200, closes: true}},
		"chunks": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\n",
			response{status: 200, body: []byte("abc0123456789")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, keep := range []bool{true, false} {
				// A second response must be found right after the first.
				reader := bufio.NewReader(strings.NewReader(test.text + "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n-"))
				got, err := readResponse(reader, false, keep)
				want := string(test.want.body)
				if !keep {
					want = ""
				}
				if err != nil || got.status != test.want.status || got.closes != test.want.closes || string(got.body) != want {
					t.Errorf("keep %t: got %d %q, closes %t, %v", keep, got.status, got.body, got.closes, err)
				}
				if next, err := readResponse(reader, false, true); err != nil || next.status != 404 || string(next.body) != "-" {
					t.Errorf("keep %t: then got %d %q, %v", keep, next.status, next.body, err)
				}
			}
		})
	}
}

func TestReadResponseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another protocol":  "SSH-2.0-OpenSSH\r\n\r\n",
		"no status":         "HTTP/1.1 abc\r\n\r\n",
		"no length":         "HTTP/1.1 200 OK\r\n\r\nabc",
		"a negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"no header":         "HTTP/1.1 200 OK\r\nabc\r\n\r\n",
		"a long header":     "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n",
		"no chunk size":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"an overlong chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
	} {
		if got, err := readResponse(bufio.NewReader(strings.NewReader(text)), false, true); err == nil {
			t.Errorf("%s: got %d %q", name, got.status, got.body)
		}
	}
	for name, text := range map[string]string{
		"headers": "HTTP/1.1 200 OK\r\nContent-Le",
		"body":    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
		"chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
	} {
		for _, keep := range []bool{true, false} {
			if _, err := readResponse(bufio.NewReader(strings.NewReader(text)), false, keep); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cut short in the %s: %v", name, err)
			}
		}
	}
	if _, err := readResponse(bufio.NewReader(strings.NewReader("")), false, true); !errors.Is(err, io.EOF) {
		t.Errorf("nothing at all: %v", err)
	}
}
