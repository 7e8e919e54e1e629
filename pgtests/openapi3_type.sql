-- Types, checks and values as JSON Schema, and the keys of OpenAPI 3.1.
begin;
select no_plan();

select is(postern.openapi3_key(name), wanted, name)
from (values ('films_2', 'films_2'), ('a b', 'a-20-b'), ('a-20-b', 'a-2d-20-2d-b'), ('a.b', 'a-2e-b'), ('ünï', '-fc-n-ef-'), ('', '')) as cases(name, wanted);
select is(postern.openapi3_parameters('a', 'b.c'), '{"$ref":"#/components/parameters/a"},{"$ref":"#/components/parameters/b.c"}', 'references to parameters');

create schema rooms;
set local search_path = rooms, public;
create type mood as enum ('sad', 'it''s "ok"');
comment on type mood is 'How it feels';
create domain few as int default 1 check (value > 0) check (value < 10);
comment on domain few is 'Not many';
create domain fewer as few check (value <= 5);
create domain code as varchar(5) check (value ~ '^[A-Z]+$');
create type inner_part as (n few, feels mood);
create type outer_part as (parts inner_part[], whole jsonb);
create table film (id int primary key, feels mood);
create type odd_json;
create domain shown as text;
create function shown_json(shown) returns json language sql immutable as 'select to_json($1::text)';
create cast (shown as json) with function shown_json(shown) as implicit;

select is(postern.openapi3_type(type::regtype, array['film'::regclass]), wanted::jsonb, type)
from (values
  ('boolean', '{"type": "boolean"}'), ('smallint', '{"type": "integer", "format": "int16"}'), ('integer', '{"type": "integer", "format": "int32"}'),
  ('bigint', '{"type": "integer", "format": "int64"}'), ('numeric', '{"type": "number", "format": "decimal"}'), ('text', '{"type": "string"}'),
  ('timestamptz', '{"type": "string", "format": "date-time"}'), ('timestamp', '{"type": "string", "format": "date-time-local"}'),
  ('uuid', '{"type": "string", "format": "uuid"}'), ('jsonb', '{}'), ('inet', '{"type": "string", "format": "inet"}'),
  ('bigint[]', '{"type": "array", "items": {"type": "integer", "format": "int64"} }'), ('json[]', '{"type": "array", "items": {} }'),
  ('int4range', '{"type": "string", "format": "int4range", "pattern": "^(empty|[\\[(].*,.*[\\])])$"}'),
  ('int4multirange', '{"type": "string", "format": "int4multirange", "pattern": "^\\{.*\\}$"}'),
  ('mood', '{"$ref": "#/components/schemas/type.rooms.mood"}'), ('mood[]', '{"type": "array", "items": {"$ref": "#/components/schemas/type.rooms.mood"} }'),
  ('film', '{"$ref": "#/components/schemas/film"}'), ('inner_part', '{"$ref": "#/components/schemas/type.rooms.inner_part"}'),
  ('few', '{"type": "integer", "format": "int32", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "description": "Not many"}'),
  ('fewer', '{"type": "integer", "format": "int32", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "maximum": 5, "description": "Not many"}'),
  ('code', '{"type": "string", "maxLength": 5, "pattern": "^[A-Z]+$"}'), ('shown', '{}'), ('anyelement', '{}'), ('record', '{"type": "object"}')
) as cases(type, wanted);
select is(postern.openapi3_builtin('inet'::regtype), null, 'the general rules');
select is(postern.openapi3_type_key('film'::regtype, '{}'), 'type.rooms.film', 'rows of a relation that is not described');
select is(postern.openapi3_length('varchar'::regtype, 24), '{"maxLength": 20}', 'varchar(20)');
select is(postern.openapi3_length('bit'::regtype, 3), '{"maxLength": 3}', 'bit(3)');
select is(postern.openapi3_length('numeric'::regtype, 24), '{}', 'numbers have no length');
select is(postern.openapi3_domain_checks('few'::regtype), '{"exclusiveMinimum": 0, "exclusiveMaximum": 10}', 'all checks of a domain');

select is(postern.openapi3_nullable(schema::jsonb), wanted::jsonb, schema)
from (values
  ('{"type": "string"}', '{"type": ["string", "null"]}'),
  ('{"type": "string", "enum": ["a"]}', '{"type": ["string", "null"], "enum": ["a", null]}'),
  ('{"$ref": "a", "description": "b"}', '{"anyOf": [{"$ref": "a"}, {"type": "null"}], "description": "b"}'),
  ('{}', '{}')) as cases(schema, wanted);
