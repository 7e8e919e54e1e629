// Package jsontext writes strings of JSON (RFC 8259) by appending to a byte slice, and reads where the parts of a JSON
// text stand, without reflection or allocation. It knows the form of JSON; it does not know what it means.
package jsontext

import "unicode/utf8"

const hex = "0123456789abcdef"

// plain marks the ASCII bytes that stand for themselves inside a JSON string.
var plain = func() (table [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// AppendString appends text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, control
// characters are escaped, so the result is always valid JSON.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		size := 0
		if c >= utf8.RuneSelf {
			size = runeSize(text, i)
		}
		if size > 0 {
			i += size
			continue
		}
		dst = append(dst, text[start:i]...)
		if c < utf8.RuneSelf {
			dst = appendEscape(dst, c)
		} else {
			dst = append(dst, "\ufffd"...)
		}
		i++
		start = i
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// runeSize returns the length of the UTF-8 sequence at i, or 0 if there is none.
func runeSize[T string | []byte](text T, i int) int {
	var sequence [utf8.UTFMax]byte
	n := copy(sequence[:], text[i:])
	r, size := utf8.DecodeRune(sequence[:n])
	if r == utf8.RuneError && size <= 1 {
		return 0
	}
	return size
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendOptional appends text as a JSON string, or null where it is empty.
func AppendOptional(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return AppendString(dst, text)
}

// AppendStrings appends a JSON array of strings.
func AppendStrings[T string | []byte](dst []byte, texts []T) []byte {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, text)
	}
	return append(dst, ']')
}
