-- The same request again and again: the statement is prepared from the second time on, and DDL between is seen at once.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store"], "db_aggregates_enabled": true}', true);

create function pg_temp.thrice(method text, target text, headers jsonb default '{}', payload text default null) returns setof text language plpgsql as $$
begin
  for time in 1 .. 3 loop
    return next testing.brief(method, target, headers, payload);
  end loop;
end $$;

select is((select array_agg(distinct answer) from pg_temp.thrice(method, target, headers, payload) as answer), array[wanted], 'thrice ' || method || ' ' || target)
from (values
  ('GET', '/films?id=eq.1&select=id,title', '{}'::jsonb, null, '200 [{"id":1,"title":"Vagabond"}]'),
  ('GET', '/films?select=id&or=(id.eq.1,id.in.(2,3))', '{}', null, '200 [{"id":1},{"id":2},{"id":3}]'),
  ('GET', '/films?select=id', '{"range": "1-2"}', null, '200 [{"id":2},{"id":3}]'),
  ('GET', '/films?select=id,directors(name)&id=eq.1', '{"prefer": "count=exact"}', null, '200 [{"id":1,"directors":{"name":"Agnès Varda"}}]'),
  ('GET', '/films?select=id&id=eq.1', '{"prefer": "count=planned"}', null, '200 [{"id":1}]'),
  ('GET', '/rpc/add?a=1&b=2', '{}', null, '200 3'),
  ('POST', '/rpc/add', '{}', '{"a": 1, "b": 2}', '200 3'),
  ('POST', '/rpc/add', '{"content-type": "application/x-www-form-urlencoded"}', 'a=1&b=2', '200 3'),
  ('PATCH', '/films?id=eq.1&select=id', '{"prefer": "return=representation"}', '{"year": 1985}', '200 [{"id":1}]'),
  ('POST', '/directors?select=id', '{"prefer": "return=representation, resolution=merge-duplicates"}', '{"id": 1, "name": "Agnès Varda"}', '200 [{"id":1}]'),
  ('DELETE', '/films?id=eq.0', '{}', null, '204'),
  ('GET', '/nope', '{}', null, '404 {"code":"PGRST205","details":null,"hint":null,"message":"There is no table or view ''store.nope''"}'),
  ('GET', '/films?id=eq.x', '{}', null, '400 {"code":"22P02","details":null,"hint":null,"message":"invalid input syntax for type integer: \"x\""}'),
  ('OPTIONS', '/films', '{}', null, '200')
) as cases(method, target, headers, payload, wanted);

-- Other values go through the same statement.
select is(array_agg(testing.get('/films?id=eq.' || n || '&select=id') order by n), array['200 [{"id":1}]', '200 [{"id":2}]', '200 [{"id":3}]'], 'other values')
from generate_series(1, 3) as n;
select isnt_empty($$ select from pg_prepared_statements where name ~ '^postern_-?[0-9a-f]+$' $$, 'statements stay prepared');
select is_empty($$ select statement from pg_prepared_statements where statement like '%''nope''%' $$, 'no statement of an error');

-- DDL.
select is(testing.get('/keyless'), '200 []', 'before');
insert into store.keyless values (1, 'one');
select is(array_agg(testing.get('/keyless')), array['200 [{"a":1,"b":"one"}]', '200 [{"a":1,"b":"one"}]'], 'warm') from generate_series(1, 2);
alter table store.keyless add column c int default 3;
select is(testing.get('/keyless'), '200 [{"a":1,"b":"one","c":3}]', 'a column more');
alter table store.keyless rename column b to d;
select is(testing.get('/keyless'), '200 [{"a":1,"d":"one","c":3}]', 'a column renamed');
select is(testing.get('/keyless?select=c'), '200 [{"c":3}]', 'that column');
select is(testing.get('/keyless?select=c'), '200 [{"c":3}]', 'again');
alter table store.keyless drop column c;
select is(testing.failed('GET', '/keyless?select=c'), '400 42703', 'is gone');
alter table store.keyless alter column a type text;
select is(testing.get('/keyless?select=a'), '200 [{"a":"1"}]', 'another type');
select is(testing.failed('GET', '/keyless?select=films(id)'), '400 PGRST200', 'no relationship');
alter table store.keyless add column film int constraint keyless_film references store.films default 1;
select is(testing.get('/keyless?select=a,films(id)'), '200 [{"a":"1","films":{"id":1}}]', 'a foreign key');
alter table store.keyless drop constraint keyless_film;
select is(testing.failed('GET', '/keyless?select=a,films(id)'), '400 PGRST200', 'none any more');
select is(testing.failed('GET', '/fresh'), '404 PGRST205', 'no table');
create table store.fresh (n int);
select is(testing.get('/fresh'), '200 []', 'a table');
drop table store.fresh;
select is(testing.failed('GET', '/fresh'), '404 PGRST205', 'none any more');
select is(testing.failed('GET', '/rpc/fresh'), '404 PGRST202', 'no function');
create function store.fresh() returns int language sql stable as 'select 1';
select is(testing.get('/rpc/fresh'), '200 1', 'a function');
select is(testing.get('/rpc/fresh'), '200 1', 'again');
create or replace function store.fresh() returns int language sql stable as 'select 2';
select is(testing.get('/rpc/fresh'), '200 2', 'another body');
drop function store.fresh();
select is(testing.failed('GET', '/rpc/fresh'), '404 PGRST202', 'none any more');
create view store.seen as select id from store.films where id < 3;
select is(array_agg(testing.get('/seen?order=id')), array['200 [{"id":1},{"id":2}]', '200 [{"id":1},{"id":2}]'], 'a view') from generate_series(1, 2);
create or replace view store.seen as select id from store.films where id < 2;
select is(testing.get('/seen?order=id'), '200 [{"id":1}]', 'replaced');