select is((select count(*) from postern.openapi3_types(array['int'::regtype, 'text', 'int'], '{}')), 2::bigint, 'each type once');
select is((select nullable from postern.openapi3_types(array['int'::regtype], '{}')), '{"type": ["integer", "null"], "format": "int32"}', 'with null');
select is(('{' || postern.openapi3_named_types(array['outer_part[]'::regtype, 'film'], array['film'::regclass]) || '}')::jsonb, '{
  "type.rooms.mood": {"type": "string", "enum": ["sad", "it''s \"ok\""], "description": "How it feels"},
  "type.rooms.inner_part": {"type": "object", "required": ["n", "feels"], "properties": {
    "n": {"type": ["integer", "null"], "format": "int32", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "description": "Not many"},
    "feels": {"anyOf": [{"$ref": "#/components/schemas/type.rooms.mood"}, {"type": "null"}]} } },
  "type.rooms.outer_part": {"type": "object", "required": ["parts", "whole"], "properties": {
    "parts": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/type.rooms.inner_part"} }, "whole": {} } } }', 'named types, through arrays and composite types');
select is(postern.openapi3_named_types(array['int'::regtype], '{}'), null, 'no named types');

select is(postern.openapi3_check(expression, 'VALUE'), wanted::jsonb, expression)
from (values
  ('((VALUE >= 1) AND (VALUE <= 5))', '{"minimum": 1, "maximum": 5}'),
  ('(VALUE > ''-1''::integer)', '{"exclusiveMinimum": -1}'),
  ('(VALUE >= (0)::numeric)', '{"minimum": 0}'),
  ('((VALUE)::double precision < (0.5)::double precision)', '{"exclusiveMaximum": 0.5}'),
  ('(char_length(VALUE) <= 20)', '{"maxLength": 20}'),
  ('((length((VALUE)::text) > 2) AND (length((VALUE)::text) < 9))', '{"minLength": 3, "maxLength": 8}'),
  ('((VALUE)::text ~ ''^a''''b$''::text)', '{"pattern": "^a''b$"}'),
  ('(VALUE = ANY (ARRAY[''a''::text, ''b'''' c''::text]))', '{"enum": ["a", "b'' c"]}'),
  ('((VALUE)::text = ANY ((ARRAY[''a''::character varying, ''b''::character varying])::text[]))', '{"enum": ["a", "b"]}'),
  ('((VALUE > 1) OR (VALUE < 0))', '{}'),
  ('(NOT (VALUE > 1))', '{}'),
  ('(VALUE <> ''(VALUE > 5)''::text)', '{}'),
  ('(VALUE ~* ''a''::text)', '{}'),
  ('((VALUE ~ ''a''::text) AND (VALUE ~ ''b''::text))', '{}'),
  ('(VALUE <> 3)', '{}'),
  ('((VALUE % 2) = 0)', '{}'),
  ('(VALUE > now())', '{}')
) as cases(expression, wanted);
select is(postern.openapi3_check('(pages > 0)', 'pages'), '{"exclusiveMinimum": 0}', 'a column');
select is(postern.openapi3_check('("a > b" > 0)', '"a > b"'), '{"exclusiveMinimum": 0}', 'a quoted one');
select is(postern.openapi3_pattern(expression), wanted, expression)
from (values ('^[A-Z]\d{2}$', '^[A-Z]\d{2}$'), ('[^@[:space:]]+@', '[^@\s]+@'), ('[.]x', '[.]x'), ('\mword', null), ('(?i)x', null), ('[[:alpha:]]', null),
  ('[[.a.]]', null), ('a++', null)) as cases(expression, wanted);

select is(postern.openapi3_default(standard, schema::jsonb), wanted::jsonb, standard)
from (values
  ('''it''''s''::text', '{"type": "string"}', '"it''s"'), ('E''a\\b''::text', '{"type": "string"}', '"a\\b"'), ('now()', '{"type": "string"}', null),
  ('''2024-01-01''::date', '{"type": "string"}', '"2024-01-01"'), ('42', '{"type": "integer"}', '42'), ('''-1''::integer', '{"type": "integer"}', '-1'),
  ('nextval(''s''::regclass)', '{"type": "integer"}', null), ('0.50', '{"type": "number"}', '0.50'), ('''NaN''::numeric', '{"type": "number"}', null),
  ('true', '{"type": "boolean"}', 'true'), ('(1 > 0)', '{"type": "boolean"}', null), ('''{}''::text[]', '{"type": "array"}', '[]'),
  ('''{a}''::text[]', '{"type": "array"}', null), ('''{"a": null}''::jsonb', '{}', '{"a": null}'), ('''sad''::rooms.mood', '{"$ref": "x"}', '"sad"'),
  ('''(1,sad)''::rooms.inner_part', '{"$ref": "x"}', null), ('''{"a": "it''''s"}''::jsonb', '{}', '{"a": "it''s"}'), ('jsonb_build_object()::jsonb', '{}', null)
) as cases(standard, schema, wanted);
select is(postern.openapi3_example(comment, schema::jsonb), wanted::jsonb, comment)
from (values
  (E'Words\nExample: a "b"', '{"type": "string"}', '"a \"b\""'), ('Example: 5', '{"type": "integer"}', '5'), ('Example: five', '{"type": "integer"}', null),
  ('Example: {"a": 1}', '{}', '{"a": 1}'), ('Example: sad', '{"$ref": "x"}', '"sad"'), ('No Example: x', '{"type": "string"}', null),
  ('Example: "\u0000"', '{"type": "integer"}', null), ('Example: 1e999999', '{"type": "number"}', null), ('Example: 1e999999', '{"type": "string"}', '"1e999999"')
) as cases(comment, schema, wanted);

select * from finish();
rollback;
