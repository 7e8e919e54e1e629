package shell

import "strings"

// skipBlank returns the place of what stands behind white space.
func skipBlank(body []byte, at int) int {
	for at < len(body) && strings.IndexByte(" \t\r\n", body[at]) >= 0 {
		at++
	}
	return at
}

// stringEnd returns the place behind the string that begins at a place of valid JSON.
func stringEnd(body []byte, at int) int {
	for at++; body[at] != '"'; at++ {
		if body[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// valueEnd returns the place behind the value that begins at a place of valid JSON.
func valueEnd(body []byte, at int) int {
	for depth := 0; at < len(body); {
		switch body[at] {
		case '"':
			at = stringEnd(body, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return at + depth + 1 // of a number it is not the end
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return at
}

// eachElement calls a function for the elements of an array, in valid JSON, until it reports false. It reports whether
// all were right.
func eachElement(body []byte, each func(value []byte) bool) bool {
	at := skipBlank(body, 0)
	if body[at] != '[' {
		return false
	}
	for at = skipBlank(body, at+1); body[at] != ']'; at = skipBlank(body, at) {
		end := valueEnd(body, at)
		if !each(body[at:end:end]) {
			return false
		}
		if at = skipBlank(body, end); body[at] == ',' {
			at = skipBlank(body, at+1)
		}
	}
	return true
}

// eachMember calls a function for the members of an object as eachElement does.
func eachMember(body []byte, each func(key, value []byte) bool) bool {
	if body[0] != '{' {
		return false
	}
	for at := skipBlank(body, 1); body[at] != '}'; {
		key := body[at:stringEnd(body, at)]
		at = skipBlank(body, skipBlank(body, at+len(key))+1) // behind the colon
		end := valueEnd(body, at)
		if !each(key, body[at:end:end]) {
			return false
		}
		if at = skipBlank(body, end); body[at] == ',' {
			at = skipBlank(body, at+1)
		}
	}
	return true
}
