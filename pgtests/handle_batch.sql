-- Batches from SQL: several requests in one transaction.
begin;
select no_plan();

create schema batched;
create role batch_user;
grant usage on schema batched, testing to batch_user;
create table batched."a b" (id int primary key, name text check (name <> 'bad'), doc json);
create table batched.parts (box int references batched."a b" deferrable initially deferred, place int, primary key (box, place));
create table batched.owned (id int primary key, owner name default current_user);
alter table batched.owned enable row level security;
create policy own on batched.owned using (owner = current_user) with check (owner = current_user);
create function batched.set(name text, value text, id int) returns text language plpgsql as $$
begin
  insert into batched."a b" values (id, 'half');
  return set_config(name, value, true);
end $$;
create function batched.shown(name text) returns text language sql stable as $$ select current_setting(name, true) $$;
create function batched.level() returns text language sql set statement_timeout = '7s' as $$ select current_setting('statement_timeout') $$;
create domain batched."application/octet-stream" as bytea;
create function batched.bytes() returns batched."application/octet-stream" language sql immutable as $$ select '\xff00'::bytea $$;
create function batched.check_request() returns void language sql as $$ select set_config('app.checked', current_setting('request.path'), true) $$;
grant all on all tables in schema batched to batch_user;
select set_config('testing.settings', '{"db_schemas": ["batched", "store"], "db_pre_request": "batched.check_request", "db_max_operations": 5, "db_tx_end": "commit-allow-override"}', true);

-- Status, and of each result status and body; of one that failed index and code. After the slash: what is left.
create function pg_temp.batch(operations text, prefer text default null, settings jsonb default '{}') returns text language plpgsql as $$
declare
  a testing.answer;
  had text := current_setting('testing.settings');
  made text;
begin
  perform set_config('testing.settings', (had::jsonb || settings)::text, true);
  set constraints all deferred;
  begin
    set local role batch_user;
    a := testing.answer('POST', '/', jsonb_strip_nulls(jsonb_build_object('content-type', 'application/vnd.postern.batch+json; charset=utf-8', 'x-of', 'batch', 'prefer', prefer)), operations);
    reset role;
    made := concat_ws(' ', a.status, a.headers ->> 'preference-applied', case when json_typeof(a.body::json) = 'array'
        then (select string_agg(concat_ws(' ', r ->> 'id', r ->> 'status', nullif(replace(r ->> 'body', E', \n ', ','), ''), r ->> 'base64'), '; ' order by n)
          from json_array_elements(a.body::json) with ordinality as l(r, n))
        else concat_ws(' ', '#' || (a.body::json ->> 'index'), coalesce(a.body::json -> 'body', a.body::json) ->> 'code', coalesce(a.body::json -> 'body', a.body::json) ->> 'details') end)
      || (select format(' / %s %s', (select count(*) from batched."a b"), (select count(*) from batched.parts)));
    raise sqlstate 'ZZZZZ';
  exception when sqlstate 'ZZZZZ' then
    null;
  end;
  perform set_config('testing.settings', had, true);
  return made;
end $$;

