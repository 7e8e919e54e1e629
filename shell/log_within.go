package shell

import (
	"net/http"

	"postern/shell/tracing"
)

// within is a logger of what happens to a request: its lines have the ID of the trace that the request is part of.
type within struct {
	*logger
	request *http.Request    // nil where it is not known
	span    *tracing.Request // nil where it is not traced
}

// within returns a logger of what happens to a request.
func (l *logger) within(r *http.Request, span *tracing.Request) within { return within{l, r, span} }

// trace returns the ID of the trace, empty for none.
func (w within) trace() string {
	if w.request == nil {
		return ""
	}
	return tracing.ID(w.span, w.request.Header)
}
