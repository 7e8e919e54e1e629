// Package apierror holds the errors that the shell answers itself, without the database: broken requests, tokens that
// do not verify, no connection. They have the form of PostgREST's errors (docs/references/errors). It knows that form;
// which error it is, and when, the package knows that returns it.
package apierror

import (
	"strconv"

	"postern/shell/jsontext"
)

// Error is an error with its HTTP answer.
type Error struct {
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
func (e *Error) Error() string {
	text := e.Code + ": " + e.Message
	if e.Details != "" {
		text += " (" + e.Details + ")"
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AppendBody appends the JSON body of the answer, without details and hint unless verbose (client-error-verbosity).
func (e *Error) AppendBody(dst []byte, verbose bool) []byte {
	dst = append(dst, `{"code":`...)
	dst = jsontext.AppendString(dst, e.Code)
	if verbose {
		dst = append(dst, `,"details":`...)
		dst = jsontext.AppendOptional(dst, e.Details)
		dst = append(dst, `,"hint":`...)
		dst = jsontext.AppendOptional(dst, e.Hint)
	}
	dst = append(dst, `,"message":`...)
	dst = jsontext.AppendString(dst, e.Message)
	if e.Line > 0 {
		dst = strconv.AppendInt(append(dst, `,"line":`...), int64(e.Line), 10)
	}
	return append(dst, '}')
}
