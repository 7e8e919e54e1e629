-- Answers that stream: application/x-ndjson, and text/csv with db-stream-csv. From SQL they come whole, with the same bytes.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["flow"], "db_aggregates_enabled": true, "db_plan_enabled": true, "db_tx_end": "commit-allow-override"}', true);

create schema flow;
set local search_path = flow, public;
create table items (id int primary key, name text, doc json, made date generated always as ('2024-01-01'::date + id) stored);
insert into items values (1, 'a "b"', E'{"x":\n 1,\r\n"y": [1,\n2]}'), (2, E'two\nlines', null), (3, null, '[]');
create table "od d" ("a b" int, "c,d" text, primary key ("a b", "c,d"));
insert into "od d" values (1, 'x'), (2, E'y\\z');
create table parts (id int primary key, item int references items, doc jsonb);
insert into parts values (1, 1, '{"a": 1}'), (2, 1, '2'), (3, 3, null);
create table apart (id int, kind text, primary key (id, kind)) partition by list (kind);
create table apart_x partition of apart for values in ('x');
insert into apart values (1, 'x');
create domain amount as numeric;
create view plain as select id, name, 1.50::amount as amount from items;
create table none (id int primary key);
create table late (id int primary key, other int references late deferrable initially deferred);
create table owned (id int primary key, owner name);
insert into owned values (1, 'store_anon'), (2, 'store_clerk');
alter table owned enable row level security;
create policy own on owned using (owner = current_user);
create function pieces() returns setof items language sql stable as 'select * from flow.items order by id';
create function numbers(most int) returns setof int language sql immutable as 'select generate_series(1, most)';
create function pairs(n int) returns table (a int, b text) language plpgsql volatile as $$ begin return query select i, 'é' || i from generate_series(1, n) as i; end $$;
create function one() returns json language sql stable as $$ select E'{"a":\n1}'::json $$;
create function nothing() returns void language sql as '';
create function kept(n int) returns setof int language sql volatile as $$ insert into flow.none select generate_series(1, n) returning id $$;
grant usage on schema flow to store_anon, store_clerk;
grant select on owned, items to store_anon;
grant execute on all functions in schema flow to store_anon;

create function pg_temp.lines(target text, prefer text default null, accept text default 'application/x-ndjson', method text default 'GET', payload text default null) returns text language sql as $$
  select concat_ws(' ', a.status, coalesce(a.headers ->> 'content-range', '-'), split_part(a.headers ->> 'content-type', ';', 1), replace(replace(a.body, E'\n', '|'), E'\r', '~'))
  from testing.answer(method, target, jsonb_strip_nulls(jsonb_build_object('accept', accept, 'prefer', prefer)), payload) as a
