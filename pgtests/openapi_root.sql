-- The root, from the request to the answer.
begin;
select no_plan();

create schema rooms;
create schema cellar;
comment on schema rooms is 'Rooms';
create table rooms.film (id int primary key);
create table cellar.wine (id int primary key);
create domain rooms."application/openapi+json" as json;
create function rooms.root() returns json stable language sql as $$ select '{"own": true}'::json $$;
create function rooms.described() returns rooms."application/openapi+json" stable language sql as $$ select '{"own": true}'::json $$;
create function rooms.summed(a int, b int default 1) returns int stable language sql as 'select a + b';
create function rooms.films() returns setof rooms.film stable language sql as 'values (1), (2), (3)';

create function testing.configured(more jsonb default '{}') returns text language sql as $$
  select set_config('testing.settings', ('{"db_schemas": ["rooms"], "server_host": "localhost", "server_port": 3000}'::jsonb || more)::text, true) $$;
create function testing.root(headers jsonb default '{}', method text default 'GET', target text default '/') returns testing.answer language sql as $$
  select testing.answer(method, target, headers) $$;

select testing.configured();
select is((testing.root()).status, 200, 'the description');
select is((testing.root()).headers - 'etag', '{"content-type": "application/openapi+json; charset=utf-8", "cache-control": "no-cache"}', 'its headers');
select is(array(select json_object_keys((testing.root()).body::json)),
  '{swagger,info,host,basePath,schemes,consumes,produces,paths,definitions,parameters,externalDocs}', 'its fields');
