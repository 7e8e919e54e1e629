-- Calls, OPTIONS, errors and roles, from the request to the answer.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"]}', true);

select is(testing.brief(method, target, headers, payload), wanted, method || ' ' || target || coalesce(' ' || payload, ''))
from (values
  ('GET', '/rpc/add?a=1&b=2', '{}'::jsonb, null, '200 3'),
  ('GET', '/rpc/add?a=1', '{}', null, '200 2'),
  ('POST', '/rpc/add', '{}', '{"a": 1, "b": 2}', '200 3'),
  ('POST', '/rpc/add', '{"content-type": "application/x-www-form-urlencoded"}', 'a=1&b=2', '200 3'),
  ('HEAD', '/rpc/add?a=1', '{}', null, '200'),
  ('GET', '/rpc/films_by?director=2&select=title,reviews(stars)&order=title', '{}', null, '200 [{"title":"Ikiru","reviews":[]},{"title":"Ran","reviews":[{"stars":5}]}]'),
  ('GET', '/rpc/films_by?director=2&title=eq.Ran&select=id', '{}', null, '200 [{"id":2}]'),
  ('GET', '/rpc/films_by?director=2&limit=1&offset=1&select=id', '{}', null, '200 [{"id":3}]'),
  ('GET', '/rpc/newest?select=id', '{}', null, '200 {"id":4}'),
  ('GET', '/rpc/newest?select=id,directors(name)', '{}', null, '200 {"id":4,"directors":{"name":"Agnès Varda"}}'),
  ('POST', '/rpc/nothing', '{}', null, '204'),
  ('POST', '/rpc/echo', '{}', '{"x": [1, null]}', '200 {"x": [1, null]}'),
  ('GET', '/rpc/joined?words=a&words=b', '{}', null, '200 "a-b"'),
  ('POST', '/rpc/joined', '{}', '{"words": ["a", "b,c"]}', '200 "a-b,c"'),
  ('POST', '/rpc/review?select=film_id,stars', '{}', '{"film": 3, "stars": 2}', '200 {"film_id":3,"stars":2}'),
  ('POST', '/rpc/setting', '{}', '{"name": "request.method"}', '200 "POST"'),
  ('GET', '/rpc/setting?name=request.path', '{}', null, '200 "/rpc/setting"'),
  ('GET', '/rpc/setting?name=transaction_read_only', '{}', null, '200 "on"'),
  ('POST', '/rpc/setting', '{}', '{"name": "transaction_read_only"}', '200 "on"'),
  ('GET', '/rpc/setting?name=request.headers', '{"x-a": "b"}', null, '200 "{\"x-a\": \"b\"}"'),
  ('GET', '/rpc/setting?name=request.cookies', '{}', null, '200 "{}"'),
  ('GET', '/rpc/setting?name=timezone', '{"prefer": "timezone=Europe/Vienna"}', null, '200 "Europe/Vienna"'),
  ('GET', '/rpc/setting?name=search_path', '{}', null, '200 "\"store\", \"public\""')
) as cases(method, target, headers, payload, wanted);

