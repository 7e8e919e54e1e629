-- The rows of a node, in up to three levels. Level 1 takes the rows of the relation, filtered, ordered and cut to the
-- page. Level 2 adds the embeds to what is left. Level 3, only where the request aggregates, groups. Between levels
-- all names are ours (postern.plan_outputs): f1$, f2$, ... the fields, k$... the columns that embeds are joined by,
-- pgrst_o1, ... what rows are ordered by. Embeds are joins pgrst_e1, pgrst_e2, ... with the columns rows and texts.
-- Aliases of ours begin with pgrst_, and no relation's does (postern.node_alias). As a column may have any name,
-- nothing is named without its relation.

create or replace function postern.render_rows(node jsonb, source text, join_condition text, names text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case when node ? 'aggregated' then postern.render_grouped(node, source, join_condition)
    when node -> 'children' = '[]' then postern.render_base(node, source, join_condition, names, true)
    else postern.render_embedded(node, source, join_condition, names) end;
end
$$;
comment on function postern.render_rows(jsonb, text, text, text) is
  'Renders the rows of a node as one query. In: source: FROM items; join_condition: what ties it to its parent, or '
  'null; names: labels (the answer''s) or columns (those between levels). Raises as render_filter does.';

create or replace function postern.render_base(
  node jsonb, source text, join_condition text, names text, paged boolean, more text default null)
returns text
language plpgsql immutable parallel safe
as $$
declare
  list pg_catalog.text := postern.render_fields(node, names);
begin
  if names = 'columns' then
    list := concat_ws(', ', list, postern.render_keys(node),
      case when node -> 'children' @> '[{"relationship": {"kind": "computed"} }]' -- which takes the parent's row
        then postern.render_row(node) || ' as pgrst_row' end, (
      select string_agg(format('%s as %s', postern.render_field(node ->> 'alias', item -> 'field', true),
        item ->> 'column'), ', ')
      from jsonb_array_elements(node -> 'hidden') as item));
  end if;
  return concat('select ', coalesce(nullif(concat_ws(', ', list, more), ''), '1 as nothing'), ' from ', source,
    ' where ' || postern.render_where(node, node ->> 'alias', join_condition),
    case when paged then concat(postern.render_order(node, node ->> 'alias'), postern.render_page(node)) end);
end
$$;
comment on function postern.render_base(jsonb, text, text, text, boolean, text) is
  'Renders level 1: the rows of a node from its relation. In: as of render_rows, columns with the keys of embeds and '
  'hidden columns; paged: with order and limit; more: columns, or null. Raises as render_filter does.';

create or replace function postern.level_alias(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return 'pgrst_level_' || (node ->> 'depth');
end
$$;
comment on function postern.level_alias(jsonb) is 'Names level 1 of a node. Out: its alias. Raises nothing.';

create or replace function postern.render_each(child jsonb, place bigint, parent text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  spread boolean := child ? 'spread';
  to_one boolean := (child -> 'relationship' ->> 'to_one')::boolean;
  rows pg_catalog.text := postern.render_rows(child, postern.render_source(child, parent || '.pgrst_row'),
    postern.render_join(child, parent, true), case when spread then 'columns' else 'labels' end);
  list pg_catalog.text := case
    when spread and to_one then 'pgrst_embed.*'
    when spread then (
      select string_agg(format('coalesce(pg_catalog.json_agg(pgrst_embed.%1$s), ''[]'') as %1$s',
        output ->> 'column'), ', ' order by part)
      from jsonb_array_elements(child -> 'outputs') with ordinality as outputs(output, part))
    when to_one and child ? 'written' then postern.render_written_row(child, 'pgrst_embed')
    when to_one then 'pg_catalog.row_to_json(pgrst_embed.*) as rows'
    when child ? 'written' then postern.render_written_group(child, postern.render_written(child, 'pgrst_embed'),
      postern.render_texts(child, 'pgrst_embed'))
    else 'pg_catalog.json_agg(pgrst_embed.*) as rows' end;
begin
  return format(' left join lateral (select %s from (%s) as pgrst_embed%s) as pgrst_e%s on true', list, rows,
    case when to_one and not child ? 'together' then ' limit 1' else '' end, place);
end
$$;
comment on function postern.render_each(jsonb, bigint, text) is
  'Renders an embed as a lateral join pgrst_e<place>. In: parent: the alias of level 1 of its parent. Its columns are '
  'rows (the row of a to-one embed; the array of others, null for none) and texts, or those of a spread. Of a to-one '
  'embed the first row counts, as what it is looked up by may not be unique, as in a view; PostgREST gives the parent '
  'once for each. Together, without LIMIT 1, it may be read for all parents at once. Raises as render_filter does.';

create or replace function postern.order_columns(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select coalesce(
      string_agg(format('%s as pgrst_o%s', postern.render_term(node, node ->> 'alias', term), place), ', '
        order by place),
      case when node ? 'ctid' and (node ? 'whole' or (node ->> 'depth')::int > 0) then format('%I.ctid as pgrst_o1',
        node ->> 'alias')
        else 'pg_catalog.row_number() over () as pgrst_o1' end)
    from jsonb_array_elements(node -> 'order') with ordinality as terms(term, place));
end
$$;
comment on function postern.order_columns(jsonb) is
  'Renders what a node is ordered by, or each row''s place, as pgrst_o1, pgrst_o2, ... Raises as render_filter does.';

create or replace function postern.render_level(
  node jsonb, base text, selected text, joined text default '', order_first text default '')
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  alias constant pg_catalog.text := postern.level_alias(node);
  twice constant boolean := node -> 'children' @? '$[*] ? (@.together == true && @.relationship.to_one == false)';
  embeds constant pg_catalog.text := (
    select string_agg(case when child ? 'together' and not (child -> 'relationship' ->> 'to_one')::boolean
      then postern.render_together(child, place, alias, node ? 'whole')
      else postern.render_each(child, place, alias) end, '' order by place)
    from jsonb_array_elements(node -> 'children') with ordinality as children(child, place)
    where not child ? 'empty' and child -> 'outputs' <> '[]');
  ordered pg_catalog.text;
begin
  if node -> 'children' @> '[{"together": true}]' or order_first <> '' then
    ordered := (
      select ' order by ' || order_first || coalesce(
        string_agg(format('%s.pgrst_o%s', alias, place) || postern.render_direction(term), ', ' order by place),
        alias || '.pgrst_o1')
      from jsonb_array_elements(node -> 'order') with ordinality as terms(term, place));
  end if;
  return concat(format(case when twice and not node ? 'whole'
      then 'with %1$s as materialized (%2$s) select %3$s from %1$s'
      else 'select %3$s from (%2$s) as %1$s' end, alias, base, selected), embeds, joined, ordered);
end
$$;
comment on function postern.render_level(jsonb, text, text, text, text) is
  'Renders level 2 over level 1, with a join for each embed that yields something. In: base: SQL of level 1; selected: '
  'the select list; joined: more FROM items; order_first: what to order by before the order of the node. Out: SQL, '
  'ordered again, by the columns of postern.order_columns, where an embed is read for all parents at once (together), '
  'as joins may change the order. Where that is to-many, level 1 is read twice, so is a CTE, unless it is all of the '
  'relation (whole). Raises as render_filter does.';

create or replace function postern.render_embedded(node jsonb, source text, join_condition text, names text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  together boolean := node -> 'children' @> '[{"together": true}]';
begin
  return postern.render_level(node,
    postern.render_base(node, source, join_condition, 'columns',
      not node ? 'aggregated' and not (together and node ? 'whole'), case when together
        then postern.order_columns(node) end),
    postern.render_outputs(node, names));
end
$$;
comment on function postern.render_embedded(jsonb, text, text, text) is
  'Renders level 2: level 1 with its embeds; neither ordered nor cut if aggregated. Raises as render_filter does.';

create or replace function postern.render_grouped(node jsonb, source text, join_condition text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return (
    select concat('select ', string_agg(postern.render_result(output) || format(' as %I', output ->> 'label'), ', '
        order by place),
      postern.render_groups(node, source, join_condition),
      (select ' order by ' || string_agg(postern.render_result(term) || postern.render_direction(term), ', '
        order by at)
        from jsonb_array_elements(node -> 'order') with ordinality as terms(term, at)),
      postern.render_page(node))
    from jsonb_array_elements(node -> 'outputs') with ordinality as outputs(output, place));
end
$$;
comment on function postern.render_grouped(jsonb, text, text) is
  'Renders level 3: level 2 grouped by all that is not aggregated, ordered and cut. In: as of postern.render_rows. '
  'Out: SQL. Raises what postern.render_filter raises. Source: PostgREST docs, references/api/aggregate_functions.';

create or replace function postern.render_groups(node jsonb, source text, join_condition text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return format(' from (%s) as pgrst_group%s%s', postern.render_embedded(node, source, join_condition, 'columns'),
    (select ' group by ' || nullif(concat_ws(', ',
        string_agg('pgrst_group.' || (output ->> 'column'), ', ' order by place)
          filter (where not output ? 'aggregate'), (
        select string_agg('pgrst_group.' || (item ->> 'column'), ', ')
          from jsonb_array_elements(node -> 'hidden') as item)), '')
      from jsonb_array_elements(node -> 'outputs') with ordinality as outputs(output, place)),
    (select ' having ' || string_agg(postern.render_condition(node, 'pgrst_group', condition), ' and ' order by place)
      from jsonb_array_elements(node -> 'having') with ordinality as listed(condition, place)));
end
$$;
comment on function postern.render_groups(jsonb, text, text) is
  'Renders level 3 behind its select list. In: as of render_rows. Raises as render_filter does.';

create or replace function postern.render_result(item jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  argument constant pg_catalog.text := case item ->> 'column' when '*' then '*'
    else 'pgrst_group.' || (item ->> 'column') end;
begin
  return case when item ? 'aggregate'
    then format('pg_catalog.%s(%s%s)%s', item ->> 'aggregate', case when item ? 'distinct' then 'distinct ' end,
      argument, '::' || (item ->> 'aggregate_cast'))
    else argument end;
end
$$;
comment on function postern.render_result(jsonb) is
  'Renders what a group has: an output, a term of order or a condition, aggregated or not. Raises nothing.';
