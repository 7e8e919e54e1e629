//go:build cgo

package pgtests

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shadows puts into public and into the exposed schema, for each function and operator of PostgreSQL that postern uses, one of the
// same name for each combination of some types that PostgreSQL's takes, as far as it has none for just these; and into public types and
// tables with the names of PostgreSQL's. Whatever calls one of the functions raises, and leaves an advisory lock. Those in the exposed
// schema may not be executed, so that they are not described. It runs before anything else with names of its own.
const shadows = `
set search_path = pg_catalog, pg_temp;
create function public.trap() returns boolean language plpgsql as $$
begin
  perform pg_catalog.pg_advisory_lock_shared(47110815);
  raise exception using errcode = 'TRAPS', message = 'trapped';
end $$;
alter event trigger postern_ddl_command_end disable; -- they would advance the epoch some thousand times
do $do$
declare
  types constant text[] := '{text,varchar,int4,int8,json,jsonb,text[],name,bool,oid,bpchar,store.mood,store.stars}';
  few constant text[] := '{text,varchar,int4,jsonb}';
  body constant text := $$ begin perform public.trap(); return null; end $$;
  made int[] := '{0,0}';
  one record;
  target text;
begin
  for one in
    select f as name, array[a] as given from unnest((select functions from used)) as f, unnest(types || '{store.films,bytea,int8[]}') as a
      where a <> 'store.films' or f in ('row_to_json', 'to_json', 'to_jsonb', 'json_agg', 'array_agg', 'concat')
    union all select f, array[a, b] from unnest((select functions from used)) as f, unnest(types) as a, unnest(types) as b
    union all select f, array[a, b, c] from unnest((select functions from used)) as f, unnest(few) as a, unnest(few) as b, unnest(few) as c
  loop
    begin
      execute format('explain select pg_catalog.%I(%s)', one.name, (select string_agg('null::' || g, ', ') from unnest(one.given) as g));
    exception when others then
      continue;
    end;
    continue when to_regprocedure(format('pg_catalog.%I(%s)', one.name, array_to_string(one.given, ', '))) is not null;
    foreach target in array '{public,store}'::text[] loop
      continue when target = 'store' and one.given = '{store.films}'; -- that is a computed field
      execute format('create function %I.%I(%s) returns text language plpgsql as %L', target, one.name, array_to_string(one.given, ', '), body);
      if target = 'store' then
        execute format('revoke execute on function %I.%I(%s) from public', target, one.name, array_to_string(one.given, ', '));
      end if;
    end loop;
    made[1] := made[1] + 1;
  end loop;
  for one in
    select o as name, a as left, b as right from unnest((select operators from used)) as o, unnest(types) as a, unnest(types) as b
  loop
    begin
      execute format('explain select null::%s operator(pg_catalog.%s) null::%s', one.left, one.name, one.right);
    exception when others then
      continue;
    end;
    continue when to_regoperator(format('pg_catalog.%s(%s,%s)', one.name, one.left, one.right)) is not null;
    if to_regprocedure(format('public.trap(%s,%s)', one.left, one.right)) is null then
      execute format('create function public.trap(%s, %s) returns boolean language plpgsql as %L', one.left, one.right, body);
    end if;
    foreach target in array '{public,store}'::text[] loop
      execute format('create operator %I.%s (leftarg = %s, rightarg = %s, function = public.trap)', target, one.name, one.left, one.right);
    end loop;
    made[2] := made[2] + 1;
  end loop;
  raise notice 'made % functions, % operators', made[1], made[2];
end $do$;
alter event trigger postern_ddl_command_end enable always;
`

// shadowedTypes makes in a schema domains and tables with the names of types and catalogs.
const shadowedTypes = `
do $do$
declare
  name text;
begin
  foreach name in array '{text,json,jsonb,bytea,oid,name,regclass,regtype,regproc,regnamespace,record,unknown,int4,int8,bool,uuid,varchar,"char"}'::text[] loop
    execute format('create domain %s.%I as pg_catalog.text check (public.trap())', 'SCHEMA', name);
  end loop;
  foreach name in array '{pg_class,pg_attribute,pg_type,pg_proc,pg_namespace,pg_constraint,pg_index,pg_description,pg_rewrite,pg_depend,pg_attrdef,
      pg_cast,pg_enum,pg_roles,pg_extension,pg_event_trigger,pgrst_answer,pgrst_source,pgrst_head,counts,counted}'::text[] loop
    execute format('create table %s.%I (none int)', 'SCHEMA', name);
  end loop;
end $do$;
`

