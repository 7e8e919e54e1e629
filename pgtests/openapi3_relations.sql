-- Relations in OpenAPI 3.1: what a role may do, and the parts of the document.
begin;
select no_plan();

create schema rooms;
set local search_path = rooms, public;
create type mood as enum ('sad', 'ok');
create table director (id int primary key, name text not null);
create table film (
  id int generated always as identity primary key, title varchar(20) not null default 'none' check (length(title) > 1), feels mood not null, year int,
  twice int generated always as (14) stored, director_id int references director, "select" text);
create view shown as select id, upper(title) as title from film;
create table bare ();
comment on table film is E'A film\n\nor more';
comment on column film.year is E'Of release\nExample: 1999';
create function shouted(film) returns text stable language sql as $$ select 'X' $$;
comment on function shouted(film) is 'The title, loud';
create role reader;
create role writer;
grant usage on schema rooms to reader, writer;
grant select (id, title) on film to reader;
grant insert (title, feels), update (title), delete on film to writer;

select results_eq($$ select name, readable, insertable, updatable, required from postern.openapi3_columns(array['film'::regclass], array['film'::regclass], true) order by attnum $$,
  $$ values ('id', true, false, false, false), ('title', true, true, true, false), ('feels', true, true, true, true), ('year', true, true, true, false),
    ('twice', true, false, false, false), ('director_id', true, true, true, false), ('select', true, true, true, false) $$, 'columns');
select is(property, wanted::jsonb, name)
from postern.openapi3_columns(array['film'::regclass], array['film'::regclass], true) join (values
  ('id', '{"type": "integer", "format": "int32", "readOnly": true}'),
  ('title', '{"type": "string", "maxLength": 20, "minLength": 2, "default": "none"}'),
  ('feels', '{"$ref": "#/components/schemas/type.rooms.mood"}'),
  ('year', '{"type": ["integer", "null"], "format": "int32", "description": "Of release\nExample: 1999", "examples": [1999]}'),
  ('twice', '{"type": ["integer", "null"], "format": "int32", "readOnly": true}')) as cases(name, wanted) using (name);
select results_eq($$ select name, insertable, updatable from postern.openapi3_columns(array['shown'::regclass], array['shown'::regclass], true) order by attnum $$,
  $$ values ('id', true, true), ('title', false, false) $$, 'an expression of a view cannot be written');
set local role reader;
select results_eq($$ select name from postern.openapi3_columns(array['film'::regclass], array['film'::regclass], false) where readable order by attnum $$, $$ values ('id'), ('title') $$, 'what a role may read');
select is(postern.openapi3_readable(array['film'::regclass, 'director', 'bare'], false), array['film'::regclass::oid], 'relations that a role may read');
set local role writer;
select results_eq($$ select name, readable, insertable, updatable from postern.openapi3_columns(array['film'::regclass], array['film'::regclass], false) where insertable or updatable order by attnum $$,
  $$ values ('title', false, true, true), ('feels', false, true, false) $$, 'what a role may write');
reset role;

select is(('{' || properties || '}')::jsonb, '{"director": {"anyOf": [{"$ref": "#/components/schemas/director"}, {"type": "null"}]},
  "shouted": {"type": ["string", "null"], "description": "The title, loud"} }', 'what select adds')
from postern.openapi3_selects(array['film'::regclass, 'director'], '{rooms}') where relation = 'film'::regclass;
select is(('[' || embeds || ']')::jsonb, '[{"select": "film", "relation": "film", "cardinality": "one-to-many", "constraint": "film_director_id_fkey", "columns": ["id"]}]', 'embeds')
from postern.openapi3_selects(array['film'::regclass, 'director'], '{rooms}') where relation = 'director'::regclass;
select is(selectors, '`film(...)`', 'embeds to read') from postern.openapi3_selects(array['film'::regclass, 'director'], '{rooms}') where relation = 'director'::regclass;
select is((select count(*) from postern.openapi3_selects(array['director'::regclass], '{rooms}')), 0::bigint, 'no embed of what is not described');
create table cast_secret (film_id int references film, director_id int references director, primary key (film_id, director_id));
create function whispered(film) returns text stable language sql as $$ select 'x' $$;
revoke execute on function whispered(film) from public;
create temp table listed as select array['film'::regclass, 'director'::regclass]::oid[] as relations;
grant select on listed to reader;
select ok(properties like '%whispered%', 'all computed fields, where privileges are ignored') from listed, postern.openapi3_selects(relations, '{rooms}', true) where relation = 'film'::regclass;
set local role reader;
select is((select count(*) from listed, postern.openapi3_selects(relations, '{rooms}', false) as made where made::text ~ 'whispered|cast_secret'), 0::bigint,
  'no function and no junction that a role has no right to');
