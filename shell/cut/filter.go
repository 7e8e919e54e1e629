package cut

import (
	"bytes"
	"maps"
)

// A Kind says what may stand between an operator and its value, and what the value looks like.
type Kind string

const (
	Plain      Kind = "plain"      // any text
	Quantified Kind = "quantified" // any text, after the operator perhaps (any) or (all)
	Language   Kind = "language"   // any text, after the operator perhaps a language in parentheses
	List       Kind = "list"       // elements in parentheses
	Keyword    Kind = "keyword"    // a word that is part of the shape
)

// operators are the words that tell the value of a filter from an argument, as postern.operators has them in
// sql/parse/filter.sql. The value of one that is missing here is not cut out.
var operators = map[string]Kind{
	"eq": Quantified, "gt": Quantified, "gte": Quantified, "lt": Quantified, "lte": Quantified,
	"like": Quantified, "ilike": Quantified, "match": Quantified, "imatch": Quantified,
	"neq": Plain, "cs": Plain, "cd": Plain, "ov": Plain, "sl": Plain, "sr": Plain, "nxr": Plain, "nxl": Plain,
	"adj": Plain, "isdistinct": Plain,
	"fts": Language, "plfts": Language, "phfts": Language, "wfts": Language,
	"in": List,
	"is": Keyword,
}

// Operators returns the operators that the package knows.
func Operators() map[string]Kind { return maps.Clone(operators) }

// takes reports whether the modifier may stand in parentheses behind an operator of the kind.
func (k Kind) takes(modifier []byte) bool {
	switch k {
	case Quantified:
		return string(modifier) == "any" || string(modifier) == "all"
	case Language:
		return len(trimmed(modifier)) > 0
	}
	return false
}

// filter cuts the value of a filter, or an argument.
func (c *cutter) filter(raw string) bool {
	start := c.values.mark()
	text := c.decode(raw)
	head, kind := operation(text)
	whole := kind == Keyword
	if head == 0 {
		whole = kind != "" || !c.call || bytes.HasPrefix(text, []byte("not."))
	}
	if whole {
		c.values.rewind(start)
		return c.whole(raw)
	}
	if !isText(text) {
		return false
	}
	if kind != List {
		c.values.add(start.text+head, start.text+len(text))
	} else if c.values.addList(text[head:]) == 0 {
		c.values.rewind(start)
		return c.whole(raw)
	}
	c.dst = append(append(c.dst, raw[:rawLength(raw, head)]...), escapedPlaceholder...)
	return true
}

// operation returns the operator's kind and the length of what stands before the value of a filter,
// [not.]operator[(modifier)]. with its dot. The kind is "" for a text that is no filter; the length is 0 for that, and
// for a filter with a modifier that its operator does not take.
func operation(text []byte) (length int, kind Kind) {
	at := 0
	if bytes.HasPrefix(text, []byte("not.")) {
		at = len("not.")
	}
	end := at
	for end < len(text) && 'a' <= text[end] && text[end] <= 'z' {
		end++
	}
	kind = operators[string(text[at:end])]
	taken := true
	if end < len(text) && text[end] == '(' {
		at = end + 1
		for end = at; end < len(text) && isAlphanumeric(text[end]); end++ {
		}
		if end == len(text) || text[end] != ')' {
			return 0, ""
		}
		taken = kind.takes(text[at:end])
		end++
	}
	switch {
	case kind == "", end == len(text), text[end] != '.':
		return 0, ""
	case !taken:
		return 0, kind
	}
	return end + 1, kind
}

// isAlphanumeric reports whether c is a letter, a digit or an underscore.
func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