// pinnedStore gives the functions of the store, which are the user's own affair, a search path without schemas of users.
const pinnedStore = `
do $$
declare
  one regprocedure;
begin
  for one in select oid from pg_proc where pronamespace in ('store'::regnamespace, 'saved'::regnamespace) loop
    execute format('alter function %s set search_path = pg_catalog, pg_temp', one);
  end loop;
end $$;
`

// varied is a relation with columns of types for which PostgreSQL has no operators of just these types, and with keys and defaults of them.
const varied = `
create table store.varied (
  code varchar(20) primary key, above varchar(20) references store.varied, mood store.mood, moods store.mood[], words text[],
  ages int4range, stars store.stars, fixed char(3), label name, key varchar[] default array['a'::varchar], document json,
  made text default format('%s-%s', 'x'::text, 'y'::text), told jsonb default to_jsonb('z'::text));
create table store.varied_films (code varchar(20) references store.varied, mood store.mood, film int references store.films, primary key (code, film));
create unique index on store.varied (label) where mood = 'calm' and length(code) < 9 and code like any ('{a%,b%}') and coalesce(stars, 1) > 0;
insert into store.varied values
  ('a', null, 'calm', '{calm,tense}', '{x,y}', '[1,5)', 1, 'abc', 'l', '{k}', '{"a": {"b": "c"}}'),
  ('b', 'a', 'tense', '{}', '{y}', '[5,9)', 5, 'x', 'm', '{}', '{}'), ('c', 'a', null, null, null, null, null, null, null, null, null);
insert into store.varied_films values ('a', 'calm', 1), ('a', 'tense', 2), ('b', 'calm', 2);
grant all on store.varied, store.varied_films to store_clerk;
`

// variedRequests compare its columns with each operator that they have.
var variedRequests = []request{
	{"GET", "/varied?code=eq.a&above=is.null&mood=in.(calm,tense)&moods=cs.{calm}&words=ov.{y}&ages=ov.[1,2)&stars=lt.3", "", nil},
	{"GET", "/varied?code=in.(a,b)&code=like.*&code=imatch.^[ab]&mood=neq.tense&words=eq.{x,y}&ages=cs.[1,2)&ages=nxr.[0,9)", "", nil},
	{"GET", "/varied?code=like(any).{a*,b*}&code=gt(all).{0,1}&mood=isdistinct.calm&stars=isdistinct.1&fixed=eq.x&label=ilike.M", "", nil},
	{"GET", "/varied?or=(code.eq.c,and(mood.eq.calm,words.cd.{x,y,z}))&document->a->>b=eq.c&order=document->a->>b,code", "", nil},
	{"GET", "/varied?told->>x=is.null&told=eq.\"z\"&key=eq.{k}&key=cs.{k}&key=ov.{k}&moods=eq.{calm,tense}&ages=eq.[1,5)&ages=adj.[5,6)", "", nil},
	{"GET", "/varied?select=code,up:varied!above(code,varied!above(code)),varied_films(mood,films(title)),films(id,title)&order=code", "", nil},
	{"GET", "/varied?select=code,films!inner(id)&films.title=fts.ran&limit=1", "prefer: count=exact", nil},
	{"GET", "/varied?select=code,films(id)&films.order=id&films.limit=1&films.offset=1&code=eq.a", "prefer: count=estimated", nil},
	{"GET", "/varied?select=code::text,made::varchar,n:told::text,mood::text,words::text", "accept: text/csv", nil},
	{"GET", "/varied?select=mood,count(),code.max()&order=mood", "range: 0-0", nil},
	{"GET", "/varied?select=mood,n:count(),c:code.max(),s:stars.sum(distinct),m:mood.min()&n=gt.0&c=like.*&s=isdistinct.9&m=in.(calm,tense)&order=n,s.desc", "prefer: count=exact", nil},
	{"GET", "/varied?select=mood,n:words.max(),l:label.max(),f:fixed.min()&or=(n.cs.{x},l.ilike.M*,f.eq.x,mood.neq.calm)&order=count,mood", "", nil},
	{"GET", "/varied?select=code,varied_films!inner(n:film.count(distinct))&varied_films.n=gt.1", "prefer: count=exact", nil},
	{"GET", "/varied?select=distinct(),mood,words&order=mood,words", "prefer: count=exact", nil},
	{"POST", "/varied?columns=code,made,told,key&select=code,made,told,key", "prefer: return=representation, missing=default", []byte(`[{"code": "d"}, {"code": "e", "made": "m"}]`)},
	{"POST", "/varied?select=code,up:varied!above(code)", "prefer: return=representation, resolution=merge-duplicates", []byte(`{"code": "b", "above": "a", "mood": "calm"}`)},
	{"POST", "/varied", "prefer: return=headers-only", []byte(`{"code": "f &=", "words": ["x"]}`)},
	{"POST", "/varied?on_conflict=label&select=code,key", "prefer: return=representation, resolution=merge-duplicates", []byte(`{"code": "a", "label": "l", "mood": "calm", "key": ["m"]}`)},
	{"PATCH", "/varied?select=code,key&ages=cs.[2,3)", "prefer: return=representation\n" + rowsType, []byte(`[{"code": "a", "key": ["n"]}, {"code": "c", "key": null}]`)},
	{"PATCH", "/varied_films?select=code,films(id),up:varied(code)&films.title=like.V*&or=(films.not.is.null,up.is.null)", "prefer: return=representation\n" + rowsType, []byte(`[{"code": "a", "film": 1, "mood": "tense"}]`)},
	{"DELETE", "/varied_films?select=code,films(id),up:varied(code)&up.mood=eq.tense&up=not.is.null", "prefer: return=representation", nil},
	{"PUT", "/varied?code=eq.b", "prefer: return=representation", []byte(`{"code": "b", "mood": "tense"}`)},
	{"PATCH", "/varied?mood=eq.calm&code=eq.a", "prefer: return=representation", []byte(`{"words": ["z"], "stars": 3}`)},
	{"DELETE", "/varied_films?code=in.(a,b)&mood=eq.calm", "prefer: return=representation, handling=strict, max-affected=5", nil},
}

