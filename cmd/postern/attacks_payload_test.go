package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileTexts are values that must stay the values they are.
var hostileTexts = []string{
	`'`, `''`, `\`, `\\`, `\'`, `\''; drop table api.books; --`, `'; drop table api.books; --`, `"`, `$$`, `$1`, `$$; select pg_sleep(60); $$`, `E'\\'`, `U&'\0027'`,
	`\u0027 or 1=1`, `%s %I %L %1$s`, `%`, `_`, `*`, `{}`, `{{`, `}}`, `;`, `--`, `/*`, `*/`, "a\nb", "\t", "\x01", "\x1f", "’", "＇ or 1=1 --", "ʼ", "\u00a0", "é€😀", "\ufeff",
	strings.Repeat(`'\"`, 1000),
}

// Literals are read as they were written, whatever a role's setting standard_conforming_strings says (I11): the value that is asked
// for comes back.
func testBackslashes(t *testing.T, a *attacked) {
	authorization := token(`{"role":"e2e_backslash"}`)
	tx, err := a.sql.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "set local standard_conforming_strings = off; set local backslash_quote = on; set local escape_string_warning = off; set local role e2e_backslash"); err != nil {
		t.Fatal(err)
	}
	for _, text := range hostileTexts {
		echo, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		quoted := in(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`)
		for _, test := range []struct{ path, query, want string }{
			{"/rpc/back", "value=" + in(text), text},
			{"/books", "select=id&title=eq." + in(text), ""},
			{"/books", "select=id&title=in.(" + quoted + ",x)", ""},
			{"/books", "select=id&or=(title.eq." + quoted + ",title.eq." + quoted + ",id.eq.9)", ""},
			{"/docs", "select=id&body-%3E%3Ea=eq." + in(text), ""},
		} {
			isRight := func(status int, body string) bool {
				var got string
				return status == 200 && (test.want == "" && body == "[]" || json.Unmarshal([]byte(body), &got) == nil && got == test.want)
			}
			if test.want == "" && strings.Trim(text, "%_*") == "" {
				continue // they are patterns
			}
			one := attack{request: "GET " + test.path + "?" + test.query, headers: []string{"Authorization", authorization}}
			for range 2 {
				if r := a.send(t, one); !isRight(r.status, r.body) {
					t.Errorf("%s: %d %.300s", one.request, r.status, r.body)
				}
			}
			request, _ := json.Marshal(map[string]any{"method": "GET", "path": test.path, "query": test.query, "settings": json.RawMessage(attackedSettings)})
			var status int
			var body []byte
			if err := tx.QueryRow(t.Context(), "select status, body from postern.handle($1)", request).Scan(&status, &body); err != nil {
				t.Fatalf("%s: %v", one.request, err)
			}
			if !isRight(status, string(body)) {
				t.Errorf("in SQL, %s: %d %.300s", one.request, status, body)
			}
		}
		if r := a.send(t, attack{request: "POST /rpc/back", body: `{"value":` + string(echo) + `}`, headers: []string{"Authorization", authorization}}); r.status != 200 {
			t.Errorf("%s: %d %.300s", echo, r.status, r.body)
		}
	}
	if a.digest(t) != a.whole {
		t.Error("the database is changed")
	}
}

// What sqlmap sends to PostgreSQL, by class. Of the first two, one is true and one is false.
var sqlPayloads = [][]string{
	{"1 AND 1=1", "1 AND 1=2"}, {"1' AND '1'='1", "1' AND '1'='2"}, {"1) AND (1=1", "1) AND (1=2"}, {"1') AND ('a'='a", "1') AND ('a'='b"},
	{`1" OR "1"="1`, `1" OR "1"="2`}, {"1' OR 'a'='a'--", "1' OR 'a'='b'--"}, {"-1 OR 1=1", "-1 OR 1=2"}, {"1%' AND '%'='", "1%' AND '%'='x"},
	{"(SELECT (CASE WHEN (1=1) THEN 1 ELSE 1/(SELECT 0) END))", "(SELECT (CASE WHEN (1=2) THEN 1 ELSE 1/(SELECT 0) END))"},
	{"1'||(SELECT CASE WHEN 1=1 THEN '' ELSE NULL END)||'", "1'||(SELECT CASE WHEN 1=2 THEN '' ELSE NULL END)||'"},
	{"1/**/OR/**/1=1", "1/**/OR/**/1=2"}, {"1\\' OR 1=1--", "1\\' OR 1=2--"}, {"＇ OR 1=1--", "＇ OR 1=2--"},
	// errors that show something
	{"1 AND 1=CAST((SELECT version()) AS int)"}, {"1' AND 1=CAST((CHR(113)||(SELECT rolname FROM pg_roles LIMIT 1))::text AS NUMERIC)--"},
	{"(SELECT CONCAT(CHR(113),(SELECT current_user),CHR(113)))::int"},
	// time
	{"1;SELECT PG_SLEEP(60)--"}, {"1';SELECT PG_SLEEP(60)--"}, {"1' || (SELECT 4711 FROM PG_SLEEP(60)) || '"}, {"1 AND 4711=(SELECT 4711 FROM PG_SLEEP(60))"},
	{"1) AND 1=(SELECT 1 FROM PG_SLEEP(60))--"}, {`1" AND 1=(SELECT 1 FROM PG_SLEEP(60))--`}, {"1' AND 7=(SELECT COUNT(*) FROM GENERATE_SERIES(1,90000000))--"},
	{"$$||pg_sleep(60)||$$"}, {"pg_sleep(60)"},
	// union
	{"1 UNION ALL SELECT NULL,version(),NULL,NULL--"}, {"1' UNION SELECT 1,rolname,3,4 FROM pg_roles--"}, {"1) UNION SELECT rolpassword FROM pg_authid--"},
	// more statements
	{"1;DROP TABLE api.books--"}, {"1';CREATE ROLE hacked SUPERUSER--"}, {"1);COPY (SELECT 1) TO PROGRAM 'id'--"}, {`1";SET ROLE postgres--`},
}

// Places that a client's text has in a request; %s is the text, and %j the same in JSON.
var payloadPlaces = []attack{
	{request: "GET /books?id=eq.%s"}, {request: "GET /books?title=eq.%s"}, {request: "GET /books?title=not.like.%s&select=id"}, {request: "GET /books?title=in.(%s)"},
	{request: "GET /books?title=in.(\"%s\")"}, {request: "GET /books?or=(title.eq.%s,id.eq.1)&select=id"}, {request: "GET /books?and=(title.neq.\"%s\",id.eq.1)&select=id"},
	{request: "GET /books?id=gt.%s"}, {request: "GET /books?pages=is.%s"}, {request: "GET /books?title=eq(any).{%s}"}, {request: "GET /books?title=like(all).{\"%s\"}"},
	{request: "GET /docs?words=plfts.%s"}, {request: "GET /docs?words=fts(%s).a"}, {request: "GET /docs?words=fts.%s"}, {request: "GET /docs?made=cs.{%s}"}, {request: "GET /docs?body=cs.%s"},
	{request: "GET /docs?body-%3E%3E%s=eq.1"}, {request: "GET /docs?select=x:body-%3E%s"}, {request: "GET /books?title=match.%s"}, {request: "GET /books?title=%s.a"}, {request: "GET /books?%s=eq.1"},
	{request: "GET /books?select=%s"}, {request: "GET /books?select=%s:id&id=eq.1"}, {request: "GET /books?select=id::%s"}, {request: "GET /books?select=id.%s()"},
	{request: "GET /books?select=authors!%s(id)"}, {request: "GET /books?select=%s(id)"}, {request: "GET /books?select=id,authors(name)&authors.name=eq.%s"},
	{request: "GET /books?select=id,authors(%s)"}, {request: "GET /books?order=%s"}, {request: "GET /books?order=id.%s"}, {request: "GET /books?limit=%s"}, {request: "GET /books?offset=%s"},
	{request: "GET /books?select=authors(name)&authors.limit=%s"}, {request: "GET /%s"}, {request: "GET /rpc/%s"}, {request: "GET /rpc/add?a=1&b=%s"}, {request: "GET /rpc/back?value=%s"},
	{request: "GET /rpc/add?%s=1"}, {request: "GET /rpc/joined?words=%s"}, {request: "GET /rpc/add?a=1&b=2&select=%s"},
	{request: "GET /books", headers: []string{"Accept-Profile", "%s"}}, {request: "GET /books", headers: []string{"Prefer", "timezone=%s"}}, {request: "GET /books", headers: []string{"Prefer", "count=%s"}},
	{request: "GET /books", headers: []string{"Range", "%s"}}, {request: "GET /books", headers: []string{"Accept", "%s"}}, {request: "GET /books", headers: []string{"Accept", "application/vnd.pgrst.plan; options=%s"}},
	{request: "GET /books", headers: []string{"X-Any", "%s", "Cookie", "a=%s; %s=b", "User-Agent", "%s"}},
	{request: "POST /books?columns=%s", body: `{"title":"a"}`}, {request: "POST /books?on_conflict=%s", body: `{"title":"a"}`, headers: []string{"Prefer", "tx=rollback, resolution=merge-duplicates"}},
	{request: "POST /books", body: `{"title":%j}`}, {request: "POST /books", body: `{"pages":%j,"title":"a"}`}, {request: "POST /books", body: `{%j:"a","title":"b"}`},
	{request: "POST /books", body: "title\n%s", headers: []string{"Content-Type", "text/csv", "Prefer", "tx=rollback"}}, {request: "POST /books", body: "title,%s\na,b", headers: []string{"Content-Type", "text/csv", "Prefer", "tx=rollback"}},
	{request: "POST /rpc/back", body: `{"value":%j}`}, {request: "POST /rpc/add", body: `{"a":1,%j:2}`}, {request: "POST /rpc/back", body: "value=%s", headers: []string{"Content-Type", "application/x-www-form-urlencoded", "Prefer", "tx=rollback"}},
	{request: "PATCH /books?title=eq.%s", body: `{"title":"a"}`}, {request: "DELETE /books?title=eq.%s"}, {request: "PUT /books?id=eq.%s", body: `{"id":7,"title":"a"}`},
	{request: "POST /books", body: "[]", headers: []string{"Content-Type", "application/json; charset=%s", "Prefer", "tx=rollback"}},
}

// with puts text into a place. What writes is rolled back.
func (one attack) with(text string) attack {
	quoted, _ := json.Marshal(text)
	one.request = strings.ReplaceAll(one.request, "%s", in(text))
	one.body = strings.NewReplacer("%s", text, "%j", string(quoted)).Replace(one.body)
	one.headers = slices.Clone(one.headers)
	for i := range one.headers {
		one.headers[i] = strings.ReplaceAll(one.headers[i], "%s", text)
	}
	if !strings.HasPrefix(one.request, "GET ") && !slices.Contains(one.headers, "Prefer") {
		one.headers = append(one.headers, "Prefer", "tx=rollback")
	}
	return one
}

// A table in place of a run of sqlmap (I14), which takes minutes: each payload in each place has the
// status of a harmless word there, or is refused; what is true makes no other answer than what is false; nothing sleeps or changes. Each
// place gets a third of them, and all with POSTERN_SOAK.
func testPayloads(t *testing.T, a *attacked) {
	tried, soak := 0, os.Getenv("POSTERN_SOAK") != ""
	for number, place := range payloadPlaces {
		control := a.send(t, place.with("zq7x"))
		for class, payloads := range sqlPayloads {
			if !soak && class%3 != number%3 {
				continue
			}
			var first reply
			for n, payload := range payloads {
				one := place.with(payload)
				start := time.Now()
				got := []reply{a.send(t, one)}
				if soak || class%2 == 0 {
					got = append(got, a.bySQL(t, one))
				}
				for _, r := range got {
					refused := r.status >= 400 && r.status < 500
					if r.status != control.status && !refused && !(control.status >= 400 && r.status < 300) {
						t.Errorf("%s %s: %d %.300s, a harmless word: %d %.200s", one.request, one.body, r.status, r.body, control.status, control.body)
					}
					if r.status >= 500 {
						t.Errorf("%s %s: %d %.300s", one.request, one.body, r.status, r.body)
					}
				}
				if took := time.Since(start); took > slow {
					t.Errorf("%s %s takes %v", one.request, one.body, took)
				}
				if n == 0 {
					first = got[0]
				} else if r := got[0]; r.status != first.status || r.status == 200 && strings.ReplaceAll(r.body, "1=2", "1=1") != first.body && !strings.Contains(one.request, "/rpc/") {
					t.Errorf("%s %s: what is true gives %d %.200s, what is false %d %.200s", one.request, one.body, first.status, first.body, r.status, r.body)
				}
				tried++
			}
		}
		if a.digest(t) != a.whole {
			t.Fatalf("%s: the database is changed", place.request)
		}
	}
	t.Logf("%d payloads in %d places", tried, len(payloadPlaces))
}

// sqlmap itself (I14), where it is installed and there is time: POSTERN_SOAK. The star is where it tries; at limit it gives up on the first 416.
func testSqlmap(t *testing.T, a *attacked) {
	program, err := exec.LookPath("sqlmap")
	if err != nil || os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("sqlmap runs where it is installed, with POSTERN_SOAK; testPayloads stands for it")
	}
	for _, test := range []struct {
		target  string
		options []string
	}{
		{"/books?id=eq.1*", nil},
		{"/books?title=eq.One*&select=id", nil},
		{"/books?or=(title.eq.One*,id.eq.9)", nil},
		{"/books?select=id*", nil},
		{"/books?order=id*", nil},
		{"/books*", nil},
		{"/rpc/back?value=x*", nil},
		{"/books?select=id", []string{"--headers=Prefer: timezone=UTC*"}},
		{"/books?select=id", []string{"--headers=Accept-Profile: api*"}},
		{"/rpc/back", []string{"--method=POST", "--headers=Content-Type: application/json", `--data={"value":"x*"}`}},
		{"/rpc/add", []string{"--method=POST", "--headers=Content-Type: application/json", `--data={"a":"1*","b":2}`}},
	} {
		arguments := append([]string{"-u", a.p.base + test.target, "--batch", "--disable-coloring", "--dbms=PostgreSQL", "--level=2", "--risk=3", "--time-sec=3",
			"--timeout=30", "--flush-session", "--output-dir=" + t.TempDir()}, test.options...)
		start := time.Now()
		out, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
		text := string(out)
		if !strings.Contains(text, "do not appear to be injectable") || strings.Contains(text, "injection point") || strings.Contains(text, "is vulnerable") {
			t.Errorf("%s: %v\n%s", test.target, err, text[max(0, len(text)-3000):])
		}
		t.Logf("%s: %v", test.target, time.Since(start).Round(time.Second))
	}
	if a.digest(t) != a.whole {
		t.Error("the database is changed")
	}
}
