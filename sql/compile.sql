-- A request as a statement: parse, plan, render, in that order. Also what is wrong with a request compiles, to a
-- statement that yields the error. What compiling calls is PL/pgSQL even where it is one query: a function in SQL that
-- is not inlined (a strict one with CASE, any with FROM) is parsed and planned anew in every transaction, which costs
-- some 100 microseconds, while PL/pgSQL keeps its plans for the session. It has no search path of its own, as setting
-- one costs some microseconds at each call, unless it is called under that of the API, too: then its queries would be
-- planned anew at each call. It is an expression rather than a query where it can be, for what a query begins with
-- costs more than most of them do. Catalogs are in memory and read by index: at the usual random_page_cost, plans that
-- are to hold for the session scan those of a small database.

create or replace function postern.compile(request jsonb, payload bytea default null)
returns postern.compiled
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set random_page_cost = 0.1
as $$
declare
  config constant jsonb := postern.settings(request -> 'settings')
    || case when request ? 'batch' then '{"db_tx_end": "commit"}' else '{}' end::jsonb;
  epoch constant text := postern.epoch();
  state text;
  message text;
  detail text;
  hint text;
begin
  if request ->> 'method' = 'QUERY' then
    request := postern.query_as_get(request, payload);
  end if;
  if strpos(request ->> 'query', '::') > 0 or strpos(request ->> 'query', '%3') > 0
    or strpos(request ->> 'query', 'on_conflict') > 0 or strpos(request -> 'headers' ->> 'prefer', 'missing') > 0
  then
    -- for postern.cast_type, default_expressions, arbiter_condition
    perform set_config('postern.path', postern.api_path(request, config), true);
  end if;
  return postern.compile_request(request, payload, config, epoch);
exception when others then
  get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
    hint = pg_exception_hint;
  return postern.compile_error(request, config, epoch, state, message, detail, hint);
end
$$;
comment on function postern.compile(jsonb, bytea) is
  'Compiles a request to the statement that answers it; what is wrong with a request compiles to one that yields the '
  'error. In: the request (postern.handle); payload: the body, read only where the request does not describe it. Out: '
  'the statement and its flags (the type postern.compiled). Its search path is its own, so that nothing in an exposed '
  'schema is called. Raises nothing that a client can cause.';

create or replace function postern.compile_request(request jsonb, payload bytea, config jsonb, epoch text)
returns postern.compiled
language plpgsql stable
as $$
declare
  method constant pg_catalog.text := request ->> 'method';
  fields constant pg_catalog.jsonb := coalesce(request -> 'headers', '{}');
  writes constant boolean := method in ('POST', 'PATCH', 'PUT', 'DELETE');
  number constant int := case when (request ->> 'values')::int > 0 then 3 end; -- else a chr(1) is the client's
  segments pg_catalog.text[] := postern.path_segments(request ->> 'path');
  version pg_catalog.text := postern.description_version(segments);
  schema pg_catalog.text;
  call boolean;
  trees pg_catalog.jsonb;
  described pg_catalog.jsonb;
  context pg_catalog.jsonb;