select is(testing.failed(method, target, headers, payload), wanted, method || ' ' || target || coalesce(' ' || payload, ''))
from (values
  ('GET', '/a/b', '{}'::jsonb, null, '404 PGRST125'),
  ('GET', '/rpc/a/b', '{}', null, '404 PGRST125'),
  ('POST', '/', '{}', '{}', '405 PGRST117'),
  ('TRACE', '/films', '{}', null, '405 PGRST117'),
  ('get', '/films', '{}', null, '405 PGRST117'),
  ('DELETE', '/rpc/add', '{}', null, '405 PGRST101'),
  ('GET', '/rpc/nope', '{}', null, '404 PGRST202'),
  ('GET', '/rpc/add?c=1', '{}', null, '404 PGRST202'),
  ('POST', '/rpc/add', '{}', '{"a": 1, "z": 2}', '404 PGRST202'),
  ('POST', '/rpc/add', '{}', '{"a": "one"}', '400 22P02'),
  ('POST', '/rpc/add', '{}', '{"a": ', '400 PGRST102'),
  ('GET', '/rpc/review?film=1&stars=1', '{}', null, '405 25006'),
  ('GET', '/nope', '{}', null, '404 PGRST205'),
  ('GET', '/films?nope=eq.1', '{}', null, '400 42703'),
  ('GET', '/films?select=nope', '{}', null, '400 42703'),
  ('GET', '/films?order=nope', '{}', null, '400 42703'),
  ('GET', '/films?id=eq.one', '{}', null, '400 22P02'),
  ('GET', '/films?id=xx.1', '{}', null, '400 PGRST100'),
  ('GET', '/films?id=', '{}', null, '400 PGRST100'),
  ('GET', '/films?select=id(', '{}', null, '400 PGRST100'),
  ('GET', '/films?or=(id.eq.1', '{}', null, '400 PGRST100'),
  ('GET', '/films?order=id.up', '{}', null, '400 PGRST100'),
  ('GET', '/films?title=eq.%00', '{}', null, '400 PGRST100'),
  ('GET', '/films?title=eq.%FF', '{}', null, '400 PGRST100'),
  ('GET', '/films%00', '{}', null, '400 PGRST100'),
  ('GET', '/films?title=match.(', '{}', null, '400 2201B'),
  ('GET', '/films?select=id::nosuchtype', '{}', null, '400 42704'),
  ('GET', '/films?select=id::a%20b', '{}', null, '400 42704'),
  ('POST', '/rpc/add', '{"content-type": "application/x-www-form-urlencoded"}', 'a=1&b=%00', '400 PGRST100'),
  ('POST', '/films?columns=title', '{}', '', '400 22P02'),
  ('GET', '/films?select=id,nope(x)', '{}', null, '400 PGRST200'),
  ('GET', '/films?select=id,prizes(name)', '{}', null, '300 PGRST201'),
  ('GET', '/films?reviews.stars=eq.1', '{}', null, '400 PGRST108'),
  ('GET', '/directors?select=*,films(*)&order=films(id)', '{}', null, '400 PGRST118'),
  ('GET', '/films?select=count()', '{}', null, '400 PGRST123'),
  ('POST', '/rpc/raising', '{}', '{"state": "P0001"}', '400 P0001'),
  ('POST', '/rpc/raising', '{}', '{"state": "PT418"}', '418 PT418'),
  ('POST', '/rpc/raising', '{}', '{"state": "42501"}', '403 42501'),
  ('POST', '/rpc/raising', '{}', '{"state": "57014"}', '500 57014'),
  ('POST', '/rpc/raising', '{}', '{"state": "P0004"}', '500 P0004'),
  ('POST', '/rpc/raising', '{}', '{"state": "40001"}', '500 40001'),
  ('POST', '/rpc/raising', '{}', '{"state": "53300"}', '503 53300'),
  ('POST', '/rpc/raising', '{}', '{"state": "PGRST"}', '500 PGRST121'),
  ('POST', '/rpc/raising', '{}', '{"state": "PGRST", "message": "{\"code\": \"c1\", \"message\": \"m\"}", "detail": "{\"status\": 332, \"headers\": {\"X-A\": \"b\"}}"}', '332 c1'),
  ('POST', '/rpc/own_answer', '{}', '{"status": "abc"}', '500 PGRST112'),
  ('POST', '/rpc/own_answer', '{}', '{"status": "1000"}', '500 PGRST112'),
  ('POST', '/rpc/own_answer', '{}', '{"headers": "abc"}', '500 PGRST111'),
  ('POST', '/rpc/own_answer', '{}', '{"headers": "[{}]"}', '500 PGRST111'),
  ('POST', '/rpc/own_answer', '{}', '{"headers": "[{\"X-A\": \"b\\r\\nSet-Cookie: c\"}]"}', '500 PGRST111')
) as cases(method, target, headers, payload, wanted);

-- An error's headers, and its body in full.
select is(a.headers ->> 'content-type' || ' ' || (a.headers ->> 'proxy-status'), 'application/json; charset=utf-8 postern; error=PGRST205', 'headers of an error')
from testing.answer('GET', '/nope') as a;
select is(testing.brief('POST', '/rpc/raising', '{}', '{"state": "P0001", "message": "m \"q\"", "detail": "d", "hint": "h"}'),
  '400 {"code":"P0001","details":"d","hint":"h","message":"m \"q\""}', 'body of an error');
select is(testing.brief('POST', '/rpc/raising', '{}', '{"state": "P0001", "message": "m", "detail": "d"}', '{"settings": {"db_schemas": ["store"], "client_error_verbosity": "minimal"}}'),
  '400 {"code":"P0001","message":"m"}', 'client-error-verbosity');
select is(a.headers ->> 'x-a', 'b', 'headers of RAISE')
from testing.answer('POST', '/rpc/raising', '{}', '{"state": "PGRST", "message": "{\"code\": \"c1\", \"message\": \"m\"}", "detail": "{\"status\": 332, \"headers\": {\"X-A\": \"b\"}}"}') as a;
select is(testing.brief('POST', '/rpc/raising', '{}', '{"state": "42501", "message": "no"}', '{"anonymous": true}'),
  '401 {"code":"42501","details":null,"hint":null,"message":"no"}', 'a privilege that anonymous has not');

