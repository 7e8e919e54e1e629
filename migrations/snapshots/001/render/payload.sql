-- The payload as rows.

create or replace function postern.render_payload(columns jsonb, form text, defaults boolean, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  object boolean := form = '{';
  typed text := (select string_agg(format('%I %s', field ->> 'name', field ->> 'type'), ', ' order by place)
    from jsonb_array_elements(columns) with ordinality as fields(field, place));
  filled text := format('jsonb_build_object(%s)', (
    select string_agg(quote_literal(field ->> 'name') || ', ' || (field ->> 'default'), ', ')
    from jsonb_array_elements(columns) as field where field ? 'default'));
  rows text;
begin
  if form = '' then
    rows := '(select 1 where false) as read';
  elsif typed is null then
    rows := case when object then '(values (1)) as read' else format('json_array_elements((%s)::json) as read', source) end;
  elsif not defaults then
    rows := format('%s((%s)::json) as read(%s)', case when object then 'json_to_record' else 'json_to_recordset' end, source, typed);
  elsif object then
    rows := format('jsonb_to_record(%s || (%s)::jsonb) as read(%s)', filled, source, typed);
  else
    rows := format('(select jsonb_agg(%s || elem) as val from jsonb_array_elements((%s)::jsonb) as elem) as filled, jsonb_to_recordset(filled.val) as read(%s)', filled, source, typed);
  end if;
  return format('(select %s from %s) as pgrst_body', coalesce((
    select string_agg(case when field ? 'transform' then format('%s(read.%I) as %2$I', field ->> 'transform', field ->> 'name')
      else format('read.%I', field ->> 'name') end, ', ' order by place)
    from jsonb_array_elements(columns) with ordinality as fields(field, place)), '1 as nothing'), rows);
end
$$;
comment on function postern.render_payload(jsonb, text, boolean, text) is
  'The payload (source: SQL of its JSON text) as a FROM item named pgrst_body with the planned columns. form: { for an object, [ for an array, empty for nothing; defaults: Prefer missing=default, a key that is missing gets its column''s default.';

create or replace function postern.payload_source()
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select 'current_setting(''postern.payload'')'::text);
end
$$;
comment on function postern.payload_source() is 'SQL of the payload''s text, where postern.shape_payload put it.';
