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

func (c *cutter) parameter(parameter string) bool {
	name, value, found := strings.Cut(parameter, "=")
	if !found || name == "" {
		return c.whole(parameter)
	}
	if !c.whole(name) {
		return false
	}
	c.dst = append(c.dst, '=')
	switch c.kindOf(name) {
	case wholeName:
		return c.whole(value)
	case limitName:
		// Pages have few sizes, and the planner plans them better when it knows.
		return c.rows(value, 4)
	case offsetName:
		return c.rows(value, 1)
	case logicName:
		return c.logic(value)
	case cursorName:
		return c.cursor(value)
	}
	return c.filter(value)
}

// A nameKind says what the values of a parameter of this name are.
type nameKind int

const (
	filterName nameKind = iota
	wholeName
	limitName
	offsetName
	logicName
	cursorName
)

// kindOf returns what a parameter is, by its decoded name.
func (c *cutter) kindOf(raw string) nameKind {
	start := c.values.mark()
	c.values.text = appendDecoded(c.values.text, raw)
	name := c.values.text[start.text:]
	c.values.rewind(start)
	if !isText(name) {
		return wholeName
	}
	last := name[bytes.LastIndexByte(name, '.')+1:]
	switch string(last) {
	case "select", "columns", "on_conflict":
		if len(last) == len(name) {
			return wholeName
		}
	case "order":
		return wholeName
	case "limit":
		return limitName
	case "offset":
		return offsetName
	case "and", "or":
		return logicName
	case "cursor":
		if len(last) == len(name) && !c.call {
			return cursorName
		}
	}
	return filterName
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
func isCount(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 18
}

// decode appends a value of the query, decoded, to the text of the values.
func (c *cutter) decode(raw string) []byte {
	start := len(c.values.text)
	c.values.text = appendDecoded(c.values.text, raw)
	return c.values.text[start:]
}
