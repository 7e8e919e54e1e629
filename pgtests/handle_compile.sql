-- What postern.handle compiles a request to: a statement that answers the others of its shape, and flags.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"], "db_aggregates_enabled": true, "db_plan_enabled": true, "db_tx_end": "commit-allow-override"}', true),
  set_config('search_path', 'store, public, pg_temp', true);

-- A request as the shell sends it, with # for values that it has cut out.
create function pg_temp.handled(method text, target text, vals text[] default '{}', headers jsonb default '{}', payload text default null, more jsonb default '{}',
  out status int, out body text, out statement text, out flags jsonb)
language plpgsql as $$
declare
  made record;
begin
  perform set_config('response.status', '', true), set_config('response.headers', '', true);
  made := postern.handle(testing.cut_request(method, replace(target, '#', '%01'), cardinality(vals), headers, more), convert_to(payload, 'UTF8'), array['?l'] || vals);
  status := made.status; body := convert_from(made.body, 'UTF8'); statement := made.statement; flags := made.flags;
end $$;
-- The answer of a compiled statement: note, or status and body.
create function pg_temp.executed(statement text, flags jsonb, vals text[] default '{}', payload text default null) returns text language plpgsql as $$
declare
  made record;
begin
  perform set_config('response.status', '', true), set_config('response.headers', '', true);
  execute postern.preparation(statement, flags);
  made := postern.execute_prepared(flags, convert_to(payload, 'UTF8'), array['?l'] || vals);
  return coalesce(made.note, concat_ws(' ', made.status, convert_from(made.body, 'UTF8')));
exception when others then
  perform postern.forget_prepared();
  return sqlstate;
end $$;

-- One statement answers all requests of its shape.
create temp table kinds (method text, target text, headers jsonb default '{}', first text[] default '{}', first_body text, first_answer text, second text[] default '{}', second_body text, second_answer text);
insert into kinds values
  ('GET', '/films?id=eq.#&select=id', '{}', '{1}', null, '200 [{"id":1}]', '{2}', null, '200 [{"id":2}]'),
  ('GET', '/films?id=eq.#&select=id', '{}', '{1}', null, '200 [{"id":1}]', '{x}', null, '22P02'),
  ('GET', '/films?select=id&or=(id.in.#,and(year.gt.#,title.like.#))&order=id', '{}', '{"{1,3}",2000,"F*"}', null, E'200 [{"id":1}, \n {"id":3}, \n {"id":4}]', '{"{}",1900,"*a*"}', null, E'200 [{"id":1}, \n {"id":2}, \n {"id":4}]'),
  ('GET', '/films?select=id&order=id&limit=#&offset=#', '{}', '{1,1}', null, '200 [{"id":2}]', '{1,2}', null, '200 [{"id":3}]'),
  ('GET', '/films?select=id&order=id', '{"range": "\u0001-\u0001"}', '{0,0}', null, '200 [{"id":1}]', '{3,3}', null, '200 [{"id":4}]'),
  ('GET', '/films?select=id,directors(name)&directors.name=eq.#&id=eq.#', '{}', '{x,1}', null, '200 [{"id":1,"directors":null}]', '{"Akira Kurosawa",2}', null, '200 [{"id":2,"directors":{"name":"Akira Kurosawa"}}]'),
  ('GET', '/films?title=fts(simple).#&select=id', '{}', '{ran}', null, '200 [{"id":2}]', '{ikiru}', null, '200 [{"id":3}]'),
  ('HEAD', '/films?id=eq.#', '{}', '{1}', null, '200', '{2}', null, '200'),
  ('GET', '/rpc/add?a=#&b=#', '{}', '{1,2}', null, '200 3', '{3,4}', null, '200 7'),
  ('GET', '/rpc/films_by?director=#&select=id&id=gt.#', '{}', '{1,1}', null, '200 [{"id":4}]', '{2,2}', null, '200 [{"id":3}]'),
  ('POST', '/rpc/add', '{}', '{}', '{"a": 1}', '200 2', '{}', '{"a": 5}', '200 6'),
  ('POST', '/rpc/echo', '{}', '{}', '{"x": [1]}', '200 {"x": [1]}', '{}', '{"x": "it''s"}', '200 {"x": "it''s"}'),
  ('PATCH', '/films?id=eq.#&select=id,year', '{"prefer": "return=representation"}', '{1}', '{"year": 1990}', '200 [{"id":1,"year":1990}]', '{2}', '{"year": 1991}', '200 [{"id":2,"year":1991}]'),
  ('PATCH', '/films?id=eq.#', '{}', '{1}', '{"year": 1990}', '204', '{1}', '{"year": 1500}', '23514'),
  ('POST', '/keyless', '{}', '{}', '{"a": 1}', '201', '{}', '{"a": tru}', '22P02'),
  ('DELETE', '/reviews?id=eq.#&select=id', '{"prefer": "return=representation"}', '{1}', null, '200 [{"id":1}]', '{1}', null, '200 []'),
  ('PUT', '/actors?id=eq.#', '{"prefer": "return=representation"}', '{8}', '{"id": 8, "name": "x"}', '201 [{"id":8,"name":"x"}]', '{8}', '{"id": 9, "name": "x"}', 'PNERR'),
  ('GET', '/nope?id=eq.#', '{}', '{1}', null, '404 {"code":"PGRST205","details":null,"hint":null,"message":"There is no table or view ''store.nope''"}', '{2}', null, '404 {"code":"PGRST205","details":null,"hint":null,"message":"There is no table or view ''store.nope''"}'),
  ('GET', '/nope$3?id=eq.#', '{}', '{1}', null, '404 {"code":"PGRST205","details":null,"hint":null,"message":"There is no table or view ''store.nope$3''"}', '{2}', null, '404 {"code":"PGRST205","details":null,"hint":null,"message":"There is no table or view ''store.nope$3''"}'),
  ('OPTIONS', '/films', '{}', '{}', null, '200', '{}', null, '200');
