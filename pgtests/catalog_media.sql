-- Media type handlers and domain representations.
begin;
select plan(18);

create schema rooms;
create schema hidden;
set local search_path = rooms, public;

create table film (id int primary key, title text);
create table actor (id int primary key);
create domain "text/plain" as text;
create domain "Text/Tab" as text;
create domain "*/*" as bytea;
create domain "a/b/c" as text;
create domain "not a/type" as text;

create function handlers(relation text, accepted text[] default null) returns text[] language sql as $$
  select coalesce(array_agg(format('%s %s %s', h ->> 'media', h ->> 'kind', h ->> 'name') order by n), '{}')
    from jsonb_array_elements(postern.media_handlers('{rooms}', relation, 'rooms', accepted)) with ordinality a (h, n)
$$;

select is(handlers('film'), '{}', 'no handlers');

create function add_film("text/plain", film) returns "text/plain" language sql as $$ select ($1 || $2.title)::"text/plain" $$;
create aggregate films_as_text (film) (sfunc = add_film, stype = "text/plain", initcond = '');
select is(postern.media_handlers('{rooms}', 'film', 'rooms'), '[{"media": "text/plain", "resolved": "text/plain",
  "domain": "rooms.\"text/plain\"", "kind": "aggregate", "any": false, "schema": "rooms", "name": "films_as_text"}]',
  'an aggregate over a table''s rows, all of it');
select is(handlers('actor'), '{}', 'it is of that table only');

create function add_any("Text/Tab", anyelement) returns "Text/Tab" language sql as $$ select ($1 || $2::text)::"Text/Tab" $$;
create aggregate any_as_tab (anyelement) (sfunc = add_any, stype = "Text/Tab", initcond = '');
select is(handlers('actor'), array['text/tab aggregate any_as_tab'], 'an aggregate over anyelement, in lower case');
select is(postern.media_handlers('{rooms}', 'actor', 'rooms') #> '{0,any}', 'true', 'which is said');

create function add_bytes("*/*", actor) returns "*/*" language sql as $$ select $1 $$;
create aggregate actor_as_any (actor) (sfunc = add_bytes, stype = "*/*");
select is(postern.media_handlers('{rooms}', 'actor', 'rooms', '{image/png}') #> '{0,resolved}', '"application/octet-stream"',
  'a handler of any media type');
select is(handlers('film', '{text/plain}'), array['text/plain aggregate films_as_text'], 'only what is accepted');
select is(handlers('film', '{image/png}'), '{}', 'nothing that is accepted');

create function hello() returns "text/plain" language sql as $$ select 'hello'::"text/plain" $$;
create function hellos() returns setof "text/plain" language sql as $$ select 'hello'::"text/plain" $$;
create function odd() returns "a/b/c" language sql as $$ select ''::"a/b/c" $$;
create function hidden.hello() returns "text/plain" language sql as $$ select 'hello'::"text/plain" $$;
select is(handlers('hello'), array['text/tab aggregate any_as_tab', 'text/plain function hello'], 'a function of its own');
select is(handlers('hellos'), array['text/tab aggregate any_as_tab'], 'not a set');
select is(handlers('odd'), array['text/tab aggregate any_as_tab'], 'not a name that is no media type');
select is(jsonb_array_length(postern.media_handlers('{rooms}', 'hello', 'hidden')), 1, 'not one of a hidden schema');

create domain color as int;
create function to_json_of(color) returns json language sql as $$ select to_json($1::int) $$;
create function "To {Color}"(text) returns color language sql as $$ select 1::color $$;
create function to_xml_of(color) returns xml language sql as $$ select ''::xml $$;
create function json_of_point(point) returns json language sql as $$ select '1'::json $$;
do $$ begin set local client_min_messages = error;
  create cast (color as json) with function to_json_of(color) as implicit;
  create cast (text as color) with function "To {Color}"(text) as implicit;
  create cast (color as xml) with function to_xml_of(color) as implicit;
  create cast (point as json) with function json_of_point(point) as implicit;
end $$;
select is(postern.representation('color'::regtype, 'json'::regtype), 'rooms.to_json_of', 'a domain read as json');
select is(postern.representation('text'::regtype, 'color'::regtype), 'rooms."To {Color}"', 'text written to a domain, quoted');
select is(postern.representation('json'::regtype, 'color'::regtype), null, 'not the other way');
select is(array[postern.representation('color'::regtype, 'xml'::regtype), postern.representation('point'::regtype, 'json'::regtype)],
  array[null, null]::text[], 'not another form, not another kind of type');

select is(postern.geojson_function(), 'pg_catalog.st_asgeojson', 'PostGIS is not there');

create role catalog_guest;
grant usage on schema rooms, postern to catalog_guest;
revoke execute on function to_json_of(color) from public;
do $$ begin perform set_config('catalog.color', 'color'::regtype::oid::text, true); end $$;
set local role catalog_guest;
do $$ begin
  perform set_config('catalog.told', coalesce(
    postern.representation(current_setting('catalog.color')::oid, 'json'::regtype), 'nothing'), true);
end $$;
reset role;
select is(current_setting('catalog.told'), 'nothing', 'not what the role may not execute');

select * from finish();
rollback;
