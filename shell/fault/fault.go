// Package fault holds the errors that the shell answers itself, without the database: broken requests, tokens that do
// not verify, no connection. They have the form of PostgREST's errors (docs/references/errors). It knows that form;
// which error it is, and when, the package knows that returns it.
package fault

import (
	"strconv"

	"postern/shell/jsontext"
)

// Fault is an error with its HTTP answer.
type Fault struct {
	Status    int    // HTTP status code
	Code      string // PostgREST error code, such as PGRST301
	Message   string // what went wrong
	Details   string // more about it; empty means null
	Hint      string // what to do about it; empty means null
	Challenge string // value of WWW-Authenticate (RFC 9110, 11.6.1); empty means no such header
	Line      int    // of the body, on which it is; 0 for none
	Cause     error  // logged, but not sent to the client; may be nil
}

// Error returns code, message and cause for logs.
func (f *Fault) Error() string {
	text := f.Code + ": " + f.Message
	if f.Details != "" {
		text += " (" + f.Details + ")"
	}
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// AppendBody appends the JSON body of the answer. Without verbose, details and hint are left out
// (setting client-error-verbosity).
func (f *Fault) AppendBody(dst []byte, verbose bool) []byte {
	dst = append(dst, `{"code":`...)
	dst = jsontext.AppendString(dst, f.Code)
	if verbose {
		dst = append(dst, `,"details":`...)
		dst = jsontext.AppendOptional(dst, f.Details)
		dst = append(dst, `,"hint":`...)
		dst = jsontext.AppendOptional(dst, f.Hint)
	}
	dst = append(dst, `,"message":`...)
	dst = jsontext.AppendString(dst, f.Message)
	if f.Line > 0 {
		dst = strconv.AppendInt(append(dst, `,"line":`...), int64(f.Line), 10)
	}
	return append(dst, '}')
}
