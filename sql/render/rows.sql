-- The rows of a node, in up to three levels. Level 1 takes the rows of the relation, filtered, ordered and cut to the page. Level 2
-- adds the embeds to what is left. Level 3, only where the request aggregates, groups. What is between levels has names that should
-- not be a column's: f1$, f2$, ... the fields, e1, ... the embeds, s1_f1$, ... the columns of spreads, k$... the columns that embeds are joined
-- by. A name without schema or relation that is not ours may be a column's everywhere: rows are pgrst_answer and pgrst_embed.

create or replace function postern.node_outputs(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(jsonb_agg(output order by block, place, part), '[]')
    from (
      select 1 as block, place, 1::bigint as part, jsonb_strip_nulls(jsonb_build_object(
        'column', case when field ->> 'name' = '*' and not field ? 'aggregate' then '*' else 'f' || place || '$' end, 'label', field -> 'label',
        'aggregate', field -> 'aggregate', 'aggregate_cast', field -> 'aggregate_cast')) as output
      from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place)
      union all
      select 2, place, 1, jsonb_build_object('column', 'e' || place, 'label', child -> 'label')
      from jsonb_array_elements(node -> 'children') with ordinality as children(child, place)
      where not child ? 'spread' and not postern.is_empty_embed(child)
      union all
      select 2, place, part, (case when (child -> 'relationship' ->> 'to_one')::boolean then output else output - '{aggregate,aggregate_cast}'::text[] end)
        || jsonb_build_object('column', 's' || place || '_' || (output ->> 'column'))
      from jsonb_array_elements(node -> 'children') with ordinality as children(child, place),
        jsonb_array_elements(postern.node_outputs(child)) with ordinality as outputs(output, part)
      where child ? 'spread'
    ) as listed);
end
$$;
comment on function postern.node_outputs(jsonb) is
  'What a node yields, in order: {column: its name between levels, label: its name in the answer, aggregate?, aggregate_cast?}; a to-one spread hands its columns and aggregates up.';

create or replace function postern.is_empty_embed(node jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select node -> 'fields' = '[]' and not exists (
      select from jsonb_array_elements(node -> 'children') as child where not postern.is_empty_embed(child)));
end
$$;
comment on function postern.is_empty_embed(jsonb) is
  'Whether an embed selects nothing, as in clients(): it filters, but does not show.';

create or replace function postern.render_field(alias text, field jsonb, grouped boolean default false)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  made text;
begin
  if field ->> 'name' = '*' then
    return case when field ? 'aggregate' then '1' else format('%I.*', alias) end;
  end if;
  made := postern.render_reference(alias, field);
  if field ? 'transform' then
    made := format(case when grouped and not field ?| '{cast,aggregate}' then '%s(%s)::jsonb' else '%s(%s)' end, field ->> 'transform', made);
  end if;
  return case when field ? 'cast' then format('cast(%s as %s)', made, field ->> 'cast') else made end;
end
$$;
comment on function postern.render_field(text, jsonb, boolean) is
  'A field before aggregation; grouped: that rows will be grouped by, for which json is no type. The cast is an identifier of letters, digits, _, space and $ by the grammar of select.';

create or replace function postern.render_labels(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select string_agg(postern.render_field(node ->> 'alias', field)
      || case when field ->> 'name' = '*' then '' else format(' as %I', field ->> 'label') end, ', ' order by place)
    from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place));
end
$$;
comment on function postern.render_labels(jsonb) is 'The fields of a node under the answer''s names.';

