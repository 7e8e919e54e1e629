package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxImports bounds how deep files may import each other.
const maxImports = 10

// reader reads the format of PostgREST's config file (that of the Haskell library configurator): name = value, groups
// name { … }, import "file", # comments. Values are strings, numbers, and true, false, on, off.
type reader struct {
	text        string
	at          int
	path        string // for imports, which are relative to the file
	depth       int
	values      map[string]string
	environment map[string]string
}

// importFile reads the values of a file by their full names (groups joined by dots). Strings may hold $(NAME), which is
// a value of the file or an environment variable, and $$ for $.
func importFile(path string, depth int, prefix string, values, environment map[string]string) error {
	if depth > maxImports {
		return fmt.Errorf("imports are nested more than %d deep", maxImports)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !utf8.Valid(content) {
		return fmt.Errorf("it is not UTF-8")
	}
	r := &reader{text: string(content), path: path, depth: depth, values: values, environment: environment}
	if err := r.directives(prefix); err != nil {
		return fmt.Errorf("line %d: %w", 1+strings.Count(r.text[:r.at], "\n"), err)
	}
	return nil
}

// directives reads up to the end of the file, or of the group when there is a prefix that ends in a dot.
func (r *reader) directives(prefix string) error {
	for {
		r.skip(true)
		switch {
		case r.at == len(r.text):
			if prefix != "" && r.depth == 0 {
				return fmt.Errorf("the group %s is not closed", strings.TrimSuffix(prefix, "."))
			}
			return nil
		case r.text[r.at] == '}' && prefix != "":
			return nil
		}
		if err := r.directive(prefix); err != nil {
			return err
		}
	}
}

func (r *reader) directive(prefix string) error {
	name := r.name()
	if name == "" {
		return fmt.Errorf("expected the name of a setting")
	}
	r.skip(false)
	switch {
	case r.take("{"):
		if err := r.directives(prefix + name + "."); err != nil {
			return err
		}
		if !r.take("}") {
			return fmt.Errorf("the group %s is not closed", name)
		}
		return nil
	case name == "import" && strings.HasPrefix(r.text[r.at:], `"`):
		file, err := r.quoted()
		if err != nil {
			return err
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(r.path), file)
		}
		return importFile(file, r.depth+1, prefix, r.values, r.environment)
	case !r.take("="):
		return fmt.Errorf("expected = after %s", name)
	}
	r.skip(true)
	value, err := r.value()
	if err != nil {
		return fmt.Errorf("%s: %w", prefix+name, err)
	}
	r.skip(false)
	if r.at < len(r.text) && !strings.ContainsRune("\n\r;}#", rune(r.text[r.at])) {
		return fmt.Errorf("%s: there is something after the value", prefix+name)
	}
	r.take(";")
	r.values[prefix+name] = value
	return nil
}

func (r *reader) value() (string, error) {
	if strings.HasPrefix(r.text[r.at:], `"`) {
		return r.quoted()
	}
	end := r.at
	for end < len(r.text) && !strings.ContainsRune(" \t\r\n;#}", rune(r.text[end])) {
		end++
	}
	word := r.text[r.at:end]
	switch word {
	case "true", "on":
		word = "true"
	case "false", "off":
		word = "false"
	default:
		if _, err := strconv.ParseFloat(word, 64); err != nil {
			return "", fmt.Errorf("%q is neither a number, true, false nor in quotes", word)
		}
	}
	r.at = end
	return word, nil
}

// quoted reads a string in quotes with its escapes and interpolations.
func (r *reader) quoted() (string, error) {
	var result strings.Builder
	for r.at++; r.at < len(r.text); {
		c := r.text[r.at]
		r.at++
		switch c {
		case '"':
			return result.String(), nil
		case '\\':
			decoded, err := r.escape()
			if err != nil {
				return "", err
			}
			result.WriteRune(decoded)
		case '$':
			text, err := r.interpolation()
			if err != nil {
				return "", err
			}
			result.WriteString(text)
		default:
			result.WriteByte(c)
		}
	}
	return "", fmt.Errorf("the string is not closed")
}

func (r *reader) escape() (rune, error) {
	for sign, decoded := range map[string]rune{"n": '\n', "r": '\r', "t": '\t', `"`: '"', `\`: '\\'} {
		if r.take(sign) {
			return decoded, nil
		}
	}
	first, ok := r.unicode()
	if !ok {
		return 0, fmt.Errorf(`after a backslash must come n, r, t, u with 4 hex digits, " or \`)
	}
	if !utf16.IsSurrogate(first) {
		return first, nil
	}
	if r.take(`\`) {
		if second, ok := r.unicode(); ok {
			if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, fmt.Errorf("half of a surrogate pair")
}

// unicode reads what follows the backslash in \u0041.
func (r *reader) unicode() (rune, bool) {
	rest := r.text[r.at:]
	if len(rest) < 5 || rest[0] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(rest[1:5], 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 5
	return rune(code), true
}

// interpolation reads what follows a $: another one, or a name in parentheses.
func (r *reader) interpolation() (string, error) {
	if r.take("$") {
		return "$", nil
	}
	name, _, closed := strings.Cut(r.text[r.at:], ")")
	if !closed || !strings.HasPrefix(name, "(") {
		return "", fmt.Errorf("a $ in a string must be written $$, or $(NAME) for a value of that name")
	}
	r.at += len(name) + 1
	name = name[1:]
	if value, ok := r.values[name]; ok {
		return value, nil
	}
	if value, ok := r.environment[name]; ok {
		return value, nil
	}
	return "", fmt.Errorf("$(%s) is neither a setting above nor an environment variable", name)
}

func (r *reader) name() string {
	start := r.at
	for r.at < len(r.text) {
		c := r.text[r.at]
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (r.at == start || c != '-' && c != '.' && (c < '0' || c > '9')) {
			break
		}
		r.at++
	}
	return r.text[start:r.at]
}

func (r *reader) take(sign string) bool {
	if !strings.HasPrefix(r.text[r.at:], sign) {
		return false
	}
	r.at += len(sign)
	return true
}

// skip passes spaces and, with lines, line ends and comments.
func (r *reader) skip(lines bool) {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == ' ' || c == '\t':
			r.at++
		case lines && (c == '\n' || c == '\r'):
			r.at++
		case lines && c == '#':
			for r.at < len(r.text) && r.text[r.at] != '\n' {
				r.at++
			}
		default:
			return
		}
	}
}
