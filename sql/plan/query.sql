-- The query string as trees: what the parsers make of each parameter. Where the shell has cut the values out,
-- placeholders stand for them, which are numbered here in order of appearance.

create or replace function postern.query_trees(query text, call boolean, writes boolean, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  trees pg_catalog.jsonb := '{}';
  entries pg_catalog.jsonb[] := '{}';
  arguments pg_catalog.jsonb[] := '{}';
  name pg_catalog.text;
  value pg_catalog.text;
  last_word pg_catalog.text;
begin
  for name, value in select p.name, p.value from postern.query_pairs(query) as p loop
    last_word := split_part(name, '.', -1);
    if name = 'select' then
      trees := jsonb_build_object('select', postern.parse_select(value)) || trees;
    elsif name in ('columns', 'on_conflict') then
      if writes then
        trees := jsonb_build_object(name, postern.parse_columns(value)) || trees;
      end if;
    elsif call and last_word not in ('order', 'limit', 'offset', 'and', 'or') and not postern.is_operation(value) then
      arguments := array_append(arguments,
        jsonb_build_object('name', name) || postern.numbered(jsonb_build_object('value', value), number));
      number := number + (value = chr(1))::int;
    elsif last_word = 'cursor' and not (call or writes) and postern.parse_cursor(value) <> '{}' then
      trees := trees || jsonb_build_object('cursor', postern.cursor_entry(name, value, number, trees ? 'cursor'));
      number := number + (value like '%' || chr(1))::int;
    else
      entries := array_append(entries, case
        when last_word = 'order' then (postern.parse_filter_key(name) - '{name,path}'::text[])
          || jsonb_build_object('kind', 'order', 'terms', postern.parse_order(value))
        when last_word in ('limit', 'offset') then postern.range_entry(name, last_word, value, number)
        when last_word in ('and', 'or') then postern.logic_entry(name, value, number)
        else postern.parse_filter_key(name)
          || jsonb_build_object('kind', 'filter', 'expr', postern.numbered(postern.parse_op_expr(value), number)) end);
      number := number + length(value) - length(replace(value, chr(1), ''));
    end if;
  end loop;
  return '{"select": [{"type": "field", "name": "*"}]}' || trees
    || jsonb_build_object('entries', to_jsonb(entries), 'arguments', to_jsonb(arguments), 'next', number);
end
$$;
comment on function postern.query_trees(text, boolean, boolean, int) is
  'A raw query string as trees. In: call: what is no filter is an argument; writes: columns and on_conflict count, '
  'cursor does not; number: of the first placeholder, or null. Out: {select, columns?, on_conflict?, cursor?, entries: '
  'filters, logic trees, orders and ranges, each with its embed path, arguments: [{name, param or value}], next: the '
  'number after the last placeholder}. Raises PGRST100, PGRST160, and as postern.range_entry.';

create or replace function postern.cursor_entry(name text, value text, number int, again boolean)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  if name <> 'cursor' then
    perform postern.fail('PGRST160', 'A cursor is for the rows of the resource, not for an embed', 'In: ' || name);
  elsif again then
    perform postern.fail('PGRST160', 'There is more than one cursor');
  end if;
  return postern.numbered(postern.parse_cursor(value), number);
end
$$;
comment on function postern.cursor_entry(text, text, int, boolean) is
  'The parameter cursor, its token numbered. In: its name, with an embed path, and value; number: of the placeholder; '
  'again: a second one. Out: postern.parse_cursor, with param for that. Raises PGRST160 with a path, or again.';

create or replace function postern.is_operation(value text)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return value ~ '^not\.'
    or exists (
      select from postern.operators() as o where o.name = substring(value from '^([a-z]+)(?:\([A-Za-z0-9_]*\))?\.'));
end
$$;
comment on function postern.is_operation(text) is
  'Whether a parameter''s value reads like a filter, operator first, so is no argument of a function. Raises nothing.';

create or replace function postern.numbered(expr jsonb, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return case when number is not null and expr ->> 'value' = chr(1)
    then expr - 'value' || jsonb_build_object('param', number)
    else expr end;
end
$$;
comment on function postern.numbered(jsonb, int) is
  'An operator expression with param, the number of the parameter, in place of a value that is the placeholder. In: an '
  'object with value; the number, null for none. Raises nothing.';

create or replace function postern.range_entry(name text, kind text, value text, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  case
    when value !~ '^-?[0-9]+$' or value like '-%' and name = 'offset' then
      null;
    when value like '-%' and name = 'limit' then
      perform postern.fail('PGRST103', 'The requested range is not satisfiable', 'The limit must not be negative.');
    when value like '-%' and kind = 'limit' then
      raise exception using errcode = 'invalid_row_count_in_limit_clause', message = 'LIMIT must not be negative';
    when value like '-%' then
      raise exception using errcode = 'invalid_row_count_in_result_offset_clause',
        message = 'OFFSET must not be negative';
    else
      perform value::bigint;
  end case;
  return jsonb_build_object('kind', kind, 'embed', postern.parse_filter_key(name) -> 'embed') || case
    when number is not null and value = chr(1) then jsonb_build_object('param', number)
    when value ~ '^[0-9]+$' then jsonb_build_object('value', value::bigint::text)
    else '{}' end;
end
$$;
comment on function postern.range_entry(text, text, text, int) is
  'A limit or offset with its embed path. In: the parameter''s name; kind: limit or offset; its value; the number of '
  'the placeholder. Out: {kind, embed, param? or value?}, neither for one that is no number, which does not count, and '
  'for a negative offset of the resource. Raises PGRST103 for a negative limit of the resource; as PostgreSQL has it '
  '2201W and 2201X for those of an embed, 22003 for what is no bigint; PGRST100 for the name.';

create or replace function postern.logic_entry(name text, value text, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  key pg_catalog.jsonb := postern.parse_logic_key(name);
begin
  return jsonb_build_object('kind', 'logic', 'embed', key -> 'embed', 'tree', (postern.numbered_tree(
    postern.parse_logic(key ->> 'operator', (key ->> 'not')::boolean, value), number)) -> 'tree');
end
$$;
comment on function postern.logic_entry(text, text, int) is
  'An and/or parameter as a tree with its embed path. In: its name and value; the number of the first placeholder, '
  'null for none. Out: {kind, embed, tree: postern.parse_logic, its values numbered}. Raises PGRST100.';

create or replace function postern.numbered_tree(tree jsonb, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  branches pg_catalog.jsonb[] := '{}';
  branch pg_catalog.jsonb;
  done pg_catalog.jsonb;
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
  'A logic tree, its placeholders numbered in order. In: the first number, or null. Out: {tree, next}. Raises nothing.';
