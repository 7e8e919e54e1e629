-- The guard on cost.
begin;
select no_plan();

create schema dear;
create table dear.rows (id int primary key, kind int, owner name default current_user, words text);
insert into dear.rows select g, case when g <= 18000 then 1 else g end, case when g % 100 = 0 then 'store_clerk' else 'other' end from generate_series(1, 20000) as g;
create index on dear.rows (kind);
create index on dear.rows (owner);
alter table dear.rows enable row level security;
create policy own on dear.rows to store_clerk using (owner = current_user);
create policy everything on dear.rows to store_anon using (true);
create view dear."all ""of"" them" as select * from dear.rows;
create function dear.costly(n int) returns int language plpgsql stable cost 1000000 as 'begin return n; end';
create function dear.many() returns setof dear.rows language plpgsql stable rows 1000000 as 'begin return query select * from dear.rows limit 1; end';
create function dear.own_time() returns int language plpgsql set statement_timeout = '9s' as 'begin return 1; end';
grant usage on schema dear to store_anon, store_clerk;
grant all on all tables in schema dear to store_anon, store_clerk;
analyze dear.rows;
create function pg_temp.limited(most int) returns void language sql as $$
  select set_config('testing.settings', jsonb_build_object('db_schemas', '{dear}'::text[], 'db_aggregates_enabled', true, 'db_plan_enabled', true, 'db_max_cost', most)::text, true)
$$;

set local role store_anon;
select pg_temp.limited(250);
select is(testing.failed(method, target, headers::jsonb || '{"content-type": "application/json"}', body), wanted, concat_ws(' ', method, target, headers, body))
from (values
  ('GET', '/rows?id=eq.1', '{}', null, '200'), ('GET', '/rows', '{}', null, '400 PGRST162'), ('HEAD', '/rows', '{}', null, '400'), ('GET', '/rows?limit=10', '{}', null, '200'), ('GET', '/rows?select=count()', '{}', null, '400 PGRST162'),
  ('GET', '/rows?id=eq.1&limit=1', '{"prefer": "count=exact"}', null, '200'), ('GET', '/rows?limit=1', '{"prefer": "count=exact"}', null, '400 PGRST162'), ('GET', '/rows?limit=1', '{"prefer": "count=planned"}', null, '206'),
  ('GET', '/all%20%22of%22%20them', '{}', null, '400 PGRST162'), ('GET', '/all%20%22of%22%20them?id=eq.1', '{}', null, '200'),
  -- What the plan says of these values.
  ('GET', '/rows?kind=eq.19000', '{}', null, '200'), ('GET', '/rows?kind=eq.1', '{}', null, '400 PGRST162'), ('GET', '/rows?id=lt.5', '{}', null, '200'), ('GET', '/rows?id=gt.5', '{}', null, '400 PGRST162'), ('GET', '/rows?words=eq.x', '{}', null, '400 PGRST162'),
  -- Writes, and what functions say of themselves.
  ('PATCH', '/rows', '{}', '{"words": "x"}', '400 PGRST162'), ('PATCH', '/rows?id=eq.1', '{}', '{"words": "x"}', '204'), ('DELETE', '/rows?kind=eq.1', '{}', null, '400 PGRST162'), ('DELETE', '/rows?id=eq.2', '{}', null, '204'),
  ('POST', '/rows', '{}', '{"id": 100000}', '201'), ('GET', '/rpc/costly?n=1', '{}', null, '400 PGRST162'), ('POST', '/rpc/costly', '{}', '{"n": 1}', '400 PGRST162'), ('GET', '/rpc/many', '{}', null, '400 PGRST162'), ('POST', '/rpc/own_time', '{}', '{}', '200'),
  -- A plan may be looked at; what runs it counts.
  ('GET', '/rows', '{"accept": "application/vnd.pgrst.plan+json"}', null, '200'), ('GET', '/rows', '{"accept": "application/vnd.pgrst.plan+json; options=analyze"}', null, '400 PGRST162'),
  ('GET', '/rows?id=eq.1', '{"accept": "application/vnd.pgrst.plan+json; options=analyze|verbose"}', null, '200'),
  -- Errors and what is no rows are as they were.
  ('GET', '/nope', '{}', null, '404 PGRST205'), ('GET', '/rows?id=eq.x', '{}', null, '400 22P02'), ('OPTIONS', '/rows', '{}', null, '200'), ('POST', '/rows', '{}', '{"id": 1}', '409 23505')
) as cases(method, target, headers, body, wanted);
select is((select count(*) from dear.rows where words is not null), 1::bigint, 'what is refused has done nothing');
select matches(testing.get('/rows'), '^400 {"code":"PGRST162","details":{"cost": [0-9.]+, "limit": 250},"hint":"[^"]+","message":"[^"]+"}$', 'the cost and the limit');
select is(testing.brief('GET', '/rows', '{}', null, '{"settings": {"db_schemas": ["dear"], "db_max_cost": 250, "client_error_verbosity": "minimal"}}'),
  '400 {"code":"PGRST162","message":"The request costs more than is allowed"}', 'not where errors are brief');

