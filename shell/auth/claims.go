package auth

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/shell/jsontext"
)

// skew is how many seconds clocks may differ (PostgREST docs/references/auth, "Time-Based claims validation").
const skew = 30

// claims are a token's claims, read once and checked at every use.
type claims struct {
	members   []member // in the order of the token, each name once
	exp       moment
	nbf       moment
	iat       moment
	audience  []string
	noStrings bool   // the claim aud is neither a string nor an array of strings
	issuer    string // empty when it is missing or no string
}

// moment is the value of a claim that must be a number of seconds since 1970.
type moment struct {
	seconds float64
	given   bool
	wrong   bool // it is no number
}

type member struct {
	name  string
	value json.RawMessage
}

// parseClaims reads a token's payload. Numbers keep their digits. Of equal names the last counts, as in PostgreSQL.
func parseClaims(payload []byte) (*claims, error) {
	if !utf8.Valid(payload) || !json.Valid(payload) || bytes.TrimSpace(payload)[0] != '{' {
		return nil, errNotObject
	}
	c := &claims{}
	at := make(map[string]int) // where in members a name is
	for key, value := range jsontext.Members(payload) {
		var name string
		_ = json.Unmarshal(key, &name) // a string of JSON is one
		if i, repeated := at[name]; repeated {
			c.members[i].value = value
			continue
		}
		at[name] = len(c.members)
		c.members = append(c.members, member{name, value})
	}
	c.readRegistered()
	return c, nil
}

// readRegistered reads the claims that are checked (RFC 7519, 4.1).
func (c *claims) readRegistered() {
	for _, m := range c.members {
		if string(m.value) == "null" {
			continue
		}
		switch m.name {
		case "exp":
			c.exp = readMoment(m.value)
		case "nbf":
			c.nbf = readMoment(m.value)
		case "iat":
			c.iat = readMoment(m.value)
		case "iss":
			_ = json.Unmarshal(m.value, &c.issuer) // another type is no issuer's name
		case "aud":
			var one string
			if json.Unmarshal(m.value, &one) == nil {
				c.audience = []string{one}
			} else {
				c.noStrings = !decodeStrings(m.value, &c.audience)
			}
		}
	}
}

func readMoment(value json.RawMessage) moment {
	if value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return moment{wrong: true}
	}
	seconds, _ := strconv.ParseFloat(string(value), 64) // out of range gives an infinity, which fails the checks
	return moment{seconds: seconds, given: true}
}

// decodeStrings reads an array that holds only strings.
func decodeStrings(value json.RawMessage, into *[]string) bool {
	var elements []*string
	if json.Unmarshal(value, &elements) != nil || slices.Contains(elements, nil) {
		return false
	}
	for _, element := range elements {
		*into = append(*into, *element)
	}
	return true
}

// check returns what is wrong with the claims at a time (seconds since 1970) for an audience and an issuer, if given.
func (c *claims) check(now int64, audience, issuer string) error {
	early, late := float64(now-skew), float64(now+skew)
	switch {
	case c.exp.wrong:
		return errExpType
	case c.exp.given && (c.exp.seconds < early || math.IsInf(c.exp.seconds, 0)):
		return errExpired
	case c.nbf.wrong:
		return errNbfType
	case c.nbf.given && c.nbf.seconds > late:
		return errNotYet
	case c.iat.wrong:
		return errIatType
	case c.iat.given && c.iat.seconds > late:
		return errIssuedAt
	case c.noStrings:
		return errAudType
	case audience != "" && len(c.audience) > 0 && !slices.Contains(c.audience, audience):
		return errAudience
	case issuer != "" && c.issuer != issuer:
		return errIssuer
	}
	return nil
}

// findRole finds the role in a payload that parseClaims has read; a value that is no string becomes its JSON text.
func findRole(payload []byte, path RolePath) (string, bool) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var tree map[string]any
	if decoder.Decode(&tree) != nil {
		return "", false
	}
	value, ok := path.find(tree)
	if !ok {
		return "", false
	}
	if text, isText := value.(string); isText {
		return text, true
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return "", false
	}
	return strings.TrimSuffix(text.String(), "\n"), true
}

// text returns the claims as JSON with "role" set to role, for request.jwt.claims.
func (c *claims) text(role string) []byte {
	result := []byte{'{'}
	for _, m := range c.members {
		if m.name == "role" {
			continue
		}
		result = jsontext.AppendString(result, m.name)
		result = append(append(append(result, ':'), m.value...), ',')
	}
	result = append(result, `"role":`...)
	result = jsontext.AppendString(result, role)
	return append(result, '}')
}
