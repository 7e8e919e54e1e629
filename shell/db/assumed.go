package db

import (
	"slices"
	"strings"
)

// Assumed is what a transaction assumes before anything else: an isolation level and settings.
type Assumed struct {
	isolation string      // empty for the default
	settings  [][2]string // names and values, in order; a later one wins
	names     []byte      // text[] in binary format
	values    []byte
}

// isolationLevels are the levels that are asked for (PostgreSQL, "SET TRANSACTION"); any other text is read committed.
var isolationLevels = []string{"repeatable read", "serializable"}

// NewAssumed returns an Assumed, or nil where there is nothing to assume. isolation is a value of
// default_transaction_isolation; settings are pairs of name and value.
func NewAssumed(isolation string, settings [][2]string) *Assumed {
	isolation = strings.ToLower(isolation)
	if !slices.Contains(isolationLevels, isolation) {
		isolation = ""
	}
	if isolation == "" && len(settings) == 0 {
		return nil
	}
	a := &Assumed{isolation: isolation, settings: settings}
	a.names, a.values = encodeColumn(settings, 0), encodeColumn(settings, 1)
	return a
}

// With returns an Assumed with more settings and, where isolation is not empty, another level. The receiver may be nil.
func (a *Assumed) With(isolation string, settings [][2]string) *Assumed {
	if a == nil {
		return NewAssumed(isolation, settings)
	}
	if isolation == "" && len(settings) == 0 {
		return a
	}
	if isolation == "" {
		isolation = a.isolation
	}
	return NewAssumed(isolation, slices.Concat(a.settings, settings))
}

// encodeColumn writes one side of the pairs as text[] in the format of array_recv.
func encodeColumn(pairs [][2]string, side int) []byte {
	if len(pairs) == 0 {
		return appendInts(nil, 0, 0, oidText)
	}
	result := appendInts(nil, 1, 0, oidText, len(pairs), 1)
	for _, pair := range pairs {
		result = append(appendInts(result, len(pair[side])), pair[side]...)
	}
	return result
}
