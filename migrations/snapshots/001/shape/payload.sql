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
    media := concat(set_config('postern.inserted', '0', true), set_config('postern.payload', body, true));
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
  begin
    document := body::jsonb;
  exception when data_exception or program_limit_exceeded or statement_too_complex then
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
  'Shape piece of a JSON body: object or array, and the keys, which must be the same in every object of an array. Anything else than an object or array counts as an empty array. Source: PostgREST docs, references/api/tables_views, "Bulk insert".';

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

create or replace function postern.csv_fields(body text)
returns table (line bigint, place bigint, field text)
language sql immutable strict parallel safe
as $$
  select line, row_number() over (partition by line order by number) as place, field
  from (
    select number, coalesce(replace(found[1], '""', '"'), found[2]) as field,
      count(*) filter (where found[3] <> ',') over (order by number rows between unbounded preceding and 1 preceding) as line
    from regexp_matches(rtrim(body, E'\r\n') || E'\n', '(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r\n|\n|\r)', 'g')
      with ordinality as matches(found, number)
  ) as fields
$$;
comment on function postern.csv_fields(text) is
  'The fields of a CSV text by line (from 0) and place (from 1), quotes removed. Source: RFC 4180.';

create or replace function postern.shape_csv(body text)
returns text
language plpgsql volatile strict
as $$
declare
  header text[] := array(select field from postern.csv_fields(body) where line = 0 order by place);
  rows json;
begin
  if btrim(body, E' \t\r\n') = '' then
    return E'\x1f\x02refused\x1e\x1e' || 'The CSV has no header line';
  elsif exists (
    select from postern.csv_fields(body) group by line having count(*) <> cardinality(header))
  then
    return E'\x1f\x02refused\x1e\x1e' || 'All lines must have same number of fields';
  end if;
  rows := (
    select json_agg(record order by line)
    from (
      select line, json_object_agg(header[place], nullif(field, 'NULL')) as record
      from postern.csv_fields(body)
      where line > 0
      group by line
    ) as records);
  perform set_config('postern.payload', coalesce(rows, '[]')::text, true);
  return postern.shape_json(coalesce(rows, '[]')::text);
end
$$;
comment on function postern.shape_csv(text) is
  'Shape piece of a CSV body with a header line; the rows go into postern.payload as an array of objects of strings, NULL as null. Source: PostgREST docs, references/api/tables_views, "CSV".';
