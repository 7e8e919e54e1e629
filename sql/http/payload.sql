-- The body of a POST, PATCH or PUT, described: what the statement has to know of it. The shell describes plain JSON
-- itself.

create or replace function postern.describe_payload(request jsonb, call boolean, payload bytea)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  content_type pg_catalog.text := request -> 'headers' ->> 'content-type';
  media pg_catalog.text := postern.media_type(coalesce(content_type, 'application/json')) ->> 'name';
  rows constant boolean := postern.is_rows(request ->> 'method', content_type);
  body pg_catalog.text;
begin
  if media = 'application/octet-stream' and call then
    return '{"form": "raw", "bytes": true}';
  elsif not call and postern.has_lines(request) then
    return postern.describe_lines(coalesce(payload, ''), postern.names_columns(request));
  end if;
  body := convert_from(coalesce(payload, ''), 'UTF8');
  case
    when media = 'application/json' or rows then
      if body = '' and call then
        return '{"form": "{", "keys": []}';
      elsif postern.names_columns(request) then
        return jsonb_build_object('form', case when body ~ '^[ \t\r\n]*\{' then '{' else '[' end);
      elsif rows and body !~ '^[ \t\r\n]*\[' then
        return '{"refused": "The body is not an array of objects"}';
      end if;
      return postern.describe_json(body);
    when media = 'text/csv' then
      return postern.describe_csv(body);
    when media = 'application/x-www-form-urlencoded' then
      return postern.describe_form(body, call);
    when call and media in ('text/plain', 'text/xml') then
      return '{"form": "raw"}';
    else
      return jsonb_build_object('refused', 'Content-Type not acceptable: ' || media);
  end case;
end
$$;
comment on function postern.describe_payload(jsonb, boolean, bytea) is
  'Describes a body for the statement that reads it. In: the request (postern.handle); call: it is to a function. Out: '
  '{form: {, [ (an object or an array of objects), empty (neither, or no objects), raw (bytes or text for a single '
  'unnamed parameter) or fields (a form with the arguments of a function); keys?: those of the objects, where they '
  'were looked at; arguments?: of fields, [{name, value}]; text?: the JSON that stands for the body; bytes?: it is no '
  'text; lines?: it is ndjson}, or {refused: why; line?: on which line}. Raises 22021 for invalid UTF-8, PGRST100 for '
  'a query or form that does not decode, and what postern.describe_json raises.';

