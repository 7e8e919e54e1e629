-- Which relations and routines the OpenAPI description has, and their operations.
begin;
select no_plan();

create schema rooms;
set local search_path = rooms, public;
create role reader;
create role stranger;
grant usage on schema rooms to reader, stranger;
create table film (id int primary key, title text);
create table kept_back (id int, shown text);
create view counted as select count(*) from film;
create view filled as select count(*) from film;
create function an_instead() returns trigger language plpgsql as 'begin return new; end';
create trigger filled_insert instead of insert on filled for each row execute function an_instead();
create materialized view stored as select * from film;
create table measured (x int) partition by list (x);
create table measured_1 partition of measured for values in (1);
create table "a/b ~%""c" ("d e" int);
comment on table film is E'A film\n\nor more';
grant select on film to reader;
grant select (shown) on kept_back to reader;

create function relations(everything boolean) returns text[] language sql as $$
  select array_agg(c.oid::regclass::text order by c.relname collate "C")
  from unnest(postern.openapi_relations('rooms', everything)) as found(oid) join pg_class as c on c.oid = found.oid $$;
select is(relations(true), '{"\"a/b ~%\"\"c\"",counted,filled,film,kept_back,measured,stored}', 'all relations but partitions, sorted');
set local role reader;
select is(relations(false), '{film,kept_back}', 'what a role may access, be it a column');
set local role stranger;
select is(relations(false), null, 'nothing for others');
select is(array_length(relations(true), 1), 7, 'unless privileges are ignored');
reset role;

create function taken_by(name text) returns jsonb language sql as $$
  select json_strip_nulls(item)::jsonb from postern.openapi_relation_paths(postern.openapi_relations('rooms', true)) as p where p.path = name $$;
select is((select array_agg(path) from postern.openapi_relation_paths(postern.openapi_relations('rooms', true))),
  '{/a%2Fb%20~%25%22c,/counted,/filled,/film,/kept_back,/measured,/stored}', 'paths');
select is(array(select jsonb_object_keys(taken_by(name)) order by 1), operations::text[], name || ' takes')
from (values ('/film', '{delete,get,patch,post}'), ('/measured', '{delete,get,patch,post}'), ('/counted', '{get}'), ('/filled', '{get,post}'),
  ('/stored', '{get}')) as cases(name, operations);
