-- The rules of the planner, each by itself.
begin;
select no_plan();

create schema rooms;
create domain rooms.code as text;
create function rooms.code_json(rooms.code) returns json language sql immutable as $$ select to_json('#' || $1::text) $$;
create function rooms.text_code(text) returns rooms.code language sql immutable as $$ select ltrim($1, '#')::rooms.code $$;
set local client_min_messages = error; -- PostgreSQL warns that casts of domains are not used by itself
create cast (rooms.code as json) with function rooms.code_json(rooms.code) as implicit;
create cast (text as rooms.code) with function rooms.text_code(text) as implicit;
create table rooms.house (id int primary key, name text unique, meta jsonb, words tsvector, code rooms.code, a int, b int, unique (a, b));
create table rooms.room (id int primary key, house_id int references rooms.house, other_id int references rooms.house);
create view rooms.seen as select * from rooms.house;
create table rooms.secret (id int);
alter table rooms.secret enable row level security;
create function rooms.best(rooms.house) returns setof rooms.room rows 1 language sql stable as $$ select * from rooms.room where house_id = $1.id $$;

select set_config('postern.path', 'public', true);
create function pg_temp.columns() returns jsonb language sql as $$ select postern.relation_columns('rooms.house'::regclass) $$;
create function pg_temp.map() returns jsonb language sql as $$ select postern.column_map(pg_temp.columns()) $$;
create function pg_temp.context(more jsonb default '{}') returns jsonb language sql as $$
  select '{"schema": "rooms", "schemas": ["rooms"], "aggregates": true, "legacy": true}'::jsonb || more $$;
create function pg_temp.relation(name text) returns jsonb language sql as $$ select postern.find_relation('rooms', name) $$;

-- Columns and fields.
select is(array(select key from jsonb_object_keys(pg_temp.map()) as key order by key), '{a,b,code,id,meta,name,words}', 'column_map');
select is(pg_temp.map() -> 'id' ->> 'type', 'integer', 'column_map has the columns');
select is(postern.column_map('[]'), '{}', 'column_map of none');
select is(postern.plan_reference(pg_temp.map(), item::jsonb), wanted::jsonb, 'plan_reference ' || item)
from (values
  ('{"name": "id"}', '{"name": "id"}'),
  ('{"name": "words"}', '{"name": "words", "tsvector": true}'),
  ('{"name": "meta", "path": [{"op": "->", "key": "a"}]}', '{"name": "meta", "path": [{"op": "->", "key": "a"}]}'),
  ('{"name": "name", "path": [{"op": "->", "key": "a"}]}', '{"name": "name", "path": [{"op": "->", "key": "a"}], "to_json": true}'),
  ('{"name": "unknown"}', '{"name": "unknown"}'),
  ('{"name": "unknown", "path": [{"op": "->", "key": "a"}]}', '{"name": "unknown", "path": [{"op": "->", "key": "a"}], "to_json": true}')
) as cases(item, wanted);
select is(postern.plan_field(pg_temp.map(), item::jsonb), wanted::jsonb, 'plan_field ' || item)
from (values
  ('{"name": "id"}', '{"name": "id", "label": "id", "form": "bare", "type": "integer", "nullable": false}'),
  ('{"name": "id", "alias": "x"}', '{"name": "id", "label": "x", "form": "bare", "type": "integer", "nullable": false}'),
  ('{"name": "id", "alias": "x", "cast": "text"}', '{"name": "id", "label": "x", "cast": "pg_catalog.text"}'),
  ('{"name": "id", "aggregate": "sum", "aggregate_cast": "int"}', '{"name": "id", "label": "sum", "aggregate": "sum", "aggregate_cast": "int"}'),
  ('{"name": "*", "aggregate": "count"}', '{"name": "*", "label": "count", "aggregate": "count"}'),
  ('{"name": "meta", "path": [{"op": "->", "key": "a"}, {"op": "->", "index": 0}]}', '{"name": "meta", "label": "a", "path": [{"op": "->", "key": "a"}, {"op": "->", "index": 0}]}'),
  ('{"name": "meta", "path": [{"op": "->", "index": 0}]}', '{"name": "meta", "label": "meta", "path": [{"op": "->", "index": 0}]}'),
  ('{"name": "code"}', '{"name": "code", "label": "code", "transform": "rooms.code_json"}'),
  ('{"name": "code", "path": [{"op": "->", "key": "a"}]}', '{"name": "code", "label": "a", "to_json": true, "path": [{"op": "->", "key": "a"}]}')
) as cases(item, wanted);
select is(jsonb_path_query_array(postern.plan_fields('{"aggregates": false}', pg_temp.map(), items::jsonb, all_if_none), '$[*].name'), wanted::jsonb, concat('plan_fields ', items, ' ', all_if_none))
from (values
  ('[{"type": "field", "name": "b"}, {"type": "relation", "name": "room"}, {"type": "field", "name": "a"}]', true, '["b", "a"]'),
  ('[]', true, '["*"]'), ('[]', false, '[]'), ('[{"type": "relation", "name": "room"}]', false, '[]')
) as cases(items, all_if_none, wanted);
select is(testing.failure(format('select postern.plan_fields(%L, %L, %L, true)', pg_temp.context(more), pg_temp.map(), '[{"type": "field", "name": "id", "aggregate": "sum"}]')), wanted, concat('plan_fields: aggregates ', more))
from (values ('{}'::jsonb, null), ('{"aggregates": false}', 'PGRST123')) as cases(more, wanted);
select throws_ok($$ select postern.plan_field(pg_temp.map(), '{"name": "id", "cast": "nothing"}') $$, '42704', 'type "nothing" does not exist', 'plan_field: a cast to nothing');
select is(postern.type_on_path('a b'), null, 'type_on_path: no type');
select is(postern.cast_type('double precision'), 'double precision', 'cast_type');
select throws_ok(format('select postern.cast_type(%L)', type), '42704', format('type "%s" does not exist', type), 'cast_type ' || type)
from unnest('{nothing,int4 as x,"",1}'::text[]) as type;
select is(postern.last_key(path::jsonb), wanted, 'last_key ' || path)
from (values
  ('[{"op": "->", "key": "a"}]', 'a'), ('[{"op": "->", "key": "a"}, {"op": "->>", "key": "b"}]', 'b'),
  ('[{"op": "->", "key": "a"}, {"op": "->>", "index": 1}]', 'a'), ('[{"op": "->", "index": 1}]', null), ('[]', null)
) as cases(path, wanted);
select is(jsonb_path_query_array(postern.expand_star(columns, fields::jsonb, forced), '$[*].name'), wanted::jsonb, concat('expand_star ', fields, ' ', forced))
from (values
  (pg_temp.columns(), '[{"name": "*"}]', true, '["id", "name", "meta", "words", "code", "a", "b"]'),
  (pg_temp.columns(), '[{"name": "*"}]', false, '["id", "name", "meta", "words", "code", "a", "b"]'), -- for the representation of code
  (pg_temp.columns(), '[{"name": "id"}, {"name": "*"}, {"name": "a"}]', true, '["id", "id", "name", "meta", "words", "code", "a", "b", "a"]'),
  (pg_temp.columns(), '[{"name": "*", "aggregate": "count"}]', true, '["*"]'),
  (pg_temp.columns(), '[{"name": "id"}]', true, '["id"]'),
  (postern.relation_columns('rooms.room'::regclass), '[{"name": "*"}]', false, '["*"]'),
  ('[]', '[{"name": "*"}]', true, '["*"]')
) as cases(columns, fields, forced, wanted);
select set_eq(format('select unnest(postern.computed_names(%L, pg_temp.columns()))', node), wanted, 'computed_names ' || node)
from (values
  ('{"fields": [{"name": "id"}, {"name": "x"}, {"name": "*"}]}', '{x}'::text[]),
  ('{"fields": [], "order": [{"field": {"name": "x"}}, {"field": {"name": "y"}, "child": 0}]}', '{x}'),
  ('{"fields": [], "where": [{"of": [{"field": {"name": "x"}}, {"of": [{"field": {"name": "z"}}]}]}]}', '{x,z}'),
  ('{"fields": [{"name": "id"}]}', '{}')
) as cases(node, wanted);
select is(postern.computed_names('{"fields": [{"name": "x"}]}', '[]'), '{}', 'computed_names: nothing is known of what has no columns');

