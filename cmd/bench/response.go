package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// response is what came back for a request.
type response struct {
	status int
	body   []byte // nil where it was not to be kept
	total  string // what Content-Range says after the slash
	closes bool   // the server closes the connection after it
}

// readResponse reads one HTTP/1.1 response (RFC 9112), of which it understands no more than the load needs: the status,
// the length of the body, chunks, "Connection: close", the total. The body of an error is always kept. A response that
// says nothing about its length is an error, as is a header line longer than the reader's buffer.
func readResponse(r *bufio.Reader, head, keep bool) (response, error) {
	var result response
	line, err := readLine(r)
	if err != nil {
		return result, err
	}
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return result, fmt.Errorf("not a status line: %q", line)
	}
	if result.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return result, fmt.Errorf("not a status line: %q", line)
	}
	keep = keep || result.status >= 400
	length, chunked := -1, false
	for {
		if line, err = readLine(r); err != nil {
			return result, unexpected(err)
		}
		if len(line) == 0 {
			break
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return result, fmt.Errorf("not a header line: %q", line)
		}
		switch value = bytes.TrimSpace(value); {
		case is(name, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return result, fmt.Errorf("not a length: %q", value)
			}
		case is(name, "transfer-encoding"):
			chunked = is(value, "chunked")
		case keep && is(name, "content-range"):
			_, after, _ := bytes.Cut(value, []byte("/"))
			result.total = string(after)
		case is(name, "connection"):
			result.closes = is(value, "close")
		}
	}
	switch {
	case head || result.status == 204 || result.status == 304:
	case chunked:
		err = readChunks(r, keep, &result.body)
	case length < 0:
		err = errors.New("the response does not tell its length")
	default:
		err = readBytes(r, length, keep, &result.body)
	}
	return result, err
}

// is compares without regard to case; lower is in lower case. bytes.EqualFold would do the same, slower.
func is(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// readLine returns a line without its end; it is good until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// readChunks reads a body in chunks and the trailer after them (RFC 9112, section 7.1).
func readChunks(r *bufio.Reader, keep bool, body *[]byte) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return unexpected(err)
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
		if err != nil {
			return fmt.Errorf("not the size of a chunk: %q", line)
		}
		if size == 0 {
			break
		}
		if err := readBytes(r, int(size), keep, body); err != nil {
			return err
		}
		if line, err = readLine(r); err != nil {
			return unexpected(err)
		} else if len(line) != 0 {
			return fmt.Errorf("not the end of a chunk: %q", line)
		}
	}
	for {
		if line, err := readLine(r); err != nil || len(line) == 0 {
			return unexpected(err)
		}
	}
}

// readBytes reads so many bytes of a body, and appends them to it or drops them.
func readBytes(r *bufio.Reader, size int, keep bool, body *[]byte) error {
	if !keep {
		_, err := r.Discard(size)
		return unexpected(err)
	}
	old := len(*body)
	*body = append(*body, make([]byte, size)...)
	_, err := io.ReadFull(r, (*body)[old:])
	return unexpected(err)
}

// unexpected makes an end in the middle of a response an error of its own.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
