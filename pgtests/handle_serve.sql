-- What the shell calls: a request beside the statement that answers it where the session has met its shape.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store"]}', true);

-- The request as the shell sends it: known has the arguments, the name of the statement stands for the digest.
create function pg_temp.served(method text, target text, arguments text, payload text default null, name text default null) returns text language plpgsql as $$
declare
  request jsonb := postern.completed(testing.request(method, target)) - '{prepare,headers}'::text[];
  made bytea;
begin
  name := coalesce(name, 'postern_of ' || method || ' ' || target);
  perform set_config('response.status', '', true), set_config('response.headers', '', true), set_config('request.headers', '{}', true),
    set_config('search_path', 'store, public, pg_temp', true), set_config('postern.payload', coalesce(payload, ''), true);
  made := postern.serve((request || jsonb_build_object('statement', name))::text, null, current_setting('testing.settings'), format('execute %I%s', name, postern.arguments(',' || arguments)));
  return (select concat_ws(' ', p.status, nullif(convert_from(substr(made, p.length + 1), 'UTF8'), '')) from postern.response_head(made) as p);
end $$;
create function pg_temp.is_kept(name text) returns boolean language sql as $$ select exists (select from pg_prepared_statements where name = is_kept.name) $$;

select is(array_agg(pg_temp.served('GET', '/films?id=eq.1&select=id', '''?l'', ''1''')), array['200 [{"id":1}]', '200 [{"id":1}]', '200 [{"id":1}]'], 'not met before, met, known')
from generate_series(1, 3);
select ok(pg_temp.is_kept('postern_of GET /films?id=eq.1&select=id'), 'the statement has the name that was sent');
select is(pg_temp.served('GET', '/films?id=eq.1&select=id', '''?l'', ''2'''), '200 [{"id":2}]', 'the arguments are those of the statement that was sent');
select alike(pg_temp.served('GET', '/films?id=eq.1&select=id', '''?l'', ''x'''), '400 {"code":"22P02"%', 'an error of a known statement');
select alike(pg_temp.served('GET', '/nope', ''''''), '404 {"code":"PGRST205"%', 'an error of the compiler');
select is(convert_from(postern.serve((postern.completed(testing.request('GET', '/films?id=eq.1&select=id')))::text, null, current_setting('testing.settings'), null), 'UTF8') like E'200\n%\n\n[{"id":1}]', true, 'nothing known');

-- DDL makes known statements stale, whether they would fail or give another answer.
alter table store.keyless add column c int default 3;
insert into store.keyless values (1, 'one');
select is(array_agg(pg_temp.served('GET', '/keyless', '''''')), array['200 [{"a":1,"b":"one","c":3}]', '200 [{"a":1,"b":"one","c":3}]', '200 [{"a":1,"b":"one","c":3}]'], 'before')
from generate_series(1, 3);
select is(array_agg(pg_temp.served('GET', '/keyless?select=c', '''''')), array['200 [{"c":3}]', '200 [{"c":3}]', '200 [{"c":3}]'], 'that column') from generate_series(1, 3);
alter table store.keyless drop column c;
select is(pg_temp.served('GET', '/keyless', ''''''), '200 [{"a":1,"b":"one"}]', 'a column less');
select alike(pg_temp.served('GET', '/keyless?select=c', ''''''), '400 {"code":"42703"%', 'the column is gone');
select is(array_agg(pg_temp.served('POST', '/keyless', '', '{"a": 2}')), array['201', '201', '201'], 'writes') from generate_series(1, 3);
create table store.fresh (id int primary key);
select is(pg_temp.served('POST', '/keyless', '', '{"a": 2}'), '201', 'a stale write');
select is((select count(*) from store.keyless where a = 2), 4::bigint, 'is done once');

-- The payload is in a setting; one that is not the JSON that it looked like is refused as if nothing had been known.
select is(pg_temp.served('POST', '/keyless', '', '{"a": 5}'), '201', 'known');
select alike(pg_temp.served('POST', '/keyless', '', '{"a": tru}'), '400 {"code":"PGRST102"%', 'not JSON');
select alike(pg_temp.served('POST', '/keyless', '', '{"a": "x"}'), '400 {"code":"22P02"%', 'not a number');
select is((select count(*) from store.keyless), 6::bigint, 'neither left a row');

