-- Calls of routines.

create or replace function postern.compile_call(context jsonb, name text, trees jsonb, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  post constant boolean := context ->> 'method' = 'POST';
  payload constant pg_catalog.jsonb := trees -> 'payload';
  fields constant boolean := post and payload ->> 'form' = 'fields';
  arguments constant pg_catalog.jsonb := case when fields then payload -> 'arguments' else trees -> 'arguments' end;
  keys constant pg_catalog.text[] := case when post and not fields then postern.payload_keys(trees)
    else array(select distinct argument ->> 'name' from jsonb_array_elements(arguments) as argument order by 1) end;
  routine pg_catalog.jsonb;
  node pg_catalog.jsonb;
  media pg_catalog.jsonb;
begin
  routine := postern.plan_routine(context ->> 'schema', name, keys, context ->> 'content_type', post);
  node := postern.plan_call_root(context, routine, trees);
  if post and trees -> 'arguments' <> '[]' then
    perform postern.fail('PGRST100', 'Cannot read a filter', format(
      'The parameter %s has no operator; the arguments of a POST are in its body.',
      trees -> 'arguments' -> 0 ->> 'name'));
  end if;
  media := postern.plan_media(context, node, node ->> 'relation');
  node := postern.plan_rows(postern.with_streams(postern.for_media(node, media), context, media),
    case when (routine -> 'returns' ->> 'set')::boolean then 'call' else 'row' end, false);
  if context -> 'preferences' ->> 'handling' = 'strict' and context -> 'preferences' ? 'max-affected'
    and not (routine -> 'returns' ->> 'set')::boolean
  then
    perform postern.fail('PGRST128', 'max-affected with handling=strict needs a function that returns SETOF or TABLE');
  end if;
  context := postern.with_code(context, media, case
      when routine ->> 'volatility' = 'v' or postern.is_binary(media) then 'volatile'
      else greatest('stable', postern.defaults_code((routine ->> 'oid')::oid), postern.node_code(node)) end)
    || case when post and routine ->> 'volatility' = 'v' then '{"guarded": true}' else '{}'::jsonb end;
  return postern.render_call_answer(context, routine, node, media, postern.render_call(routine, node,
      case when fields or not post then arguments end, keys, case when post and not fields then payload ->> 'form' end,
      case when context ? 'guarded' then postern.render_guard(context) end),
    postern.routine_flags(postern.code_flags(context, node), routine, config));
end
$$;
comment on function postern.compile_call(jsonb, text, jsonb, jsonb) is
  'Compiles GET, HEAD or POST of a routine. In: context: postern.request_context; trees: postern.query_trees, with '
  'range and payload; config: postern.settings. Out: the statement and its flags. Raises PGRST100 for a POST with '
  'arguments in the URL, PGRST128 where max-affected is strict and the routine returns no set, and what '
  'postern.plan_routine, plan_call_root and plan_media raise. Source: PostgREST docs, references/api/functions.';

create or replace function postern.routine_flags(flags jsonb, routine jsonb, config jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  isolation constant pg_catalog.text := nullif(
    split_part(routine -> 'settings' ->> 'default_transaction_isolation', ',', 1), '');
  settings constant pg_catalog.jsonb := (
    select jsonb_object_agg(given.name, given.value)
    from jsonb_each_text(routine -> 'settings') as given(name, value)
    where given.name <> 'default_transaction_isolation' and exists (
      select from jsonb_array_elements_text(config -> 'db_hoisted_tx_settings') as allowed(pattern)
      where given.name || '=' || given.value ~ allowed.pattern));
begin
  return flags || jsonb_strip_nulls(jsonb_build_object(
    'read_only', case when routine ->> 'volatility' <> 'v' then true end,
    'isolation', isolation,
    'settings', nullif(coalesce(flags -> 'settings', '{}') || coalesce(settings, '{}'), '{}'),
    'before', case when isolation is not null or settings is not null then true end));
end
$$;
comment on function postern.routine_flags(jsonb, jsonb, jsonb) is
  'Adds to flags (the type postern.compiled) those of a routine. In: config: postern.settings. Out: the flags, with '
  'read_only? unless it is volatile; isolation?, settings?: those of its own that are to hold for the transaction; '
  'before?: they must hold before the statement starts. Raises 2201B for a pattern of db-hoisted-tx-settings that is '
  'none. Source: PostgREST docs, references/transactions, "Function Settings".';

create or replace function postern.plan_call_root(context jsonb, routine jsonb, trees jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  returns constant pg_catalog.jsonb := routine -> 'returns';
  relation constant pg_catalog.oid := (returns ->> 'relation_oid')::oid;
begin
  return postern.plan_root(context || jsonb_build_object('routine', routine -> 'oid'),
    jsonb_build_object('oid', returns -> 'relation_oid',
      'schema', coalesce(returns -> 'schema', routine -> 'schema'),
      'name', case when (returns ->> 'composite')::boolean and relation is not null then returns -> 'name'
        else routine -> 'name' end),
    coalesce(postern.relation_columns(relation), '[]'), trees);
end
$$;
comment on function postern.plan_call_root(jsonb, jsonb, jsonb) is
  'Plans the node of a routine''s result. In: as of postern.compile_call and postern.plan_routine. Out: the node of '
  'the relation whose rows the routine returns, else of an unknown one with the routine''s name. Raises what '
  'postern.plan_node raises.';

create or replace function postern.render_call_answer(
  context jsonb, routine jsonb, node jsonb, media jsonb, call text, flags jsonb)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  returns constant pg_catalog.jsonb := routine -> 'returns';
  source constant pg_catalog.text := format('pgrst_source as %I', node ->> 'alias');
  single constant boolean := not (returns ->> 'set')::boolean;
  shape constant pg_catalog.text := case when (returns ->> 'composite')::boolean then 'row' else 'scalar' end
    || case when single then '' else 's' end;
  row_count constant pg_catalog.text := case when single then '1::bigint' else 'pg_catalog.count(*)' end;
  counted constant boolean := coalesce(context -> 'preferences' ->> 'count' in ('exact', 'estimated'), false);
  void constant boolean := (returns ->> 'void')::boolean;
  headers constant pg_catalog.text[] := postern.common_headers(context, case when not void then media end,
    '{count,tx,handling,timezone,max-affected}') || postern.legacy_warning(node);
  body constant pg_catalog.text := case when not void and context ->> 'method' <> 'HEAD'
    then postern.render_body(media, shape, node) end;
  most constant pg_catalog.text := case when context -> 'preferences' ->> 'handling' = 'strict'
    then context -> 'preferences' ->> 'max-affected' end;
  statement pg_catalog.text;
begin
  if shape = 'scalar' and body is not null and not counted and media ->> 'handler' in ('json', 'object')
    and postern.is_default_select(node) and not node ?| '{where,order,limit,offset,range}'
  then
    return postern.compiled_statement(context, postern.render_response(context,
      format('coalesce(%s, ''null'')', case when (media ->> 'strip')::boolean
        then 'pg_catalog.json_strip_nulls(pg_catalog.to_json(pgrst_answer.pgrst_scalar))'
        else 'pg_catalog.to_json(pgrst_answer.pgrst_scalar)' end),
      '200', postern.render_head('''0-0/*''', null, headers), format('(%s offset 0) as pgrst_answer', call)),
      media, flags);
  elsif node ? 'streams' and not void and most is null then
    return postern.compiled_statement(context,
      postern.render_call_stream(context, node, media, shape, call, counted, headers), media,
      postern.stream_flags(flags, context, media));
  elsif void then
    statement := postern.render_response(context, null,
      postern.render_guarded_status('204', row_count, media ->> 'handler' = 'object', most),
      postern.render_head(format('postern.content_range(%s, %s, %s)', postern.render_offset(node), row_count,
        case when counted then row_count else 'null' end), null, headers),
      format('(%s) as pgrst_answer%s', postern.render_rows(node, source, null, 'labels'), postern.render_having()));
  else
    statement := postern.render_page_answer(context, postern.render_rows(node, source, null, 'labels'),
      postern.render_offset(node), body, row_count, headers, null,
      postern.render_total(node, source, case when counted then 'exact' end), media, most, null);
  end if;
  -- Else a function whose value nobody reads would not be called.
  return postern.compiled_statement(context, format('with pgrst_source as %s(%s) %s',
    case when body is null then 'materialized ' else '' end, call, statement), media, flags);
end
$$;
comment on function postern.render_call_answer(jsonb, jsonb, jsonb, jsonb, text, jsonb) is
  'Renders the statement of a call''s answer: filters, order, page and embeds as of a read, over the call; 204 for a '
  'function that returns void. In: routine: postern.plan_routine; media: postern.negotiate; call: postern.render_call; '
  'flags: more of them. Out: the statement and its flags. Rows are counted or not, never estimated, as PostgREST does. '
  'Raises nothing.';
