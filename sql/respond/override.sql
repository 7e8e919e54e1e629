-- What code of the user's says of the response: response.status and response.headers, asked for by the statement
-- itself, so that what is wrong with them undoes it.

create or replace function postern.own_status()
returns text
language plpgsql volatile
as $$
declare
  own constant pg_catalog.text := pg_catalog.current_setting('response.status');
begin
  if own operator(pg_catalog.!~) '^\s*[2-5][0-9][0-9](?![0-9])' then -- an answer with 1xx would not be the last one
    perform postern.fail('PGRST112', 'The setting response.status is not the HTTP status of an answer');
  end if;
  return pg_catalog.substring(own, '[0-9]{3}');
end
$$;
comment on function postern.own_status() is
  'The status that code of the user''s has set through response.status. Out: its three digits. Raises PGRST112 for '
  'what is no status of an answer. Source: PostgREST docs, references/transactions, "Response Status Code".';

create or replace function postern.merged_headers(lines text, own text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  own_headers text[];
begin
  if octet_length(own) > 65536 then
    perform postern.fail('PGRST111', 'The setting response.headers has more than 64 KiB',
      'Hardly a client or proxy takes as much, and what the request did would be done.');
  end if;
  begin
    own_headers := (
      select array_agg(array[key, value #>> '{}'] order by place, key)
      from json_array_elements(own::json) with ordinality as entries(entry, place)
      left join lateral json_each(entry) on true
      where postern.assert_header(entry, key, value));
  exception when data_exception or statement_too_complex then
    perform postern.fail('PGRST111',
      'The setting response.headers is not a JSON array of objects with one key and a string value');
  end;
  return concat(postern.header_lines(own_headers), (
    select string_agg(E'\n' || line, '' order by place)
    from string_to_table(substr(lines, 2), E'\n') with ordinality as given(line, place)
    where not exists (
      select from generate_subscripts(own_headers, 1) as i
      where lower(own_headers[i][1]) = lower(split_part(line, ':', 1)))));
end
$$;
comment on function postern.merged_headers(text, text) is
  'Puts the headers that code of the user''s has set before those of the answer, in place of those of the same name. '
  'In: lines: postern.header_lines; own: response.headers, JSON: an array of objects with one key. Out: header lines. '
  'Raises PGRST111 for another value and for more than 64 KiB. Source: PostgREST docs, references/transactions, '
  '"Response Headers".';

create or replace function postern.assert_header(entry json, name text, value json)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  if json_typeof(value) <> 'string' or name !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+$'
    or value #>> '{}' ~ '[\x01-\x08\x0a-\x1f\x7f]' or (select count(*) from json_object_keys(entry)) <> 1
  then
    raise data_exception;
  end if;
  return true;
end
$$;
comment on function postern.assert_header(json, text, json) is
  'Checks one entry of response.headers: one key that is a field name, one string without control characters. In: the '
  'entry, its key and its value. Out: true. Raises data_exception (22000) otherwise. Source: RFC 9110, section 5.1.';