begin
  if cardinality(segments) = 0 and config ->> 'db_root_spec' is not null
    and config ->> 'openapi_mode' <> 'disabled'
  then
    segments := array['rpc', regexp_replace(config ->> 'db_root_spec', '^[^.]*\.', '')];
  end if;
  call := cardinality(segments) = 2 and segments[1] = 'rpc';
  if cardinality(segments) > 1 and not call and version is null or segments[1] = '' then
    perform postern.fail('PGRST125', 'The path of the URL leads nowhere');
  elsif version is not null and config ->> 'db_root_spec' is not null
    or (cardinality(segments) = 0 or version is not null) and config ->> 'openapi_mode' = 'disabled'
  then
    perform postern.fail('PGRST126', 'No description of the API is given');
  end if;
  schema := postern.request_schema(method, fields, config);
  perform postern.check_method(method, case when version is null then segments else '{}' end);
  context := postern.request_context(request, config, schema, epoch, call);
  if method = 'OPTIONS' then
    return postern.compile_options(context, case when version is null then segments else '{}' end);
  end if;
  trees := postern.query_trees(coalesce(request ->> 'query', ''), call, writes, number);
  if cardinality(segments) = 0 or version is not null then
    return postern.compile_root(context, config, version);
  elsif method = 'GET' and fields ? 'range' then
    trees := trees || jsonb_strip_nulls(jsonb_build_object('range',
      postern.range_bounds(fields ->> 'range', (trees ->> 'next')::int)));
  elsif method in ('POST', 'PATCH', 'PUT') then
    described := coalesce(request -> 'payload', postern.describe_payload(request, call, payload));
    if described ? 'refused' then
      perform postern.fail_line('PGRST102', described ->> 'refused', (described ->> 'line')::bigint);
    end if;
    trees := trees || jsonb_build_object('payload', described);
    context := context
      || jsonb_strip_nulls(jsonb_build_object('text', described -> 'text', 'bytes', described -> 'bytes'));
  end if;
  if not call then
    context := context || postern.conditions(fields, context -> 'preferences', config, (trees ->> 'next')::int
      + case when trees ? 'range' then postern.placeholders(fields ->> 'range') else 0 end);
  end if;
  return case
    when call then postern.compile_call(context, segments[2], trees, config)
    when writes then postern.compile_write(context, segments[1], trees)
    when trees ? 'cursor' then postern.compile_cursor(context, segments[1], trees)
    else postern.compile_read(context, segments[1], trees) end;
end
$$;
comment on function postern.compile_request(jsonb, bytea, jsonb, text) is
  'Compiles a request as postern.compile does, but raises what is wrong with it. In: config: postern.settings; epoch: '
  'postern.epoch(). Raises PGRST125 for a path that leads nowhere, PGRST126 where no description is given, PGRST102 '
  'for a body that is refused (postern.describe_payload), and what the functions that it calls raise.';

create or replace function postern.compile_error(
  request jsonb, config jsonb, epoch text, state text, message text, detail text, hint text)
returns postern.compiled
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  answer record;
  context constant jsonb := postern.statement_context(request, epoch) || '{"exact": true}'; -- messages may say $3
begin
  answer := postern.error_response(state, message, detail, hint, coalesce((request ->> 'anonymous')::boolean, false),
    config ->> 'client_error_verbosity');
  return postern.compiled_statement(context, postern.render_response(context,
    case when request ->> 'method' <> 'HEAD'
      then quote_literal(convert_from(answer.body, 'UTF8')) || '::pg_catalog.text' end,
    answer.status::text, quote_literal(postern.header_lines(answer.headers)), null), null);
end
$$;
comment on function postern.compile_error(jsonb, jsonb, text, text, text, text, text) is
  'Compiles a request whose shape is in error to the statement that yields that error. In: config, epoch: as of '
  'postern.compile_request; then the error, as of postern.error_response. Out: the statement and its flags. Raises '
  'what that raises.';

create or replace function postern.compiled_statement(
  context jsonb, statement text, media jsonb, flags jsonb default '{}')
returns postern.compiled
language plpgsql immutable parallel safe
as $$
declare
  wish constant pg_catalog.text := context -> 'preferences' ->> 'tx';
  most constant int := (context ->> 'parameters')::int;
  types pg_catalog.text[];
begin
  if media ? 'explain' then
    statement := postern.render_response(context - '{code,explain}'::text[],
      format('postern.explained(%L, %s%s)', media ->> 'explain', postern.render_placeholders(statement), case
        when media ->> 'explain' like '%analyze%' then ', ' || (context ->> 'max_cost') || '::pg_catalog.float8' end),
      '200', quote_literal(postern.header_lines(postern.common_headers(context, media, '{}'))), null);
    types := array_fill('text'::text, array[most]);
  else
    types := postern.parameter_types(context, statement);
  end if;
  return row(statement, jsonb_strip_nulls(jsonb_build_object('params', to_jsonb(types), 'epoch', context -> 'epoch',
      'keep', (context ->> 'described')::boolean
        and (wish is not null or context ->> 'tx_end' like 'rollback%') is not true,
      'read_only', case when context ->> 'method' in ('GET', 'HEAD', 'OPTIONS') then true end,
      'rollback', case
        when wish = 'rollback' or context ->> 'tx_end' like 'rollback%' and wish is distinct from 'commit'
        then true end,
      'text', context -> 'text', 'bytes', context -> 'bytes', 'certain', context -> 'certain',
      'max_cost', context -> 'max_cost', 'look', case when context ? 'max_cost' then true end,
      'binary', case when postern.is_binary(media) and not media ? 'explain' then true end))
    || flags)::postern.compiled;
