-- The schema, the error that every room raises, the version, and the protocol that the shell checks.
create schema if not exists postern;
comment on schema postern is 'postern: a REST API served from inside the database. Entry: postern.handle.';
grant usage on schema postern to public;

create or replace function postern.version()
returns text
language sql immutable parallel safe
as $$ select '0.1.0'::pg_catalog.text $$;
comment on function postern.version() is 'The version of the installed functions. Raises nothing.';

create or replace function postern.protocol()
returns integer
language sql immutable parallel safe
as $$ select 1 $$;
comment on function postern.protocol() is
  'The number of what the shell and the functions say to each other: a shell serves the numbers it knows. '
  'docs/releasing.md says what belongs to it, and when it rises. Raises nothing.';

create or replace function postern.fail_json(code text, message text, details jsonb, hint text default null)
returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'PNERR',
    message = message,
    detail = pg_catalog.json_build_object(
      'code', code, 'message', message, 'details', details, 'hint', hint)::pg_catalog.text;
end
$$;
comment on function postern.fail_json(text, text, jsonb, text) is
  'Raises an error that postern.handle answers as {code, message, details, hint}. In: code: one whose status '
  'postern.error_status knows; details: any JSON value. Raises SQLSTATE PNERR.';

create or replace function postern.fail(code text, message text, details text default null, hint text default null)
returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  perform postern.fail_json(code, message, pg_catalog.to_jsonb(details), hint);
end
$$;
comment on function postern.fail(text, text, text, text) is
  'Raises an error, as postern.fail_json, whose details are plain text or absent.';

create or replace function postern.fail_line(code text, message text, line bigint)
returns void
language plpgsql immutable parallel safe
as $$
begin
  if line is null then
    perform postern.fail_json(code, message, null);
  end if;
  raise exception using
    errcode = 'PNERR',
    message = message,
    detail = pg_catalog.json_build_object('code', code, 'message', message, 'line', line)::pg_catalog.text;
end
$$;
comment on function postern.fail_line(text, text, bigint) is
  'Raises an error, as postern.fail_json, that comes of a line of the body. In: its number; null for none.';

do $$
begin
  if pg_catalog.to_regtype('postern.compiled') is null then
    create type postern.compiled as (statement pg_catalog.text, flags pg_catalog.jsonb);
  end if;
end
$$;
comment on type postern.compiled is
  'What a request compiles to. statement: SQL that yields one row of body (text, or bytea where flags has binary), '
  'status, headers (each a line break, name, colon, blank, value) and note (stale: compiled before the latest DDL; '
  'escapes: a text needs an escape, so the body is wrong; null: nothing). Its parameters: $1 the query of '
  'Content-Location, $2 the body, then the values that were cut out of the request. flags: {params: the type of each '
  'parameter, or unknown, epoch, keep: other requests of the shape may use it, read_only?, rollback?, code?: code of '
  'the user''s may run, dirty?: it may leave something in the session, generic?: its plan does not depend on its '
  'values, so that plans made for values are work in vain, certain?: it does what it is asked for or raises, unless '
  'code of the user''s sets another status, binary?, stream?: it yields a first row without lines, then a row for each '
  'line of the body, without its line break, likes?: the parameters in which * stands for %, '
  'isolation?, settings?: what must hold for the transaction, before?: it must before the statement starts; max_cost?, '
  'look?: as of postern.judged; text?, bytes?: as of postern.describe_payload}.';
