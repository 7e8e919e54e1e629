package db

import (
	"bytes"
	"errors"
	"strconv"

	"postern/shell/statement"
)

// Answer is what the database answered. Its slices point into a buffer that the next use of the Answer overwrites.
type Answer struct {
	Status    int         // 0 where nothing was done yet
	Headers   [][2][]byte // names and values, in order; names may repeat
	Body      []byte      // empty for none
	Note      Note
	Statement *statement.Statement // what postern.handle compiled; nil for none
	Limited   bool                 // Request.Timeout is in force
	Omitted   bool                 // there is a body, which was not kept

	buffer []byte
	size   int // bytes of the body, kept or not
	most   int // bytes of a body that is kept; 0 for any
}

// Note says what is wrong with an answer.
type Note int

const (
	Fine    Note = iota
	Stale        // the statement was compiled before the latest DDL
	Escapes      // a text needs an escape that the statement does not make
)

// maxKept is the largest buffer that Reset keeps, in bytes.
const maxKept = 1 << 20

// Reset empties an answer for its next use and lets go of a large buffer.
func (a *Answer) Reset() {
	if cap(a.buffer) > maxKept {
		a.buffer = nil
	}
	*a = Answer{Headers: a.Headers[:0], buffer: a.buffer[:0]}
}

// Code returns the code of an answer that is an error, and nothing for others and for what user code has made.
func (a *Answer) Code() string {
	for _, field := range a.Headers {
		if _, code, ours := bytes.Cut(field[1], []byte("postern; error=")); ours && bytes.EqualFold(field[0], proxyStatus) {
			return string(code)
		}
	}
	return ""
}

var proxyStatus = []byte("Proxy-Status")

// The columns of a compiled statement, and those that postern.handle has besides.
const (
	columnBody = iota
	columnStatus
	columnHeaders
	columnNote
	columnStatement
	columnFlags
)

var errAnswer = errors.New("its answer is not a body, a status, header lines and a note")

// read takes an answer out of a row.
func (a *Answer) read(row [][]byte) error {
	if len(row) <= columnNote {
		return errAnswer
	}
	a.Headers, a.Body, a.Status, a.Note, a.Statement, a.Omitted = a.Headers[:0], nil, 0, Fine, nil, false
	if len(row) > columnFlags && row[columnStatement] != nil {
		made, err := statement.New(string(row[columnStatement]), row[columnFlags])
		if err != nil {
			return err
		}
		a.Statement = made
	}
	switch string(row[columnNote]) {
	case "stale":
		a.Note = Stale
		return nil
	case "escapes":
		a.Note = Escapes
		return nil
	}
	if row[columnStatus] == nil {
		return nil
	}
	var err error
	if a.Status, err = strconv.Atoi(string(row[columnStatus])); err != nil {
		return errAnswer
	}
	body := row[columnBody]
	if a.size = len(body); a.most > 0 && a.size > a.most {
		body, a.Omitted = nil, true
	}
	a.buffer = append(append(a.buffer[:0], row[columnHeaders]...), body...)
	head := a.buffer[:len(row[columnHeaders])]
	a.Body = a.buffer[len(head):]
	for head = bytes.TrimPrefix(head, []byte{'\n'}); len(head) > 0; {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte{'\n'})
		name, value, found := bytes.Cut(line, []byte(": "))
		if !found {
			return errAnswer
		}
		a.Headers = append(a.Headers, [2][]byte{name, value})
	}
	return nil
}
