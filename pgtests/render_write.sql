-- The pieces that writes and calls are planned and rendered from.
begin;
select no_plan();

-- The keys of a payload.
select is(postern.payload_keys(trees), wanted, trees::text)
from (values
  ('{"payload": {"form": "{", "keys": ["a", "b"]}}'::jsonb, '{a,b}'::text[]),
  ('{"payload": {"form": "[", "keys": ["a"]}, "columns": ["x"]}', '{a}'), -- the body was looked into, as it is CSV or a form
  ('{"payload": {"form": "["}, "columns": ["x", "y"]}', '{x,y}'),
  ('{"payload": {"form": "{", "keys": []}}', '{}'),
  ('{"payload": {"form": "empty"}, "columns": ["x"]}', '{}'),
  ('{"payload": {"form": "raw"}, "columns": ["x"]}', '{}') -- a body that is no JSON
) as cases(trees, wanted);

-- Conditions of a write know columns only.
create function pg_temp.conditions(query text) returns jsonb language sql as $$
  select postern.plan_where(postern.relation_columns('store.films'::regclass), 'store.films'::regclass, testing.trees('/films?' || query) -> 'entries') $$;
select is(pg_temp.conditions('select=id&order=id&limit=#'), null, 'no conditions');
select is(jsonb_path_query_array(pg_temp.conditions('id=eq.#&or=(year.gt.#,title.is.null)'), 'strict $.**.field.name'), '["id", "year", "title"]', 'filters and trees, in order');
select is(pg_temp.conditions('directors=is.null') -> 0 -> 'field' ->> 'name', 'directors', 'an embed is read as a column');
select is(pg_temp.conditions('directors.name=eq.#'), null, 'those of embeds are not among them');

-- RETURNING.
select is(postern.render_returning(node, '{k,id}', representation), wanted, concat_ws(' ', representation, node -> 'fields', node -> 'children'))
from (values
  (null, '{"relation": "r", "alias": "r", "fields": [{"name": "a"}], "children": []}'::jsonb, '1 as nothing'),
  ('minimal', '{"relation": "r", "alias": "r", "fields": [{"name": "a"}], "children": []}', '1 as nothing'),
  ('headers-only', '{"relation": "r", "alias": "r", "fields": [{"name": "a"}], "children": []}', 'r.id, r.k'),
  ('representation', '{"relation": "r t", "alias": "r t", "fields": [{"name": "a"}, {"name": "B"}], "children": []}', '"r t"."B", "r t".a, "r t".id, "r t".k'),
  ('representation', '{"relation": "r", "alias": "r", "fields": [{"name": "*"}], "children": [], "columns": []}', 'r.*'),
  ('representation', '{"relation": "r", "alias": "r", "fields": [], "order": [{"field": {"name": "o"}}, {"child": 0, "field": {"name": "x"}}], "children": [{"relationship": {"columns": [["fk", "id"]]}}]}', 'r.fk, r.id, r.k, r.o'),
  ('representation', '{"relation": "r", "alias": "r", "fields": [], "children": [{"relationship": {"junction": {"source": [["mine", "j"]]}, "columns": []}}]}', 'r.id, r.k, r.mine')
) as cases(representation, node, wanted);
select is(postern.render_returning('{"relation": "r", "alias": "r", "fields": [{"name": "a"}], "children": []}', '{}', 'headers-only'), '1 as nothing', 'headers-only without a key');

-- Which names of arguments make a call.
select is(postern.takes_arguments(args, keys, raw), wanted, concat_ws(' ', args, keys, raw))
from (values
  ('[]'::jsonb, '{}'::text[], false, true), ('[]', '{a}', false, false), ('[]', '{}', true, false),
  ('[{"name": "a", "required": true}, {"name": "b", "required": false}]', '{a}', false, true),
  ('[{"name": "a", "required": true}, {"name": "b", "required": false}]', '{b,a}', false, true),
  ('[{"name": "a", "required": true}, {"name": "b", "required": false}]', '{b}', false, false),
  ('[{"name": "a", "required": true}, {"name": "b", "required": false}]', '{a,c}', false, false),
  ('[{"name": "b", "required": false}]', '{}', false, true)
) as cases(args, keys, raw, wanted);

