-- The body of a request as a shape. The body itself waits as text in the setting postern.payload, where the statement reads it:
-- so one prepared statement serves bodies of any size.

create or replace function postern.shape_payload(method text, path text, content_type text, shape text, payload bytea)
returns text[]
language plpgsql volatile
as $$
declare
  call boolean := postern.is_call(path);
  media text := case when coalesce(content_type, 'application/json') = 'application/json' then 'application/json'
    else postern.media_type(content_type) ->> 'name' end;
  body text;
begin
  if media = 'application/octet-stream' and call then
    perform set_config('postern.payload', encode(coalesce(payload, ''::bytea), 'hex'), true);
    return array[E'\x1f\x02raw\x1e\x1e', ''];
  end if;
  body := convert_from(coalesce(payload, ''::bytea), 'UTF8');
  if media = 'application/json' then
    if body = '' and call then
      body := '{}';
    end if;
    if set_config('postern.inserted', '0', true) is null or set_config('postern.payload', body, true) is null then
      return null; -- never: a condition is cheaper than PERFORM
    end if;
    if strpos(shape, E'\x1fcolumns\x1e') > 0 and method in ('POST', 'PATCH') then
      return array[E'\x1f\x02json\x1e\x1e' || case when body ~ '^[ \t\r\n]*\{' then '{' else '[' end, ''];
    end if;
    return array[postern.shape_json(body), ''];
  end if;
  perform set_config('postern.payload', '', true), set_config('postern.inserted', '0', true);
  if media = 'text/csv' then
    return array[postern.shape_csv(body), ''];
  elsif media = 'application/x-www-form-urlencoded' then
    return case when call then postern.shape_form_arguments(body) else array[postern.shape_form(body), ''] end;
  elsif call and media in ('text/plain', 'text/xml') then
    perform set_config('postern.payload', body, true);
    return array[E'\x1f\x02raw\x1e\x1e', ''];
  end if;
  return array[E'\x1f\x02refused\x1e\x1eContent-Type not acceptable: ' || regexp_replace(media, '[\x01-\x1f\x7f]', ' ', 'g'), ''];
end
$$;
comment on function postern.shape_payload(text, text, text, text, bytea) is
  'The body of a POST, PATCH or PUT as [shape piece, literals]: its form and keys; puts it as JSON (hexadecimal when raw bytes) into the transaction''s setting postern.payload. A body that is refused becomes a piece named refused, for the compiler to raise PGRST102. What the client wrote stands in a piece only without control characters: nothing can pass for another piece. 22021 for invalid UTF-8; PGRST100 for a form that does not decode.';

