// Package tracing reports to a collector of OpenTelemetry how requests went. The variables OTEL_* say whether and
// where; it is off by default. It knows spans and how they are sent; it does not know what a request asks for, and no
// request waits for it.
package tracing

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	flushTimeout = 5 * time.Second // for the last spans when the server stops
	quietTime    = 60              // seconds between two complaints
)

// Tracer makes spans of requests and exports them. A nil Tracer makes none.
type Tracer struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator // nil where each request begins a trace
	database   []attribute.KeyValue          // of spans of the database
	stop       context.CancelFunc            // no export is tried again
}

// wanted reports whether the environment asks for traces, and why not where it seems to.
func wanted() (bool, error) {
	exporter, given := os.Getenv("OTEL_TRACES_EXPORTER"), setting("ENDPOINT") != ""
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none", exporter == "" && !given:
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; otlp and none are known", exporter)
	}
	if protocol := setting("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; http/protobuf is known", protocol)
	}
	return true, nil
}

// Open returns what the environment asks for: nil, and no error, where that is no traces. version is the server's,
// database the name of the database, log is told what goes wrong.
func Open(version, database string, log func(format string, arguments ...any)) (*Tracer, error) {
	if on, err := wanted(); !on {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	exporter, err := newClient(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(),
		resource.WithAttributes(semconv.ServiceName("postern"), semconv.ServiceVersion(version)), resource.WithFromEnv())
	if about == nil {
		stop()
		return nil, err
	}
	if err != nil {
		log("WARNING: traces: %v", err)
	}
	var last atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now().Unix(), last.Load()
		if now-before >= quietTime && last.CompareAndSwap(before, now) {
			log("Traces: %v", err)
		}
	}))
	t := &Tracer{
		provider: sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(otlptrace.NewUnstarted(exporter))),
		database: []attribute.KeyValue{semconv.DBSystemNamePostgreSQL, semconv.DBNamespace(database)},
		stop:     stop,
	}
	t.tracer = t.provider.Tracer("postern", trace.WithInstrumentationVersion(version),
		trace.WithSchemaURL(semconv.SchemaURL))
	if given := os.Getenv("OTEL_PROPAGATORS"); given == "" || slices.Contains(strings.Split(given, ","), "tracecontext") {
		t.propagator = propagation.TraceContext{}
	}
	return t, nil
}

// Close exports what has not been yet, for some seconds at most.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	t.stop()
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}