create function pg_temp.described(method text, target text, payload text) returns jsonb language sql as $$
  select jsonb_strip_nulls(jsonb_build_object('payload', case when payload is not null
    then postern.describe_payload(testing.request(method, target), target like '/rpc/%', convert_to(payload, 'UTF8')) end)) $$;
create temp table made as
select k.*, h.status, h.body, h.statement, h.flags
from kinds as k, lateral pg_temp.handled(k.method, k.target, k.first, k.headers, k.first_body, pg_temp.described(k.method, k.target, k.first_body)) as h;
select is(concat_ws(' ', status, body), first_answer, 'handled: ' || method || ' ' || target) from made;
select is(flags ->> 'keep', 'true', 'may be kept: ' || method || ' ' || target) from made;
select is(jsonb_array_length(flags -> 'params'), cardinality(first) + 2, 'its parameters: ' || method || ' ' || target) from made;
select is(pg_temp.executed(statement, flags, second, second_body), second_answer, 'executed: ' || method || ' ' || target) from made;
select is_empty('select name from pg_prepared_statements', 'nothing stays prepared');

-- Flags.
create function pg_temp.flags(method text, target text, headers jsonb default '{}', payload text default null, more jsonb default '{}') returns jsonb language sql as $$
  select (c).flags - '{params,epoch,text,bytes}'::text[] from testing.compiled(method, target, headers, payload, pg_temp.described(method, target, payload) || more) as c $$;
