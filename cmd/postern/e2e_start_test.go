package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBinaryStart starts, hands over and stops servers, and takes from them what they need.
func TestBinaryStart(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "start", true)
	for name, test := range map[string]func(t *testing.T, h *house, database string){
		"first": testFirstAnswer, "notify": testEarlyNotify, "absent": testAbsentDatabase, "schemas": testMissingSchemas, "invalid": testInvalidSetting,
		"recovery": testNoRecovery, "signals": testSignals, "drain": testDrain, "handover": testHandOver, "notified": testServiceManager,
		"activated": testActivation, "readonly": testReadOnly, "load": testRolesUnderLoad,
		"socket": testSocketHandOver, "limit": testNoMoreConnections,
	} {
		h.execute(t, "postgres", "create database start_"+name+" template start")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, h, "start_"+name)
		})
	}
}

// ready is what the admin server answers to /ready; 0 while it does not answer.
func (p *process) ready() int { return p.status("/ready") }

// status is what the admin server, or the API, answers to a GET; 0 for no answer.
func (p *process) status(path string) int {
	to := p
	if p.admin != nil && slices.Contains([]string{"/live", "/ready"}, path) {
		to = p.admin
	}
	response, err := to.client.Get(to.base + path)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// Nothing is answered before the settings in the database are read.
func testFirstAnswer(t *testing.T, h *house, database string) {
	h.execute(t, database, "alter role e2e_login in database "+database+" set pgrst.db_anon_role = 'e2e_anon'")
	for range 3 {
		port := freePort(t)
		p := h.launch(t, exec.Command(h.binary, "serve"), database, "PGRST_DB_ANON_ROLE=", fmt.Sprintf("PGRST_SERVER_PORT=%d", port))
		p.base = fmt.Sprintf("http://127.0.0.1:%d", port)
		seen := make(map[int]int)
		eventually(t, "an answer", func() bool {
			for range 50 {
				seen[p.status("/books?select=id&limit=1")]++
			}
			return seen[http.StatusOK] > 0
		})
		delete(seen, 0)
		if len(seen) != 1 {
			t.Errorf("answers: %v\n%s", seen, p.events)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
}

// What is sent by NOTIFY as soon as the server says that it is ready counts.
func testEarlyNotify(t *testing.T, h *house, database string) {
	setting := "alter role e2e_login in database " + database + " set pgrst.db_max_rows = "
	for range 3 {
		h.execute(t, database, setting+"'2'")
		p := h.launch(t, exec.Command(h.binary, "serve"), database)
		for deadline := time.Now().Add(20 * time.Second); p.ready() != http.StatusOK; {
			if time.Now().After(deadline) {
				t.Fatalf("not ready\n%s", p.events)
			}
		}
		h.execute(t, database, setting+"'1'; notify pgrst, 'reload config'")
		p.await(t, "Config reloaded")
		p.expect(t, "GET", "/books?select=id&order=id", "", nil, 200, `[{"id":1}]`)
	}
}

// Without a database the server is there and says so, but not on a port that another may serve.
func testAbsentDatabase(t *testing.T, h *house, database string) {
	nobody := "PGRST_DB_URI=postgresql://nobody@127.0.0.1:1/none"
	p := h.launch(t, exec.Command(h.binary, "serve"), database, nobody)
	p.await(t, "Attempting to reconnect to the database")
	for _, authorization := range []string{"", "Bearer nonsense"} { // what a token is verified with may be in the database
		if r := p.send(t, "GET", "/books", "", "Authorization", authorization); r.status != 503 || r.code() != "PGRST000" || r.header.Get("Retry-After") == "" {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
	}
	if r := p.send(t, "GET", "/", "", "Accept", "text/html"); r.status != 503 {
		t.Errorf("a page: %d", r.status)
	}
	if live, ready := p.status("/live"), p.ready(); live != 200 || ready != 503 {
		t.Errorf("live %d, ready %d", live, ready)
	}
	shared := h.launch(t, exec.Command(h.binary, "serve"), database, nobody, "PGRST_SERVER_REUSEPORT=true")
	eventually(t, "an attempt", func() bool {
		return strings.Contains(shared.events.String(), "Attempting to reconnect to the database")
	})
	if live, ready := shared.status("/live"), shared.ready(); live != 500 || ready != 503 || listeningOn.MatchString(shared.events.String()) {
		t.Errorf("with server-reuseport: live %d, ready %d\n%s", live, ready, shared.events)
	}
}

// While a schema is missing all requests are refused, and only then.
func testMissingSchemas(t *testing.T, h *house, database string) {
	p := h.launch(t, exec.Command(h.binary, "serve"), database, "PGRST_DB_SCHEMAS=api,late", "PGRST_DB_EXTRA_SEARCH_PATH=public,extra")
	p.await(t, `schema "late" of db-schemas does not exist`)
	p.await(t, `schema "extra" of db-extra-search-path does not exist`)
	if r := p.send(t, "GET", "/books", ""); r.status != 503 || r.code() != "PGRST002" || strings.Contains(r.body, "late") {
		t.Errorf("%d %s", r.status, r.body)
	}
	p.send(t, "GET", "/books", "", "Authorization", token(`{"role":"e2e_user"}`))
	eventually(t, "the roles in the log", func() bool {
		return regexp.MustCompile(`(?s) - e2e_anon \[.* 503 .* - e2e_user \[.* 503 `).MatchString(p.requests.String())
	})
	if got := p.ready(); got != 503 {
		t.Errorf("ready: %d", got)
	}
	h.execute(t, database, "create schema late")
	if got := p.ready(); got != 503 {
		t.Errorf("ready: %d", got)
	}
	h.execute(t, database, "create schema extra")
	eventually(t, "an answer", func() bool { return p.ready() == 200 && p.status("/books") == 200 })
	p.await(t, "Successfully connected to")
	h.execute(t, database, "drop schema late")
	eventually(t, "a refusal", func() bool { return p.status("/books") == 503 && p.ready() == 503 })
	h.execute(t, database, "create schema late")
	eventually(t, "an answer", func() bool { return p.status("/books") == 200 && p.ready() == 200 })
	h.execute(t, database, "alter role e2e_login in database "+database+" set pgrst.db_schemas = 'api,none'; notify pgrst, 'reload config'")
	p.await(t, `schema "none" of db-schemas does not exist`)
	eventually(t, "a refusal", func() bool { return p.status("/books") == 503 })
	h.execute(t, database, "alter role e2e_login in database "+database+" reset all; notify pgrst, 'reload config'")
	eventually(t, "an answer", func() bool { return p.status("/books") == 200 })
}

// One setting in the database that cannot be used does not make the others count for nothing.
func testInvalidSetting(t *testing.T, h *house, database string) {
	set := "alter role e2e_login in database " + database + " "
	h.execute(t, database, set+"set pgrst.jwt_aud = 'ours'; "+set+"set pgrst.db_tx_end = 'nonsense'")
	p := h.launch(t, exec.Command(h.binary, "serve"), database)
	p.await(t, "setting db-tx-end")
	theirs := []string{"Authorization", token(`{"role":"e2e_user","aud":"theirs"}`)}
	if r := p.send(t, "GET", "/books", "", theirs...); r.status != 503 || r.code() != "PGRST002" || p.ready() != 503 {
		t.Errorf("%d %s, ready: %d", r.status, r.body, p.ready())
	}
	failing := h.launch(t, exec.Command(h.binary, "serve"), database, "PGRST_DB_PRE_CONFIG=public.absent")
	failing.await(t, "db-pre-config")
	if r := failing.send(t, "GET", "/books", "", theirs...); r.status != 503 || r.code() != "PGRST002" {
		t.Errorf("%d %s", r.status, r.body)
	}
	h.execute(t, database, set+"reset pgrst.db_tx_end; create function public.absent() returns void language sql as ''")
	for _, p := range []*process{p, failing} {
		p.await(t, "Successfully connected to")
		if r := p.send(t, "GET", "/books", "", theirs...); r.status != 401 || r.code() != "PGRST303" {
			t.Errorf("%d %s", r.status, r.body)
		}
		if got := p.ready(); got != 200 {
			t.Errorf("ready: %d", got)
		}
	}
	testInvalidLater(t, h, database, p)
}
