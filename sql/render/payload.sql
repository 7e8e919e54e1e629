-- The payload as rows.

create or replace function postern.render_payload(columns jsonb, form text, defaults boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  object boolean := form = '{';
  typed pg_catalog.text := (
    select string_agg(format('%I %s', field ->> 'name', postern.type_reference(field ->> 'type')), ', ' order by place)
    from jsonb_array_elements(columns) with ordinality as fields(field, place));
  filled pg_catalog.text := coalesce((
    select string_agg(format('pg_catalog.jsonb_build_object(%s)', part), ' operator(pg_catalog.||) ')
    from (
      select string_agg(quote_literal(field ->> 'name') || ', ' || (field ->> 'default'), ', ') as part
      from jsonb_array_elements(columns) with ordinality as fields(field, place)
      where field ? 'default'
      group by place / 50) as parts), 'pg_catalog.jsonb_build_object()'); -- it takes 50 pairs
  rows pg_catalog.text;
begin
  if form = 'empty' then
    rows := '(select 1 where false) as read';
  elsif typed is null then
    rows := case when object then '(values (1)) as read'
      else 'pg_catalog.json_array_elements($2::pg_catalog.json) as read' end;
  elsif not defaults then
    rows := format(case when object then -- of a constant Citus calls the function by itself, not knowing the row type
        '(select $2::pg_catalog.json as val) as filled, pg_catalog.json_to_record(filled.val) as read(%s)'
      else 'pg_catalog.json_to_recordset($2::pg_catalog.json) as read(%s)' end, typed);
  elsif object then
    rows := format('(select %s operator(pg_catalog.||) $2::pg_catalog.json::pg_catalog.jsonb as val) as filled, '
      'pg_catalog.jsonb_to_record(filled.val) as read(%s)', filled, typed);
  else
    rows := format('(select pg_catalog.jsonb_agg(%s operator(pg_catalog.||) elem) as val '
      'from pg_catalog.jsonb_array_elements($2::pg_catalog.json::pg_catalog.jsonb) as elem) '
      'as filled, pg_catalog.jsonb_to_recordset(filled.val) as read(%s)', filled, typed);
  end if;
  return format('(select %s from %s) as pgrst_body', coalesce((
    select string_agg(case when field ? 'transform'
      then format('%s(read.%I) as %2$I', field ->> 'transform', field ->> 'name')
      else format('read.%I', field ->> 'name') end, ', ' order by place)
    from jsonb_array_elements(columns) with ordinality as fields(field, place)), '1 as nothing'), rows);
end
$$;
comment on function postern.render_payload(jsonb, text, boolean) is
  'Renders the body, $2, as rows with the planned columns, the FROM item pgrst_body. In: postern.plan_payload; form: '
  'of postern.describe_payload; defaults: Prefer missing=default, which fills keys that are missing. Raises nothing.';