create function store.tidy() returns int language sql volatile as 'select 1';
create function store.busy() returns int language plpgsql volatile as 'begin return 1; end';
select is(pg_temp.flags(method, target, headers, payload, more::jsonb), wanted::jsonb, concat_ws(' ', 'flags', method, target, headers, more))
from (values
  ('GET', '/films', '{}'::jsonb, null, '{}', '{"generic": true, "keep": true, "read_only": true}'),
  ('GET', '/nope', '{}', null, '{}', '{"keep": true, "read_only": true}'),
  ('GET', '/films', '{"prefer": "timezone=Europe/Vienna"}', null, '{}', '{"generic": true, "keep": true, "read_only": true, "settings": {"timezone": "Europe/Vienna"}}'),
  ('GET', '/films?title=like.%01&id=eq.%01', '{}', null, '{"values": 2}', '{"generic": true, "keep": true, "read_only": true, "likes": [3]}'),
  ('GET', '/films?title=eq.%01', '{}', null, '{"values": 1}', '{"keep": true, "read_only": true}'),
  ('GET', '/films?title=like.a*', '{}', null, '{}', '{"generic": true, "keep": true, "read_only": true}'),
  ('POST', '/films', '{}', '{"title": "a"}', '{}', '{"certain": true, "generic": true, "keep": true}'),
  ('DELETE', '/reviews?id=eq.1', '{}', null, '{}', '{"certain": true, "generic": true, "keep": true}'),
  ('POST', '/films', '{"prefer": "tx=rollback"}', '{"title": "a"}', '{}', '{"certain": true, "generic": true, "keep": false, "rollback": true}'),
  ('POST', '/films', '{"prefer": "tx=commit"}', '{"title": "a"}', '{}', '{"certain": true, "generic": true, "keep": false}'),
  ('GET', '/rpc/add?a=1', '{}', null, '{}', '{"code": true, "keep": true, "read_only": true}'),
  ('POST', '/rpc/add', '{}', '{"a": 1}', '{}', '{"code": true, "keep": true, "read_only": true}'),
  ('POST', '/rpc/busy', '{}', '{}', '{}', '{"code": true, "keep": true, "dirty": true}'),
  ('GET', '/rpc/isolated', '{}', null, '{}', '{"code": true, "keep": true, "read_only": true, "isolation": "serializable", "before": true}'),
  ('POST', '/rpc/patient', '{}', '{}', '{}', '{"code": true, "keep": true, "dirty": true, "settings": {"statement_timeout": "300ms"}, "before": true}'),
  ('OPTIONS', '/films', '{}', null, '{}', '{"keep": true, "read_only": true}')
) as cases(method, target, headers, payload, more, wanted);
select is((testing.compiled('POST', '/films', '{}', '{"title": "a"}')).flags ->> 'keep', 'false', 'not kept where the body has been looked at');
select is((testing.compiled('POST', '/films', '{"content-type": "text/csv"}', E'title\na')).flags - 'epoch', '{"params": ["text", "json"], "certain": true, "generic": true, "keep": false, "text": "[{\"title\" : \"a\"}]"}', 'CSV: the text that stands for it');
select is((testing.compiled('POST', '/rpc/echo', '{"content-type": "application/octet-stream"}', 'x')).flags ->> 'keep', 'false', 'bytes');

-- Nothing is done for the shell where something must hold before the statement starts.
select is(to_jsonb(h) - '{statement,flags}'::text[], '{"status": null, "body": null}', 'before ' || target)
from (values ('GET', '/rpc/isolated', null), ('POST', '/rpc/patient', '{}')) as cases(method, target, payload),
  lateral pg_temp.handled(method, target, '{}', '{}', payload, pg_temp.described(method, target, payload)) as h;
select is(testing.get('/rpc/isolated'), '200 "read committed"', 'in SQL it is as late as it is');

-- What must not stay does not.
select is(testing.brief('POST', '/directors?select=name', '{"prefer": "tx=rollback, return=representation"}', '{"name": "gone"}'), '201 [{"name":"gone"}]', 'rolled back: the answer');
select is_empty($$ select from store.directors where name = 'gone' $$, 'rolled back: the row');
select is(testing.failed('POST', '/directors', '{"prefer": "tx=rollback"}', '{"name": "Akira Kurosawa"}'), '409 23505', 'rolled back: an error');
select is(testing.failed('POST', '/late', '{}', '{"id": 9, "parent_id": 10}'), '409 23503', 'a deferred constraint');
select is_empty('select from store.late', 'leaves nothing');
select is(testing.failed('POST', '/rpc/raising', headers, '{"state": "PNRBK", "message": "forged"}'), '400 PNRBK', 'our signal, raised by others: ' || headers::text)
from unnest('{"{}","{\"prefer\": \"tx=rollback\"}"}'::jsonb[]) as headers;
create function store.forge() returns trigger language plpgsql as $$ begin raise sqlstate 'PNRBK'; end $$;
create constraint trigger forge after insert on store.keyless deferrable initially deferred for each row execute function store.forge();
select is(testing.failed('POST', '/keyless', '{}', '{"a": 1}'), '400 PNRBK', 'by a trigger at the end');
drop trigger forge on store.keyless;
select is(testing.brief('POST', '/late', '{}', '{"id": 9, "parent_id": 9}'), '201', 'one that holds');
select is(testing.failed('POST', '/films', '{}', '{"title": tru}'), '400 PGRST102', 'not JSON');
select is(testing.failed('POST', '/films?columns=title', '{}', '{"title": tru}'), '400 22P02', 'not JSON, which nobody has looked into');
select is_empty('select name from pg_prepared_statements', 'nothing stays prepared after errors');