select is(pg_temp.batch(operations), wanted, operations)
from (values
  ('[{"id": "box", "method": "POST", "path": "/a%20b?select=id", "headers": {"Prefer": "return=representation"}, "body": {"id": 1, "name": "a"}},
     {"method": "POST", "path": "/parts", "ref": "r", "body": [{"box": {"r": "#/box/body/0/id"}, "place": 1}, {"box": {"r": "#/0/body/0/id"}, "place": 2}]},
     {"method": "GET", "path": "/parts?select=place&box=eq.{#/box/body/0/id}&place=in.(2,{#/1/status})"}]', '200 box 201 [{"id":1}]; 201; 200 [{"place":2}] / 1 2'),
  ('[{"method": "POST", "path": "/parts", "body": {"box": 1, "place": 1}}, {"method": "POST", "path": "/a%20b", "body": {"id": 1}}]', '200 201; 201 / 1 1'),
  ('[{"method": "POST", "path": "/a%20b", "body": {"id": 1}}, {"method": "POST", "path": "/parts", "body": {"box": 2, "place": 1}}]', '409 23503 Key (box)=(2) is not present in table "a b". / 0 0'),
  ('[{"method": "POST", "path": "/a%20b", "body": {"id": 1}}, {"method": "POST", "path": "/a%20b", "body": {"id": 2, "name": "bad"}}]', '400 #1 23514 Failing row contains (2, bad, null). / 0 0'),
  ('[{"method": "POST", "path": "/a%20b", "body": {"id": 1}}, {"method": "POST", "path": "/owned", "body": {"id": 1, "owner": "other"}}]', '403 #1 42501 / 0 0'),
  ('[{"method": "POST", "path": "/a%20b", "body": {"id": 1}}, {"method": "GET", "path": "/films", "headers": {"accept-profile": "store"}}]', '403 #1 42501 / 0 0'),
  ('[{"method": "POST", "path": "/rpc/set", "body": {"name": "response.status", "value": "404", "id": 1}}]', '404 #0 / 0 0'),
  ('[{"method": "POST", "path": "/rpc/set", "body": {"name": "response.status", "value": "299", "id": 1}}, {"method": "HEAD", "path": "/owned"}]', '200 299 299; 200 / 1 0'),
  ('[{"method": "GET", "path": "/rpc/set?name=a.b&value=c&id=1"}]', '405 #0 25006 / 0 0'),
  ('[{"method": "GET", "path": "/rpc/shown?name=request.path"}, {"method": "POST", "path": "/rpc/shown", "body": {"name": "app.checked"}}, {"method": "GET", "path": "/rpc/shown?name=request.headers", "headers": {"Accept": "*/*"}}]',
    '200 200 /rpc/shown; 200 /rpc/shown; 200 {"x-of": "batch", "accept": "*/*"} / 0 0'),
  ('[{"method": "GET", "path": "/rpc/shown?name=timezone", "headers": {"prefer": "timezone=Asia/Tokyo"}}, {"method": "POST", "path": "/rpc/level", "body": {}}, {"method": "GET", "path": "/rpc/shown?name=statement_timeout"}, {"method": "GET", "path": "/rpc/shown?name=timezone"}]',
    format('200 200 Asia/Tokyo; 200 7s; 200 %s; 200 %s / 0 0', current_setting('statement_timeout'), current_setting('timezone'))),
  ('[{"method": "POST", "path": "/rpc/set", "body": {"name": "role", "value": "store_anon", "id": 1}}, {"method": "POST", "path": "/a%20b", "body": {"id": 2}}]', '200 200 store_anon; 201 / 2 0'),
  ('[{"method": "POST", "path": "/rpc/set", "body": {"name": "request.jwt.claims", "value": "{}", "id": 1}}, {"path": "/rpc/shown?name=request.jwt.claims", "method": "GET"}]', '200 200 {}; 200 / 1 0'),
  ('[{"method": "GET", "path": "/rpc/bytes", "headers": {"accept": "application/octet-stream"}}, {"method": "POST", "path": "/a%20b?columns=id,name", "headers": {"Content-Type": "text/csv"}, "body": "id,name\n5,x"}, {"method": "GET", "path": "/a%20b?select=id", "headers": {"Accept": "text/csv"}}]',
    E'200 200 /wA= true; 201; 200 id\n5 / 1 0'),
  -- references
  ('[{"method": "POST", "path": "/a%20b?select=name,doc", "headers": {"Prefer": "return=representation"}, "body": {"id": 1, "name": "x),\"\\", "doc": {"r": "#/0", "~/": [1.50]}}}, {"method": "GET", "path": "/a%20b?select=id&name=in.({#/0/body/0/name},y)"},
     {"method": "GET", "path": "/a%20b?select=id&or=(id.eq.9,name.eq.\"{#/0/body/0/name}\")"}, {"method": "POST", "path": "/a%20b?select=doc", "headers": {"Prefer": "return=representation"}, "ref": "r", "body": {"id": 2, "doc": [{"r": "#/0/body/0/doc/~0~1"}, {"r": 1, "s": 2}, {"r": "#/0/body/0/doc/%7E0~1/0"}]}}]',
    '200 201 [{"name":"x),\"\\","doc":{"r": "#/0", "~/": [1.50]}}]; 200 [{"id":1}]; 200 [{"id":1}]; 201 [{"doc":[[1.50],{"r":1,"s":2},1.50]}] / 2 0'),
  ('[{"method": "GET", "path": "/owned?id=eq.{#/0/status}"}]', '400 #0 PGRST151 No earlier operation is 0 / 0 0'),
  ('[{"method": "GET", "path": "/owned"}, {"method": "GET", "path": "/owned?id=eq.{#/0/body/0/id}"}]', '400 #1 PGRST151 There is no 0 / 0 0'),
  ('[{"method": "GET", "path": "/owned"}, {"method": "GET", "path": "/owned?id=eq.{#/00/body}"}]', '400 #1 PGRST151 No earlier operation is 00 / 0 0'),
  ('[{"method": "GET", "path": "/owned"}, {"method": "GET", "path": "/owned?id=eq.{#/0/body}"}]', '400 #1 PGRST151 A path cannot have a value of the type array / 0 0'),
  ('[{"method": "GET", "path": "/owned"}, {"method": "GET", "path": "/owned?id=eq.{#0}"}]', '400 #1 PGRST151 It does not begin with #/ / 0 0'),
  ('[{"method": "GET", "path": "/owned"}, {"method": "POST", "path": "/owned", "ref": "r", "body": {"r": 1}}]', '400 #1 PGRST151 It is no string / 0 0'),
  -- what is no batch
  ('{}', '400 PGRST150 The body is not an array / 0 0'), ('[', '400 PGRST150 The body is not JSON / 0 0'), ('[]', '200 / 0 0'),
  ('[1]', '400 #0 PGRST150 An operation is not an object / 0 0'), ('[{"path": "/a"}]', '400 #0 PGRST150 An operation has a method / 0 0'),
  ('[{"method": "GET", "path": "/a", "url": ""}]', '400 #0 PGRST150 An operation has no member url / 0 0'),
  ('[{"method": "GET", "path": "/a", "path": "/b"}]', '400 #0 PGRST150 The member path is there twice / 0 0'),
  ('[{"method": "GET", "path": 5}]', '400 #0 PGRST150 The member path is of another type / 0 0'),
  ('[{"method": "GET", "path": "a"}]', '400 #0 PGRST150 A path begins with / / 0 0'), ('[{"method": "GET", "path": "/a b"}]', '400 #0 PGRST150 A path has a blank or a control character, which a URL has not / 0 0'),
  ('[{"method": "GET", "path": "/a#b"}]', '400 #0 PGRST150 A path has a #, which a URL has not, outside of a reference / 0 0'), ('[{"method": "GET", "path": "/\u0000"}]', '400 #0 PGRST150 A text in it is none to PostgreSQL / 0 0'),
  ('[{"method": "GET", "path": "/owned", "id": "a"}, {"method": "GET", "path": "/owned", "id": "a"}]', '400 #1 PGRST150 There are two operations with the id a / 0 0'),
  ('[{"method": "GET", "path": "/owned", "headers": {"cookie": "x"}}]', '400 #0 PGRST150 The header cookie is that of the batch: an operation may have accept, accept-profile, content-profile, content-type, if-match, if-none-match, prefer, range / 0 0'),
  ('[{"method": "GET", "path": "/owned", "headers": {"accept": "x", "Accept": "x"}}]', '400 #0 PGRST150 The header accept is there twice / 0 0'), ('[{"method": "GET", "path": "/owned", "headers": {"accept": 1}}]', '400 #0 PGRST150 The header accept is no string / 0 0'),
  ('[{"method": "GET", "path": "/owned", "headers": {"prefer": "tx=commit"}}]', '400 #0 PGRST150 The preference tx is that of the batch / 0 0'),
  ('[{"method": "POST", "path": "/owned", "headers": {"content-type": "text/csv"}, "body": {}}]', '400 #0 PGRST150 A body that is not JSON is a string / 0 0'),
  ('[{"method": "POST", "path": "/", "headers": {"Content-Type": "application/vnd.postern.BATCH+json;x=y"}, "body": []}]', '400 #0 PGRST150 A batch holds no batch / 0 0'),
  ('[' || repeat('{"method": "GET", "path": "/owned"},', 5) || '1]', '413 PGRST152 It has 6, and at most 5 are accepted / 0 0')
) as cases(operations, wanted);

