package cut

import (
	"bytes"
	"strings"
)

// maxParameters is the limit "parameters" in sql/parse/limits.sql: a query that has more is the database's to refuse.
const maxParameters = 4096

// AppendQuery appends the shape of a raw query string: the query as it came, each value that was cut out replaced by
// %01. The values are added to values. call says that the path may be that of a function, so that a parameter which is
// no filter is an argument. Nothing is cut where the query has a placeholder of its own in what would stay, where a
// value is no text to PostgreSQL, or where there are more than 4096 parameters. Such a query can read like the shape of
// another, but it has no values: who looks up what is kept for a shape must look at the number of values as well.
func AppendQuery(dst []byte, values *Values, query string, call bool) []byte {
	start := values.mark()
	c := cutter{dst: dst, values: values, call: call, marked: isMarked(query)}
	if strings.Count(query, "&") < maxParameters && c.query(query) {
		return c.dst
	}
	values.rewind(start)
	return append(dst, query...)
}

// IsCall reports whether a raw path is that of a function: its first segment, decoded, is rpc, and there is another.
func IsCall(path string) bool {
	if strings.HasPrefix(path, "/rpc/") {
		return true
	}
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return more && len(first) <= len("%72%70%63") && compareDecoded(first, "rpc") == 0
}

// HasColumns reports whether a raw query string has a parameter columns, whether its name came encoded or not.
func HasColumns(query string) bool {
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, found := strings.Cut(parameter, "=")
		if found && len(name) >= len("columns") && compareDecoded(name, "columns") == 0 {
			return true
		}
	}
	return false
}

// isMarked reports whether a part of a raw query string decodes to text with a placeholder in it.
func isMarked(raw string) bool {
	return strings.Contains(raw, escapedPlaceholder) || strings.Contains(raw, placeholder)
}

// A cutter cuts a query. Its methods report false where nothing of the query may be cut.
type cutter struct {
	dst    []byte
	values *Values
	call   bool
	marked bool // the query has a placeholder of its own somewhere
}

func (c *cutter) query(query string) bool {
	for {
		parameter, rest, more := strings.Cut(query, "&")
		if !c.parameter(parameter) {
			return false
		}
		if !more {
			return true
		}
		c.dst = append(c.dst, '&')
		query = rest
	}
}

// parameter cuts the value of a parameter, by what its decoded name says.
func (c *cutter) parameter(parameter string) bool {
	raw, value, found := strings.Cut(parameter, "=")
	if !found || raw == "" {
		return c.whole(parameter)
	}
	if !c.whole(raw) {
		return false
	}
	c.dst = append(c.dst, '=')
	start := c.values.mark()
	name := c.decode(raw)
	c.values.rewind(start) // the name is there until a value is decoded
	if !isText(name) {
		return c.whole(value)
	}
	last := name[bytes.LastIndexByte(name, '.')+1:]
	switch alone := len(last) == len(name); string(last) {
	case "select", "columns", "on_conflict":
		if alone {
			return c.whole(value)
		}
	case "order":
		return c.whole(value)
	case "limit":
		// Pages have few sizes, and the planner plans them better when it knows.
		return c.rows(value, 4)
	case "offset":
		return c.rows(value, 1)
	case "and", "or":
		return c.logic(value)
	case "cursor":
		if alone && !c.call {
			return c.cursor(value)
		}
	}
	return c.filter(value)
}

// whole lets a part of the query stay as it came.
func (c *cutter) whole(raw string) bool {
	c.dst = append(c.dst, raw...)
	return !c.marked || !isMarked(raw)
}

// rows cuts a number of rows that has at least so many digits.
func (c *cutter) rows(raw string, digits int) bool {
	if len(raw) < digits || !isCount(raw) {
		return c.whole(raw)
	}
	c.values.addText(raw)
	c.dst = append(c.dst, escapedPlaceholder...)
	return true
}

// isCount reports whether text is a number of rows that fits into a bigint.
func isCount(text string) bool { return isDigits(text) && len(text) <= 18 }

// isDigits reports whether text has digits, and nothing else.
func isDigits[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return len(text) > 0
}

// decode appends a part of the query, decoded, to the text of the values.
func (c *cutter) decode(raw string) []byte {
	text, start := c.values.text, len(c.values.text)
	for i := 0; i < len(raw); {
		b, size := decodeByte(raw, i)
		text = append(text, b)
		i += size
	}
	c.values.text = text
	return text[start:]
}