-- The epoch heeds temporary tables not, and all else.
create temp table before as select postern.epoch();
create function pg_temp.changed() returns boolean language plpgsql as $$
declare now text := postern.epoch();
begin
  return now <> (select epoch from before);
end $$;
update before set epoch = postern.epoch();
create temp table passing (n int);
alter table passing add column m int;
drop table passing;
select ok(not pg_temp.changed(), 'temporary tables leave the epoch alone');
comment on table store.keyless is 'keyless';
select ok(pg_temp.changed(), 'a comment advances it');
update before set epoch = postern.epoch();
grant select on store.keyless to store_anon;
select ok(pg_temp.changed(), 'so does a privilege');
update before set epoch = postern.epoch();
create extension pgcrypto;
select ok(pg_temp.changed(), 'so does an extension');
update before set epoch = postern.epoch();
drop view store.seen;
select ok(pg_temp.changed(), 'and what is dropped');
select ok(postern.live(), 'the event triggers are there');

-- At most 256 statements stay; the oldest go.
select is(array_agg(distinct left(testing.get('/films?id=eq.1&select=x' || n || ':id'), 3)), '{200}', 'many shapes')
from generate_series(1, 300) as n, generate_series(1, 2);
select cmp_ok((select count(*) from pg_prepared_statements where name like 'postern\_%'), '<=', 256::bigint, 'a bounded number of them stays');

-- Without prepared statements nothing stays.
deallocate all;
select is(array_agg(testing.get('/films?id=eq.1&select=id,year')), array['200 [{"id":1,"year":1985}]', '200 [{"id":1,"year":1985}]', '200 [{"id":1,"year":1985}]'], 'not prepared')
from generate_series(1, 3), set_config('testing.settings', '{"db_schemas": ["store"], "db_prepared_statements": false}', true);
select is_empty($$ select name from pg_prepared_statements $$, 'nothing stays');

-- What user code does to the session does not break the next request.
create function store.meddle() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$;
select is(array_agg(testing.get('/films?id=eq.1&select=id')), array['200 [{"id":1}]', '200 [{"id":1}]'], 'a warm shape')
from generate_series(1, 2), set_config('testing.settings', '{"db_schemas": ["store"]}', true);
select is(testing.brief('POST', '/rpc/meddle', '{}', '{}'), '204', 'all statements are deallocated');
select is(testing.get('/films?id=eq.1&select=id'), '200 [{"id":1}]', 'the shape is compiled again');

-- What a new connection does first goes through the functions of embeds, whatever the names are; nothing stays of it.
create schema rooms;
create table rooms."a ""b\ c" (id int primary key);
create function pg_temp.calls(name text) returns bigint language sql as $$
  select coalesce(sum(pg_stat_get_xact_function_calls(oid)), 0) from pg_proc where pronamespace = 'postern'::regnamespace and proname = name $$;
set local track_functions = 'all';
deallocate all;
select lives_ok(format('select postern.warm(%L)', settings), 'warm with ' || settings) from unnest('{"{\"db_schemas\": [\"store\"]}","{\"db_schemas\": [\"nothing\"]}"}'::text[]) as settings;
select cmp_ok(pg_temp.calls('find_relationships'), '>', 1::bigint, 'embeds are looked for');
select cmp_ok(pg_temp.calls('render_each'), '>', 0::bigint, 'and made');
select lives_ok($$ select postern.warm('{"db_schemas": ["rooms"]}') $$, 'no foreign key');
create table rooms."d.e(f)" (id int primary key, "g,h" int constraint "i""j!k" references rooms."a ""b\ c");
create temp table made as select pg_temp.calls('render_each') as before;
select lives_ok($$ select postern.warm('{"db_schemas": ["rooms"]}') $$, 'names that need quotes');
select cmp_ok(pg_temp.calls('render_each'), '>', (select before from made), 'are understood');
select is_empty($$ select name from pg_prepared_statements $$, 'nothing stays prepared');

select * from finish();
rollback;
