-- Errors as answers.

create or replace function postern.error_body(code text, message text, details json, hint json, verbosity text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if verbosity = 'minimal' then
    return row_to_json(answer) from (select code, message) as answer;
  end if;
  return row_to_json(answer) from (select code, details, hint, message) as answer;
end
$$;
comment on function postern.error_body(text, text, json, json, text) is
  'The JSON text of an error: {code; message; details?, hint?: unless the verbosity is minimal}. Raises nothing.';

create or replace function postern.error_answer(
  code text, message text, details json, hint json, code_status int, extra text[], verbosity text,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql stable parallel safe
as $$
begin
  status := code_status;
  headers := array[
    ['Content-Type', 'application/json; charset=utf-8'], ['Proxy-Status', 'postern; error=' || code]] || extra;
  body := convert_to(postern.error_body(code, message, details, hint, verbosity), 'UTF8');
end
$$;
comment on function postern.error_answer(text, text, json, json, int, text[], text) is
  'An error as a whole answer. In: extra: more headers, [name, value] pairs, null for none; others as of '
  'postern.error_body. Out: status, headers, body. Raises nothing. Source: RFC 9209 (Proxy-Status).';

create or replace function postern.raised_answer(
  message text, detail text, verbosity text,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql stable parallel safe
as $$
declare
  what pg_catalog.json;
  how pg_catalog.json;
  problem pg_catalog.text;
begin
  begin
    what := message::json;
    if what ->> 'code' is null or what ->> 'message' is null then
      problem := 'MESSAGE is not a JSON object with the keys code and message: ' || message;
    end if;
  exception when data_exception or statement_too_complex then
    problem := 'MESSAGE is not valid JSON: ' || message;
  end;
  if problem is null then
    begin
      how := nullif(detail, '')::json;
      if how is null then
        problem := 'RAISE has no DETAIL';
      elsif (how ->> 'status')::int is null or json_typeof(how -> 'headers') is distinct from 'object' then
        problem := 'DETAIL is not a JSON object with the keys status and headers: ' || detail;
      end if;
    exception when data_exception or statement_too_complex then
      problem := 'DETAIL is not valid JSON with a numeric status and an object of headers: ' || detail;
    end;
  end if;
  if problem is not null then
    select a.status, a.headers, a.body into status, headers, body
    from postern.error_answer('PGRST121', 'The error raised with SQLSTATE PGRST is not of the expected form',
      to_json(problem),
      to_json('MESSAGE takes {"code", "message", "details"?, "hint"?}, '
        'DETAIL takes {"status", "headers", "status_text"?}'::text),
      500, null, verbosity) as a;
    return;
  end if;
  select a.status, a.headers, a.body into status, headers, body
  from postern.error_answer(
    what ->> 'code', what ->> 'message', what -> 'details', what -> 'hint', (how ->> 'status')::int,
    (select array_agg(array[key, value]) from json_each_text(how -> 'headers')), verbosity) as a;
end
$$;
comment on function postern.raised_answer(text, text, text) is
  'The answer that code of the user''s asked for by raising SQLSTATE PGRST with JSON in MESSAGE and DETAIL. In: '
  'verbosity: client-error-verbosity. Out: status, headers, body: those asked for, or PGRST121 where the JSON is not '
  'of that form. Raises nothing. Source: PostgREST docs, references/errors, "RAISE errors with full control".';

create or replace function postern.told_hint(state text, hint text)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return case when state <> '42703' or not exists (
      select from pg_catalog.regexp_matches(hint,
        '["\u00ab\u00bb]([^"\u00ab\u00bb]+)[.]([^"\u00ab\u00bb]+)["\u00ab\u00bb]', 'g') as named(parts)
      where not exists (
        select from pg_catalog.pg_class as c join pg_catalog.pg_attribute as a on a.attrelid = c.oid
        where c.relname in (named.parts[1], pg_catalog.regexp_replace(named.parts[1], '_[0-9]+$', ''))
          and a.attname = named.parts[2]
          and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select, insert, update, references')))
    then hint end;
end
$$;
comment on function postern.told_hint(text, text) is
  'The hint of an error, if the client may read it. Out: null where it names a column on which the current role has no '
  'privilege, as PostgreSQL suggests any that is similar to one that does not exist. Raises nothing.';

create or replace function postern.error_response(
  state text, message text, detail text, hint text, anonymous boolean, verbosity text,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  own json;
  line bigint;
begin
  if state = 'PNERR' then
    begin
      own := detail::json;
      line := (own ->> 'line')::bigint;
    exception when data_exception or statement_too_complex then
      state := 'P0001';
    end;
    if postern.error_status(own ->> 'code') is null then
      state := 'P0001';
    end if;
  end if;
  if state = 'PNERR' then
    select a.status, a.headers, a.body into status, headers, body
    from postern.error_answer(own ->> 'code', own ->> 'message', own -> 'details', own -> 'hint',
      postern.error_status(own ->> 'code'), case own ->> 'code'
        when 'PGRST161' then array[['Accept-Query', 'application/x-www-form-urlencoded']] end, verbosity) as a;
    body := postern.with_line(body, line);
  elsif state = 'PGRST' then
    select a.status, a.headers, a.body into status, headers, body
    from postern.raised_answer(message, detail, verbosity) as a;
  else
    status := postern.sqlstate_status(state, message, anonymous);
    select a.headers, a.body into headers, body
    from postern.error_answer(state, message, to_json(nullif(detail, '')),
      to_json(postern.told_hint(state, nullif(hint, ''))), status,
      case when status = 401 then array[['WWW-Authenticate', 'Bearer']] end, verbosity) as a;
  end if;
end
$$;
comment on function postern.error_response(text, text, text, text, boolean, text) is
  'A caught error as an answer. In: state: the SQLSTATE; anonymous: the request carried no role of its own; verbosity: '
  'client-error-verbosity. Out: status, headers, body. Raises nothing.';