$$;
select is(pg_temp.lines(target, prefer), wanted, concat_ws(' ', target, prefer))
from (values
  ('/items?order=id', null, '200 - application/x-ndjson {"id":1,"name":"a \"b\"","doc":{"x":  1,  "y": [1, 2]},"made":"2024-01-02"}|{"id":2,"name":"two\nlines","doc":null,"made":"2024-01-03"}|{"id":3,"name":null,"doc":[],"made":"2024-01-04"}|'),
  ('/items?select=id&order=id.desc&limit=1&offset=1', null, '200 - application/x-ndjson {"id":2}|'),
  ('/items?select=id&order=id&limit=2', 'count=exact', '206 0-1/3 application/x-ndjson {"id":1}|{"id":2}|'),
  ('/items?select=id&order=id&limit=2&offset=2', 'count=exact', '206 2-2/3 application/x-ndjson {"id":3}|'),
  ('/items?select=id&order=id&offset=1', 'count=exact', '206 1-2/3 application/x-ndjson {"id":2}|{"id":3}|'),
  ('/items?select=id&order=id', 'count=exact', '200 0-2/3 application/x-ndjson {"id":1}|{"id":2}|{"id":3}|'),
  ('/items?select=id&id=eq.2', 'count=exact', '200 0-0/1 application/x-ndjson {"id":2}|'),
  ('/items?select=id&id=gt.5', 'count=exact', '200 */0 application/x-ndjson'),
  ('/items?select=id&limit=0', 'count=exact', '206 */3 application/x-ndjson'),
  ('/items?select=id&offset=3', 'count=exact', '206 */3 application/x-ndjson'),
  ('/items?offset=4', 'count=exact', '416 */3 application/json {"code":"PGRST103","details":"An offset of 4 was requested, but there are only 3 rows.","hint":null,"message":"The requested range is not satisfiable"}'),
  ('/items?select=id&id=eq.2', 'count=estimated', '200 */1 application/x-ndjson {"id":2}|'),
  ('/items?offset=4', null, '200 - application/x-ndjson'),
  ('/items?select=id,parts(doc)&order=id&parts.order=id', null, '200 - application/x-ndjson {"id":1,"parts":[{"doc":{"a": 1}},   {"doc":2}]}|{"id":2,"parts":[]}|{"id":3,"parts":[{"doc":null}]}|'),
  ('/parts?select=id,...items(name,made)&order=id&limit=1', null, '200 - application/x-ndjson {"id":1,"name":"a \"b\"","made":"2024-01-02"}|'),
  ('/items?select=x:doc->x,d:id::text&id=eq.1', null, '200 - application/x-ndjson {"x":1,"d":"1"}|'),
  ('/parts?select=item,id.count()&order=item', null, '200 - application/x-ndjson {"item":1,"count":2}|{"item":3,"count":1}|'),
  ('/od%20d?order=a%20b', 'count=exact', '200 0-1/2 application/x-ndjson {"a b":1,"c,d":"x"}|{"a b":2,"c,d":"y\\z"}|'),
  ('/plain?select=amount&limit=1', null, '200 - application/x-ndjson {"amount":1.50}|'),
  ('/apart', null, '200 - application/x-ndjson {"id":1,"kind":"x"}|'),
  ('/none', null, '200 - application/x-ndjson'),
  ('/rpc/pieces?select=id&id=gt.1', null, '200 - application/x-ndjson {"id":2}|{"id":3}|'),
  ('/rpc/pieces?select=id,parts(id)&limit=1&parts.limit=1', 'count=exact', '206 0-0/3 application/x-ndjson {"id":1,"parts":[{"id":1}]}|'),
  ('/rpc/numbers?most=3', null, '200 - application/x-ndjson 1|2|3|'),
  ('/rpc/numbers?most=3', 'count=exact', '200 0-2/3 application/x-ndjson 1|2|3|'),
  ('/rpc/numbers?most=3', 'handling=strict, max-affected=3', '200 0-2/* application/x-ndjson 1|2|3|'),
  ('/rpc/one', null, '200 - application/x-ndjson {"a": 1}|')
) as cases(target, prefer, wanted);
select is(pg_temp.lines('/rpc/pairs', null, 'application/x-ndjson', 'POST', '{"n": 2}'), '200 - application/x-ndjson {"a":1,"b":"é1"}|{"a":2,"b":"é2"}|', 'a volatile function');
select is(pg_temp.lines('/rpc/nothing', null, 'application/x-ndjson', 'POST', '{}'), '204 0-0/*', 'a function of no value');
select is(pg_temp.lines('/rpc/kept', 'tx=rollback', 'application/x-ndjson', 'POST', '{"n": 2}'), '200 - application/x-ndjson 1|2|', 'a function that is rolled back');
select is_empty('select from flow.none', 'and has done nothing');

-- Which type is made.
select is(pg_temp.lines('/items?select=id&id=lt.3&order=id', null, accept, method), wanted, concat_ws(' ', method, accept))
from (values
  ('GET', 'application/x-ndjson;q=0.5, application/json;q=0.4', '200 - application/x-ndjson {"id":1}|{"id":2}|'),
  ('GET', 'application/json, application/x-ndjson;q=0.9', '200 0-1/* application/json [{"id":1}, | {"id":2}]'),
  ('GET', 'application/x-ndjson; charset=utf-8', '200 - application/x-ndjson {"id":1}|{"id":2}|'),
  ('GET', 'image/png, application/x-ndjson', '200 - application/x-ndjson {"id":1}|{"id":2}|'),
  ('GET', '*/*', '200 0-1/* application/json [{"id":1}, | {"id":2}]'),
  ('HEAD', 'application/x-ndjson', '200 0-1/* application/x-ndjson'),
  ('GET', 'text/csv', '200 0-1/* text/csv id|1|2')
) as cases(method, accept, wanted);
select is(testing.failed('GET', target, '{"accept": "application/x-ndjson"}'), wanted, target)
from (values ('/', '406 PGRST107'), ('/nope', '404 PGRST205'), ('/items?select=nope', '400 42703'), ('/items?id=eq.x', '400 22P02'), ('/rpc/nope', '404 PGRST202'),
  ('/items?select=1', '400 42703'), ('/rpc/numbers?most=x', '400 22P02'), ('/rpc/kept?n=1', '405 25006')) as cases(target, wanted);
