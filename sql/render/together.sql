-- A to-many embed for all parents together: its rows are read once, grouped by the key of their parent, and joined to
-- the parents.

create or replace function postern.render_together(child jsonb, place bigint, parent text, whole boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  relationship constant pg_catalog.jsonb := child -> 'relationship';
  equals constant pg_catalog.text := postern.render_equals(child);
  parents pg_catalog.text; -- own as name, of the columns by which rows of the embed, or its junction, have parents
  own pg_catalog.text;
  names pg_catalog.text;
  condition pg_catalog.text;
  joined pg_catalog.text;
begin
  select string_agg(c.own || ' as ' || c.name, ', ' order by at), string_agg(c.own, ', ' order by at),
      string_agg(c.name, ', ' order by at),
      format('(%s) %s any (select %s from %s)', string_agg(c.own, ', ' order by at), equals,
        string_agg(c.parent_key, ', ' order by at), parent),
      string_agg(format('pgrst_e%s.%s %s %s', place, c.name, equals, c.parent_key), ' and ')
    into parents, own, names, condition, joined
    from jsonb_array_elements(coalesce(relationship -> 'junction' -> 'source', relationship -> 'columns'))
        with ordinality as pairs(pair, at),
      lateral (
        select 'pgrst_p' || at as name, format('%I.%I', case when relationship ? 'junction'
            then postern.junction_alias(child) else child ->> 'alias' end, pair ->> 1) as own,
          format('%s.%I', parent, postern.key_alias(pair ->> 0)) as parent_key
      ) as c;
  condition := nullif(concat_ws(' and ', case when not whole then condition end, postern.render_junction_join(child)),
    '');
  return format(' left join (select %1$s, %2$s from (%3$s) as pgrst_children group by %1$s) as pgrst_e%4$s on %5$s',
    names,
    case when child ? 'written' then postern.render_written_group(child, 'pgrst_children.pgrst_embed',
      'pgrst_children.pgrst_texts')
      else 'pg_catalog.json_agg(pgrst_children.pgrst_embed) as rows' end,
    postern.render_children(child, parents, own, names, condition), place, joined);
end
$$;
comment on function postern.render_together(jsonb, bigint, text, boolean) is
  'Renders a to-many embed as a join pgrst_e<place> that is read for all parents at once. In: parent: the alias of '
  'level 1 of its parent; whole: that has all rows of its relation. Out: SQL with, for each parent, rows (the array; '
  'where it is written its text without brackets) and, if written, texts. Raises as render_filter does.';

create or replace function postern.render_children(child jsonb, parents text, own text, names text, condition text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  alias pg_catalog.text := postern.level_alias(child);
  source pg_catalog.text := postern.render_source(child, null);
  made pg_catalog.text := case when child ? 'written'
    then postern.render_written(child, 'pgrst_embed') || ' as pgrst_embed'
      || coalesce(', ' || postern.render_texts(child, 'pgrst_embed') || ' as pgrst_texts', '')
    else '(pgrst_embed.*)::pg_catalog.record as pgrst_embed' end;
  ordered pg_catalog.text := coalesce(postern.render_order(child, child ->> 'alias'),
    case when child ? 'ctid' then format(' order by %I.ctid', child ->> 'alias') end);
  paged boolean := child ?| '{limit,offset,max_rows}';
  base pg_catalog.text;
begin
  -- What is ordered by stands before the texts: behind them it takes a sort longer to find.
  if child -> 'children' = '[]' and not paged then
    return format('select %s, %s from %s cross join lateral (select %s) as pgrst_embed%s%s',
      concat_ws(', ', parents, case when ordered is not null then postern.order_columns(child) end), made, source,
      postern.render_fields(child, 'labels'),
      ' where ' || postern.render_where(child, child ->> 'alias', condition),
      ' order by ' || names || ', ' || substr(ordered, length(' order by ') + 1));
  end if;
  base := postern.render_base(child, source, condition, 'columns', false, concat_ws(', ', parents,
    postern.order_columns(child),
    case when paged then format('pg_catalog.row_number() over (partition by %s%s) as pgrst_n', own, ordered) end))
      || coalesce(ordered, '');
  if paged then
    base := format('select * from (%s) as pgrst_pages where %s', base, concat_ws(' and ',
      case when child ? 'offset' then 'pgrst_pages.pgrst_n operator(pg_catalog.>) ' || postern.render_offset(child) end,
      case when child ?| '{limit,max_rows}'
        then format('pgrst_pages.pgrst_n operator(pg_catalog.<=) (%s operator(pg_catalog.+) %s)',
          postern.render_offset(child),
          postern.render_limit(postern.render_value(child -> 'limit') || '::bigint', child -> 'max_rows')) end));
  end if;
  return postern.render_level(child, base, concat_ws(', ', alias || '.' || replace(names, ', ', ', ' || alias || '.'),
    made),
    format(' cross join lateral (select %s) as pgrst_embed', postern.render_outputs(child, 'labels')),
    names || ', ');
end
$$;
comment on function postern.render_children(jsonb, text, text, text, text) is
  'Renders the rows of an embed for all parents. In: lists of the columns by which rows have parents: own, names, and '
  'parents: own as name; condition: that rows have a parent, or null. Out: SQL of names and of pgrst_embed, the row, '
  'or, where it is written, its text, with pgrst_texts. A limit is one for each parent. Without an order, rows of a '
  'table keep that in which they are stored. Raises as render_filter does.';