var calledName = regexp.MustCompile(`([a-z_][a-z_0-9]*)\(`)

// usedNames returns the names of functions and operators of PostgreSQL that sql/ uses, also in the statements that it makes.
func usedNames(t *testing.T, conn *pgx.Conn) (functions, operators []string) {
	t.Helper()
	named := []string{}
	for _, text := range sources(t) {
		for _, found := range calledName.FindAllStringSubmatch(text, -1) {
			named = append(named, found[1])
		}
	}
	err := conn.QueryRow(context.Background(), `
		select array(select distinct proname::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any($1) order by 1),
		  array(select distinct oprname::text from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprleft <> 0
		    and oprleft in ('text'::regtype, 'int4'::regtype, 'int8'::regtype, 'json'::regtype, 'jsonb'::regtype, 'anyarray'::regtype, 'anyenum'::regtype, 'name'::regtype) order by 1)`,
		named).Scan(&functions, &operators)
	if err != nil || len(functions) < 80 || len(operators) < 20 {
		t.Fatalf("%d functions, %d operators: %v", len(functions), len(operators), err)
	}
	for _, wanted := range []string{"concat", "format", "to_json", "json_agg", "jsonb_build_object", "nextval", "current_setting"} {
		if !slices.Contains(functions, wanted) {
			t.Errorf("%s is not among the functions used", wanted)
		}
	}
	return functions, operators
}

// setTraps puts the shadows into a database.
func setTraps(t *testing.T, conn *pgx.Conn, functions, operators []string) {
	t.Helper()
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "create temp table used as select $1::text[] as functions, $2::text[] as operators", functions, operators); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, shadows+strings.ReplaceAll(shadowedTypes, "SCHEMA", "public")+"drop table pg_temp.used; set search_path = store, public")
	var name string
	var made int
	if err := conn.QueryRow(ctx, `select pg_catalog.current_database(), (select pg_catalog.count(*) from pg_catalog.pg_proc
		where pronamespace operator(pg_catalog.=) 'public'::pg_catalog.regnamespace and prosrc operator(pg_catalog.~~) '%public.trap()%')`).Scan(&name, &made); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "alter database "+name+" set search_path = store, public")
	t.Logf("%d functions of %d names, operators of %d names", made, len(functions), len(operators))
	if made < 1000 {
		t.Errorf("only %d traps", made)
	}
}

