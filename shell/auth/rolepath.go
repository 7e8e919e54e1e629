package auth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"
)

// RolePath finds the role in a token's claims. It is a JSONPath (RFC 9535) or PostgREST's older JSPath.
type RolePath struct {
	text   string
	path   *jsonpath.Path
	sorted bool   // results are sorted by their place, because objects have no order
	legacy []step // set when path is nil
}

// step is one step of a JSPath: a key, an index, or a search in an array of strings. It returns what it leads to.
type step func(value any) (any, bool)

func keyStep(key string) step {
	return func(value any) (any, bool) {
		object, _ := value.(map[string]any)
		found, ok := object[key]
		return found, ok
	}
}

func indexStep(index int) step {
	return func(value any) (any, bool) {
		array, _ := value.([]any)
		if index >= len(array) {
			return nil, false
		}
		return array[index], true
	}
}

func matchStep(matches func(text string) bool) step {
	return func(value any) (any, bool) {
		array, _ := value.([]any)
		for _, element := range array {
			if text, ok := element.(string); ok && matches(text) {
				return text, true
			}
		}
		return nil, false
	}
}

// ParseRolePath reads the value of jwt-role-claim-key: a JSONPath such as $.role, or a JSPath such as .roles[0].
func ParseRolePath(text string) (RolePath, error) {
	path, pathErr := jsonpath.Parse(text)
	if pathErr == nil {
		return RolePath{text: text, path: path, sorted: strings.ContainsAny(text, "*?") || strings.Contains(text, "..")}, nil
	}
	legacy, err := parseLegacy(text)
	if err != nil {
		if strings.HasPrefix(text, "$") {
			err = pathErr
		}
		return RolePath{}, fmt.Errorf("%q is not a path to the role: %w", text, err)
	}
	return RolePath{text: text, legacy: legacy}, nil
}

// String returns the path as it was written.
func (p RolePath) String() string { return p.text }

// Deprecated reports whether the path is a JSPath, which PostgREST will drop.
func (p RolePath) Deprecated() bool { return p.path == nil }

// find returns the first value that the path leads to.
func (p RolePath) find(claims any) (any, bool) {
	if p.path == nil {
		found := true
		for _, step := range p.legacy {
			if claims, found = step(claims); !found {
				break
			}
		}
		return claims, found
	}
	nodes := p.path.SelectLocated(claims)
	if len(nodes) == 0 {
		return nil, false
	}
	if p.sorted {
		nodes.Sort()
	}
	return nodes[0].Node, true
}

// parseLegacy reads .key, ."any key", ["any key"], [0] and, at the end, [?(@ == "text")] with ==, !=, ^==, ==^ or *==.
func parseLegacy(text string) ([]step, error) {
	var steps []step
	rest := text
	for rest != "" {
		at := len(text) - len(rest) + 1
		one, left, ok := parseStep(rest)
		if !ok {
			return nil, fmt.Errorf("column %d: expected .key, [index] or [?(@ == \"text\")]", at)
		}
		if left != "" && strings.HasPrefix(rest, "[?") {
			return nil, fmt.Errorf("column %d: a filter must be the last step", at)
		}
		steps, rest = append(steps, one), left
	}
	if len(steps) == 0 {
		return nil, errors.New("it is empty")
	}
	return steps, nil
}

func parseStep(text string) (step, string, bool) {
	switch {
	case strings.HasPrefix(text, `."`):
		key, rest, ok := parseQuoted(text[1:])
		return keyStep(key), rest, ok
	case strings.HasPrefix(text, "."):
		end := 1
		for end < len(text) && isKeyByte(text[end]) {
			end++
		}
		return keyStep(text[1:end]), text[end:], end > 1
	case strings.HasPrefix(text, "[?("):
		return parseMatch(text[3:])
	case strings.HasPrefix(text, `["`):
		key, rest, ok := parseQuoted(text[1:])
		rest, closed := strings.CutPrefix(rest, "]")
		return keyStep(key), rest, ok && closed
	case strings.HasPrefix(text, "["):
		digits, rest, closed := strings.Cut(text[1:], "]")
		index, err := strconv.ParseUint(digits, 10, 31)
		return indexStep(int(index)), rest, closed && err == nil
	}
	return nil, "", false
}

// parseMatch reads what follows "[?(": @ == "text")].
func parseMatch(text string) (step, string, bool) {
	text, ok := strings.CutPrefix(text, "@")
	if !ok {
		return nil, "", false
	}
	text = strings.TrimLeft(text, " ")
	for _, operator := range []struct {
		sign string
		test func(text, pattern string) bool
	}{
		{"==^", strings.HasSuffix},
		{"^==", strings.HasPrefix},
		{"*==", strings.Contains},
		{"==", func(text, pattern string) bool { return text == pattern }},
		{"!=", func(text, pattern string) bool { return text != pattern }},
	} {
		rest, found := strings.CutPrefix(text, operator.sign)
		if !found {
			continue
		}
		pattern, rest, quoted := parseQuoted(strings.TrimLeft(rest, " "))
		rest, closed := strings.CutPrefix(rest, ")]")
		return matchStep(func(text string) bool { return operator.test(text, pattern) }), rest, quoted && closed
	}
	return nil, "", false
}

func parseQuoted(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, `"`)
	if !ok {
		return "", "", false
	}
	return strings.Cut(text, `"`)
}

func isKeyByte(c byte) bool {
	return c == '_' || c == '$' || c == '@' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
