-- What PostgREST answers in places where nobody looks: each line was once another answer.
begin;
select no_plan();

create schema alike;
create table alike.parents (id int primary key, name text);
create table alike.items (id int primary key, line int, parent_id int references alike.parents);
create table alike.pairs (b int, a text, note text, primary key (b, a));
create table alike.keyless (a int);
create table alike."a b/?#" (id int primary key);
insert into alike.parents select g, 'p' || g from generate_series(1, 3) as g;
insert into alike.items select g, g % 4, g % 3 + 1 from generate_series(1, 6) as g;
create function alike.nothing() returns void language sql stable as 'select';
create function alike.noted(json) returns json language sql immutable as 'select $1';
create function alike.notedb(jsonb) returns jsonb language sql immutable as 'select $1';
select set_config('testing.settings', '{"db_schemas": ["alike"], "db_aggregates_enabled": true}', true);
create function pg_temp.write(method text, target text, payload text, headers jsonb default '{}') returns text language sql as $$
  select testing.brief(method, target, '{"prefer": "return=representation"}' || headers, payload)
$$;

-- A select that is empty, and the primary key.
select is(pg_temp.write(method, target, payload), wanted, method || ' ' || target)
from (values
  ('POST', '/pairs?select=', '{"b": 1, "a": "x", "note": "n"}', '201 [{"a":"x","b":1}]'),
  ('POST', '/pairs?select=', '[{"b": 2, "a": "y"}]', '201 [{"a":"y","b":2}]'),
  ('PATCH', '/pairs?select=&b=eq.1', '{"note": "m"}', '200 [{"a":"x","b":1}]'),
  ('PUT', '/pairs?select=&b=eq.1&a=eq.x', '{"b": 1, "a": "x", "note": "o"}', '200 [{"a":"x","b":1}]'),
  ('DELETE', '/pairs?select=&b=eq.1', null, '200 [{"a":"x","b":1}]'),
  ('POST', '/keyless?select=', '{"a": 1}', '201 [{"a":1}]')
) as cases(method, target, payload, wanted);
select is(testing.get('/parents?select=&id=eq.1'), '200 [{"id":1,"name":"p1"}]', 'to be read, it is all columns');

-- A PUT is held to the rows that it writes, not to those of its answer.
select is(testing.failed('PUT', '/parents?select=n:count()&id=eq.1', '{"prefer": "return=representation"}', '{"id": 7777, "name": "x"}'), '400 PGRST115', 'another key, and an aggregate');
select is(pg_temp.write('PUT', '/parents?select=n:count()&id=eq.1', '{"id": 1, "name": "p1"}'), '200 [{"n":1}]', 'the same key');
select is(pg_temp.write('PUT', '/parents?select=id,items(id)&items.limit=1&items.order=id&id=eq.1', '{"id": 1, "name": "p1"}'), '200 [{"id":1,"items":[{"id":3}]}]', 'an embed''s limit');
select is(pg_temp.write('PUT', '/parents?select=id&id=eq.1&limit=x', '{"id": 1, "name": "p1"}'), '200 [{"id":1}]', 'a limit that is no number is none');

-- A logic tree on the path of an embed never decides which rows are written.
select is(testing.failed(method, '/parents?select=id,items(id)&' || condition, '{"prefer": "return=representation"}', '{"name": "q"}'), '400 PGRST127', method || ' ' || condition)
from unnest('{PATCH,DELETE}'::text[]) as method, unnest(array['items.or=(line.eq.3)', 'items.not.and=(line.eq.3,id.gt.0)']) as condition;
select is((select count(*) from alike.parents where name <> 'q'), 3::bigint, 'nothing is changed or deleted');
select is(pg_temp.write('POST', '/items?select=id,parents(id)&parents.or=(id.eq.2)', '[{"id": 20, "parent_id": 1}, {"id": 21, "parent_id": 2}]'),
  '201 [{"id":20,"parents":null},{"id":21,"parents":{"id":2}}]', 'of a POST it is one on the embed');

