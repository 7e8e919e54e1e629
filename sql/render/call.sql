-- The call of a routine as a query.

create or replace function postern.render_arguments(routine jsonb, arguments jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(format('%s%I := %s::%s', case when (arg ->> 'variadic')::boolean then 'variadic ' else '' end,
      arg ->> 'name',
      case when (arg ->> 'variadic')::boolean then format('array[%s]', given.all_values) else given.last_value end,
      postern.type_reference(arg ->> 'max_type')), ', ' order by place)
    from jsonb_array_elements(routine -> 'args') with ordinality as args(arg, place),
      lateral (
        select string_agg(postern.render_value(argument), ', ' order by position) as all_values,
          (array_agg(postern.render_value(argument) order by position desc))[1] as last_value
        from jsonb_array_elements(arguments) with ordinality as listed(argument, position)
        where argument ->> 'name' = arg ->> 'name'
      ) as given
    where given.last_value is not null);
end
$$;
comment on function postern.render_arguments(jsonb, jsonb) is
  'Renders arguments that come one by one (query string, form). In: the routine; [{name, param or value}]. Out: SQL in '
  'named notation, or null; repeated ones go to a variadic parameter, else the last counts. Raises nothing.';

create or replace function postern.render_call(
  routine jsonb, node jsonb, arguments jsonb, keys text[], form text, guard text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  unnamed constant boolean := jsonb_array_length(routine -> 'args') = 1 and routine -> 'args' -> 0 ->> 'name' = '';
  call pg_catalog.text := '';
  body pg_catalog.text;
begin
  if unnamed and (form is not null or arguments is not null) then
    call := case routine -> 'args' -> 0 ->> 'type'
      when 'bytea' then '$2::pg_catalog.bytea'
      when 'json' then '$2::pg_catalog.json'
      when 'jsonb' then '$2::pg_catalog.json::pg_catalog.jsonb'
      when 'xml' then '$2::pg_catalog.text::pg_catalog.xml'
      else '$2::pg_catalog.text' end;
  elsif form is null then
    call := coalesce(postern.render_arguments(routine, arguments), '');
  elsif keys <> '{}' then
    call := (
      select string_agg(format('%s%I := pgrst_body.%2$I',
        case when (arg ->> 'variadic')::boolean then 'variadic ' else '' end,
        arg ->> 'name'), ', ' order by place)
      from jsonb_array_elements(routine -> 'args') with ordinality as args(arg, place)
      where arg ->> 'name' = any(keys));
    body := format(case form when '{' then '%s' else '(select * from %s limit 1) as pgrst_body' end,
      postern.render_payload((
          select jsonb_agg(jsonb_build_object('name', arg ->> 'name', 'type', arg ->> 'max_type') order by place)
          from jsonb_array_elements(routine -> 'args') with ordinality as args(arg, place)
          where arg ->> 'name' = any(keys)), form, false));
  end if;
  call := format('%I.%I(%s)', routine ->> 'schema', routine ->> 'name', call);
  if (routine -> 'returns' ->> 'composite')::boolean then
    return format('select %1$I.*%2$s from %3$s%4$s as %1$I%5$s', node ->> 'alias', coalesce((
        select string_agg(format(', %I.%I', node ->> 'alias', name), '')
        from unnest(postern.computed_names(node, node -> 'columns')) as name), ''),
      coalesce(body || ', lateral ', ''), call, coalesce(' where ' || guard, ''));
  end if;
  return format('select %s as pgrst_scalar%s%s', call, ' from ' || body, coalesce(' where ' || guard, ''));
end
$$;
comment on function postern.render_call(jsonb, jsonb, jsonb, text[], text, text) is
  'Renders the call of a routine as a query. In: arguments: as of postern.render_arguments; keys: the arguments in a '
  'JSON body; form: of the body (postern.describe_payload), null if there is none; guard: a condition '
  '(postern.render_guard), or null. Out: SQL of its rows, or of its value as pgrst_scalar. Raises nothing.';
