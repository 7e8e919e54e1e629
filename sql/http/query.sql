-- The query string, and the header Range.

create or replace function postern.query_pairs(query text, out name text, out value text)
returns setof record
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := postern.limit_of('parameters');
  found_ones constant int := length(query) - length(replace(query, '&', '')) + 1;
  raw pg_catalog.text;
begin
  if found_ones > most then
    perform postern.fail('PGRST100', format('The query string has more than %s parameters', most),
      format('found %s, expected at most %s', found_ones, most));
  end if;
  foreach raw in array string_to_array(query, '&') loop
    if strpos(raw, '=') = 1 then
      perform postern.fail('PGRST100', 'A parameter of the query string has no name', 'In: ' || raw);
    elsif strpos(raw, '=') > 1 then
      name := postern.query_decode(split_part(raw, '=', 1));
      value := postern.query_decode(substr(raw, strpos(raw, '=') + 1));
      return next;
    else
      perform postern.query_decode(raw);
    end if;
  end loop;
end
$$;
comment on function postern.query_pairs(text) is
  'The parameters of a raw query string, decoded, in their order; one without = counts for nothing. Raises PGRST100 '
  'for what does not decode, a parameter without a name, and beyond the limit "parameters".';

create or replace function postern.parse_range(range text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  bounds constant pg_catalog.text[] := regexp_match(range, '^([0-9]+)-([0-9]*)$');
begin
  if bounds is null then
    return null;
  elsif bounds[2] <> '' and bounds[1]::numeric > bounds[2]::numeric then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable',
      'In the Range header the first position is greater than the last.');
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'first', jsonb_build_object('value', bounds[1]::bigint::text),
    'last', case when bounds[2] <> '' then jsonb_build_object('value', bounds[2]::bigint::text) end));
end
$$;
comment on function postern.parse_range(text) is
  'Reads a Range header. Out: {first: {value}; last?: {value} }; null where it is not of that form. Raises PGRST103 '
  'where first is greater than last, 22003 for no bigint. Source: PostgREST docs, references/api/pagination_count.';

create or replace function postern.range_limit(first bigint, last bigint, skip bigint, count bigint)
returns bigint
language plpgsql immutable parallel safe
as $$
declare
  upper bigint := least(last, case when count is not null then least(
    skip::pg_catalog.numeric operator(pg_catalog.+) count operator(pg_catalog.-) 1,
    9223372036854775807)::pg_catalog.int8 end);
begin
  if count operator(pg_catalog.=) 0 then
    return 0;
  elsif upper operator(pg_catalog.<) greatest(first, skip) then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable',
      'The Range header and the limit have no row in common.');
  end if;
  return upper operator(pg_catalog.-) greatest(first, skip) operator(pg_catalog.+) 1;
end
$$;
comment on function postern.range_limit(bigint, bigint, bigint, bigint) is
  'The number of rows where a Range header (first to last) meets offset (skip) and limit (count). In: last, count: '
  'null for no end. Out: null for no end. Raises PGRST103 where they do not meet.';
