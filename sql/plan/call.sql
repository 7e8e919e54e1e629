-- Which routine a call means, and its arguments.

create or replace function postern.plan_routine(schema text, name text, keys text[], content_type text, post boolean)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  routines pg_catalog.jsonb := postern.find_routines(schema, name);
  media pg_catalog.text := postern.media_type(coalesce(content_type, 'application/json')) ->> 'name';
  raw boolean := post and media in ('text/plain', 'text/xml', 'application/octet-stream');
  matching pg_catalog.jsonb;
begin
  matching := coalesce((
    select jsonb_agg(routine order by place)
    from jsonb_array_elements(routines) with ordinality as listed(routine, place)
    where postern.takes_arguments(routine -> 'args', keys, raw)), '[]');
  if matching = '[]' and post then
    matching := coalesce((
      select jsonb_agg(routine order by place)
      from jsonb_array_elements(routines) with ordinality as listed(routine, place)
      where jsonb_array_length(routine -> 'args') = 1 and routine -> 'args' -> 0 ->> 'name' = ''
        and (media, routine -> 'args' -> 0 ->> 'type') in (('application/json', 'json'), ('application/json', 'jsonb'),
          ('text/plain', 'text'), ('text/xml', 'xml'), ('application/octet-stream', 'bytea'))), '[]');
  end if;
  if jsonb_array_length(matching) = 0 then
    perform postern.fail('PGRST202',
      format('There is no function %I.%I%s', schema, name, case
        when raw then ''
        when keys = '{}' then ' without parameters' else format(' (%s)', array_to_string(keys, ', ')) end),
      format('Looked for %I.%I%s in the exposed schema, which has none that fits', schema, name, case
        when raw then format(' with a single unnamed parameter for %s', media)
        when keys = '{}' then ' without parameters' else ' with the parameters ' || array_to_string(keys, ', ') end
        || case when post and media = 'application/json'
          then ' or with a single unnamed json or jsonb parameter' else '' end),
      case when not raw then postern.routine_hint(schema, name, keys) end);
  elsif jsonb_array_length(matching) > 1 then
    perform postern.fail('PGRST203', 'More than one function fits the call: ' || (
        select string_agg(format('%s.%s(%s)', routine ->> 'schema', routine ->> 'name', (
          select string_agg(format('%s => %s', arg ->> 'name', arg ->> 'type'), ', ' order by position)
          from jsonb_array_elements(routine -> 'args') with ordinality as args(arg, position))), ', ' order by place)
        from jsonb_array_elements(matching) with ordinality as listed(routine, place)), null,
      'Rename the parameters or the function in the database, so that the names of the arguments decide');
  end if;
  return matching -> 0;
end
$$;
comment on function postern.plan_routine(text, text, text[], text, boolean) is
  'Which function a call means: the one of that name that takes arguments of these names, or by POST the one with a '
  'single unnamed parameter for the content type. In: schema, name; keys: the names of the arguments; content_type: '
  'null for JSON; post: whether by POST. Out: one of postern.find_routines. Raises PGRST202 when there is none, '
  'PGRST203 when there are several. Source: PostgREST docs, references/api/functions.';

create or replace function postern.takes_arguments(args jsonb, keys text[], raw boolean)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return (args <> '[]' or not raw)
    and keys @> array(select arg ->> 'name' from jsonb_array_elements(args) as arg where (arg ->> 'required')::boolean)
    and keys <@ array(select arg ->> 'name' from jsonb_array_elements(args) as arg);
end
$$;
comment on function postern.takes_arguments(jsonb, text[], boolean) is
  'Whether arguments of these names make a call: all required ones, none unknown. In: args: of postern.find_routines; '
  'keys: the names; raw: the body is no JSON, so no call without parameters is meant. Raises nothing.';