select is(made.selectors, '`director!film_director_id_fkey(...)`', 'an embed through a hidden junction counts where it makes another ambiguous')
from listed, postern.openapi3_selects(relations, '{rooms}', false) as made where made.relation = 'film'::regclass;
reset role;
drop table cast_secret;
drop function whispered(film);
select set_eq($$ select unnest(postern.openapi3_relation_types(array['film'::regclass]))::regtype::text $$, $$ values ('integer'), ('character varying'), ('mood'), ('text') $$, 'types');

select is(array(select json_object_keys(postern.openapi3_path('film', 'film', E'A film\n\nor more', null, false, keys, reads, inserts, updates, deletes)::json)),
  operations::text[], concat_ws(' ', reads, inserts, updates, deletes, keys))
from (values (true, true, true, true, '{"$ref":"x"}', '{get,post,put,patch,delete}'), (true, true, true, true, null, '{get,post,patch,delete}'),
  (true, false, false, false, null, '{get}'), (false, true, false, false, null, '{post}'), (false, false, false, false, null, '{}')) as cases(reads, inserts, updates, deletes, keys, operations);
select is(postern.openapi3_path('a "b"', 'a-20-b', E'A film\n\nor more', '{"$ref":"x"}', true, null, true, false, false, false)::jsonb -> 'get', '{
  "operationId": "a-20-b.get", "tags": ["a \"b\""], "summary": "A film", "description": "or more",
  "parameters": [{"$ref": "x"}, {"$ref": "#/components/parameters/a-20-b.select"}, {"$ref": "#/components/parameters/order"}, {"$ref": "#/components/parameters/limit"},
    {"$ref": "#/components/parameters/offset"}, {"$ref": "#/components/parameters/cursor"}, {"$ref": "#/components/parameters/and"}, {"$ref": "#/components/parameters/or"}, {"$ref": "#/components/parameters/range"},
    {"$ref": "#/components/parameters/rangeUnit"}, {"$ref": "#/components/parameters/preferRead"}],
  "responses": {"200": {"$ref": "#/components/responses/a-20-b"}, "206": {"$ref": "#/components/responses/a-20-b"}, "default": {"$ref": "#/components/responses/postern.error"} } }', 'GET');
select is(strpos(postern.openapi3_path('film', 'film', null, '{"$ref":"#/components/parameters/film.cursor"}', false, null, true, false, false, false), 'parameters/cursor'), 0,
  'a column of that name is the filter');
select is(array(select concat_ws(' ', method, operation -> 'responses' ?| '{304,412}', parameter ->> '$ref') from jsonb_each(postern.openapi3_path('film', 'film', null, null, false, '{"$ref":"k"}', true, true, true, true, false, true, true)::jsonb)
    as p(method, operation) left join jsonb_array_elements(operation -> 'parameters') as parameter on parameter ->> '$ref' ~ '/if' order by 1),
  array['delete t #/components/parameters/ifMatch', 'get t #/components/parameters/ifNoneMatch', 'patch t #/components/parameters/ifMatch', 'post f', 'put t #/components/parameters/ifAbsent', 'put t #/components/parameters/ifMatch'],
  'with entity tags');
select ok(not postern.openapi3_path('film', 'film', null, null, false, null, true, false, true, true, false, true, false)::jsonb -> 'patch' -> 'responses' ? '412', 'no key, no If-Match');
select is(postern.openapi3_path('film', 'film', null, null, false, null, false, true, false, false)::jsonb #> '{post,responses,201}',
  '{"$ref": "#/components/responses/postern.done"}', 'who may not read gets no rows');
select is(postern.openapi3_operation('a', '"tags":[]', null, null, '"200":1')::jsonb, '{"operationId": "a", "tags": [], "parameters": [],
  "responses": {"200": 1, "default": {"$ref": "#/components/responses/postern.error"} } }', 'an operation');