create or replace function postern.shape_json(body text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  document jsonb;
  keys jsonb;
  names text[];
begin
  if length(body) > 4096 then
    keys := to_jsonb(postern.flat_keys(body));
    if keys is not null then
      return E'\x1f\x02json\x1e\x1e[' || keys::text;
    end if;
  end if;
  begin
    document := body::jsonb;
  exception when untranslatable_character or numeric_value_out_of_range then
    raise;
  when data_exception or program_limit_exceeded or statement_too_complex then
    return E'\x1f\x02refused\x1e\x1e' || 'Empty or invalid json';
  end;
  keys := jsonb_path_query_array(document, 'lax $[0].keyvalue().key', '{}', true);
  if jsonb_typeof(document) = 'object' then
    return E'\x1f\x02json\x1e\x1e{' || keys::text;
  elsif jsonb_typeof(document) <> 'array' or document = '[]'::jsonb then
    return E'\x1f\x02empty\x1e\x1e';
  end if;
  names := array(select jsonb_array_elements_text(keys));
  if exists (
    select from jsonb_array_elements(document) as element
    where case when jsonb_typeof(element) = 'object' then not element ?& names or element - names <> '{}'::jsonb else true end)
  then
    return E'\x1f\x02refused\x1e\x1e' || 'All object keys must match';
  end if;
  return E'\x1f\x02json\x1e\x1e[' || keys::text;
end
$$;
comment on function postern.shape_json(text) is
  'Shape piece of a JSON body: object or array, and the keys, which must be the same in every object of an array. Anything else than an object or array counts as an empty array. Raises 22P05 for \u0000 and 22003 for a number that numeric does not hold. Source: PostgREST docs, references/api/tables_views, "Bulk insert".';

create or replace function postern.flat_keys(body text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  value constant text := '(?:"(?:[^"\\\x01-\x1f]|\\["\\/bfnrt])*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)';
  blank constant text := '[ \t\n\r]*';
  keys text[];
  object text;
begin
  begin
    keys := array(select json_object_keys(substr(body, strpos(body, '{'), strpos(body, '}') - strpos(body, '{') + 1)::json));
  exception when data_exception or statement_too_complex then
    return null;
  end;
  if cardinality(keys) not between 1 and 64 or array_to_string(keys, '') !~ '^[A-Za-z0-9_ -]+$'
    or cardinality(keys) <> (select count(distinct key) from unnest(keys) as key)
  then
    return null;
  end if;
  object := format('\{%s\}', (
    select string_agg(format('%1$s"%2$s"%1$s:%1$s%3$s%1$s', blank, key, value), ',' order by place)
    from unnest(keys) with ordinality as listed(key, place)));
  return case when body ~ format('^%1$s\[%1$s%2$s%1$s(?:,%1$s%2$s%1$s)*\]%1$s$', blank, object) then keys end;
end
$$;
comment on function postern.flat_keys(text) is
  'The keys of a JSON array of objects that have the same keys in the same order and no nested values, as programs write them; null for any other text, also where it is just not seen that it is one. A quarter of the cost of parsing a bulk insert.';

create or replace function postern.shape_form(body text)
returns text
language plpgsql volatile strict
as $$
declare
  fields jsonb := (
    select coalesce(jsonb_object_agg(postern.query_decode(split_part(pair, '=', 1)),
      postern.query_decode(substr(pair, strpos(pair || '=', '=') + 1)) order by place), '{}')
    from string_to_table(body, '&') with ordinality as pairs(pair, place)
    where pair <> '');
begin
  perform set_config('postern.payload', fields::text, true);
  return postern.shape_json(fields::text);
end
$$;
comment on function postern.shape_form(text) is
  'Shape piece of a form (application/x-www-form-urlencoded) that is to be a row; the form goes into postern.payload as an object of strings. PGRST100 for malformed percent-encoding.';

create or replace function postern.shape_form_arguments(body text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  names text[] := array(
    select postern.query_decode(split_part(pair, '=', 1)) from string_to_table(body, '&') with ordinality as pairs(pair, place)
    where pair <> '' order by place);
begin
  if array_to_string(names, '') ~ '[\x01\x02\x1e\x1f]' then
    perform postern.fail('PGRST100', 'The name of a form field contains a control character');
  end if;
  return (
    select array[
      E'\x1f\x02form\x1e\x1e' || coalesce((select string_agg(E'\x1f\x02field\x1e\x1e' || name, '' order by number) from unnest(names) with ordinality as named(name, number)), ''),
      coalesce(string_agg(',' || quote_literal(postern.query_decode(substr(pair, strpos(pair || '=', '=') + 1))), '' order by place), '')]
    from string_to_table(body, '&') with ordinality as pairs(pair, place)
    where pair <> '');
end
$$;
comment on function postern.shape_form_arguments(text) is
  'A form that holds the arguments of a function as [shape piece, literals]. PGRST100 for malformed percent-encoding and for control characters in a name.';

create or replace function postern.csv_lines(body text)
returns table (place bigint, fields text[])
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  plain text := replace(body, '\', '\s');
begin
  if strpos(body, '"') > 0 then
    plain := (
      select case when count(*) % 2 = 1
        then string_agg(case when piece.place % 2 = 1 then text else replace(replace(replace(text, ',', '\c'), E'\n', '\n'), E'\r', '\r') end, '"' order by piece.place) end
      from string_to_table(plain, '"') with ordinality as piece(text, place));
  end if;
  return query
    select line.place, case when strpos(text, '"') = 0 and strpos(text, '\') = 0 then string_to_array(text, ',')
      else array(select replace(postern.csv_field(field), '\s', '\') from string_to_table(text, ',') with ordinality as split(field, number) order by number) end
    from string_to_table(replace(replace(plain, E'\r\n', E'\n'), E'\r', E'\n'), E'\n') with ordinality as line(text, place)
    where text <> '' and text <> '""';
end
$$;
comment on function postern.csv_lines(text) is
  'The lines of a CSV text that are not blank, with their fields, quotes removed; a field is null where quotes are not as they should be, and there are no lines when a quote is not closed. Inside, what is quoted has \c, \n, \r for its separators and any backslash is \s. Source: RFC 4180.';

create or replace function postern.csv_field(field text)
returns text
language sql immutable parallel safe
as $$
  select case
    when strpos(field, '"') = 0 then field
    when field not like '"%"' or length(field) < 2 or strpos(replace(substr(field, 2, length(field) - 2), '""', ''), '"') > 0 then null
    else replace(replace(replace(replace(substr(field, 2, length(field) - 2), '""', '"'), '\c', ','), '\n', E'\n'), '\r', E'\r') end
$$;
comment on function postern.csv_field(text) is
  'One field as postern.csv_lines splits it, without quotes but with \s for a backslash; null when a quote stands elsewhere than around the whole.';

create or replace function postern.shape_csv(body text)
returns text
language plpgsql volatile strict
as $$
declare
  header text[];
  uneven boolean;
  broken boolean;
  rows json;
begin
  with lines as materialized (
    select place, fields, array_position(fields, null) is not null as bad from postern.csv_lines(body)
  ), first as materialized (
    select place, fields, bad from lines order by place limit 1
  )
  select first.fields, bool_or(cardinality(lines.fields) <> cardinality(first.fields)), bool_or(lines.bad),
      json_agg(json_object(first.fields, array_replace(lines.fields, 'NULL', null)) order by lines.place)
        filter (where lines.place > first.place and not lines.bad and not first.bad and cardinality(lines.fields) = cardinality(first.fields))
    into header, uneven, broken, rows
    from lines, first
    group by first.fields;
  if btrim(body, E' \t\r\n') = '' then
    return E'\x1f\x02refused\x1e\x1e' || 'The CSV has no header line';
  elsif broken is not false then
    return E'\x1f\x02refused\x1e\x1e' || 'A quote in the CSV is neither around a field nor doubled within one';
  elsif uneven then
    return E'\x1f\x02refused\x1e\x1e' || 'All lines must have same number of fields';
  end if;
  perform set_config('postern.payload', coalesce(rows, '[]')::text, true);
  return case when rows is null then E'\x1f\x02empty\x1e\x1e'
    else E'\x1f\x02json\x1e\x1e[' || (select json_agg(distinct name)::text from unnest(header) as name) end;
end
$$;
comment on function postern.shape_csv(text) is
  'Shape piece of a CSV body with a header line; the rows go into postern.payload as an array of objects of strings, NULL as null. Source: PostgREST docs, references/api/tables_views, "CSV".';
