package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// What PostgREST does not have is seen as ordinary requests are: batches, streams, rows on lines, QUERY.
func testSeenBeyond(t *testing.T, h *house) {
	h.execute(t, "seen", "create table api.beyond (id int generated always as identity, name text); grant all on api.beyond to e2e_user")
	c := newCollector(t)
	p := h.serve(t, "seen", "PGRST_LOG_QUERY=true", "PGRST_LOG_LEVEL=info", "PGRST_SERVER_TIMING_ENABLED=true",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_HEADERS=X-Key=a%20b", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
		"OTEL_BSP_SCHEDULE_DELAY=20")
	const database = " db.system.name=postgresql db.namespace=seen"
	compile, execute := "  compile"+database+" db.stored_procedure.name=postern.handle\n", "  execute"+database
	user := token(`{"role":"e2e_user"}`)
	for i, test := range []struct {
		method, target, body, media, accept string
		status                              int
		label                               string // of its statement
		name, spans                         string
	}{
		{
			"POST", "/", `[{"method":"GET","path":"/beyond?select=name&id=eq.987651"}]`, "application/vnd.postern.batch+json", "", 200,
			"/* GET /beyond?select=name&id=eq.$ */", "POST /", "",
		},
		{
			"GET", "/beyond?select=id&name=eq.987652", "", "", ndjson, 200, "/* GET /beyond?select=id&name=eq.$ */", "GET /beyond",
			compile + execute + "\n" + execute + " (connection acquired)\n",
		},
		{
			"POST", "/beyond?columns=name", "{\"name\":\"987653\"}\n", ndjson, "", 201, "/* POST /beyond */", "POST /beyond",
			compile + execute + "\n",
		},
		{
			"QUERY", "/beyond?select=id", "name=eq.987654&id=gt.0", "application/x-www-form-urlencoded", "", 200,
			"/* QUERY /beyond?select=id&name=eq.$&id=gt.$ */", "QUERY /beyond", compile + execute + "\n",
		},
	} {
		for n := range 2 { // compiled, then known
			id := traceID(4000 + 2*i + n)
			body := strings.ReplaceAll(test.body, "98765", "98765"+strings.Repeat("9", n))
			r := p.send(t, test.method, test.target, body, "Content-Type", test.media, "Accept", test.accept, "Authorization", user,
				"Traceparent", "00-"+id+"-"+parentID+"-01")
			if r.status != test.status {
				t.Fatalf("%s %s: %d %s", test.method, test.target, r.status, r.body)
			}
			note := ", compiled"
			if n > 0 {
				note = ""
			}
			p.logs(t, 1, `\w+ `+regexp.QuoteMeta(test.label)+` .* -- \d+\.\d{3} ms`+note+", trace "+id)
			took := durations(t, r)
			if took["transaction"] == 0 || n == 0 && took["plan"] < 500*time.Microsecond { // compiling takes more
				t.Errorf("%s %s, request %d: %v", test.method, test.target, n, took)
			}
			spans := describe(c.trace(t, id))
			if !strings.HasPrefix(spans, test.name+" ") || n == 0 && !strings.HasSuffix(spans, "  verify\n"+test.spans) && i > 0 || strings.Contains(spans, "98765") {
				t.Errorf("%s %s, request %d:\n%s", test.method, test.target, n, spans)
			}
		}
	}
	if strings.Contains(p.events.String(), "98765") {
		t.Errorf("values are logged:\n%s", p.events)
	}
	text := p.admin.send(t, "GET", "/metrics", "").body
	for _, line := range []string{
		`postern_http_requests_total{method="POST",route="batch",status="200"} 2`, `postern_http_requests_total{method="GET",route="relation",status="200"} 2`,
		`postern_http_requests_total{method="POST",route="relation",status="201"} 2`, `postern_http_requests_total{method="QUERY",route="relation",status="200"} 2`,
		`postern_compiles_total 4`, `postern_statement_cache_hits_total 4`, `postern_statement_cache_requests_total 8`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}
