package shell

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// preferences yields what a header Prefer asks for, each without the spaces around it (postern.preferences).
func preferences(prefer []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range prefer {
			for preference := range strings.SplitSeq(line, ",") {
				if !yield(strings.Trim(preference, " ")) {
					return
				}
			}
		}
	}
}

// A timeout is the preference timeout of a request.
type timeout struct {
	text         string // its value as it came; empty for none
	milliseconds int
	rest         []string // the other preferences
}

const timeoutName = "timeout="

// timeoutOf takes the preference timeout out of a header Prefer: it is no part of the shape, so that each client may
// have its own. The first one counts. An invalid one stays, for the database to refuse or to pass over.
func timeoutOf(prefer []string) (t timeout) {
	if !slices.ContainsFunc(prefer, func(line string) bool { return strings.Contains(line, timeoutName) }) {
		return t
	}
	for preference := range preferences(prefer) {
		value, found := strings.CutPrefix(preference, timeoutName)
		milliseconds := 0
		if found {
			milliseconds = parseTimeout(value)
		}
		switch {
		case milliseconds == 0:
			t.rest = append(t.rest, preference)
		case t.milliseconds == 0:
			t.text, t.milliseconds = value, milliseconds
		}
	}
	return t
}

// maxTimeout is the longest that PostgreSQL takes.
const maxTimeout = 1<<31 - 1

// parseTimeout returns the milliseconds of a timeout as 250ms, 2s, 1min, 2 (seconds); 0 for none (postern.is_timeout).
func parseTimeout(text string) int {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]int{"ms": 1, "s": 1000, "": 1000, "min": 60_000}[text[len(digits):]]
	if !known || len(digits) == 0 || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0
	}
	number, _ := strconv.Atoi(digits)
	return min(number*unit, maxTimeout)
}
