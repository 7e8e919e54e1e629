-- Entity tags and preconditions, on many kinds of relations. All is one transaction, which xmin alone would not tell versions in.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["tags"], "db_tx_end": "commit-allow-override"}', true);

create schema tags;
create role tags_all;
create role tags_some;
create role tags_own;
grant usage on schema tags, testing to tags_all, tags_some, tags_own;
set local search_path = tags, public;
set local client_min_messages = error;

create type mood as enum ('ok', 'sad');
create domain hex as int;
create function hex_json(hex) returns json language sql immutable as $$ select to_json('#' || to_hex($1)) $$;
create function text_hex(text) returns hex language sql immutable as $$ select ('x' || lpad(ltrim($1, '#'), 8, '0'))::bit(32)::int $$;
create cast (hex as json) with function hex_json(hex) as implicit;
create cast (text as hex) with function text_hex(text) as implicit;
create table makers (id int primary key, name text);
insert into makers values (1, 'Ann');
create table things (id int primary key, name text, maker int references makers, at timestamptz default now(), n numeric default 1.50, code text unique, rights aclitem[], doc jsonb,
  long text, bytes bytea, feeling mood default 'ok', spans int4range[], twice int generated always as (id * 2) stored, tint hex);
create table parts (id int primary key, thing int references things on delete cascade);
create function shouted(things) returns text language sql stable as $$ select upper($1.name) $$;
create function kin(things) returns setof parts language sql stable as $$ select * from tags.parts where thing = $1.id $$;
insert into things (id, name, maker, code, rights, doc, long, bytes, spans, tint)
select i, 'n' || i, 1, 'c' || i, '{postgres=r/postgres}', jsonb_build_object('a', repeat('x', 90000)), (select string_agg(md5(j::text), '') from generate_series(1, 4000) as j),
  decode(repeat('00ff', 9000), 'hex'), '{"[1,2)"}', 255 from generate_series(1, 30) as i;
insert into parts select i, i from generate_series(1, 30) as i;
create table "odd ""table""" ("a b" int, "k é" text, "tableoid'" int, "NAME" text, primary key ("k é", "a b"));
insert into "odd ""table""" values (1, 'x', 3, 'y');
create view shown as select name as label, id as ident, twice + 1 as thrice, maker from things where id > 0;
create view shown_again as select ident as "i d", label from shown;
create view joined as select t.id, t.name, m.name as maker from things as t join makers as m on m.id = t.maker;
create view handled as select id, name from things;
create function handle() returns trigger language plpgsql as $$ begin update tags.things set name = new.name where id = new.id; return new; end $$;
create trigger handle instead of update on handled for each row execute function handle();
create view over_handled as select id, name from handled;
create table split (id int, kind text, name text, primary key (id, kind)) partition by list (kind);
create table split_x partition of split for values in ('x') partition by range (id);
create table split_x1 partition of split_x for values from (0) to (10);
create table split_y partition of split for values in ('y');
insert into split values (1, 'x', 'one'), (1, 'y', 'two');
create materialized view kept as select id, name from things;
create unique index on kept (id);
create table parent (id int primary key, name text);
create table child () inherits (parent);
create table ruled (id int primary key, name text);
create rule nothing as on update to ruled where false do instead nothing;
create table several (a int, b int, c int, d int unique deferrable, name text);
create unique index on several (a) where a > 0;
create unique index on several ((b + 1));
create index on several (c);
insert into several values (1, 1, 1, 1, 'x');
insert into parent values (1, 'p');
insert into ruled values (1, 'r');
create table empty (id int primary key);
insert into empty values (1);
create table own (id int primary key, owner text default current_user, name text);
alter table own enable row level security;
create policy own on own using (owner = current_user);
insert into own values (1, 'tags_own', 'mine'), (2, 'tags_all', 'theirs');
create table edited (id int primary key, name text, edits int default 0);
create function edit() returns trigger language plpgsql as $$ begin new.edits := old.edits + 1; return new; end $$;
create trigger edit before update on edited for each row execute function edit();
insert into edited values (1, 'x');
grant all on all tables in schema tags to tags_all, tags_own;
grant select (id, name, n, at, rights), update (name), delete on things to tags_some;

create function pg_temp.tag(target text, more jsonb default '{}', method text default 'GET') returns text language sql
as $$ select headers ->> 'etag' from testing.answer(method, target, '{"prefer": "etag"}'::jsonb || more) $$;

