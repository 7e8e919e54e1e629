package tracing

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"postern/shell/apierror"
)

// errorCode has PostgREST's code of an error, or PostgreSQL's; role the role that a request has in the database.
const (
	errorCode = attribute.Key("postern.error.code")
	roleKey   = attribute.Key("postern.role")
)

// Request is the span of a request that is sampled, with those below it. All methods of a nil Request do nothing.
type Request struct {
	tracer *Tracer
	ctx    context.Context
	span   trace.Span
	method string // known ones only
	path   string
}

const mostText = 1 << 10 // bytes of an attribute

// methods are those that have a name (OpenTelemetry, "http.request.method").
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodConnect, http.MethodTrace, "QUERY",
}

// bounded returns a client's text as it may wait in thousands of spans: not long, and UTF-8, as protobuf wants it.
func bounded(text string) string {
	if len(text) > mostText {
		text = strings.Clone(text[:mostText])
	}
	return strings.ToValidUTF8(text, "?")
}

// Start begins the span of a request, below the one that its traceparent names. It returns nil where the request is not
// sampled. Attributes have nothing of the query and of header fields that may hold secrets.
func (t *Tracer) Start(r *http.Request, path string) *Request {
	if t == nil {
		return nil
	}
	ctx := r.Context()
	if t.propagator != nil {
		ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host, port := r.Host, ""
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		host, port = h, p
	}
	path = bounded(path)
	attributes := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(r.Method), semconv.URLPath(path), semconv.URLScheme(scheme),
		semconv.ServerAddress(bounded(host)), semconv.UserAgentOriginal(bounded(r.UserAgent())),
		semconv.NetworkProtocolVersion(strings.TrimSuffix(strings.TrimPrefix(r.Proto, "HTTP/"), ".0")),
	}
	method := r.Method
	if !slices.Contains(methods, method) {
		method = "HTTP"
		attributes[0] = semconv.HTTPRequestMethodOther
		attributes = append(attributes, semconv.HTTPRequestMethodOriginal(bounded(r.Method)))
	}
	if number, err := strconv.Atoi(port); err == nil {
		attributes = append(attributes, semconv.ServerPort(number))
	}
	if client, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		attributes = append(attributes, semconv.ClientAddress(client))
	}
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
	if !span.IsRecording() {
		span.End()
		return nil
	}
	return &Request{tracer: t, ctx: ctx, span: span, method: method, path: path}
}

// Traceparent names the span as the header field of this name does (W3C, "Trace Context").
func (q *Request) Traceparent() string {
	c := q.span.SpanContext()
	trace, span := c.TraceID(), c.SpanID()
	return "00-" + trace.String() + "-" + span.String() + "-" + hex.EncodeToString([]byte{byte(c.TraceFlags())})
}

// Now returns the time for a span that begins, or nothing.
func (q *Request) Now() (now time.Time) {
	if q != nil {
		now = time.Now()
	}
	return now
}

// Verified makes the span of verifying a token, which ends now.
func (q *Request) Verified(began time.Time, err error) {
	if q != nil {
		span := q.begin("verify", began)
		fail(span, err)
		span.End()
	}
}

// Trip is a round trip to the database.
type Trip struct {
	Began    time.Time
	Acquired time.Time     // when there was a connection; before Began for never
	Compiled time.Duration // of what follows: the time in which postern.handle compiled; 0 where it did not
	Code     string        // of the answer, where that is an error
	Err      error         // where there is no answer
}

// Traveled makes the spans of a round trip, which ends now: compile, where postern.handle compiled, and execute. How
// long compiling took is all that the database says of it, so it is shown at the beginning, and the way there and back
// is part of execute.
func (q *Request) Traveled(trip Trip) {
	if q == nil {
		return
	}
	executes := trip.Began
	if trip.Compiled > 0 {
		compiles := trip.Acquired
		executes = compiles.Add(trip.Compiled)
		span := q.begin("compile", compiles, trace.WithAttributes(q.tracer.database...),
			trace.WithAttributes(semconv.DBStoredProcedureName("postern.handle")))
		span.End(trace.WithTimestamp(executes))
	}
	span := q.begin("execute", executes, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(q.tracer.database...))
	if trip.Compiled == 0 && !trip.Acquired.Before(trip.Began) { // an earlier trip's may be left, or there was none
		span.AddEvent("connection acquired", trace.WithTimestamp(trip.Acquired))
	}
	if trip.Code != "" {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.DBResponseStatusCode(trip.Code), semconv.ErrorTypeKey.String(trip.Code))
	}
	fail(span, trip.Err)
	span.End()
}

// End ends the span of the request with its answer; err is why it has none, or one without the database.
func (q *Request) End(role string, status, size int, code string, err error) {
	if q == nil {
		return
	}
	if role != "" {
		q.span.SetAttributes(roleKey.String(bounded(role)))
	}
	if status == 0 { // the client has gone away
		fail(q.span, err)
		q.span.End()
		return
	}
	q.span.SetAttributes(semconv.HTTPResponseStatusCode(status), semconv.HTTPResponseBodySize(size))
	if found(status) && q.method != http.MethodOptions { // of a path that there need not be
		q.span.SetName(q.method + " " + q.path)
		q.span.SetAttributes(semconv.HTTPRoute(q.path))
	}
	if f, ok := errors.AsType[*apierror.Error](err); ok {
		code = f.Code
	}
	if code != "" {
		q.span.SetAttributes(errorCode.String(code))
	}
	if status >= http.StatusInternalServerError {
		q.span.SetStatus(codes.Error, "")
		q.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
	q.span.End()
}

// found reports whether an answer with this status is one of something that exists: names of spans are to be few.
func found(status int) bool {
	return status < 400 || status == http.StatusForbidden || status == http.StatusConflict ||
		status == http.StatusInternalServerError
}

func (q *Request) begin(name string, began time.Time, options ...trace.SpanStartOption) trace.Span {
	_, span := q.tracer.tracer.Start(q.ctx, name, append(options, trace.WithTimestamp(began))...)
	return span
}

// fail notes an error, if it is one. The messages of errors that PostgreSQL raises, and what a fault says beside code
// and message, may have values in them.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	kind, message := "canceled", err.Error()
	f, ok := errors.AsType[*apierror.Error](err)
	if ok {
		kind, message = f.Code, f.Message
	}
	attributes := []attribute.KeyValue{semconv.ExceptionType(kind)}
	if f == nil || strings.HasPrefix(kind, "PGRST") {
		attributes = append(attributes, semconv.ExceptionMessage(message))
	}
	span.AddEvent("exception", trace.WithAttributes(attributes...))
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, "")
}
