package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const bulkSchema = `
create table api.goods (
  id int primary key, name text, size int check (size >= 0), other int references api.goods deferrable initially deferred);
create table api.seen (what text);
create function api.note() returns trigger language plpgsql as $$ begin insert into api.seen values ('piece'); return null; end $$;
create trigger note after insert on api.goods for each statement execute function api.note();
create function api.before() returns void language sql as $$ insert into api.seen values ('request') $$;
create table api.guarded (id int, name text);
alter table api.guarded enable row level security;
create policy low on api.guarded using (true) with check (id < 700);
grant all on api.goods, api.seen, api.guarded to e2e_anon`

// bulkRows are more rows than fit in a piece, but for changes of some.
func bulkRows(csv bool, changes map[int]string) string {
	const total = 700
	name := strings.Repeat("n", 1700)
	var body strings.Builder
	if csv {
		body.WriteString("id,name,size\n")
	}
	for id := 1; id <= total; id++ {
		switch change, changed := changes[id]; {
		case changed:
			body.WriteString(change + "\n")
		case csv:
			fmt.Fprintf(&body, "%d,\"%s\n\",3\n", id, name)
		default:
			fmt.Fprintf(&body, `{"id":%d,"name":"%s","size":3}`+"\n", id, name)
		}
	}
	return body.String()
}

const (
	ndjsonType = "application/x-ndjson"
	csvType    = "text/csv"
)

// testBulk sends bodies that are streamed, in two pieces.
func testBulk(t *testing.T, h *house) {
	p := h.serve(t, "bounds", "PGRST_DB_POOL=2", "PGRST_SERVER_MAX_BODY_SIZE=1000", "PGRST_SERVER_MAX_STREAM_SIZE=9000000",
		"PGRST_DB_PRE_REQUEST=api.before", "PGRST_DB_TX_END=commit-allow-override")
	const stored = "select (select count(*) from api.goods) || ' ' || (select string_agg(n || what, ' ' order by what)" +
		" from (select what, count(*) as n from api.seen group by what) as s)"
	for _, test := range []struct {
		name, media, target, prefer string
		changes                     map[int]string
		before                      string // SQL
		status                      int
		header                      string // its name and value
		code                        string
		line                        int
		stored                      string
		chunked                     bool // try this, too
	}{
		{name: "ndjson", media: ndjsonType, prefer: "count=exact", status: 201, header: "Content-Range */700", stored: "700 2piece 1request"},
		{name: "CSV", chunked: true, media: csvType, prefer: "count=exact", status: 201, header: "Content-Range */700", stored: "700 2piece 1request"},
		{name: "no address of many", media: ndjsonType, prefer: "return=headers-only", changes: lastAlone, status: 201, header: "Location", stored: "698 2piece 1request"},
		{name: "merged", media: ndjsonType, prefer: "resolution=merge-duplicates, count=exact", before: "insert into api.goods select generate_series(1, 700)", status: 200, header: "Content-Range */700", stored: "700 3piece 1request"},
		{name: "ignored", media: csvType, prefer: "resolution=ignore-duplicates, count=exact", before: "insert into api.goods select generate_series(2, 699)", status: 201, header: "Content-Range */2", stored: "700 3piece 1request"},
		{name: "missing", media: ndjsonType, target: "?columns=id,name,size", prefer: "missing=default", changes: map[int]string{700: `{"id":9999,"x":1}`}, status: 201, stored: "700 2piece 1request"},
		{name: "rolled back", media: ndjsonType, prefer: "tx=rollback, count=exact", status: 201, header: "Content-Range */700", stored: "0"},
		{name: "a key twice", media: ndjsonType, changes: map[int]string{698: `{"id":2,"name":"","size":1}`}, status: 409, code: "23505", line: 698, stored: "0"},
		{name: "a key twice in a piece that is merged", media: ndjsonType, prefer: "resolution=merge-duplicates", changes: map[int]string{698: `{"id":697,"name":"","size":1}`}, status: 500, code: "21000", line: 698, stored: "0"},
		{name: "a check", chunked: true, media: csvType, changes: map[int]string{699: `699,,-1`}, status: 400, code: "23514", line: 2 * 699, stored: "0"},
		{name: "a type", media: csvType, changes: map[int]string{700: `700,,x`}, status: 400, code: "22P02", line: 2 * 700, stored: "0"},
		{name: "a type, first", media: csvType, changes: map[int]string{1: `1,,x`}, status: 400, code: "22P02", line: 2, stored: "0"},
		{name: "another key", chunked: true, media: ndjsonType, changes: map[int]string{700: `{"id":700}`}, status: 400, code: "PGRST102", line: 700, stored: "0"},
		{name: "half a line", media: ndjsonType, changes: map[int]string{700: `{"id":700`}, status: 400, code: "PGRST102", line: 700, stored: "0"},
		{name: "no JSON within", media: ndjsonType, changes: map[int]string{699: `{"id":[}},"name":1,"size":2}`}, status: 400, code: "PGRST102", line: 699, stored: "0"},
		{name: "too few fields", media: csvType, changes: map[int]string{700: `700`}, status: 400, code: "PGRST102", line: 2 * 700, stored: "0"},
		{name: "late", media: ndjsonType, target: "?columns=id,other", changes: map[int]string{699: `{"id":699,"other":-1}`}, status: 409, code: "23503", stored: "0"},
		{name: "late, rolled back", media: ndjsonType, target: "?columns=id,other", prefer: "tx=rollback", changes: map[int]string{699: `{"id":699,"other":-1}`}, status: 409, code: "23503", stored: "0"},
		{name: "a column", media: ndjsonType, target: "?columns=id,nope", status: 400, code: "PGRST204", stored: "0"},
		{name: "rows wanted", media: csvType, prefer: "return=representation", status: 400, code: "PGRST171", stored: "0"},
		{name: "a long line", media: ndjsonType, changes: map[int]string{600: `{"id":600,"name":"` + strings.Repeat("x", 4<<20) + `","size":1}`}, status: 413, code: "PGRST102", line: 600, stored: "0"},
		{name: "too long", chunked: true, media: ndjsonType, changes: map[int]string{600: strings.Repeat(" ", 9_000_000)}, status: 413, code: "PGRST102", stored: "0"},
	} {
		for _, chunked := range []bool{false, true} {
			if chunked && !test.chunked {
				continue
			}
			h.execute(t, "bounds", "truncate api.goods, api.seen;"+test.before)
			r := p.upload(t, "/goods"+test.target, test.media, test.prefer, bulkRows(test.media == csvType, test.changes), chunked)
			var problem struct{ Line int }
			_ = json.Unmarshal([]byte(r.body), &problem)
			name, value, _ := strings.Cut(test.header, " ")
			if r.status != test.status || r.code() != test.code || problem.Line != test.line && !strings.HasPrefix(test.name, "too long") || name != "" && r.header.Get(name) != value {
				t.Errorf("%s, chunked %t: %d %s %.300s", test.name, chunked, r.status, r.header.Get(name), r.body)
			}
			if got := h.ask(t, "bounds", "coalesce(("+stored+"), '0')"); got != test.stored {
				t.Errorf("%s, chunked %t: stored are %s, want %s", test.name, chunked, got, test.stored)
			}
		}
	}
	r := p.upload(t, "/guarded?columns=id,name", ndjsonType, "", bulkRows(false, nil), false)
	if !strings.HasSuffix(r.body, `,"line":700}`) || r.code() != "42501" {
		t.Errorf("a policy: %d %s", r.status, r.body)
	}
	closed := h.serve(t, "bounds", "PGRST_SERVER_MAX_BODY_SIZE=1000")
	for _, media := range []string{ndjsonType, csvType} {
		for _, chunked := range []bool{false, true} {
			if r := closed.upload(t, "/goods", media, "", bulkRows(media == csvType, nil)[:100_000], chunked); r.status != 413 {
				t.Errorf("%s, not streamed, chunked %t: %d %s", media, chunked, r.status, r.body)
			}
		}
	}
}