-- What becomes of a row: read, read again, changed by PATCH, which tells the tag of what is there now, not changed by who has an old one, changed without being
-- shown, not deleted by an old tag, deleted.
create function pg_temp.life(key text, shown text, body text, accept text default 'application/json') returns text language plpgsql as $$
declare
  target text := key || '&select=' || shown;
  took jsonb := jsonb_build_object('accept', accept);
  tag text := pg_temp.tag(target, took);
  path text := split_part(key, '?', 1);
  made testing.answer;
  lived text := (testing.answer('GET', target, took || jsonb_build_object('if-none-match', tag))).status;
begin
  lived := concat_ws(' ', lived, (testing.answer('HEAD', target, took || jsonb_build_object('if-none-match', '"a" , W/' || tag))).status);
  made := testing.answer('PATCH', target, took || jsonb_build_object('if-match', '"x", ' || tag, 'prefer', 'return=representation'), body);
  lived := concat_ws(' ', lived, made.status, case when made.headers ->> 'etag' = tag then 'the same' when made.headers ->> 'etag' is distinct from pg_temp.tag(target, took)
    then made.headers ->> 'etag' || ' <> ' || pg_temp.tag(target, took) end);
  lived := concat_ws(' ', lived, (testing.answer('PATCH', key, jsonb_build_object('if-match', tag), body)).status);
  tag := made.headers ->> 'etag';
  made := testing.answer('PATCH', key, jsonb_build_object('if-match', tag, 'prefer', 'return=headers-only, etag'), replace(body, 'changed', 'again'));
  lived := concat_ws(' ', lived, made.status, (testing.answer('DELETE', key, jsonb_build_object('if-match', tag))).status);
  lived := concat_ws(' ', lived, (testing.answer('DELETE', key, jsonb_build_object('if-match', made.headers ->> 'etag'))).status);
  return concat_ws(' ', lived, (testing.answer('DELETE', key, '{"if-match": "*"}')).status, (testing.answer('GET', target, '{"if-match": "*"}')).status);
end
$$;

grant tags_all to current_user;
set local role tags_all;
select is(pg_temp.life(key, shown, body, coalesce(accept, 'application/json')), '304 304 200 412 204 412 204 412 412', key || ' ' || shown)
from (values
  ('/things?id=eq.1', '*', '{"name": "changed"}', null),
  ('/things?id=eq.2&name=eq.n2', 'id,name', '{"maker": 1}', 'application/vnd.pgrst.object+json'),
  ('/things?code=eq.c3', 'at,n,doc->a', '{"long": "now short"}', null),
  ('/things?id=eq.4', 'name,makers(name),parts(id)', '{"name": "changed"}', null),
  ('/things?id=eq.5', 'name,shouted,kin(*)', '{"doc": {"now": "short"}}', null),
  ('/things?id=eq.6', '*', format('{"long": "%s"}', repeat('long and ', 10000)), 'text/csv'),
  ('/things?id=eq.7', '*,shouted', '{"code": "changed"}', 'application/vnd.pgrst.array+json;nulls=stripped'),
  ('/things?id=eq.9&code=eq.c9&maker=eq.1', 'id', format('{"doc": {"b": "%s"}}', repeat('yz', 50000)), null),
  ('/odd%20%22table%22?a%20b=eq.1&k%20%C3%A9=eq.x', '*', '{"NAME": "changed"}', null),
  ('/shown_again?i%20d=eq.11', '*', '{"label": "changed"}', 'text/csv'),
  ('/split?id=eq.1&kind=eq.x', '*', '{"name": "changed"}', null),
  ('/edited?id=eq.1', '*', '{"name": "changed"}', null)
) as cases(key, shown, body, accept);
reset role;

-- Who may not read the whole table has versions of what can be read.
grant tags_some to current_user;
set local role tags_some;
select matches(pg_temp.tag('/things?id=eq.12&select=name'), '^"~[A-Za-z0-9+/]{22}\.[A-Za-z0-9+/]{22}"$', 'some columns: a tag');
select is((testing.answer('PATCH', '/things?id=eq.12&select=name', jsonb_build_object('if-match', pg_temp.tag('/things?id=eq.12&select=id'), 'prefer', 'return=representation'),
  '{"name": "by some"}')).body, '[{"name":"by some"}]', 'some columns: a change');