select is((testing.root()).body::json ->> 'host', 'localhost:3000', 'host');
select is((testing.root()).body::json #>> '{info,title}', 'Rooms', 'title');
select is(array(select json_object_keys((testing.root()).body::json -> 'definitions')), '{film}', 'definitions');
select is(array(select json_object_keys((testing.root()).body::json -> 'paths')), '{/,/film,/rpc/described,/rpc/films,/rpc/root,/rpc/summed}', 'paths');
select unalike((testing.root()).body, '%:null%', 'nothing is null');
select is((testing.root(jsonb_build_object('accept', accept))).status, wanted, accept)
from (values ('application/openapi+json', 200), ('application/json', 200), ('*/*', 200), ('text/csv, application/json;q=0.1', 200), ('text/csv', 406),
  ('application/vnd.pgrst.object+json', 406)) as cases(accept, wanted);
select is(testing.failed('GET', '/', '{"accept": "text/csv"}'), '406 PGRST107', 'no other media type');
select is((testing.root(method => 'HEAD')).body, null, 'HEAD');
select is((testing.root(method => 'HEAD')).headers ->> 'content-type', 'application/openapi+json; charset=utf-8', 'HEAD has the headers');
select is((testing.root(method => 'OPTIONS')).headers ->> 'allow', 'OPTIONS,GET,HEAD', 'OPTIONS');
select is(testing.failed('POST', '/'), '405 PGRST117', 'POST');
select is((testing.root(target => '/?select=x&id=eq.1')).status, 200, 'a query string is of no account');
select is(testing.failed('GET', target), '400 PGRST100', 'but has to be one: ' || target) from unnest('{/?foo=bar,/?a=1.5,/?select=(}'::text[]) as target;

select testing.configured('{"openapi_security_active": true}');
select is((testing.root()).body::json ->> 'security', '[{"JWT":[]}]', 'security');
select is((testing.root()).body::json -> 'securityDefinitions' ->> 'JWT', '{"description":"Add the token prepending \"Bearer \" (without quotes) to it","in":"header","name":"Authorization","type":"apiKey"}', 'where the token stands');

select testing.configured('{"db_schemas": ["rooms", "cellar"]}');
select is((testing.root()).headers ->> 'content-profile', 'rooms', 'the first schema');
select is((testing.root('{"accept-profile": "cellar"}')).headers ->> 'content-profile', 'cellar', 'another one');
select is(array(select json_object_keys((testing.root('{"accept-profile": "cellar"}')).body::json -> 'definitions')), '{wine}', 'and its relations');
select is(testing.failed('GET', '/', '{"accept-profile": "attic"}'), '406 PGRST106', 'one that is not exposed');

create role stranger;
grant stranger to current_user;
grant usage on schema testing to stranger;
set local role stranger;
select is((testing.root()).body::json ->> 'definitions', null, 'nothing that the role may not access');
select testing.configured('{"openapi_mode": "ignore-privileges"}');
select is(array(select json_object_keys((testing.root()).body::json -> 'definitions')), '{film}', 'unless privileges are ignored');
reset role;

select testing.configured('{"openapi_mode": "disabled"}');
select is(testing.failed(method, '/'), '404 PGRST126', method || ', disabled') from unnest('{GET,OPTIONS,POST,PATCH,DELETE}'::text[]) as method;
select testing.configured('{"openapi_mode": "disabled", "db_root_spec": "root"}');
select is(testing.failed(method, '/'), '404 PGRST126', method || ', disabled in spite of a function') from unnest('{GET,POST}'::text[]) as method;
select testing.configured('{"openapi_mode": "disabled", "db_schemas": ["rooms"]}');
select is((testing.root(target => '/film')).status, 200, 'all else goes on');

select testing.configured('{"db_root_spec": "root"}');
select is((testing.root()).body, '{"own": true}', 'a function in place of the description');
select is((testing.root()).headers ->> 'content-type', 'application/json; charset=utf-8', 'is answered like any other');
select is((testing.root('{"accept": "application/openapi+json"}')).status, 406, 'also as to its media type');
select testing.configured('{"db_root_spec": "elsewhere.described"}');
select is((testing.root('{"accept": "application/openapi+json"}')).headers ->> 'content-type', 'application/openapi+json; charset=utf-8', 'a function with a media type');
select is((testing.root('{"accept": "application/openapi+json"}')).body, '{"own": true}', 'its schema is that of the request');
select testing.configured('{"db_root_spec": "films"}');
select is((testing.root(target => '/?id=gt.1&order=id.desc&limit=1')).body, '[{"id":3}]', 'filters, order and limit');
select is((testing.root('{"range": "1-1"}')).body, '[{"id":2}]', 'Range');
select testing.configured('{"db_root_spec": "summed"}');
select is((testing.root(target => '/?a=1')).body, '2', 'an argument');
select is((testing.root(target => '/?a=1')).body, '2', 'and again');
select is((testing.root(target => '/?a=1')).body, '2', 'from the prepared statement');
select is((testing.root(target => '/?a=1&b=4')).body, '5', 'two arguments');
select is(testing.brief('POST', '/', '{}', '{"a": 3}'), '200 4', 'POST');
select is(testing.brief('POST', '/', '{"content-type": "application/x-www-form-urlencoded"}', 'a=3&b=3'), '200 6', 'POST of a form');
select is((testing.root(method => 'HEAD', target => '/?a=1')).status, 200, 'HEAD of a function');
select is(testing.failed(method, '/'), '405 PGRST101', method || ' of a function') from unnest('{PUT,PATCH,DELETE}'::text[]) as method;
select is(testing.failed('GET', '/?c=1'), '404 PGRST202', 'arguments that do not fit');
select testing.configured('{"db_root_spec": "root"}');
select is((testing.root(method => 'OPTIONS')).headers ->> 'allow', 'OPTIONS,GET,HEAD,POST', 'OPTIONS of a function');
select testing.configured('{"db_root_spec": "missing"}');
select is(testing.failed('GET', '/'), '404 PGRST202', 'no such function');

-- The version.
select testing.configured();
select is((testing.root(jsonb_build_object('accept', accept))).headers ->> 'content-type', wanted || '; charset=utf-8', accept)
from (values
  ('application/openapi+json;version=3.1', 'application/openapi+json;version=3.1'),
  ('application/openapi+json; version="3.1.0"', 'application/openapi+json;version=3.1'),
  ('application/openapi+json;version=2.0', 'application/openapi+json'),
  ('application/vnd.oai.openapi+json;version=3.1', 'application/vnd.oai.openapi+json;version=3.1'),
  ('application/vnd.oai.openapi+json', 'application/vnd.oai.openapi+json;version=3.1'),
  ('application/vnd.oai.openapi+json;version=4, */*;q=0.1', 'application/openapi+json'),
  ('application/json;q=0.5, application/openapi+json;version=3.1', 'application/openapi+json;version=3.1')
) as cases(accept, wanted);
select is(testing.failed('GET', '/', jsonb_build_object('accept', accept)), '406 PGRST107', accept)
from unnest('{application/openapi+json;version=3.0,application/openapi+json;version=1,application/vnd.oai.openapi+json;version=2.0,text/html}'::text[]) as accept;
select is((testing.root('{"accept": "application/openapi+json;version=3.1"}')).body::json ->> 'openapi', '3.1.0', 'by media type');
select is((testing.root(target => '/openapi/3.1.json')).body::json ->> 'openapi', '3.1.0', 'by address');
select is((testing.root('{"accept": "text/html"}', target => '/openapi/3.1.json')).status, 200, 'an address has one version, whatever is accepted');
select is((testing.root(target => '/openapi/2.0.json')).body, (testing.root()).body, 'the address of 2.0');
select is(postern.description_version(segments), wanted, segments::text)
from (values ('{openapi,3.1.json}'::text[], '3.1'), ('{openapi,2.0.json}', '2.0'), ('{openapi,3.0.json}', null), ('{openapi}', null), ('{}', null), ('{rpc,3.1.json}', null)) as cases(segments, wanted);
select is(testing.failed('GET', target), '404 PGRST125', target) from unnest('{/openapi/3.0.json,/openapi/3.1.json/x,/openapi/films}'::text[]) as target;
select is(testing.failed('POST', '/openapi/3.1.json'), '405 PGRST117', 'POST to the description');
select is(testing.failed('GET', '/openapi/3.1.json?foo=bar'), '400 PGRST100', 'a query string has to be one');
select is((testing.root(method => 'OPTIONS', target => '/openapi/3.1.json')).headers ->> 'allow', 'OPTIONS,GET,HEAD', 'OPTIONS of the description');
select testing.configured(more) from (values ('{"db_schemas": ["rooms", "cellar"]}'::jsonb)) as settings(more);
select ok((testing.root('{"accept-profile": "cellar"}', target => '/openapi/3.1.json')).body::jsonb #> '{components,schemas}' ? 'wine', 'the schema of the profile');
select testing.configured(more) from (values ('{"openapi_mode": "disabled"}'::jsonb)) as settings(more);
select is(testing.failed('GET', '/openapi/3.1.json'), '404 PGRST126', 'disabled');
select testing.configured(more) from (values ('{"db_root_spec": "root"}'::jsonb)) as settings(more);
select is(testing.failed('GET', '/openapi/3.1.json'), '404 PGRST126', 'a function in place of the description');

-- The ETag.
select testing.configured();
create function testing.tag(target text default '/openapi/3.1.json') returns text language sql as $$ select (testing.root(target => target)).headers ->> 'etag' $$;
create function testing.again(tag text, target text default '/openapi/3.1.json', method text default 'GET') returns text language sql as $$
  select concat_ws(' ', a.status, a.body) from testing.answer(method, target, jsonb_build_object('if-none-match', tag)) as a where a.status <> 200
  union all select '200' from testing.answer(method, target, jsonb_build_object('if-none-match', tag)) as a where a.status = 200 $$;
select ok(postern.live(), 'event triggers watch the DDL');
select matches(testing.tag(), '^W/"[0-9a-f]{32}"$', 'an ETag');
select is(testing.tag(), testing.tag(), 'that stays');
select isnt(testing.tag(), testing.tag('/'), 'each version has its own');
select is((testing.root(method => 'HEAD', target => '/openapi/3.1.json')).headers ->> 'etag', testing.tag(), 'HEAD has it too');
select is(testing.again(testing.tag()), '304', 'not modified');
select is(testing.again(testing.tag(), method => 'HEAD'), '304', 'nor for HEAD');
select is((testing.answer('GET', '/openapi/3.1.json', jsonb_build_object('if-none-match', testing.tag()))).headers,
  jsonb_build_object('etag', testing.tag(), 'cache-control', 'no-cache'), 'the headers of 304');
select is(testing.again('"x", ' || replace(testing.tag(), 'W/', '')), '304', 'in a list, compared weakly');
select is(testing.again('*'), '304', 'any');
select is(testing.again('"x"'), '200', 'another one');
select is(testing.again(testing.tag('/')), '200', 'that of another version');
create function testing.changed(what text, statement text) returns text language plpgsql as $$
declare
  before text := testing.tag();
begin
  execute statement;
  return isnt(testing.tag(), before, what || ' makes another');
end $$;
create role member;
create role another;
grant usage on schema testing to member, stranger;
grant member to current_user;
select testing.changed(what, statement) from (values
  ('a table', 'create table rooms.added (id int primary key)'),
  ('a comment', 'comment on table rooms.added is ''more'''),
  ('an owner', 'alter table rooms.added owner to another'),
  ('another owner', 'reassign owned by another to member'),
  ('a grant', 'grant select on rooms.added to member'),
  ('a membership', 'grant another to current_user'),
  ('a setting', 'select testing.configured(''{"openapi_security_active": true}'')'),
  ('a role', 'set local role stranger'),
  ('none of its memberships', 'reset role')
) as changes(what, statement);
grant member to stranger;
set local role stranger;
select ok((testing.root(target => '/openapi/3.1.json')).body::jsonb #> '{components,schemas}' ? 'added', 'a member sees what its role may');
create temp table before as select testing.tag() as tag;
reset role;
revoke member from stranger;
set local role stranger;
select isnt(testing.tag(), (select tag from before), 'and has another ETag when it is none any more');
select is(testing.again((select tag from before)), '200', 'so that nothing it may not see is confirmed');
reset role;

-- Without event triggers the ETag is of the description itself.
alter event trigger postern_sql_drop disable;
alter event trigger postern_ddl_command_end disable;
select is(postern.description_state('3.1', 'rooms', '{}'), null, 'no state to go by');
select testing.changed('a table, unseen by event triggers,', 'create table rooms.unseen (id int)');
select is(testing.again(testing.tag()), '304', 'not modified');
select is(testing.again(testing.tag(), method => 'HEAD'), '304', 'nor for HEAD');
alter event trigger postern_sql_drop enable;
alter event trigger postern_ddl_command_end enable;

select is(postern.tag_matches(known, 'abc'), wanted, known)
from (values ('"abc"', true), ('W/"abc"', true), ('"x","abc"', true), (' * ', true), ('abc', false), ('"abcd"', false), ('', false)) as cases(known, wanted);
select is(postern.root_media(null), 'application/openapi+json', 'no Accept');

select * from finish();
rollback;
