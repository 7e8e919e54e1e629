-- What a request asks of the results of aggregates: conditions, which are HAVING, and orders. PostgREST refuses both.

create or replace function postern.names_row(relation oid, routine oid, name text)
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return exists (
    select from pg_attribute as a where a.attrelid = relation and a.attname = name and not a.attisdropped)
  or exists (
    select
    from pg_proc as p, unnest(p.proargnames, p.proargmodes) as argument(argument_name, mode)
    where p.oid = routine and argument.argument_name = name and argument.mode in ('b', 'o', 't'))
  or exists (
    with recursive types(oid, relation) as (
      select c.reltype, c.oid from pg_class as c where c.oid = names_row.relation
      union
      select c.reltype, c.oid
      from types
      join pg_inherits as i on i.inhrelid = types.relation
      join pg_class as c on c.oid = i.inhparent)
    select
    from pg_proc as p
    where p.proname = name and p.prokind = 'f' and p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1
      and (p.proargtypes[0] in (select types.oid from types) or p.proargtypes[0] in ('"any"'::regtype,
        'anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype, 'anycompatiblenonarray'::regtype,
        'record'::regtype)));
end
$$;
comment on function postern.names_row(oid, oid, text) is
  'Whether a name means something in a row that filters and orders of PostgREST see: a column, system columns '
  'included, of a relation; an output of a routine; a function of the row, in functional notation. In: the relation, '
  'the routine, each null where there is none; the name. Out: true or false. Raises nothing.';

create or replace function postern.result_type(aggregate text, field jsonb, columns jsonb)
returns oid
language plpgsql stable parallel safe
as $$
declare
  known constant pg_catalog.jsonb := columns -> (field ->> 'name');
  given constant pg_catalog.oid := case
    when field ? 'cast' then to_regtype(field ->> 'cast')::oid
    when not field ? 'path' then postern.base_type((known ->> 'type_oid')::oid)
    when field -> 'path' -> -1 ->> 'op' = '->>' then 'text'::regtype::oid end;
begin
  return case
    when field ? 'aggregate_cast' then to_regtype(field ->> 'aggregate_cast')::oid
    when aggregate = 'count' then 'bigint'::regtype::oid
    else coalesce((
      select p.prorettype
      from pg_proc as p
      where p.proname = aggregate and p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'a'
        and p.pronargs = 1 and p.proargtypes[0] = given),
      case when aggregate in ('max', 'min') then given end) end;
end
$$;
comment on function postern.result_type(text, jsonb, jsonb) is
  'The type of an aggregate''s result, with its cast. In: the aggregate; field: of a node, or an output of a spread, '
  'whose type is not known; columns: postern.column_map. Out: the type where it is certain; else null. Raises nothing.';