select is(testing.failed('GET', '/rpc/numbers?most=3', '{"accept": "application/x-ndjson", "prefer": "handling=strict, max-affected=2"}'), '400 PGRST124', 'max-affected');
select matches(pg_temp.lines('/items', null, 'application/vnd.pgrst.plan+text; for="application/x-ndjson"'), 'text Append .*Seq Scan on items', 'its plan');

-- Writes are answered whole.
select is(pg_temp.lines('/items?select=id,name', prefer, 'application/x-ndjson', method, payload), wanted, concat_ws(' ', method, prefer))
from (values
  ('POST', 'return=representation', '[{"id": 7, "name": "x"}, {"id": 8, "name": null}]', '201 */* application/x-ndjson {"id":7,"name":"x"}|{"id":8,"name":null}|'),
  ('POST', null, '{"id": 9}', '201 */*')
) as cases(method, prefer, payload, wanted);
select is(pg_temp.lines('/items?id=gt.6&select=id&order=id', 'return=representation', 'application/x-ndjson', 'DELETE'), '200 */* application/x-ndjson {"id":7}|{"id":8}|{"id":9}|', 'DELETE');
select is(pg_temp.lines('/items?id=gt.6&select=id', 'return=representation', 'application/x-ndjson', 'PATCH', '{"name": "y"}'), '200 */* application/x-ndjson', 'PATCH of nothing');

-- Rights.
set local role store_anon;
select is(pg_temp.lines('/owned'), '200 - application/x-ndjson {"id":1,"owner":"store_anon"}|', 'row security');
select is(testing.failed('GET', '/parts', '{"accept": "application/x-ndjson"}'), '403 42501', 'a table without rights');
select is(testing.failed('GET', '/items?select=id,parts(id)', '{"accept": "application/x-ndjson"}'), '403 42501', 'an embed without rights');
reset role;

-- db-max-rows, and CSV.
select set_config('testing.settings', '{"db_schemas": ["flow"], "db_max_rows": 2, "db_stream_csv": true}', true);
select is(pg_temp.lines(target, prefer, accept, method), wanted, concat_ws(' ', method, target, prefer, accept))
from (values
  ('GET', '/items?select=id&order=id', null, 'application/x-ndjson', '200 - application/x-ndjson {"id":1}|{"id":2}|'),
  ('GET', '/items?select=id&order=id&limit=9', 'count=exact', 'application/x-ndjson', '206 0-1/3 application/x-ndjson {"id":1}|{"id":2}|'),
  ('GET', '/rpc/numbers?most=5', 'count=exact', 'application/x-ndjson', '206 0-1/5 application/x-ndjson 1|2|'),
  ('GET', '/items?order=id', null, 'text/csv', '200 - text/csv id,name,doc,made|1,"a ""b""","{""x"":| 1,~|""y"": [1,|2]}",2024-01-02|2,"two|lines",,2024-01-03|'),
  ('GET', '/od%20d?order=a%20b', 'count=exact', 'text/csv', '200 0-1/2 text/csv a b,c,d|1,x|2,"y\\z"|'),
  ('GET', '/items?select=id,parts(doc)&id=eq.1', null, 'text/csv', '200 - text/csv id,parts|1,"[{""doc"": {""a"": 1}}, {""doc"": 2}]"|'),
  ('GET', '/none', null, 'text/csv', '200 - text/csv id|'),
  ('GET', '/none?offset=1', 'count=exact', 'text/csv', '416 */0 application/json {"code":"PGRST103","details":"An offset of 1 was requested, but there are only 0 rows.","hint":null,"message":"The requested range is not satisfiable"}'),
  ('GET', '/rpc/numbers?most=2', null, 'text/csv', '200 - text/csv pgrst_scalar|1|2|'),
  ('HEAD', '/none', null, 'text/csv', '200 */* text/csv'),
  ('GET', '/none', null, 'application/json', '200 */* application/json []')
) as cases(method, target, prefer, accept, wanted);
select is(pg_temp.lines('/rpc/pairs', null, 'text/csv', 'POST', '{"n": 2}'), '200 - text/csv a,b|1,é1|2,é2|', 'CSV of a volatile function');
select is(pg_temp.lines('/none', 'return=representation', 'text/csv', 'POST', '{"id": 1}'), '201 */* text/csv id|1', 'CSV of a write');