var lastAlone = func() map[int]string { // the last piece has one row
	return map[int]string{699: "", 698: "", 700: `{"id":700,"name":"` + strings.Repeat("x", 1000) + `","size":1}`}
}()

// upload sends a body of rows.
func (p *process) upload(t *testing.T, target, media, prefer, body string, chunked bool) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", media)
	request.Header.Set("Prefer", prefer)
	if chunked {
		request.ContentLength = -1
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v\n%s", target, err, p.events)
	}
	return read(t, response)
}

// testBulkOnItsWay looks at what happens while a body is streamed.
func testBulkOnItsWay(t *testing.T, h *house) {
	h.execute(t, "bounds", "truncate api.goods, api.seen")
	p := h.serve(t, "bounds", "PGRST_DB_POOL=2", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=1", "PGRST_SERVER_MAX_BODY_SIZE=1000",
		"PGRST_SERVER_MAX_STREAM_SIZE=9000000")
	const working = `select count(*) from pg_locks l join pg_class c on c.oid = l.relation
		where c.relname = 'goods' and l.mode = 'RowExclusiveLock' and l.granted`
	began := func(what string) (*io.PipeWriter, chan reply) {
		reader, writer := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/goods", reader)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", ndjsonType)
		request.Header.Set("Prefer", "")
		answers := make(chan reply, 1)
		go func() {
			defer close(answers)
			if response, err := p.client.Do(request); err == nil {
				answers <- read(t, response)
			}
		}()
		if _, err := io.WriteString(writer, bulkRows(false, map[int]string{700: ""})); err != nil {
			t.Fatal(err)
		}
		eventually(t, what+": a piece is in the database", func() bool { return h.ask(t, "bounds", working) != "0" })
		return writer, answers
	}
	// DDL on something else makes the statement stale.
	writer, answers := began("DDL")
	h.execute(t, "bounds", "create table api.made_meanwhile ()")
	r := p.upload(t, "/goods", ndjsonType, "", bulkRows(false, nil), false) // while the other has the only connection for these
	if r.status != 504 || r.code() != "PGRST003" {
		t.Errorf("a second body: %d %s", r.status, r.body)
	}
	p.expect(t, "GET", "/goods?select=id", "", nil, 200, "[]") // for others there is one
	if _, err := io.WriteString(writer, strings.ReplaceAll(bulkRows(false, nil), `{"id":`, `{"id":1`)); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if r := <-answers; r.status != 409 || r.code() != "23505" { // 11 and others are there
		t.Errorf("after DDL: %d %s", r.status, r.body)
	}
	// The statement that is kept is to be fresh: that it is not would be seen only when more of the body comes.
	if r := p.upload(t, "/goods", ndjsonType, "", `{"id":-5,"name":"x","size":1}`, false); r.status != 201 {
		t.Errorf("a row: %d %s", r.status, r.body)
	}
	writer, answers = began("DDL")
	h.execute(t, "bounds", "drop table api.made_meanwhile")
	if _, err := io.WriteString(writer, strings.ReplaceAll(bulkRows(false, nil), `{"id":`, `{"id":-1`)); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if r := <-answers; r.status != 201 {
		t.Errorf("after DDL: %d %s", r.status, r.body)
	}
	if got := h.ask(t, "bounds", "select count(*) from api.goods"); got != "1400" {
		t.Errorf("after DDL there are %s", got)
	}
	// A client that goes away, in the middle of a row or behind one.
	h.execute(t, "bounds", "truncate api.goods")
	for _, rest := range []string{"", `{"id":1000`} {
		writer, answers = began("cut off")
		_, _ = io.WriteString(writer, rest)
		_ = writer.CloseWithError(io.ErrClosedPipe)
		<-answers
		eventually(t, "the transaction of a client that is gone ends", func() bool { return h.ask(t, "bounds", working) == "0" })
		if got := h.ask(t, "bounds", "select count(*) from api.goods"); got != "0" {
			t.Errorf("of a body that is cut off, %s rows stay", got)
		}
	}
	testBulkSlow(t, h)
}