-- Row security is in the plan of a role.
set local role store_clerk;
select is(testing.failed('GET', '/rows?select=id'), '200', 'few rows are the clerk''s');
set local role store_anon;
select is(testing.failed('GET', '/rows?select=id'), '400 PGRST162', 'and many are everybody''s');

-- Limits.
select is(left(testing.brief('GET', '/rows', '{}', null, jsonb_build_object('settings', jsonb_build_object('db_schemas', '{dear}'::text[], 'db_max_cost', most))), 3), left(wanted, 3), most::text)
from (values (0, '200'), (1000000, '200'), (1, '400 PGRST162')) as cases(most, wanted);
select set_config('testing.settings', '{"db_schemas": ["dear"]}', true);
select set_config('pgrst.db_max_cost', '250', true);
select is(testing.failed('GET', '/rows'), '200', 'off, and with settings those of the session count for nothing');
select set_config('testing.settings', '', true), set_config('pgrst.db_schemas', 'dear', true);
select is(set_config('pgrst.db_max_cost', given, true) || testing.failed('GET', '/rows'), given || wanted, 'by the setting ' || given)
from (values ('250', '400 PGRST162'), ('0', '200'), ('1e3', '200'), ('', '200'), ('0250', '400 PGRST162')) as cases(given, wanted);

select set_config('testing.settings', '{"db_schemas": ["dear"]}', true);

-- The verdict on a shape: values decide where the plan for any value costs more than the limit.
select is(c.flags ->> 'look', wanted, target)
from (values
  ('/rows?id=eq.%01', '5', 'false'), ('/rows?kind=eq.%01', '19000', 'false'), ('/rows?id=lt.%01', '5', 'true'), ('/rows?kind=eq.%01', '1', 'true'), ('/rows?id=gt.%01', '1', 'true'), ('/rows?id=in.%01', '{1,2}', 'false')
) as cases(target, val, wanted),
  postern.handle(testing.cut_request('GET', target, 1, '{}', '{"max_cost": 250}'), null, array['', val]) as c;
select is((postern.handle(testing.cut_request('GET', '/rows?id=eq.%01', 1), null, array['', '5'])).flags ?| '{look,max_cost}', false, 'nothing is said without a limit');
select is((postern.handle(testing.cut_request('POST', '/rpc/own_time', 0, '{}', '{"max_cost": 250, "payload": {"form": "{", "keys": []}}'), '{}', array[''])).flags - '{params,epoch}'::text[] @> '{"look": true, "before": true}', true,
  'what has not been looked at is, each time');
select is(testing.failure(format('select postern.look(%L, %L, null, %L)', c.statement, c.flags, array['', val])), wanted, val)
from postern.compile(testing.cut_request('GET', '/rows?id=lt.%01', 1)) as made, lateral (select made.statement, made.flags || '{"max_cost": 250}' as flags) as c,
  (values ('5', null), ('15000', 'PGRST162'), ('x', '22P02'), ('6', null)) as cases(val, wanted);
select is(current_setting('plan_cache_mode'), 'auto', 'the session is as it was');

select * from finish();
rollback;