-- Filters, logic, order.
select is(postern.plan_filter(pg_temp.map(), filter::jsonb, '[{"label": "x", "name": "room"}]'), wanted::jsonb, 'plan_filter ' || filter)
from (values
  ('{"name": "id", "expr": {"operator": "eq", "param": 2}}', '{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 2}, "builtin": true}'),
  ('{"name": "code", "expr": {"operator": "eq", "param": 2}}', '{"field": {"name": "code"}, "expr": {"operator": "eq", "param": 2}, "builtin": true, "transform": "rooms.text_code"}'),
  ('{"name": "x", "expr": {"operator": "is", "value": "null"}}', '{"exists": 0, "not": true}'),
  ('{"name": "x", "expr": {"operator": "is", "value": "null", "not": true}}', '{"exists": 0, "not": false}'),
  ('{"name": "x", "expr": {"operator": "is", "value": "not_null"}}', '{"field": {"name": "x"}, "expr": {"operator": "is", "value": "not_null"}}'),
  ('{"name": "room", "expr": {"operator": "is", "value": "null"}}', '{"field": {"name": "room"}, "expr": {"operator": "is", "value": "null"}}'),
  ('{"name": "x", "path": [{"op": "->", "key": "a"}], "expr": {"operator": "is", "value": "null"}}', '{"field": {"name": "x", "path": [{"op": "->", "key": "a"}], "to_json": true}, "expr": {"operator": "is", "value": "null"}}')
) as cases(filter, wanted);
select is(postern.is_builtin_operator(operator, format('{"c": {"base": "%s", "operators": "%s", "type": "%s"}, "x": {"base": "own", "operators": null}}', base, kind, base)::jsonb,
  filter::jsonb), wanted, concat_ws(' ', 'is_builtin_operator', operator, base, kind, filter))
