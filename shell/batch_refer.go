package shell

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"postern/shell/jsontext"
)

// pointerTokens returns the tokens of a JSON pointer in the form of a URI fragment (RFC 6901, 6).
func pointerTokens(pointer string) (tokens []string, ok bool) {
	fragment, ok := strings.CutPrefix(pointer, "#")
	decoded, err := url.PathUnescape(fragment)
	if !ok || err != nil || !strings.HasPrefix(decoded, "/") {
		return nil, false
	}
	tokens = strings.Split(decoded[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens, true
}

// referred returns the place of the operation that a reference names, by its id or its index, and what is behind it.
func referred(pointer string, places map[string]int) (place int, rest []string, ok bool) {
	tokens, ok := pointerTokens(pointer)
	if !ok {
		return 0, nil, false
	}
	if place, ok = places[tokens[0]]; !ok {
		place, ok = arrayIndex(tokens[0])
	}
	return place, tokens[1:], ok
}

// node is a JSON value, as the text that it has come as. What is in it is looked for once, when it is asked for first.
type node struct {
	raw      []byte
	opened   bool
	members  map[string]*node
	elements []*node
}

// walk returns what tokens lead to in a value.
func (n *node) walk(tokens []string) (*node, bool) {
	for _, token := range tokens {
		n.open()
		if index, ok := arrayIndex(token); ok && index < len(n.elements) {
			n = n.elements[index]
		} else if n = n.members[token]; n == nil { // of members with one name the last counts, as in PostgreSQL
			return nil, false
		}
	}
	return n, true
}

func (n *node) open() {
	if n.opened {
		return
	}
	n.opened = true
	switch n.raw[0] {
	case '[':
		for value := range jsontext.Elements(n.raw) {
			n.elements = append(n.elements, &node{raw: value})
		}
	case '{':
		n.members = make(map[string]*node)
		for key, value := range jsontext.Members(n.raw) {
			var name string
			if json.Unmarshal(key, &name) == nil {
				n.members[name] = &node{raw: value}
			}
		}
	}
}

// scalar returns the value of a node, nil for an object and an array.
func (n *node) scalar() (value any) {
	if n.raw[0] == '{' || n.raw[0] == '[' {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(n.raw))
	decoder.UseNumber()
	_ = decoder.Decode(&value)
	return value
}

// refer returns what a reference leads to.
func (b *batch) refer(pointer string) (*node, bool) {
	place, rest, ok := referred(pointer, b.places)
	if !ok || place >= b.answered {
		return nil, false
	}
	step := b.steps[place]
	if step.value == nil {
		step.value = &node{raw: step.appendResult(nil, -1)}
	}
	value, ok := step.value.walk(rest)
	if ok {
		b.referred += len(value.raw)
	}
	return value, ok && b.referred <= maxReferred
}

// replaceInPath replaces the references of a path by what find returns. It reports false where that is nothing, or a
// value that a path cannot have.
func replaceInPath(path string, find func(pointer string) (*node, bool)) (string, bool) {
	made := make([]byte, 0, len(path)+64)
	for {
		before, rest, found := strings.Cut(path, "{#")
		made = append(made, before...)
		if !found {
			return string(made), true
		}
		var pointer string
		if pointer, path, found = strings.Cut(rest, "}"); !found {
			return "", false
		}
		value, ok := find("#" + pointer)
		if !ok {
			return "", false
		}
		var text string
		switch value := value.scalar().(type) {
		case string:
			if text, ok = quotedWithin(string(made), value); !ok {
				return "", false
			}
		case json.Number:
			text = string(value)
		case bool:
			text = strconv.FormatBool(value)
		default:
			return "", false
		}
		made = append(made, strings.ReplaceAll(url.QueryEscape(text), "+", "%20")...)
	}
}

var (
	inParameter = regexp.MustCompile(`[?&][^?&=]*=([^&]*)$`)
	escapedPair = regexp.MustCompile(`(?s)\\.`)
	quotedText  = regexp.MustCompile(`"[^"]*("|$)`)
	toEscape    = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
)

// quotedWithin returns a text as it must stand in a query behind what is before it: in brackets (of a list, a logic
// tree, an array) in quotes, to remain one value (postern.quoted_within). It reports false where it cannot tell.
func quotedWithin(before, value string) (string, bool) {
	found := inParameter.FindStringSubmatch(before)
	if found == nil {
		return value, true
	}
	text, err := url.QueryUnescape(found[1])
	if err != nil {
		return "", false
	}
	text = escapedPair.ReplaceAllString(text, "")
	open := quotedText.ReplaceAllString(text, "")
	depth := 0
	for _, c := range open {
		if strings.ContainsRune("([{", c) {
			depth++
		} else if strings.ContainsRune(")]}", c) {
			depth--
		}
	}
	switch {
	case depth <= 0:
		return value, true
	case strings.Count(text, `"`)%2 == 0:
		return `"` + toEscape.Replace(value) + `"`, true
	}
	return toEscape.Replace(value), true
}

// replaceInBody returns a JSON text in which each object whose only key is the one given is replaced by what find
// returns for its value. It reports false where find does, and for a value that is no string.
func replaceInBody(body []byte, key string, find func(pointer string) (*node, bool)) (made []byte, ok bool) {
	for s := (jsontext.Scanner{Text: body}); s.At < len(body); {
		start := s.At
		switch body[start] {
		case '"':
			s.SkipString()
		case '{':
			pointer, end := onlyMember(s, key)
			if end == 0 {
				s.At++
				break
			}
			var text string
			if json.Unmarshal(pointer, &text) != nil {
				return nil, false
			}
			value, found := find(text)
			if !found {
				return nil, false
			}
			made = append(made, value.raw...)
			start, s.At = end, end
		default:
			s.At++
		}
		made = append(made, body[start:s.At]...)
	}
	return made, true
}

// onlyMember returns the value of the object at which a scanner is, where its only key is the one given, and the place
// behind it; 0 for another object. Where the key is the first and its value is no string it returns no value: SQL tells
// whether there are others.
func onlyMember(s jsontext.Scanner, key string) (value []byte, end int) {
	s.At++
	if s.Next() != '"' {
		return nil, 0
	}
	start := s.At
	s.SkipString()
	var name string
	if json.Unmarshal(s.Text[start:s.At], &name) != nil || name != key {
		return nil, 0
	}
	s.Take(':')
	if s.Next() != '"' {
		return nil, s.At
	}
	start = s.At
	s.SkipString()
	if value = s.Text[start:s.At]; !s.Take('}') {
		return nil, 0
	}
	return value, s.At
}