create or replace function postern.names_columns(request jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return request ->> 'method' in ('POST', 'PATCH')
    and exists (select from postern.query_pairs(coalesce(request ->> 'query', '')) as p where p.name = 'columns');
end
$$;
comment on function postern.names_columns(jsonb) is
  'Whether a request (postern.handle) has the parameter columns where it counts: then its JSON is not looked into '
  'before it is read as rows. Raises what postern.query_pairs raises.';

create or replace function postern.describe_json(body text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  document pg_catalog.jsonb;
  keys pg_catalog.jsonb;
  names pg_catalog.text[];
begin
  begin
    document := body::jsonb;
  exception when untranslatable_character or numeric_value_out_of_range then
    raise;
  when data_exception or program_limit_exceeded or statement_too_complex then
    return '{"refused": "Empty or invalid json"}';
  end;
  keys := jsonb_path_query_array(document, 'lax $[0].keyvalue().key', '{}', true);
  if jsonb_typeof(document) = 'object' then
    return jsonb_build_object('form', '{', 'keys', keys);
  elsif jsonb_typeof(document) <> 'array' or document = '[]'::jsonb then
    return '{"form": "empty"}';
  end if;
  names := array(select jsonb_array_elements_text(keys));
  if exists (
    select from jsonb_array_elements(document) as element
    where case when jsonb_typeof(element) = 'object'
      then not element ?& names or element - names <> '{}'::jsonb else true end)
  then
    return '{"refused": "All object keys must match"}';
  end if;
  return jsonb_build_object('form', '[', 'keys', keys);
end
$$;
comment on function postern.describe_json(text) is
  'Describes JSON, as postern.describe_payload. Out: {form; keys?} or {refused}: the keys must be the same in every '
  'object of an array; anything else than an object or array counts as an empty array. Raises 22P05 for \u0000 and '
  '22003 for a number that numeric does not hold. Source: PostgREST docs, references/api/tables_views, "Bulk insert".';

create or replace function postern.describe_form(body text, call boolean)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := postern.limit_of('parameters');
  fields pg_catalog.jsonb;
  made pg_catalog.jsonb;
begin
  if length(body) - length(replace(body, '&', '')) >= most then
    return jsonb_build_object('refused', format('The form has more than %s fields', most));
  end if;
  fields := (
    select coalesce(jsonb_agg(jsonb_build_object('name', postern.query_decode(split_part(pair, '=', 1)),
      'value', postern.query_decode(substr(pair, strpos(pair || '=', '=') + 1))) order by place), '[]')
    from string_to_table(body, '&') with ordinality as pairs(pair, place)
    where pair <> '');
  if call then
    return jsonb_build_object('form', 'fields', 'arguments', fields);
  end if;
  made := (
    select coalesce(jsonb_object_agg(field ->> 'name', field -> 'value' order by place), '{}')
    from jsonb_array_elements(fields) with ordinality as listed(field, place));
  return postern.describe_json(made::text) || jsonb_build_object('text', made::text);
end
$$;
comment on function postern.describe_form(text, boolean) is
  'Describes a form, as postern.describe_payload. Out: the arguments of a function, or a row as a JSON object of '
  'strings; {refused} beyond the limit "parameters". Raises PGRST100 for what does not decode.';

create or replace function postern.csv_lines(body text)
returns table (place bigint, fields text[])
language plpgsql immutable strict parallel safe
as $$
declare
  plain pg_catalog.text := replace(body, '\', '\s');
begin
  if strpos(body, '"') > 0 then
    plain := (
      select case when count(*) % 2 = 1
        then string_agg(case when piece.place % 2 = 1 then text
            else replace(replace(replace(text, ',', '\c'), E'\n', '\n'), E'\r', '\r') end,
          '"' order by piece.place) end
      from string_to_table(plain, '"') with ordinality as piece(text, place));
  end if;
  return query
    select line.place, case when strpos(text, '"') = 0 and strpos(text, '\') = 0 then string_to_array(text, ',')
      else array(
        select replace(postern.csv_field(field), '\s', '\')
        from string_to_table(text, ',') with ordinality as split(field, number)
        order by number) end
    from string_to_table(replace(replace(plain, E'\r\n', E'\n'), E'\r', E'\n'), E'\n')
      with ordinality as line(text, place)
    where text <> '' and text <> '""';
end
$$;
comment on function postern.csv_lines(text) is
  'The lines of a CSV text that are not blank, with their fields, quotes removed. Out: place: the number of the line; '
  'fields: null for one whose quotes are not as they should be; no lines where a quote is not closed. Inside, what is '
  'quoted has \c, \n, \r for its separators and any backslash is \s. Raises nothing. Source: RFC 4180.';

create or replace function postern.csv_field(field text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case
    when strpos(field, '"') = 0 then field
    when field not like '"%"' or length(field) < 2
      or strpos(replace(substr(field, 2, length(field) - 2), '""', ''), '"') > 0 then null
    else replace(replace(replace(replace(substr(field, 2, length(field) - 2), '""', '"'), '\c', ','), '\n', E'\n'),
      '\r', E'\r') end;
end
$$;
comment on function postern.csv_field(text) is
  'Reads one field as postern.csv_lines splits it. Out: the field without quotes, but with \s for a backslash; null '
  'where a quote stands elsewhere than around the whole. Raises nothing.';

create or replace function postern.describe_csv(body text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  header pg_catalog.text[];
  uneven boolean;
  broken boolean;
  rows pg_catalog.json;
begin
  with lines as materialized (
    select place, fields, array_position(fields, null) is not null as bad from postern.csv_lines(body)
  ), first as materialized (
    select place, fields, bad from lines order by place limit 1
  )
  select first.fields, bool_or(cardinality(lines.fields) <> cardinality(first.fields)), bool_or(lines.bad),
      json_agg(json_object(first.fields, array_replace(lines.fields, 'NULL', null)) order by lines.place)
        filter (where lines.place > first.place and not lines.bad and not first.bad
          and cardinality(lines.fields) = cardinality(first.fields))
    into header, uneven, broken, rows
    from lines, first
    group by first.fields;
  if btrim(body, E' \t') = '' then
    return '{"refused": "The CSV has no header line"}';
  elsif btrim(body, E' \t\r\n') = '' then
    return '{"form": "empty"}';
  elsif broken is not false then
    return '{"refused": "A quote in the CSV is neither around a field nor doubled within one"}';
  elsif uneven then
    return '{"refused": "All lines must have same number of fields"}';
  elsif rows is null then
    return '{"form": "empty"}';
  end if;
  return jsonb_build_object('form', '[', 'keys', (select jsonb_agg(distinct name) from unnest(header) as name),
    'text', rows::text);
end
$$;
comment on function postern.describe_csv(text) is
  'Describes CSV with a header line, as postern.describe_payload. Out: {form; keys; text: the rows as an array of '
  'objects of strings, NULL as null}, {form: empty} for no rows, or {refused}. Raises nothing. Source: PostgREST docs, '
  'references/api/tables_views, "CSV".';

create or replace function postern.is_rows(method text, content_type text)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return coalesce(method = 'PATCH'
    and lower(btrim(split_part(content_type, ';', 1), E' \t')) = 'application/vnd.postern.rows+json', false);
end
$$;
comment on function postern.is_rows(text, text) is
  'Whether a body is the rows of a PATCH, each for the row that has its key. In: the method; Content-Type of the '
  'request, or null. Out: true or false. Raises nothing.';
