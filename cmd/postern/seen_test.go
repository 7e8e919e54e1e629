package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"postern/cmd/internal/cluster"
)

// seenSchema is what the tests of logs and metrics ask for beside e2eSchema.
const seenSchema = `
create function api.fail(state text, message text) returns void language plpgsql as
  $$ begin raise exception using errcode = $1, message = $2, detail = 'a detail of a row', hint = 'a hint of a row'; end $$;
create function public.before() returns void language sql stable as 'select';
create function api.shown(author api.authors) returns text language sql stable as 'select $1.name';
create function api.twins(author api.authors) returns setof api.authors rows 1 language sql stable as 'select $1.*';
create view api.titles as select id, title, author_id from api.books;
comment on table api.books is 'What is read';
grant select on api.titles to e2e_anon, e2e_user;
`

// TestSeen looks at what an operator sees of a server: logs, metrics, statements in PostgreSQL, the schema.
func TestSeen(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(t.Context(), cluster.Options{Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements"}})
	preloaded := err == nil
	if !preloaded { // a server without contrib
		if c, err = cluster.Start(t.Context(), cluster.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h := &house{binary: compile(t), cluster: c}
	h.database(t, "seen", true)
	h.execute(t, "seen", seenSchema)
	t.Run("events", func(t *testing.T) { testEvents(t, h) })
	t.Run("levels", func(t *testing.T) { testLevels(t, h) })
	t.Run("queries", func(t *testing.T) { testQueries(t, h) })
	t.Run("debug", func(t *testing.T) { testDebug(t, h) })
	t.Run("json", func(t *testing.T) { testJSONLog(t, h) })
	t.Run("traces", func(t *testing.T) { testTracedLog(t, h) })
	t.Run("beyond", func(t *testing.T) { testSeenBeyond(t, h) })
	t.Run("metrics", func(t *testing.T) { testMetrics(t, h) })
	t.Run("schema", func(t *testing.T) { testSchema(t, h) })
	t.Run("secrets", func(t *testing.T) { testSecrets(t, h) })
	if preloaded {
		t.Run("statements", func(t *testing.T) { testStatements(t, h) })
	}
}

// pg_stat_statements has a row for each shape and role, which says what was asked for, also after DDL and after a restart of the server.
func testStatements(t *testing.T, h *house) {
	h.execute(t, "seen", "create extension pg_stat_statements")
	if track := h.ask(t, "seen", "select current_setting('pg_stat_statements.track')"); track != "top" {
		t.Fatal(track)
	}
	user := token(`{"role":"e2e_user"}`)
	for round := range 3 { // of eight requests of a shape the first is compiled: at the start, after DDL, in a new server
		p := h.serve(t, "seen", "PGRST_DB_POOL=1")
		for n := range 4 {
			p.send(t, "GET", fmt.Sprintf("/books?select=id,title,authors(name)&pages=gt.%d", 150+n), "")
			p.send(t, "GET", fmt.Sprintf("/books?select=id,title,authors(name)&pages=gt.%d", 150+n), "", "Authorization", user)
			p.send(t, "GET", fmt.Sprintf("/rpc/add?a=%d&b=2", n), "")
			p.send(t, "POST", "/authors", fmt.Sprintf(`{"name":"%d of %d"}`, n, round), "Authorization", user)
			p.send(t, "GET", "/books?apikey=secret", "")
			if round == 1 && n == 1 {
				h.execute(t, "seen", "create table more.added (id int)")
			}
		}
	}
	for text, calls := range map[string]string{
		"e2e_anon /* GET /books?select=id,title,authors(name)&pages=gt.$ */": "9 to 10", // 3 × 3, and one that turned out to be stale
		"e2e_user /* GET /books?select=id,title,authors(name)&pages=gt.$ */": "9 to 10",
		"e2e_anon /* GET /rpc/add?a=$&b=$ */":                                "9 to 10",
		"e2e_user /* POST /authors */":                                       "8 to 9",
		"e2e_anon /* GET /books */":                                          "8 to 10",
	} {
		role, label, _ := strings.Cut(text, " ")
		found := h.ask(t, "seen", fmt.Sprintf(`select count(*) || ' row, ' || coalesce(sum(calls), 0) from pg_stat_statements join pg_roles on oid = userid
			where rolname = '%s' and starts_with(regexp_replace(query, '^\w+ ', ''), '%s ') and toplevel`, role, label))
		var rows, sum, least, most int
		_, _ = fmt.Sscanf(found, "%d row, %d", &rows, &sum)
		_, _ = fmt.Sscanf(calls, "%d to %d", &least, &most)
		if rows != 1 || sum < least || sum > most {
			t.Errorf("%s: %s calls, want 1 and %s", text, found, calls)
		}
	}
	if found := h.ask(t, "seen", `select coalesce(string_agg(query, E'\n'), '') from pg_stat_statements
		join pg_roles on oid = userid where rolname ~ '^e2e_' and query like '%secret%' and query not like '%api.secrets%'`); found != "" {
		t.Errorf("a value that nobody knows is shown: %s", found)
	}
	// What is compiled runs in postern.handle, which is one row a role.
	if found := h.ask(t, "seen", `select string_agg(calls::text, ' ' order by calls) from pg_stat_statements join pg_roles on oid = userid
		where query like '%from postern.handle(%' and toplevel and rolname ~ 'anon$|user$'`); strings.Count(found, " ") != 1 {
		t.Error(found)
	}
}

// The schemas that are exposed are described to operators as they are now, by the command and by the admin server.
func testSchema(t *testing.T, h *house) {
	uri := "PGRST_DB_URI=" + h.cluster.URI("e2e_login", "seen")
	h.execute(t, "seen", "alter role e2e_login in database seen set pgrst.db_schemas = 'more,api'")
	defer h.execute(t, "seen", "alter role e2e_login in database seen reset all")
	p := h.serve(t, "seen")
	h.execute(t, "seen", "create table api.fresh (id int primary key, book_id int references api.books)")
	for _, arguments := range [][]string{{"dump-schema", uri}, {"--dump-schema", uri}, nil} {
		text := ""
		if arguments == nil {
			text = p.admin.expect(t, "GET", "/schema_cache", "", nil, 200, "…").body
		} else {
			var err error
			if text, err = h.run(t, arguments...); err != nil {
				t.Fatal(err, text)
			}
		}
		var told struct {
			Schemas                             []string
			Relations, Relationships, Functions []struct{ Schema, Name, Kind, Relation, Select, Comment string }
		}
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		whole := fmt.Sprint(told)
		for _, part := range []string{"[more api]", "{api fresh table   }", "{more books table   }", "{api books table   What is read}", "{api  o2m books fresh }", "{api  m2o fresh books }",
			"{api  computed-one authors twins }", "{api add    }"} {
			if !strings.Contains(whole, part) {
				t.Errorf("%s: no %s in %s", arguments, part, whole)
			}
		}
	}
	out, err := h.run(t, "dump-schema", "PGRST_DB_URI="+h.cluster.URI("e2e_login", "postgres"))
	if err == nil || !strings.Contains(out, "postern migrate") {
		t.Error(err, out)
	}
}

// dashboard is what is looked at of docs/deploy/grafana.json.
type dashboard struct {
	Panels []struct {
		Type, Title string
		GridPos     struct{ H, W, X, Y int }
		Targets     []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Query any }
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:postern|pgrst|go|process)_[a-z_]+\b`)
	sample     = regexp.MustCompile(`(?m)^([a-z_]+?)(?:_bucket|_sum|_count)?[{ ]`)
)

// The metrics are as Prometheus wants them, count what was asked, and are those that the dashboard shows.
func testMetrics(t *testing.T, h *house) {
	// Reads never go to what is named as a standby here: it is none.
	p := h.serve(t, "seen", "PGRST_SERVER_CORS_ALLOWED_ORIGINS=http://a.example", "PGRST_DB_URI_READ="+h.cluster.URI("e2e_login", "seen"))
	p.send(t, "GET", "/books?select=id", "")
	p.send(t, "GET", "/books?select=id", "", "Authorization", token(`{"role":"e2e_user"}`))
	p.send(t, "GET", "/nothing", "")
	p.send(t, "GET", "/rpc/add?a=1&b=2", "")
	p.send(t, "GET", "/%72pc/sleep?seconds=0", "") // a call as well: its argument is a value
	p.send(t, "GET", "/%72pc/sleep?seconds=0.001", "")
	p.send(t, "GET", "/", "")
	p.send(t, "GET", "/", "", "Accept", "text/html")
	p.send(t, "OPTIONS", "/books", "", "Origin", "http://a.example", "Access-Control-Request-Method", "POST")
	h.execute(t, "seen", "notify pgrst, 'reload schema'")
	p.logs(t, 1, "Connections and compiled statements renewed")
	text := ""
	eventually(t, "the count of what was asked", func() bool {
		text = p.admin.send(t, "GET", "/metrics", "").body
		for _, line := range []string{
			`postern_http_requests_total{method="GET",route="relation",status="200"} 2`, `postern_http_requests_total{method="GET",route="relation",status="404"} 1`,
			`postern_http_requests_total{method="GET",route="function",status="200"} 3`, `postern_http_requests_total{method="GET",route="root",status="200"} 1`,
			`postern_http_requests_total{method="GET",route="page",status="200"} 1`, `postern_http_requests_total{method="OPTIONS",route="preflight",status="200"} 1`,
			`postern_db_round_trips_total 7`, `postern_compiles_total 6`, `postern_statement_cache_requests_total 7`, `postern_statement_cache_hits_total 1`, `pgrst_jwt_cache_requests_total 1`,
			fmt.Sprintf(`postern_standby_up{standby="%s:%d"} 0`, h.cluster.SocketDir, h.cluster.Port), `postern_standby_none_total 7`,
			`postern_reloads_total{result="success",what="schema"} 1`, `postern_reloads_total{result="failure",what="schema"} 0`,
		} {
			if !strings.Contains(text, line+"\n") {
				return false
			}
		}
		return true
	})
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	var d dashboard
	if err := json.Unmarshal([]byte(readText(t, "../../docs/deploy/grafana.json")), &d); err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	for i, panel := range d.Panels {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}
		for _, other := range d.Panels[:i] {
			a, b := panel.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s is on %s", panel.Title, other.Title)
			}
		}
		for _, target := range panel.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[name] = true
			}
			if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") || !strings.Contains(target.Expr, `job="$job"`) {
				t.Errorf("%s: %s", panel.Title, target.Expr)
			}
		}
	}
	for name := range shown {
		if !strings.Contains(text, "\n"+name+" ") && !strings.Contains(text, "\n"+name+"{") {
			t.Errorf("the dashboard shows %s, which there is not", name)
		}
	}
	for _, found := range sample.FindAllStringSubmatch(text, -1) {
		name := found[1]
		if (strings.HasPrefix(name, "postern_") || strings.HasPrefix(name, "pgrst_")) && !shown[name] && !shown[name+"_bucket"] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