// TestShadowedNames sends the corpus and generated requests to three databases: one as it is, to postern.handle; one with shadows of
// all names that postern uses, by HTTP and so to the shell, its statements compiled, unnamed and prepared; one with shadows, in
// temporary tables and types too, to postern.handle. All answers are the same, and no shadow was called.
func TestShadowedNames(t *testing.T) {
	t.Parallel()
	d := newDifferential(t)
	d.known = nil // what is made below is not the schema's
	third := newDatabase(t)
	hostile := &differential{plain: connect(t, third)}
	execute(t, hostile.plain, savedStore)
	functions, operators := usedNames(t, d.plain)
	for _, conn := range []*pgx.Conn{d.plain, d.behind, hostile.plain} {
		execute(t, conn, "set search_path = store, public;"+varied+"drop schema saved cascade;"+savedStore+pinnedStore+"reset search_path")
	}
	setTraps(t, d.behind, functions, operators)
	setTraps(t, hostile.plain, functions, operators)
	execute(t, hostile.plain, "set search_path = pg_catalog, pg_temp;"+strings.ReplaceAll(shadowedTypes, "SCHEMA", "pg_temp")+"set search_path = store, public")
	requests := slices.Concat(variedRequests, corpus)
	for n := range uint64(60) {
		requests = append(requests, generate(n))
	}
	asked := 0
	for at, r := range requests {
		if strings.Contains(r.target, "row_to_json") || strings.Contains(r.target, "json_agg") {
			continue // it asks for a function of that name, whichever that is
		}
		if at >= len(variedRequests) && at%4 != 0 && os.Getenv("POSTERN_SOAK") == "" {
			continue // among thousands of operators of users each takes half a second
		}
		asked++
		if status := hostile.sameInSQL(t, d, r); at < len(variedRequests) && status/100 != 2 {
			t.Errorf("%d to %+v", status, r)
		}
		d.same(t, r)
		for _, conn := range []*pgx.Conn{d.behind, hostile.plain} {
			var trapped bool
			if err := conn.QueryRow(context.Background(), "select exists (select from pg_catalog.pg_locks as l where l.objid operator(pg_catalog.=) 47110815)").Scan(&trapped); err != nil || trapped {
				t.Fatalf("trapped: %v, %v: %+v", trapped, err, r)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d requests", asked)
	// And the traps are traps.
	if _, err := d.behind.Exec(context.Background(), "select concat('a'::pg_catalog.text, 'b'::pg_catalog.text)"); err == nil {
		t.Error("concat was not trapped")
	}
}

// sameInSQL compares what postern.handle answers to a request in two databases, and returns the status; 0 for none. It puts back what was
// written.
func (d *differential) sameInSQL(t *testing.T, other *differential, r request) int {
	t.Helper()
	r, ok := sendable(r)
	if !ok {
		return 0
	}
	text, ok := r.json()
	if !ok {
		return 0
	}
	want, err := other.handle(t, r, text)
	if err != nil {
		t.Fatalf("%s\nwith %q: %v", text, r.body, err)
	}
	got, err := d.handle(t, r, text)
	if err != nil {
		t.Fatalf("%s\nwith %q: %v", text, r.body, err)
	}
	if problem := difference(r, want, got); problem != "" {
		t.Errorf("%s\nwith %q: %s\nwithout %d %v %.1000s\nwith    %d %v %.1000s", text, r.body, problem,
			want.status, want.headers, want.body, got.status, got.headers, got.body)
	}
	if r.method != http.MethodGet && r.method != http.MethodHead && r.method != http.MethodOptions {
		for _, conn := range []*pgx.Conn{d.plain, other.plain} {
			execute(t, conn, "select saved.restore()")
		}
	}
	return want.status
}

// What user code has left in a session must not be what our functions mean by a type: a domain text that is there when they are first
// called, and is dropped with the temporary objects.
func TestTemporaryTypes(t *testing.T) {
	t.Parallel()
	conn := connect(t, newDatabase(t))
	execute(t, conn, `create domain pg_temp.text as pg_catalog.text check (value <> 'never'); create domain pg_temp.jsonb as pg_catalog.jsonb;
		select postern.parse_order('a.desc'), postern.parse_select('a,b(c)'), postern.path_segments('/a');
		discard temp; set pgrst.db_schemas = 'store'`)
	var status int
	var body string
	err := conn.QueryRow(context.Background(), "select status, body from postern.get('/films?select=id,directors(id)&order=id.desc&limit=1&or=(id.eq.1,id.eq.2)')").Scan(&status, &body)
	if err != nil || status != http.StatusOK {
		t.Errorf("%d %s: %v", status, body, err)
	}
}