create or replace function postern.render_base(node jsonb, source text, join_condition text, names text, paged boolean, parents text default null)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select format('select %s from %s%s%s%s',
      coalesce(nullif(concat_ws(', ',
        case when names = 'labels' then postern.render_labels(node) else (
          select string_agg(postern.render_field(node ->> 'alias', field, node ? 'grouped')
            || case when field ->> 'name' = '*' and not field ? 'aggregate' then '' else format(' as %I', 'f' || place || '$') end, ', ' order by place)
          from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place)) end,
        case when names = 'columns' then postern.render_keys(node) end,
        case when names = 'columns' and node -> 'children' @> '[{"relationship": {"kind": "computed"} }]' then postern.render_row(node) || ' as pgrst_row' end,
        parents
      ), ''), '1 as nothing'),
      source,
      coalesce(' where ' || nullif(concat_ws(' and ', join_condition, postern.render_where(node, node ->> 'alias')), ''), ''),
      case when paged then coalesce(postern.render_order(node, node ->> 'alias'), '') else '' end,
      case when paged then postern.render_page(node) else '' end));
end
$$;
comment on function postern.render_base(jsonb, text, text, text, boolean, text) is
  'Level 1: the rows of a node from source (FROM items). names: labels (the answer''s names) or columns (those between levels, with keys); paged: with order and limit; parents: more columns.';

create or replace function postern.render_embed(child jsonb, parent text, as_jsonb boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when (child -> 'relationship' ->> 'to_one')::boolean
        then format('(select row_to_json(pgrst_embed) from (%s) as pgrst_embed limit 1)', postern.render_child(child, parent, 'labels'))
        else format('(select coalesce(json_agg(pgrst_embed), ''[]''::json) from (%s) as pgrst_embed)', postern.render_child(child, parent, 'labels')) end
      || case when as_jsonb then '::jsonb' else '' end);
end
$$;
comment on function postern.render_embed(jsonb, text, boolean) is
  'An embed as a scalar: an object when it is to-one, else an array. as_jsonb: as jsonb, which can be grouped by.';

create or replace function postern.render_spread(child jsonb, place bigint, parent text, as_jsonb boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when (child -> 'relationship' ->> 'to_one')::boolean
      then format(' left join lateral (select * from (%s) as one limit 1) as %I on true', postern.render_child(child, parent, 'columns'), 's' || place)
      else format(' left join lateral (select %s from (%s) as many) as %I on true', (
        select string_agg(format('coalesce(json_agg(many.%I), ''[]''::json)%s as %1$I', output ->> 'column', case when as_jsonb then '::jsonb' else '' end), ', ' order by part)
        from jsonb_array_elements(postern.node_outputs(child)) with ordinality as outputs(output, part)),
        postern.render_child(child, parent, 'columns'), 's' || place) end);
end
$$;
comment on function postern.render_spread(jsonb, bigint, text, boolean) is
  'A spread embed as a lateral join s<place>: the columns of one row, or of all rows as arrays.';

create or replace function postern.render_child(child jsonb, parent text, names text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select postern.render_rows(child, postern.render_source(child, format('%I.pgrst_row', parent)), postern.render_join(child, parent, true), names));
end
$$;
comment on function postern.render_child(jsonb, text, text) is
  'The rows of an embed that belong to a row of parent, which is level 1 of the parent node.';

