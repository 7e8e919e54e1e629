-- What the planner decides about a node as a whole: what it yields, how its embeds are read, what is written.
begin;
select no_plan();

create schema orchard;
create table orchard.tree (row int, col int, kind text, words tsvector, primary key (row, col));
create table orchard.branch (id int primary key, row int, col int, height int, payload jsonb, foreign key (row, col) references orchard.tree);
create table orchard.apple (id int primary key, branch_id int references orchard.branch, weight int);
create table orchard.picker (id int primary key, name text);
create table orchard.picks (apple_id int references orchard.apple, picker_id int references orchard.picker, primary key (apple_id, picker_id));
insert into orchard.tree select r, c from generate_series(1, 4) as r, generate_series(1, 3) as c;
insert into orchard.branch select 100 - i from generate_series(1, 60) as i;
create function orchard.twigs(orchard.tree) returns setof orchard.branch language sql stable as 'select * from orchard.branch where row = $1.row';
create function orchard.vector(orchard.tree) returns tsvector language sql immutable as $$ select to_tsvector('simple', $1.kind) $$;
select set_config('postern.path', 'orchard, public', true);
create function pg_temp.node(target text)
returns jsonb
language sql
as $$
  select postern.plan_root('{"schema": "orchard", "schemas": ["orchard"], "aggregates": true, "legacy": true}', relation,
    postern.relation_columns((relation ->> 'oid')::oid), testing.trees(target))
  from postern.find_relation('orchard', substring(target from '^/([a-z]+)')) as relation
$$;

-- What a node yields.
select is(postern.column_field(item::jsonb), wanted::jsonb, 'column_field ' || item)
from (values
  ('{"name": "a", "base": "integer", "type_oid": 23, "nullable": false}', '{"name": "a", "label": "a", "form": "bare", "type": "integer", "nullable": false}'),
  ('{"name": "a", "base": "text", "type_oid": 25, "nullable": true}', '{"name": "a", "label": "a", "form": "text", "nullable": true}'),
  ('{"name": "a", "base": "tsvector", "type_oid": 3614, "nullable": true}', '{"name": "a", "label": "a", "tsvector": true}')
) as cases(item, wanted);
select is(postern.plan_outputs(fields::jsonb, children::jsonb), wanted::jsonb, concat_ws(' ', 'plan_outputs', fields, children))
from (values
  ('[]', '[]', '[]'),
  ('[{"name": "*", "label": "*"}]', '[]', '[{"column": "*", "label": "*", "field": 1}]'),
  ('[{"name": "a", "label": "b", "form": "bare", "type": "integer", "nullable": false}, {"name": "*", "label": "count", "aggregate": "count"}]', '[]',
    '[{"column": "f1$", "label": "b", "field": 1, "form": "bare", "type": "integer", "nullable": false}, {"column": "f2$", "label": "count", "field": 2, "aggregate": "count"}]'),
  ('[]', '[{"label": "x", "empty": true}, {"label": "y"}, {"label": "z", "spread": true, "relationship": {"to_one": true}, "outputs": [{"column": "f1$", "label": "l", "field": 1, "form": "text", "nullable": false}, {"column": "f2$", "label": "m", "aggregate": "sum"}]}]',
    '[{"column": "e2", "label": "y", "child": 2}, {"column": "s3_f1$", "label": "l", "child": 3, "inner": "f1$", "form": "text", "nullable": true}, {"column": "s3_f2$", "label": "m", "child": 3, "inner": "f2$", "aggregate": "sum"}]'),
  ('[]', '[{"label": "z", "spread": true, "relationship": {"to_one": false}, "outputs": [{"column": "f1$", "label": "l", "field": 1, "form": "text", "nullable": false}]}]',
    '[{"column": "s1_f1$", "label": "l", "child": 1, "inner": "f1$", "form": "bare", "type": "json", "nullable": false}]')
) as cases(fields, children, wanted);
select is(postern.plan_outputs(format('[{"name": "a", "label": "%s"}]', repeat('ü', 40))::jsonb, '[]') -> 0 ->> 'label', repeat('ü', 31), 'a label is as long as PostgreSQL leaves it');
select is(postern.folds(fields::jsonb, postern.column_map(postern.relation_columns('orchard.tree'::regclass)), 'orchard.tree'::regclass), wanted, 'folds ' || fields)
from (values ('[{"name": "count"}]', true), ('[{"name": "row"}, {"name": "json_agg"}]', true), ('[{"name": "kind"}]', false), ('[{"name": "sum"}]', false), ('[{"name": "nothing"}]', false)) as cases(fields, wanted);
create function orchard.count(orchard.tree) returns int language sql as 'select 1';
select is(postern.folds('[{"name": "count"}]', '{}', 'orchard.tree'::regclass), false, 'a computed field of that name is meant');
drop function orchard.count;
select is(postern.with_computed('{"kind": {}}', 'orchard.tree'::regclass, entries::jsonb), wanted::jsonb, 'with_computed ' || entries)
from (values ('[{"name": "vector", "expr": {"operator": "wfts"}}]', '{"kind": {}, "vector": {"name": "vector", "base": "tsvector"}}'), ('[{"tree": {"of": [{"expr": {"operator": "fts"}}]}}]', '{"kind": {}, "vector": {"name": "vector", "base": "tsvector"}}'),
  ('[{"name": "vector", "expr": {"operator": "eq"}}]', '{"kind": {}}'), ('[]', '{"kind": {}}')) as cases(entries, wanted);
