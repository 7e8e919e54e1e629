-- A database in which postern.handle is a stub: it tells what it was called with, or does what the path says.
create role authenticator login noinherit;
create role anon;
create role author;
create role hurried;
grant anon, author, hurried to authenticator;
alter role hurried set statement_timeout = '200ms';
alter role hurried set default_transaction_isolation = 'serializable';
alter role hurried set log_min_duration_statement = '1s';

create schema test;
grant usage on schema test to public;
create schema postern;
grant usage on schema postern to public;

create function postern.version() returns text language sql as $$ select '0.1.0'::text $$;
create function postern.protocol() returns int language sql as $$ select 1 $$;
create function postern.live() returns boolean language sql as $$ select true $$;
create function postern.epoch() returns text language sql as $$ select 'now'::text $$;
create function postern.forget_prepared() returns void language sql as $$ select $$;
create function postern.stale() returns text language plpgsql as $$ begin raise sqlstate 'PNSTL'; end $$;
create function postern.failing() returns text language plpgsql as $$
begin
  raise sqlstate '23505' using message = 'm', detail = 'd', hint = 'h';
end
$$;

create function postern.die() returns void language sql security definer
as $$ select pg_terminate_backend(pg_backend_pid()), pg_sleep(1) $$;

create function postern.error_response(
  state text, message text, detail text, hint text, anonymous boolean, verbosity text,
  out status int, out headers text[], out body bytea)
returns record
language sql
as $$
  select case when state = '22023' then 401 else 500 end, array[['Content-Type', 'application/json']],
    convert_to(json_build_array(state, message, anonymous, verbosity)::text, 'UTF8')
$$;

create function postern.header_lines(headers text[])
returns text
language sql
as $$
  select string_agg(E'\n' || headers[i][1] || ': ' || headers[i][2], '' order by i) from generate_subscripts(headers, 1) as i
$$;

-- A path /made/name is compiled, to a statement that tells of the session, or does what the name says.
create function postern.made(name text, out statement text, out flags jsonb)
returns record
language sql
as $$
  select format('select concat_ws('' '', %L, $3::text, convert_from($2, ''UTF8''), current_user, current_setting(''search_path''), '
      'current_setting(''request.jwt.claims''), current_setting(''request.method''), current_setting(''request.path''), '
      'current_setting(''request.headers''), current_setting(''request.cookies''), current_setting(''transaction_read_only''), '
      'current_setting(''transaction_isolation''), current_setting(''statement_timeout'')) as body, %s as status, '
      'null::text as headers, %s as note', name,
      case name when 'wrong' then 'postern.failing()' when 'gone' then 'postern.stale()' else '''200''::text' end,
      case name when 'stale' then '''stale''::text' when 'escapes' then '''escapes''::text' else 'null::text' end),
    jsonb_build_object('params', '["text", "bytea", "text"]'::jsonb, 'epoch', case name when 'old' then 'then' else 'now' end,
      'code', true, 'keep', name <> 'once', 'read_only', name = 'safe')
    || case when name in ('before', 'held') then '{"isolation": "repeatable read", "settings": {"statement_timeout": "5s"}}'::jsonb else '{}' end
    || case when name = 'dirty' then '{"dirty": true}'::jsonb else '{}' end
$$;

create function postern.handle(
  request jsonb, payload bytea, vals text[],
  out status int, out headers text[], out body bytea, out statement text, out flags jsonb)
returns record
language plpgsql
as $$
declare
  answer text;
begin
  status := 200;
  if request ->> 'path' like '/made/%' then
    select m.statement, m.flags into statement, flags from postern.made(substr(request ->> 'path', 7)) as m;
    if request ->> 'path' = '/made/before' then
      status := null;
    end if;
    body := convert_to('handled ' || substr(request ->> 'path', 7) || coalesce(' ' || (request ->> 'escapes'), ''), 'UTF8');
    return;
  end if;
  case request ->> 'path'
  when '/session' then
    answer := concat_ws(' ', current_user, current_setting('search_path'), current_setting('request.jwt.claims'),
      current_setting('statement_timeout'), current_setting('transaction_isolation'),
      current_setting('log_min_duration_statement'), current_setting('app.settings.x', true));
  when '/settings' then
    answer := request ->> 'settings';
  when '/payload' then
    answer := concat(length(payload), ' ', md5(payload));
  when '/sleep' then
    perform pg_sleep(10);
  when '/nap' then
    perform pg_sleep(0.5);
  when '/die' then
    perform postern.die();
  when '/deallocate' then
    deallocate all;
  when '/raise' then
    raise exception 'outside';
  when '/large' then
    answer := repeat('x', 3000000);
  else
    headers := array[['Content-Type', 'application/json; charset=utf-8'], ['X-Two', '1'], ['X-Two', '2']];
    answer := concat(request - 'settings', ' "vals":', to_json(vals), ' "cookies":', current_setting('request.cookies'),
      current_setting('request.headers'), current_setting('request.path'), current_setting('request.method'), current_setting('transaction_read_only'));
  end case;
  body := convert_to(answer, 'UTF8');
end
$$;
