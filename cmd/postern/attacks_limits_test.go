package main

import "strings"

func times(text string, n int) string { return strings.Repeat(text, n) }

// bombs are requests that are small to send and would be much to do.
var bombs = []attack{
	// D1: nesting.
	{id: "D1", request: "GET /books?or=" + times("(and", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?or=" + times("(and", 10_000) + "(id.eq.1)" + times(")", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?and=(" + times("not.or(and(", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?select=" + times("authors(", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?select=" + times("authors(books(", 5_000) + "id" + times("))", 5_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?select=" + times("...authors(", 10_000) + "id" + times(")", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /docs?select=body" + times("-%3Ea", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /docs?body" + times("-%3E0", 10_000) + "=eq.1", status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?" + times("authors.books.", 5_000) + "id=eq.1", status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /books?" + times("not.", 4_000) + "and=(id.eq.1)", status: 200, want: `[{"id":2,"title":"Two","pages":200,"author_id":1},{"id":3,"t`},
	{id: "D1", request: "GET /books?id=" + times("not.", 10_000) + "eq.1", status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /docs?words=" + times("(", 10_000), status: 400, want: "PGRST100"},
	{id: "D1", request: "GET /docs?made=eq." + times("{", 10_000), status: 500, want: "54000"},
	{id: "D1", request: "GET /docs?body=eq." + times("[", 100_000), status: 500, want: "54001"},

	// D2: length.
	{id: "D2", request: "GET /books?select=id&id=in.(1" + times(",2", 100_000) + ")", status: 200, want: `[{"id":1},{"id":2}]`},
	{id: "D2", request: "GET /books?select=id&title=in.(" + times("%22a,%22,", 30_000) + "x)", status: 200, want: `[]`},
	{id: "D2", request: "GET /books?select=id&or=(id.in.(1" + times(",2", 100_000) + "))", status: 200, want: `[{"id":1},{"id":2}]`},
	{id: "D2", request: "GET /books?or=(id.eq.1" + times(",id.eq.1", 100_000) + ")", status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?title=eq." + times("x", 900_000), status: 200, want: `[]`},
	{id: "D2", request: "GET /books?title=eq." + times("x", 1<<20), status: 414, want: "PGRST100", http: true},
	{id: "D2", request: "GET /books?select=id" + times("&id=eq.1", 10_000), status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?" + times("&", 100_000), status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?select=id" + times(",id", 10_000), status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?select=" + times("*,", 10_000) + "id", status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?select=" + times("authors(id),", 10_000) + "id", status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?order=id" + times(",id", 10_000), status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /books?select=" + times("x", 100_000), status: 400, want: "42703"},
	{id: "D2", request: "GET /rpc/joined?words=a" + times("&words=b", 10_000), status: 400, want: "PGRST100"},
	{id: "D2", request: "GET /rpc/add?a=1" + times("&b=2", 4_000), status: 200, want: `3`},
	{id: "D2", request: "POST /books?columns=" + times("title,", 10_000) + "title", body: `{"title":"a"}`, headers: []string{"Prefer", "tx=rollback"}, status: 201, want: ``},
	{id: "D2", request: "POST /books?on_conflict=" + times("id,", 10_000) + "id", body: `{"title":"a"}`, headers: []string{"Prefer", "resolution=merge-duplicates, tx=rollback"}, status: 201, want: ``},
	{id: "D2", request: "POST /books", body: "{" + times(`"title":"a",`, 100_000) + `"nope":1}`, status: 400, want: "PGRST204"},
	{id: "D2", request: "POST /rpc/add", body: times("a=1&", 4_000) + "b=2", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 200, want: `3`},
	{id: "D2", request: "POST /rpc/add", body: times("a=1&", 10_000) + "b=2", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 400, want: "PGRST102"},
	{id: "D2", request: "GET /books", headers: []string{"Prefer", times("count=exact,", 10_000)}, status: 200, want: `[{"id":1,"title":"One","pages":100,"author_id":1},{"id":2,"t`},
	{id: "D2", request: "GET /books", headers: []string{"Accept", times("text/csv;q=0.1,", 10_000) + "application/json"}, status: 200, want: `[{"id":1,"title":"One","pages":100,"author_id":1},{"id":2,"t`},
	{id: "D2", request: "GET /" + times("a/", 10_000), status: 404, want: "PGRST125"},

	// D3: patterns.
	{id: "D3", request: "GET /books?title=match.(((((a*)*)*)*)*)*b", status: 200, want: `[]`},
	{id: "D3", request: "GET /books?title=match." + in(times("(a{1,200}){1,200}", 3)), status: 400, want: "2201B"},
	{id: "D3", request: "GET /books?title=match." + times("(", 20_000), status: 400, want: "2201B"},
	{id: "D3", request: "GET /books?title=match." + times("(", 20_000) + times(")", 20_000), status: 400, want: "2201B"},
	{id: "D3", request: "GET /books?title=like." + times("*a", 10_000), status: 200, want: `[]`},
	{id: "D3", request: "GET /books?title=ilike." + times("*", 50_000) + "z", status: 200, want: `[]`},
	{id: "D3", request: "GET /docs?words=fts." + in(times("a&", 10_000)+"a"), status: 200, want: `[]`},
	{id: "D3", request: "GET /docs?words=fts." + in(times("!", 50_000)+"a"), status: 500, want: "XX000"},
	{id: "D3", request: "GET /docs?words=fts." + in(times("(", 50_000)+"a"), status: 500, want: "54001"},
	{id: "D3", request: "GET /docs?words=wfts." + in(times(`"a b" or `, 5_000)+"a"), status: 200, want: `[]`},

	// D6: bodies.
	{id: "D6", request: "POST /books", body: times("[", 100_000), status: 400, want: "PGRST102"},
	{id: "D6", request: "POST /books", body: times("[", 100_000) + times("]", 100_000), status: 400, want: "PGRST102"},
	{id: "D6", request: "POST /books", body: times(`{"a":`, 100_000), status: 400, want: "PGRST102"},
	{id: "D6", request: "POST /books", body: times(`{"a":`, 100_000) + "1" + times("}", 100_000), status: 400, want: "PGRST204|PGRST102"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"body":` + times("[", 100_000) + times("]", 100_000) + "}", status: 500, want: "54001", inSQL: "400 PGRST102"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"body":` + times("[", 1_000) + times("]", 1_000) + "}", headers: []string{"Prefer", "tx=rollback"}, status: 201, want: ``},
	{id: "D6", request: "POST /rpc/back", body: `{"value":"a","value":"b"}`, status: 200, want: `"b"`},
	{id: "D6", request: "POST /docs", body: `{"id":9,"body":1e400000}`, status: 400, want: "22003"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"body":` + times("9", 200_000) + `}`, status: 400, want: "22003"},
	{id: "D6", request: "POST /docs", body: `{"id":1e309}`, status: 400, want: "22P02"},
	{id: "D6", request: "POST /docs", body: `{"id":99999999999999999999}`, status: 400, want: "22003"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"words":"\ud800"}`, status: 400, want: "22P02|PGRST102"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"words":"\udc00\ud800"}`, status: 400, want: "22P02|PGRST102"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"words":"\u0000"}`, status: 400, want: "22P05"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"body":{"\u0000":1}}`, status: 400, want: "22P05"},
	{id: "D6", request: "POST /docs", body: "{\"id\":9,\"words\":\"\xff\"}", status: 400, want: "22021"},
	{id: "D6", request: "POST /docs", body: "\xff\xfe{\x00}\x00", status: 400, want: "22021"},
	{id: "D6", request: "POST /docs", body: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00", headers: []string{"Content-Encoding", "gzip"}, status: 400, want: "22021"},
	{id: "D6", request: "POST /docs", body: `{"id":9,"made":` + times("[", 10_000) + times("]", 10_000) + "}", status: 500, want: "54000"},
	{id: "D6", request: "POST /rpc/joined", body: `{"words":[` + times(`"a",`, 100_000) + `"b"]}`, status: 200, want: `"a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a`},
	{id: "D6", request: "POST /books", body: times("\"", 100_000) + "\n", headers: []string{"Content-Type", "text/csv", "Prefer", "tx=rollback"}, status: 201, want: ``},
	{id: "D6", request: "POST /books", body: times("a,", 100_000) + "\n", headers: []string{"Content-Type", "text/csv", "Prefer", "tx=rollback"}, status: 201, want: ``},

	// H4, H5, H8, H9: headers.
	{id: "H5", request: "GET /rpc/heard?name=x-many", headers: []string{"X-Many", "a", "X-Many", `b"\`}, status: 200, want: `"a, b\"\\"`, http: true},
	{id: "H5", request: "GET /rpc/heard?name=x-any", headers: []string{"X-Any", "\xff\xfe"}, status: 200, want: "\"\ufffd\ufffd\"", http: true},
	{id: "H5", request: "GET /rpc/heard?name=__proto__", headers: []string{"__proto__", "x", "constructor", "y", "toString", "z"}, status: 200, want: `"x"`, http: true},
	{id: "H5", request: "GET /rpc/heard?name=x-any", headers: []string{"X-Any", times("x", 100_000)}, status: 200, want: `"xxxx`, http: true},
	{id: "H5", request: "GET /rpc/cookie?name=a", headers: []string{"Cookie", "a=b; a=c; =d; e; __proto__=f; \xff=g; \"=h; a'=i"}, status: 200, want: `"c"`, http: true},
	{id: "H5", request: "GET /rpc/cookie?name=last", headers: []string{"Cookie", times("a=b; ", 20_000) + "last=z"}, status: 200, want: `"z"`, http: true},
	{id: "H5", request: "GET /books?select=id&id=eq.1", headers: []string{"Prefer", "\xff", "Accept-Profile", "api"}, status: 200, want: `[{"id":1}]`, http: true},
	{id: "H5", request: "GET /books", headers: []string{"Accept-Profile", "\xff"}, status: 406, want: "PGRST106", http: true},
	{id: "H5", request: "GET /books", headers: []string{"Range", "\xff"}, status: 200, want: `[{"id":1,"title":"One","pages":100,"author_id":1},{"id":2,"t`, http: true},
	{id: "H5", request: "GET /books", headers: []string{"Accept", "\xff"}, status: 406, want: "PGRST107", http: true},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "*/*"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "text/html;q=0.9, */*;q=0.1"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "text/csv;q=0.1, application/json;q=0.2"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "application/json;q=0"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "application/json; charset=latin1"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", ";;;,,,"}, status: 406, want: "PGRST107"},
	{id: "H8", request: "GET /books?select=id&id=eq.1", headers: []string{"Accept", "application/json;q=NaN"}, status: 200, want: `[{"id":1}]`},
	{id: "H8", request: "POST /rpc/back", body: `{"value":"a"}`, headers: []string{"Content-Type", "application/json; charset=utf-7"}, status: 200, want: `"a"`},
	{id: "H9", request: "GET /%22%0d%0aX:%20y%3Cscript%3E", status: 404, want: "PGRST205"},
	{id: "H9", request: "GET /%F0%9F%98%80%E2%80%A8", status: 404, want: "PGRST205"},
	{id: "H9", request: "GET /books?%22%0d%0a\\%22=eq.1", status: 400, want: "PGRST100"},
	{id: "H9", request: "POST /rpc/boom", body: `{"message":"\u0001\u001f\"\\\u2028</script>"}`, status: 400, want: "P0001"},
	{id: "H9", request: "GET /books?title=eq.%ff", status: 400, want: "PGRST100"},
}

// rights are tries to see or change what is not the user's.
var rights = []attack{
	// P6: row security, columns, views.
	{id: "P6", request: "GET /secrets?select=words", status: 200, want: `[{"words":"Ann's"}]`},
	{id: "P6", request: "GET /secrets?id=eq.2", status: 200, want: `[]`},
	{id: "P6", request: "GET /secrets?or=(owner.eq.bo,id.gt.0)&select=id", status: 200, want: `[{"id":1}]`},
	{id: "P6", request: "GET /secrets?select=count()", status: 200, want: `[{"count":1}]`},
	{id: "P6", request: "GET /secrets?select=words.max(),id.sum()", status: 200, want: `[{"max":"Ann's","sum":1}]`},
	{id: "P6", request: "GET /secrets?select=id&leaky=is.true", status: 400, want: "P0001"}, // sees ann's only
	{id: "P6", request: "GET /secrets?select=id&leaky=is.true&id=eq.2", status: 200, want: `[]`},
	{id: "P6", request: "GET /secrets?select=id&order=leaky&id=eq.2", status: 200, want: `[]`},
	{id: "P6", request: "GET /secrets?select=words::int&id=eq.2", status: 200, want: `[]`},
	{id: "P6", request: "GET /secrets?words=match.(&id=eq.2", status: 400, want: "2201B"},
	{id: "P6", request: "GET /guarded?select=id&leaky_view=is.true&id=eq.2", status: 200, want: `[]`},
	{id: "P6", request: "GET /guarded?select=id", status: 200, want: `[{"id":1}]`},
	{id: "P6", request: "GET /invoked?select=id", status: 200, want: `[{"id":1}]`},
	{id: "P6", request: "GET /books?select=id,secrets(words)", status: 400, want: "PGRST200"},
	{id: "P6", request: "GET /owners?select=name,secrets(id,words)&order=name", status: 200, want: `[{"name":"ann","secrets":[{"id":1,"words":"Ann's"}]},{"name":"bo","secrets":[]}]`},
	{id: "P6", request: "GET /owners?select=name,secrets!inner(id)", status: 200, want: `[{"name":"ann","secrets":[{"id":1}]}]`},
	{id: "P6", request: "GET /owners?select=name,...secrets(words)&order=name", status: 200, want: `[{"name":"ann","words":["Ann's"]},{"name":"bo","words":[]}]`},
	{id: "P6", request: "GET /owners?select=name,secrets(count())&order=name", status: 200, want: `[{"name":"ann","secrets":[{"count":1}]},{"name":"bo","secrets":[{"count":0}]}]`},
	{id: "P6", request: "GET /owners?select=name,secrets()&secrets=is.null", status: 200, want: `[{"name":"bo"}]`},
	{id: "P6", request: "GET /secrets?select=id", headers: []string{"Prefer", "count=exact"}, status: 200, want: `[{"id":1}]`},
	{id: "P6", request: "PATCH /secrets?id=gt.0", body: `{"words":"x"}`, headers: []string{"Prefer", "tx=rollback, return=representation"}, status: 200, want: `[{"id":1,"owner":"ann","words":"x"}]`},
	{id: "P6", request: "PATCH /secrets?id=eq.2", body: `{"words":"x"}`, headers: []string{"Prefer", "return=representation"}, status: 200, want: `[]`},
	{id: "P6", request: "PATCH /secrets?id=eq.1", body: `{"owner":"bo"}`, status: 403, want: "42501"},
	{id: "P6", request: "DELETE /secrets?id=eq.2", headers: []string{"Prefer", "return=representation"}, status: 200, want: `[]`},
	{id: "P6", request: "PUT /secrets?id=eq.2", body: `{"id":2,"owner":"ann","words":"x"}`, status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=name", status: 200, want: `[{"name":"Ann"}]`},
	{id: "P6", request: "GET /staff", status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=pay", status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=name&pay=gt.0", status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=name&order=pay", status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=pay.max()", status: 403, want: "42501"},
	{id: "P6", request: "GET /staff?select=name&or=(pay.gt.1,name.eq.x)", status: 403, want: "42501"},
	{id: "P6", request: "PATCH /staff?name=eq.Ann", body: `{"name":"x"}`, headers: []string{"Prefer", "return=representation"}, status: 403, want: "42501"},
	{id: "P6", request: "PATCH /staff?name=eq.Ann", body: `{"pay":1}`, status: 403, want: "42501"},
	{id: "P6", request: "POST /staff?select=name", body: `{"name":"new","pay":1}`, headers: []string{"Prefer", "tx=rollback, return=representation"}, status: 403, want: "42501"},
	{id: "P6", request: "POST /staff?select=name", body: `{"name":"new"}`, headers: []string{"Prefer", "tx=rollback, return=representation"}, status: 201, want: `[{"name":"new"}]`},
	{id: "P6", request: "POST /staff?select=name,pay", body: `{"name":"new"}`, headers: []string{"Prefer", "return=representation"}, status: 403, want: "42501"},

	// P7: what is deferred runs as the role.
	{id: "P7", request: "POST /deferred", body: `{"id":1}`, headers: []string{"Prefer", "tx=rollback"}, status: 400, want: "P0001"},

	// P8: each of many rows is checked.
	{id: "P8", request: "POST /secrets", body: `[{"id":5,"owner":"ann"},{"id":6,"owner":"bo"},{"id":7,"owner":"ann"}]`, status: 403, want: "42501"},
	{id: "P8", request: "POST /secrets?columns=id,owner", body: `[{"id":5,"owner":"ann"},{"id":6,"owner":"bo"}]`, status: 403, want: "42501"},
	{id: "P8", request: "POST /secrets?on_conflict=id", body: `[{"id":1,"owner":"ann","words":"a"},{"id":2,"owner":"ann","words":"b"}]`, headers: []string{"Prefer", "resolution=merge-duplicates"}, status: 403, want: "42501"},
	{id: "P8", request: "POST /secrets", body: "id,owner\n5,ann\n6,bo", headers: []string{"Content-Type", "text/csv"}, status: 403, want: "42501"},
	{id: "P8", request: "POST /secrets?on_conflict=id&select=id,words", body: `[{"id":2,"owner":"ann","words":"b"}]`, headers: []string{"Prefer", "resolution=ignore-duplicates, return=representation"}, status: 201, want: `[]`},

	// P10: what may not be seen is not told of.
	{id: "P10", request: "GET /hiden", status: 404, want: "PGRST205"},
	{id: "P10", request: "GET /books?select=id,hidden(id)", status: 403, want: "42501"},
	{id: "P10", request: "OPTIONS /hidden", status: 200, want: ``},

	// A: what others have been told of.
	{id: "A1", request: `GET /db001/api%22.%22todos%22%20where%20(select%201%20from%20pg_sleep(60))=1)%20s--/todos`, status: 404, want: "PGRST125"},
	{id: "A1", request: `GET /books?_select=id;select%201`, status: 400, want: "PGRST100"},
	{id: "A9", request: "POST /owners", body: `{"name":"ann"}`, status: 409, want: "23505"},
	{id: "A10", request: "GET /books?select=id&id=eq.1&x%0d%0aSet-Cookie:%20a=b", status: 400, want: "PGRST100"},
}

// rightsSchema is what these ask for.
const rightsSchema = `
create table api.owners (name text primary key);
insert into api.owners values ('ann'), ('bo');
alter table api.secrets add foreign key (owner) references api.owners;
create function api.leaky(api.secrets) returns boolean language plpgsql stable cost 0.0000001 as $$ begin raise 'seen: %', $1.words; end $$;
create view api.guarded with (security_barrier) as select * from api.secrets where owner = current_setting('request.jwt.claims')::json ->> 'sub';
create function api.leaky_view(api.guarded) returns boolean language plpgsql stable cost 0.0000001 as $$ begin raise 'seen: %', $1.words; end $$;
do $$ begin
  execute case when current_setting('server_version_num')::int >= 150000 then 'create view api.invoked with (security_invoker) as select * from api.secrets'
    else 'create view api.invoked as select * from api.secrets where owner = ''ann''' end;
end $$;
create table api.staff (name text primary key, pay int);
insert into api.staff values ('Ann', 100);
create table api.hidden (id int primary key, book_id int references api.books);
create table api.deferred (id int primary key);
create function api.deferring() returns trigger language plpgsql as $$ begin raise 'as %', current_user; end $$;
create constraint trigger late after insert on api.deferred deferrable initially deferred for each row execute function api.deferring();
create function api.heard(name text) returns text language sql stable as $$ select current_setting('request.headers')::json ->> $1 $$;
create function api.cookie(name text) returns text language sql stable as $$ select current_setting('request.cookies')::json ->> $1 $$;
create function api.boom(message text) returns void language plpgsql as $$ begin raise '%', message; end $$;
grant select, insert, update, delete on api.owners, api.guarded, api.invoked, api.deferred to e2e_user;
revoke all on api.staff, api.hidden from e2e_user, e2e_anon;
grant select (name), insert (name), update (name) on api.staff to e2e_user;
`