select is(('{' || postern.openapi3_about('a "b"', null) || '}')::jsonb, '{"tags": ["a \"b\""]}', 'no comment');
select is(postern.openapi3_body('a', true)::jsonb #> '{content,application/json,schema,oneOf,1}', '{"type": "array", "items": {"$ref": "#/components/schemas/a"} }', 'many rows');
select is(postern.openapi3_body('a', false)::jsonb #> '{content,application/vnd.postern.rows+json,schema}', '{"type": "array", "items": {"$ref": "#/components/schemas/a"} }', 'rows by their key');
select is(postern.openapi3_rows('{"a":1}', 'b "c"')::jsonb #> '{content,application/json,schema}', '{"type": "array", "items": {"a": 1} }', 'rows');
select is(('{' || postern.openapi3_schemas('a', null, '"x":{}', '"x"', null, null, null, null, null, null) || '}')::jsonb,
  '{"a": {"type": "object", "required": ["x"], "properties": {"x": {} } } }', 'only what there is');

create function part(section text, everything boolean default true) returns jsonb stable language sql as $$
  select case part.section when 'tags' then '[' || members || ']' else '{' || members || '}' end::jsonb
  from postern.openapi_relations('rooms', everything) as listed, postern.openapi3_readable(listed, everything) as readable,
    postern.openapi3_relations(listed, readable, '{rooms}', everything) as made, lateral (select to_jsonb(made) ->> part.section) as one(members) $$;
grant execute on function part to reader, writer;
select is(array(select jsonb_object_keys(part('schemas')) order by 1), '{bare.insert,director,director.insert,director.select,director.update,film,film.insert,film.select,film.update,shown,shown.insert,shown.update}'::text[], 'schemas');
select is(part('schemas') -> 'film' -> field, wanted::jsonb, field)
from (values ('required', '["id", "title", "feels", "year", "twice", "director_id", "select"]'), ('x-primary-key', '["id"]'), ('description', '"A film\n\nor more"')) as cases(field, wanted);
select is(part('schemas') -> 'film.insert' -> 'required', '["feels"]', 'what a new row has to have');
select is(part('schemas') #> '{film.insert,properties,title}', '{"type": "string", "maxLength": 20, "minLength": 2}', 'without its default');
select ok(not part('schemas') #> '{film.insert,properties}' ?| '{id,twice}', 'without what is generated');
select is(part('schemas') #> '{film.update,required}', '[]', 'a change has to have nothing');
select is(array(select k from jsonb_object_keys(part('parameters')) as k order by k collate "C"), '{director.id,director.id.is,director.name,director.select,film.director_id,film.feels,film.id,film.id.is,film.select,film.title,film.twice,film.year,shown.id,shown.id.is,shown.title}'::text[], 'parameters');
select is(part('responses') #> '{film,content,application/json,schema,items}', '{"allOf": [{"$ref": "#/components/schemas/film"}, {"$ref": "#/components/schemas/film.select"}]}', 'rows with what select adds');
select is(part('tags') -> 2, '{"name": "film", "description": "A film\n\nor more"}', 'a tag');
select is(array(select jsonb_object_keys(part('request_bodies')) order by 1), '{bare,director,director.patch,film,film.patch,shown,shown.patch}'::text[], 'bodies');
set local role reader;
select is(array(select jsonb_object_keys(part('paths', false) -> '/film')), '{get}', 'the operations of who may read');
select is(part('schemas', false) -> 'film' -> 'required', '["id", "title"]', 'and the columns');
set local role writer;
select is(array(select jsonb_object_keys(part('paths', false) -> '/film') order by 1), '{delete,patch,post}', 'of who may write');
select is(array(select jsonb_object_keys(part('schemas', false) #> '{film.insert,properties}') order by 1), '{feels,title}', 'and the columns of a new row');
reset role;
select is((select jsonb_strip_nulls(to_jsonb(made)) from postern.openapi3_relations('{}', '{}', '{rooms}', true) as made), '{}', 'no relations');

select is((select array_agg(distinct section order by section) from postern.openapi3_common(true)), '{extensions,headers,parameters,paths,responses,schemas,securitySchemes}', 'what every API has');
select is((select string_agg(('{' || members || '}')::jsonb #>> '{postern.error,required}', '') from postern.openapi3_common(whole) where section = 'schemas'), wanted, 'errors: ' || whole)
from (values (true, '["code", "message", "details", "hint"]'), (false, '["code", "message"]')) as cases(whole, wanted);
select is((select ('{' || members || '}')::jsonb -> 'results' ->> 'name' from postern.openapi3_common(true, aggregates) where section = 'parameters'), wanted, 'results of aggregates: ' || aggregates)
from (values (true, 'results'), (false, null)) as cases(aggregates, wanted);
select is((select array_agg(method order by method) from postern.openapi_relations('rooms', true) as listed,
    postern.openapi3_relations(listed, listed, '{rooms}', true, aggregates) as made, jsonb_each(('{' || made.paths || '}')::jsonb -> '/film') as operation(method, told)
  where told -> 'parameters' @> '[{"$ref": "#/components/parameters/results"}]'), wanted, 'only reads have them: ' || aggregates)
from (values (true, '{get}'::text[]), (false, null)) as cases(aggregates, wanted);
select is((select count(*) from postern.openapi3_common_parameters()), 16::bigint, 'parameters of every API');

create function document(config jsonb) returns jsonb stable language sql as $$ select postern.openapi3('rooms', postern.settings(config))::jsonb $$;
select is(document('{}') -> field, wanted::jsonb, field)
from (values ('openapi', '"3.1.0"'), ('servers', '[{"url": "/"}]'), ('security', '[{}, {"JWT": []}]')) as cases(field, wanted);
select is(document('{"openapi_server_proxy_uri": "https://example.com/api/"}') #>> '{servers,0,url}', 'https://example.com/api', 'servers');
select is(document('{"openapi_security_active": true}') -> 'security', '[{"JWT": []}]', 'a token is required');
select is(document('{"client_error_verbosity": "minimal"}') #> '{components,schemas,postern.error,required}', '["code", "message"]', 'minimal errors');
create schema empty;
select is(array(select jsonb_object_keys(postern.openapi3('empty', postern.settings(null))::jsonb -> 'paths')), '{/}', 'an empty schema');

select * from finish();
rollback;
