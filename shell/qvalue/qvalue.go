// Package qvalue reads header fields that say what a client takes, such as Accept and Accept-Encoding. It knows their
// form; it does not know what the names in them mean.
package qvalue

import (
	"iter"
	"strconv"
	"strings"
)

// Each yields the names in such fields, in lower case, with weights (RFC 9110, 12.4.2): 1 for none, 0 for a wrong one.
func Each(lines []string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, line := range lines {
			for member := range strings.SplitSeq(line, ",") {
				name, parameters, _ := strings.Cut(member, ";")
				if !yield(strings.ToLower(strings.TrimSpace(name)), weight(parameters)) {
					return
				}
			}
		}
	}
}

// weight returns the first q-value of parameters.
func weight(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		w, err := strconv.ParseFloat(value, 64)
		if err != nil || !(w >= 0 && w <= 1) {
			return 0
		}
		return w
	}
	return 1
}
