-- Functions in OpenAPI 3.1.
begin;
select no_plan();

create schema rooms;
set local search_path = rooms, public;
create type mood as enum ('sad', 'ok');
create domain "text/html" as text;
create table film (id int primary key, a int, "order" text);
create function add(a int, b int default 2, mood mood default 'ok') returns int stable language sql as 'select 1';
create function act() returns void language sql as 'select';
create function films(a int[]) returns setof film stable language sql as 'select * from film';
create function one_film() returns film stable language sql as 'select * from film limit 1';
create function pairs() returns table (x int, y mood) stable language sql as 'select 1, null::mood';
create function numbers() returns setof int stable language sql as 'select 1';
create function page() returns "text/html" stable language sql as 'select ''x''';
create function taken(json) returns json stable language sql as 'select $1';
create function bytes(bytea) returns bytea stable language sql as 'select $1';
create function spread(variadic words text[]) returns text stable language sql as 'select ''x''';
create function over(a int) returns int stable language sql as 'select 1';
create function over(a int, b text) returns text stable language sql as 'select ''x''';
create function over(json) returns void language sql as 'select';
comment on function add is E'Adds\n\nnumbers';

create function item(name text) returns jsonb stable language sql as $$
  select ('{' || paths || '}')::jsonb -> ('/rpc/' || item.name) from postern.openapi3_routines('rooms', true, postern.openapi_relations('rooms', true)) $$;
select is((item('add') -> 'get') - 'responses' - 'parameters', '{"operationId": "rpc.add.get", "tags": ["(rpc) add"], "summary": "Adds", "description": "numbers"}', 'GET');
select is(item('add') #> '{get,parameters}', '[{"in": "query", "name": "a", "required": true, "schema": {"type": "integer", "format": "int32"} },
  {"in": "query", "name": "b", "required": false, "schema": {"type": "integer", "format": "int32", "default": 2} },
  {"in": "query", "name": "mood", "required": false, "schema": {"$ref": "#/components/schemas/type.rooms.mood", "default": "ok"} },
  {"$ref": "#/components/parameters/preferCall"}]', 'arguments of GET');
select is(item('add') #> '{post,requestBody}', '{"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["a"], "properties": {
  "a": {"type": ["integer", "null"], "format": "int32"}, "b": {"type": ["integer", "null"], "format": "int32", "default": 2},
  "mood": {"anyOf": [{"$ref": "#/components/schemas/type.rooms.mood"}, {"type": "null"}], "default": "ok"} } } } } }', 'arguments of POST');
select is(item('add') #> '{post,responses}', '{"200": {"description": "OK", "content": {"application/json": {"schema": {"type": ["integer", "null"], "format": "int32"} } } },
  "default": {"$ref": "#/components/responses/postern.error"} }', 'a value');
select is(array(select jsonb_object_keys(item('act'))), '{post}', 'a volatile function');
select is(item('act') -> 'post' -> 'requestBody', null, 'no arguments, no body');
select is(item('act') #> '{post,responses,204}', '{"$ref": "#/components/responses/postern.done"}', 'void');
select is(item('films') #> '{get,responses,200,content,application/json,schema}', '{"type": "array", "items": {"$ref": "#/components/schemas/film"} }', 'rows of a relation');
select ok(item('films') #> '{get,parameters}' @> '[{"$ref": "#/components/parameters/film.id"}, {"$ref": "#/components/parameters/order"}]', 'are filtered and ordered');
select ok(not item('films') #> '{get,parameters}' @> '[{"$ref": "#/components/parameters/film.a"}]', 'but an argument is no filter');
select ok(not item('films') #> '{get,parameters}' @> '[{"$ref": "#/components/parameters/film.order"}]', 'nor is a column named like a parameter');
create role reader;
grant usage on schema rooms to reader;
grant select (a) on film to reader;
set local role reader;
select is(array(select distinct ref from jsonb_path_query(('{' || paths || '}')::jsonb, '$."/rpc/one_film".get.parameters[*]."$ref"') as ref where ref #>> '{}' like '%/film.%'),
  array['"#/components/parameters/film.a"'::jsonb], 'a role filters by what it may read') from postern.openapi3_routines('rooms', false, array['film'::regclass]);
reset role;
select is(item('films') #> '{get,parameters,0,schema}', '{"type": "string"}', 'an array in the query string is text');
select is(item('spread') #> '{get,parameters,0,schema}', '{"type": "array", "items": {"type": "string"} }', 'unless it is variadic');
select is(item('one_film') #> '{get,responses,200,content,application/json,schema}', '{"$ref": "#/components/schemas/film"}', 'one row');
select is(item('pairs') #> '{get,responses,200,content,application/json,schema,items}', '{"type": "object", "required": ["x", "y"], "properties": {
  "x": {"type": ["integer", "null"], "format": "int32"}, "y": {"anyOf": [{"$ref": "#/components/schemas/type.rooms.mood"}, {"type": "null"}]} } }', 'TABLE columns');
select is(item('numbers') #> '{get,responses,200,content,application/json,schema}', '{"type": "array", "items": {"type": "integer", "format": "int32"} }', 'many values');
select is(item('page') #> '{get,responses,200,content}', '{"text/html": {"schema": {"type": "string"} } }', 'a media type of its own');
select is(item('taken') -> 'get', null, 'no GET where the body is the argument');
select is(item('taken') #> '{post,requestBody}', '{"required": true, "content": {"application/json": {"schema": {} } } }', 'the body is the argument');
select is(item('bytes') #> '{post,requestBody,content}', '{"application/octet-stream": {"schema": {"type": "string", "format": "bytea"} } }', 'in its media type');
select is(item('over') #> '{get,parameters,0,required}', 'true', 'an argument that all overloads need');
select is(item('over') #> '{get,parameters,1,required}', 'false', 'one that not all need');
select is(jsonb_array_length(item('over') #> '{post,requestBody,content,application/json,schema,anyOf}'), 3, 'bodies of overloads');
select is((item('over') #> '{post,responses}') - 'default'::text, '{"200": {"description": "OK", "content": {"application/json": {} } }, "204": {"$ref": "#/components/responses/postern.done"} }', 'answers of overloads');

select is((select array_agg(place order by place) from postern.openapi3_overloads('rooms', true, '{}') where name = 'over'), '{1,2,3}', 'overloads');
select is((select rows_of from postern.openapi3_overloads('rooms', true, array['film'::regclass]) where name = 'films'), 'film'::regclass::oid, 'whose rows');
select set_eq($$ select unnest(types)::regtype::text from postern.openapi3_routines('rooms', true, '{}') except select 'jsonb' $$,
  array['integer', 'mood', 'void', 'integer[]', 'film', 'record', '"text/html"', 'json', 'bytea', 'text[]', 'text'], 'types');
select is(postern.openapi3_query_schema(schema::jsonb, is_enum), wanted::jsonb, schema)
from (values ('{"type": "integer"}', false, '{"type": "integer"}'), ('{"type": "array", "items": {} }', false, '{"type": "string"}'), ('{}', false, '{"type": "string"}'),
  ('{"$ref": "x"}', true, '{"$ref": "x"}'), ('{"$ref": "x", "description": "y"}', false, '{"type": "string", "description": "y"}')) as cases(schema, is_enum, wanted);
create schema empty;
select is(paths, null, 'no functions') from postern.openapi3_routines('empty', true, '{}');

select * from finish();
rollback;
