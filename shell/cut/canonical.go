package cut

import (
	"slices"
	"strings"
)

// unreserved marks the bytes that stand for themselves in a URI (RFC 3986, 2.3).
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

// AppendCanonical appends a raw query string as Content-Location shows it: parameters sorted by their decoded name,
// equal ones as they came, everything but unreserved characters percent-encoded, name= for a name without a value.
func AppendCanonical(dst []byte, query string) []byte {
	if query == "" {
		return dst
	}
	if !strings.Contains(query, "&") {
		return appendPair(dst, query)
	}
	var room [32]string
	pairs := room[:0]
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" {
			pairs = append(pairs, pair)
		}
	}
	slices.SortStableFunc(pairs, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return compareDecoded(a, b)
	})
	for i, pair := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = appendPair(dst, pair)
	}
	return dst
}

func appendPair(dst []byte, pair string) []byte {
	name, value, _ := strings.Cut(pair, "=")
	dst = append(appendEncoded(dst, name), '=')
	return appendEncoded(dst, value)
}

// appendEncoded decodes a part of a query and encodes it again.
func appendEncoded(dst []byte, raw string) []byte {
	for i := 0; i < len(raw); {
		c, size := decodeByte(raw, i)
		i += size
		if unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// compareDecoded compares two parts of a query by what they decode to.
func compareDecoded(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, sizeX := decodeByte(a, i)
		y, sizeY := decodeByte(b, j)
		if x != y {
			return int(x) - int(y)
		}
		i, j = i+sizeX, j+sizeY
	}
	return (len(a) - i) - (len(b) - j)
}
