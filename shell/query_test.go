package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/cut"
)

// What postern.is_timeout says of the same is in pgtests/handle_query.sql.
func TestParseTimeout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"2": 2000, "250ms": 250, "2s": 2000, "1min": 60_000, "02": 2000, "999999999min": maxTimeout, "0": 0, "0s": 0, "000": 0, "": 0, "-1": 0, "1.5s": 0, "2h": 0,
		"2 s": 0, "s": 0, "1000000000": 0, "2\n": 0, "2S": 0, "2ms ": 0, "٢s": 0,
	} {
		if got := parseTimeout(text); got != want {
			t.Errorf("%q: %d, not %d", text, got, want)
		}
	}
}

func TestTimeoutOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		prefer []string
		want   string
	}{
		{nil, "{ 0 []}"}, {[]string{"count=exact"}, "{ 0 []}"}, {[]string{"timeout=2s"}, "{2s 2000 []}"}, {[]string{"count=exact, timeout=2s , return=minimal"}, "{2s 2000 [count=exact return=minimal]}"},
		{[]string{"timeout=x,timeout=3"}, "{3 3000 [timeout=x]}"}, {[]string{"a", "timeout=1ms,b", "timeout=2ms"}, "{1ms 1 [a b]}"}, {[]string{"timeout=0"}, "{ 0 [timeout=0]}"},
	} {
		if got := fmt.Sprint(timeoutOf(test.prefer)); got != test.want {
			t.Errorf("%q: %s, not %s", test.prefer, got, test.want)
		}
	}
}

// The body of a QUERY is cut as its query is, and is no part of what is sent besides.
func TestPrepareQuery(t *testing.T) {
	t.Parallel()
	const form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
	for _, test := range []struct{ line, header, body, query, values, kind string }{
		{"/a?select=id", form, "id=in.(1,2)&b=eq.x+y", "select=id&id=in.%01&b=eq.%01", `["{\"1\",\"2\"}" "x y"]`, "application/x-www-form-urlencoded"},
		{"/a", form, "id=eq.1", "id=eq.%01", `["1"]`, "application/x-www-form-urlencoded"}, {"/a?id=eq.1", form, "", "id=eq.%01", `["1"]`, "application/x-www-form-urlencoded"},
		{"/a", form, "é=eq.\xff", "%C3%A9=eq.%FF", `[]`, "application/x-www-form-urlencoded"}, {"/a", form, "b=eq.\x00", "b=eq.%00", `[]`, "application/x-www-form-urlencoded"},
		{"/a?id=eq.1", "Content-Type: text/csv\n", "id=eq.2", "id=eq.%01", `["1"]`, "text/csv"}, {"/a", "", "id=eq.2", "", `[]`, ""}, {"/a?%01=eq.1", form, "id=eq.2", "%01=eq.1&id=eq.2", `[]`, "application/x-www-form-urlencoded"},
	} {
		x, request := prepared(t, read(t, "QUERY "+test.line+" HTTP/1.1\nHost: h\n"+test.header), test.body)
		var got struct {
			Method, Query string
			Headers       map[string]string
		}
		if err := json.Unmarshal(request, &got); err != nil {
			t.Fatal(err)
		}
		if values := fmt.Sprintf("%q", x.values.AppendTo(nil)); got.Method != "QUERY" || got.Query != test.query || values != test.values || got.Headers["content-type"] != test.kind ||
			x.call.Payload != nil || string(x.place) != strings.TrimPrefix(test.line, "/a") { // links have what the URL has
			t.Errorf("%+v\ngot %s, values %s, payload %q, place %q", test, request, values, x.call.Payload, x.place)
		}
		x.release()
	}
}

// A body of 7 MB takes ten times as long as one of 700 kB, not more.
func TestLongQuery(t *testing.T) {
	body := "id=in.(" + strings.Repeat("12345,", 1<<20) + "1)"
	st := newState(&config.Config{DBSchemas: []string{"test"}, DBMaxCost: 1}, nil, tokenSource{}, "g")
	x := exchanges.Get().(*exchange)
	defer x.release()
	x.payload = []byte(body)
	start := time.Now()
	st.prepare(x, read(t, "QUERY /a HTTP/1.1\nHost: h\nContent-Type: application/x-www-form-urlencoded\n"), &auth.Identity{Role: "anon"})
	if spent := time.Since(start); spent > 2*time.Second || len(x.shape) > 500 || x.values.Len() != 1 {
		t.Errorf("%v, a shape of %d bytes", spent, len(x.shape))
	}
}

// Long values are told apart by their length where costs are limited, and only there.
func TestAppendSizes(t *testing.T) {
	t.Parallel()
	sizes := func(query string) string {
		var values cut.Values
		cut.AppendQuery(nil, &values, query, false)
		return string(appendSizes(nil, &values))
	}
	list := func(length int) string { return "id=in.(" + strings.Repeat("1,", length) + "1)" }
	if short := sizes("a=eq.1&" + list(10)); short != "" {
		t.Errorf("%s", short)
	}
	if long, longer := sizes("a=eq.1&"+list(1000)), sizes("a=eq.1&"+list(100_000)); long == "" || long == longer || long != sizes("a=eq.2&"+list(1010)) {
		t.Errorf("%s and %s", long, longer)
	}
	_, request := prepared(t, read(t, "GET /a?"+list(1000)+" HTTP/1.1\nHost: h\n"), "")
	if bytes.Contains(request, []byte("sizes")) || bytes.Contains(request, []byte("max_cost")) {
		t.Errorf("%s", request)
	}
}
