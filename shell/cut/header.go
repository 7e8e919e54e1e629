package cut

import "strings"

// AppendRange appends the shape of the value of a Range header, a position, a dash and perhaps another position with a
// placeholder for each, and adds the positions to values. Another form, or a last position before the first, stays as
// it came; of a header with a placeholder of its own, which no valid one has, nothing is left.
func AppendRange(dst []byte, values *Values, header string) []byte {
	first, last, _ := strings.Cut(header, "-")
	switch {
	case strings.Contains(header, placeholder):
		return dst
	case !isCount(first) || len(first) == len(header) || last != "" && (!isCount(last) || isLess(last, first)):
		return append(dst, header...)
	}
	values.addText(first)
	dst = append(append(dst, placeholder...), '-')
	if last != "" {
		values.addText(last)
		dst = append(dst, placeholder...)
	}
	return dst
}

// isLess compares two numbers written in digits.
func isLess(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return len(a) < len(b) || len(a) == len(b) && a < b
}

// AppendTags appends the shape of the value of If-Match or If-None-Match: * as it is, of anything else a placeholder,
// with the value added to values. Of a value that has a placeholder of its own, or is no text to PostgreSQL, which no
// valid one does, nothing is left.
func AppendTags(dst []byte, values *Values, header string) []byte {
	header = strings.Trim(header, " \t")
	switch {
	case header == "*":
		return append(dst, header...)
	case strings.Contains(header, placeholder) || !isText([]byte(header)):
		return dst
	}
	values.addText(header)
	return append(dst, placeholder...)
}
