-- Calls of routines.

create or replace function postern.compile_call(context jsonb, name text, trees jsonb, request jsonb, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  post boolean := context ->> 'method' = 'POST';
  form text := left(trees ->> 'json', 1);
  keys text[] := case when post and not trees ? 'form' then postern.payload_keys(trees)
    else array(select distinct argument ->> 'name' from jsonb_array_elements(trees -> 'arguments') as argument order by 1) end;
  routine jsonb := postern.plan_routine(context ->> 'schema', name, keys, context ->> 'content_type', post);
  hoisted jsonb := postern.hoisted_settings(routine, config);
  returns jsonb := routine -> 'returns';
  node jsonb := postern.plan_call_root(context, routine, trees);
  media jsonb;
  call text;
begin
  if post and trees -> 'arguments' @> '[{"url": true}]' then
    perform postern.fail('PGRST100', 'Cannot read a filter',
      format('The parameter %s has no operator; the arguments of a POST are in its body.', (
        select argument ->> 'name' from jsonb_array_elements(trees -> 'arguments') as argument where argument ? 'url' limit 1)));
  end if;
  if request ? 'shell' and hoisted <> '{"isolation": null, "settings": {} }'::jsonb and request -> 'hoisted' is distinct from hoisted then
    return row(null, null, null, 0, null, convert_to(hoisted::text, 'UTF8'))::postern.compiled;
  end if;
  media := postern.plan_media(context, node, node ->> 'relation');
  node := postern.plan_rows(postern.for_media(node, media), case when (returns ->> 'set')::boolean then 'call' else 'row' end, false);
  if context -> 'preferences' ->> 'handling' = 'strict' and context -> 'preferences' ? 'max-affected' and not (returns ->> 'set')::boolean then
    perform postern.fail('PGRST128', 'max-affected with handling=strict needs a function that returns SETOF or TABLE');
  end if;
  call := postern.render_call(routine, node, case when post and not trees ? 'form' then null else trees -> 'arguments' end, keys,
    case when post and not trees ? 'form' then case when trees ? 'empty' then '' else coalesce(form, '{') end end,
    post and routine ->> 'volatility' <> 'v');
  return postern.render_call_answer(context, routine, node, media, call, (trees ->> 'params')::int);
end
$$;
comment on function postern.compile_call(jsonb, text, jsonb, jsonb, jsonb) is
  'GET, HEAD or POST of a routine. Answers status 0 where the function has settings that must hold before the statement starts. Source: PostgREST docs, references/api/functions.';

create or replace function postern.plan_call_root(context jsonb, routine jsonb, trees jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  returns jsonb := routine -> 'returns';
  relation oid := (returns ->> 'relation_oid')::oid;
begin
  return postern.plan_root(context, jsonb_build_object('oid', returns -> 'relation_oid', 'schema', coalesce(returns -> 'schema', routine -> 'schema'),
      'name', case when (returns ->> 'composite')::boolean and relation is not null then returns -> 'name' else routine -> 'name' end),
    coalesce(postern.relation_columns(relation), '[]'), trees);
end
$$;
comment on function postern.plan_call_root(jsonb, jsonb, jsonb) is
  'The node of a routine''s result: that of the relation whose rows it returns, else of an unknown one.';

create or replace function postern.render_call_answer(context jsonb, routine jsonb, node jsonb, media jsonb, call text, params int)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  returns jsonb := routine -> 'returns';
  source text := format('pgrst_source as %I', node ->> 'alias');
  single boolean := not (returns ->> 'set')::boolean;
  shape text := case when (returns ->> 'composite')::boolean then 'row' else 'scalar' end || case when single then '' else 's' end;
  row_count text := case when single then '1::bigint' else 'count(*)' end;
  counted text := case when context -> 'preferences' ->> 'count' in ('exact', 'estimated') then 'exact' end;
  void boolean := (returns ->> 'void')::boolean;
  headers text[] := postern.common_headers(context, case when not void then media end, '{count,tx,handling,timezone,max-affected}') || postern.legacy_warning(node);
  body text := case when not void and context ->> 'method' <> 'HEAD' then postern.render_body(media, shape, node) end;
  one boolean := media ->> 'handler' = 'object';
  most text := case when context -> 'preferences' ->> 'handling' = 'strict' then context -> 'preferences' ->> 'max-affected' end;
  note text := postern.render_note(context, true);
  used jsonb := media || jsonb_build_object('leaves', routine ->> 'volatility' = 'v' or (context ->> 'pre_request')::boolean);
  statement text;
begin
  if shape = 'scalar' and body is not null and counted is null and media ->> 'handler' in ('json', 'object') and postern.is_default_select(node)
    and not node ?| '{where,order,limit,offset,range}'
  then
    return postern.compiled_statement(context, postern.render_answer('200',
      concat_ws(' || ', quote_literal(E'\nContent-Range: 0-0/*'), postern.render_headers(headers)),
      postern.render_scalar((media ->> 'strip')::boolean), format('(%s) as pgrst_answer', call), used, note), params, media, null);
  elsif void then
    statement := postern.render_answer(postern.render_guarded_status('204', row_count, one, most),
      concat_ws(', ', quote_literal(E'\nContent-Range: '), format('postern.content_range(0, %s, %s)', row_count, case when counted is null then 'null' else row_count end),
        postern.render_headers(headers)),
      body, format('(%s) as pgrst_answer having count(*) >= 0', postern.render_rows(node, source, null, 'labels')), used, note);
  else
    statement := postern.render_page_answer(postern.render_rows(node, source, null, 'labels'), postern.render_offset(node), body, row_count, headers,
      null, postern.render_total(node, source, counted), context ->> 'verbosity', one, most, used, note);
  end if;
  -- Else a function whose value nobody reads would not be called.
  return postern.compiled_statement(context, format('with pgrst_source as %s(%s) %s', case when body is null then 'materialized ' else '' end, call, statement), params, media, null);
end
$$;
comment on function postern.render_call_answer(jsonb, jsonb, jsonb, jsonb, text, int) is
  'The statement of a call''s answer: the read grammar over the call; 204 for a function that returns void. Rows are counted or not, never estimated, as PostgREST does.';
