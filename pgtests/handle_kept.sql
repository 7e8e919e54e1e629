-- Which requests are compiled once: from the second sighting on there is a prepared statement, but for the exceptions that
-- docs/differences.md lists ("Prepared statements are kept").
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"], "db_aggregates_enabled": true, "db_plan_enabled": true}', true);

-- How many statements a request leaves prepared, sent so many times.
create function pg_temp.kept(times int, method text, target text, headers jsonb, payload text) returns bigint language plpgsql as $$
begin
  deallocate all;
  for time in 1 .. times loop
    perform testing.answer(method, target, headers, payload);
  end loop;
  return (select count(*) from pg_prepared_statements where name like 'postern\_%');
end $$;

create temp table kinds (method text default 'GET', target text, headers jsonb default '{}', payload text);
insert into kinds (target) values
  ('/films'), ('/films?select='), ('/films?select=*,title'), ('/films?select=x:title,id::text,meta->cast->>0'),
  ('/films?id=eq.1&year=gt.1900&title=not.like.*a*'), ('/films?id=in.(1,2)'), ('/films?title=like(any).{a*,b*}'), ('/films?year=is.null'),
  ('/films?director_id=isdistinct.1'), ('/films?title=fts(english).x'), ('/films?meta->length=gt.10'), ('/films?shouted=eq.X'),
  ('/films?or=(id.eq.1,and(year.gt.1980,not.or(title.ilike.*a*,id.in.(1,2))))'), ('/films?order=year.desc.nullslast,id&limit=2&offset=1'),
  ('/films?select=id,directors(name)'), ('/directors?select=id,films!inner(id,reviews(stars))&films.year=gt.1900&films.order=id&films.limit=1'),
  ('/films?select=id,d:directors(name)&d.name=eq.x&d=is.null'), ('/films?select=id,...directors(name)'), ('/directors?select=id,...films(title)'),
  ('/films?select=id,actors(name)'), ('/films?select=id,same_year(id)'), ('/recent_films?select=title,directors(name)'), ('/films?select=id,directors()&order=directors(name)'),
  ('/films?select=year,count()'), ('/directors?select=name,films(id.sum())'), ('/films?select=id&limit=99999999999999999999'), ('/films?limit=x'), ('/films?columns=eq.1'),
  ('/rpc/add?a=1&b=2'), ('/rpc/films_by?director=1&select=id,reviews(*)&order=id'), ('/rpc/whoami'), ('/'), ('/?id=eq.1');
insert into kinds (target, headers) values
  ('/films', '{"range": "1-2"}'), ('/films', '{"prefer": "count=exact"}'), ('/films?limit=1', '{"prefer": "count=exact"}'), ('/films', '{"accept": "text/csv"}'),
  ('/films?id=eq.1', '{"accept": "application/vnd.pgrst.object+json"}'), ('/films', '{"accept": "application/vnd.pgrst.array+json;nulls=stripped"}'),
  ('/films', '{"accept-profile": "other"}'), ('/films', '{"prefer": "timezone=Europe/Vienna"}');
insert into kinds (method, target) values ('HEAD', '/films?id=eq.1'), ('HEAD', '/rpc/add?a=1');
insert into kinds (method, target, payload) values ('POST', '/rpc/add', '{"a": 1}');
select is(pg_temp.kept(1, method, target, headers, payload), 0::bigint, concat_ws(' ', 'once', method, target, headers)) from kinds;
select is(pg_temp.kept(2, method, target, headers, payload), 1::bigint, concat_ws(' ', 'twice', method, target, headers)) from kinds;
select is(left(testing.brief(method, target, headers, payload), 1), '2', concat_ws(' ', method, target, 'is an answer')) from kinds;

-- The exceptions.
truncate kinds;
insert into kinds (target, headers) values
  ('/films', '{"prefer": "count=planned"}'), ('/films', '{"prefer": "count=estimated"}'), ('/films', '{"accept": "application/vnd.pgrst.plan"}'),
  ('/films?select=nope', '{}'), ('/nope', '{}'), ('/films?select=id,', '{}'), ('/films?order=like.desc', '{}');
insert into kinds (method, target) values ('OPTIONS', '/films');
select is(pg_temp.kept(3, method, target, headers, payload), 0::bigint, concat_ws(' ', 'compiled each time:', method, target, headers)) from kinds;

select * from finish();
rollback;
