-- A to-many embed for all parents together: its rows are read once, grouped by the key of their parent, and joined to the parents.
-- For more than a few parents that is several times cheaper than a subquery each.

create or replace function postern.embeds_together(node jsonb, child jsonb, grouped boolean)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return child <> 'null' and not grouped and not child ? 'spread' and not node ? 'single' and not (child -> 'relationship' ->> 'to_one')::boolean
    and child -> 'relationship' ->> 'kind' <> 'computed' and not child ?| '{limit,offset,max_rows}' and not postern.is_empty_embed(child)
    and not exists (select from jsonb_array_elements(postern.node_outputs(child)) as output where output ? 'aggregate');
end
$$;
comment on function postern.embeds_together(jsonb, jsonb, boolean) is
  'Whether the embed child of a node is read for all parents together: it is to-many, has no page of its own and no aggregates, and there may be several parents.';

create or replace function postern.parent_columns(child jsonb)
returns table (place bigint, name text, own text, parent_key text)
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  junction jsonb := child -> 'relationship' -> 'junction';
begin
  return query
    select position, format('pgrst_parent_%s_%s', child ->> 'depth', position), format('%I.%I', case when junction is null then child ->> 'alias' else 'junction$' || (child ->> 'depth') end, pair ->> 1),
      postern.key_alias(pair ->> 0)
    from jsonb_array_elements(coalesce(junction -> 'source', child -> 'relationship' -> 'columns')) with ordinality as pairs(pair, position);
end
$$;
comment on function postern.parent_columns(jsonb) is
  'The columns by which the rows of an embed (or of its junction) belong to their parent: place, name for it, SQL of the column, name of the parent''s key in level 1.';

create or replace function postern.render_together(child jsonb, place bigint, parent text, whole boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  parents text;
  names text;
  condition text;
  joined text;
begin
  select string_agg(format('%s as %s', own, c.name), ', ' order by c.place),
      string_agg(c.name, ', ' order by c.place),
      format('(%s) in (select %s from %I)', string_agg(own, ', ' order by c.place), string_agg(quote_ident(parent_key), ', ' order by c.place), parent),
      string_agg(format('%I.%s = %I.%I', 'e' || render_together.place, c.name, parent, parent_key), ' and ')
    into parents, names, condition, joined
    from postern.parent_columns(child) as c;
  condition := concat_ws(' and ', case when not whole then condition end, postern.render_junction_join(child));
  return format(' left join (select %1$s, %5$s as rows%6$s from (%2$s) as children group by %1$s) as %3$I on %4$s', names,
    postern.render_children(child, parents, names, condition), 'e' || place, joined,
    case when child ? 'written' then postern.render_written_rows(child, 'pgrst_embed') else 'json_agg(pgrst_embed)' end,
    case when postern.gathers_texts(child) then ', string_agg(pgrst_texts, null::text) as texts' else '' end);
end
$$;
comment on function postern.render_together(jsonb, bigint, text, boolean) is
  'An embed as a join e<place> that has the rows of each parent as one array, or without its brackets as text where they are written; parent: level 1 of the parent node; whole: which has all rows of its relation.';

create or replace function postern.render_children(child jsonb, parents text, names text, condition text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  alias text := 'level_' || (child ->> 'depth');
  source text := postern.render_source(child, null);
  made text := case when child ? 'written' then postern.render_written(child, 'pgrst_embed') || ' as pgrst_embed'
    || case when postern.gathers_texts(child) then format(', %s as pgrst_texts', postern.render_texts(child, 'pgrst_embed')) else '' end else 'pgrst_embed' end;
  found_order text := coalesce(postern.render_order(child, child ->> 'alias'),
    case when child ? 'ctid' then format(' order by %I.ctid', child ->> 'alias') end);
begin
  if child -> 'children' = '[]' then -- what is ordered by stands before the texts: behind them it takes a sort longer to find
    return format('select %s, %s from %s cross join lateral (select %s) as pgrst_embed',
        concat_ws(', ', parents, case when found_order is not null then postern.order_columns(child) end), made, source, postern.render_labels(child))
      || coalesce(' where ' || nullif(concat_ws(' and ', nullif(condition, ''), postern.render_where(child, child ->> 'alias')), ''), '')
      || coalesce(' order by ' || names || ', ' || substr(found_order, length(' order by ') + 1), '');
  end if;
  return postern.render_level(child,
    postern.render_base(child, source, nullif(condition, ''), 'columns', true, concat_ws(', ', parents, postern.order_columns(child)))
      || case when child ? 'order' then '' else coalesce(found_order, '') end,
    false, names || ', ' || made, format(' cross join lateral (select %s) as pgrst_embed', postern.render_outputs(child, alias, 'labels', false)), names || ', ');
end
$$;
comment on function postern.render_children(jsonb, text, text, text) is
  'The rows of an embed for all parents: the columns names (parents: their SQL) and pgrst_embed, the row itself, or its text where it is written. condition: that they belong to a parent. Without an order of its own an embed of a table keeps that in which its rows are stored.';