-- The node of a call.
select is(jsonb_path_query_array(postern.plan_call_root('{"aggregates": false}', postern.find_routines('store', name) -> 0, '{"select": [{"type": "field", "name": "*"}], "entries": []}'),
    '$[0].keyvalue() ? (@.key == "relation" || @.key == "alias").value'), wanted, name)
from (values ('films_by', '["films", "films"]'::jsonb), ('add', '["add", "add"]')) as cases(name, wanted);

-- CSV as fields.
select results_eq(format('select place, fields from postern.csv_lines(%L)', body), wanted, body)
from (values
  (E'a,"b,\n""c"\r\n\r\n1,\\\n', $$values (1::bigint, array['a', E'b,\n"c']), (3, array['1', '\'])$$),
  (E'a\rb', $$values (1::bigint, '{a}'::text[]), (2, '{b}')$$),
  (E'x"y",z', $$values (1::bigint, '{NULL,z}'::text[])$$),
  (E'"open', 'select 1::bigint, array[null::text] where false'),
  ('', 'select 1::bigint, array[null::text] where false')
) as cases(body, wanted);
select is(postern.csv_field(field), wanted, field)
from (values ('a', 'a'), ('', ''), ('""', ''), ('"a""b"', 'a"b'), ('"\c\n\r\s"', E',\n\r\\s'), ('"', null), ('"a"b', null), ('a"b"', null), ('"a"b"', null), ('"""', null), (' "a"', null)) as cases(field, wanted);

-- The body of an answer.
select is(postern.render_json(shape, strip), format('coalesce(%s, %L)', made, missing), concat_ws(' ', shape, strip))
from (values
  ('rows', false, 'pg_catalog.json_agg(pgrst_answer.*)', '[]'), ('row', false, 'pg_catalog.json_agg(pgrst_answer.*) operator(pg_catalog.->) 0', 'null'), ('scalars', false, 'pg_catalog.json_agg(pgrst_answer.pgrst_scalar)', '[]'),
  ('scalar', true, 'pg_catalog.json_strip_nulls(pg_catalog.json_agg(pgrst_answer.pgrst_scalar) operator(pg_catalog.->) 0)', 'null')
) as cases(shape, strip, made, missing);
select is(postern.render_body(media, shape, '{"schema": "s", "relation": "R"}'), wanted, media::text)
from (values
  ('{"handler": "object", "strip": false}'::jsonb, 'rows', postern.render_json('row', false)),
  ('{"handler": "object", "strip": false}', 'scalars', postern.render_json('row', false)),
  ('{"handler": "csv"}', 'rows', postern.render_csv()),
  ('{"handler": "aggregate", "custom": {"schema": "h", "name": "F", "any": true}}', 'rows', 'postern.as_body(h."F"(pgrst_answer.*))'),
  ('{"handler": "aggregate", "custom": {"schema": "h", "name": "f", "any": false}}', 'rows', 'postern.as_body(h.f((pgrst_answer.*)::s."R"))'),
  ('{"handler": "aggregate", "custom": {"schema": "h", "name": "f", "any": true}}', 'scalar', 'postern.as_body(h.f(pgrst_answer.pgrst_scalar))'),
  ('{"handler": "function", "custom": {"domain": "h.\"text/x\""}}', 'scalar', 'postern.as_body((pg_catalog.array_agg(pgrst_answer.pgrst_scalar))[1]::h."text/x")')
) as cases(media, shape, wanted);
select is(postern.as_body('a b'::text), 'a b'::bytea, 'text as a body');
select is(postern.as_body('\x00ff'::bytea), '\x00ff'::bytea, 'bytes as a body');

select * from finish();
rollback;
