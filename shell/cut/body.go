package cut

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"postern/shell/jsontext"
)

// AppendPayload appends what a shape holds of a JSON body, as JSON: {"form":"{","keys":["a","b"]}, the form being { for
// an object and [ for an array of objects that have the same keys. The keys are in the order of jsonb, shorter ones
// first, then by bytes, each once. columns says that the request names the columns, so that keys do not count: then the
// form is { or, for anything else, [, and nothing is listed.
//
// It reports false, and appends nothing, for any other body: one that is not UTF-8, that is neither form, whose objects
// have different keys, or one with keys that have escapes or control characters. The keys are those that PostgreSQL
// sees if the body is JSON; whether it is, PostgreSQL tells.
func AppendPayload(dst []byte, body []byte, columns bool) ([]byte, bool) {
	if !utf8.Valid(body) {
		return dst, false
	}
	s := scanner{jsontext.Scanner{Text: body}}
	form := s.Next()
	if columns {
		if form != '{' {
			form = '['
		}
		return append(append(append(dst, `{"form":"`...), form), `"}`...), true
	}
	var room, sortedRoom [32][]byte
	keys, ok := s.document(form, room[:0], sortedRoom[:0])
	if !ok {
		return dst, false
	}
	dst = append(append(append(dst, `{"form":"`...), form), `","keys":`...)
	return append(jsontext.AppendStrings(dst, keys), '}'), true
}

// A scanner reads the keys of a JSON text.
type scanner struct{ jsontext.Scanner }

// document reads a body of the form { or [ to its end and returns its keys in the order of jsonb, each once. What the
// first object's keys and the result are appended to comes from the caller, who has room for few on the stack.
func (s *scanner) document(form byte, sequence, sorted [][]byte) (keys [][]byte, ok bool) {
	if form == '[' {
		s.At++
	} else if form != '{' {
		return nil, false
	}
	if sequence, ok = s.first(sequence); !ok {
		return nil, false
	}
	sorted = sortKeys(append(sorted, sequence...))
	if form == '[' {
		var room [32]bool
		seen := append(room[:0], make([]bool, len(sorted))...)
		for s.Take(',') {
			if !s.again(sequence, sorted, seen) {
				return nil, false
			}
		}
		if !s.Take(']') {
			return nil, false
		}
	}
	return sorted, s.Next() == 0 && s.At == len(s.Text)
}

// sortKeys returns the keys in the order of jsonb, each once.
func sortKeys(keys [][]byte) [][]byte {
	slices.SortFunc(keys, compareKeys)
	return slices.CompactFunc(keys, bytes.Equal)
}

// compareKeys orders keys as jsonb does.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// first reads an object and appends its keys.
func (s *scanner) first(keys [][]byte) ([][]byte, bool) {
	if !s.Take('{') {
		return nil, false
	}
	if s.Take('}') {
		return keys, true
	}
	for {
		key, ok := s.member()
		if !ok {
			return nil, false
		}
		keys = append(keys, key)
		if !s.Take(',') {
			return keys, s.Take('}')
		}
	}
}

// again reads another object and reports whether it has as many keys as the first, and the same ones. Mostly they stand
// in the same order; where not, they are looked up among the sorted ones, and seen has which of these were there.
func (s *scanner) again(sequence, sorted [][]byte, seen []bool) bool {
	if !s.Take('{') {
		return false
	}
	if s.Take('}') {
		return len(sequence) == 0
	}
	sameOrder := true
	for i := 0; ; i++ {
		key, ok := s.member()
		if !ok || i == len(sequence) {
			return false
		}
		if sameOrder && !bytes.Equal(key, sequence[i]) {
			sameOrder = false
			clear(seen)
			for _, earlier := range sequence[:i] {
				see(earlier, sorted, seen)
			}
		}
		if !sameOrder && !see(key, sorted, seen) {
			return false
		}
		if !s.Take(',') {
			return s.Take('}') && i+1 == len(sequence) && (sameOrder || !slices.Contains(seen, false))
		}
	}
}

// see marks a key as seen and reports whether it is one of the sorted ones.
func see(key []byte, sorted [][]byte, seen []bool) bool {
	place, found := slices.BinarySearchFunc(sorted, key, compareKeys)
	if found {
		seen[place] = true
	}
	return found
}

// member reads a key and its value and returns the key.
func (s *scanner) member() (key []byte, ok bool) {
	key, ok = s.key()
	return key, ok && s.Take(':') && s.Skip()
}

// key reads a string without escapes and control characters.
func (s *scanner) key() (key []byte, ok bool) {
	if !s.Take('"') {
		return nil, false
	}
	start := s.At
	for ; s.At < len(s.Text); s.At++ {
		switch c := s.Text[s.At]; {
		case c == '"':
			s.At++
			return s.Text[start : s.At-1], true
		case c == '\\' || c < ' ' || c == 0x7f:
			return nil, false
		}
	}
	return nil, false
}
