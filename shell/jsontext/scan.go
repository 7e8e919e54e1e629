package jsontext

import "iter"

// A Scanner reads the outline of a JSON text. What a value is it does not look at.
type Scanner struct {
	Text []byte
	At   int
}

// Next skips blanks and returns the byte that follows, 0 at the end.
func (s *Scanner) Next() byte {
	for ; s.At < len(s.Text); s.At++ {
		switch c := s.Text[s.At]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// Take skips blanks and the byte c, if that follows.
func (s *Scanner) Take(c byte) bool {
	if s.Next() != c {
		return false
	}
	s.At++
	return true
}

// Skip skips blanks and a value, and reports whether there is one that ends before the text does.
func (s *Scanner) Skip() bool {
	switch s.Next() {
	case '"':
		return s.SkipString()
	case '{', '[':
		return s.skipNested()
	}
	start := s.At
	for ; s.At < len(s.Text); s.At++ {
		switch s.Text[s.At] {
		case ',', '}', ']', ' ', '\t', '\r', '\n', '"', '{', '[':
			return s.At > start
		}
	}
	return false
}

// SkipString skips a string, at whose first quote the scanner is.
func (s *Scanner) SkipString() bool {
	for s.At++; s.At < len(s.Text); s.At++ {
		switch s.Text[s.At] {
		case '\\':
			s.At++
		case '"':
			s.At++
			return true
		}
	}
	return false
}

// skipNested skips an object or an array.
func (s *Scanner) skipNested() bool {
	for depth := 0; s.At < len(s.Text); {
		switch s.Text[s.At] {
		case '"':
			if !s.SkipString() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.At++
				return true
			}
		}
		s.At++
	}
	return false
}

// value skips a value and returns its text.
func (s *Scanner) value() []byte {
	s.Next()
	start := s.At
	s.Skip()
	return s.Text[start:s.At:s.At]
}

// Elements yields the elements of an array, as they are in valid JSON; of another value none.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := Scanner{Text: array}
		for more := s.Take('['); more && s.Next() != ']'; more = s.Take(',') {
			if !yield(s.value()) {
				return
			}
		}
	}
}

// Members yields keys, in their quotes, and values of an object, as they are in valid JSON; of another value none.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		s := Scanner{Text: object}
		for more := s.Take('{'); more && s.Next() != '}'; more = s.Take(',') {
			key := s.value()
			s.Take(':')
			if !yield(key, s.value()) {
				return
			}
		}
	}
}