from (values
  ('eq', 'integer', 'builtin', '{"name": "c"}', true), ('in', 'store.mood', 'enum', '{"name": "c"}', true), ('isdistinct', 'pair', 'composite', '{"name": "c"}', true),
  ('gt', 'json', 'builtin', '{"name": "c"}', false), ('neq', 'point', 'builtin', '{"name": "c"}', false), ('eq', 'text', 'builtin', '{"name": "x"}', false),
  ('eq', 'text', 'builtin', '{"name": "computed"}', false), ('like', 'integer', 'builtin', '{"name": "c"}', false), ('imatch', 'character varying', 'builtin', '{"name": "c"}', true),
  ('cs', 'text[]', 'array', '{"name": "c"}', true), ('cs', 'integer[]', 'array', '{"name": "c"}', false), ('eq', 'integer[]', 'array', '{"name": "c"}', true),
  ('cd', 'jsonb', 'builtin', '{"name": "c"}', true), ('ov', 'jsonb', 'builtin', '{"name": "c"}', false), ('sl', 'inet', 'builtin', '{"name": "c"}', true),
  ('adj', 'int4range', 'range', '{"name": "c"}', true), ('nxl', 'text[]', 'array', '{"name": "c"}', false),
  ('ilike', 'jsonb', 'builtin', '{"name": "c", "path": [{"op": "->", "key": "a"}, {"op": "->>", "key": "b"}]}', true),
  ('eq', 'json', 'builtin', '{"name": "c", "path": [{"op": "->", "key": "a"}]}', false), ('eq', 'text', 'builtin', '{"name": "x", "path": [{"op": "->", "key": "a"}]}', true)
) as cases(operator, base, kind, filter, wanted);
select is(postern.plan_logic(pg_temp.map(), '{"operator": "or", "not": false, "of": [{"name": "id", "expr": {"operator": "eq", "param": 2}},
  {"operator": "and", "not": true, "of": [{"name": "x", "expr": {"operator": "is", "value": "null"}}]}]}', '[{"label": "x"}]'),
  '{"operator": "or", "not": false, "of": [{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 2}, "builtin": true}, {"operator": "and", "not": true, "of": [{"exists": 0, "not": true}]}]}', 'plan_logic');
select is(postern.plan_order(pg_temp.map(), '{"name": "id", "direction": "desc"}', '[]', 'house'), '{"name": "id", "direction": "desc", "field": {"name": "id"}}', 'plan_order');
select is(testing.failure(format('select postern.plan_order(%L, %L, %L, %L)', '{}', term, children, 'house')), wanted, 'plan_order ' || term || ' ' || children)
from (values
  ('{"name": "id", "relation": "x"}', '[]', 'PGRST108'),
  ('{"name": "id", "relation": "x"}', '[{"label": "y", "name": "x"}]', 'PGRST108'),
  ('{"name": "id", "relation": "x"}', '[{"label": "x", "relationship": {"to_one": false}}]', 'PGRST118')
) as cases(term, children, wanted);
select is(postern.plan_order('{}', '{"name": "n", "relation": "x"}', format('[{"label": "x", "oid": %s, "relationship": {"to_one": true}, "fields": [{"name": "id", "label": "n"}]}]', 'rooms.house'::regclass::oid)::jsonb, 'room'),
  '{"name": "n", "relation": "x", "child": 0, "field": {"name": "id", "label": "n"}}', 'plan_order: by an alias within the embed');
create function pg_temp.entries() returns jsonb language sql as $$ select '[{"kind": "order", "embed": ["x"], "terms": [{"name": "a"}]},
  {"kind": "filter", "embed": ["x"], "name": "a", "expr": {"operator": "eq", "param": 2}}, {"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "eq", "param": 3}},
  {"kind": "logic", "embed": [], "tree": {"operator": "or", "not": true, "of": [{"name": "b", "expr": {"operator": "eq", "param": 4}}]}}, {"kind": "order", "embed": [], "terms": [{"name": "b"}, {"name": "id"}]},
  {"kind": "order", "embed": [], "terms": [{"name": "name"}]}]'::jsonb $$;
select is(postern.plan_conditions(pg_temp.map(), pg_temp.entries(), '[]'),
  '[{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 3}, "builtin": true},
    {"operator": "or", "not": true, "of": [{"field": {"name": "b"}, "expr": {"operator": "eq", "param": 4}, "builtin": true}]}]', 'plan_conditions: those without a path');
select is(postern.plan_conditions(pg_temp.map(), '[]', '[]'), null, 'plan_conditions of none');
select is(jsonb_path_query_array(postern.plan_terms(pg_temp.map(), pg_temp.entries(), '[]', 'house'), '$[*].field.name'), '["b", "id"]', 'plan_terms: those of the first order without a path');
select is(postern.plan_terms(pg_temp.map(), '[]', '[]', 'house'), null, 'plan_terms of none');
select is(postern.child_place(children::jsonb, name, by_relation), wanted, concat('child_place ', children, ' ', name, ' ', by_relation))
from (values
  ('[{"label": "a", "name": "r"}, {"label": "b", "name": "r"}]', 'b', false, 1),
  ('[{"label": "a", "name": "r"}, {"label": "b", "name": "r"}]', 'r', true, 0),
  ('[{"label": "a", "name": "r"}, {"label": "b", "name": "r"}]', 'r', false, null),
  ('[]', 'a', true, null)
) as cases(children, name, by_relation, wanted);
select is(testing.failure($$ select postern.not_embedded('a', null) $$), 'PGRST108', 'not_embedded');

