package shell

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"unicode/utf8"
)

// plainOperators take their value as it stands: such a filter is shaped without knowing more of it. postern.answer, which
// shapes every other request, has the same list.
var plainOperators = map[string]bool{
	"eq": true, "neq": true, "gt": true, "gte": true, "lt": true, "lte": true, "like": true, "ilike": true,
}

// placeholder stands for a value in a shape.
const placeholder = 0x01

const (
	statementPrefix = "postern_"
	statementDigits = 32 // hexadecimal, of a SHA-256
	statementLength = len(statementPrefix) + statementDigits
	executeHead     = `execute "` + statementPrefix
)

// appendKnown appends the statement EXECUTE that answers a request in a session that has met its shape before. The name of
// the prepared statement is a digest of the head and the shape, in which each value is replaced by a placeholder; the
// values are literals. It gives false, and nothing is appended, for a request whose shape the database must find out.
// pairs: of appendPairs; location: the query of Content-Location, nil for a request whose answer has none; payload: the
// shape of the body, nil for none; shape is room, and is given back.
func appendKnown(dst, shape, head, pairs, location, payload []byte, call bool) (known, room []byte, ok bool) {
	start := len(dst)
	dst = append(dst, executeHead...)
	digits := len(dst)
	dst = append(append(dst, "00000000000000000000000000000000"...), '"')
	literals := len(dst)
	if location != nil {
		dst = appendLiteral(append(dst, ','), location)
	}
	shape = append(shape[:0], head...)
	for len(pairs) > 0 {
		var pair []byte
		pair, pairs, _ = bytes.Cut(pairs, []byte{unitSeparator})
		if shape, dst, ok = appendShape(shape, dst, pair, call); !ok {
			return dst[:start], shape, false
		}
	}
	shape = append(shape, payload...)
	if len(dst) > literals {
		dst[literals] = '('
		dst = append(dst, ')')
	}
	sum := sha256.Sum256(shape)
	hex.Encode(dst[digits:], sum[:statementDigits/2])
	return dst, shape, true
}

// statementName gives the name of the prepared statement in what appendKnown made.
func statementName(known []byte) []byte {
	start := len(executeHead) - len(statementPrefix)
	return known[start : start+statementLength]
}

// appendShape appends a parameter to a shape and its value to the literals, as postern.shape_parameter does.
func appendShape(shape, literals, pair []byte, call bool) (newShape, newLiterals []byte, ok bool) {
	name, rest, _ := bytes.Cut(pair, []byte{recordSeparator})
	operator, value, _ := bytes.Cut(rest, []byte{recordSeparator})
	shape = append(shape, unitSeparator)
	switch last := name[bytes.LastIndexByte(name, '.')+1:]; {
	case len(last) == len(name) && isWhole(string(name)), string(last) == "order":
		return append(shape, pair...), literals, true
	case string(last) == "and", string(last) == "or":
		return shape, literals, false
	case string(last) == "limit", string(last) == "offset":
		if len(operator) > 0 || !isCount(value) {
			return shape, literals, false
		}
		if len(value) <= 3 && string(last) == "limit" {
			return append(shape, pair...), literals, true
		}
	case len(operator) == 0:
		if !call {
			return shape, literals, false
		}
	case !plainOperators[string(operator)]:
		return shape, literals, false
	}
	shape = append(append(shape, name...), recordSeparator)
	shape = append(append(shape, operator...), recordSeparator, placeholder)
	return shape, appendLiteral(append(literals, ','), value), true
}

// isWhole tells whether a parameter is part of the shape as it stands.
func isWhole(name string) bool { return name == "select" || name == "columns" || name == "on_conflict" }

// isCount tells whether text is a number of rows that fits into a bigint.
func isCount(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 18
}

// appendLiteral appends text as a string constant of SQL, as quote_literal does: right whatever
// standard_conforming_strings is.
func appendLiteral(dst, text []byte) []byte {
	if bytes.IndexByte(text, '\\') >= 0 {
		dst = append(dst, " E"...)
	}
	dst = append(dst, '\'')
	for _, c := range text {
		if c == '\'' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

// appendPayloadShape appends what a shape holds of a JSON body, as postern.shape_payload does. It gives false for a body
// that the database must look at: another media type, text that is not UTF-8, nothing that has keys, keys that differ.
func appendPayloadShape(dst []byte, r *http.Request, payload []byte, pairs []byte, call bool) ([]byte, bool) {
	types := r.Header["Content-Type"]
	if len(types) > 1 || len(types) == 1 && types[0] != "application/json" || !utf8.Valid(payload) {
		return dst, false
	}
	dst = append(dst, "\x1f\x02json\x1e\x1e"...)
	if hasColumns(pairs) && (r.Method == http.MethodPost || r.Method == http.MethodPatch) {
		if body := bytes.TrimLeft(payload, " \t\r\n"); len(body) > 0 && body[0] == '{' {
			return append(dst, '{'), true
		}
		return append(dst, '['), true
	}
	if len(payload) == 0 && call {
		return append(dst, "{[]"...), true
	}
	return appendKeys(dst, payload)
}

func hasColumns(pairs []byte) bool {
	return bytes.HasPrefix(pairs, []byte("columns\x1e")) || bytes.Contains(pairs, []byte("\x1fcolumns\x1e"))
}

// plainWish tells whether the preferences ask for nothing that goes beyond one statement.
func plainWish(r *http.Request) bool {
	for _, value := range r.Header["Prefer"] {
		if strings.Contains(value, "resolution=") || strings.Contains(value, "count=planned") || strings.Contains(value, "count=estimated") {
			return false
		}
	}
	return true
}
