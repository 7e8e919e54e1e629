package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// line matches an event with its time in front.
func line(text string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}: ` + text + `$`)
}

// logs waits until the events have each of these lines, whole and so many times.
func (p *process) logs(t *testing.T, times int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		found := 0
		for range 200 { // the log may be a moment behind the answer
			if found = len(line(text).FindAllString(p.events.String(), -1)); found >= times && times > 0 {
				break
			}
			if times == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if found != times {
			t.Errorf("%d lines in place of %d: %s\n%s", found, times, text, p.events)
		}
	}
}

// Start, notifications, signals, failures and the end have PostgREST's lines.
func testEvents(t *testing.T, h *house) {
	version := regexp.QuoteMeta(h.ask(t, "seen", "select version()"))
	server := version + fmt.Sprintf(` on "127\.0\.0\.1:%d"`, h.cluster.Port)
	p := h.serve(t, "seen", "PGRST_DB_POOL=7", fmt.Sprintf("PGRST_DB_URI=postgresql://e2e_login:e2e@127.0.0.1:%d/seen", h.cluster.Port))
	listener := "Listener connected to " + server + ` and listening for database notifications on the "pgrst" channel`
	p.logs(t, 1, `Starting postern \S+`, "Connection Pool initialized with a maximum size of 7 connections", `API server listening on 127\.0\.0\.1:\d+`,
		`Admin server listening on \S+/admin\.sock`, "Successfully connected to "+server, listener)

	h.execute(t, "seen", "notify pgrst, 'reload schema'")
	p.logs(t, 1, `Received a schema cache reload message on the "pgrst" channel`, "Connections and compiled statements renewed")
	h.execute(t, "seen", "notify pgrst, 'reload config'")
	p.logs(t, 1, `Received a config reload message on the "pgrst" channel`, "Config reloaded")
	h.execute(t, "seen", "alter role e2e_login in database seen set pgrst.db_tx_end = 'no'; notify pgrst, 'reload config'")
	p.logs(t, 1, `Failed reloading config: setting db-tx-end: .*`)
	h.execute(t, "seen", "alter role e2e_login in database seen reset all; notify pgrst, 'nonsense'")
	_ = p.command.Process.Signal(syscall.SIGUSR1)
	p.logs(t, 1, "Received unix signal SIGUSR1")
	p.logs(t, 2, "Connections and compiled statements renewed")
	_ = p.command.Process.Signal(syscall.SIGUSR2)
	p.logs(t, 1, "Received unix signal SIGUSR2")
	p.logs(t, 2, "Config reloaded")

	for range 2 {
		p.expect(t, "GET", "/books?select=id,w:authors(name)&authors.name=eq.Bo&id=eq.3", "", nil, 200, `[{"id":3,"w":{"name":"Bo"}}]`)
	}
	p.logs(t, 2, `WARNING: Embedded resource was referenced by relation name even though it has an alias\.`,
		"Update filters, orders or limits that use `authors` to `w` in `GET /books\\?select=id,w:authors\\(name\\)&authors\\.name=eq\\.Bo&id=eq\\.3`")

	h.execute(t, "seen", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'e2e_login' and query like 'listen%'")
	p.logs(t, 1, `Failed listening for database notifications on the "pgrst" channel\. .*`, "Retrying listening for database notifications in 1 seconds\\.\\.\\.")
	p.logs(t, 2, listener)

	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		p := h.serve(t, "seen")
		_ = p.command.Process.Signal(signal)
		p.logs(t, 1, "Received termination unix signal "+name)
	}
}

// Which answers and errors are logged is the level's to say.
func testLevels(t *testing.T, h *house) {
	for place, level := range []string{"crit", "error", "warn", "info", "debug"} {
		p := h.serve(t, "seen", "PGRST_LOG_LEVEL="+level, "PGRST_SERVER_CORS_ALLOWED_ORIGINS=http://a.example")
		p.send(t, "GET", "/rpc/fail?state=XX123&message=the%20%22cause%22%0a%C2%85", "")
		p.send(t, "GET", "/nothing", "", "User-Agent", "curl/8")
		p.send(t, "OPTIONS", "/books", "", "Origin", "http://a.example", "Access-Control-Request-Method", "POST") // a preflight: never
		p.send(t, "OPTIONS", "/books", "")
		p.send(t, "GET", "/books?select=id&id=eq.1", "", "Referer", "http://a.example/x")
		var want []string
		for at, text := range []string{
			`127\.0\.0\.1 - e2e_anon \[.+\] "(GET|POST) /rpc/fail\?.* HTTP/1\.1" 500 \d+ "" "Go-http-client/1\.1"`,
			`127\.0\.0\.1 - e2e_anon \[.+\] "GET /nothing HTTP/1\.1" 404 \d+ "" "curl/8"`,
			`127\.0\.0\.1 - e2e_anon \[.+\] "OPTIONS /books HTTP/1\.1" 200 \d+ "" "Go-http-client/1\.1"`,
			`127\.0\.0\.1 - e2e_anon \[.+\] "GET /books\?select=id&id=eq\.1 HTTP/1\.1" 200 10 "http://a\.example/x" "Go-http-client/1\.1"`,
		} {
			if place > min(at, 2) {
				want = append(want, text+`\n`)
			}
		}
		whole := regexp.MustCompile("^" + strings.Join(want, "") + "$")
		eventually(t, "the log of "+level, func() bool { return whole.MatchString(p.requests.String()) })
		p.logs(t, min(place, 1), `\{"code":"XX123","details":null,"hint":null,"message":"the \\"cause\\"\\n\\u0085"\}`)
		if place == 0 && strings.Contains(p.events.String(), "XX123") {
			t.Error("crit: errors are logged")
		}
	}
}

// The statement of an answer is logged where the level asks for the answer, with that of db-pre-request.
func testQueries(t *testing.T, h *house) {
	const read = `/books?select=id,title&pages=gt.%d`
	for place, level := range []string{"crit", "error", "warn", "info", "debug"} {
		p := h.serve(t, "seen", "PGRST_LOG_LEVEL="+level, "PGRST_LOG_QUERY=true", "PGRST_DB_PRE_REQUEST=public.before")
		for pages := range 3 {
			p.send(t, "GET", fmt.Sprintf(read, 987650+pages), "")
		}
		p.send(t, "GET", "/books?select=nope", "")
		p.send(t, "POST", "/rpc/fail", `{"state":"XX123","message":"m"}`)
		p.send(t, "POST", "/rpc/fail", `{"state":"XX123","message":"m"}`)
		one, two, three := 0, 0, 0
		if place >= 1 {
			three = 1
		}
		if place >= 3 {
			one, two = 1, 2
		}
		p.logs(t, one, `(?i).*select.* from api\.books .*\$3.* -- \d+\.\d{3} ms, compiled`)
		p.logs(t, two, `(?i).*select.* from api\.books .*\$3.* -- \d+\.\d{3} ms`)
		p.logs(t, three, `(?i).*select.*api\.fail.* -- \d+\.\d{3} ms, compiled`)
		p.logs(t, three, `(?i).*select.*api\.fail.* -- \d+\.\d{3} ms`)
		p.logs(t, []int{0, 2, 3, 6, 6}[place], `select "public"\."before"\(\)`)
		if regexp.MustCompile(`\b98765\d\b`).MatchString(p.events.String()) {
			t.Error("values are logged")
		}
	}
}

// The level debug, which a reload can ask for, tells what the pool and the cache of tokens do.
func testDebug(t *testing.T, h *house) {
	p := h.serve(t, "seen", "PGRST_LOG_LEVEL=debug", "PGRST_JWT_CACHE_MAX_ENTRIES=1", "PGRST_DB_POOL=2", "PGRST_DB_POOL_MAX_LIFETIME=1")
	for _, sub := range []string{"a", "b"} {
		p.send(t, "GET", "/books?select=id", "", "Authorization", token(`{"role":"e2e_user","sub":"`+sub+`"}`))
	}
	p.logs(t, 2, "Looked up a JWT in JWT cache", "Trying to borrow a connection from pool", "Borrowed a connection from the pool")
	p.logs(t, 1, "Evicted entry from JWT cache", `Connection 1 is being established`, `Connection 1 is available due to connection establishment`)
	_ = p.command.Process.Signal(syscall.SIGUSR1)
	p.logs(t, 1, "Database connection pool flushed")
	for _, text := range []string{`Connection \d+ is used`, `Connection \d+ is available due to session success`, `Connection \d+ is terminated due to release`} {
		eventually(t, text, func() bool { return line(text).MatchString(p.events.String()) })
	}
	quiet := h.serve(t, "seen", "PGRST_LOG_LEVEL=info")
	quiet.send(t, "GET", "/books?select=id", "", "Authorization", token(`{"role":"e2e_user"}`))
	quiet.logs(t, 0, "Looked up a JWT in JWT cache", "Trying to borrow a connection from pool", `Connection \d+ .*`)
}

// With log-format=json each line of both streams is an object with time, level and message.
func testJSONLog(t *testing.T, h *house) {
	p := h.serve(t, "seen", "PGRST_LOG_LEVEL=debug", "PGRST_LOG_QUERY=true", "PGRST_LOG_FORMAT=json", "PGRST_JWT_ROLE_CLAIM_KEY=.role")
	p.send(t, "GET", "/rpc/fail?state=XX123&message=the%0acause%C2%85", "")
	p.send(t, "GET", "/books?select=id,w:authors(name)&authors.name=eq.Bo&id=eq.3", "", "User-Agent", "a\"b")
	eventually(t, "the last lines", func() bool {
		return strings.Contains(p.requests.String(), "eq.Bo") && strings.Contains(p.events.String(), "Update filters")
	})
	var found []string
	for _, stream := range []*output{p.events, p.requests} {
		lines := bufio.NewScanner(strings.NewReader(stream.String()))
		for lines.Scan() {
			var told struct {
				Time, Level, Msg, Code, Details, Method, Target, Role, Agent, Statement string
				Status, Bytes                                                           int
				Milliseconds                                                            float64
			}
			if err := json.Unmarshal(lines.Bytes(), &told); err != nil || told.Time == "" || told.Level == "" || told.Msg == "" {
				t.Errorf("%v: %s", err, lines.Text())
			}
			found = append(found, fmt.Sprintln(told.Level, told.Msg, told.Code, told.Status, told.Role, told.Method, told.Target, told.Agent,
				strings.Contains(told.Statement, "api.") && told.Milliseconds > 0))
		}
	}
	for _, want := range []string{
		"ERROR the cause\\xC2\\x85 XX123 500     false\n",
		"WARN Embedded resource was referenced by relation name even though it has an alias.  0     false\n",
		"DEBUG Borrowed a connection from the pool  0     false\n",
		"INFO query  0     true\n",
		"INFO request  200 e2e_anon GET /books?select=id,w:authors(name)&authors.name=eq.Bo&id=eq.3 a\"b false\n",
	} {
		if !slices.Contains(found, want) {
			t.Errorf("no %q in\n%s\n%s", want, p.events, p.requests)
		}
	}
}

// Neither log ever has a token, a password or a secret, whatever the level and whatever fails.
func testSecrets(t *testing.T, h *house) {
	h.execute(t, "seen", "create role seen_login login noinherit password 'Pa55word-of-login'; grant e2e_anon, e2e_user to seen_login")
	for _, format := range []string{"text", "json"} {
		uri := fmt.Sprintf("postgresql://seen_login:Pa55word-of-login@127.0.0.1:%d/seen", h.cluster.Port)
		p := h.serve(t, "seen", "PGRST_DB_URI="+uri, "PGRST_LOG_LEVEL=debug", "PGRST_LOG_QUERY=true", "PGRST_LOG_FORMAT="+format,
			"PGRST_APP_SETTINGS_KEY=Key-of-the-app", "PGRST_DB_CONFIG=true")
		good := token(`{"role":"e2e_user","sub":"Sub-of-a-token"}`)
		tried := []string{good, good + "x", "Bearer Broken-token", token(`{"role":"nobody","sub":"Sub-of-a-token"}`), token(`{"exp":1,"sub":"Sub-of-a-token"}`), "Basic QmFzaWM6c2VjcmV0"}
		if format == "json" {
			tried = tried[:2]
		}
		for _, authorization := range tried {
			for _, target := range []string{"/secrets", "/books?select=nope", "/nothing", "/rpc/fail?state=XX123&message=m", "/rpc/fail?state=57P03&message=m"} {
				p.send(t, "GET", target, "", "Authorization", authorization, "Cookie", "session=Cookie-of-a-client", "Apikey", "Key-of-a-client")
			}
			p.send(t, "POST", "/secrets", `{"id":1,"words":"Words-of-a-body"}`, "Authorization", authorization)
			p.send(t, "POST", "/secrets", `id,words`+"\n"+`1,Words-of-a-body`, "Authorization", authorization, "Content-Type", "text/csv")
			p.send(t, "PATCH", "/secrets?id=eq.1", `{"id":"Words-of-a-body"}`, "Authorization", authorization)
		}
		h.execute(t, "seen", "alter role seen_login set pgrst.jwt_secret = 'Short-secret'; notify pgrst, 'reload config'")
		eventually(t, "a complaint", func() bool { return strings.Contains(p.events.String(), "Failed reloading config") })
		h.execute(t, "seen", "alter role seen_login reset all")
		// The password changes, and connections are lost: new ones are refused.
		h.execute(t, "seen", "alter role seen_login password 'Another'; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'seen_login'")
		eventually(t, "a refusal", func() bool { return strings.Contains(p.events.String(), "password authentication failed") })
		p.send(t, "GET", "/books", "", "Authorization", good)
		h.execute(t, "seen", "alter role seen_login password 'Pa55word-of-login'")
		log := p.events.String() + p.requests.String()
		for _, secret := range []string{
			testSecret, "Pa55word-of-login", "Key-of-the-app", strings.TrimPrefix(good, "Bearer "), "Broken-token", "Sub-of-a-token",
			"QmFzaWM6c2VjcmV0", "Cookie-of-a-client", "Key-of-a-client", "Words-of-a-body", "Short-secret", "detail of a row", "hint of a row",
		} {
			if strings.Contains(log, secret) {
				at := strings.Index(log, secret)
				t.Errorf("%s: the log has %s: %s", format, secret, log[max(0, at-300):min(len(log), at+100)])
			}
		}
		if strings.Count(log, "XX123") < 2 || !strings.Contains(log, "api.secrets") {
			t.Errorf("%s: the log tells nothing: %s", format, log)
		}
	}
}
