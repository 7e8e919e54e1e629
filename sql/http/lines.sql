-- Bodies with a row on each line: application/x-ndjson. The shell checks them itself and sends them in pieces.

create or replace function postern.has_lines(request jsonb)
returns boolean
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(request ->> 'method' = 'POST'
    and lower(btrim(split_part(request -> 'headers' ->> 'content-type', ';', 1))) = 'application/x-ndjson', false);
end
$$;
comment on function postern.has_lines(jsonb) is
  'Whether the body of a request (postern.handle), if that is not to a function, is ndjson: an object on each line. '
  'Raises nothing.';

create or replace function postern.body_lines(body text)
returns table (place bigint, line text)
language sql immutable strict parallel safe
as $$
  select l.place, pg_catalog.btrim(l.line, E' \t\r')
  from pg_catalog.string_to_table(body, E'\n') with ordinality as l (line, place)
  where pg_catalog.btrim(l.line, E' \t\r') operator(pg_catalog.<>) ''
$$;
comment on function postern.body_lines(text) is
  'The lines of ndjson that are not blank. Out: place: the number of the line, from 1 on; line: its text, trimmed. '
  'Raises nothing.';

create or replace function postern.object_keys(object text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
begin
  return array(select distinct k collate "C" from json_object_keys(object::json) as k order by 1);
end
$$;
comment on function postern.object_keys(text) is
  'The keys of a JSON object. Out: each once, sorted. Raises an error of class 22 for what is none.';

create or replace function postern.line_problem(line bytea, keys text[])
returns text
language plpgsql immutable parallel safe
as $$
declare
  object pg_catalog.text;
begin
  begin
    object := convert_from(line, 'UTF8');
  exception when data_exception then
    return 'A line is not UTF-8';
  end;
  return case
    when json_typeof(object::json) <> 'object' then 'A line is not a JSON object'
    when keys <> postern.object_keys(object) then 'All object keys must match' end;
exception when data_exception or program_limit_exceeded or statement_too_complex then
  return 'Empty or invalid json';
end
$$;
comment on function postern.line_problem(bytea, text[]) is
  'What is wrong with a line of ndjson. In: keys: those that it must have, null for any. Out: a sentence, null for '
  'nothing. Raises nothing.';

create or replace function postern.refused_line(payload bytea, named boolean)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  place bigint;
  line pg_catalog.text;
  keys pg_catalog.text[];
  problem pg_catalog.text;
begin
  for place, line in
    select l.place, btrim(l.line, E' \t\r')
    from string_to_table(encode(payload, 'escape'), E'\n') with ordinality as l (line, place) order by l.place
  loop
    continue when line = '';
    problem := postern.line_problem(decode(line, 'escape'), keys);
    if problem is not null then
      return jsonb_build_object('refused', problem, 'line', place);
    elsif keys is null and not named then
      keys := postern.object_keys(convert_from(decode(line, 'escape'), 'UTF8'));
    end if;
  end loop;
  return '{"refused": "Empty or invalid json"}';
end
$$;
comment on function postern.refused_line(bytea, boolean) is
  'Describes ndjson that is wrong, as postern.describe_lines. In: named: as there. Out: {refused: what is wrong; '
  'line?: the number of the first line that is; none where each is right by itself}. Raises nothing.';

create or replace function postern.describe_lines(payload bytea, named boolean)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  lines pg_catalog.text[];
  keys pg_catalog.text[];
  whole pg_catalog.text;
begin
  lines := array(select l.line from postern.body_lines(convert_from(payload, 'UTF8')) as l order by l.place);
  if lines = '{}' then
    return '{"form": "empty", "lines": true}';
  end if;
  keys := case when not named then postern.object_keys(lines[1]) end;
  whole := '[' || array_to_string(lines, ',') || ']';
  if array(select e::text from json_array_elements(whole::json) as e) <> lines
    or exists (
      select from unnest(lines) as line
      where json_typeof(line::json) <> 'object' or keys <> postern.object_keys(line))
  then
    return postern.refused_line(payload, named);
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('form', '[', 'keys', to_jsonb(keys), 'lines', true, 'text', whole));
exception when data_exception or program_limit_exceeded or statement_too_complex then
  return postern.refused_line(payload, named);
end
$$;
comment on function postern.describe_lines(bytea, boolean) is
  'Describes ndjson, as postern.describe_payload. In: named: the request names the columns, so that the keys of the '
  'objects do not count; else they must be the same on every line. Out: {form; keys?; lines: true; text?: none without '
  'rows} or {refused; line?}. Raises nothing.';

create or replace function postern.with_line(body bytea, line bigint)
returns bytea
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when line is null then body
    else convert_to(left(convert_from(body, 'UTF8'), -1) || ',"line":' || line || '}', 'UTF8') end;
end
$$;
comment on function postern.with_line(bytea, bigint) is
  'Adds to the body of an error the number of the line of the request''s body that it comes of. In: line: null for '
  'none. Raises nothing.';

create or replace function postern.check_lines(payload jsonb, wanted text, media jsonb)
returns void
language plpgsql immutable parallel safe
as $$
begin
  if payload ? 'lines' and (wanted = 'representation' or media ->> 'handler' = 'object' or media ? 'explain') then
    perform postern.fail('PGRST171', 'Rows that come on lines are not sent back',
      'return=representation, a single object and an execution plan take a body of another type',
      'Use Prefer: return=minimal or return=headers-only');
  end if;
