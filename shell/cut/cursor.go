package cut

import "bytes"

// maxSorted is how many values a token may have, in postern.parse_cursor as well.
const maxSorted = 64

// cursor cuts the token out of the parameter cursor. Which of its values are null stays in the shape. What is no cursor
// may be a filter on a column of that name.
func (c *cutter) cursor(raw string) bool {
	start := c.values.mark()
	text := c.decode(raw)
	head := cursorHead(text)
	if head == 0 {
		c.values.rewind(start)
		return c.filter(raw)
	}
	if !isText(text) {
		return false
	}
	c.values.add(start.text+head, start.text+len(text))
	c.dst = append(append(c.dst, raw[:rawLength(raw, head)]...), escapedPlaceholder...)
	return true
}

// cursorHead returns the length of what stands before the values in after.TOKEN and before.TOKEN, 0 for all else.
func cursorHead(text []byte) int {
	way, token, found := bytes.Cut(text, []byte("."))
	if !found || string(way) != "after" && string(way) != "before" {
		return 0
	}
	nulls, _, found := bytes.Cut(token, []byte("~"))
	if !found || len(nulls) == 0 || len(nulls) > maxSorted || len(bytes.Trim(nulls, "01")) > 0 {
		return len(way) + 1
	}
	return len(way) + 1 + len(nulls) + 1
}