-- What a note leaves to do.
select is(array_agg(pg_temp.served('GET', '/rpc/own_answer?status=418', '''418''')), array['418 "made"', '418 "made"', '418 "made"'], 'response.status') from generate_series(1, 3);
select alike(max(pg_temp.served('GET', '/rpc/own_answer?status=abc', '''abc''')), '500 {"code":"PGRST112"%', 'a status that is none') from generate_series(1, 3);
select is(array_agg(pg_temp.served('POST', '/late', '', format('{"id": %s, "parent_id": %1$s}', n))), array['201', '201', '201'], 'a deferred constraint that holds') from generate_series(1, 3) as n;
select alike(pg_temp.served('POST', '/late', '', '{"id": 9, "parent_id": 10}'), '409 {"code":"23503"%', 'and one that does not');
select is((select count(*) from store.late where id = 9), 0::bigint, 'leaves nothing');

-- postern.run is no more than the statement; what it raises or finds stale is postern.recover's.
create function pg_temp.ran(method text, target text, arguments text) returns text language plpgsql as $$
declare
  made bytea;
begin
  begin
    perform set_config('transaction_read_only', case when method = 'GET' then 'on' else 'off' end, true);
    made := postern.run(format('execute %I%s', 'postern_of ' || method || ' ' || target, postern.arguments(',' || arguments)));
    if method = 'GET' then
      raise sqlstate 'PNRBK'; -- so that this transaction may write again
    end if;
  exception when sqlstate 'PNRBK' then null;
  end;
  return (select concat_ws(' ', p.status, nullif(convert_from(substr(made, p.length + 1), 'UTF8'), '')) from postern.response_head(made) as p);
exception when others then
  return sqlstate;
end $$;
select pg_temp.served('GET', '/films?id=eq.1&select=id', '''?l'', ''1''') from generate_series(1, 2);
select pg_temp.served('GET', '/rpc/own_answer?status=418', '''418''') from generate_series(1, 2);
select pg_temp.served('POST', '/keyless', '', '{"a": 2}') from generate_series(1, 2);
select is(pg_temp.ran('GET', '/films?id=eq.1&select=id', '''?l'', ''2'''), '200 [{"id":2}]', 'a read');
select is(pg_temp.ran('GET', '/films?id=eq.1&select=id', '''?l'', ''x'''), '22P02', 'its error');
select is(pg_temp.ran('GET', '/rpc/own_answer?status=418', '''419'''), '419 "made"', 'response.status');
select set_config('postern.payload', '{"a": 77}', true);
select is(pg_temp.ran('POST', '/keyless', ''), '201', 'a write');
select is(pg_temp.ran('GET', '/nowhere', ''), '26000', 'not prepared');
create table store.later (id int primary key);
select is(pg_temp.ran('GET', '/films?id=eq.1&select=id', '''?l'', ''1'''), '', 'a stale read');
select is(pg_temp.ran('POST', '/keyless', ''), '26000', 'a stale write');
select is((select count(*) from store.keyless where a = 77), 1::bigint, 'leaves nothing');
select alike(convert_from(postern.recover(postern.completed(testing.request('GET', '/films?id=eq.1&select=id')), payload::bytea, current_setting('testing.settings'),
  'execute "none"', state, 'm', 'd', 'h'), 'UTF8'), wanted, state)
from (values ('26000', null, '200%[{"id":1}]'), ('23505', null, E'409\n%{"code":"23505","details":"d","hint":"h","message":"m"}'), ('42501', null, '403%'), ('22012', 'x', '200%[{"id":1}]')) as cases(state, payload, wanted);
select is(convert_from(postern.with_flag(convert_to(before, 'UTF8'), '+'), 'UTF8'), after, before)
from (values (E'200\n\nx', E'200 +\n\nx'), (E'204 *\nA: b\n\n', E'204 *+\nA: b\n\n')) as cases(before, after);

select * from finish();
rollback;
