-- What is asked of the results of aggregates, planned.
begin;
select no_plan();
create schema sums;
create table sums.parents (id int primary key, kind text);
create table sums.orders (id int primary key, category text, amount int, code varchar(9), data jsonb) inherits (sums.parents);
create table sums.distinct (id int primary key, order_id int references sums.orders);
create function sums.shout(sums.orders) returns text language sql immutable as $$ select upper($1.category) $$;
create function sums.kindly(sums.parents) returns text language sql immutable as $$ select upper($1.kind) $$;
create function sums.lots(lowest int, out category text, out total bigint) returns setof record language sql stable as $$ select 'a', 1::bigint $$;

select is(postern.names_row('sums.orders'::regclass, null, name), wanted, name)
from (values ('category', true), ('kind', true), ('tableoid', true), ('shout', true), ('kindly', true), ('to_jsonb', true), ('pg_typeof', true), ('row_to_json', true),
  ('n', false), ('count', false), ('json_agg', false), ('upper', false), ('lots', false)) as cases(name, wanted);
select is(postern.names_row(null, 'sums.lots'::regproc, name), wanted, 'of a function: ' || name)
from (values ('total', true), ('category', true), ('lowest', false), ('shout', false)) as cases(name, wanted);

create function map() returns jsonb language sql as $$ select postern.column_map(postern.relation_columns('sums.orders'::regclass)) $$;
select is(postern.result_type(aggregate, field, map())::regtype::text, wanted, concat_ws(' ', aggregate, field))
from (values
  ('count', '{"name": "category"}'::jsonb, 'bigint'), ('sum', '{"name": "amount"}', 'bigint'), ('avg', '{"name": "amount"}', 'numeric'), ('max', '{"name": "category"}', 'text'),
  ('min', '{"name": "code"}', 'character varying'), ('max', '{"name": "data", "path": [{"op": "->>", "key": "a"}]}', 'text'), ('max', '{"name": "data", "path": [{"op": "->", "key": "a"}]}', null),
  ('sum', '{"name": "category", "cast": "numeric"}', 'numeric'), ('sum', '{"name": "amount", "aggregate_cast": "pg_catalog.text"}', 'text'), ('sum', '{"column": "s1_f1$"}', null)
) as cases(aggregate, field, wanted);

create function outputs() returns jsonb language sql as $$
  select '[{"column": "f1$", "label": "category", "field": 1}, {"column": "f2$", "label": "n", "field": 2, "aggregate": "sum", "distinct": true},
    {"column": "f3$", "label": "twice", "field": 2, "aggregate": "max"}, {"column": "f4$", "label": "twice", "field": 2, "aggregate": "min"}]'::jsonb $$;
create function fields() returns jsonb language sql as $$ select '[{"name": "category"}, {"name": "amount"}]'::jsonb $$;
select is(postern.find_result(outputs(), fields(), map(), 'n'),
  '{"column": "f2$", "aggregate": "sum", "distinct": true, "base": "bigint", "operators": "builtin"}', 'a result');
select is(postern.find_result(outputs(), fields(), map(), 'category'), null, 'no aggregate');
select throws_ok($$ select postern.find_result(outputs(), fields(), map(), 'twice') $$, '42702');
select throws_ok('select postern.no_aggregates()', 'PNERR');

select is(postern.plan_results(asked, outputs(), fields(), map(), 'sums.orders'::regclass, null), wanted, asked::text)
from (values
  ('{"where": [{"field": {"name": "category"}, "expr": {"operator": "eq"} }]}'::jsonb, '{"where": [{"field": {"name": "category"}, "expr": {"operator": "eq"} }]}'::jsonb),
  ('{"order": [{"name": "count", "field": {"name": "count"} }]}', '{"where": null, "having": null, "own_groups": null, "order": [{"name": "count", "column": "*", "aggregate": "count"}]}'),
  ('{"order": [{"name": "n", "field": {"name": "n"} }]}',
    '{"where": null, "having": null, "own_groups": true, "order": [{"name": "n", "column": "f2$", "aggregate": "sum", "distinct": true}]}'),
  ('{"where": [{"field": {"name": "n"}, "expr": {"operator": "gt"} }]}',
    '{"where": null, "own_groups": true, "order": null, "having": [{"column": "f2$", "aggregate": "sum", "distinct": true, "expr": {"operator": "gt"}, "builtin": true}]}')
) as cases(asked, wanted);