select is(testing.failed('PATCH', '/things?id=eq.12', jsonb_build_object('if-match', pg_temp.tag('/things?id=eq.13&select=id')), '{"name": "no"}'), '412 PGRST155', 'some columns: another row''s');
select is(testing.failed('GET', '/things?id=eq.12&select=maker', '{"prefer": "etag"}'), '403 42501', 'some columns: not more');
reset role;

-- Row security: what is hidden is not there.
grant tags_own to current_user;
set local role tags_own;
select is(testing.failed(method, '/own?id=eq.2', jsonb_build_object('if-match', tag), body), '412 PGRST155', method || ' of what is hidden ' || tag)
from (values ('PATCH', '*', '{"name": "x"}'), ('PATCH', '*', '{}'), ('DELETE', '*', null), ('PUT', '*', '{"id": 2, "name": "x"}'), ('PATCH', '"x"', '{"name": "x"}')) as cases(method, tag, body);
select is(testing.brief('GET', '/own?id=eq.2', '{"if-none-match": "*"}'), '200 []', 'a read of what is hidden');
select is(testing.failed('GET', '/own?id=eq.2', '{"if-match": "*"}'), '412 PGRST155', 'a read of what is hidden, that must be there');
select is(testing.failed('PUT', '/own?id=eq.2', '{"if-none-match": "*"}', '{"id": 2, "name": "x"}'), '412 PGRST155', 'a key that is taken');
select is(testing.brief('PATCH', '/own?id=eq.1&select=name', '{"if-match": "*", "prefer": "return=representation"}', '{"name": "x"}'), '200 [{"name":"x"}]', 'what is not');
reset role;
set local role tags_all;