-- The query string as trees.
select is(postern.numbered(expr::jsonb, 7), wanted::jsonb, 'numbered ' || expr)
from (values
  (jsonb_build_object('operator', 'eq', 'value', E'\x01')::text, '{"operator": "eq", "param": 7}'),
  ('{"operator": "is", "value": "null"}', '{"operator": "is", "value": "null"}'), ('{"operator": "eq", "value": ""}', '{"operator": "eq", "value": ""}')
) as cases(expr, wanted);
select is(postern.numbered_tree(postern.parse_logic('or', false, E'(a.eq.\x01,not.and(b.is.null,c.in.\x01),d.lt.\x01)'), 5), '{"next": 8, "tree": {"operator": "or", "not": false, "of": [
  {"name": "a", "expr": {"operator": "eq", "param": 5}},
  {"operator": "and", "not": true, "of": [{"name": "b", "expr": {"operator": "is", "value": "null"}}, {"name": "c", "expr": {"operator": "in", "param": 6}}]},
  {"name": "d", "expr": {"operator": "lt", "param": 7}}]}}', 'numbered_tree');
select is(postern.logic_entry('x.not.or', E'(a.eq.\x01)', 3), '{"kind": "logic", "embed": ["x"], "tree": {"operator": "or", "not": true, "of": [{"name": "a", "expr": {"operator": "eq", "param": 3}}]}}', 'logic_entry');
select is(postern.range_entry(name, kind, value, number), wanted::jsonb, concat_ws(' ', 'range_entry', name, number, value))
from (values
  ('limit', 'limit', 2, E'\x01', '{"kind": "limit", "embed": [], "param": 2}'),
  ('a.b.offset', 'offset', 2, E'\x01', '{"kind": "offset", "embed": ["a", "b"], "param": 2}'),
  ('limit', 'limit', null, 'x', '{"kind": "limit", "embed": []}'),
  ('limit', 'limit', null, '1.5', '{"kind": "limit", "embed": []}'),
  ('offset', 'offset', null, '-1', '{"kind": "offset", "embed": []}'),
  ('limit', 'limit', null, '09223372036854775807', '{"kind": "limit", "embed": [], "value": "9223372036854775807"}'),
  ('offset', 'offset', null, '-' || repeat('9', 40), '{"kind": "offset", "embed": []}')
) as cases(name, kind, number, value, wanted);
select is(testing.failure(format('select postern.range_entry(%L, %L, %L, null)', name, kind, value)), wanted, concat_ws(' ', 'range_entry', name, value))
from (values ('limit', 'limit', '-1', 'PGRST103'), ('a.limit', 'limit', '-1', '2201W'), ('a.offset', 'offset', '-1', '2201X'), ('offset', 'offset', '9223372036854775808', '22003'), ('a.limit', 'limit', repeat('9', 40), '22003')) as cases(name, kind, value, wanted);
select is(postern.last_entry(entries::jsonb, 'limit'), wanted::jsonb, 'last_entry ' || entries)
from (values
  ('[{"kind": "limit", "embed": [], "param": 2}, {"kind": "limit", "embed": [], "param": 3}, {"kind": "offset", "embed": [], "param": 4}]', '{"param": 3}'),
  ('[{"kind": "limit", "embed": [], "value": "2"}, {"kind": "limit", "embed": []}]', '{"value": "2"}'),
  ('[{"kind": "limit", "embed": ["a"], "param": 2}]', null), ('[]', null)
) as cases(entries, wanted);

-- Nodes.
create collation rooms.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table rooms.called (id int, name text collate rooms.any_case);
create unique index on rooms.called (name collate "C");
insert into rooms.called values (1, 'a'), (2, 'A');
select set_config('testing.settings', '{"db_schemas": ["rooms"]}', true);
select is(testing.brief('GET', '/called?name=eq.a'),
  '200 [{"id":1,"name":"a"},{"id":2,"name":"A"}]', 'a column that is unique in another collation may have several equal values');
