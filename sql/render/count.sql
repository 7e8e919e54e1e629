-- How many rows there are without the page: Prefer count.

create or replace function postern.render_count_query(node jsonb, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select format('select 1 from %s%s', source, coalesce(' where ' || postern.render_where(node, node ->> 'alias'), '')));
end
$$;
comment on function postern.render_count_query(jsonb, text) is
  'A query with as many rows as the node has without limit and offset.';

create or replace function postern.render_total(node jsonb, source text, wanted text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case
      when wanted is null then null
      when wanted = 'planned' then 'current_setting(''postern.planned'')::bigint'
        when wanted = 'estimated' and not node ? 'max_rows' then format(
      'greatest((select count(*) from (%s) as everything), current_setting(''postern.planned'')::bigint)', postern.render_count_query(node, source))
    when wanted = 'estimated' then format(
        '(select case when found > %s then greatest(found, current_setting(''postern.planned'')::bigint) else found end from (select count(*) as found from (%s limit %s) as page) as counted)',
        (node ->> 'max_rows')::bigint, postern.render_count_query(node, source), (node ->> 'max_rows')::bigint + 1)
      when not node ?| '{limit,offset,range,max_rows}' then 'page'
    else format('(select count(*) from (%s) as everything)', postern.render_count_query(node, source)) end);
end
$$;
comment on function postern.render_total(jsonb, text, text) is
  'SQL of the total for Prefer count: exact counts, planned takes the planner''s estimate, estimated counts up to db-max-rows and then takes the estimate if that is more; page when the page is everything; null when no count is wanted. Source: PostgREST docs, references/api/pagination_count.';
