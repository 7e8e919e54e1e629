package main

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is one of OpenTelemetry, which keeps what it gets.
type collector struct {
	url   string
	mutex sync.Mutex
	spans []*tracepb.Span
	about string // of the resource
	wrong []string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if err := c.take(r); err != nil {
			c.wrong = append(c.wrong, err.Error())
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) take(r *http.Request) error {
	if r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Key") != "a b" {
		return fmt.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		return err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(body, &data); err != nil {
		return err
	}
	for _, resource := range data.ResourceSpans {
		c.about = fmt.Sprint(resource.Resource)
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	return nil
}

// trace waits for the span of a request, which comes after those below it, and returns them all: the first is that of the request.
func (c *collector) trace(t *testing.T, id string) []*tracepb.Span {
	t.Helper()
	var found []*tracepb.Span
	eventually(t, "the trace "+id, func() bool {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		found = nil
		for _, span := range c.spans {
			if hex.EncodeToString(span.TraceId) == id {
				found = append(found, span)
			}
		}
		return slices.ContainsFunc(found, func(span *tracepb.Span) bool { return span.Kind == tracepb.Span_SPAN_KIND_SERVER })
	})
	slices.SortFunc(found, func(a, b *tracepb.Span) int { return cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) })
	return found
}

// describe writes the spans of a trace as a tree: name, status, attributes and events of each.
func describe(spans []*tracepb.Span) string {
	var text strings.Builder
	for _, span := range spans {
		indent := ""
		if span.Kind != tracepb.Span_SPAN_KIND_SERVER {
			indent = "  "
		}
		fmt.Fprintf(&text, "%s%s", indent, span.Name)
		if span.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			text.WriteString(" failed")
		}
		for _, attribute := range span.Attributes {
			if key := attribute.Key; strings.HasPrefix(key, "postern.") || strings.HasPrefix(key, "http.") || strings.HasPrefix(key, "url.") ||
				strings.HasPrefix(key, "db.") || key == "error.type" {
				value := attribute.Value.GetStringValue()
				if value == "" {
					value = strconv.FormatInt(attribute.Value.GetIntValue(), 10)
				}
				fmt.Fprintf(&text, " %s=%s", key, value)
			}
		}
		for _, event := range span.Events {
			text.WriteString(" (" + event.Name + ")")
		}
		text.WriteString("\n")
	}
	return text.String()
}

// parentID is that of the span of a client.
const parentID = "00f067aa0ba902b7"

// traceID makes the ID of a trace.
func traceID(number int) string { return fmt.Sprintf("4bf92f3577b34da6a3ce9290%08x", number) }

// testTraces runs a server that tells a collector of requests, and one whose collector does not answer.
func testTraces(t *testing.T, h *house) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	lost := h.serve(t, "e2e", "PGRST_DB_POOL=1", "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://"+deaf.Addr().String(),
		"OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_BSP_MAX_QUEUE_SIZE=16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=16")
	for range 40 {
		lost.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
	}
	ended := make(chan error, 1)
	go func() { ended <- lost.stop() }() // takes the seconds that the last spans have

	c := newCollector(t)
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_HEADERS=X-Key=a%20b",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=tests")
	t.Run("spans", func(t *testing.T) { testSpans(t, p, c) })
	t.Run("in the database", func(t *testing.T) { testTracedActivity(t, h, p, c) })
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, part := range []string{"service.name", "postern", "service.version", "deployment.environment.name", "tests"} {
		if !strings.Contains(c.about, part) {
			t.Errorf("the resource has no %s: %s", part, c.about)
		}
	}
	if c.wrong != nil {
		t.Errorf("the collector got %q", c.wrong)
	}
	if err := <-ended; err != nil {
		t.Errorf("with a collector that does not answer, the server ends with: %v", err)
	}
	if strings.Count(lost.events.String(), ": Traces: ") != 1 {
		t.Errorf("the loss of spans is logged as\n%s", lost.events)
	}
}

