-- A database in which postern.serve is a stub: it tells what it was called with, or does what the path says.
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
create function postern.live() returns boolean language sql as $$ select true $$;
create function postern.warm(settings text) returns void language sql as $$ select $$;

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

create function postern.response(status int, headers text[], body bytea)
returns bytea
language sql
as $$
  select convert_to(concat(status, (
    select string_agg(E'\n' || headers[i][1] || ': ' || headers[i][2], '' order by i) from generate_subscripts(headers, 1) as i), E'\n\n'), 'UTF8') || coalesce(body, '')
$$;

create function postern.run(known text)
returns bytea
language plpgsql
as $$
begin
  case known
  when 'stale' then
    return null;
  when 'gone' then
    raise sqlstate '26000';
  when 'wrong' then
    raise sqlstate '23505' using message = 'm', detail = 'd', hint = 'h';
  else
    return convert_to(concat_ws(' ', E'200\n\nran', known, current_user, current_setting('search_path'), current_setting('request.jwt.claims'), current_setting('request.method'),
      current_setting('request.path'), current_setting('request.headers'), current_setting('request.cookies'), current_setting('transaction_read_only'), current_setting('postern.payload', true)), 'UTF8');
  end case;
end
$$;

create function postern.recover(request jsonb, payload bytea, settings text, known text, state text, message text, detail text, hint text)
returns bytea
language sql
as $$ select convert_to(concat_ws(' ', E'200\n\nrecovered', request, settings, known, state, message, detail, hint, current_user), 'UTF8') $$;

create function postern.serve(whole text, body bytea, settings text, known text)
returns bytea
language plpgsql
as $$
declare
  request jsonb := whole;
  payload bytea := coalesce(body, convert_to(current_setting('postern.payload', true), 'UTF8'));
  status int := 200;
  headers text[];
  answer text;
begin
  if known !~ '^execute' then
    return convert_to(E'200 +\n\nserved ' || known, 'UTF8');
  end if;
  case request ->> 'path'
  when '/session' then
    answer := concat_ws(' ', current_user, current_setting('search_path'), current_setting('request.jwt.claims'),
      current_setting('statement_timeout'), current_setting('transaction_isolation'),
      current_setting('log_min_duration_statement'), current_setting('app.settings.x', true));
  when '/settings' then
    answer := settings;
  when '/payload' then
    answer := concat(length(payload), ' ', md5(payload));
  when '/restart' then
    if request ? 'hoisted' then
      answer := concat_ws(' ', current_setting('transaction_isolation'), current_setting('statement_timeout'), request ->> 'hoisted');
    else
      status := 0;
      answer := '{"isolation": "repeatable read", "settings": {"statement_timeout": "5s"}}';
    end if;
  when '/restart-again' then
    status := 0;
    answer := '{"isolation": null, "settings": {}}';
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
    answer := concat(request, ' "cookies":', current_setting('request.cookies'), current_setting('request.headers'), current_setting('request.path'), current_setting('request.method'), current_setting('transaction_read_only'));
  end case;
  return postern.response(status, headers, convert_to(answer, 'UTF8'));
end
$$;
