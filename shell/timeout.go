package shell

import (
	"net/http"
	"strconv"
	"strings"
)

// A timeout is the preference timeout of a request.
type timeout struct {
	text         string // its value as it came; empty for none
	milliseconds int
	rest         []string // the header Prefer without it
}

// timeoutOf takes the preference timeout out of a request's header Prefer: it is no part of the shape, so that each
// client may have a time of its own. One that is not valid stays there, for the database to refuse or to pass over, as
// all that are not known.
func timeoutOf(r *http.Request) (t timeout) {
	for _, line := range r.Header["Prefer"] {
		if strings.Contains(line, timeoutName) {
			return takeTimeout(r.Header["Prefer"])
		}
	}
	return t
}

const timeoutName = "timeout="

// takeTimeout takes the valid ones out of the header; the first counts.
func takeTimeout(prefer []string) (t timeout) {
	for _, line := range prefer {
		var kept []string
		for preference := range strings.SplitSeq(line, ",") {
			value, found := strings.CutPrefix(strings.Trim(preference, " "), timeoutName)
			milliseconds := 0
			if found {
				milliseconds = parseTimeout(value)
			}
			switch {
			case milliseconds == 0:
				kept = append(kept, preference)
			case t.milliseconds == 0:
				t.text, t.milliseconds = value, milliseconds
			}
		}
		if kept != nil {
			t.rest = append(t.rest, strings.Join(kept, ","))
		}
	}
	return t
}

// maxTimeout is the longest that PostgreSQL takes.
const maxTimeout = 1<<31 - 1

// parseTimeout returns the milliseconds of a timeout such as 250ms, 2s, 1min, or of seconds without a unit; 0 for what
// is none (postern.is_timeout).
func parseTimeout(text string) int {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]int{"ms": 1, "s": 1000, "": 1000, "min": 60_000}[text[len(digits):]]
	if !known || len(digits) == 0 || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0
	}
	number, _ := strconv.Atoi(digits)
	return min(number*unit, maxTimeout)
}
