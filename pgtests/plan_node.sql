-- Plans: what a request names, resolved against the catalog of a small schema.
begin;
select no_plan();

create schema rooms;
create domain rooms.code as text;
create function rooms.code_json(rooms.code) returns json language sql immutable as $$ select to_json('#' || $1::text) $$;
create function rooms.text_code(text) returns rooms.code language sql immutable as $$ select ltrim($1, '#')::rooms.code $$;
create function rooms.json_code(json) returns rooms.code language sql immutable as $$ select ltrim($1 #>> '{}', '#')::rooms.code $$;
create cast (rooms.code as json) with function rooms.code_json(rooms.code) as implicit;
create cast (text as rooms.code) with function rooms.text_code(text) as implicit;
create cast (json as rooms.code) with function rooms.json_code(json) as implicit;
create table rooms.house (id int primary key, name text not null default 'a', meta jsonb, words tsvector, code rooms.code);
create table rooms.room (id int primary key generated always as identity, house_id int references rooms.house, size numeric default 1.5);
create function rooms.label(rooms.house) returns text language sql stable as $$ select $1.name $$;

create function pg_temp.context(more jsonb default '{}') returns jsonb language sql as $$
  select '{"schema": "rooms", "schemas": ["rooms"], "aggregates": true, "legacy": true, "max_rows": null}'::jsonb || more $$;
select set_config('postern.path', 'public', true);
-- The node of a query string on a relation.
create function pg_temp.node(name text, query text, more jsonb default '{}') returns jsonb language sql as $$
  select postern.plan_root(pg_temp.context(more), relation, postern.relation_columns((relation ->> 'oid')::oid),
    testing.trees('/' || name || '?' || query))
  from postern.find_relation('rooms', name) as relation $$;

-- The query string as trees.
select is(testing.trees('/house?' || query), wanted::jsonb, query)
from (values
  ('', '{"select": [{"type": "field", "name": "*"}], "entries": [], "arguments": [], "next": 3}'),
  ('select=id&id=eq.#&limit=#', '{"select": [{"type": "field", "name": "id"}], "arguments": [], "next": 5, "entries": [
    {"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "eq", "param": 3}}, {"kind": "limit", "embed": [], "param": 4}]}'),
  ('room.order=id.desc&room.limit=x', '{"select": [{"type": "field", "name": "*"}], "arguments": [], "next": 3, "entries": [
    {"kind": "order", "embed": ["room"], "terms": [{"name": "id", "direction": "desc"}]}, {"kind": "limit", "embed": ["room"]}]}'),
  ('or=(id.eq.#,name.eq.#)&id=gt.#', '{"select": [{"type": "field", "name": "*"}], "arguments": [], "next": 6, "entries": [
    {"kind": "logic", "embed": [], "tree": {"not": false, "operator": "or", "of": [{"name": "id", "expr": {"operator": "eq", "param": 3}},
      {"name": "name", "expr": {"operator": "eq", "param": 4}}]}},
    {"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "gt", "param": 5}}]}'),
  ('select=id&select=name', '{"select": [{"type": "field", "name": "id"}], "entries": [], "arguments": [], "next": 3}')
) as cases(query, wanted);

-- Nodes.
select is(pg_temp.node('room', '') - '{oid,columns,outputs}'::text[], '{"depth": 0, "schema": "rooms", "relation": "room", "alias": "room", "heap": true, "ctid": true, "children": [],
  "fields": [{"name": "*", "label": "*"}], "select_items": [{"type": "field", "name": "*"}]}', 'all columns');
select is(pg_temp.node('house', 'select=*') #> '{fields,4}', '{"name": "code", "label": "code", "transform": "rooms.code_json"}', 'a column with a representation');
select is(pg_temp.node('house', 'select=meta->a->>b,x:name,size:id::text,id.sum()::int') -> 'fields', '[
  {"name": "meta", "path": [{"op": "->", "key": "a"}, {"op": "->>", "key": "b"}], "label": "b"}, {"name": "name", "label": "x", "form": "text", "nullable": false},
  {"name": "id", "cast": "pg_catalog.text", "label": "size"}, {"name": "id", "aggregate": "sum", "aggregate_cast": "int", "label": "sum"}]', 'fields');
select is(pg_temp.node('house', 'select=words->a') -> 'fields', '[{"name": "words", "path": [{"op": "->", "key": "a"}], "label": "a", "to_json": true, "tsvector": true}]', 'a path into what is no JSON');
select is(pg_temp.node('house', 'select=id::' || type) #>> '{fields,0,cast}', type, 'a cast to ' || type)
from unnest('{integer,double precision,DOUBLE  PRECISION,character varying,timestamp without time zone,interval day to second,Numeric,varchar}'::text[]) as type;
select is(pg_temp.node('house', 'select=id::' || type) #>> '{fields,0,cast}', 'pg_catalog.' || btrim(type), 'a cast to ' || type)
from unnest('{_int4,int4,text,TEXT,"text ","text array",xml,jsonb}'::text[]) as type;
select throws_ok(format('select pg_temp.node(%L, %L)', 'house', 'select=id' || given), '42704', format('type "%s" does not exist', type), given)
from (values ('::a b', 'a b'), ('::nothing', 'nothing'), ('::select', 'select'), ('::1', '1'), ('::$1', '$1'), ('::setof int', 'setof int'), ('::int int', 'int int'),
  ('::null', 'null'), ('::code', 'code'), ('.sum()::a b', 'a b'), ('::int.sum()::nothing', 'nothing')) as cases(given, type);
select set_config('postern.path', 'rooms, public', true);
select is(pg_temp.node('house', 'select=id::code') #>> '{fields,0,cast}', 'rooms.code', 'a type on the search path');
select set_config('postern.path', 'public', true);
select is(pg_temp.node('house', 'code=eq.x') -> 'where', '[{"field": {"name": "code"}, "expr": {"operator": "eq", "value": "x"}, "builtin": true, "transform": "rooms.text_code"}]', 'a filter through a representation');
select is(postern.computed_names(node, node -> 'columns'), '{label}', 'a computed field')
from pg_temp.node('house', 'select=id,label&label=eq.x&order=name') as node;

select is(pg_temp.node('house', 'select=id,room(id)&room.size=gt.1&room.order=id&room.limit=1') #> '{children,0,where}',
  '[{"field": {"name": "size"}, "expr": {"operator": "gt", "value": "1"}, "builtin": true}]', 'a filter of an embed');
select is(pg_temp.node('house', 'select=id,room(id)') #> '{children,0,alias}', '"room_1"', 'the alias of an embed');
select is((pg_temp.node('room', 'select=id,h:house!inner(name)') #> '{children,0}') - '{oid,outputs,relationship}'::text[],
  '{"depth": 1, "schema": "rooms", "relation": "house", "alias": "house_1", "name": "house", "label": "h", "alias_given": "h", "join": "inner", "heap": true, "own_types": true, "ctid": true, "single": true, "children": [],
  "fields": [{"name": "name", "label": "name", "form": "text", "nullable": false}]}', 'an embed');
select is(pg_temp.node('room', 'id=eq.1') -> 'single', 'true', 'an eq filter on a unique column leaves one row at most');
select is(pg_temp.node('room', 'id=gt.1') -> 'single', null, 'another filter may leave several');
select is(pg_temp.node('room', 'select=id,h:house(name)&house.id=eq.1') #> '{children,0,legacy}', 'true', 'named by relation though it has an alias');
select is(testing.failure($$ select pg_temp.node('room', 'select=id,h:house(name)&house.id=eq.1', '{"legacy": false}') $$), 'PGRST108', 'which may be off');
select is(pg_temp.node('house', 'select=id,room()&room=is.null') -> 'where', '[{"exists": 0, "not": true}]', 'a null test of an embed');
select is((pg_temp.node('room', 'select=id,house(name)&order=house(name).desc') -> 'order') #- '{0,name}',
  '[{"relation": "house", "direction": "desc", "child": 0, "field": {"name": "name", "label": "name", "form": "text", "nullable": false}}]', 'order by an embed');
select is(testing.failure(format('select pg_temp.node(%L, %L, %L)', relation, query, more)), wanted, query)
from (values
  ('house', 'select=nothing(x)', '{}', 'PGRST200'),
  ('house', 'select=room(nothing(x))', '{}', 'PGRST200'),
  ('house', 'room.id=eq.1', '{}', 'PGRST108'),
  ('house', 'select=room(id)&room.house.id=eq.1', '{}', 'PGRST108'),
  ('house', 'select=room(id)&order=room(id)', '{}', 'PGRST118'),
  ('house', 'order=room(id)', '{}', 'PGRST108'),
  ('house', 'select=id.sum()', '{"aggregates": false}', 'PGRST123'),
  ('house', 'select=room(id.sum())', '{"aggregates": false}', 'PGRST123'),
  ('house', 'select=id', '{}', null)
) as cases(relation, query, more, wanted);
select is(pg_temp.node('house', 'limit=1000&limit=2000') -> 'limit', '{"value": "2000"}', 'the last limit counts');
select is(pg_temp.node('house', 'limit=x') -> 'limit', null, 'and none that is no number');

-- Payloads.
select is(postern.plan_payload('house', postern.relation_columns('rooms.house'::regclass, true), '{name,code,name}'),
  '[{"name": "code", "type": "json", "transform": "rooms.json_code"}, {"name": "name", "type": "text", "default": "''a''::text"}]', 'columns of a payload');
select is(testing.failure($$ select postern.plan_payload('house', postern.relation_columns('rooms.house'::regclass, true), '{nothing}') $$), 'PGRST204', 'an unknown one');
select is(testing.failure(format('select postern.check_upsert(testing.trees(%L, %L), %L)', '/house?' || query, 'PUT', pk)), wanted, 'PUT ' || query)
from (values
  ('id=eq.1', '{id}', null), ('id=eq.1&x=eq.2', '{id,x}', null), ('id=eq.1', '{id,x}', 'PGRST105'), ('', '{id}', 'PGRST105'), ('id=eq.1', '{}', 'PGRST105'),
  ('id=gt.1', '{id}', 'PGRST105'), ('id=not.eq.1', '{id}', 'PGRST105'), ('id=eq(any).{1}', '{id}', 'PGRST105'), ('id=eq.1&name=eq.x', '{id}', 'PGRST105'),
  ('and=(id.eq.1)', '{id}', 'PGRST105'), ('id=eq.1&limit=1', '{id}', 'PGRST114'), ('id=eq.1&offset=1', '{id}', 'PGRST114'), ('id->x=eq.1', '{id}', 'PGRST105')
) as cases(query, pk, wanted);

-- Resources and methods.
select is(postern.path_segments(path), wanted, path)
from (values ('/', '{}'::text[]), ('', '{}'), ('//', '{"",""}'), ('/a', '{a}'), ('/a%20b', '{a b}'), ('/rpc/f', '{rpc,f}'), ('/a%2Fb', '{a/b}'), ('/a/', '{a,""}'), ('/a+b', '{a+b}')) as cases(path, wanted);
select is(testing.failure(format('select postern.check_method(%L, %L)', method, segments)), wanted, method || ' ' || segments)
from (values
  ('GET', '{}', null), ('POST', '{}', 'PGRST117'), ('OPTIONS', '{}', null), ('PUT', '{a}', null), ('TRACE', '{a}', 'PGRST117'), ('get', '{a}', 'PGRST117'),
  ('POST', '{rpc,f}', null), ('HEAD', '{rpc,f}', null), ('PATCH', '{rpc,f}', 'PGRST101'), ('PUT', '{rpc,f}', 'PGRST101')
) as cases(method, segments, wanted);

select * from finish();
rollback;