select set_config('testing.settings', '', true);
select is(postern.is_single(relation::regclass::oid, conditions::jsonb), wanted, concat_ws(' ', 'is_single', relation, conditions))
from (values
  ('rooms.house', '[{"field": {"name": "id"}, "expr": {"operator": "eq"}}]', true),
  ('rooms.house', '[{"field": {"name": "name"}, "expr": {"operator": "eq"}}, {"field": {"name": "a"}, "expr": {"operator": "gt"}}]', true),
  ('rooms.house', '[{"field": {"name": "id"}, "expr": {"operator": "eq", "not": true}}]', false),
  ('rooms.house', '[{"field": {"name": "id"}, "expr": {"operator": "eq", "quantifier": "any"}}]', false),
  ('rooms.house', '[{"field": {"name": "id"}, "expr": {"operator": "in"}}]', false),
  ('rooms.house', '[{"field": {"name": "id", "path": []}, "expr": {"operator": "eq"}}]', false),
  ('rooms.house', '[{"field": {"name": "a"}, "expr": {"operator": "eq"}}]', false),
  ('rooms.called', '[{"field": {"name": "name"}, "expr": {"operator": "eq"}}]', false),
  ('rooms.house', '[{"of": [{"field": {"name": "id"}, "expr": {"operator": "eq"}}]}]', false),
  ('rooms.seen', '[{"field": {"name": "id"}, "expr": {"operator": "eq"}}]', false)
) as cases(relation, conditions, wanted);
select is(testing.failure(format('select postern.check_width(%L, %L, %L)', columns, fields, children)), wanted, concat_ws(' ', 'check_width', left(columns, 20), left(fields, 40), left(children, 40)))
from (values
  ('[]', '[]', '[]', null),
  ('[1,2,3]', '[' || repeat('{"name": "*"},', 532) || '{"name": "*"}]', '[]', null),
  ('[1,2,3]', '[' || repeat('{"name": "*"},', 533) || '{"name": "*"}]', '[]', 'PGRST100'),
  ('[1,2,3]', '[' || repeat('{"name": "*", "aggregate": "count"},', 533) || '{"name": "*"}]', '[]', null),
  ('[]', '[' || repeat('{"name": "a"},', 1598) || '{"name": "a"}]', '[{"label": "r"}]', null),
  ('[]', '[' || repeat('{"name": "a"},', 1598) || '{"name": "a"}]', '[{"label": "r"}, {"label": "s"}]', 'PGRST100'),
  ('[]', '[' || repeat('{"name": "a"},', 1598) || '{"name": "a"}]', '[{"spread": true, "outputs": [{}]}]', null),
  ('[]', '[' || repeat('{"name": "a"},', 1598) || '{"name": "a"}]', '[{"spread": true, "outputs": [{}, {}]}]', 'PGRST100')
) as cases(columns, fields, children, wanted);
select is(postern.plan_child(pg_temp.context(), pg_temp.relation('room'), item::jsonb, 1) - '{oid,relationship}'::text[], wanted::jsonb, 'plan_child ' || item)
from (values
  ('{"type": "relation", "name": "house", "hint": "house_id", "join": "inner", "select": []}', '{"name": "house", "label": "house", "depth": 1, "join": "inner", "items": []}'),
  ('{"type": "relation", "name": "house_id", "alias": "h", "select": []}', '{"name": "house_id", "label": "h", "alias_given": "h", "depth": 1, "items": []}'),
  ('{"type": "spread", "name": "other_id", "select": []}', '{"name": "other_id", "label": "other_id", "depth": 1, "spread": true, "items": []}')
) as cases(item, wanted);
select is(testing.failure(format('select postern.plan_child(%L, %L, %L, 1)', pg_temp.context(), pg_temp.relation('room'), item)), wanted, 'plan_child ' || item)
from (values
  ('{"type": "relation", "name": "nothing", "select": []}', 'PGRST200'), ('{"type": "relation", "name": "house", "select": []}', 'PGRST201'),
  ('{"type": "relation", "name": "house", "hint": "nothing", "select": []}', 'PGRST200')
) as cases(item, wanted);
create function pg_temp.children(entries jsonb, more jsonb default '{}') returns jsonb language sql as $$
  select postern.plan_children(pg_temp.context(more), jsonb_build_array(
    postern.plan_child(pg_temp.context(), pg_temp.relation('room'), '{"type": "relation", "name": "house_id", "alias": "h", "select": [{"type": "field", "name": "id"}]}', 1)), entries) $$;
select is(pg_temp.children('[{"kind": "filter", "embed": ["h"], "name": "id", "expr": {"operator": "eq", "param": 2}}]') #> '{0,where}',
  '[{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 2}, "builtin": true}]', 'plan_children hands entries down');