-- DDL makes statements stale: a read says so, a write does nothing. Each is compiled anew in its own time.
create temp table old as
select method, target, payload, h.statement, h.flags
from (values
  ('GET', '/keyless', null), ('GET', '/films?select=title', null), ('POST', '/keyless', '{"a": 77}'), ('PATCH', '/keyless?a=eq.1', '{"b": "77"}'), ('DELETE', '/keyless', null),
  ('POST', '/rpc/busy', '{}'), ('GET', '/nope', null), ('PUT', '/actors?id=eq.8', '{"id": 8, "name": "77"}')
) as cases(method, target, payload), lateral pg_temp.handled(method, target, '{}', '{}', payload, pg_temp.described(method, target, payload)) as h;
delete from store.keyless;
insert into store.keyless values (1, 'kept');
update store.actors set name = 'kept' where id = 8;
alter table store.keyless add column c int default 3;
select is(pg_temp.executed(statement, flags, '{}', payload), case when method = 'GET' then 'stale' else 'PNSTL' end, concat_ws(' ', 'stale:', method, target)) from old;
select is_empty($$ select b from store.keyless where b is distinct from 'kept' union all select name from store.actors where name = '77' $$, 'none has written');
select is(testing.get('/keyless?limit=1&select=c'), '200 [{"c":3}]', 'the new column');
alter table store.keyless rename column c to d;
select is(testing.failed('GET', '/keyless?select=c'), '400 42703', 'is gone');
alter table store.keyless alter column a type text;
select is(testing.get('/keyless?select=a'), '200 [{"a":"1"}]', 'another type');
select is(testing.failed('GET', '/rpc/fresh'), '404 PGRST202', 'no function');
create function store.fresh() returns int language sql stable as 'select 1';
select is(testing.get('/rpc/fresh'), '200 1', 'a function');
create or replace function store.fresh() returns int language sql stable as 'select 2';
select is(testing.get('/rpc/fresh'), '200 2', 'another body');

-- A function that changes the schema while it runs: the statement after it is another.
create function store.changing() returns int language plpgsql as $$ begin create table store.made_by_function (n int); return 1; end $$;
select is(testing.brief('POST', '/rpc/changing', '{}', '{}'), '200 1', 'DDL in a function');
select is(testing.get('/made_by_function'), '200 []', 'is seen');

-- What user code does to the session does not break the next request.
create function store.meddle() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$;
select is(testing.brief('POST', '/rpc/meddle', '{}', '{}'), '204', 'all statements are deallocated');
select is(testing.get('/films?id=eq.1&select=id'), '200 [{"id":1}]', 'the next is answered');

-- How long compiling took, where that is asked for.
select ok((h.flags ->> 'took')::numeric > 0, 'compiling took time') from pg_temp.handled('GET', '/films?id=eq.#', '{1}', more => '{"timed": true}') as h;
select ok((h.flags ->> 'took')::numeric > 0, 'so did an error') from pg_temp.handled('GET', '/films?id=eq.x', more => '{"timed": true}') as h;
select ok((h.flags ->> 'took')::numeric > 0, 'and one of the statement') from pg_temp.handled('GET', '/films?nope=eq.1', more => '{"timed": true}') as h;
select ok(not h.flags ? 'took', 'it is not told otherwise') from pg_temp.handled('GET', '/films?id=eq.#', '{1}') as h;

-- For people at a prompt.
select set_config('pgrst.db_schemas', 'store', true);
select is(g.status || ' ' || g.body, '200 [{"id":1}]', 'postern.get') from postern.get('/films?select=id&id=eq.1') as g;
select is(g.status || ' ' || g.body, '200 [{"title":"Ran"}]', 'blanks') from postern.get('/films?select=title&title=in.(Ran, x)') as g;
select is((postern.get('/films?select=nope')).status, 400, 'an error');

select * from finish();
rollback;
