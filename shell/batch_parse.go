package shell

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
	return path == "/" && isBatchType(r.Header["Content-Type"])
}

func isBatchType(types []string) bool {
	return len(types) == 1 && mediaOf(types[0]) == batchType
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

// operations returns what a batch holds, or nothing where it is not well-formed, or may not be: that is the database's to say.
func (st *state) operations(payload []byte) []operation {
	var raw []map[string]json.RawMessage
	if !utf8.Valid(payload) || json.Unmarshal(payload, &raw) != nil || len(raw) > st.config.DBMaxOperations {
		return nil
	}
	operations := make([]operation, len(raw))
	places := make(map[string]int, len(raw))
	for i, members := range raw {
		op := &operations[i]
		if !op.read(members) {
			return nil
		}
		if op.id != "" {
			if _, twice := places[op.id]; twice {
				return nil
			}
			places[op.id] = i
		}
		if !op.findReferences(places, i) {
			return nil
		}
	}
	return operations
}

// read reads the members of an operation, and reports whether they are what they must be.
func (op *operation) read(members map[string]json.RawMessage) bool {
	var headers map[string]json.RawMessage
	op.headers = make(http.Header, len(operationFields))
	for name, raw := range members {
		ok := true
		switch name {
		case "id":
			op.id, ok = plainString(raw)
			ok = ok && strings.Trim(op.id, "0123456789") != ""
		case "method":
			op.method, ok = plainString(raw)
		case "path":
			op.path, ok = plainString(raw)
		case "ref":
			op.ref, ok = plainString(raw)
			ok = ok && op.ref != ""
		case "headers":
			ok = raw[0] == '{' && json.Unmarshal(raw, &headers) == nil
		case "body":
			op.body = raw
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return isMethod(op.method) && isTarget(op.path) && op.readHeaders(headers) && op.readBody()
}

// readHeaders reads the header fields of an operation.
func (op *operation) readHeaders(headers map[string]json.RawMessage) bool {
	for name, raw := range headers {
		value, ok := plainString(raw)
		name = http.CanonicalHeaderKey(name)
		if !ok || !slices.Contains(operationFields, name) || op.headers[name] != nil || !validValue([]byte(value)) {
			return false
		}
		op.headers[name] = []string{value}
	}
	for given := range strings.SplitSeq(op.headers.Get("Prefer"), ",") {
		if strings.HasPrefix(strings.Trim(given, " \t"), "tx=") {
			return false
		}
	}
	return true
}

// readBody reads the body of an operation, which is text where it is no JSON.
func (op *operation) readBody() bool {
	types := op.headers["Content-Type"]
	switch {
	case isBatchType(types):
		return false
	case len(types) == 0 || isJSONSyntax(mediaOf(types[0])):
		return true
	}
	op.ref = ""
	if op.body == nil {
		return true
	}
	var text string
	if op.body[0] != '"' || bytes.Contains(op.body, []byte(`\u`)) || json.Unmarshal(op.body, &text) != nil {
		return false
	}
	op.body = []byte(text)
	return true
}

// plainString returns a string. It reports false for another value, and for one with an escape that PostgreSQL may not take.
func plainString(raw json.RawMessage) (text string, ok bool) {
	ok = raw[0] == '"' && !bytes.Contains(raw, []byte(`\u`)) && json.Unmarshal(raw, &text) == nil
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

// findReferences notes the last operation that an operation refers to. places are those of the ids up to its own; it reports false
// where it refers to one that is none before it.
func (op *operation) findReferences(places map[string]int, place int) (ok bool) {
	op.refers, ok = -1, true
	look := func(dst []byte, pointer string) ([]byte, bool) {
		tokens, found := pointerTokens(pointer)
		if !found {
			return dst, false
		}
		to, found := places[tokens[0]]
		if index, isIndex := arrayIndex(tokens[0]); isIndex {
			to, found = index, true
		}
		op.refers = max(op.refers, to)
		return dst, found && to < place
	}
	if strings.Contains(op.path, "{#") {
		_, ok = replaceInPath(op.path, func(pointer string) (any, bool) {
			_, found := look(nil, pointer)
			return "", found
		})
	}
	if ok && op.ref != "" {
		_, ok = replaceInBody(nil, op.body, op.ref, look)
	}
	return ok
}

// arrayIndex returns the number that a token of a JSON pointer is (RFC 6901, 4).
func arrayIndex(token string) (index int, ok bool) {
	index, err := strconv.Atoi(token)
	return index, err == nil && index >= 0 && len(token) < 10 && strconv.Itoa(index) == token
}
