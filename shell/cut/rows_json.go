package cut

import (
	"bytes"
	"encoding/json"
	"slices"

	"postern/shell/jsontext"
)

// What is wrong with a line of ndjson, as the database says it (postern.describe_lines).
const (
	notJSON   = "Empty or invalid json"
	notObject = "A line is not a JSON object"
	otherKeys = "All object keys must match"
)

// CheckJSON returns the error of the first row from which on PostgreSQL cannot read the JSON of a piece, nil for none:
// a row is looked at only as far as its outline goes before.
func (p *Piece) CheckJSON() *LineError {
	for row := range p.Len() {
		if !json.Valid(p.Row(row)) {
			wrong := malformed(notJSON)
			wrong.Line = p.Line(row)
			return wrong
		}
	}
	return nil
}

// check returns what is wrong with the object on a line. It sees to it that the line is one element of an array, if the
// array is JSON at all.
func (r *Rows) check(text []byte) *LineError {
	s := scanner{jsontext.Scanner{Text: text}}
	if r.keyed {
		if s.again(r.sequence, r.sorted, r.seen) && s.At == len(text) {
			return nil
		}
		return r.checkSlowly(text)
	}
	var room [32][]byte
	if keys, ok := s.first(room[:0]); !ok || s.At != len(text) || !r.columns && !json.Valid(text) {
		return r.checkSlowly(text)
	} else if !r.columns {
		r.keep(keys)
	}
	return nil
}

// checkSlowly is check for any line.
func (r *Rows) checkSlowly(text []byte) *LineError {
	var members map[string]json.RawMessage
	switch {
	case !json.Valid(text):
		return malformed(notJSON)
	case text[0] != '{':
		return malformed(notObject)
	case r.columns:
		return nil
	case json.Unmarshal(text, &members) != nil:
		return malformed(notJSON)
	}
	keys := make([][]byte, 0, len(members))
	for key := range members {
		keys = append(keys, []byte(key))
	}
	slices.SortFunc(keys, compareKeys)
	if !r.keyed {
		r.keep(keys)
	} else if !slices.EqualFunc(keys, r.sorted, bytes.Equal) {
		return malformed(otherKeys)
	}
	return nil
}

// keep notes the keys that all rows must have.
func (r *Rows) keep(keys [][]byte) {
	r.keyed = true
	for _, key := range keys {
		r.sequence = append(r.sequence, bytes.Clone(key))
	}
	r.sorted = sortKeys(slices.Clone(r.sequence))
	r.seen = make([]bool, len(r.sorted))
}