select is(pg_temp.children('[{"kind": "limit", "embed": ["house_id"], "param": 2}]') #> '{0}' @> '{"legacy": true, "limit": {"param": 2}}', true, 'plan_children: by the name of the relation');
select is(pg_temp.children('[{"kind": "limit", "embed": ["h"], "param": 2}]') #> '{0}' ? 'legacy', false, 'plan_children: by alias');
select is(testing.failure(format('select pg_temp.children(%L, %L)', entries, more)), 'PGRST108', concat_ws(' ', 'plan_children', entries, more))
from (values
  ('[{"kind": "limit", "embed": ["house_id"], "param": 2}]', '{"legacy": false}'), ('[{"kind": "limit", "embed": ["x"], "param": 2}]', '{}'),
  ('[{"kind": "limit", "embed": ["h", "x"], "param": 2}]', '{}')
) as cases(entries, more);
select is(jsonb_path_query_array(postern.plan_embeds(pg_temp.context(), pg_temp.relation('room'), '[{"type": "field", "name": "id"}, {"type": "relation", "name": "other_id", "select": []},
  {"type": "relation", "name": "house_id", "select": []}]', '[{"kind": "limit", "embed": ["house_id"], "param": 2}]', 3), '$[*].keyvalue() ? (@.key like_regex "^(label|depth|limit)$").value'),
  '[4, "other_id", 4, "house_id", {"param": 2}]', 'plan_embeds: all embeds of select, with what is theirs');
select is(postern.plan_node(pg_temp.context(), pg_temp.relation('room'), postern.relation_columns('rooms.room'::regclass), '[]', '[]', 1) -> 'fields', '[]', 'plan_node: an embed may be empty');

-- Calls, writes and media types.
select is(postern.takes_arguments(args::jsonb, keys, raw), wanted, concat_ws(' ', 'takes_arguments', args, keys, raw))
from (values
  ('[]', '{}'::text[], false, true), ('[]', '{}', true, false), ('[]', '{a}', false, false),
  ('[{"name": "a", "required": true}]', '{a}', false, true), ('[{"name": "a", "required": true}]', '{}', false, false), ('[{"name": "a", "required": true}]', '{a,b}', false, false),
  ('[{"name": "a", "required": true}, {"name": "b", "required": false}]', '{a}', false, true), ('[{"name": "a", "required": false}]', '{}', false, true)
) as cases(args, keys, raw, wanted);
select is(postern.payload_keys(trees::jsonb), wanted, 'payload_keys ' || trees)
from (values
  ('{"columns": ["b", "a"], "payload": {"form": "{"}}', '{b,a}'::text[]), ('{"payload": {"form": "{", "keys": ["x", "y"]}}', '{x,y}'),
  ('{"columns": ["b"], "payload": {"form": "[", "keys": ["x"]}}', '{x}'), ('{"payload": {"form": "["}}', '{}')
) as cases(trees, wanted);
select is(postern.media_producer(wanted::jsonb, handlers::jsonb, default_select) ->> 'handler', producer, concat_ws(' ', 'media_producer', wanted, handlers, default_select))
from (values
  ('{"kind": "any", "name": "*/*"}', '[]', true, 'json'), ('{"kind": "object", "name": "application/vnd.pgrst.object+json"}', '[]', true, 'object'),
  ('{"kind": "array", "name": "application/vnd.pgrst.array+json", "strip": true}', '[]', true, 'json'), ('{"kind": "other", "name": "text/csv"}', '[]', true, 'csv'),
  ('{"kind": "other", "name": "application/geo+json"}', '[]', true, 'geojson'), ('{"kind": "other", "name": "image/png"}', '[]', true, null),
  ('{"kind": "other", "name": "image/png"}', '[{"media": "image/png", "any": true, "kind": "aggregate", "resolved": "image/png"}]', false, 'aggregate'),
  ('{"kind": "other", "name": "image/png"}', '[{"media": "image/png", "any": false, "kind": "aggregate", "resolved": "image/png"}]', false, null),
  ('{"kind": "other", "name": "text/csv"}', '[{"media": "*/*", "any": false, "kind": "function", "resolved": "text/csv"}]', true, 'function')
) as cases(wanted, handlers, default_select, producer);

-- Reads.
select is(postern.is_default_select(node::jsonb), wanted, 'is_default_select ' || node)
from (values
  ('{"children": [], "select_items": [{"type": "field", "name": "*"}]}', true), ('{"children": [], "select_items": []}', true),
  ('{"children": [], "select_items": [{"type": "field", "name": "id"}]}', false), ('{"children": [{}], "select_items": [{"type": "field", "name": "*"}]}', false)
) as cases(node, wanted);
-- Code of the user's.
create function rooms.sure(name text) returns boolean language plpgsql as $$ begin return true; end $$;
create function rooms.guess(rooms.house) returns int language plpgsql as $$ begin return 1; end $$;
create function rooms.loud(rooms.house) returns text language sql immutable as $$ select upper($1.name) $$;
create table rooms.guarded (id int primary key);
alter table rooms.guarded enable row level security;
create policy sure on rooms.guarded using (rooms.sure(id::text));
create view rooms.guessed as select id, rooms.sure(name) from rooms.house;
create function pg_temp.code(name text, query text) returns text language sql as $$
  select postern.node_code(postern.plan_root(pg_temp.context(), relation, postern.relation_columns((relation ->> 'oid')::oid), testing.trees('/' || name || '?' || query)))
  from postern.find_relation('rooms', name) as relation $$;
select is(pg_temp.code(name, query), wanted, concat_ws(' ', 'node_code', name, query))
from (values
  ('room', '', null), ('house', 'select=id,room!room_house_id_fkey(id)', 'stable'), ('guarded', '', 'volatile'), ('guessed', '', 'volatile'),
  ('house', 'select=guess', 'volatile'), ('house', 'select=id&guess=eq.1', 'volatile'), ('room', 'select=id,house!room_house_id_fkey(guess)', 'volatile'), ('room', 'select=id,house!room_house_id_fkey(id,loud)', 'stable'), ('house', 'select=code', 'stable'), ('house', 'select=polymorphic', 'volatile')
) as cases(name, query, wanted);
select isnt(pg_temp.code('house', 'select=id,best(id)'), null, 'node_code of a computed relationship');
select is(postern.with_code(context::jsonb, media::jsonb, code) - 'epoch', wanted::jsonb, concat_ws(' ', 'with_code', context, media, code))
from (values
  ('{"epoch": "a"}', null, null, '{}'), ('{}', '{"explain": "x"}', 'stable', '{"explain": true, "code": "stable"}'),
  ('{"pre_request": "f"}', null, 'stable', '{"pre_request": "f", "code": "volatile"}')
) as cases(context, media, code, wanted);
select is(postern.code_flags(context::jsonb, node::jsonb), wanted::jsonb, concat_ws(' ', 'code_flags', context, node))
from (values
  ('{"preferences": {}}', '{"children": []}', '{}'), ('{"preferences": {}, "code": "stable"}', '{"children": []}', '{"code": true}'),
  ('{"preferences": {"timezone": "UTC"}, "code": "volatile"}', '{"children": [], "where": [{"field": {"name": "a"}, "expr": {"operator": "like", "param": 4}, "like": 4}]}',
    '{"code": true, "dirty": true, "likes": [4], "settings": {"timezone": "UTC"}}')
) as cases(context, node, wanted);
select is(postern.legacy_warning(node::jsonb) is null, silent, 'legacy_warning ' || node)
from (values ('{"children": []}', true), ('{"children": [{"label": "a", "name": "b", "children": []}]}', true),
  ('{"children": [{"label": "a", "name": "b", "children": [{"label": "c", "name": "d", "legacy": true, "children": []}]}]}', false)) as cases(node, silent);
select matches((postern.legacy_warning('{"children": [{"label": "a", "name": "b", "legacy": true, "children": []}]}'))[1][2], '^299 postern ".*a in place of b"$', 'legacy_warning says what to write');
select is(postern.unusual_code(node::jsonb), wanted, 'unusual_code ' || node)
from (values ('{"fields": [{"name": "a", "cast": "text"}], "order": [{"field": {"name": "a"}}]}', null),
  ('{"fields": [{"name": "a", "aggregate": "max", "aggregate_cast": "store.nope"}]}', 'volatile'), ('{"fields": [{"name": "a", "cast": "postern.compiled"}]}', 'volatile'),
  ('{"fields": [{"name": "a", "set": {}}]}', 'volatile'), ('{"fields": [], "children": [{"oid": ' || 'pg_class'::regclass::oid || '}], "order": [{"child": 0, "field": {"name": "relname"}}]}', null),
  ('{"fields": [], "children": [{"oid": ' || 'pg_class'::regclass::oid || '}], "order": [{"child": 0, "field": {"name": "rank"}}]}', 'volatile')) as cases(node, wanted);
create function store.checks_calmly() returns void language sql stable as '';
create function store.checks(strictly boolean default true) returns void language sql stable as '';
create function store.checks_wildly() returns void language sql as '';
select is(postern.pre_request_code(name), wanted, 'pre_request_code ' || name)
from (values ('store.checks_calmly', 'stable'), ('store.checks_wildly', 'volatile'), ('store.checks', 'volatile'), ('checks_calmly', 'volatile'),
  ('store.nope', 'volatile'), ('pg_catalog.now', 'stable'), ('store.a''b"', 'volatile')) as cases(name, wanted);
select is(postern.for_media('{"a": 1}', media::jsonb) ? 'jsonb', wanted, 'for_media ' || coalesce(media, 'none'))
from (values ('{"handler": "json"}', false), ('{"handler": "object"}', false), ('{"handler": "csv"}', true), ('{"handler": "aggregate"}', true), (null, false)) as cases(media, wanted);
select is(postern.writes_text(context::jsonb, media::jsonb, node::jsonb), wanted, concat_ws(' ', 'writes_text', context, media, node))
from (values
  ('{"method": "GET"}', '{"handler": "json", "strip": false}', '{}', true), ('{"method": "HEAD"}', '{"handler": "json", "strip": false}', '{}', false),
  ('{"method": "GET", "escapes": true}', '{"handler": "json", "strip": false}', '{}', false), ('{"method": "GET"}', '{"handler": "json", "strip": true}', '{}', false),
  ('{"method": "GET"}', '{"handler": "csv", "strip": false}', '{}', false), ('{"method": "GET"}', '{"handler": "json", "strip": false}', '{"single": true}', false)
) as cases(context, media, node, wanted);
select is(made.statement like '%postern.tagged(%', wanted, concat_ws(' ', 'compiled_read', more, media))
from (values ('{}', '{"handler": "json"}', false), ('{"tags": true}', '{"handler": "json"}', true), ('{"tags": true}', '{"handler": "json", "explain": "explain"}', false)) as cases(more, media, wanted),
  lateral (select postern.find_relation('rooms', 'house')) as found(relation),
  lateral (select pg_temp.context('{"preferences": {}, "parameters": 2, "described": true, "max_cost": 0}') || more::jsonb) as whole(context),
  lateral (select postern.plan_root(context, relation, postern.relation_columns((relation ->> 'oid')::oid), testing.trees('/house')) || '{"alias": "house"}') as planned(node),
  lateral (select * from postern.compiled_read(context, relation, node, media::jsonb, 'select null::text as body, ''200'' as status, '''' as headers, null as note')) as made;
select is(postern.common_headers(context::jsonb, media::jsonb, '{count}'), wanted, concat_ws(' ', 'common_headers', context, media))
from (values
  ('{"preferences": {}}', '{"media": {"name": "text/csv", "charset": true}}', array[['Content-Type', 'text/csv; charset=utf-8']]),
  ('{"profile": "a", "preferences": {}}', null, null::text[]),
  ('{"profile": "a", "preferences": {}}', '{"media": {"name": "text/csv", "charset": true}}', array[['Content-Type', 'text/csv; charset=utf-8'], ['Content-Profile', 'a']])
) as cases(context, media, wanted);
select is(postern.plan_media(pg_temp.context('{"accept": "text/csv", "preferences": {}}'), '{"children": [], "select_items": []}', 'house') ->> 'handler', 'csv', 'plan_media');
select is(testing.failure(format('select postern.plan_media(%L, %L, %L)', pg_temp.context('{"accept": "image/png", "preferences": {}}'), '{"children": [], "select_items": []}', 'house')), 'PGRST107', 'plan_media of what nobody makes');
select is(postern.compiled_statement(context::jsonb, 'select $2::pg_catalog.json', media::jsonb, flags::jsonb)::text::postern.compiled, row('select $2::pg_catalog.json', wanted::jsonb)::postern.compiled, concat_ws(' ', 'compiled_statement', context, media, flags))
from (values
  ('{"parameters": 3, "epoch": "e", "method": "GET", "described": true, "preferences": {}, "tx_end": "commit"}', null, '{}', '{"params": ["text", "json", "text"], "epoch": "e", "keep": true, "read_only": true}'),
  ('{"parameters": 2, "epoch": "e", "method": "POST", "described": false, "text": "[]", "preferences": {}, "tx_end": "commit"}', '{"handler": "aggregate"}', '{"dirty": true}',
    '{"params": ["text", "json"], "epoch": "e", "keep": false, "text": "[]", "binary": true, "dirty": true}'),
  ('{"parameters": 2, "epoch": "e", "method": "POST", "described": true, "preferences": {"tx": "rollback"}, "tx_end": "commit-allow-override"}', null, '{}',
    '{"params": ["text", "json"], "epoch": "e", "keep": false, "rollback": true}'),
  ('{"parameters": 2, "epoch": "e", "method": "POST", "described": true, "preferences": {}, "tx_end": "rollback"}', null, '{}', '{"params": ["text", "json"], "epoch": "e", "keep": false, "rollback": true}'),
  ('{"parameters": 2, "epoch": "e", "method": "POST", "described": true, "preferences": {"tx": "commit"}, "tx_end": "rollback-allow-override"}', null, '{}',
    '{"params": ["text", "json"], "epoch": "e", "keep": false}')
) as cases(context, media, flags, wanted);
select matches((postern.compiled_statement('{"parameters": 2, "epoch": "e", "method": "GET", "preferences": {}}', 'select $1', '{"explain": "format json", "handler": "json", "media": {"name": "x"}}')).statement,
  'postern\.explained\(''format json'', pg_catalog\.format\(''select %1\$L'', \$1\)\)', 'compiled_statement of a plan');
select matches((postern.compile_read(pg_temp.context('{"method": "GET", "accept": "*/*", "preferences": {}, "parameters": 2, "epoch": "e"}'), 'house', testing.trees('/house'))).statement, ' from rooms\.house as house\)', 'compile_read');
select is(testing.failure(format('select postern.compile_read(%L, %L, %L)', pg_temp.context('{"method": "GET", "preferences": {}}'), 'nothing', testing.trees('/house'))), 'PGRST205', 'compile_read of nothing');

select is(jsonb_path_query_array(postern.plan_where(postern.relation_columns('rooms.house'::regclass), 'rooms.house'::regclass, entries::jsonb), '$[*].field.name'), wanted::jsonb, 'plan_where ' || entries)
from (values
  ('[{"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "eq", "param": 2}}, {"kind": "filter", "embed": ["room"], "name": "size", "expr": {"operator": "eq", "param": 3}}]', '["id"]'),
  ('[{"kind": "limit", "embed": [], "value": "3"}]', null)
) as cases(entries, wanted);

select is(postern.node_alias(name, depth, root), wanted, concat_ws(' ', 'node_alias', name, depth, root))
from (values
  ('room', 0, 'room', 'room'), ('room', 2, 'house', 'room_2'), ('room', 1, 'room_1', 'pgrst_relation_1'), ('room', 2, 'room_1', 'room_2'),
  ('pgrst_body', 0, 'pgrst_body', 'pgrst_relation_0'), ('excluded', 0, 'excluded', 'pgrst_relation_0'), ('pgrst_x', 3, 'house', 'pgrst_relation_3'),
  (repeat('r', 60), 32, 'house', repeat('r', 60) || '_32'), (repeat('r', 61), 1, 'house', 'pgrst_relation_1'), (repeat('ü', 31), 1, 'house', 'pgrst_relation_1')
) as cases(name, depth, root, wanted);

-- Types as they stand in a statement.
select is(postern.type_reference(name), wanted, 'type_reference ' || name)
from (values ('text', 'pg_catalog.text'), ('text[]', 'pg_catalog.text[]'), ('"char"', 'pg_catalog."char"'), ('TEXT', 'pg_catalog.TEXT'), ('text array', 'pg_catalog.text array'),
  ('bpchar', 'pg_catalog.bpchar'), ('integer', 'integer'), ('integer[]', 'integer[]'), ('bit(3)', 'bit(3)'), ('character varying(20)', 'character varying(20)'),
  ('timestamp without time zone', 'timestamp without time zone'), ('timestamptz', 'pg_catalog.timestamptz'), ('numeric(3,2)', 'numeric(3,2)'),
  ('rooms.mood', 'rooms.mood'), ('"Odd"."X"', '"Odd"."X"')) as cases(name, wanted);
select is(array(select name from pg_type as t, lateral (select format_type(t.oid, null) as name) as named
    where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm') and to_regtype(postern.type_reference(name)) is distinct from t.oid), '{}', 'every type is found');

select * from finish();
rollback;