// testBulkSlow looks at a client that stops: it loses its transaction, and is told so.
func testBulkSlow(t *testing.T, h *house) {
	p := h.serve(t, "bounds", "PGRST_SERVER_CLIENT_TIMEOUT=1", "PGRST_SERVER_MAX_BODY_SIZE=1000", "PGRST_SERVER_MAX_STREAM_SIZE=9000000")
	conn := p.dial(t)
	_, _ = io.WriteString(conn, "POST /goods HTTP/1.1\r\nHost: h\r\nContent-Type: "+ndjsonType+"\r\nContent-Length: 8000000\r\n\r\n"+bulkRows(false, nil))
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
		t.Errorf("half a body: %v %.200s", err, answer)
	}
	if got := h.ask(t, "bounds", "select count(*) from api.goods"); got != "0" {
		t.Errorf("of a body that does not go on, %s rows stay", got)
	}
}

// TestBulkMemory streams 300 MB, and looks at the memory of the server and of its session in the database.
func TestBulkMemory(t *testing.T) {
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("it takes a minute: POSTERN_SOAK")
	}
	h := build(t)
	h.database(t, "bounds", true)
	// PostgreSQL keeps 12 bytes for each row whose checks are deferred.
	h.execute(t, "bounds", bulkSchema+"; drop trigger note on api.goods; alter table api.goods drop column other")
	p := h.serve(t, "bounds", "PGRST_SERVER_MAX_STREAM_SIZE=1000000000")
	reader, writer := io.Pipe()
	const total = 6_000_000
	go func() {
		buffered := bufio.NewWriterSize(writer, 1<<16)
		for id := range total {
			_, _ = fmt.Fprintf(buffered, `{"id":%d,"name":"some customer %d","size":3}`+"\n", id, id)
		}
		_ = buffered.Flush()
		_ = writer.Close()
	}()
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/goods", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", ndjsonType)
	var peak atomic.Int64 // of the session, without what it shares
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for !isClosed(ended) {
			pid := h.ask(t, "bounds", "coalesce((select max(pid) from pg_stat_activity where query like '%/goods%' and pid <> pg_backend_pid()), 0)")
			status, _ := os.ReadFile("/proc/" + pid + "/status")
			if _, rest, found := strings.Cut(string(status), "RssAnon:"); found {
				kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				peak.Store(max(peak.Load(), kib))
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	response, err := p.client.Do(request)
	close(ended)
	watch.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if r := read(t, response); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	server := peakMemory(t, p.command.Process.Pid)
	t.Logf("%d rows: the server had %d KiB, the session %d KiB", total, server, peak.Load())
	if server > 64<<10 || peak.Load() > 64<<10 || peak.Load() == 0 {
		t.Error("that is not what a few pieces take")
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