create or replace function postern.render_outputs(node jsonb, alias text, names text, grouped boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return coalesce((
    select string_agg(case left(output ->> 'column', 1)
        when '*' then format('%I.*', alias)
        when 'f' then format('%I.%I', alias, output ->> 'column')
        when 's' then format('%I.%I',
          split_part(output ->> 'column', '_', 1), substr(output ->> 'column', strpos(output ->> 'column', '_') + 1))
        else case when postern.embeds_together(node, child, grouped) then format(case when child ? 'written' then '%I.rows' else 'coalesce(%I.rows, ''[]''::json)' end, output ->> 'column') || case when node ? 'jsonb' then '::jsonb' else '' end
          else postern.render_embed(child, alias, grouped or node ? 'jsonb') end
      end || case when output ->> 'column' = '*' then '' when names = 'labels' then format(' as %I', output ->> 'label') else format(' as %I', output ->> 'column') end
      || case when postern.gathers_texts(child) then format(', %I.texts as %I', output ->> 'column', 'pgrst_texts_' || place) else '' end, ', ' order by place)
    from jsonb_array_elements(postern.node_outputs(node)) with ordinality as outputs(output, place),
      lateral (select case when left(output ->> 'column', 1) = 'e' then node -> 'children' -> (substr(output ->> 'column', 2)::int - 1) else 'null' end as child) as embed
    ), '');
end
$$;
comment on function postern.render_outputs(jsonb, text, text, boolean) is
  'The select list of level 2 over level 1 named alias, with pgrst_texts_<place> for embeds whose texts are gathered. grouped: for a level 3, so embeds are jsonb.';

create or replace function postern.render_joins(node jsonb, alias text, grouped boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return coalesce((
    select string_agg(case
        when child ? 'spread' then postern.render_spread(case when grouped then child || '{"grouped": true}' else child end, place, alias, grouped)
        else postern.render_together(child, place, alias, node ? 'whole') end, '' order by place)
    from jsonb_array_elements(node -> 'children') with ordinality as children(child, place)
    where child ? 'spread' and postern.node_outputs(child) <> '[]' or postern.embeds_together(node, child, grouped)), '');
end
$$;
comment on function postern.render_joins(jsonb, text, boolean) is
  'The joins of level 2: spreads, and embeds that are computed for all parents together.';

create or replace function postern.order_columns(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return coalesce((
    select string_agg(format('%s as pgrst_o%s', postern.render_term(node, node ->> 'alias', term), place), ', ' order by place)
    from jsonb_array_elements(node -> 'order') with ordinality as terms(term, place)),
    case when node ? 'ctid' and (node ? 'whole' or (node ->> 'depth')::int > 0) then format('%I.ctid as pgrst_o1', node ->> 'alias') else 'row_number() over () as pgrst_o1' end);
end
$$;
comment on function postern.order_columns(jsonb) is
  'What a node is ordered by as columns pgrst_o1, pgrst_o2, ... of level 1: its order, or the place of a row.';

create or replace function postern.render_level_order(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return coalesce((
    select string_agg(format('%I.pgrst_o%s', alias, place) || postern.render_direction(term), ', ' order by place)
    from jsonb_array_elements(node -> 'order') with ordinality as terms(term, place)),
    format('%I.pgrst_o1', alias));
end
$$;
comment on function postern.render_level_order(jsonb, text) is 'ORDER BY terms of level 2, by the columns of postern.order_columns.';

create or replace function postern.has_together(node jsonb, grouped boolean)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return exists (select from jsonb_array_elements(node -> 'children') as child where postern.embeds_together(node, child, grouped));
end
$$;
comment on function postern.has_together(jsonb, boolean) is 'Whether a node has an embed that is read for all parents together.';

create or replace function postern.render_level(node jsonb, base text, grouped boolean, selected text, joined text default '', order_first text default '')
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  alias text := 'level_' || (node ->> 'depth');
  together boolean := postern.has_together(node, grouped);
begin
  return format(case when together and not node ? 'whole' then 'with %1$I as materialized (%2$s) select %3$s from %1$I' else 'select %3$s from (%2$s) as %1$I' end || '%4$s%5$s%6$s',
    alias, base, selected, postern.render_joins(node, alias, grouped), joined,
    case when together or order_first <> '' then ' order by ' || order_first || postern.render_level_order(node, alias) else '' end);
end
$$;
comment on function postern.render_level(jsonb, text, boolean, text, text, text) is
  'Level 2 over base: selected (its select list) with the joins it needs, then joined (more FROM items). Where an embed is read for all parents together, level 1 is a CTE, as it is read twice (but if all rows of the relation are parents), and is put in order again; order_first: what to order by before that. grouped: for a level 3.';

create or replace function postern.render_embedded(node jsonb, source text, join_condition text, names text, aggregated boolean)
returns text
language plpgsql immutable parallel safe
as $$
declare
  grouped boolean := aggregated or node ? 'grouped';
  together boolean := postern.has_together(node, grouped);
begin
  return postern.render_level(node,
    postern.render_base(node, source, join_condition, 'columns', not aggregated and not (together and node ? 'whole'),
      case when together then postern.order_columns(node) end),
    grouped, postern.render_outputs(node, 'level_' || (node ->> 'depth'), names, grouped));
end
$$;
comment on function postern.render_embedded(jsonb, text, text, text, boolean) is
  'Level 2: level 1 with its embeds. aggregated: to be grouped above, so neither ordered nor cut here.';

create or replace function postern.render_grouped(node jsonb, source text, join_condition text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select format('select %s from (%s) as %I%s%s%s',
      string_agg(case when output ? 'aggregate'
          then format('%s(%I.%I)', output ->> 'aggregate', grouped.alias, output ->> 'column')
            || coalesce('::' || (output ->> 'aggregate_cast'), '')
          else format('%I.%I', grouped.alias, output ->> 'column') end || format(' as %I', output ->> 'label'), ', ' order by place),
      postern.render_embedded(node || '{"grouped": true}', source, join_condition, 'columns', true),
      grouped.alias,
      ' group by ' || string_agg(format('%I.%I', grouped.alias, output ->> 'column'), ', ' order by place) filter (where not output ? 'aggregate'),
      postern.render_grouped_order(node, grouped.alias),
      postern.render_page(node))
    from jsonb_array_elements(postern.node_outputs(node)) with ordinality as outputs(output, place),
      (select 'group_' || (node ->> 'depth') as alias) as grouped
    group by grouped.alias);
end
$$;
comment on function postern.render_grouped(jsonb, text, text) is
  'Level 3: level 2 grouped by all that is not aggregated, ordered and cut. Source: PostgREST docs, references/api/aggregate_functions.';

create or replace function postern.grouped_column(node jsonb, term jsonb, prefix text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select prefix || 'f' || place || '$'
    from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place)
    where not field ? 'aggregate'
      and (field ->> 'name' = term ->> 'name' and field -> 'path' is not distinct from term -> 'path'
        or prefix <> '' and field ->> 'label' = term ->> 'name')
    limit 1);
end
$$;
comment on function postern.grouped_column(jsonb, jsonb, text) is
  'The name between levels of the field that a term of order means; null when it is not among the fields or is aggregated.';

create or replace function postern.render_grouped_order(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  term jsonb;
  column_name text;
  made text;
begin
  for term in select t from jsonb_array_elements(node -> 'order') as t loop
    column_name := case when term ? 'child'
      then postern.grouped_column(node -> 'children' -> (term ->> 'child')::int, term, 's' || (term ->> 'child')::int + 1 || '_')
      else postern.grouped_column(node, term, '') end;
    if column_name is null then
      raise exception using errcode = 'grouping_error',
        message = format('column "%s" is not among the columns that the result is grouped by', term ->> 'name');
    end if;
    made := concat_ws(', ', made, format('%I.%I', alias, column_name) || postern.render_direction(term));
  end loop;
  return coalesce(' order by ' || made, '');
end
$$;
comment on function postern.render_grouped_order(jsonb, text) is
  'ORDER BY of an aggregated node. 42803 for a column that is not grouped by, as PostgreSQL has it.';

create or replace function postern.render_rows(node jsonb, source text, join_condition text, names text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  aggregates boolean := exists (select from jsonb_array_elements(postern.node_outputs(node)) as output where output ? 'aggregate');
  to_one_spread boolean := node ? 'spread' and (node -> 'relationship' ->> 'to_one')::boolean;
begin
  if aggregates and node ? 'spread' and not to_one_spread then
    perform postern.fail('PGRST127', 'Feature not implemented', 'Aggregate functions inside a one-to-many or many-to-many spread');
  elsif aggregates and not to_one_spread then
    return postern.render_grouped(node, source, join_condition);
  elsif node -> 'children' = '[]' then
    return postern.render_base(node, source, join_condition, names, true);
  end if;
  return postern.render_embedded(node, source, join_condition, names, false);
end
$$;
comment on function postern.render_rows(jsonb, text, text, text) is
  'The rows of a node as one query. source: its FROM items; join_condition: what ties it to its parent, or null; names: labels or columns. PGRST127 for aggregates in a to-many spread.';