end
$$;
comment on function postern.compiled_statement(jsonb, text, jsonb, jsonb) is
  'Puts a statement and its flags together. In: context: postern.request_context; media: of the answer '
  '(postern.negotiate), null for none; flags: more of them. Out: the type postern.compiled; where the media type is '
  'the execution plan, the statement is one that explains that given. Raises nothing.';

create or replace function postern.parameter_types(context jsonb, statement text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := (context ->> 'parameters')::int;
  types pg_catalog.text[] := array['text', case when strpos(statement, '$2::pg_catalog.json') > 0 then 'json'
    when strpos(statement, '$2::pg_catalog.text') > 0 then 'text' else 'bytea' end];
begin
  if most > 2 and context ? 'exact' then
    statement := regexp_replace(statement, '''(?:[^'']|'''')*''|"(?:[^"]|"")*"', '', 'g');
  end if;
  for number in 3 .. most loop
    types[number] := case when statement ~ ('\$' || number || '(?![0-9])') then 'unknown' else 'text' end;
  end loop;
  return types;
end
$$;
comment on function postern.parameter_types(jsonb, text) is
  'The types of the parameters of a statement. In: context: {parameters: how many; exact?: what looks like a parameter '
  'may be part of a name or a constant, so these are left out first}. Out: text for the query of Content-Location; for '
  'the body the type that it is cast to, or bytea where it does not occur, as every body can be that; for each value '
  'unknown, so that PostgreSQL infers it, or text where it does not occur, as there is nothing to infer it from. '
  'Raises nothing.';

create or replace function postern.compile_options(context jsonb, segments text[])
returns postern.compiled
language plpgsql stable
as $$
declare
  allowed pg_catalog.text := 'OPTIONS,GET,HEAD';
  relation pg_catalog.jsonb;
  keyed boolean;
  queries pg_catalog.text[];
begin
  if cardinality(segments) = 2 then
    allowed := case
      when postern.plan_routine(context ->> 'schema', segments[2], '{}', null, false) ->> 'volatility' = 'v'
      then 'OPTIONS,POST' else 'OPTIONS,GET,HEAD,POST' end;
  elsif cardinality(segments) = 1 then
    relation := postern.require_relation(context ->> 'schema', segments[1]);
    keyed := postern.relation_pk((relation ->> 'oid')::oid) <> '{}';
    allowed := concat_ws(',', allowed,
      case when (relation ->> 'insertable')::boolean then 'POST' end,
      case when (relation ->> 'insertable')::boolean and (relation ->> 'updatable')::boolean and keyed then 'PUT' end,
      case when (relation ->> 'updatable')::boolean then 'PATCH' end,
      case when (relation ->> 'deletable')::boolean then 'DELETE' end);
  end if;
  if context ->> 'asks' = 'QUERY' and allowed like '%GET%' then
    allowed := allowed || ',QUERY';
    queries := array[['Accept-Query', 'application/x-www-form-urlencoded']];
  end if;
  return postern.compiled_statement(context, postern.render_response(context, null, '200', quote_literal(
    postern.header_lines(array[['Access-Control-Allow-Origin', '*'], ['Allow', allowed]] || queries)), null), null);
end
$$;
comment on function postern.compile_options(jsonb, text[]) is
  'Answers OPTIONS: which methods the root, a relation or a function takes. In: segments: of the path '
  '(postern.path_segments), none for a description. Out: the statement and its flags; QUERY is among the methods where '
  'Access-Control-Request-Method asks for it. Raises PGRST202, PGRST203 and PGRST205 where no function, several or no '
  'relation is there. Source: PostgREST docs, references/api/options.';
