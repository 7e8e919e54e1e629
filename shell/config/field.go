package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"postern/shell/auth"
)

// unreadableError is an error after which the default is used.
type unreadableError struct{ kind, value string }

func (e *unreadableError) Error() string { return fmt.Sprintf("%q is not %s", e.value, e.kind) }

// field returns a pointer to the field that has the setting: the one of its name, without dashes.
func (s *Setting) field(c *Config) any {
	name := strings.ReplaceAll(s.Name, "-", "")
	named := func(field string) bool { return strings.EqualFold(field, name) }
	return reflect.ValueOf(c).Elem().FieldByNameFunc(named).Addr().Interface()
}

// set gives the setting a value. An empty one is the absence of a value.
func (s *Setting) set(c *Config, value string) (err error) {
	if value != "" && s.check != nil {
		if err = s.check(value); err != nil {
			return err
		}
	}
	switch field := s.field(c).(type) {
	case *string:
		*field = value
	case *bool:
		*field, err = parseBool(value)
	case *int:
		*field, err = parseInt(value)
	case **int:
		if *field = nil; value != "" {
			*field = new(int)
			**field, err = parseInt(value)
		}
	case *[]string:
		*field = parseList(value)
	case *LogLevel:
		*field = LogLevel(slices.Index(logLevels, value))
	case *os.FileMode:
		*field, err = parseMode(value)
	case *auth.RolePath:
		*field, err = auth.ParseRolePath(value)
	}
	return err
}

// text returns the value as the config file has it.
func (s *Setting) text(c *Config) string {
	switch field := s.field(c).(type) {
	case *bool:
		return strconv.FormatBool(*field)
	case *int:
		return strconv.Itoa(*field)
	case **int:
		if *field != nil {
			return strconv.Itoa(**field)
		}
	case *[]string:
		return quote(strings.Join(*field, ","))
	case *LogLevel:
		return quote(logLevels[*field])
	case *os.FileMode:
		return quote(strconv.FormatUint(uint64(*field), 8))
	case *auth.RolePath:
		return quote(field.String())
	case *string:
		if s.Name == "jwt-secret" && c.JWTSecretIsBase64 && !auth.IsURL(*field) { // so that it can be read again
			return quote(base64.StdEncoding.EncodeToString([]byte(*field)))
		}
		return quote(*field)
	}
	return quote("")
}

// parseBool reads true and false in any case, with quotes or not, and numbers, of which those above 0 are true.
func parseBool(value string) (bool, error) {
	word := strings.ToLower(strings.Trim(value, `"' `))
	if number, err := strconv.Atoi(word); err == nil {
		return number > 0, nil
	}
	if word != "true" && word != "false" {
		return false, &unreadableError{"a boolean", value}
	}
	return word == "true", nil
}

func parseInt(value string) (int, error) {
	number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || number != float64(int32(number)) {
		return 0, &unreadableError{"a whole number", value}
	}
	return int(number), nil
}

// parseList reads a list with commas.
func parseList(value string) (list []string) {
	if value == "" {
		return nil
	}
	for element := range strings.SplitSeq(value, ",") {
		list = append(list, strings.TrimSpace(element))
	}
	return list
}

// parseMode reads the mode of a socket's file, in octal digits.
func parseMode(value string) (os.FileMode, error) {
	mode, err := strconv.ParseUint(value, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not an octal number", value)
	}
	if mode < 0o600 || mode > 0o777 {
		return 0, fmt.Errorf("%s is not between 600 and 777", value)
	}
	return os.FileMode(mode), nil
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

func oneOf(choices ...string) func(value string) error {
	return func(value string) error {
		if !slices.Contains(choices, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(choices, ", "))
		}
		return nil
	}
}

// eachOf is oneOf for a list.
func eachOf(choices ...string) func(value string) error {
	check := oneOf(choices...)
	return func(value string) error {
		for _, element := range parseList(value) {
			if err := check(element); err != nil {
				return err
			}
		}
		return nil
	}
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
