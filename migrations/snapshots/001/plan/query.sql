-- A shape as trees: what the parsers make of each parameter, with values numbered in order of appearance.

create or replace function postern.query_trees(shape text, first int default 2)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  entries jsonb[] := '{}';
  trees jsonb := '{}';
  arguments jsonb[] := '{}';
  number int := first;
  pair text;
  name text;
  value text;
  last_word text;
begin
  foreach pair in array string_to_array(substr(shape, 2), E'\x1f') loop
    name := split_part(pair, E'\x1e', 1);
    value := split_part(pair, E'\x1e', 3);
    if split_part(pair, E'\x1e', 2) <> '' then
      value := split_part(pair, E'\x1e', 2) || '.' || value;
    end if;
    last_word := split_part(name, '.', -1);
    if left(name, 1) = chr(2) then
      if name = chr(2) || 'field' then
        arguments := array_append(arguments, jsonb_build_object('name', value, 'param', number));
        number := number + 1;
      elsif name = chr(2) || 'range' then
        trees := trees || jsonb_build_object('range', number);
        number := number + 2;
      else
        trees := trees || jsonb_build_object(substr(name, 2), value);
      end if;
    elsif name in ('select', 'columns', 'on_conflict') then
      if not trees ? name then
        trees := trees || jsonb_build_object(name,
          case name when 'select' then postern.parse_select(value) else to_jsonb(postern.parse_columns(value)) end);
      end if;
      number := number + length(value) - length(replace(value, chr(1), '')); -- columns=eq.1 reads like a filter
    elsif value = chr(1) and last_word not in ('limit', 'offset') then
      arguments := array_append(arguments, jsonb_build_object('name', name, 'param', number, 'url', true));
      number := number + 1;
    else
      entries := array_append(entries, case
        when last_word = 'order' then (postern.parse_filter_key(name) - '{name,path}'::text[])
          || jsonb_build_object('kind', 'order', 'terms', postern.parse_order(value))
        when last_word in ('limit', 'offset') then postern.range_entry(name, last_word, case when value = chr(1) then number end, value)
        when last_word in ('and', 'or') then postern.logic_entry(name, value, number)
        else postern.parse_filter_key(name)
          || jsonb_build_object('kind', 'filter', 'expr', postern.numbered(postern.parse_op_expr(value), number)) end);
      number := number + length(value) - length(replace(value, chr(1), ''));
    end if;
  end loop;
  return jsonb_build_object('select', '[{"type": "field", "name": "*"}]'::jsonb) || trees
    || jsonb_build_object('entries', to_jsonb(entries), 'arguments', to_jsonb(arguments), 'params', number - 1);
end
$$;
comment on function postern.query_trees(text, int) is
  'A shape as {select, columns?, on_conflict?, entries: filters, logic trees, orders and ranges each with its embed path, arguments, params: how many parameters, range?, and the pieces of the payload}. first: number of the first value; the query of Content-Location may be before it. PGRST100 for what does not parse.';

create or replace function postern.numbered(expr jsonb, number int)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when expr ->> 'value' = chr(1) then expr - 'value' || jsonb_build_object('param', number) else expr end);
end
$$;
comment on function postern.numbered(jsonb, int) is
  'An operator expression whose value is the placeholder, with the parameter''s number in place of it.';

create or replace function postern.range_entry(name text, kind text, number int, value text)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  most constant bigint := 999999999999999999; -- the sum of two is within eight bytes
begin
  if number is null and value ~ '^-[0-9]+$' and (kind = 'limit' or name <> kind) then
    perform postern.fail('PGRST103', 'The requested range is not satisfiable', format('The %s must not be negative.', kind));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('kind', kind, 'embed', postern.parse_filter_key(name) -> 'embed', 'param', number,
    'value', case when number is null and value ~ '^[0-9]+$' then least(value::numeric, most)::text end));
end
$$;
comment on function postern.range_entry(text, text, int, text) is
  'A limit or offset with its embed path; one that is no number counts for nothing, nor does a negative offset of the resource itself; one of more than 18 digits counts as 18 nines. PGRST103 for a negative limit, or offset of an embed.';

create or replace function postern.logic_entry(name text, value text, number int)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  key jsonb := postern.parse_logic_key(name);
begin
  return jsonb_build_object('kind', 'logic', 'embed', key -> 'embed', 'tree',
    (postern.numbered_tree(postern.parse_logic(key ->> 'operator', (key ->> 'not')::boolean, value), number)) -> 'tree');
end
$$;
comment on function postern.logic_entry(text, text, int) is
  'An and/or parameter as a tree with its embed path, its values numbered from number on.';

create or replace function postern.numbered_tree(tree jsonb, number int)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  branches jsonb[] := '{}';
  branch jsonb;
  done jsonb;
begin
  if not tree ? 'of' then
    return jsonb_build_object(
      'tree', tree || jsonb_build_object('expr', postern.numbered(tree -> 'expr', number)),
      'next', number + case when tree -> 'expr' ->> 'value' = chr(1) then 1 else 0 end);
  end if;
  for branch in select value from jsonb_array_elements(tree -> 'of') loop
    done := postern.numbered_tree(branch, number);
    branches := array_append(branches, done -> 'tree');
    number := (done ->> 'next')::int;
  end loop;
  return jsonb_build_object('tree', tree || jsonb_build_object('of', to_jsonb(branches)), 'next', number);
end
$$;
comment on function postern.numbered_tree(jsonb, int) is
  'A logic tree with its placeholders numbered in order of appearance: {tree, next: the number after the last}.';
