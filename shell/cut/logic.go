package cut

import (
	"bytes"
	"unicode/utf8"
)

// Limits of sql/parse/limits.sql. A tree beyond them is the database's to refuse.
const (
	maxLogicLength = 262144 // characters
	maxLogicDepth  = 64
	maxPathDepth   = 64
)

// logic cuts the values of a logic tree, the value of and= and or=. A tree that postern.parse_logic would refuse stays
// whole, so that the error says where in the tree it is.
func (c *cutter) logic(raw string) bool {
	start := c.values.mark()
	text := c.decode(raw)
	if !isText(text) {
		return false
	}
	t := tree{text: text, start: start.text, dst: c.dst, values: c.values}
	if !isPrintable(text) || !t.list(1) {
		c.values.rewind(start)
		return c.whole(raw)
	}
	c.dst = appendReadable(t.dst, text[t.done:])
	return true
}

// isPrintable reports whether the database reads the text as a tree: it refuses what is too long, and some control
// characters. Trees with any of these but tab stay whole, as nobody writes them often.
func isPrintable(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(text) <= maxLogicLength || utf8.RuneCount(text) <= maxLogicLength
}

// A tree is a logic tree that is being read. Its methods read a part of it each, as the function of sql/parse that they
// name does, and report false where that would raise an error.
type tree struct {
	text   []byte // decoded
	at     int
	start  int // where text stands in that of values
	done   int // up to where text is in dst
	dst    []byte
	values *Values
}

// next returns the byte at the place, or one behind it; 0 at the end.
func (t *tree) next(ahead int) byte {
	if t.at+ahead < len(t.text) {
		return t.text[t.at+ahead]
	}
	return 0
}

// take reads the byte c, if that follows.
func (t *tree) take(c byte) bool {
	if t.next(0) != c {
		return false
	}
	t.at++
	return true
}

func (t *tree) skipBlanks() { t.at = skipBlanks(t.text, t.at) }

// word reads a run of characters that a name may have without quotes, spaces among them.
func (t *tree) word() []byte {
	from := t.at
	for t.at < len(t.text) && wordBytes[t.text[t.at]] {
		t.at++
	}
	return t.text[from:t.at]
}

// wordBytes are the bytes that are no tokens of their own in postern.tokens: those of names.
var wordBytes = func() (table [256]bool) {
	for c := range table {
		table[c] = c == ' ' || c == '$' || c >= utf8.RuneSelf || isAlphanumeric(byte(c))
	}
	return table
}()

func trimmed(word []byte) []byte { return bytes.Trim(word, " ") }

// list reads "(condition,...)" (postern.scan_logic).
func (t *tree) list(depth int) bool {
	t.skipBlanks()
	if depth > maxLogicDepth || !t.take('(') {
		return false
	}
	for {
		if t.head() {
			if !t.list(depth + 1) {
				return false
			}
		} else if !t.condition() {
			return false
		}
		t.skipBlanks()
		if !t.take(',') {
			return t.take(')')
		}
	}
}

// head reads what stands before the "(" of a nested tree, and reports whether there is one (postern.scan_logic_head).
func (t *tree) head() bool {
	start := t.at
	t.skipBlanks()
	word := trimmed(t.word())
	if string(word) == "not" && t.take('.') {
		word = trimmed(t.word())
	}
	if string(word) == "and" || string(word) == "or" {
		t.skipBlanks()
		if t.next(0) == '(' {
			return true
		}
	}
	t.at = start
	return false
}

// condition reads "data->>key.not.eq.value" and cuts the value (postern.scan_condition).
func (t *tree) condition() bool {
	if !t.field() {
		return false
	}
	kind := t.operator()
	switch kind {
	case "":
		return false
	case Keyword:
		value, _ := t.value()
		return isKeyword(t.text[value.from:value.to])
	}
	t.dst = append(appendReadable(t.dst, t.text[t.done:t.at]), escapedPlaceholder...)
	if kind == List { // postern.scan_list
		length := t.values.addList(t.text[t.at:])
		if length == 0 {
			return false
		}
		t.at += length
	} else {
		t.cutValue()
	}
	t.skipBlanks() // a placeholder is all of a value
	t.done = t.at
	return true
}

// cutValue reads a value that is cut out.
func (t *tree) cutValue() {
	value, quoted := t.value()
	if !quoted || bytes.IndexByte(t.text[value.from:value.to], '\\') < 0 {
		t.values.add(t.start+value.from, t.start+value.to)
		return
	}
	from := len(t.values.text)
	for i := value.from; i < value.to; i++ {
		if t.text[i] == '\\' {
			i++
		}
		t.values.text = append(t.values.text, t.text[i])
	}
	t.values.add(from, len(t.values.text))
}

// value reads a value and returns where it is, without quotes if it is quoted (postern.scan_value).
func (t *tree) value() (value span, quoted bool) {
	from := t.at
	switch t.next(0) {
	case '"':
		if end := quotedEnd(t.text, from); end > 0 {
			t.at = end
			return span{from + 1, end - 1}, true
		}
	case '{':
		if length := bytes.IndexAny(t.text[from+1:], "{}"); length >= 0 && t.text[from+1+length] == '}' {
			t.at = from + 1 + length + 1
			return span{from, t.at}, false
		}
	}
	for t.at < len(t.text) && t.text[t.at] != ',' && t.text[t.at] != ')' {
		t.at++
	}
	return span{from, t.at}, false
}

// isKeyword reports whether an "is" may have the value (postern.is_keyword).
func isKeyword(value []byte) bool {
	var room [len("not_null")]byte
	value = bytes.TrimRight(value, " \t")
	if len(value) > len(room) {
		return false
	}
	for i, c := range value {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		room[i] = c
	}
	switch string(room[:len(value)]) {
	case "null", "not_null", "true", "false", "unknown":
		return true
	}
	return false
}
