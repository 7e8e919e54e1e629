-- The method QUERY, and the preference timeout: what of them is the database's.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"], "db_aggregates_enabled": true, "db_max_rows": 4}', true);
grant select on other.films to store_clerk;
set local role store_clerk;

create function pg_temp.query(target text, body text, more jsonb default '{}') returns testing.answer language sql as $$
  select testing.answer('QUERY', target, '{"content-type": "application/x-www-form-urlencoded"}' || more, body)
$$;

-- The same as GET of the query of the URL and that of the body behind it, but for Content-Location.
select is(to_jsonb(pg_temp.query(target, form, more)), to_jsonb(asked) #- '{headers,content-location}', left(concat_ws(' ', target, form, more), 200))
from (values
  ('/films', '', '{}'::jsonb), ('/films', 'select=id&id=in.(1,2,3)', '{}'), ('/films?select=id,title', 'id=gt.1&order=id.desc&limit=2', '{"prefer": "count=exact"}'),
  ('/films?', 'or=(id.eq.1,and(year.gt.1980,id.in.(2,5)))&select=id', '{"accept": "text/csv"}'), ('/films?select=id&id=eq.1', 'select=title&id=eq.1', '{"accept": "application/vnd.pgrst.object+json"}'),
  ('/films', 'select=id&order=id', '{"range": "1-2"}'), ('/films', 'select=id', '{"prefer": "handling=strict, nonsense"}'), ('/films', 'id=nonsense', '{}'), ('/films', '=x', '{}'),
  ('/films', 'select=title,directors(name)&directors.name=like.A*&title=eq.No+"one",+(really)', '{}'), ('/films', 'title=eq.%C3%A9+%26+%2525&select=id', '{}'), ('/films', 'note=eq.x', '{"accept-profile": "other"}'), ('/films', 'select=id::text,year::mood', '{}'), ('/films', 'select=mood::mood&id=eq.1', '{}'),
  ('/films', 'id=eq.7', '{"accept-profile": "nope"}'), ('/nope', 'id=eq.7', '{}'), ('/a/b', 'id=eq.7', '{}'), ('/notes', 'select=id', '{}'), ('/rpc/films_by', 'director=2&select=id', '{"prefer": "count=exact"}'),
  ('/rpc/films_by?director=2', 'id=gt.2&select=id', '{}'), ('/rpc/joined', 'words=a&words=b', '{}'), ('/rpc/nope', 'a=1', '{}'), ('/rpc/review', 'film=1&stars=5', '{}'), ('/films?' || repeat('id=eq.1&', 4000), repeat('id=eq.1&', 96), '{}')
) as cases(target, form, more),
  testing.answer('GET', target || case when target like '%?%' then '&' else '?' end || form, more) as asked;

select is(testing.brief('QUERY', '/rpc/setting?name=request.method', '{"content-type": "application/x-www-form-urlencoded"}', ''), '200 "QUERY"', 'the method is told as it is');
select is((pg_temp.query('/films', 'id=eq.1')).headers ->> 'content-location', null, 'what is too long for a URL is not shown as one');

-- Its type.
select is(a.status || ' ' || (a.body::json ->> 'code') || ' ' || (a.headers ->> 'accept-query'), '415 PGRST161 application/x-www-form-urlencoded', given::text)
from (values ('{}'::jsonb), ('{"content-type": ""}'), ('{"content-type": "application/json"}'), ('{"content-type": "text/plain"}'), ('{"content-type": "application/x-www-form-urlencoded, text/csv"}')) as cases(given),
  testing.answer('QUERY', '/films?id=eq.1', given, 'id=eq.1') as a;
select is(testing.failed('QUERY', '/films', jsonb_build_object('content-type', given), 'id=eq.1'), '200', given)
from unnest('{application/x-www-form-urlencoded;charset=utf-8,APPLICATION/X-WWW-Form-Urlencoded ; x=y}'::text[]) as given;
select is((postern.handle(testing.with_settings(testing.request('QUERY', '/films', '{"content-type": "application/x-www-form-urlencoded"}')), body)).status, 400, encode(body, 'hex'))
from unnest(array['\x69643d65712eff'::bytea, '\x69643d65712e00']) as body;
select is(testing.failed(method, target, '{"content-type": "application/x-www-form-urlencoded"}', 'id=eq.1'), '405 PGRST117', method) from (values ('query', '/films'), ('QUERYX', '/films')) as cases(method, target);

-- Who asks for it hears of it; to others OPTIONS says what it said.
select is(testing.header_object(h.headers) - 'access-control-allow-origin', wanted::jsonb, target || asks)
from (values
  ('/films', '{}', '{"allow": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"}'), ('/films', '{"access-control-request-method": "GET"}', '{"allow": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"}'),
  ('/films', '{"access-control-request-method": "QUERY"}', '{"allow": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE,QUERY", "accept-query": "application/x-www-form-urlencoded"}'),
  ('/rpc/newest', '{"access-control-request-method": "QUERY"}', '{"allow": "OPTIONS,GET,HEAD,POST,QUERY", "accept-query": "application/x-www-form-urlencoded"}'),
  ('/rpc/nothing', '{"access-control-request-method": "QUERY"}', '{"allow": "OPTIONS,POST"}')
) as cases(target, asks, wanted), postern.handle(testing.with_settings(testing.request('OPTIONS', target, asks::jsonb))) as h;

-- 100,000 keys.
select is((pg_temp.query('/films?select=id&order=id', 'id=in.(' || string_agg(n::text, ',') || ')')).body, E'[{"id":1}, \n {"id":2}, \n {"id":3}, \n {"id":4}]', 'a long list')
from generate_series(1, 100000) as n;

-- The preference timeout is the shell's. Of SQL it is read, and nothing is said to be applied.
select is(postern.is_timeout(given), wanted, given)
from (values ('2', true), ('250ms', true), ('2s', true), ('1min', true), ('999999999min', true), ('0', false), ('0s', false), ('000', false), ('', false), ('-1', false), ('1.5s', false), ('2h', false), ('2 s', false), ('s', false),
  ('1000000000', false), (E'2\n', false), ('2S', false), ('02', true)) as cases(given, wanted);
select is(postern.preferences(prefer, true), wanted::jsonb, prefer)
from (values ('timeout=2s', '{"timeout": "2s", "invalid": []}'), ('timeout=2s, timeout=3s', '{"timeout": "2s", "invalid": []}'), ('timeout=x, timeout=3s', '{"timeout": "3s", "invalid": ["timeout=x"]}'), ('timeout', '{"invalid": ["timeout"]}')) as cases(prefer, wanted);
select is(testing.failed('GET', '/films', jsonb_build_object('prefer', prefer)), wanted, prefer)
from (values ('timeout=2s, handling=strict', '200'), ('timeout=0, handling=strict', '400 PGRST122'), ('timeout=soon', '200')) as cases(prefer, wanted);
select is((testing.answer('GET', '/films?limit=1', '{"prefer": "timeout=2s, handling=strict"}')).headers ->> 'preference-applied', 'handling=strict', 'not in SQL');

select * from finish();
rollback;
