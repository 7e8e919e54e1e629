package cut

import "bytes"

// operator reads what stands before a value and returns the operator's kind, none for an error (postern.scan_operator).
func (t *tree) operator() Kind {
	word := t.word()
	if string(word) == "not" {
		if !t.take('.') {
			return ""
		}
		word = t.word()
	}
	kind := operators[string(word)]
	if t.next(0) == '(' {
		t.at++
		if !kind.takes(t.word()) || !t.take(')') {
			return ""
		}
	}
	if !t.take('.') {
		return ""
	}
	return kind
}

// field reads a column with an optional path, white space around, and the dot behind it (postern.scan_field).
func (t *tree) field() bool {
	t.skipBlanks()
	if !t.name() {
		return false
	}
	for steps := 1; t.next(0) == '-' && t.next(1) == '>'; steps++ {
		t.at += len("->")
		t.take('>')
		if steps > maxPathDepth || !t.operand() {
			return false
		}
	}
	t.skipBlanks()
	return t.take('.')
}

// name reads a name, dashes within it (postern.scan_name).
func (t *tree) name() bool {
	if t.next(0) == '"' {
		return t.quoted() > 0
	}
	if len(trimmed(t.word())) == 0 {
		return false
	}
	for t.next(0) == '-' && t.next(1) != '>' {
		t.at++
		if len(t.word()) == 0 {
			return false
		}
	}
	return true
}

// quoted reads a quoted name or key and returns its length without quotes, -1 if it does not end (postern.scan_quoted).
func (t *tree) quoted() int {
	from := t.at + 1
	for t.at++; t.at < len(t.text); t.at++ {
		switch t.text[t.at] {
		case '\\':
			t.at++
		case '"':
			t.at++
			return t.at - 1 - from
		}
	}
	return -1
}

// operand reads the key or the index behind an arrow (postern.scan_path_operand).
func (t *tree) operand() bool {
	if t.next(0) == '"' {
		return t.quoted() >= 0
	}
	from := t.at
	negative := t.take('-')
	if digits := t.word(); isDigits(digits) {
		switch c := t.next(0); {
		case c == 0, c == ',', c == '.', c == ')', c == ':', c == '-' && t.next(1) == '>':
			return len(digits) < 10 || len(digits) == 10 && string(digits) <= "2147483647"
		}
	}
	if negative {
		return false
	}
	t.at = from
	return t.key()
}

// key reads a key without quotes: anything but reserved characters, dashes within it.
func (t *tree) key() bool {
	for blank := true; ; blank = false {
		from := t.at
		for t.at < len(t.text) && bytes.IndexByte([]byte("(-:.,>)"), t.text[t.at]) < 0 {
			t.at++
		}
		if t.at == from {
			return false
		}
		if t.next(0) != '-' || t.next(1) == '>' {
			return !blank || len(bytes.Trim(t.text[from:t.at], " \t")) > 0
		}
		t.at++
	}
}
