-- What chooses the rows of a write beside filters on columns: the decisions.
begin;
select no_plan();

select is(postern.is_attribute(relation::regclass, name), wanted, relation || '.' || name)
from (values ('store.films', 'title', true), ('store.films', 'ctid', true), ('store.films', 'nope', false), ('store.films', 'directors', false),
  ('store.films', 'shouted', true), ('store.directors', 'shouted', false), -- a function of films
  ('store.films', 'same_year', false), -- a set
  ('store.films', 'to_json', true), ('store.films', 'concat', true), ('store.films', 'lower', false)) as cases(relation, name, wanted);
select is(postern.tests_embeds(jsonb_build_object('oid', 'store.films'::regclass::oid::bigint, 'children', children::jsonb, 'where', condition::jsonb)), wanted, children || condition)
from (values ('[{"label": "d"}]', '[{"exists": 0, "not": true}]', true), ('[{"label": "d"}]', '[{"field": {"name": "id"}}, {"of": [{"exists": 0}]}]', true),
  ('[{"label": "id"}]', '[{"exists": 0}]', false), ('[{"label": "id"}, {"label": "d"}]', '[{"exists": 0}, {"exists": 1}]', true), ('[]', '[{"field": {"name": "exists"}}]', false)) as cases(children, condition, wanted);

create function pg_temp.planned(target text) returns jsonb language sql as $$
  select postern.plan_written_rows(jsonb_build_object('oid', 'store.films'::regclass::oid::bigint, 'columns', postern.relation_columns('store.films'::regclass),
    'children', '[{"label": "d", "join": "inner"}]'::jsonb, 'where', '[{"exists": 0}]'::jsonb), testing.trees(target, 'DELETE'))
$$;
select is(pg_temp.planned('/films?d=is.null') ->> 'by_embeds', 'true', 'a null test of an embed');
select is(postern.plan_written_rows('{"oid": 0, "children": [], "columns": []}', testing.trees('/films', 'DELETE')), '{"oid": 0, "children": [], "columns": []}', 'no conditions');
select is(testing.failure($$select postern.plan_written_rows('{"oid": 0, "children": [], "columns": []}', testing.trees('/films?d.or=(a.eq.1,b.eq.1)', 'DELETE'))$$), 'PGRST127', 'a tree on the path of an embed');
select is(testing.failure($$select postern.plan_written_rows('{"oid": 0, "children": [{"label": "d"}], "columns": [], "where": [{"exists": 0}], "limit": {"value": "1"}}', testing.trees('/films', 'DELETE'))$$), 'PGRST127', 'a limit');
select is(postern.shown_node(pg_temp.planned('/films?d=is.null')) -> 'children', '[{"label": "d"}]', 'all rows are shown');
select is(postern.shown_node('{"children": [{"join": "inner"}]}'), '{"children": [{"join": "inner"}]}', 'else those with a row in each inner embed');

select is(postern.is_rows(method, type), wanted, concat_ws(' ', method, type))
from (values ('PATCH', 'application/vnd.postern.rows+json', true), ('PATCH', 'Application/vnd.Postern.rows+json ; charset=utf-8', true), ('PATCH', 'application/json', false), ('PATCH', null, false),
  ('POST', 'application/vnd.postern.rows+json', false), ('PATCH', 'application/vnd.postern.rows', false)) as cases(method, type, wanted);
create function pg_temp.key(pk text[], trees jsonb) returns jsonb language sql as $$
  select postern.plan_key(jsonb_build_object('name', 'parts', 'oid', 'store.parts'::regclass::oid::bigint), postern.relation_columns('store.parts'::regclass), pk, trees)
$$;
select is(pg_temp.key('{film_id,actor_id}', '{"payload": {"form": "[", "keys": ["film_id", "actor_id", "part"]}}'), '[{"name": "actor_id", "builtin": true}, {"name": "film_id", "builtin": true}]', 'the primary key');
select is(pg_temp.key('{film_id}', '{"payload": {"form": "empty"}}'), '[{"name": "film_id", "builtin": true}]', 'no rows');
select is(testing.failure(format('select pg_temp.key(%L, %L)', pk, trees)), wanted, trees)
from (values ('{a}', '{"payload": {"form": "[", "keys": ["b"]}}', 'PGRST175'), ('{}', '{"payload": {"form": "[", "keys": ["b"]}}', 'PGRST176'), ('{}', '{"payload": {"form": "{", "keys": ["b"]}}', 'PGRST102'),
  ('{film_id,actor_id}', '{"on_conflict": ["film_id"], "payload": {"form": "[", "keys": ["film_id"]}}', 'PGRST176')) as cases(pk, trees, wanted);
select set_config('postern.path', 'store, public', true);
select is(postern.written_defaults(node::jsonb || jsonb_build_object('oid', 'store.reviews'::regclass::oid::bigint), '[{"name": "id", "default": "x"}, {"name": "words", "default": "y"}]'), wanted::jsonb, node)
from (values ('{"key": [{"name": "id", "builtin": true}]}', '[{"name": "id"}, {"name": "words", "default": "''nothing to say''::text"}]'),
  ('{}', '[{"name": "id", "default": "x"}, {"name": "words", "default": "''nothing to say''::text"}]')) as cases(node, wanted);

select * from finish();
rollback;
