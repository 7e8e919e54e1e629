-- A request's parameters as a shape and values. In the shape each value is replaced by chr(1), the placeholder; the values are
-- literals for EXECUTE. A limit of up to three digits is not replaced: pages have few sizes, and the planner plans them better when it
-- knows. postern.answer does the commonest parameters itself, in its loop; here is any parameter.

create or replace function postern.shape_parameter(pair text, request jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  name text := split_part(pair, E'\x1e', 1);
  rest text := split_part(pair, E'\x1e', 3);
  value text := case when split_part(pair, E'\x1e', 2) = '' then rest else split_part(pair, E'\x1e', 2) || '.' || rest end;
  last_word text := split_part(name, '.', -1);
  operation text[];
begin
  if name in ('select', 'columns', 'on_conflict') or last_word = 'order' then
    return array[concat(E'\x1f', pair), ''];
  elsif last_word in ('limit', 'offset') then
    return case when rest = value and value ~ '^[0-9]{1,18}$'
        and (last_word = 'offset' or length(value) > 3)
      then array[concat(E'\x1f', name, E'\x1e\x1e\x01'), ',' || quote_literal(value)]
      else array[concat(E'\x1f', pair), ''] end;
  elsif last_word in ('and', 'or') then
    return postern.shape_logic(name, value);
  elsif value = rest and postern.is_call(request ->> 'path') then
    return array[concat(E'\x1f', name, E'\x1e\x1e\x01'), ',' || quote_literal(value)];
  end if;
  operation := regexp_match(value, '^((?:not\.)?([a-z]+)(?:\([A-Za-z0-9_]*\))?)\.(.*)$');
  if operation[1] in ('in', 'not.in') then
    return array[concat(E'\x1f', name, E'\x1e', operation[1], E'\x1e\x01'),
      ',' || quote_literal(postern.array_literal(postern.parse_list(operation[3])))];
  elsif operation[2] = 'is' then
    return array[concat(E'\x1f', pair), ''];
  elsif exists (select from postern.operators() as known where known.name = operation[2]) then
    return array[concat(E'\x1f', name, E'\x1e', operation[1], E'\x1e\x01'),
      ',' || quote_literal(case when operation[2] in ('like', 'ilike') then replace(operation[3], '*', '%') else operation[3] end)];
  elsif postern.is_call(request ->> 'path') and value !~ '^not\.' then
    return array[concat(E'\x1f', name, E'\x1e\x1e\x01'), ',' || quote_literal(value)];
  end if;
  return array[concat(E'\x1f', pair), ''];
end
$$;
comment on function postern.shape_parameter(text, jsonb) is
  'One parameter (postern.query_pairs) as [shape piece, literals for EXECUTE]; in a call of a function, what is no filter is an argument. PGRST100 for a malformed in-list; what else is malformed stays whole for the parsers to refuse.';

create or replace function postern.shape_logic(name text, tree text)
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
  -- What is between the matches. Only a long tree is matched twice for it: there, to look for each match in what is left is slow.
  gaps text[] := case when length(tree) > 4096 then regexp_split_to_array(tree, pattern) end;
  place int := 0;
  skeleton text := '';
  literals text := '';
  token text[];
  start int;
  value text;
begin
  for token in select regexp_matches(tree, pattern, 'g') loop
    if gaps is null then
      start := strpos(rest, coalesce(token[1], token[2] || token[3], token[4] || token[5]));
      skeleton := skeleton || left(rest, start - 1) || coalesce(token[1], token[2], token[4]);
      rest := substr(rest, start + length(coalesce(token[1], token[2] || token[3], token[4] || token[5])));
    else
      place := place + 1;
      skeleton := skeleton || gaps[place] || coalesce(token[1], token[2], token[4]);
    end if;
    if token[1] is null then
      value := coalesce(postern.array_literal(postern.parse_list(token[3])), token[5]);
      if token[5] like '"%"' then
        value := regexp_replace(substr(value, 2, length(value) - 2), '\\(.)', '\1', 'g');
      end if;
      if token[4] ~ '\.i?like[.(]' then
        value := replace(value, '*', '%');
      end if;
      skeleton := skeleton || chr(1);
      literals := literals || ',' || quote_literal(value);
    end if;
  end loop;
  return array[concat(E'\x1f', name, E'\x1e\x1e', skeleton, coalesce(gaps[place + 1], rest)), literals];
end
$$;
comment on function postern.shape_logic(text, text) is
  'A logic tree as [shape piece, literals]: every value cut out, in-lists as array literals. Source: PostgREST docs, references/api/tables_views, "Logical operators".';

create or replace function postern.shape_range(range text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  bounds text[] := regexp_match(range, '^([0-9]+)-([0-9]*)$');
  most constant numeric := numeric '999999999999999999';
begin
  if bounds is null then
    return '{"",""}';
  end if;
  if length(range) > 19 then -- as for limit and offset (postern.range_entry)
    bounds := array[least(bounds[1]::numeric, most)::text, case when bounds[2] = '' then '' else least(bounds[2]::numeric, most)::text end];
  end if;
  if bounds[2] <> '' and bounds[1]::bigint > bounds[2]::bigint then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable',
      'In the Range header the first position is greater than the last.');
  end if;
  return array[E'\x1f\x02range\x1e\x1e', ',' || quote_literal(bounds[1]) || ',' || coalesce(quote_literal(nullif(bounds[2], '')), 'null')];
end
$$;
comment on function postern.shape_range(text) is
  'A Range header (items, first-last) as [shape piece, two literals]; empty when it is not of that form; a position of more than 18 digits is 18 nines. PGRST103 when first > last. Source: PostgREST docs, references/api/pagination_count.';

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