-- What is read is not held: no node of the plan but the head keeps rows.
select set_config('testing.settings', '{"db_schemas": ["flow"]}', true);
create function pg_temp.plan(target text, prefer text default null, method text default 'GET', payload text default '{}') returns setof text language plpgsql as $$
declare
  made postern.compiled := testing.compiled(method, target, jsonb_strip_nulls(jsonb_build_object('accept', 'application/x-ndjson', 'prefer', prefer)), payload);
begin
  execute postern.preparation(made.statement, made.flags);
  return query execute 'explain (costs off) execute postern_compiled ' || postern.arguments(made.flags, convert_to(payload, 'UTF8'), array['']);
  deallocate postern_compiled;
end $$;
insert into items select i, 'x' from generate_series(10, 3000) as i;
insert into parts select i, i % 3000 + 10 from generate_series(10, 2900) as i;
create index on parts (item);
analyze items, parts;
select is_empty(format($$ select * from pg_temp.plan(%L) as line where line ~ 'Sort|Materialize|Aggregate|Hash|Gather|Function' or line ~ 'CTE (?!(Scan on )?pgrst_head)' $$, target), target)
from (values ('/items'), ('/items?id=gt.5&limit=2000'), ('/items?order=id'), ('/rpc/pieces')) as cases(target);
select is_empty($$ select * from pg_temp.plan('/items?select=id,parts(id)') as line where line ~ 'Sort|Materialize|Hash|Gather' or line ~ 'CTE (?!(Scan on )?pgrst_head)' $$, 'an embed is looked up for each row');
select is_empty($$ select * from pg_temp.plan('/rpc/pairs', null, 'POST', '{"n": 2}') as line where line ~ 'CTE (?!(Scan on )?pgrst_head)' $$, 'a function''s rows are not held twice');
select bag_has($$ select btrim(line) from pg_temp.plan('/rpc/pairs', 'count=exact', 'POST', '{"n": 2}') as line $$, $$ values ('CTE pgrst_source') $$, 'but where they are counted');

-- For the shell it is compiled and not executed, but where it is rolled back.
select set_config('testing.settings', '{"db_schemas": ["flow"], "db_tx_end": "commit-allow-override"}', true);
select is(array[(testing.compiled(method, target, jsonb_strip_nulls(jsonb_build_object('accept', accept, 'prefer', prefer)), '{"n": 1}')).flags ?& '{stream,before}', (testing.compiled(method, target, jsonb_strip_nulls(jsonb_build_object('accept', accept, 'prefer', prefer)), '{"n": 1}')).flags ? 'stream'], wanted, concat_ws(' ', method, target, accept, prefer))
from (values
  ('GET', '/items', 'application/x-ndjson', null, '{t,t}'::boolean[]), ('GET', '/items', 'application/x-ndjson', 'tx=rollback', '{t,t}'), ('HEAD', '/items', 'application/x-ndjson', null, '{f,f}'),
  ('GET', '/items', 'text/csv', null, '{f,f}'), ('GET', '/items', 'application/json', null, '{f,f}'), ('GET', '/items', 'application/vnd.pgrst.plan; for="application/x-ndjson"', null, '{f,f}'),
  ('POST', '/rpc/kept', 'application/x-ndjson', null, '{t,t}'), ('POST', '/rpc/kept', 'application/x-ndjson', 'tx=rollback', '{f,t}'), ('POST', '/rpc/kept', 'application/x-ndjson', 'handling=strict,max-affected=1', '{f,f}')
) as cases(method, target, accept, prefer, wanted);

-- A handler of this name is the user's.
create domain "application/x-ndjson" as text;
create function ndjson_step(text, anyelement) returns "application/x-ndjson" language sql immutable as $$ select concat($1, '#') $$;
create aggregate ndjson(anyelement) (sfunc = ndjson_step, stype = "application/x-ndjson", initcond = '');
select is(pg_temp.lines('/late'), '200 */* application/x-ndjson ', 'a handler of this name, nothing');
insert into late values (1, 1), (2, 2);
select is(pg_temp.lines('/late'), '200 0-1/* application/x-ndjson ##', 'a handler of this name');

select * from finish();
rollback;
