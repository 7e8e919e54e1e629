-- Executes a compiled statement within one call, as SQL alone can: prepared by name, with its values as literals.

create or replace function postern.preparation(statement text, flags jsonb)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return pg_catalog.format('prepare postern_compiled (pg_catalog.%s) as %s',
    pg_catalog.array_to_string(array(
      select pg_catalog.jsonb_array_elements_text(flags operator(pg_catalog.->) 'params')), ', pg_catalog.'),
    statement);
end
$$;
comment on function postern.preparation(text, jsonb) is
  'Renders the PREPARE of a compiled statement (the type postern.compiled) as postern_compiled. Raises nothing.';

create or replace function postern.execute_prepared(
  flags jsonb, payload bytea, vals text[], out body bytea, out status text, out headers text, out note text)
returns record
language plpgsql volatile
as $$
declare
  execution constant pg_catalog.text := pg_catalog.concat('execute postern_compiled ',
    postern.arguments(flags, payload, vals));
  text_body pg_catalog.text;
begin
  if flags operator(pg_catalog.?) 'stream' then
    select g.body, g.status, g.headers, g.note into body, status, headers, note
      from postern.gathered(flags, payload, vals) as g;
  elsif flags operator(pg_catalog.?) 'binary' then
    execute execution into body, status, headers, note;
  else
    execute execution into text_body, status, headers, note;
    body := case when text_body operator(pg_catalog.<>) '' then pg_catalog.convert_to(text_body, 'UTF8') end;
  end if;
  perform postern.forget_prepared(); -- unless code of the user's has deallocated it
end
$$;
comment on function postern.execute_prepared(jsonb, bytea, text[]) is
  'Executes what postern.preparation has prepared. In: flags: of the statement (the type postern.compiled); payload, '
  'vals: as of postern.handle. Out: what the statement yields; body is null where it is empty. Raises what that '
  'raises; then postern.forget_prepared must be called.';

create or replace function postern.gathered(
  flags jsonb, payload bytea, vals text[], out body bytea, out status text, out headers text, out note text)
returns record
language plpgsql volatile
as $$
declare
  execution constant pg_catalog.text := pg_catalog.concat('execute postern_compiled ',
    postern.arguments(flags, payload, vals));
  line pg_catalog.text;
  lines pg_catalog.text[];
  code pg_catalog.text;
  fields pg_catalog.text;
  remark pg_catalog.text;
begin
  for line, code, fields, remark in execute execution loop
    if code is null then
      lines := pg_catalog.array_append(lines, line);
    else
      body := pg_catalog.convert_to(line, 'UTF8');
      status := code;
      headers := fields;
      note := remark;
    end if;
  end loop;
  if lines is not null then
    body := pg_catalog.convert_to(pg_catalog.concat(pg_catalog.array_to_string(lines, E'\n'), E'\n'), 'UTF8');
  end if;
end
$$;
comment on function postern.gathered(jsonb, bytea, text[]) is
  'Executes a statement that streams (postern.render_stream) as one that does not. In: as of postern.execute_prepared. '
  'Out: what it yields; body: its lines, each with a line break, null without any. Raises what the statement raises.';

create or replace function postern.is_permitted(flags jsonb, payload bytea, vals text[])
returns boolean
language plpgsql volatile
as $$
begin
  execute pg_catalog.concat('explain execute postern_compiled ', postern.arguments(flags, payload, vals));
  return true;
exception when insufficient_privilege then
  return false;
end
$$;
comment on function postern.is_permitted(jsonb, bytea, text[]) is
  'Whether the current role may execute what postern.preparation has prepared, as far as privileges tell; it is not '
  'executed. In: as of postern.execute_prepared. Out: true or false. Raises what planning raises but 42501.';

create or replace function postern.forget_prepared()
returns void
language plpgsql volatile
as $$
begin
  deallocate postern_compiled;
exception when invalid_sql_statement_name then
  null;
end
$$;
comment on function postern.forget_prepared() is
  'Deallocates what postern.preparation has prepared, if it still is. Raises nothing.';

create or replace function postern.arguments(flags jsonb, payload bytea, vals text[])
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  type constant text := flags -> 'params' ->> 1;
  body text := 'null';
begin
  if type <> 'bytea' or flags ? 'bytes' then
    body := format('pg_catalog.current_setting(''postern.body'')::pg_catalog.%s', type);
    perform set_config('postern.body', coalesce(flags ->> 'text', case when type = 'bytea'
      then '\x' || encode(coalesce(payload, ''), 'hex') else convert_from(coalesce(payload, ''), 'UTF8') end), true);
  end if;
  return format('(%s)', concat_ws(', ', quote_nullable(vals[1]), body, (
    select string_agg(quote_nullable(
        case when flags -> 'likes' @> to_jsonb(place + 2) then replace(val, '*', '%') else val end),
      ', ' order by place)
    from unnest(vals[2:]) with ordinality as listed(val, place))));
end
$$;
comment on function postern.arguments(jsonb, bytea, text[]) is
  'Renders the argument list of EXECUTE for a compiled statement. In: flags: of the statement; payload, vals: as of '
  'postern.handle. Out: SQL, with values as literals; the body waits in the setting postern.body, as PostgreSQL shows '
  'the text of an EXECUTE with each message that is raised in it. Raises 22021 for a body that is not UTF-8.';
