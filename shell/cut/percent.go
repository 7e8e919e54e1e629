package cut

import (
	"bytes"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// decodeByte returns the byte at i of raw and how many characters it takes: + is a space, %41 is A, any other % itself.
func decodeByte(raw string, i int) (c byte, size int) {
	switch raw[i] {
	case '+':
		return ' ', 1
	case '%':
		if i+2 < len(raw) {
			high, low := unhex(raw[i+1]), unhex(raw[i+2])
			if high >= 0 && low >= 0 {
				return byte(high<<4 | low), 3
			}
		}
	}
	return raw[i], 1
}

// rawLength returns how many characters of raw decode to n bytes.
func rawLength(raw string, n int) int {
	i := 0
	for range n {
		_, size := decodeByte(raw, i)
		i += size
	}
	return i
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isText reports whether PostgreSQL takes the bytes as a text.
func isText(text []byte) bool { return utf8.Valid(text) && bytes.IndexByte(text, 0) < 0 }

// appendReadable appends text to a raw query string so that it decodes to itself, with as few escapes as that takes.
func appendReadable(dst, text []byte) []byte {
	for _, c := range text {
		if c <= ' ' || c == 0x7f || c == '%' || c == '+' || c == '&' || c == '#' {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
