package shell

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"postern/shell/jsontext"
)

const (
	batchType = "application/vnd.postern.batch+json"

	maxPathReferences = 100     // the limit "path references" in sql/parse/limits.sql
	maxReferred       = 1 << 20 // and "referred bytes"
)

// operationFields are the header fields that an operation of a batch has itself (postern.operation_fields).
var operationFields = []string{
	"Accept", "Accept-Profile", "Content-Profile", "Content-Type", "If-Match", "If-None-Match", "Prefer", "Range",
}

// operation is a request of a batch, as it was sent.
type operation struct {
	id      string
	method  string
	path    string // with references
	headers http.Header
	body    []byte
	ref     string // the key of references in the body; empty where there are none
	refers  int    // the place of the last operation that it refers to; -1 for none
}

// isBatch reports whether a request is a batch.
func (st *state) isBatch(r *http.Request) bool {
	if r.Method != http.MethodPost || st.config.DBMaxOperations == 0 {
		return false
	}
	path, _ := target(r)
	return path == "/" && isOfType(r.Header["Content-Type"], batchType)
}

// isOfType reports whether a body of these types is of a media type.
func isOfType(types []string, media string) bool {
	return len(types) == 1 && mediaOf(types[0]) == media
}

// mediaOf returns the media type of a Content-Type, in lower case.
func mediaOf(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.Trim(media, " \t"))
}

// isJSONSyntax reports whether a media type is JSON or one with its syntax (RFC 6839, 3.1).
func isJSONSyntax(media string) bool {
	return strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

// operations returns what a batch holds and the places of ids; nothing where that may be the database's to refuse.
func (st *state) operations(payload []byte) (operations []operation, places map[string]int) {
	if !utf8.Valid(payload) || !json.Valid(payload) {
		return nil, nil
	}
	places = make(map[string]int)
	for raw := range jsontext.Elements(payload) {
		place := len(operations)
		operations = append(operations, operation{})
		op := &operations[place]
		if place == st.config.DBMaxOperations || !op.read(raw) {
			return nil, nil
		}
		if _, twice := places[op.id]; twice {
			return nil, nil
		}
		if op.id != "" {
			places[op.id] = place
		}
		if !op.findReferences(places, place) {
			return nil, nil
		}
	}
	return operations, places
}

// read reads an operation, and reports whether it is what it must be.
func (op *operation) read(raw []byte) bool {
	seen := make([]string, 0, 6)
	for key, value := range jsontext.Members(raw) {
		name, ok := plainString(key)
		if !ok || slices.Contains(seen, name) {
			return false
		}
		seen = append(seen, name)
		switch name {
		case "id":
			op.id, ok = plainString(value)
			ok = ok && strings.Trim(op.id, "0123456789") != ""
		case "method":
			op.method, ok = plainString(value)
		case "path":
			op.path, ok = plainString(value)
		case "ref":
			op.ref, ok = plainString(value)
			ok = ok && op.ref != ""
		case "headers":
			ok = value[0] == '{'
			for key, field := range jsontext.Members(value) {
				ok = ok && op.readHeader(key, field)
			}
		case "body":
			op.body = value
		default:
			return false
		}
		if !ok {
			return false
		}
	}
	return isMethod(op.method) && isTarget(op.path) && op.readBody()
}

// readHeader reads a header field of an operation.
func (op *operation) readHeader(key, raw []byte) bool {
	name, ok := plainString(key)
	value, plain := plainString(raw)
	name = http.CanonicalHeaderKey(name)
	if !ok || !plain || !slices.Contains(operationFields, name) || op.headers[name] != nil || !validValue([]byte(value)) {
		return false
	}
	if name == "Prefer" {
		for given := range preferences([]string{value}) {
			if strings.HasPrefix(strings.TrimLeft(given, " \t"), "tx=") {
				return false
			}
		}
	}
	if op.headers == nil {
		op.headers = make(http.Header)
	}
	op.headers[name] = []string{value}
	return true
}

// readBody reads the body of an operation, which is text where it is no JSON.
func (op *operation) readBody() bool {
	types := op.headers["Content-Type"]
	switch {
	case isOfType(types, batchType):
		return false
	case len(types) == 0 || isJSONSyntax(mediaOf(types[0])):
		return true
	}
	op.ref = ""
	if op.body == nil {
		return true
	}
	var text string
	if op.body[0] != '"' || !isPlain(op.body) || json.Unmarshal(op.body, &text) != nil {
		return false
	}
	op.body = []byte(text)
	return true
}

// isPlain reports whether PostgreSQL takes all escapes of a JSON string: it has no character of the code 0, and which
// halves of a pair it takes is its own to say.
func isPlain(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] != 'u' {
			continue
		}
		code, _ := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
		if code == 0 || utf16.IsSurrogate(rune(code)) {
			return false
		}
	}
	return true
}

// plainString returns a string; ok is false for another value, and for an escape that PostgreSQL may not take.
func plainString(raw []byte) (text string, ok bool) {
	switch {
	case raw[0] != '"' || !isPlain(raw):
		return "", false
	case bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1]), true
	}
	ok = json.Unmarshal(raw, &text) == nil
	return text, ok
}

func isMethod(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c < 'A' || c > 'Z' })
}

// isTarget reports whether a text may be the path of an operation, in which {#pointer} is a reference.
func isTarget(text string) bool {
	if !strings.HasPrefix(text, "/") || len(text) > maxTarget || strings.Count(text, "{#") > maxPathReferences ||
		strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return false
	}
	for {
		before, rest, found := strings.Cut(text, "{#")
		if strings.Contains(before, "#") {
			return false
		}
		if !found {
			return true
		}
		if _, text, found = strings.Cut(rest, "}"); !found {
			return false
		}
	}
}

// findReferences notes the last operation that an operation refers to. places are those of the ids up to its own; it
// reports false where it refers to one that is none before it.
func (op *operation) findReferences(places map[string]int, place int) (ok bool) {
	op.refers, ok = -1, true
	find := func(pointer string) (*node, bool) {
		to, _, found := referred(pointer, places)
		op.refers = max(op.refers, to)
		return &node{raw: []byte(`""`)}, found && to < place // any value will do
	}
	if strings.Contains(op.path, "{#") {
		_, ok = replaceInPath(op.path, find)
	}
	if ok && op.ref != "" {
		_, ok = replaceInBody(op.body, op.ref, find)
	}
	return ok
}

// arrayIndex returns the number that a token of a JSON pointer is (RFC 6901, 4).
func arrayIndex(token string) (index int, ok bool) {
	index, err := strconv.Atoi(token)
	return index, err == nil && index >= 0 && len(token) < 10 && strconv.Itoa(index) == token
}
