-- Entity tags and preconditions in plans.
begin;
select no_plan();

create schema vault;
create table vault.coin (id int primary key, a int not null, b int, c text, unique (a, c), unique (b));
create table vault.mark (id int primary key, coin int references vault.coin);
create view vault.shown as select c as label, id as ident, id + 1 as more from vault.coin;

create table vault.lot (id int primary key, c text) partition by range (id);
select is(postern.conditions(fields::jsonb, prefer::jsonb, format('{"db_etags_enabled": %s}', setting)::jsonb, number), wanted::jsonb, concat_ws(' ', fields, prefer, setting))
from (values
  ('{}', '{}', 'false', 3, '{}'), ('{}', '{"etag": ""}', 'false', null, '{"tags": true}'), ('{}', '{}', 'true', null, '{"tags": true}'),
  ('{"if-match": "W/\"a\", \"b\"", "if-none-match": "W/\"a\""}', '{}', 'false', null,
    '{"tags": true, "tag_values": 0, "if_match": {"value": "W/\"-a\", \"b\""}, "if_none_match": {"value": "W/\"a\""} }'),
  ('{"if-match": " * "}', '{}', 'false', 3, '{"tags": true, "tag_values": 0, "if_match": {"value": "*"} }'),
  ('{"if-match": "\u0001", "if-none-match": "\u0001"}', '{}', 'false', 4, '{"tags": true, "tag_values": 2, "if_match": {"param": 4}, "if_none_match": {"param": 5} }'),
  ('{"if-match": "*", "if-none-match": "\u0001"}', '{}', 'false', 4, '{"tags": true, "tag_values": 1, "if_match": {"value": "*"}, "if_none_match": {"param": 4} }'),
  ('{"if-match": "\u0001"}', '{}', 'false', null, '{"tags": true, "tag_values": 0, "if_match": {"value": "\u0001"} }'),
  ('{"if-none-match": null}', '{}', 'false', null, '{"tags": true, "tag_values": 0, "if_none_match": {"value": ""} }')
) as cases(fields, prefer, setting, number, wanted);
select is(postern.shown_anyway('HEAD') || postern.shown_anyway('GET'), '{"method": "GET", "head": true}', 'HEAD is a GET');

create function pg_temp.node(name text, query text) returns jsonb language sql as $$
  select postern.plan_root('{"schema": "vault", "schemas": ["vault"], "aggregates": true, "legacy": true, "max_rows": null}', relation, postern.relation_columns((relation ->> 'oid')::oid),
    testing.trees('/' || name || '?' || query))
  from postern.find_relation('vault', name) as relation $$;
select is(concat_ws(' ', planned ->> 'ordered', nullif(array_to_string(array(select jsonb_array_elements_text(planned -> 'version' -> 'stored')), ','), ''), (select string_agg(concat_ws(':', item ->> 'name', item ->> 'how'), ',') from jsonb_array_elements(planned -> 'version' -> 'columns') as item),
  jsonb_array_length(planned -> 'version' -> 'where')), wanted, name || ' ' || query)
from (values
  ('coin', 'id=eq.#', 'ctid,xmin id:whole,a:whole,b:whole 1'), ('coin', 'c=eq.x&a=eq.#&b=gt.1', 'ctid,xmin id:whole,a:whole,b:whole 2'), ('coin', 'b=eq.#', 'ctid,xmin id:whole,a:whole,b:whole 1'),
  ('lot', 'id=eq.#', 'tableoid,ctid,xmin id:whole 1'), ('shown', 'ident=eq.#', 'label:whole,ident:whole 1'), ('coin', 'a=eq.#', ''), ('coin', 'id=eq.#&limit=1', ''), ('coin', 'id=eq.#&select=count()', ''), ('coin', 'order=id', 'true'),
  ('coin', 'order=c,a,b', ''), ('coin', 'order=b', ''), ('coin', 'order=id&select=id,count()', ''), ('coin', 'order=id&select=id,mark(id)', ''), ('mark', 'order=id&select=id,coin(id)', 'true'), ('shown', 'order=label,ident', 'true')
) as cases(name, query, wanted), lateral (select postern.plan_validator(('vault.' || name)::regclass, pg_temp.node(name, query))) as made(planned);
select ok(postern.is_ordered('vault.coin'::regclass, pg_temp.node('coin', 'order=b,id.desc')) and not postern.is_ordered('vault.coin'::regclass, pg_temp.node('coin', 'id=eq.1')), 'a unique key in the order');

select is(concat_ws(' ', made ->> 'match', made ->> 'put', made ->> 'creates', made ->> 'tagged'), wanted, concat_ws(' ', context, idle))
from (values
  ('{"method": "PATCH", "if_match": {"param": 4} }', false, '{"tags": {"param": 4}}'), ('{"method": "PATCH", "if_match": {"value": "*"} }', true, '{"idle": true}'),
  ('{"method": "DELETE", "if_match": {"value": "*"} }', false, '{}'), ('{"method": "PUT", "if_match": {"value": "x"} }', false, '{"tags": {"value": "x"}} true'),
  ('{"method": "PUT", "if_none_match": {"value": "*"} }', false, 'true true'), ('{"method": "PATCH", "preferences": {"return": "headers-only"}, "tx_end": "commit"}', false, 'true'),
  ('{"method": "PATCH", "preferences": {"return": "representation"} }', true, ''), ('{"method": "PATCH", "preferences": {"return": "representation"}, "tx_end": "rollback"}', false, ''), ('{"method": "POST"}', false, '')
) as cases(context, idle, wanted),
  lateral (select postern.plan_precondition(context::jsonb, 'vault.coin'::regclass, postern.relation_columns('vault.coin'::regclass), pg_temp.node('coin', 'id=eq.#'), idle)) as planned(made);
select is(postern.with_own_columns(pg_temp.node('coin', ''), postern.relation_columns('vault.coin'::regclass)) @? '$.fields[*] ? (@.name == "c")', true, '* is its columns');

select * from finish();
rollback;
