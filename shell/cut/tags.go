package cut

import "strings"

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
