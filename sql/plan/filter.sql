-- Filters, logic trees and orders against the columns of their relation.

create or replace function postern.last_key(path jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return jsonb_path_query_array(path, '$[*].key') ->> -1;
end
$$;
comment on function postern.last_key(jsonb) is
  'The last key (not index) of a JSON path, which is the label of a field without alias, or null. Raises nothing.';

create or replace function postern.is_builtin_operator(operator text, columns jsonb, filter jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
declare
  known pg_catalog.jsonb := columns -> (filter ->> 'name');
  base pg_catalog.text := known ->> 'base';
  kind pg_catalog.text := known ->> 'operators';
begin
  if filter ? 'path' then
    base := case when filter -> 'path' -> -1 ->> 'op' = '->>' then 'text' when known ->> 'type' = 'json' then 'json'
      else 'jsonb' end;
    kind := 'builtin';
  end if;
  return case
    when kind is null then false
    when operator in ('eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'isdistinct')
      then base not in ('json', 'xml', 'point', 'polygon')
    when operator in ('like', 'ilike', 'match', 'imatch')
      then base in ('text', 'character varying', 'character', 'name')
    when operator in ('cs', 'cd') then kind = 'range' or kind = 'array' and base <> 'integer[]' or base = 'jsonb'
    when operator = 'ov' then kind = 'range' or kind = 'array' and base <> 'integer[]' or base in ('inet', 'cidr')
    when operator in ('sl', 'sr') then kind = 'range' or base in ('inet', 'cidr')
    else kind = 'range' end;
end
$$;
comment on function postern.is_builtin_operator(text, jsonb, jsonb) is
  'Whether a filter compares by an operator of PostgreSQL, so that it must be that, not one of its name that somebody '
  'has put on the search path. In: a name of postern.operators; columns: postern.column_map; filter: {name, path?}. '
  'Out: false where the type has its own (postern.operator_kind) or may be given some, as intarray does to integer[] '
  'and many to json, and for a computed field, whose type is not known. Raises nothing.';

create or replace function postern.plan_filter(columns jsonb, filter jsonb, children jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  expr pg_catalog.jsonb := filter -> 'expr';
  known pg_catalog.jsonb := columns -> (filter ->> 'name');
  pattern boolean := expr ->> 'operator' in ('like', 'ilike');
  place int;
begin
  if expr ->> 'operator' = 'is' and expr ->> 'value' = 'null' and not filter ? 'path' then
    place := postern.child_place(children, filter ->> 'name', false);
    if place is not null then
      return jsonb_build_object('exists', place, 'not', coalesce((expr ->> 'not')::boolean, false) is false);
    end if;
  end if;
  if pattern and expr ? 'value' then
    expr := expr || jsonb_build_object('value', replace(expr ->> 'value', '*', '%'));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('field', postern.plan_reference(columns, filter), 'expr', expr,
    'builtin', case when postern.is_builtin_operator(expr ->> 'operator', columns, filter) then true end,
    'like', case when pattern then expr -> 'param' end, 'transform', case when (known ->> 'type_oid')::bigint >= 16384
      then postern.representation('text'::regtype, (known ->> 'type_oid')::oid) end));
end
$$;
comment on function postern.plan_filter(jsonb, jsonb, jsonb) is
  'A filter against the columns and embeds of its node. In: columns: postern.column_map; filter: {name, path?, expr: '
  'postern.parse_op_expr}; children: of the node. Out: {field; expr; builtin?: postern.is_builtin_operator; like?: the '
  'parameter that is a pattern, in which * stands for %; transform?: the function that makes the column''s domain from '
  'text} or, for a null test of an embed, {exists: place of the child, not}. Raises nothing.';

create or replace function postern.plan_likes(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  found constant pg_catalog.jsonb := jsonb_path_query_array(node, '$.**.like');
begin
  return case when jsonb_array_length(found) < 2 then found
    else (select jsonb_agg(distinct param) from jsonb_array_elements(found) as param) end;
end
$$;
comment on function postern.plan_likes(jsonb) is
  'Which parameters are patterns of like and ilike: whoever gives their values has to write % for each *. In: a node. '
  'Out: an array of their numbers, in the node and all below, [] for none. Raises nothing.';

create or replace function postern.plan_logic(columns jsonb, tree jsonb, children jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  if not tree ? 'of' then
    return postern.plan_filter(columns, tree, children);
  end if;
  return tree || jsonb_build_object('of', (
    select jsonb_agg(postern.plan_logic(columns, branch, children) order by place)
    from jsonb_array_elements(tree -> 'of') with ordinality as branches(branch, place)));
end
$$;
comment on function postern.plan_logic(jsonb, jsonb, jsonb) is
  'A logic tree with each of its filters planned. In: columns, children: as of postern.plan_filter; tree: of '
  'postern.parse_logic. Out: the tree; postern.plan_filter for what is a filter by itself. Raises nothing.';

create or replace function postern.plan_conditions(columns jsonb, entries jsonb, children jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select jsonb_agg(case entry ->> 'kind'
      when 'filter' then postern.plan_filter(columns, entry, children)
      else postern.plan_logic(columns, entry -> 'tree', children) end order by place)
    from jsonb_array_elements(entries) with ordinality as listed(entry, place)
    where entry -> 'embed' = '[]' and entry ->> 'kind' in ('filter', 'logic'));
end
$$;
comment on function postern.plan_conditions(jsonb, jsonb, jsonb) is
  'The filters and logic trees of the node itself. In: columns: postern.column_map; entries: of postern.query_trees; '
  'children: its embeds. Out: an array of postern.plan_filter and plan_logic; null for none. Raises nothing.';

create or replace function postern.plan_order(columns jsonb, term jsonb, children jsonb, relation text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  place int;
begin
  if not term ? 'relation' then
    return term || jsonb_build_object('field', postern.plan_reference(columns, term));
  end if;
  place := postern.child_place(children, term ->> 'relation', false);
  if place is null then
    perform postern.not_embedded(term ->> 'relation', null);
  elsif not (children -> place -> 'relationship' ->> 'to_one')::boolean then
    perform postern.fail('PGRST118', format('The result cannot be ordered by a column of ''%s''', term ->> 'relation'),
      format('''%s'' and ''%s'' do not form a many-to-one or one-to-one relationship', relation, term ->> 'relation'));
  end if;
  return term || jsonb_build_object('child', place, 'field', coalesce((
      select field from jsonb_array_elements(children -> place -> 'fields') as field
      where field ->> 'label' = term ->> 'name' and not term ? 'path' limit 1),
    postern.plan_reference(postern.column_map(postern.relation_columns((children -> place ->> 'oid')::oid)), term)));
end
$$;
comment on function postern.plan_order(jsonb, jsonb, jsonb, text) is
  'A term of order with its reference. In: columns: postern.column_map; term: of postern.parse_order; children: the '
  'embeds of the node; relation: its name, for the message. Out: the term with field and, for a column of a to-one '
  'embed, child: its place. Raises PGRST108 where that is not embedded, 118 where it is to-many.';

create or replace function postern.plan_terms(columns jsonb, entries jsonb, children jsonb, relation text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  if not entries @> '[{"kind": "order"}]' then
    return null;
  end if;
  return (
    select jsonb_agg(postern.plan_order(columns, term, children, relation) order by place)
    from jsonb_array_elements(
      jsonb_path_query_first(entries, '$[*] ? (@.kind == "order" && !exists (@.embed[0])).terms'))
      with ordinality as listed(term, place));
end
$$;
comment on function postern.plan_terms(jsonb, jsonb, jsonb, text) is
  'The terms of the order among entries that is the node''s own, the first. In: as of postern.plan_conditions and '
  'postern.plan_order. Out: an array of postern.plan_order; null for none. Raises what postern.plan_order raises.';

create or replace function postern.computed_names(node jsonb, columns jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  known constant pg_catalog.jsonb := jsonb_path_query_array(columns, '$[*].name') || '["*"]';
  used constant pg_catalog.jsonb := jsonb_path_query_array(node, '$.fields[*] ? (!exists (@.set)).name')
    || jsonb_path_query_array(node, '$.order[*] ? (!exists (@.child)).field.name')
    || jsonb_path_query_array(node, '$.where.**.field.name') || jsonb_path_query_array(node, '$.having.**.field.name');
begin
  return case when columns = '[]' or used <@ known then '{}'
    else array(select distinct name from jsonb_array_elements_text(used) as name where not known ? name) end;
end
$$;
comment on function postern.computed_names(jsonb, jsonb) is
  'What a node names that is no column: computed fields, to be computed while the row type is known. In: fields, '
  'order, where and having of a node; its columns. Out: names, none of sets, which RETURNING does not take, and none '
  'where no columns are known. Raises nothing. Source: PostgREST docs, references/api/computed_fields.';
