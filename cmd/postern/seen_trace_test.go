package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Lines about a request have the ID of its trace: errors and statements, and in JSON the answers, too.
func testTracedLog(t *testing.T, h *house) {
	named := func(id string) []string { return []string{"Traceparent", "00-" + id + "-" + parentID + "-00"} }
	batch := []string{"Content-Type", "application/vnd.postern.batch+json"}
	ask := func(p *process, id string) {
		for range 2 { // compiled, then known
			p.send(t, "GET", "/books?select=id", "", named(id)...)
			p.send(t, "POST", "/rpc/fail", `{"state":"XX123","message":"m"}`, named(id)...)
		}
		p.send(t, "POST", "/", `[{"method":"GET","path":"/authors"}]`, slices.Concat(named(id), batch)...)
	}
	id := traceID(3000)
	text := h.serve(t, "seen", "PGRST_LOG_QUERY=true", "PGRST_LOG_LEVEL=info")
	ask(text, id)
	for _, wrong := range [][]string{nil, named("nonsense"), named(strings.Repeat("0", 32))} {
		text.send(t, "POST", "/rpc/fail", `{"state":"XX123","message":"m"}`, wrong...)
	}
	text.logs(t, 2, `\{"code":"XX123","details":null,"hint":null,"message":"m","trace_id":"`+id+`"\}`)
	text.logs(t, 3, `\{"code":"XX123","details":null,"hint":null,"message":"m"\}`)
	text.logs(t, 1, `(?i).*select.* from api\.books .* -- \d+\.\d{3} ms, compiled, trace `+id)
	text.logs(t, 1, `(?i).*select.* from api\.books .* -- \d+\.\d{3} ms, trace `+id)
	text.logs(t, 1, `(?i).*select.* from api\.authors .* ms(, compiled)?, trace `+id)
	if log := text.requests.String(); strings.Contains(log, id) {
		t.Errorf("the combined format has a trace: %s", log)
	}

	// With traces on, a request that names none has one of its own.
	c := newCollector(t)
	p := h.serve(t, "seen", "PGRST_LOG_QUERY=true", "PGRST_LOG_LEVEL=info", "PGRST_LOG_FORMAT=json",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_HEADERS=X-Key=a%20b",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_BSP_SCHEDULE_DELAY=20")
	ask(p, id) // not sampled
	p.send(t, "POST", "/rpc/fail", `{"state":"XX123","message":"m"}`)
	p.send(t, "GET", "/", "", "Accept", "text/html", "Traceparent", named(id)[1]) // the documentation page
	eventually(t, "the last lines", func() bool { return strings.Count(p.requests.String(), "\n") == 7 })
	traces := make(map[string][]string)
	for line := range strings.Lines(p.requests.String() + p.events.String()) {
		var told struct {
			Msg, Code string
			Trace     string `json:"trace_id"`
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		traces[told.Trace] = append(traces[told.Trace], told.Msg+told.Code)
	}
	own := ""
	for trace := range traces {
		if trace != id && trace != "" {
			own = trace
		}
	}
	for trace, want := range map[string]string{id: "[mXX123 mXX123 query query query query query request request request request request request]", own: "[mXX123 query request]"} {
		slices.Sort(traces[trace])
		if got := fmt.Sprint(traces[trace]); got != want {
			t.Errorf("of the trace %q: %s, want %s", trace, got, want)
		}
	}
	if spans := c.trace(t, own); !regexp.MustCompile(`^POST /rpc/fail failed`).MatchString(describe(spans)) {
		t.Errorf("%q is not the trace of the request:\n%s", own, describe(spans))
	}
}