-- How it ends.
select is(pg_temp.batch('[{"method": "POST", "path": "/a%20b", "body": {"id": 1}}, {"method": "GET", "path": "/a%20b?select=id"}]', prefer, jsonb_build_object('db_tx_end', tx_end)),
  concat_ws(' ', '200', applied, '201; 200 [{"id":1}] /', stays, '0'), concat_ws(', ', tx_end, prefer))
from (values ('commit', 'tx=rollback', null, 1), ('commit-allow-override', 'tx=rollback', 'tx=rollback', 0), ('commit-allow-override', 'x, tx=commit, tx=rollback', 'tx=commit', 1), ('rollback', 'tx=commit', null, 0),
  ('rollback-allow-override', null, null, 0), ('rollback-allow-override', 'tx=commit', 'tx=commit', 1)) as ends(tx_end, prefer, applied, stays);
select is(pg_temp.batch('[{"method": "POST", "path": "/parts", "body": {"box": 7, "place": 1}}]', 'tx=rollback'), '409 23503 Key (box)=(7) is not present in table "a b". / 0 0', 'deferred constraints hold before a rollback too');
select is(pg_temp.batch('[]', null, '{"db_max_operations": 0}'), '405 PGRST117 / 0 0', 'they can be turned off');
select is(testing.failed('POST', '/', '{"content-type": "application/json"}', '[]'), '405 PGRST117', 'another type is no batch');

