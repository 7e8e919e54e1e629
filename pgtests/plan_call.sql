-- Which routine a call means, and who makes the media type of the answer.
begin;
select no_plan();

create schema rooms;
create function rooms.plain() returns int language sql as 'select 1';
create function rooms.fixed() returns int language sql stable as 'select 1';
create function rooms.one(a int) returns int language sql as 'select 1';
create function rooms.two(a int, b int default 2) returns int language sql as 'select 1';
create function rooms.over(a int) returns int language sql as 'select 1';
create function rooms.over(a int, b text) returns int language sql as 'select 2';
create function rooms.same(a int) returns int language sql as 'select 1';
create function rooms.same(a text) returns int language sql as 'select 1';
create function rooms.raw(json) returns int language sql as 'select 1';
create function rooms.text_raw(text) returns int language sql as 'select 1';
create function rooms.bytes_raw(bytea) returns int language sql as 'select 1';
create function rooms.xml_raw(xml) returns int language sql as 'select 1';
create function rooms.tuned() returns int language sql set statement_timeout = '5s' set work_mem = '1MB' set default_transaction_isolation = 'repeatable read' as 'select 1';

create function pg_temp.chosen(name text, keys text[] default '{}', type text default null, post boolean default false) returns text language sql as $$
  select (postern.plan_routine('rooms', name, keys, type, post) ->> 'oid')::oid::regprocedure::text $$;
select is(pg_temp.chosen(name, keys, type, post), 'rooms.' || wanted, concat_ws(' ', name, keys, type))
from (values
  ('plain', '{}'::text[], null, false, 'plain()'), ('plain', '{}', 'application/json', true, 'plain()'),
  ('one', '{a}', null, false, 'one(integer)'), ('two', '{a}', null, false, 'two(integer,integer)'), ('two', '{b,a}', null, true, 'two(integer,integer)'),
  ('over', '{a}', null, false, 'over(integer)'), ('over', '{a,b}', null, false, 'over(integer,text)'),
  ('raw', '{x,y}', 'application/json', true, 'raw(json)'), ('raw', '{}', null, true, 'raw(json)'),
  ('text_raw', '{}', 'text/plain', true, 'text_raw(text)'), ('text_raw', '{}', 'text/plain; charset=utf-8', true, 'text_raw(text)'),
  ('bytes_raw', '{}', 'application/octet-stream', true, 'bytes_raw(bytea)'), ('xml_raw', '{}', 'text/xml', true, 'xml_raw(xml)')
) as cases(name, keys, type, post, wanted);
select is(testing.failure(format('select pg_temp.chosen(%L, %L, %L, %L)', name, keys, type, post)), wanted, concat_ws(' ', name, keys, type))
from (values
  ('nothing', '{}', null, false, 'PGRST202'), ('plain', '{a}', null, false, 'PGRST202'), ('one', '{}', null, false, 'PGRST202'), ('one', '{a,b}', null, false, 'PGRST202'),
  ('two', '{b}', null, false, 'PGRST202'), ('raw', '{x}', null, false, 'PGRST202'), ('raw', '{}', 'text/plain', true, 'PGRST202'),
  ('plain', '{}', 'text/plain', true, 'PGRST202'), ('same', '{a}', null, false, 'PGRST203'), ('"x"; drop', '{"a''"}', null, false, 'PGRST202')
) as cases(name, keys, type, post, wanted);

-- What of a routine must hold for the transaction.
select is(postern.routine_flags('{"dirty": true}', postern.find_routines('rooms', name) -> 0, jsonb_build_object('db_hoisted_tx_settings', hoisted::jsonb)), '{"dirty": true}'::jsonb || wanted::jsonb, name || ' ' || hoisted)
from (values
  ('plain', '["statement_timeout"]', '{}'), ('fixed', '["statement_timeout"]', '{"read_only": true}'),
  ('tuned', '["statement_timeout"]', '{"settings": {"statement_timeout": "5s"}, "isolation": "repeatable read", "before": true}'),
  ('tuned', '["work_mem"]', '{"settings": {"work_mem": "1MB"}, "isolation": "repeatable read", "before": true}'),
  ('tuned', '["^work_mem=2", "timeout=5s$"]', '{"settings": {"statement_timeout": "5s"}, "isolation": "repeatable read", "before": true}'),
  ('tuned', '[]', '{"isolation": "repeatable read", "before": true}')
) as cases(name, hoisted, wanted);
select is(postern.routine_flags('{"settings": {"timezone": "UTC"}}', postern.find_routines('rooms', 'tuned') -> 0, '{"db_hoisted_tx_settings": ["work_mem"]}') -> 'settings',
  '{"timezone": "UTC", "work_mem": "1MB"}', 'beside what the request asks for');

-- Media types.
create domain rooms."image/svg" as text;
create domain rooms."text/x-list" as text;
create domain rooms."*/*" as bytea;
create table rooms.house (id int);
create function rooms.drawn(rooms."image/svg", rooms.house) returns rooms."image/svg" language sql immutable as $$ select '<svg/>'::rooms."image/svg" $$;
create aggregate rooms.drawing(rooms.house) (sfunc = rooms.drawn, stype = rooms."image/svg", initcond = '');
create function rooms.listed(rooms."text/x-list", anyelement) returns rooms."text/x-list" language sql immutable as $$ select concat($1, $2, E'\n')::rooms."text/x-list" $$;
create aggregate rooms.listing(anyelement) (sfunc = rooms.listed, stype = rooms."text/x-list", initcond = '');

create function pg_temp.negotiated(accept text, default_select boolean default true, plans boolean default false) returns text language sql as $$
  select concat_ws(' ', made -> 'media' ->> 'name', made ->> 'handler', made -> 'custom' ->> 'name', made ->> 'explain')
  from postern.negotiate(accept, '{rooms}', 'rooms', 'house', default_select, plans) as made $$;
select is(pg_temp.negotiated(accept, default_select, plans), wanted, concat_ws(' ', accept, default_select, plans))
from (values
  (null, true, false, 'application/json json'),
  ('*/*', true, false, 'application/json json'),
  ('text/csv', true, false, 'text/csv csv'),
  ('application/geo+json', true, false, 'application/geo+json geojson'),
  ('application/vnd.pgrst.object+json', true, false, 'application/vnd.pgrst.object+json object'),
  ('image/png, text/csv;q=0.1', true, false, 'text/csv csv'),
  ('image/svg', true, false, 'image/svg aggregate drawing'),
  ('text/x-list', true, false, 'text/x-list aggregate listing'),
  ('text/x-list', false, false, 'text/x-list aggregate listing'),
  ('application/vnd.pgrst.plan', true, true, 'application/vnd.pgrst.plan+text; for="application/json" json format text'),
  ('application/vnd.pgrst.plan+json; options=analyze|buffers', true, true, 'application/vnd.pgrst.plan+json; for="application/json"; options=analyze|buffers json format json, analyze, buffers')
) as cases(accept, default_select, plans, wanted);
select is(testing.failure(format('select pg_temp.negotiated(%L, %L, %L)', accept, default_select, plans)), 'PGRST107', concat_ws(' ', accept, default_select, plans))
from (values ('image/png', true, false), ('image/svg', false, false), ('application/vnd.pgrst.plan', true, false), ('x', true, true), ('a/b, c/d', true, true),
  ('application/vnd.pgrst.plan; for="image/png"', true, true))
  as cases(accept, default_select, plans);

select * from finish();
rollback;
