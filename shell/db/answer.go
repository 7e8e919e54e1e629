package db

import (
	"bytes"
	"errors"
	"strconv"
)

// Answer is what postern.serve gave. Its slices point into a buffer that the next use of the Answer overwrites.
type Answer struct {
	Status  int
	Headers [][2][]byte // names and values, in order; names may repeat
	Body    []byte      // empty for none
	Leaves  bool        // code of the user's ran that may have left something in the session
	Met     bool        // the session has now prepared the statement Request.Known

	buffer []byte
}

// maxKept is the largest buffer that Reset keeps, in bytes.
const maxKept = 1 << 20

// Reset empties an answer for its next use and lets go of a large buffer.
func (a *Answer) Reset() {
	if cap(a.buffer) > maxKept {
		a.buffer = nil
	}
	*a = Answer{Headers: a.Headers[:0], buffer: a.buffer[:0]}
}

// flags stand behind the status (postern.response).
const (
	flagLeaves = '*'
	flagMet    = '+'
)

var errResponse = errors.New("its response is not a status, header lines, an empty line and a body")

// parse reads what postern.response makes: the status, perhaps a blank and flags, a line "name: value" for each header, an empty line, the body.
func (a *Answer) parse(response []byte) error {
	a.buffer = append(a.buffer[:0], response...)
	a.Headers, a.Body, a.Status = a.Headers[:0], nil, 0
	status, rest, found := bytes.Cut(a.buffer, []byte{'\n'})
	if !found {
		return errResponse
	}
	status, flags, _ := bytes.Cut(status, []byte{' '})
	a.Leaves, a.Met = bytes.IndexByte(flags, flagLeaves) >= 0, bytes.IndexByte(flags, flagMet) >= 0
	var err error
	if a.Status, err = strconv.Atoi(string(status)); err != nil {
		return errResponse
	}
	for {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return errResponse
		}
		if end == 0 {
			a.Body = rest[1:]
			return nil
		}
		name, value, found := bytes.Cut(rest[:end:end], []byte(": "))
		if !found {
			return errResponse
		}
		a.Headers = append(a.Headers, [2][]byte{name, value})
		rest = rest[end+1:]
	}
}