-- What references lead to is bounded, in all.
insert into batched."a b" select 1, repeat('x', 600000);
select is(pg_temp.batch('[{"method": "GET", "path": "/a%20b?select=name"}, {"method": "POST", "path": "/a%20b", "ref": "r", "body": {"id": 2, "name": {"r": "#/0/body/0/name"}}}]'), format('200 200 [{"name":"%s"}]; 201 / 2 0', repeat('x', 600000)), 'one long value');
select is(pg_temp.batch('[{"method": "GET", "path": "/a%20b?select=name"}, {"method": "POST", "path": "/a%20b", "ref": "r", "body": {"id": 2, "name": [{"r": "#/0/body/0/name"}, {"r": "#/0/body/0/name"}]}}]'),
  '400 #1 PGRST151 The values that the batch refers to are too long / 1 0', 'two');

-- A text within brackets is quoted.
select is(postern.quoted_within(before, 'a"b\c'), wanted, before)
from (values ('/a?x=eq.', 'a"b\c'), ('/a(', 'a"b\c'), ('/a?x=in.(', '"a\"b\\c"'), ('/a?x=in.("', 'a\"b\\c'), ('/a?x=in.(%22', 'a\"b\\c'), ('/a?x=in.("\"', 'a\"b\\c'), ('/a?x=in.("a",', '"a\"b\\c"'), ('/a?x=in.(1)&y=eq.', 'a"b\c'),
  ('/a?or=(a.eq.1,b.in.(2),c.eq.', '"a\"b\\c"'), ('/a?x=in.(1).', 'a"b\c'), ('/a?x=cs.{', '"a\"b\\c"'), ('/a?x=cs.%7B', '"a\"b\\c"'), ('/a?x=ov.[', '"a\"b\\c"'), ('/a?x=in.("(",")",', '"a\"b\\c"')) as places(before, wanted);

select * from finish();
rollback;