-- response.status and response.headers.
select is(a.status || ' ' || a.headers || ' ' || a.body, '299 ' || '{"x-a": "b, c", "content-type": "text/plain", "content-range": "0-0/*", "content-profile": "store"} "made"', 'an answer of its own')
from testing.answer('POST', '/rpc/own_answer', '{}', '{"status": "299", "headers": "[{\"X-A\": \"b, c\"}, {\"Content-Type\": \"text/plain\"}]"}') as a;

-- OPTIONS.
select is(a.status || ' ' || (a.headers ->> 'allow') || coalesce(a.body, ''), '200 ' || wanted, 'OPTIONS ' || target)
from (values
  ('/films', 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE'),
  ('/keyless', 'OPTIONS,GET,HEAD,POST,PATCH,DELETE'),
  ('/recent_films', 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE'),
  ('/rpc/nothing', 'OPTIONS,POST'),
  ('/rpc/newest', 'OPTIONS,GET,HEAD,POST'),
  ('/', 'OPTIONS,GET,HEAD')
) as cases(target, wanted), testing.answer('OPTIONS', target) as a;
select is(testing.failed('OPTIONS', '/nope'), '404 PGRST205', 'OPTIONS of nothing');

-- db-pre-request.
create function store.before() returns void language plpgsql as $$
begin
  perform set_config('testing.before', current_setting('request.path'), true);
  if current_setting('request.headers')::json ->> 'x-refuse' is not null then
    raise sqlstate 'PT403' using message = 'refused';
  end if;
end $$;
select is(testing.brief('GET', '/rpc/setting?name=testing.before', '{}', null, '{"settings": {"db_schemas": ["store"], "db_pre_request": "store.before"}}'), '200 "/rpc/setting"', 'it is called before');
select is(testing.brief('GET', '/films', '{"x-refuse": "1"}', null, '{"settings": {"db_schemas": ["store"], "db_pre_request": "store.before"}}'),
  '403 {"code":"PT403","details":null,"hint":null,"message":"refused"}', 'and may refuse');

-- Roles.
set local role store_clerk;
select is(testing.get('/rpc/whoami'), '200 "store_clerk"', 'the role is the caller''s');
select is(testing.get('/notes?select=words'), '200 [{"words":"clerk''s"}]', 'row security of a role');
select is(testing.brief('POST', '/notes', '{}', '{"id": 9, "owner": "store_anon"}'),
  '403 {"code":"42501","details":null,"hint":null,"message":"new row violates row-level security policy for table \"notes\""}', 'for writes too');
select is(testing.failed('POST', '/directors', '{}', '{"name": "q"}'), '403 42501', 'no privilege');
reset role;
set local role store_anon;
select is(testing.get('/notes?select=words'), '200 [{"words":"anon''s"}]', 'and of another');
select is(testing.failed('GET', '/staff'), '403 42501', 'no privilege to read');
reset role;

-- What is counted.
select is(a.status || ' ' || (a.headers ->> 'content-range'), wanted, 'count=' || kind)
from (values ('exact', '206 0-0/2'), ('estimated', '206 0-0/2'), ('planned', '200 0-0/*')) as cases(kind, wanted),
  testing.answer('GET', '/rpc/films_by?director=1&limit=1', jsonb_build_object('prefer', 'count=' || kind)) as a;

-- The arguments of a POST are in its body.
select is(testing.failed('POST', '/rpc/add?a=1', headers, payload), '400 PGRST100', 'a parameter without an operator beside ' || payload)
from (values ('{}'::jsonb, '{"a": 1}'), ('{"content-type": "application/x-www-form-urlencoded"}', 'a=2')) as cases(headers, payload);
select is(testing.brief('POST', '/rpc/films_by?select=id&id=gt.3', '{}', '{"director": 1}'), '200 [{"id":4}]', 'a filter');

-- A function is called though nobody reads its value.
create function store.stable_void() returns void language plpgsql stable as $$ begin raise 'called'; end $$;
create function store.stable_text() returns text language plpgsql stable as $$ begin raise 'called'; end $$;
create function store.stable_texts() returns setof text language plpgsql stable as $$ begin raise 'called'; end $$;
select is((testing.answer(method, '/rpc/' || name, '{}', case method when 'POST' then '{}' end)).status, 400, concat_ws(' ', method, name))
from unnest(array['stable_void', 'stable_text', 'stable_texts']) as name, unnest(array['GET', 'HEAD', 'POST']) as method;

select * from finish();
rollback;