-- Two columns of one name in a spread.
select is(testing.failed('GET', target), wanted, target)
from (values
  ('/items?select=id,...parents(id,id)', '400 42702'), ('/parents?select=id,...items(id,x:line,x:id)', '400 42702'), ('/items?select=...parents(id.sum(),x:id,sum:name)', '400 42702'),
  -- Pages that PostgreSQL does not count.
  ('/parents?limit=9223372036854775808', '400 22003'), ('/parents?offset=9223372036854775808', '400 22003'), ('/parents?select=items(id)&items.limit=-1', '400 2201W'),
  ('/parents?select=items(id)&items.offset=-1', '400 2201X'), ('/parents?limit=-1', '416 PGRST103')
) as cases(target, wanted);
select is(testing.failed('GET', '/parents', jsonb_build_object('range', range)), wanted, 'Range: ' || range)
from (values ('9223372036854775808-', '400 22003'), ('0-9223372036854775807', '400 22003'), ('2-1', '416 PGRST103')) as cases(range, wanted);
select is(testing.get(target), wanted, target)
from (values
  ('/items?select=id,...parents(id)&id=eq.1', '200 [{"id":1,"id":2}]'), ('/parents?select=id&limit=9223372036854775807&offset=2&order=id', '200 [{"id":3}]'),
  ('/parents?offset=9223372036854775807&limit=9223372036854775807', '200 []'), ('/parents?select=id&offset=-99999999999999999999&limit=1&order=id', '200 [{"id":1}]')
) as cases(target, wanted);
select is(testing.get('/parents?select=id&limit=9223372036854775807&offset=1&order=id', '{"range": "2-5"}'), '200 [{"id":3}]', 'a Range and a large limit');

-- Rows are grouped by a column with a cast as it is without, unless it has an alias.
create table alike.times (at timestamp, doc json);
insert into alike.times values ('2024-01-01 10:00', '{}'), ('2024-01-01 11:00', '{}'), ('2024-01-02 10:00', '{}');
select is(testing.get(target), wanted, target)
from (values
  ('/items?select=id::text,count()&order=id.desc&limit=3', '200 [{"id":"21","count":1},{"id":"20","count":1},{"id":"6","count":1}]'),
  ('/items?select=id::text,count()&order=parent_id,id&limit=2', '200 [{"id":"3","count":1},{"id":"6","count":1}]'),
  ('/times?select=at::date,count()&order=at', '200 [{"at":"2024-01-01","count":1},{"at":"2024-01-01","count":1},{"at":"2024-01-02","count":1}]'),
  ('/times?select=day:at::date,count()&order=count', '200 [{"day":"2024-01-02","count":1},{"day":"2024-01-01","count":2}]'),
  ('/times?select=day:at::date,count()&order=max', '400 {"code":"42703","details":null,"hint":null,"message":"column times.max does not exist"}'),
  ('/times?select=day:at::date,count()&at=lt.2024-01-02', '200 [{"day":"2024-01-01","count":2}]'), ('/times?select=doc::text,count()', '200 [{"doc":"{}","count":3}]'),
  -- A parent is ordered by the row of its embed, which has pages as well.
  ('/items?select=id,parents(id)&order=parents(id).desc.nullslast,id&parents.limit=0&limit=2', '200 [{"id":1,"parents":null},{"id":2,"parents":null}]'),
  ('/items?select=id,parents(id)&order=parents(id).desc.nullslast,id&parents.offset=1&limit=2', '200 [{"id":1,"parents":null},{"id":2,"parents":null}]'),
  ('/items?select=id,parents(id)&order=parents(id).desc.nullslast,id&parents.limit=2&limit=1', '200 [{"id":2,"parents":{"id":3}}]')
) as cases(target, wanted);

