package shell

import (
	"bytes"
	"slices"
)

// appendKeys appends the form of a JSON text, { for an object or [ for an array of objects, and its keys as a JSON array in
// the order of jsonb: shorter ones first, then by bytes. It gives false for anything that is not plainly that, and for
// objects whose keys differ or stand in another order. What a value is it does not look at: PostgreSQL does.
func appendKeys(dst, text []byte) ([]byte, bool) {
	var room [32][]byte
	s := scanner{text: text}
	form := s.next()
	if form != '{' && form != '[' {
		return dst, false
	}
	if form == '[' {
		s.at++
	}
	keys, ok := s.object(room[:0])
	if !ok {
		return dst, false
	}
	for form == '[' && s.next() == ',' {
		s.at++
		if !s.same(keys) {
			return dst, false
		}
	}
	if form == '[' {
		if s.next() != ']' {
			return dst, false
		}
		s.at++
	}
	if s.next() != 0 || s.at < len(text) {
		return dst, false
	}
	slices.SortFunc(keys, func(a, b []byte) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return bytes.Compare(a, b)
	})
	dst = append(dst, form, '[')
	for i, key := range slices.CompactFunc(keys, bytes.Equal) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, '"'), key...), '"')
	}
	return append(dst, ']'), true
}

// scanner reads the outline of a JSON text.
type scanner struct {
	text []byte
	at   int
}

// next skips blanks and gives the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take skips blanks and the byte c, if that follows.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// object reads an object and appends its keys.
func (s *scanner) object(keys [][]byte) ([][]byte, bool) {
	if !s.take('{') {
		return keys, false
	}
	if s.take('}') {
		return keys, true
	}
	for {
		key, ok := s.key()
		if !ok || !s.take(':') || !s.value() {
			return keys, false
		}
		keys = append(keys, key)
		if s.take('}') {
			return keys, true
		}
		if !s.take(',') {
			return keys, false
		}
	}
}

// same reads an object that has these keys, in this order.
func (s *scanner) same(keys [][]byte) bool {
	if !s.take('{') {
		return false
	}
	for i, want := range keys {
		if i > 0 && !s.take(',') {
			return false
		}
		key, ok := s.key()
		if !ok || !bytes.Equal(key, want) || !s.take(':') || !s.value() {
			return false
		}
	}
	return s.take('}')
}

// key reads a string without escapes and control characters.
func (s *scanner) key() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], true
		case c == '\\' || c < ' ' || c == 0x7f:
			return nil, false
		}
	}
	return nil, false
}

// value skips a value, which is not looked at but for where it ends.
func (s *scanner) value() bool {
	switch s.next() {
	case '"':
		return s.skipString()
	case '{', '[':
		return s.skipNested()
	}
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n', '"', '{', '[':
			return s.at > start
		}
	}
	return false
}

func (s *scanner) skipString() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

func (s *scanner) skipNested() bool {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if !s.skipString() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
				return true
			}
		}
		s.at++
	}
	return false
}
