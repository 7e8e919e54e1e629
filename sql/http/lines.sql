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
  'Whether the body of a request, if that is not to a function, is ndjson: an object on each line. Raises nothing.';

create or replace function postern.body_lines(body text)
returns table (place bigint, line text)
language sql immutable strict parallel safe
as $$
  select l.place, pg_catalog.btrim(l.line, E' \t\r')
  from pg_catalog.string_to_table(body, E'\n') with ordinality as l (line, place)
  where pg_catalog.btrim(l.line, E' \t\r') operator(pg_catalog.<>) ''
$$;
comment on function postern.body_lines(text) is
  'The lines of ndjson that are not blank, trimmed. Out: place: the number, from 1 on; the text. Raises nothing.';

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
  'What is wrong with a line of ndjson. In: keys: its keys, null for any. Out: a sentence, or null. Raises nothing.';

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
  'Describes ndjson, as postern.describe_payload. In: named: the request names the columns; else the keys must be the '
  'same on every line. Out: {form; keys?; lines: true; text?: none without rows} or {refused; line?}. Raises nothing.';

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
  'Adds to the body of an error which line of the request''s body it comes of. In: null for none. Raises nothing.';

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
