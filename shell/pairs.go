package shell

import (
	"strings"
	"unicode/utf8"
)

// Separators of parameters and of their parts; see postern.query_pairs in sql/shape/request.sql.
const (
	unitSeparator   = 0x1f
	recordSeparator = 0x1e
)

// maxParameters is the limit "parameters" in sql/parse/limits.sql: the work for a request must not grow faster than its length.
const maxParameters = 4096

// appendPairs appends the parameters of a raw query, decoded and separated: each as name, value up to its first dot, rest
// of the value; of a value without a dot all is rest. Parameters without a value count for nothing. It gives false for a
// query that does not decode, holds control characters or has too many parameters: postern.answer then says what is wrong with it.
func appendPairs(dst []byte, query string) ([]byte, bool) {
	if strings.Count(query, "&") >= maxParameters {
		return dst, false
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, unitSeparator)
		}
		var ok bool
		if dst, ok = appendDecoded(dst, name); !ok {
			return dst, false
		}
		dst = append(dst, recordSeparator)
		start := len(dst)
		if dst, ok = appendDecoded(dst, value); !ok {
			return dst, false
		}
		dst = splitAtDot(dst, start)
	}
	return dst, utf8.Valid(dst)
}

// splitAtDot puts a separator in place of the first dot behind start, or at start when there is none.
func splitAtDot(dst []byte, start int) []byte {
	for i := start + 1; i < len(dst); i++ {
		if dst[i] == '.' {
			dst[i] = recordSeparator
			return dst
		}
	}
	dst = append(dst, 0)
	copy(dst[start+1:], dst[start:])
	dst[start] = recordSeparator
	return dst
}

// appendDecoded appends a part of a query decoded. It gives false for a control character and for a percent sign before a
// letter, a digit or the end that starts no escape; before anything else a percent sign stands for itself.
func appendDecoded(dst []byte, raw string) ([]byte, bool) {
	for i := 0; i < len(raw); {
		c, size := decodeByte(raw, i)
		if c == '%' && size == 1 && (i+1 == len(raw) || isAlphanumeric(raw[i+1])) {
			return dst, false
		}
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return dst, false
		}
		dst = append(dst, c)
		i += size
	}
	return dst, true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