select is(postern.with_computed('{}', null, '[{"expr": {"operator": "fts"}}]'), '{}', 'with_computed: of no relation');
select is(postern.plan_likes(pg_temp.node(target)), wanted::jsonb, 'plan_likes ' || target)
from (values ('/picker?name=like.#&id=eq.#', '[3]'), ('/tree?kind=eq.#&or=(kind.ilike.#,and(kind.not.like(any).#,row.eq.#))', '[4, 5]'), ('/apple?select=id,picker(id)&picker.name=like.#', '[3]'), ('/picker?id=eq.1', '[]')) as cases(target, wanted);
select is(postern.plan_filter('{}', '{"name": "a", "expr": {"operator": "ilike", "quantifier": "all", "value": "{a*,*}"}}', '[]'),
  '{"field": {"name": "a"}, "expr": {"operator": "ilike", "quantifier": "all", "value": "{a%,%}"}}', 'a literal pattern');

create function orchard.twins(orchard.picker) returns setof int language sql immutable as 'values ($1.id), ($1.id)';
select is(postern.with_sets('[{"name": "id"}, {"name": "twins"}]', '{"id": {}}', 'orchard.picker'::regclass), '[{"name": "id"}, {"name": "twins", "set": {"schema": "orchard", "name": "twins"}}]', 'with_sets');
select is(postern.with_sets('[{"name": "twins"}]', '{"twins": {}}', 'orchard.picker'::regclass), '[{"name": "twins"}]', 'a column is no set, whatever function has its name');
select is(pg_temp.node('/picker?select=id,twins&id=eq.1') ? 'single', false, 'a set makes one row several');
select is(postern.plan_rows(pg_temp.node('/picker?select=id,twins'), origin, false) #> '{fields,1}' ? 'set', wanted, 'plan_rows: a set is called over the rows of a ' || origin)
from (values ('relation', false), ('write', true), ('call', true)) as cases(origin, wanted);
select is(jsonb_path_query_array(postern.plan_rows(pg_temp.node('/picker?order=twins'), origin, false), '$.fields[*].name'), wanted, 'plan_rows: what is ordered by is no column of the answer of a ' || origin)
from (values ('relation', '["*"]'::jsonb), ('call', '["id", "name"]')) as cases(origin, wanted);

-- Groups.
select is(pg_temp.node(target) #> '{order,0,column}', wanted::jsonb, 'ordered by ' || target)
from (values
  ('/branch?select=height,id.count()&order=height', '"f1$"'), ('/branch?select=height::text,id.count()&order=height', '"pgrst_g1"'), ('/branch?select=payload->a,id.count()&order=payload->a', '"f1$"'),
  ('/branch?select=payload,id.count()&order=payload->i', '"pgrst_g1"'), ('/branch?select=id,count()&order=height.desc', '"pgrst_g1"'), ('/tree?select=col,row,count()&order=kind', '"pgrst_g1"'),
  ('/branch?select=...tree(kind),count()&order=tree(kind)', '"s1_f1$"'), ('/branch?select=...tree(x:kind),count()&order=tree(x)', '"s1_f1$"')
) as cases(target, wanted);
select is(pg_temp.node('/branch?select=id,count()&order=height.desc,col') -> 'hidden', '[{"column": "pgrst_g1", "field": {"name": "height"}}, {"column": "pgrst_g2", "field": {"name": "col"}}]', 'plan_grouped: what is ordered by besides');
select throws_ok(format('select pg_temp.node(%L)', target), '42803', null, 'not grouped by: ' || target)
from unnest('{/branch?select=height\,id.count()&order=id,/tree?select=row\,count()&order=kind,/branch?select=x:id::text\,count()&order=height,/branch?select=x:height::text\,count()&order=height,/branch?select=tree(kind)\,id.sum()&order=tree(kind),/branch?select=...tree(kind)\,count()&order=tree(row)}'::text[]) as target;
select is(postern.grouped_column(jsonb_build_object('fields', jsonb_build_array(field)), '{"name": "a"}'), null, 'grouped_column: not ' || field::text)
from unnest('{"{\"name\": \"a\", \"aggregate\": \"sum\"}","{\"name\": \"a\", \"cast\": \"text\"}","{\"name\": \"a\", \"transform\": \"f\"}"}'::jsonb[]) as field;
select is(testing.failure(format('select postern.not_grouped(%L, %L)', jsonb_build_object('oid', 'orchard.tree'::regclass::oid::bigint, 'relation', 'tree'), term)), wanted, 'not_grouped ' || term)
from (values ('{"name": "kind"}', '42803'), ('{"name": "vector"}', '42803'), ('{"name": "x", "child": 0}', '42803'), ('{"name": "x"}', '42703')) as cases(term, wanted);
select is(postern.uncast_groups(jsonb_build_object('oid', 'orchard.branch'::regclass::oid::bigint, 'fields', fields::jsonb)), wanted::jsonb, 'uncast_groups ' || fields)
from (values
  ('[{"name": "a", "label": "a"}]', '[]'), ('[{"name": "a", "label": "x", "cast": "text"}, {"name": "a", "label": "a", "cast": "text", "path": []}, {"name": "a", "label": "a", "cast": "text", "aggregate": "sum"}]', '[]'),
  ('[{"name": "b", "label": "b"}, {"name": "a", "label": "a", "cast": "text", "transform": "f"}]', '[{"column": "pgrst_g1", "field": {"name": "a", "label": "a"}}]')
) as cases(fields, wanted);
select is(postern.hidden_column('[{"column": "pgrst_g1", "field": {"name": "a"}}]', term::jsonb), wanted, 'hidden_column ' || term)
from (values ('{"name": "a"}', 'pgrst_g1'), ('{"name": "b"}', null), ('{"name": "a", "path": []}', null), ('{"name": "a", "child": 0}', null)) as cases(term, wanted);
select is(postern.follows_group(jsonb_build_object('oid', 'orchard.branch'::regclass::oid::bigint, 'fields', '[{"name": "id"}]'::jsonb), '{"name": "height"}'), true, 'follows_group: the key');
select is(postern.grouped('{"children": [{"spread": true, "children": [{"spread": true, "children": []}]}, {"children": []}]}'),
  '{"grouped": true, "children": [{"spread": true, "grouped": true, "children": [{"spread": true, "grouped": true, "children": []}]}, {"children": []}]}', 'grouped: with its spreads');
select is(testing.failure($$ select pg_temp.node('/tree?select=row,...branch(height.sum())') $$), 'PGRST127', 'aggregates in a to-many spread');
select throws_ok($$ select pg_temp.node('/picks?select=apple(id),a:apple(*),a:picker(*)') $$, '42712', null, 'two embeds of one name');
select is(testing.failure(format('select postern.check_spread(%L)', outputs)), wanted, 'check_spread ' || outputs)
from (values ('[]', null), ('[{"label": "a"}, {"label": "b"}]', null), ('[{"label": "a"}, {"label": "b"}, {"label": "a"}]', '42702')) as cases(outputs, wanted);

-- What is written.
create function pg_temp.written(target text, written boolean default true) returns jsonb language sql as $$ select postern.plan_rows(pg_temp.node(target), 'relation', written) $$;
select is((select jsonb_agg(output - '{column,field}'::text[]) from jsonb_array_elements(pg_temp.written(target) -> 'written') as output), wanted::jsonb, 'plan_written ' || target)
from (values
  ('/picker', '[{"label": "id", "form": "bare", "type": "integer", "nullable": false}, {"label": "name", "form": "text", "nullable": true}]'),
  ('/picker?select=id', null), ('/picker?select=id,x:id,id::text,y:id::text', null), ('/picker?select=id,id', null), ('/picker?limit=15', null), ('/picker?select=id,pgrst_o1:name', null),
  ('/picker?select=id,apple(id,weight)&limit=3', null), ('/picker?select=id,name,count()', null),
  ('/picker?select=id,apple(id,weight)&limit=4', '[{"label": "id", "form": "bare", "type": "integer", "nullable": false}, {"label": "apple", "form": "rows", "nullable": true}]'),
  ('/apple?select=id,branch(row,col),picker(id,name),x:picker(id.count())', '[{"label": "id", "form": "bare", "type": "integer", "nullable": false}, {"label": "branch", "form": "row", "nullable": true},
    {"label": "picker", "form": "rows", "nullable": true, "texts": true}, {"label": "x", "form": "bare", "type": "json", "nullable": true}]')
) as cases(target, wanted);
select is(postern.plan_rows(pg_temp.node('/picker?select=apple(id)'), origin, false) @> '{"children": [{"together": true}]}', wanted, 'plan_rows: the rows of a ' || origin)
from (values ('relation', true), ('write', true), ('call', true), ('row', false)) as cases(origin, wanted);
select is(pg_temp.written('/picker', false) ? 'written', false, 'plan_rows: not where it is not wanted');
select is(pg_temp.written(target, false) ? 'whole', wanted, 'plan_rows: the whole relation by ' || target)
from (values ('/picker', true), ('/picker?id=eq.1', false), ('/picker?limit=3', false), ('/picker?select=apple!inner(id)', false), ('/picker?select=apple(id)&apple.id=eq.2', true)) as cases(target, wanted);
select is(postern.plan_rows(pg_temp.node('/picker'), 'write', false) ? 'whole', false, 'plan_rows: nor of a write');
select is(postern.gathers_texts(pg_temp.written('/picker?select=' || names)), wanted, 'gathers_texts ' || names) from (values ('id,name', true), ('id,x:id', false), ('name', null), ('id,apple(id,picker(id,name))', true)) as cases(names, wanted);
select is(postern.json_form(type), wanted, 'json_form ' || type)
from (values ('integer', 'bare'), ('jsonb', 'bare'), ('uuid', 'quoted'), ('text', 'text'), ('character', null), ('numeric', 'number'), ('date', null), ('orchard.tree', null)) as cases(type, wanted);
create type orchard.hue as enum ('red');
create domain orchard.shade as orchard.hue;
select is(postern.enum_form(type), 'text', 'enum_form ' || type) from unnest('{orchard.hue,orchard.shade}'::regtype[]) as type;
create function orchard.hue_json(orchard.hue) returns json language sql immutable as $$ select to_json(1) $$;
create cast (orchard.hue as json) with function orchard.hue_json(orchard.hue);
select is(postern.enum_form(type), null, 'enum_form, with a cast: ' || type) from unnest('{orchard.hue,orchard.shade}'::regtype[]) as type;

-- Which way an embed is read.
create table orchard.leaf (id int primary key, branch_id int references orchard.branch, tree_row int, tree_col int, foreign key (tree_row, tree_col) references orchard.tree);
insert into orchard.leaf select i, i % 60 + 40, null, null from generate_series(1, 20000) as i;
create view orchard.leaves as select id, branch_id from orchard.leaf;
create view orchard.kinds as select distinct branch_id from orchard.leaf;
analyze orchard.leaf, orchard.branch, orchard.tree;
create function pg_temp.way(target text, parents float8) returns text language sql as $$
  select string_agg(case when child ? 'together' then 'together' else 'each' end, ' ')
  from jsonb_path_query(postern.plan_ways(pg_temp.node(target), parents), 'strict $.**.children[*]') as child $$;
select is(pg_temp.way(target, 25), wanted, 'no index: ' || target)
from (values ('/branch?select=leaf(id)', 'together'), ('/branch?select=leaves(id)', 'together'), ('/tree?select=leaf(id)', 'together'), ('/picker?select=apple(id)', 'together')) as cases(target, wanted);
create index on orchard.leaf (branch_id);
create index on orchard.leaf (tree_col, tree_row, id);
select is(pg_temp.way(target, parents::float8), wanted, concat_ws(' ', parents, target))
from (values
  ('/branch?select=leaf(id)', '1', 'each'), ('/branch?select=leaf(id)', '1333', 'each'), ('/branch?select=leaf(id)', '1334', 'together'),
  ('/branch?select=leaf(id)', 'infinity', 'together'), ('/branch?select=leaves(id)', '25', 'each'), ('/tree?select=leaf(id)', '25', 'each'),
  ('/branch?select=leaf(count())', 'infinity', 'each'), ('/branch?select=leaf(count)', 'infinity', 'each'), ('/branch?select=id,leaf()', 'infinity', 'each'),
  ('/branch?select=...leaf(id)', 'infinity', 'each'), ('/branch?select=leaf(id),id.count()', 'infinity', 'each'),
  ('/leaf?select=branch(id)', '500', 'each'), ('/leaf?select=branch(id)', '501', 'together'), ('/leaf?select=...branch(id)', '501', 'together'),
  ('/leaves?select=branch(id)', '501', 'together'), ('/tree?select=twigs(id)', 'infinity', 'each'),
  ('/tree?select=leaf(id,branch(id))', '25', 'each together'), ('/tree?select=leaf(id,branch(id))&leaf.limit=9', '25', 'each each'), ('/tree?select=leaf(id,branch(id,apple(id)))', '25', 'together each each'),
  ('/tree?select=leaf(id,branch(id,apple(id)))', '1', 'each each each')
) as cases(target, parents, wanted);
select is(postern.key_rows(relation::regclass, names) is not null, wanted, concat_ws(' ', 'key_rows', relation, names))
from (values ('orchard.leaf', '{branch_id}'::text[], true), ('orchard.leaf', '{tree_row,tree_col}', true), ('orchard.leaf', '{tree_row}', false), ('orchard.leaf', '{id}', true),
  ('orchard.leaf', '{branch_id,id}', false), ('orchard.leaves', '{branch_id}', true), ('orchard.kinds', '{branch_id}', false), ('orchard.picks', '{apple_id}', true), ('orchard.picks', '{picker_id}', false)) as cases(relation, names, wanted);

select is(postern.relationship_rows(pg_temp.node('/picker?select=apple(id)') #> '{children,0,relationship}'), null, 'relationship_rows: no index on the junction''s column');
create index on orchard.picks (picker_id);
select is(postern.relationship_rows(pg_temp.node('/picker?select=apple(id)') #> '{children,0,relationship}'), 0::real, 'relationship_rows: with one');
select is(postern.reads_together('{}', '{"relationship": {"to_one": false, "kind": "o2m"}, "lookup": 20000}', 1334), true, 'reads_together');

select * from finish();
rollback;
