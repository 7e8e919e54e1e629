package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// ID returns the ID of the trace that a request is part of: that of its span or, where it is not sampled, the one that
// a valid traceparent in its header names. It is empty for none.
func ID(q *Request, header http.Header) string {
	if q != nil {
		return q.span.SpanContext().TraceID().String()
	}
	if len(header["Traceparent"]) != 1 {
		return ""
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header))
	if named := trace.SpanContextFromContext(ctx); named.IsValid() {
		return named.TraceID().String()
	}
	return ""
}