-- What If-Match cannot be about.
select is(testing.failed(method, target, headers, body), '400 PGRST156', concat_ws(' ', method, target, headers))
from (values
  ('PATCH', '/things', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?name=eq.n20', '{"if-match": "\"a\""}', '{"name": "x"}'),
  ('PATCH', '/things?id=gte.20', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?id=not.eq.20', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?id=eq(any).{20,21}', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?or=(id.eq.20,id.eq.21)', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?id=in.(20)', '{"if-match": "*"}', '{"name": "x"}'),
  ('DELETE', '/split?id=eq.1', '{"if-match": "*"}', null),
  ('DELETE', '/split?id=eq.1', '{"if-match": ""}', null),
  ('PATCH', '/joined?id=eq.20', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/handled?id=eq.20', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/over_handled?id=eq.20', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/shown?label=eq.20', '{"if-match": "*"}', '{"label": "x"}'),
  ('PATCH', '/parent?id=eq.1', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/ruled?id=eq.1', '{"if-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/several?a=eq.1&b=eq.1&c=eq.1&d=eq.1', '{"if-match": "*"}', '{"name": "x"}'),
  ('POST', '/things', '{"if-match": "*"}', '{"id": 90}'),
  ('POST', '/things', '{"if-none-match": "*"}', '{"id": 90}'),
  ('PATCH', '/things?id=eq.20', '{"if-none-match": "*"}', '{"name": "x"}'),
  ('PATCH', '/things?id=eq.20', '{"if-none-match": "\"a\""}', '{"name": "x"}'),
  ('DELETE', '/things?id=eq.20', '{"if-match": "*", "if-none-match": "\"a\""}', null),
  ('PUT', '/empty?id=eq.20', '{"if-match": "*", "if-none-match": "*"}', '{"id": 20}'),
  ('PUT', '/empty?id=eq.20', '{"if-none-match": "\"a\""}', '{"id": 20}')
) as cases(method, target, given, body), lateral (select given::jsonb) as made(headers);
select is((testing.answer('PATCH', '/things', '{"if-match": "*", "content-type": "application/vnd.postern.rows+json"}', '[{"id": 20, "name": "x"}]')).body::json ->> 'details',
  'If-Match is about one row, and a PATCH of rows by their key takes none: send a PATCH for each, in a batch.', 'a PATCH of rows');

-- What is no version of the row.
select is(testing.failed('PATCH', '/things?id=eq.20', jsonb_build_object('if-match', made), '{"name": "x"}'), '412 PGRST155', coalesce(made, 'null'))
from (values (pg_temp.tag('/things?id=eq.21')), ('W/' || pg_temp.tag('/things?id=eq.20')), (''), ('x'), ('"*"'), ('"'), ('"~"'), ('"~."'), (pg_temp.tag('/things?order=id')), ('*, "a"'),
  (ltrim(pg_temp.tag('/things?id=eq.20'), '"')), (replace(pg_temp.tag('/things?id=eq.20'), '~', '~~')), ('''; drop table tags.things; --'), (chr(1)), ('$1'), ('{"a"}')) as cases(made);
select is(name, 'n20', 'nothing was changed') from things where id = 20;
select is((testing.answer('PATCH', '/things?id=eq.20', jsonb_build_object('if-match', replace(made, '"a"', pg_temp.tag('/things?id=eq.20'))), '{"name": "x"}')).status, 204, made)
from (values ('"a"'), ('  "a"  '), ('"x", "a"'), ('W/"x","a" ,"y"'), (E'"x"\t,\t"a"')) as cases(made);
select is((testing.answer('PATCH', '/things?id=eq.20', jsonb_build_object('if-match', replace(pg_temp.tag('/things?id=eq.20'), '"', '') || '"')  , '{"name": "x"}')).status, 412, 'half a tag');
select is((testing.answer('PATCH', '/things?id=eq.20', jsonb_build_object('if-match', regexp_replace(pg_temp.tag('/things?id=eq.20'), '"$', '.gzip"')), '{"name": "x"}')).status, 204, 'that of a compressed answer');

-- PUT.
select is(concat_ws(' ', a.status, a.body::json ->> 'code', a.headers ->> 'etag'), wanted, concat_ws(' ', header, tag, id, given, wish))
from (values
  ('if-none-match', '*', 20, 20, 'minimal', '201'), ('if-none-match', '*', 20, 20, 'minimal', '412 PGRST155'), ('if-none-match', '*', 20, 20, 'representation', '412 PGRST155'),
  ('if-none-match', '*', 22, 23, 'minimal', '400 PGRST115'), ('if-match', '*', 20, 20, 'minimal', '204'), ('if-match', '*', 20, 20, 'headers-only', '204'),
  ('if-match', '*', 24, 24, 'minimal', '412 PGRST155'), ('if-match', '"x"', 20, 20, 'minimal', '412 PGRST155'), ('if-match', '*', 20, 21, 'minimal', '400 PGRST115')
) as cases(header, tag, id, given, wish, wanted),
  testing.answer('PUT', '/empty?id=eq.' || id, jsonb_build_object('prefer', 'etag, return=' || wish, header, tag), format('{"id": %s}', given)) as a;
select is(testing.brief('PUT', '/empty?id=eq.21', '{"if-none-match": "*", "prefer": "return=representation"}', '{"id": 21}'), '201 [{"id":21}]', 'created, and shown');
select is(testing.brief('PUT', '/empty?id=eq.21', '{"if-match": "*", "prefer": "return=representation", "accept": "application/vnd.pgrst.object+json"}', '{"id": 21}'), '200 {"id":21}', 'there, and shown');
select is(testing.brief('PUT', '/shown?ident=eq.21', jsonb_build_object('if-match', pg_temp.tag('/shown?ident=eq.21&select=label'), 'prefer', 'return=representation'), '{"ident": 21, "label": "put"}'),
  '200 [{"label":"put","ident":21,"thrice":43,"maker":1}]', 'a view');
select is((testing.answer('PUT', '/odd%20%22table%22?a%20b=eq.2&k%20%C3%A9=eq.x', '{"if-none-match": "*"}', '{"a b": 2, "k é": "x", "tableoid''": 5}')).status, 201, 'odd names');
select is((testing.answer('PUT', '/odd%20%22table%22?a%20b=eq.2&k%20%C3%A9=eq.x', jsonb_build_object('if-match', pg_temp.tag('/odd%20%22table%22?a%20b=eq.2&k%20%C3%A9=eq.x')), '{"a b": 2, "k é": "x", "NAME": "z"}')).status, 204, 'odd names again');
select is(array_agg(row(o.*)::text), '{"(2,x,5,z)"}', 'what a PUT does not name stays') from "odd ""table""" as o;
reset role;

-- Preferences: what is rolled back has no tag, strict handling knows etag, an idle PATCH changes nothing.
set local role tags_all;
select is(concat_ws(' ', a.status, a.headers ->> 'preference-applied', (a.headers ->> 'etag') is not null), wanted, concat_ws(' ', method, prefer))
from (values ('PATCH', 'return=representation, tx=rollback', '200 return=representation, tx=rollback f'), ('PATCH', 'return=representation, etag', '200 return=representation, etag t'),
  ('PATCH', 'return=minimal, etag', '204 return=minimal f'), ('PATCH', 'return=representation', '200 return=representation f'), ('GET', 'etag, handling=strict', '200 handling=strict, etag t'),
  ('GET', 'count=exact', '200 count=exact f'), ('GET', 'etag=x', '200 f'), ('DELETE', 'etag, tx=rollback, return=representation', '200 return=representation, tx=rollback f')) as cases(method, prefer, wanted),
  testing.answer(method, '/things?id=eq.22&select=name', jsonb_build_object('prefer', prefer), '{"name": "y"}') as a;
select is(testing.brief('PATCH', '/things?id=eq.22', jsonb_build_object('if-match', made), '{}'), wanted, 'an idle PATCH ' || made)
from (values (pg_temp.tag('/things?id=eq.22'), '204'), ('*', '204')) as cases(made, wanted);
select is(testing.failed('PATCH', '/things?id=eq.22', '{"if-match": "\"x\""}', '{}'), '412 PGRST155', 'an idle PATCH of another version');
select is(testing.brief('PATCH', '/things?id=eq.22&select=count()', jsonb_build_object('if-match', pg_temp.tag('/things?id=eq.22'), 'prefer', 'return=representation, max-affected=1, handling=strict'), '{"name": "z"}', 
  '{"settings": {"db_schemas": ["tags"], "db_aggregates_enabled": true}}'), '200 [{"count":1}]', 'an aggregate of what was changed');
select is(testing.failed('PATCH', '/things?id=eq.22&select=count()', '{"if-match": "\"x\"", "prefer": "return=representation"}', '{"name": "z"}'), '400 PGRST123', 'what is wrong besides');
select is((testing.answer('PATCH', '/things?id=eq.22&select=count()', '{"if-match": "\"x\"", "prefer": "return=representation"}', '{"name": "z"}', '{"settings": {"db_schemas": ["tags"], "db_aggregates_enabled": true}}')).status, 412,
  'an aggregate of nothing');

-- What a tag is of: not two representations have one, and one has always the same.
select is(count(distinct tag) || ' ' || count(distinct split_part(tag, '.', 1)), '7 1', 'each representation has its own, of one version')
from (values ('/things?id=eq.23', '{}'), ('/things?id=eq.23&select=id', '{}'), ('/things?id=eq.23&select=id', '{"accept": "text/csv"}'), ('/things?id=eq.23&select=id', '{"accept": "application/vnd.pgrst.object+json"}'),
  ('/things?id=eq.23&select=at', '{}'), ('/things?id=eq.23&select=at', '{"prefer": "etag, timezone=Asia/Tokyo"}'), ('/things?id=eq.23&select=id,parts(id)', '{}')) as cases(target, more),
  lateral (select pg_temp.tag(target, more::jsonb)) as made(tag);
select is(pg_temp.tag(target) ~ '^W/', weak, target)
from (values ('/things', true), ('/things?order=name', true), ('/things?order=name,id', false), ('/things?order=id.desc&limit=2', false), ('/things?order=code', true), ('/things?order=id&select=id,parts(id)', true),
  ('/parts?order=id&select=id,things(name)', false), ('/shown?order=ident', false), ('/joined?order=id', true), ('/joined?id=eq.23', true), ('/split?order=id,kind', false), ('/split?order=id', true), ('/kept?id=eq.23', false),
  ('/things?id=eq.99', false), ('/things?id=eq.23&limit=1', true), ('/things?order=doc->a', true)) as cases(target, weak);
select is(pg_temp.tag('/things?order=id', '{}', 'HEAD'), pg_temp.tag('/things?order=id'), 'HEAD of rows');
select is((testing.answer('HEAD', '/things?id=eq.23', '{"prefer": "etag, count=exact"}')).body, null, 'HEAD has no body');
select is(a.headers || jsonb_build_object('status', a.status, 'body', a.body), jsonb_build_object('status', 304, 'body', null, 'etag', pg_temp.tag('/things?order=id&limit=2'), 'cache-control', 'no-cache', 'content-location', '/things?limit=2&order=id', 'preference-applied', 'count=exact'), 'a 304')
from testing.answer('GET', '/things?order=id&limit=2', jsonb_build_object('prefer', 'count=exact', 'if-none-match', 'W/' || pg_temp.tag('/things?order=id&limit=2'))) as a;
select is((testing.answer('GET', '/things?order=id&limit=2', '{"prefer": "count=exact, etag"}')).status, 206, 'a part');
select is(a.status::text || (a.headers ? 'etag')::text, '416false', 'no part') from testing.answer('GET', '/things?order=id&offset=200', '{"prefer": "count=exact, etag"}') as a;
select is((testing.answer('GET', target, jsonb_build_object('if-match', tag))).status, wanted, concat_ws(' ', target, tag))
from (values ('/things?id=eq.23', pg_temp.tag('/things?id=eq.23'), 200), ('/things?id=eq.23', pg_temp.tag('/things?id=eq.23&select=id'), 412), ('/things?id=eq.23', 'W/' || pg_temp.tag('/things?id=eq.23'), 412),
  ('/things', pg_temp.tag('/things'), 412), ('/things?order=id', '"x", ' || pg_temp.tag('/things?order=id'), 200), ('/things', '*', 200)) as cases(target, tag, wanted);

-- The setting, and what code of the user's says.
select is((testing.answer('GET', '/things?id=eq.23', '{}', null, '{"settings": {"db_schemas": ["tags"], "db_etags_enabled": true}}')).headers ->> 'etag', pg_temp.tag('/things?id=eq.23'), 'db-etags-enabled');
reset role;
create function own_headers(things) returns text language plpgsql as $$ begin perform set_config('response.headers', '[{"ETag": "\"mine\""}, {"Cache-Control": "private"}]', true); return 'x'; end $$;
create function cached(things) returns text language plpgsql as $$ begin perform set_config('response.headers', '[{"Cache-Control": "private"}]', true); return 'x'; end $$;
create function other_status(things) returns text language plpgsql as $$ begin perform set_config('response.status', '218', true); return 'x'; end $$;
select is(concat_ws(' ', a.status, a.headers ->> 'etag' = '"mine"', a.headers ->> 'cache-control', a.body), wanted, shown)
from (values ('own_headers', '200 t private [{"own_headers":"x"}]'), ('cached', '304 f private'), ('other_status', '218 [{"other_status":"x"}]')) as cases(shown, wanted),
  testing.answer('GET', '/things?id=eq.23&select=' || shown, '{"if-none-match": "*"}') as a;

-- What changes a version: any write, and nothing else.
create temporary table seen as select pg_temp.tag('/things?id=eq.24') as tag;
update things set name = 'other' where id = 25;
select is(pg_temp.tag('/things?id=eq.24'), tag, 'another row is changed') from seen;
set local timezone = 'Asia/Tokyo';
set local datestyle = 'German';
set local extra_float_digits = 0;
select is(split_part(pg_temp.tag('/things?id=eq.24'), '.', 1), split_part(tag, '.', 1), 'settings are no part of a version') from seen;
reset timezone;
reset datestyle;
reset extra_float_digits;
update things set name = name where id = 24;
select isnt(split_part(pg_temp.tag('/things?id=eq.24'), '.', 1), split_part(tag, '.', 1), 'a write of the same values, in the same transaction') from seen;

-- From the shell, tags are values; no request without one knows of any of this.
select ok(c.flags -> 'params' = '["text", "json", "unknown", "unknown"]' and c.statement ~ 'strpos\(\$4, ', 'the tag is a parameter')
from testing.compiled('PATCH', '/things?id=eq.%01', jsonb_build_object('if-match', chr(1)), null, '{"values": 2, "payload": {"form": "{", "keys": ["name"]}}') as c;
select matches(c.statement, '\$3::bigint, .*\$5, \$6\)', 'behind those of Range') from testing.compiled('GET', '/things', jsonb_build_object('range', chr(1) || '-' || chr(1), 'if-match', chr(1), 'if-none-match', chr(1)), null, '{"values": 4}') as c;
select ok((testing.compiled(method, '/things?id=eq.1', '{}', '{"id": 1}')).statement !~ 'tagged|with_tag|sha256', method) from unnest('{GET,HEAD,PATCH,PUT,DELETE,POST}'::text[]) as method;

select * from finish();
rollback;