end
$$;
comment on function postern.check_lines(jsonb, text, jsonb) is
  'Refuses an answer that a body which comes in pieces cannot have. In: payload: postern.describe_payload; wanted: of '
  'Prefer return; media: of the answer. Raises PGRST171 for a representation, a single object and an execution plan.';

create or replace function postern.try_rows(
  flags jsonb, rows text[], vals text[], first int, last int, kept boolean,
  out state text, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
begin
  execute pg_catalog.concat('execute postern_compiled ', postern.arguments(
    flags operator(pg_catalog.||) pg_catalog.jsonb_build_object(
      'text', pg_catalog.format('[%s]', pg_catalog.array_to_string(rows[first:last], ','))), null, vals));
  if not kept then
    raise sqlstate 'PNRBK';
  end if;
exception
  when sqlstate 'PNRBK' then
    null;
  when others or query_canceled or assert_failure then
    get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint;
end
$$;
comment on function postern.try_rows(jsonb, text[], text[], int, int, boolean) is
  'Executes what postern.preparation has prepared for some of the rows. In: flags: of the statement (the type '
  'postern.compiled); rows: JSON objects; vals: as of postern.handle; first, last: which of the rows; kept: whether '
  'what was done stays. Out: the error, null where there was none. Raises nothing.';

create or replace function postern.failing_row(
  flags jsonb, rows text[], vals text[], failed text, said text,
  out number int, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
declare
  first int := 1;
  last int := pg_catalog.cardinality(rows);
  tried pg_catalog.record;
begin
  if failed operator(pg_catalog.=) '23503' then -- alone a row may fail because another one is missing
    select t.number, t.message, t.detail, t.hint into number, message, detail, hint
    from postern.failing_rows(flags, rows, vals, failed, said) as t;
    if number is not null then
      return;
    end if;
  end if;
  begin
    while first operator(pg_catalog.<) last loop -- by halves, of which what succeeds is kept
      number := (first operator(pg_catalog.+) last) operator(pg_catalog./) 2;
      tried := postern.try_rows(flags, rows, vals, first, number, true);
      if tried.state is null then
        first := number operator(pg_catalog.+) 1;
      else
        last := number;
        exit when tried.state operator(pg_catalog.<>) failed;
      end if;
    end loop;
    if first operator(pg_catalog.=) last then
      number := first;
      tried := postern.try_rows(flags, rows, vals, first, last, true);
    end if;
    raise sqlstate 'PNRBK';
  exception when sqlstate 'PNRBK' then
    null;
  end;
  if first operator(pg_catalog.<>) last or tried.state operator(pg_catalog.=) failed is not true then
    select t.number, t.message, t.detail, t.hint into number, message, detail, hint
    from postern.failing_rows(flags, rows, vals, failed, null) as t;
  else
    message := tried.message;
    detail := tried.detail;
    hint := tried.hint;
  end if;
end
$$;
comment on function postern.failing_row(jsonb, text[], text[], text, text) is
  'Finds the row that makes a statement fail: one that does so by itself, or else that of postern.failing_rows. In: '
  'failed, said: SQLSTATE and detail of the error; others as of postern.try_rows. Out: its number, from 1 on, and its '
  'error; null where none fails again. All that is done is undone. Raises nothing.';

create or replace function postern.failing_rows(
  flags jsonb, rows text[], vals text[], failed text, said text,
  out number int, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
declare
  succeed int := 0;
  middle int := pg_catalog.cardinality(rows);
  tried pg_catalog.record;
begin
  while middle operator(pg_catalog.>) succeed loop
    tried := postern.try_rows(flags, rows, vals, 1, middle, false);
    if tried.state operator(pg_catalog.=) failed
      and coalesce(tried.detail operator(pg_catalog.=) said, said is null)
    then
      number := middle;
      message := tried.message;
      detail := tried.detail;
      hint := tried.hint;
    else
      succeed := middle;
    end if;
    middle := (succeed operator(pg_catalog.+) number) operator(pg_catalog./) 2;
  end loop;
end
$$;
comment on function postern.failing_rows(jsonb, text[], text[], text, text) is
  'Finds the row up to which the rows of a statement fail, for what fails only together. In: said: the detail that the '
  'error has, null for any; others as of postern.failing_row. Out: as of that; all that is done is undone. Raises '
  'nothing.';

create or replace function postern.line_error(
  flags jsonb, payload bytea, vals text[], failed text, said text, out message text, out detail text, out hint text,
  out line bigint)
returns record
language plpgsql volatile
as $$
declare
  rows constant pg_catalog.text[] := array(
    select l.line from postern.body_lines(pg_catalog.convert_from(payload, 'UTF8')) as l order by l.place);
  number int;
begin
  if pg_catalog.left(failed, 2) operator(pg_catalog.=) any ('{08,25,26,40,53,57,58,PN}')
    or rows operator(pg_catalog.=) '{}'
    or (select t.state from postern.try_rows(flags, rows, vals, 1, 0, false) as t) is not null
  then
    return;
  end if;
  select f.number, f.message, f.detail, f.hint into number, message, detail, hint
  from postern.failing_row(flags, rows, vals, failed, said) as f;
  line := case when number is not null then (
    select l.place from postern.body_lines(pg_catalog.convert_from(payload, 'UTF8')) as l
    order by l.place offset number operator(pg_catalog.-) 1 limit 1) end;
end
$$;
comment on function postern.line_error(jsonb, bytea, text[], text, text) is
  'The error that a row of ndjson has raised, as that row raises it. In: payload: the body; failed, said: SQLSTATE and '
  'detail; others as of postern.try_rows. Out: the error and the number of its line; null where it does not come of a '
  'row. Raises nothing.';
