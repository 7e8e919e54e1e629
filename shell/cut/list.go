package cut

// addList adds a list, "(1,"a,b",3)", as the array literal that postern.array_literal makes of what postern.parse_list
// reads. It returns how long the list is in text, and adds nothing where that is 0, as there is none.
func (v *Values) addList(text []byte) (length int) {
	from := len(v.text)
	if v.text, length = appendArray(v.text, text); length > 0 {
		v.add(from, len(v.text))
	}
	return length
}

// appendArray appends the array literal of a list and returns how long the list is in text, 0 where there is none.
// Every element is quoted; the first ")" outside of quotes ends the list. An element counts as quoted only if a comma
// or the end follows; others are taken as they are. Blanks before the first are skipped; a lone empty one is none.
func appendArray(dst, text []byte) (result []byte, length int) {
	start := len(dst)
	at := skipBlanks(text, 0)
	if at == len(text) || text[at] != '(' {
		return dst, 0
	}
	at = skipBlanks(text, at+1)
	for separator := byte('{'); ; separator = ',' {
		dst = append(dst, separator, '"')
		if end := quotedEnd(text, at); end > 0 {
			for at++; at < end-1; at++ {
				if text[at] == '\\' {
					at++
				}
				dst = appendElementByte(dst, text[at])
			}
			at = end
		} else {
			for ; at < len(text) && text[at] != ',' && text[at] != ')'; at++ {
				dst = appendElementByte(dst, text[at])
			}
		}
		dst = append(dst, '"')
		if at == len(text) {
			return dst[:start], 0
		}
		at++
		if text[at-1] == ')' {
			break
		}
	}
	if len(dst) == start+len(`{""`) {
		return append(dst[:start], "{}"...), at
	}
	return append(dst, '}'), at
}

// appendElementByte appends a byte of an element within quotes.
func appendElementByte(dst []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		dst = append(dst, '\\')
	}
	return append(dst, c)
}

// quotedEnd returns where a value ends that begins at with a quote: behind the closing one, if a comma, a ")" or the
// end of the text follows; 0 otherwise. It looks no further than to the next quote that no backslash escapes, so that
// looking for the end of each of many values is linear.
func quotedEnd(text []byte, at int) int {
	if at == len(text) || text[at] != '"' {
		return 0
	}
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			at++
			if at == len(text) || text[at] == ',' || text[at] == ')' {
				return at
			}
			return 0
		}
	}
	return 0
}

// skipBlanks returns where spaces and tabs end.
func skipBlanks(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
		at++
	}
	return at
}
