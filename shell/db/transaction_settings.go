package db

import (
	"cmp"
	"slices"
	"strings"
)

// TransactionSettings are what a transaction is given before anything else: an isolation level and settings.
type TransactionSettings struct {
	isolation string      // empty for the default
	settings  [][2]string // names and values, in order; a later one wins
	names     []byte      // text[] in binary format
	values    []byte
}

// isolationLevels are the levels that are asked for (PostgreSQL, "SET TRANSACTION"); any other text is read committed.
var isolationLevels = []string{"repeatable read", "serializable"}

// NewTransactionSettings returns TransactionSettings, or nil where there is nothing to set. isolation is a value of
// default_transaction_isolation; settings are pairs of name and value.
func NewTransactionSettings(isolation string, settings [][2]string) *TransactionSettings {
	isolation = strings.ToLower(isolation)
	if !slices.Contains(isolationLevels, isolation) {
		isolation = ""
	}
	if isolation == "" && len(settings) == 0 {
		return nil
	}
	a := &TransactionSettings{isolation: isolation, settings: settings}
	names, values := make([]string, len(settings)), make([]string, len(settings))
	for i, setting := range settings {
		names[i], values[i] = setting[0], setting[1]
	}
	a.names, a.values = encodeTexts(names), encodeTexts(values)
	return a
}

// level returns the isolation level, empty for the default. The receiver may be nil.
func (a *TransactionSettings) level() string {
	if a == nil {
		return ""
	}
	return a.isolation
}

// With returns TransactionSettings with more settings and, unless isolation is empty, another level. a may be nil.
func (a *TransactionSettings) With(isolation string, settings [][2]string) *TransactionSettings {
	if a == nil {
		return NewTransactionSettings(isolation, settings)
	}
	if isolation == "" && len(settings) == 0 {
		return a
	}
	return NewTransactionSettings(cmp.Or(isolation, a.isolation), slices.Concat(a.settings, settings))
}

// encodeTexts writes texts as text[] in the format of array_recv.
func encodeTexts(texts []string) []byte {
	if len(texts) == 0 {
		return appendInts(nil, 0, 0, oidText)
	}
	result := appendInts(nil, 1, 0, oidText, len(texts), 1)
	for _, text := range texts {
		result = append(appendInts(result, len(text)), text...)
	}
	return result
}
