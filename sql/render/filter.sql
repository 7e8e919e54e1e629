-- References, values, filters and logic trees as SQL.

create or replace function postern.render_reference(alias text, field jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if not field ? 'path' then
    return format('%I.%I', alias, field ->> 'name');
  end if;
  return format(case when field ? 'to_json' then 'pg_catalog.to_jsonb(%I.%I)' else '%I.%I' end, alias, field ->> 'name')
    || (
      select string_agg(format(' operator(pg_catalog.%s) ', step ->> 'op')
        || case when step ? 'index' then (step ->> 'index')::int::text
          else quote_literal(step ->> 'key') end, '' order by place)
      from jsonb_array_elements(field -> 'path') with ordinality as steps(step, place));
end
$$;
comment on function postern.render_reference(text, jsonb) is
  'Renders a column with its JSON path. In: the relation''s alias; {name, path?, to_json?}. Out: SQL. Raises nothing.';

create or replace function postern.render_value(given jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return coalesce('$' || (given ->> 'param')::int, quote_literal(given ->> 'value'));
end
$$;
comment on function postern.render_value(jsonb) is
  'Renders a value. In: {param} or {value}. Out: the parameter that carries it, or a literal, or null. Raises nothing.';

create or replace function postern.render_filter(alias text, filter jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  expr pg_catalog.jsonb := filter -> 'expr';
  operation pg_catalog.record;
  subject pg_catalog.text := case when filter ? 'column' then postern.render_result(filter)
    else postern.render_reference(alias, filter -> 'field') end;
  operand pg_catalog.text := postern.render_value(expr);
  language pg_catalog.text := coalesce(quote_literal(expr ->> 'language') || ', ', '');
  transform pg_catalog.text := filter ->> 'transform';
  sign pg_catalog.text;
  made pg_catalog.text;
begin
  select * into operation from postern.operators() as o where o.name = expr ->> 'operator';
  sign := case operation.sql when 'like' then '~~' when 'ilike' then '~~*' when '= any' then '=' else operation.sql end;
  sign := case when filter ? 'builtin' then format('operator(pg_catalog.%s)', sign) else sign end;
  case operation.kind
    when 'is' then
      made := subject || ' is ' || replace(expr ->> 'value', '_', ' ');
    when 'in' then
      if not expr ? 'param' then
        operand := quote_literal(postern.array_literal(postern.parse_list(expr ->> 'value')));
      end if;
      made := format(case when transform is null then '%s %4$s any(%2$s)'
        else '%s %4$s any(select %3$s(element) from pg_catalog.unnest(%2$s::pg_catalog.text[]) as element)' end,
        subject, operand, transform, sign);
    when 'isdistinct' then
      made := format(case when filter ? 'builtin' then 'coalesce(%s operator(pg_catalog.<>) %s, true)'
        else '%s is distinct from %s' end, subject, coalesce(transform || '(' || operand || ')', operand));
    when 'fts' then
      made := format('%s operator(pg_catalog.@@) pg_catalog.%s(%s%s)',
        case when filter -> 'field' ? 'tsvector' then subject
          else format('pg_catalog.to_tsvector(%s%s)', language, subject) end, operation.sql, language, operand);
    else
      if operation.sql in ('like', 'ilike') then
        operand := operand || case when expr ? 'quantifier' then '::pg_catalog.text[]' else '' end;
      elsif transform is not null then
        operand := format(case when expr ? 'quantifier'
          then 'select %s(element) from pg_catalog.unnest(%s::pg_catalog.text[]) as element'
          else '%s(%s)' end, transform, operand);
      end if;
      made := format('%s %s %s', subject, sign,
        case when expr ? 'quantifier' then format('%s(%s)', expr ->> 'quantifier', operand) else operand end);
  end case;
  return case when (expr ->> 'not')::boolean then format('not (%s)', made) else made end;
end
$$;
comment on function postern.render_filter(text, jsonb) is
  'Renders a filter as a condition. In: the relation''s alias; postern.plan_filter, or, about groups, group_condition. '
  'Raises PGRST100 where the value of in is no list. Source: PostgREST docs, references/api/tables_views, "Operators".';

create or replace function postern.render_condition(node jsonb, alias text, tree jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if tree ? 'of' then
    return case when (tree ->> 'not')::boolean then 'not ' else '' end || '(' || (
      select string_agg(postern.render_condition(node, alias, branch), case tree ->> 'operator' when 'and'
        then ' and ' else ' or ' end order by place)
      from jsonb_array_elements(tree -> 'of') with ordinality as branches(branch, place)) || ')';
  elsif tree ? 'exists' then
    return case when (tree ->> 'not')::boolean then 'not ' else '' end
      || postern.render_exists(node -> 'children' -> (tree ->> 'exists')::int, alias, node);
  end if;
  return postern.render_filter(alias, tree);
end
$$;
comment on function postern.render_condition(jsonb, text, jsonb) is
  'Renders a filter, logic tree or null test of an embed, of where or having. Raises as render_filter does.';

create or replace function postern.render_where(node jsonb, alias text, joined text default null)
returns text
language plpgsql immutable parallel safe
as $$
begin
  if not node ? 'where' and node -> 'children' = '[]' then
    return joined;
  end if;
  return (
    select string_agg(condition, ' and ')
    from (
      select joined as condition
      union all
      select postern.render_condition(node, alias, tree)
      from jsonb_array_elements(node -> 'where') as tree
      union all
      select postern.render_exists(child, alias, node)
      from jsonb_array_elements(node -> 'children') as child
      where child ->> 'join' = 'inner'
    ) as conditions);
end
$$;
comment on function postern.render_where(jsonb, text, text) is
  'Renders the conditions on a node''s rows: filters, logic trees, inner embeds. In: the node; its alias; joined: the '
  'condition that joins it to its parent, or null. Out: SQL; null for none. Raises as render_filter does.';
