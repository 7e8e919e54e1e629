package db

import (
	"encoding/binary"
	"errors"
)

// Answer is what postern.handle gave. Its slices point into a buffer that the next use of the Answer overwrites.
type Answer struct {
	Status  int
	Headers [][2][]byte // names and values, in order; names may repeat
	Body    []byte      // nil for none

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

var errRecord = errors.New("its record is not (int4, text[], bytea)")

// decode reads a record in the binary format of record_send: the number of fields, then of each its type, length and
// value. The fields are those of postern.handle: status int4, headers text[], body bytea.
func (a *Answer) decode(record []byte) error {
	a.buffer = append(a.buffer[:0], record...)
	a.Headers, a.Body, a.Status = a.Headers[:0], nil, 0
	in := input{rest: a.buffer}
	if in.number() != 3 {
		return errRecord
	}
	status, _ := in.field(oidInt4)
	headers, _ := in.field(oidTextArray)
	body, given := in.field(oidBytea)
	if in.failed || len(in.rest) != 0 || len(status) != 4 {
		return errRecord
	}
	a.Status = int(int32(binary.BigEndian.Uint32(status)))
	if given {
		a.Body = body
	}
	return a.decodeHeaders(headers)
}

// decodeHeaders reads a two-dimensional array in the binary format of array_send: dimensions, flags, element type; of
// each dimension its size and lower bound; of each element its length and value.
func (a *Answer) decodeHeaders(array []byte) error {
	if len(array) == 0 {
		return nil
	}
	in := input{rest: array}
	dimensions, _, element := in.number(), in.number(), in.number()
	if dimensions == 0 && !in.failed {
		return nil
	}
	if dimensions != 2 || element != oidText {
		return errRecord
	}
	rows, _, columns, _ := in.number(), in.number(), in.number(), in.number()
	if columns != 2 {
		return errRecord
	}
	for range rows {
		name, hasName := in.bytes()
		value, hasValue := in.bytes()
		if in.failed || !hasName {
			return errRecord
		}
		if hasValue {
			a.Headers = append(a.Headers, [2][]byte{name, value})
		}
	}
	if len(in.rest) != 0 {
		return errRecord
	}
	return nil
}

// input reads big-endian numbers and counted bytes; once something is missing it has failed.
type input struct {
	rest   []byte
	failed bool
}

func (in *input) number() int {
	if len(in.rest) < 4 {
		in.failed = true
		return 0
	}
	value := int32(binary.BigEndian.Uint32(in.rest))
	in.rest = in.rest[4:]
	return int(value)
}

// bytes reads a length and that many bytes; length -1 is null.
func (in *input) bytes() (value []byte, given bool) {
	length := in.number()
	if length == -1 && !in.failed {
		return nil, false
	}
	if length < 0 || length > len(in.rest) {
		in.failed = true
		return nil, false
	}
	value, in.rest = in.rest[:length:length], in.rest[length:]
	return value, true
}

// field reads a field of a record, which must be of the type.
func (in *input) field(oid int) (value []byte, given bool) {
	if in.number() != oid {
		in.failed = true
	}
	return in.bytes()
}