// The spans of a request are below the one that its traceparent names, and hold neither values nor tokens.
func testSpans(t *testing.T, p *process, c *collector) {
	const database = " db.system.name=postgresql db.namespace=e2e"
	user := token(`{"role":"e2e_user","sub":"ann"}`)
	compile := "  compile" + database + " db.stored_procedure.name=postern.handle\n"
	unsampled := traceID(2000)
	for i, test := range []struct {
		method, target, body, authorization string
		want                                string
	}{
		{"GET", "/books?select=title&title=eq.Hidden", "", user, `GET /books http.request.method=GET url.path=/books url.scheme=http ` +
			"postern.role=e2e_user http.response.status_code=200 http.response.body.size=2 http.route=/books\n" +
			"  verify\n" + compile + "  execute" + database + "\n"},
		{"GET", "/books?select=title&title=eq.Hidden", "", user, `GET /books http.request.method=GET url.path=/books url.scheme=http ` +
			"postern.role=e2e_user http.response.status_code=200 http.response.body.size=2 http.route=/books\n" +
			"  verify\n  execute" + database + " (connection acquired)\n"},
		{"GET", "/books?id=eq.Hidden", "", "", `GET http.request.method=GET url.path=/books url.scheme=http postern.role=e2e_anon ` +
			"http.response.status_code=400 http.response.body.size=… postern.error.code=22P02\n" +
			compile + "  execute failed" + database + " db.response.status_code=22P02 error.type=22P02\n"},
		{"POST", "/rpc/set_status", `{"status":"Hidden"}`, user, `POST /rpc/set_status failed http.request.method=POST url.path=/rpc/set_status ` +
			"url.scheme=http postern.role=e2e_user http.response.status_code=500 http.response.body.size=… http.route=/rpc/set_status " +
			"postern.error.code=PGRST112 error.type=500\n…"},
		{"GET", "/books", "", "Bearer Hidden", "GET http.request.method=GET url.path=/books url.scheme=http http.response.status_code=401 " +
			"http.response.body.size=… postern.error.code=PGRST301\n  verify failed error.type=PGRST301 (exception)\n"},
		{"PURGE", "/nope", "", "", "HTTP http.request.method=_OTHER url.path=/nope url.scheme=http http.request.method_original=PURGE …"},
	} {
		for _, id := range []string{traceID(i) + "-" + parentID + "-01", unsampled + "-" + parentID + "-00"} {
			p.send(t, test.method, test.target, test.body, "Traceparent", "00-"+id, "Authorization", test.authorization)
		}
		spans := c.trace(t, traceID(i))
		pattern := strings.ReplaceAll(regexp.QuoteMeta(test.want), "…", "(?s:.*)")
		if got := describe(spans); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("%s %s: got\n%swant\n%s", test.method, test.target, got, test.want)
		}
		for _, span := range spans[1:] {
			if string(span.ParentSpanId) != string(spans[0].SpanId) || span.EndTimeUnixNano > spans[0].EndTimeUnixNano {
				t.Errorf("%s is not part of %s", span.Name, spans[0].Name)
			}
		}
		if hex.EncodeToString(spans[0].ParentSpanId) != parentID {
			t.Errorf("%s: the parent is %x", spans[0].Name, spans[0].ParentSpanId)
		}
	}
	const long = 100 << 10
	id := traceID(500)
	p.send(t, "GET", "/"+strings.Repeat("n", long), "", "Traceparent", "00-"+id+"-"+parentID+"-01", "User-Agent", "\xff"+strings.Repeat("u", long))
	if size := proto.Size(c.trace(t, id)[0]); size > 4<<10 {
		t.Errorf("the span of a long request has %d bytes", size)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, span := range c.spans {
		if hex.EncodeToString(span.TraceId) == unsampled {
			t.Errorf("a request is traced whose client does not ask for it: %v", span)
		}
		if text := fmt.Sprint(span); strings.Contains(text, "Hidden") || strings.Contains(text, user) {
			t.Errorf("it has a value or a token in it: %s", text)
		}
	}
}

// What a request that is traced runs in the database is found by the ID of its trace, and by nothing else afterwards.
func testTracedActivity(t *testing.T, h *house, p *process, c *collector) {
	id := traceID(1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", p.base+"/rpc/sleep?seconds=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-"+id+"-"+parentID+"-01")
	var sleeping sync.WaitGroup
	sleeping.Go(func() {
		if response, err := p.client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	})
	named := func(like string) string {
		return h.ask(t, "e2e", "select count(*) from pg_stat_activity where usename = 'e2e_login' and application_name like '"+like+"'")
	}
	eventually(t, "the ID in pg_stat_activity", func() bool { return named("postern 00-"+id+"-%-01") == "1" })
	cancel()
	sleeping.Wait()
	if got := describe(c.trace(t, id)); !strings.Contains(got, "GET failed ") || !strings.Contains(got, "execute failed") {
		t.Errorf("a client that goes away:\n%s", got)
	}
	p.expect(t, "GET", "/books?select=id&id=eq.1", "", []string{"Traceparent", "00-" + id + "-" + parentID + "-00"}, 200, `[{"id":1}]`)
	eventually(t, "the end of the ID", func() bool { return named("postern 00-%") == "0" })
}

// durations reads Server-Timing.
func durations(t *testing.T, r reply) map[string]time.Duration {
	t.Helper()
	took := make(map[string]time.Duration)
	var names []string
	for part := range strings.SplitSeq(r.header.Get("Server-Timing"), ", ") {
		name, text, _ := strings.Cut(part, ";dur=")
		milliseconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%d %v", r.status, r.header)
		}
		names = append(names, name)
		took[name] = time.Duration(milliseconds * float64(time.Millisecond))
	}
	if !slices.Equal(names, []string{"jwt", "parse", "plan", "transaction", "response"}) {
		t.Errorf("the phases are %q", names)
	}
	return took
}

// Server-Timing tells how long compiling took, in the first request of a shape only; what runs, and waits for a connection, is the
// transaction; a body that comes slowly is none of it.
func testServerTiming(t *testing.T, h *house) {
	const pause = 300 * time.Millisecond
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_SERVER_TIMING_ENABLED=true")
	for _, target := range []string{"/books?select=id", "/books?nope=eq.1"} {
		if took := durations(t, p.send(t, "GET", target, "")); took["plan"] == 0 {
			t.Errorf("%s: compiling took no time", target)
		}
		eventually(t, "a request of which nothing is compiled", func() bool {
			took := durations(t, p.send(t, "GET", target, ""))
			return took["plan"] == 0 && took["transaction"] > 0
		})
	}
	for range 2 {
		if took := durations(t, p.send(t, "GET", "/rpc/sleep?seconds=0.3", "")); took["transaction"] < pause {
			t.Errorf("the transaction took %s", took)
		}
	}
	reader, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, `{"a":1,`)
		time.Sleep(pause)
		_, _ = io.WriteString(writer, `"b":2}`)
		_ = writer.Close()
	}()
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/rpc/add", reader)
	if err != nil {
		t.Fatal(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, response)
	if took := durations(t, r); r.body != "3" || took["parse"] >= pause || took["jwt"] >= pause {
		t.Errorf("a body that comes slowly: %s %s", r.body, took)
	}
}
