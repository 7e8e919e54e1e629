package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"postern/shell/auth"
)

// field is how a setting's text becomes a field of Config and back. An empty text is the absence of a value.
type field interface {
	set(c *Config, value string) error
	text(c *Config) string
}

// unreadableError is an error after which the default is used.
type unreadableError struct{ kind, value string }

func (e *unreadableError) Error() string { return fmt.Sprintf("%q is not %s", e.value, e.kind) }

type stringField func(c *Config) *string

func (f stringField) set(c *Config, value string) error {
	*f(c) = value
	return nil
}

func (f stringField) text(c *Config) string { return quote(*f(c)) }

type boolField func(c *Config) *bool

// set reads true and false in any case, with quotes or not, and numbers, of which those above 0 are true.
func (f boolField) set(c *Config, value string) error {
	word := strings.ToLower(strings.Trim(value, `"' `))
	if number, err := strconv.Atoi(word); err == nil {
		*f(c) = number > 0
		return nil
	}
	if word != "true" && word != "false" {
		return &unreadableError{"a boolean", value}
	}
	*f(c) = word == "true"
	return nil
}

func (f boolField) text(c *Config) string { return strconv.FormatBool(*f(c)) }

type intField func(c *Config) *int

func (f intField) set(c *Config, value string) error {
	number, err := parseInt(value)
	if err != nil {
		return err
	}
	*f(c) = number
	return nil
}

func (f intField) text(c *Config) string { return strconv.Itoa(*f(c)) }

type optionalIntField func(c *Config) **int

func (f optionalIntField) set(c *Config, value string) error {
	if value == "" {
		*f(c) = nil
		return nil
	}
	number, err := parseInt(value)
	*f(c) = &number
	return err
}

func (f optionalIntField) text(c *Config) string {
	if number := *f(c); number != nil {
		return strconv.Itoa(*number)
	}
	return `""`
}

func parseInt(value string) (int, error) {
	number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || number != float64(int32(number)) {
		return 0, &unreadableError{"a whole number", value}
	}
	return int(number), nil
}

// listField is a list with commas.
type listField func(c *Config) *[]string

func (f listField) set(c *Config, value string) error {
	*f(c) = nil
	if value == "" {
		return nil
	}
	for element := range strings.SplitSeq(value, ",") {
		*f(c) = append(*f(c), strings.TrimSpace(element))
	}
	return nil
}

func (f listField) text(c *Config) string { return quote(strings.Join(*f(c), ",")) }

// choiceField is a text out of a few.
type choiceField struct {
	at      func(c *Config) *string
	choices []string
}

func (f choiceField) set(c *Config, value string) error {
	*f.at(c) = value
	return checkChoice(value, f.choices)
}

func checkChoice(value string, choices []string) error {
	if !slices.Contains(choices, value) {
		return fmt.Errorf("%q is none of %s", value, strings.Join(choices, ", "))
	}
	return nil
}

func (f choiceField) text(c *Config) string { return quote(*f.at(c)) }

// choicesField is a list of texts out of a few.
type choicesField struct {
	listField
	choices []string
}

func (f choicesField) set(c *Config, value string) error {
	if err := f.listField.set(c, value); err != nil {
		return err
	}
	for _, element := range *f.listField(c) {
		if err := checkChoice(element, f.choices); err != nil {
			return err
		}
	}
	return nil
}

// LogLevel says how much is logged.
type LogLevel int

// The levels of the setting log-level, each including the ones before.
const (
	LogCrit  LogLevel = iota // starting, stopping and recovery
	LogError                 // answers with status 500 and above
	LogWarn                  // answers with status 400 and above
	LogInfo                  // all answers
	LogDebug                 // connections as well
)

var logLevels = []string{"crit", "error", "warn", "info", "debug"}

type logLevelField struct{}

func (logLevelField) set(c *Config, value string) error {
	c.LogLevel = LogLevel(slices.Index(logLevels, value))
	return checkChoice(value, logLevels)
}

func (logLevelField) text(c *Config) string { return quote(logLevels[c.LogLevel]) }

// modeField is the mode of a socket's file in octal digits.
type modeField func(c *Config) *os.FileMode

func (f modeField) set(c *Config, value string) error {
	mode, err := strconv.ParseUint(value, 8, 32)
	if err != nil {
		return fmt.Errorf("%q is not an octal number", value)
	}
	if mode < 0o600 || mode > 0o777 {
		return fmt.Errorf("%s is not between 600 and 777", value)
	}
	*f(c) = os.FileMode(mode)
	return nil
}

func (f modeField) text(c *Config) string { return quote(strconv.FormatUint(uint64(*f(c)), 8)) }

type rolePathField struct{}

func (rolePathField) set(c *Config, value string) (err error) {
	c.JWTRoleClaimKey, err = auth.ParseRolePath(value)
	return err
}

func (rolePathField) text(c *Config) string { return quote(c.JWTRoleClaimKey.String()) }

// secretField is dumped in the form that it can be read again.
type secretField struct{}

func (secretField) set(c *Config, value string) error {
	c.JWTSecret = value
	return nil
}

func (secretField) text(c *Config) string {
	if c.JWTSecretIsBase64 && !auth.IsURL(c.JWTSecret) {
		return quote(base64.StdEncoding.EncodeToString([]byte(c.JWTSecret)))
	}
	return quote(c.JWTSecret)
}

// checked is a field with a test of its value; an empty one is not tested.
type checked struct {
	field
	test func(value string) error
}

func (f checked) set(c *Config, value string) error {
	if value != "" {
		if err := f.test(value); err != nil {
			return err
		}
	}
	return f.field.set(c, value)
}

// checkAudience wants a StringOrURI (RFC 7519, 2): what has a colon must be a URI.
func checkAudience(value string) error {
	if !strings.Contains(value, ":") {
		return nil
	}
	if u, err := url.Parse(value); err != nil || u.Scheme == "" || strings.ContainsAny(value, "^<>\"{}|\\` ") {
		return fmt.Errorf("%q is neither a string without a colon nor a URI", value)
	}
	return nil
}

// checkProxyURI wants http or https, a host, a port in range, and no user or query.
func checkProxyURI(value string) error {
	wrong := fmt.Errorf("%q is not like https://example.com:8443/path", value)
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return wrong
	}
	if port := u.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return wrong
		}
	}
	return nil
}

// checkHeaderName wants a token (RFC 9110, 5.6.2).
func checkHeaderName(value string) error {
	for _, c := range []byte(value) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return errors.New("it is not the name of a header")
		}
	}
	return nil
}

// maxBodySize is how many bytes of text jsonb can hold.
const maxBodySize = 256 << 20

func checkBodySize(value string) error {
	if size, err := parseInt(value); err == nil && (size < 1 || size > maxBodySize) {
		return fmt.Errorf("it is not between 1 and %d", maxBodySize)
	}
	return nil
}

func atLeast(least int) func(value string) error {
	return func(value string) error {
		if number, err := parseInt(value); err == nil && number < least {
			return fmt.Errorf("it is not at least %d", least)
		}
		return nil
	}
}