-- Bodies.
select is(testing.failed(method, target, headers, payload), wanted, concat_ws(' ', method, target, payload))
from (values
  ('PATCH', '/parents?id=eq.-1&columns=name', '{}'::jsonb, '{"name":', '400 22P02'), ('POST', '/parents?columns=name', '{}', '', '400 22P02'), ('PATCH', '/parents?id=eq.-1', '{}', '{"name":', '400 PGRST102'),
  ('POST', '/parents', '{"content-type": "text/csv"}', '', '400 PGRST102'), ('POST', '/parents', '{"content-type": "text/csv"}', ' ', '400 PGRST102'),
  ('POST', '/rpc/noted', '{}', '', '400 22P02'), ('POST', '/rpc/notedb', '{}', '', '400 22P02')
) as cases(method, target, headers, payload, wanted);
select is(testing.brief('POST', '/parents', '{"content-type": "text/csv"}', payload), '201', 'a blank line, or a header alone')
from unnest(array[E'\n', E' \r\n', E'id,name\n']) as payload;
select is(testing.brief('POST', '/rpc/' || routine, '{}', payload), '200 ' || payload, routine || ' is given what was sent')
from unnest('{noted,notedb}'::text[]) as routine, unnest(array['5', '"x"', 'null', 'true', '[]', '{}']) as payload;

-- Headers.
select is(a.headers ->> 'content-range', '10-10/*', 'a page of nothing') from testing.answer('GET', '/rpc/nothing', '{"range": "10-10"}') as a;
select is(a.headers ->> 'location', '/a%20b%2F%3F%23?id=eq.1', 'Location') from testing.answer('POST', '/a%20b%2F%3F%23', '{"prefer": "return=headers-only"}', '{"id": 1}') as a;
select is(a.headers ->> 'content-location', '/a%20b%2F%3F%23?id=eq.1', 'Content-Location') from testing.answer('GET', '/a%20b%2F%3F%23?id=eq.1') as a;

-- A write whose answer has a Warning: of an array of arrays that is empty at first.
select is(concat_ws(' ', a.status, a.body, a.headers ->> 'warning' is not null), wanted, concat_ws(' ', method, target, prefer))
from (values
  ('POST', 'return=representation', '/items?select=id,o:parents(id)&parents.order=id', '{"id": 30, "parent_id": 1}', '201 [{"id":30,"o":{"id":1}}] t'),
  ('POST', null, '/items?select=id,o:parents(id)&parents.order=id', '{"id": 31, "parent_id": 1}', '201 t'),
  ('PATCH', 'return=representation', '/items?select=id,o:parents(id)&parents.order=id&id=eq.30', '{"line": 1}', '200 [{"id":30,"o":{"id":1}}] t'),
  ('PATCH', null, '/items?select=id,o:parents(id)&parents.order=id&id=eq.30', '{"line": 1}', '204 t'),
  ('PUT', null, '/items?select=id,o:parents(id)&parents.order=id&id=eq.30', '{"id": 30, "parent_id": 2}', '204 t'),
  ('DELETE', null, '/items?select=id,o:parents(id)&parents.order=id&id=eq.30', null, '204 t')
) as cases(method, prefer, target, payload, wanted), testing.answer(method, target, jsonb_strip_nulls(jsonb_build_object('prefer', prefer)), payload) as a;

-- What does not count for a request is not read.
select is(testing.brief(method, target, headers), wanted, method || ' ' || target || ' ' || headers)
from (values
  ('GET', '/parents?select=id&id=eq.1&columns=%20', '{}'::jsonb, '200 [{"id":1}]'), ('GET', '/parents?select=id&id=eq.1&on_conflict=%20', '{}', '200 [{"id":1}]'),
  ('GET', '/parents?select=id&id=eq.1&columns=(', '{}', '200 [{"id":1}]'), ('OPTIONS', '/parents', '{"prefer": "timezone=No/Where"}', '200')
) as cases(method, target, headers, wanted);
select is(testing.failed('GET', target), wanted, target)
from (values ('//', '404 PGRST125'), ('/parents?=a,b', '400 PGRST100'), ('/parents?select=id&=', '400 PGRST100')) as cases(target, wanted);

-- Which of two faults is told.
select is(testing.failed('PATCH', '/parents?id=eq.1', '{"prefer": "handling=strict, nonsense", "accept": "no/such"}', '{"name": "q"}'), '400 PGRST122', 'preferences before the media type');

select * from finish();
rollback;