create function results() returns jsonb language sql as $$ select '{"n": {"column": "f2$", "aggregate": "sum", "base": "bigint", "operators": "builtin"} }'::jsonb $$;
select is(postern.split_conditions(
  '[{"field": {"name": "a"} }, {"operator": "and", "not": false, "of": [{"field": {"name": "b"} }, {"field": {"name": "n"}, "expr": {"operator": "like"} }]},
    {"operator": "and", "not": true, "of": [{"field": {"name": "b"} }, {"field": {"name": "n"}, "expr": {"operator": "lt"} }]}]', results()),
  '{"where": [{"field": {"name": "a"} }, {"field": {"name": "b"} }], "having": [{"column": "f2$", "aggregate": "sum", "expr": {"operator": "like"} },
    {"operator": "and", "not": true, "of": [{"field": {"name": "b"} }, {"column": "f2$", "aggregate": "sum", "builtin": true, "expr": {"operator": "lt"} }]}]}', 'an and is taken apart');
select throws_ok($$ select postern.having_condition('{"operator": "or", "of": [{"exists": 0}]}', results()) $$, '42803');

create function node() returns jsonb language sql as $$
  select jsonb_build_object('oid', 'sums.orders'::regclass::oid, 'relation', 'orders', 'fields', '[{"name": "category", "label": "category"}, {"name": "id", "label": "x"}]'::jsonb) $$;
select is(postern.group_column(node(), '[]', '{"name": "category", "field": {"name": "category"} }'), '{"column": "f1$", "hidden": []}', 'grouped by');
select is(postern.group_column(node(), '[]', '{"name": "amount", "field": {"name": "amount"} }'),
  '{"column": "pgrst_g1", "hidden": [{"column": "pgrst_g1", "field": {"name": "amount"} }]}', 'the key decides it');
select throws_ok($$ select postern.group_column(node() || '{"fields": []}', '[]', '{"name": "amount"}') $$, '42803');
select is(postern.group_condition(node(), '[]', '{"operator": "or", "of": [{"column": "f9$"}, {"field": {"name": "amount"} }, {"field": {"name": "category"} }]}'),
  '{"tree": {"operator": "or", "of": [{"column": "f9$"}, {"field": {"name": "amount"}, "column": "pgrst_g1"}, {"field": {"name": "category"}, "column": "f1$"}]},
    "hidden": [{"column": "pgrst_g1", "field": {"name": "amount"} }]}', 'a tree');

select is(postern.groups_rows(outputs(), embed, to_one), wanted, concat_ws(' ', embed, to_one))
from (values ('{}'::jsonb, false, true), ('{"spread": true}', true, false)) as cases(embed, to_one, wanted);
select throws_ok($$ select postern.groups_rows(outputs(), '{"spread": true}', false) $$, 'PNERR');

create function without(items jsonb, embed jsonb default '{}', aggregates boolean default true, relation text default 'sums.parents') returns jsonb language sql as $$
  select postern.without_distinct(jsonb_build_object('schema', 'sums', 'schemas', '["sums"]'::jsonb, 'aggregates', aggregates),
    jsonb_build_object('oid', relation::regclass::oid), items, embed) $$;
create function sign() returns jsonb language sql as $$ select '[{"type": "relation", "name": "distinct", "select": []}]'::jsonb $$;
select is(without(sign() || '[{"type": "field", "name": "kind"}]'), '[{"type": "field", "name": "kind"}]', 'the rest');
select is(without(sign()), '[{"type": "field", "name": "*"}]', 'all columns');
select is(without('[{"type": "relation", "name": "distinct", "select": [], "alias": "x"}]'), null, 'an alias: an embed');
select is(without(sign(), '{}', true, 'sums.orders'), null, 'it is embedded');
select is(testing.failure($$ select without(sign(), '{"spread": true}') $$), 'PGRST127', 'in a spread');
select is(testing.failure($$ select without(sign(), '{}', false) $$), 'PGRST123', 'aggregates are off');
select is(testing.failure($$ select without(sign(), '{}', true, null) $$), 'PGRST127', 'all of what is not known');

select * from finish();
rollback;