select is(taken_by('/film') -> 'get' -> field, wanted::jsonb, field)
from (values
  ('tags', '["film"]'), ('summary', '"A film"'), ('description', '"or more"'),
  ('responses', '{"200": {"description": "OK", "schema": {"type": "array", "items": {"$ref": "#/definitions/film"} } }, "206": {"description": "Partial Content"} }'),
  ('parameters', '[{"$ref": "#/parameters/rowFilter.film.id"}, {"$ref": "#/parameters/rowFilter.film.title"}, {"$ref": "#/parameters/select"},
    {"$ref": "#/parameters/order"}, {"$ref": "#/parameters/range"}, {"$ref": "#/parameters/rangeUnit"}, {"$ref": "#/parameters/offset"},
    {"$ref": "#/parameters/limit"}, {"$ref": "#/parameters/preferCount"}]')) as cases(field, wanted);
select is(taken_by('/film') -> method -> 'parameters', wanted::jsonb, method)
from (values
  ('post', '[{"$ref": "#/parameters/body.film"}, {"$ref": "#/parameters/select"}, {"$ref": "#/parameters/preferPost"}]'),
  ('patch', '[{"$ref": "#/parameters/rowFilter.film.id"}, {"$ref": "#/parameters/rowFilter.film.title"}, {"$ref": "#/parameters/body.film"}, {"$ref": "#/parameters/preferReturn"}]'),
  ('delete', '[{"$ref": "#/parameters/rowFilter.film.id"}, {"$ref": "#/parameters/rowFilter.film.title"}, {"$ref": "#/parameters/preferReturn"}]')
) as cases(method, wanted);
select is(taken_by('/a%2Fb%20~%25%22c') #>> '{delete,parameters,0,$ref}', '#/parameters/rowFilter.a~1b ~0%25"c.d e', 'names are escaped in references');

create type mood as enum ('sad');
select set_config('postern.path', 'rooms, public', true);
create function plus(a int, b numeric default 1, variadic c text[] default '{}') returns int stable language sql as 'select 1';
create function act() returns void volatile language sql as 'select';
create function twice(a int) returns int immutable language sql as 'select 1';
create function twice(a int, b mood) returns int immutable language sql as 'select 1';
create function twice() returns int immutable language sql as 'select 1';
create function taken(json) returns json immutable language sql as 'select $1';
create function given(inout a int, out b int, c json[] default null) immutable language sql as 'select 1, 2';
create function barred(a int, int) returns int language sql as 'select 1';
create function own() returns int language sql as 'select 1';
create procedure done() language sql as 'select 1';
revoke execute on function own() from public;
comment on function plus(int, numeric, text[]) is E'Sum\n\nof things';

create function routine(name text, everything boolean default false) returns jsonb language sql set search_path = pg_catalog, pg_temp as $$
  select json_strip_nulls(item)::jsonb from postern.openapi_routine_paths('rooms', everything) as p where p.path = '/rpc/' || name $$;
set local role stranger;
select is((select array_agg(path) from postern.openapi_routine_paths('rooms', false) where path <> all('{/rpc/relations,/rpc/routine,/rpc/taken_by}')),
  '{/rpc/act,/rpc/given,/rpc/plus,/rpc/taken,/rpc/twice}', 'what can be called, once a name');
select ok('/rpc/own' in (select path from postern.openapi_routine_paths('rooms', true)), 'all, where privileges are ignored');
reset role;
select is(routine('plus') -> 'get', '{"tags": ["(rpc) plus"], "summary": "Sum", "description": "of things",
  "produces": ["application/json", "application/vnd.pgrst.object+json;nulls=stripped", "application/vnd.pgrst.object+json"],
  "parameters": [{"name": "a", "in": "query", "required": true, "type": "integer", "format": "int32"},
    {"name": "b", "in": "query", "required": false, "type": "number", "format": "numeric"},
    {"name": "c", "in": "query", "required": false, "type": "array", "collectionFormat": "multi", "items": {"type": "string", "format": "text"} }],
  "responses": {"200": {"description": "OK"} } }', 'GET');
select is(routine('plus') #> '{post,parameters}', '[{"name": "args", "in": "body", "required": true, "schema": {
  "type": "object", "description": "Sum\n\nof things", "required": ["a"], "properties": {
    "a": {"type": "integer", "format": "int32"}, "b": {"type": "number", "format": "numeric"},
    "c": {"type": "array", "format": "text[]", "items": {"type": "string"} } } } },
  {"$ref": "#/parameters/preferParams"}]', 'POST');
select is(routine('act') -> 'get', null, 'no GET of a volatile function');
select is(routine('act') #> '{post,parameters,0,schema}', '{"type": "object"}', 'no arguments');
select is(routine('twice') #> '{get,parameters,1,format}', '"mood"', 'the overload with the most arguments, types as on the search path');
select is(routine('twice', true) #> '{get,parameters,1,format}', '"rooms.mood"', 'or with their schema');
select is(routine('taken') -> 'get', null, 'no GET where the body is the argument');
select is(routine('taken') #> '{post,parameters,0,schema}', '{"format": "json"}', 'then the body has the argument''s type');
select is(routine('given') #> '{get,parameters}', '[{"name": "a", "in": "query", "required": true, "type": "integer", "format": "int32"},
  {"name": "c", "in": "query", "required": false, "type": "string", "format": "json[]"}]', 'INOUT is an argument, OUT is none');

-- Types are named as on the search path of the API, whatever that of the session is.
set local search_path = public;
select is(array[postern.visible_type('rooms.mood'::regtype), postern.visible_type('int[]'::regtype), current_setting('search_path'),
  set_config('postern.path', '', true), postern.visible_type('rooms.mood'::regtype)], '{mood,integer[],public,"",rooms.mood}', 'visible_type');

select * from finish();
rollback;
