-- How many rows there are without the page: Prefer count.

create or replace function postern.render_count_query(node jsonb, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if node ? 'own_groups' then
    return 'select pg_catalog.count(*)' || postern.render_groups(node, source, null);
  end if;
  return format('select 1 from %s%s', source, ' where ' || postern.render_where(node, node ->> 'alias'));
end
$$;
comment on function postern.render_count_query(jsonb, text) is
  'Renders a query with as many rows as a node has without limit and offset. In: source: FROM items. Groups count '
  'where the request is none of PostgREST''s (own_groups), else the rows grouped. Raises as render_filter does.';

create or replace function postern.render_whole_total(node jsonb, source text, wanted text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  total constant pg_catalog.text := postern.render_total(node, source, wanted);
begin
  return case when total is distinct from 'page' then total
    else format('select pg_catalog.count(*) as total from (%s) as everything',
      postern.render_count_query(node, source)) end;
end
$$;
comment on function postern.render_whole_total(jsonb, text, text) is
  'Renders the total of an answer whose rows cannot be counted as they come. In: as of postern.render_total. Out: the '
  'same, but a query also where the page is everything. Raises what postern.render_filter raises.';

create or replace function postern.render_total(node jsonb, source text, wanted text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  everything constant pg_catalog.text := postern.render_count_query(node, source);
  planned constant pg_catalog.text := format('postern.planned_rows(%s)', postern.render_placeholders(everything));
begin
  case
    when wanted = 'planned' then return format('select %s as total offset 0', planned);
    when wanted = 'estimated' and not node ? 'max_rows' then
      return format('select greatest(pg_catalog.count(*), %s) as total from (%s) as everything', planned, everything);
    when wanted = 'estimated' then
      return format(
        'select case when everything.total operator(pg_catalog.>) %1$s then greatest(everything.total, %2$s) '
        'else everything.total end as total '
        'from (select pg_catalog.count(*) as total from (%3$s limit %4$s) as everything) as everything',
        (node ->> 'max_rows')::bigint, planned, everything, (node ->> 'max_rows')::bigint + 1);
    when not node ?| '{limit,offset,range,max_rows}' then return 'page';
    else return format('select pg_catalog.count(*) as total from (%s) as everything', everything);
  end case;
end
$$;
comment on function postern.render_total(jsonb, text, text) is
  'Renders the query of the total for Prefer count. In: source: FROM items; wanted: exact, planned (the planner''s '
  'estimate), estimated (rows are counted, up to db-max-rows if it is set; beyond that, or without it, the estimate is '
  'taken if it is more) or null. Out: SQL, its parameters typed by the query of the rows; page where all exact rows '
  'are on it. Raises as render_filter does. Source: PostgREST docs, references/api/pagination_count.';
