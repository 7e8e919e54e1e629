-- How many rows there are without the page: Prefer count.

create or replace function postern.render_count_query(node jsonb, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if node ? 'own_groups' then
    return 'select pg_catalog.count(*)' || postern.render_groups(node, source, null);
  end if;
  return format('select 1 from %s%s', source, coalesce(' where ' || postern.render_where(node, node ->> 'alias'), ''));
end
$$;
comment on function postern.render_count_query(jsonb, text) is
  'A query with as many rows as the node has without limit and offset; where it is grouped as PostgREST has it, as '
  'many as are grouped, as there.';

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
  'postern.render_total for an answer whose rows are not there to be counted: a query also where the page is all.';

create or replace function postern.render_total(node jsonb, source text, wanted text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  everything constant pg_catalog.text := postern.render_count_query(node, source);
  planned constant pg_catalog.text := format('postern.planned_rows(%s)', postern.render_placeholders(everything));
begin
  case
    when wanted is null then return null;
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
  'The query of the total for Prefer count: exact counts, planned takes the planner''s estimate, estimated counts up '
  'to db-max-rows and then takes the estimate if that is more; page when the page is everything; null when no count is '
  'wanted. Its parameters have their types from the query of the rows, which stands before it. Source: PostgREST docs, '
  'references/api/pagination_count.';
