-- Routines by name.
begin;
select plan(25);

create schema rooms;
set local search_path = rooms, public;

create type pair as (a int, b text);
create domain named_pair as pair;
create domain words as text;
create type mood as enum ('sad', 'ok');
create table film (id int primary key);

create function named(name text) returns jsonb language sql set search_path = pg_catalog, pg_temp as $$ select postern.find_routines('rooms', name) $$;
create function returned(name text, variadic keys text[]) returns jsonb language sql as $$
  select jsonb_agg(named(name) -> 0 -> 'returns' -> k order by n) from unnest(keys) with ordinality u (k, n)
$$;

create function add(a int, b int default 1) returns int language sql immutable as $$ select a + b $$;
select is(named('add') #- '{0,oid}', '[{"schema": "rooms", "name": "add", "volatility": "i", "variadic": false,
  "settings": {},
  "args": [{"name": "a", "type": "integer", "max_type": "integer", "required": true, "variadic": false},
           {"name": "b", "type": "integer", "max_type": "integer", "required": false, "variadic": false}],
  "returns": {"schema": "pg_catalog", "name": "int4", "type": "integer", "relation_oid": null, "set": false,
              "composite": false, "domain": false, "void": false}}]', 'a function, all of it');
select is((named('add') #>> '{0,oid}')::oid, 'add(int, int)'::regprocedure::oid, 'its oid');
select is(named('missing'), '[]', 'no such function');
select is(postern.find_routines('public', 'add'), '[]', 'another schema');

create function films() returns setof film language sql stable rows 1 as $$ select * from film $$;
select is(returned('films', 'schema', 'name', 'type', 'set', 'composite', 'relation_oid'),
  jsonb_build_array('rooms', 'film', 'rooms.film', true, true, 'film'::regclass::oid::bigint), 'a set of a table''s rows');
select is(named('films') #>> '{0,volatility}', 's', 'stable');

create function a_table() returns table (id int, name text) language sql as $$ select 1, 'a' $$;
select is(returned('a_table', 'name', 'set', 'composite', 'relation_oid'), '["record", true, true, null]', 'TABLE');
select is(named('a_table') #> '{0,args}', '[]', 'whose columns are no arguments');
create function outs(out x int, y text, inout z int) language sql as $$ select 1, z $$;
select is((select jsonb_agg(a -> 'name') from jsonb_array_elements(named('outs') #> '{0,args}') a), '["y", "z"]',
  'OUT arguments among others');
select is(returned('outs', 'composite', 'set'), '[true, false]', 'make a row');
create function one_out(out x int) language sql as $$ select 1 $$;
select is(returned('one_out', 'name', 'composite'), '["int4", true]', 'even a single one');
create function paired() returns named_pair language sql as $$ select (1, 'a')::named_pair $$;
select is(returned('paired', 'name', 'type', 'composite', 'domain', 'relation_oid'),
  jsonb_build_array('pair', 'rooms.named_pair', true, true, 'pair'::regclass::oid::bigint), 'a domain over a composite type');
create function worded() returns words language sql as $$ select 'a' $$;
select is(returned('worded', 'schema', 'name', 'composite', 'domain'), '["pg_catalog", "text", false, true]', 'a domain over text');
create function nothing() returns void language sql as $$ select $$;
select is(returned('nothing', 'void'), '[true]', 'void');

create function typed(m mood, b bit, c character(3), ms mood[]) returns text language sql as $$ select '' $$;
select is((select jsonb_agg(jsonb_build_array(a -> 'type', a -> 'max_type')) from jsonb_array_elements(named('typed') #> '{0,args}') a),
  '[["rooms.mood", "rooms.mood"], ["bit", "bit varying"], ["character", "character varying"], ["rooms.mood[]", "rooms.mood[]"]]',
  'types, qualified, and their widest forms');
create function many(variadic v text[] default '{}') returns text language sql as $$ select '' $$;
select is(named('many') #> '{0,args,0}',
  '{"name": "v", "type": "text[]", "max_type": "text[]", "required": false, "variadic": true}', 'a variadic argument');
select is(named('many') #> '{0,variadic}', 'true', 'a variadic function');
create function tuned() returns int language sql set statement_timeout = '5s' set application_name = 'a=b' as $$ select 1 $$;
select is(named('tuned') #> '{0,settings}', '{"statement_timeout": "5s", "application_name": "a=b"}', 'settings');

create function body(json) returns json language sql as $$ select $1 $$;
select is(named('body') #>> '{0,args,0,name}', '', 'one unnamed argument of a body''s type');
create function number(int) returns int language sql as $$ select $1 $$;
select is(named('number'), '[]', 'not of another type');
create function bodies(json, json) returns json language sql as $$ select $1 $$;
select is(named('bodies'), '[]', 'nor two');
create function fired() returns trigger language plpgsql as 'begin return new; end';
select is(named('fired'), '[]', 'a trigger function');
create procedure done() language sql as $$ select $$;
create aggregate total (int) (sfunc = int4pl, stype = int);
select is(named('done') || named('total'), '[]', 'a procedure, an aggregate');

create function over(b int, a int) returns int language sql as $$ select 1 $$;
create function over(a text, b int) returns int language sql as $$ select 1 $$;
create function over(a int, c text) returns int language sql as $$ select 1 $$;
create function over(x text) returns int language sql as $$ select 1 $$;
select is((select array_agg((r ->> 'oid')::oid::regprocedure::text order by n)
             from jsonb_array_elements(named('over')) with ordinality o (r, n)),
  array['over(text)', 'over(integer,text)', 'over(text,integer)', 'over(integer,integer)'],
  'overloads: fewest arguments first, then argument by argument, by name and type');
select is(named('overs'), '[]', 'a name is taken whole');

select * from finish();
rollback;
