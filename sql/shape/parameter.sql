-- A request's query string as a shape and values. The shape is the query string with each value replaced by %01, the
-- placeholder; the values are a list of literals for EXECUTE. postern.handle does the plain parameters itself, in its loop;
-- here are the ones that need more than a cut at the first dot.

create or replace function postern.shape_parameter(pair text, call boolean)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  name text := postern.query_decode(split_part(pair, '=', 1));
  value text := postern.query_decode(substr(pair, strpos(pair, '=') + 1));
  raw_name text := left(pair, strpos(pair, '='));
  last_word text := split_part(name, '.', -1);
  operation text[];
begin
  if raw_name = '' then
    return '{"",""}';
  end if;
  if name ~ '[\x01-\x1f]' then
    perform postern.fail('PGRST100', 'The name of a query parameter contains a control character');
  end if;
  if name in ('select', 'columns', 'on_conflict') or last_word = 'order' then
    return array[postern.whole_pair(pair, value), ''];
  elsif last_word in ('limit', 'offset') then
    return case when value ~ '^[0-9]{1,18}$'
      then array['&' || raw_name || '%01', ',' || quote_literal(value)]
      else array[postern.whole_pair(pair, value), ''] end;
  elsif last_word in ('and', 'or') then
    return postern.shape_logic(raw_name, value);
  end if;
  operation := regexp_match(value, '^((?:not\.)?([a-z]+)(?:\([A-Za-z0-9_]*\))?\.)(.*)$');
  if operation[2] = 'in' and operation[1] in ('in.', 'not.in.') then
    return array['&' || raw_name || operation[1] || '%01',
      ',' || quote_literal(postern.array_literal(postern.parse_list(operation[3])))];
  elsif operation[2] = 'is' then
    return array[postern.whole_pair(pair, value), ''];
  elsif exists (select from postern.operators() as known where known.name = operation[2]) then
    return array['&' || raw_name || operation[1] || '%01', ',' || quote_literal(operation[3])];
  elsif call and value !~ '^not\.' then
    return array['&' || raw_name || '%01', ',' || quote_literal(value)];
  end if;
  return array[postern.whole_pair(pair, value), ''];
end
$$;
comment on function postern.shape_parameter(text, boolean) is
  'One name=value pair of a raw query string as [shape piece, literals for EXECUTE]; call: what is no filter is an argument of a function. PGRST100 for malformed percent-encoding and in-lists; all else that is malformed stays whole for the parsers to refuse.';

create or replace function postern.whole_pair(pair text, value text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if strpos(value, chr(1)) > 0 then
    perform postern.fail('PGRST100', 'The value of a query parameter contains a control character', 'In: ' || pair);
  end if;
  return '&' || pair;
end
$$;
comment on function postern.whole_pair(text, text) is
  'Shape piece of a pair that is all shape. PGRST100 if its value has the character that stands for a cut-out value.';

create or replace function postern.shape_logic(raw_name text, tree text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  operators text := (
    select string_agg(known.name, '|') from postern.operators() as known where known.kind not in ('in', 'is'));
  quoted constant text := '"(?:[^"\\]|\\.)*"';
  pattern text := '(' || quoted || ')'
    || '|(\.(?:not\.)?in\.\s*)(\((?:' || quoted || '|[^")])*\)\s*)'
    || '|(\.(?:not\.)?(?:' || operators || ')(?:\([A-Za-z0-9_]+\))?\.)(' || quoted || '(?=[,)])|\{[^{}]*\}|[^,)]*)';
  rest text := tree;
  skeleton text := '';
  literals text := '';
  token text[];
  start int;
  value text;
begin
  if strpos(tree, chr(1)) > 0 then
    perform postern.fail('PGRST100', 'The logic tree contains a control character');
  end if;
  for token in select regexp_matches(tree, pattern, 'g') loop
    start := strpos(rest, coalesce(token[1], token[2] || token[3], token[4] || token[5]));
    skeleton := skeleton || left(rest, start - 1) || coalesce(token[1], token[2], token[4]);
    rest := substr(rest, start + length(coalesce(token[1], token[2] || token[3], token[4] || token[5])));
    if token[1] is null then
      value := coalesce(postern.array_literal(postern.parse_list(token[3])), token[5]);
      if token[5] like '"%"' then
        value := regexp_replace(substr(value, 2, length(value) - 2), '\\(.)', '\1', 'g');
      end if;
      skeleton := skeleton || chr(1);
      literals := literals || ',' || quote_literal(value);
    end if;
  end loop;
  skeleton := replace(replace(replace(skeleton || rest, '%', '%25'), '&', '%26'), '+', '%2B');
  return array['&' || raw_name || replace(skeleton, chr(1), '%01'), literals];
end
$$;
comment on function postern.shape_logic(text, text) is
  'A logic tree (decoded, its name still raw) as [shape piece, literals]: every value cut out, in-lists as array literals. Source: PostgREST docs, references/api/tables_views, "Logical operators".';

create or replace function postern.shape_range(range text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  bounds text[] := regexp_match(range, '^([0-9]{1,18})-([0-9]{0,18})$');
begin
  if bounds is null then
    return '{"",""}';
  end if;
  if bounds[2] <> '' and bounds[1]::bigint > bounds[2]::bigint then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable',
      'In the Range header the first position is greater than the last.');
  end if;
  return array['&%02range', ',' || quote_literal(bounds[1]) || ',' || coalesce(quote_literal(nullif(bounds[2], '')), 'null')];
end
$$;
comment on function postern.shape_range(text) is
  'A Range header (items, first-last) as [shape piece, two literals]; empty when it is not of that form. PGRST103 when first > last. Source: PostgREST docs, references/api/pagination_count.';

create or replace function postern.range_limit(first bigint, last bigint, skip bigint, count bigint)
returns bigint
language plpgsql immutable parallel safe
as $$
declare
  upper bigint := least(last, skip + count - 1);
begin
  if count = 0 then
    return 0;
  elsif upper < greatest(first, skip) then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable',
      'The Range header and the limit have no row in common.');
  end if;
  return upper - greatest(first, skip) + 1;
end
$$;
comment on function postern.range_limit(bigint, bigint, bigint, bigint) is
  'Number of rows where a Range header (first to last) meets offset (skip) and limit (count); null for no end. PGRST103 when they do not meet.';