create or replace function postern.find_result(outputs jsonb, fields jsonb, columns jsonb, name text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  found constant pg_catalog.jsonb := jsonb_path_query_array(outputs,
    '$[*] ? (exists (@.aggregate) && @.label == $name)', jsonb_build_object('name', name::name));
  type pg_catalog.oid;
begin
  if jsonb_array_length(found) > 1 then
    raise exception using errcode = 'ambiguous_column', message = format('two aggregates have the name "%s"', name),
      hint = 'Give one of them an alias.';
  elsif found = '[]' then
    return null;
  end if;
  type := postern.result_type(found -> 0 ->> 'aggregate',
    coalesce(fields -> (found -> 0 ->> 'field')::int - 1, found -> 0), columns);
  return jsonb_strip_nulls(jsonb_build_object('column', found -> 0 -> 'column', 'aggregate', found -> 0 -> 'aggregate',
    'aggregate_cast', found -> 0 -> 'aggregate_cast', 'distinct', found -> 0 -> 'distinct',
    'base', format_type(type, null), 'operators', postern.operator_kind(type)));
end
$$;
comment on function postern.find_result(jsonb, jsonb, jsonb, text) is
  'The aggregate among the outputs of a node that has a name in the answer. In: outputs, fields: of the node; columns: '
  'by name (postern.column_map); the name. Out: {column, aggregate, aggregate_cast?, distinct?} of it and {base?, '
  'operators?} of its type (postern.relation_columns); null when there is none. Raises 42702 for two.';

create or replace function postern.plan_results(
  asked jsonb, outputs jsonb, fields jsonb, columns jsonb, relation oid, routine oid)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  results constant pg_catalog.jsonb := (
    select coalesce(jsonb_object_agg(name, result), '{}')
    from (
      select leaf ->> 'name' as name from jsonb_path_query(asked -> 'where', 'lax $.**.field') as leaf
      where not leaf ? 'path'
      union
      select term ->> 'name' from jsonb_path_query(asked -> 'order', '$[*]') as term where not term ?| '{child,path}'
    ) as used,
      lateral (select postern.find_result(outputs, fields, columns, name) as result) as found
    where result is not null and not postern.names_row(relation, routine, name));
  counts constant boolean := coalesce(
      asked -> 'order' @? '$[*] ? (@.name == "count" && !exists (@.child) && !exists (@.path))', false)
    and not postern.names_row(relation, routine, 'count');
  split pg_catalog.jsonb := jsonb_build_object('where', asked -> 'where', 'having', '[]'::jsonb);
begin
  if results = '{}' and not counts then
    return asked;
  elsif results <> '{}' then
    split := postern.split_conditions(asked -> 'where', results);
  end if;
  return jsonb_build_object('where', nullif(split -> 'where', '[]'), 'having', nullif(split -> 'having', '[]'),
    'own_groups', case when split -> 'having' <> '[]' or results - 'count' <> '{}' then true end,
    'order', (
      select jsonb_agg(case
          when term ?| '{child,path}' then term
          when counts and term ->> 'name' = 'count' then term - 'field' || '{"column": "*", "aggregate": "count"}'
          else coalesce(term - 'field' || ((results -> (term ->> 'name')) - '{base,operators}'::text[]), term) end
        order by place)
      from jsonb_array_elements(asked -> 'order') with ordinality as terms(term, place)));
end
$$;
comment on function postern.plan_results(jsonb, jsonb, jsonb, jsonb, oid, oid) is
  'What is asked of a grouped node, that of results of aggregates told apart. In: asked: {where?, order?} '
  '(postern.plan_conditions, plan_terms); outputs, fields: of the node; columns: postern.column_map; routine: whose '
  'rows it has, or null. Out: {where?, having?, order?, own_groups?: PostgREST would refuse it}. A name that a row has '
  '(postern.names_row) is that, as in PostgREST, where an order by count, unless a row has it, is one by the number of '
  'rows. Raises 42702 (postern.find_result) and 42803 (having_condition).';

create or replace function postern.split_conditions(conditions jsonb, results jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  rows pg_catalog.jsonb := '[]';
  groups pg_catalog.jsonb := '[]';
  inner_split pg_catalog.jsonb;
  condition pg_catalog.jsonb;
begin
  for condition in select c from jsonb_array_elements(conditions) as c loop
    if not exists (
      select from jsonb_path_query(condition, 'lax $.**.field') as leaf
      where not leaf ? 'path' and results ? (leaf ->> 'name'))
    then
      rows := rows || jsonb_build_array(condition);
    elsif condition ->> 'operator' = 'and' and not (condition ->> 'not')::boolean then
      inner_split := postern.split_conditions(condition -> 'of', results);
      rows := rows || (inner_split -> 'where');
      groups := groups || (inner_split -> 'having');
    else
      groups := groups || jsonb_build_array(postern.having_condition(condition, results));
    end if;
  end loop;
  return jsonb_build_object('where', rows, 'having', groups);
end
$$;
comment on function postern.split_conditions(jsonb, jsonb) is
  'Which conditions are of rows, which of groups. In: planned conditions, all to hold; results: postern.find_result by '
  'name. Out: {where, having}, [] for none. What is in an and is as if by itself. Raises as having_condition does.';

create or replace function postern.having_condition(tree jsonb, results jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  result constant pg_catalog.jsonb := case when not tree -> 'field' ? 'path'
    then results -> (tree -> 'field' ->> 'name') end;
begin
  if tree ? 'of' then
    return tree || jsonb_build_object('of', (
      select jsonb_agg(postern.having_condition(branch, results) order by place)
      from jsonb_array_elements(tree -> 'of') with ordinality as branches(branch, place)));
  elsif tree ? 'exists' then
    raise exception using errcode = 'grouping_error',
      message = 'the null test of an embed cannot stand in one logic tree with the result of an aggregate';
  elsif result is null then
    return tree;
  end if;
  return tree - 'field' || (result - '{base,operators}'::text[]) || case
    when postern.is_builtin_operator(tree -> 'expr' ->> 'operator', jsonb_build_object('', result), '{"name": ""}')
      then '{"builtin": true}' else '{}'::jsonb end;
end
$$;
comment on function postern.having_condition(jsonb, jsonb) is
  'A planned condition or logic tree as one of groups. In: the tree; results: postern.find_result by name. Out: the '
  'tree, with what that has for results; columns are left to group_condition. Raises 42803 for an embed''s null test.';

create or replace function postern.group_column(node jsonb, hidden jsonb, term jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  name pg_catalog.text := coalesce(postern.grouped_column(node, term), postern.hidden_column(hidden, term));
begin
  if name is null and postern.follows_group(node, term) then
    name := 'pgrst_g' || jsonb_array_length(hidden) + 1;
    hidden := hidden || jsonb_build_array(jsonb_build_object('column', name, 'field', term -> 'field'));
  elsif name is null then
    perform postern.not_grouped(node, term);
  end if;
  return jsonb_build_object('column', name, 'hidden', hidden);
end
$$;
comment on function postern.group_column(jsonb, jsonb, jsonb) is
  'Finds a term of order, or a condition''s field, in what a node is grouped by. In: the node, hidden of it, the term. '
  'Out: {column; hidden: with what must be grouped by besides}. Raises 42803, or 42703 (postern.not_grouped).';

create or replace function postern.group_condition(node jsonb, hidden jsonb, tree jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  branches pg_catalog.jsonb := '[]';
  branch pg_catalog.jsonb;
  made pg_catalog.jsonb;
begin
  if tree ? 'of' then
    for branch in select b from jsonb_array_elements(tree -> 'of') as b loop
      made := postern.group_condition(node, hidden, branch);
      hidden := made -> 'hidden';
      branches := branches || jsonb_build_array(made -> 'tree');
    end loop;
    return jsonb_build_object('tree', tree || jsonb_build_object('of', branches), 'hidden', hidden);
  elsif tree ? 'column' then
    return jsonb_build_object('tree', tree, 'hidden', hidden);
  end if;
  made := postern.group_column(node, hidden, tree -> 'field' || jsonb_build_object('field', tree -> 'field'));
  return jsonb_build_object('tree', tree || jsonb_build_object('column', made -> 'column'), 'hidden', made -> 'hidden');
end
$$;
comment on function postern.group_condition(jsonb, jsonb, jsonb) is
  'A condition of groups with each column resolved to what a node is grouped by. In: the node, hidden of it, the '
  'condition (postern.having_condition). Out: {tree, hidden}. Raises what postern.group_column raises.';

create or replace function postern.without_distinct(context jsonb, relation jsonb, items jsonb, embed jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  sign constant pg_catalog.jsonb := '{"type": "relation", "name": "distinct", "select": []}';
begin
  if not exists (select from jsonb_array_elements(items) as item where item = sign)
    or postern.find_relationships((relation ->> 'oid')::oid, context ->> 'schema',
      array(select jsonb_array_elements_text(context -> 'schemas')), 'distinct', null) <> '[]'
  then
    return null;
  elsif not (context ->> 'aggregates')::boolean then
    perform postern.no_aggregates();
  elsif embed ? 'spread' then
    perform postern.fail('PGRST127', 'Feature not implemented', 'distinct() inside a spread');
  elsif relation -> 'oid' = 'null' and (items @> '[{"name": "*"}]' or jsonb_array_length(items) = 1) then
    perform postern.fail('PGRST127', 'Feature not implemented',
      'distinct() of * where a function does not return the rows of a relation', 'Name the columns');
  end if;
  return (
    select coalesce(jsonb_agg(item order by place), '[{"type": "field", "name": "*"}]')
    from jsonb_array_elements(items) with ordinality as listed(item, place)
    where item <> sign);
end
$$;
comment on function postern.without_distinct(jsonb, jsonb, jsonb, jsonb) is
  'The items of select beside distinct(). In: context, relation, embed: as of postern.plan_node; items. Out: items, * '
  'for no others; null without distinct(), or where it is an embed, as the relation has a relationship of that name. '
  'Raises PGRST123 where aggregates are off; PGRST127 in a spread, and for all columns where they are not known.';
