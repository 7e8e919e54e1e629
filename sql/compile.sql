-- A request as a statement: resource, schema, trees, plan, SQL.

create or replace function postern.compile(request jsonb, shape text, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  method text := request ->> 'method';
  fields jsonb := postern.request_fields(request);
  segments text[] := postern.path_segments(request ->> 'path');
  call boolean := cardinality(segments) = 2 and segments[1] = 'rpc';
  schema text;
  preferences jsonb := postern.preferences(fields ->> 'prefer', config ->> 'db_tx_end' like '%-allow-override');
  context jsonb;
  trees jsonb;
begin
  if cardinality(segments) = 0 or postern.description_version(segments) is not null then
    return postern.compile_root(request, shape, config, postern.description_version(segments));
  elsif cardinality(segments) > 1 and not call then
    perform postern.fail('PGRST125', 'The path of the URL leads nowhere');
  end if;
  schema := postern.request_schema(method, fields, config);
  perform postern.check_method(method, segments);
  if method = 'OPTIONS' then
    return postern.compile_options(schema, segments);
  end if;
  trees := postern.query_trees(shape, case when request ? 'location' then 2 else 1 end);
  if trees ? 'refused' then
    perform postern.fail('PGRST102', trees ->> 'refused');
  end if;
  context := jsonb_build_object('schema', schema, 'schemas', config -> 'db_schemas', 'method', method,
    'aggregates', config -> 'db_aggregates_enabled', 'legacy', config -> 'url_use_legacy_target_names', 'plans', config -> 'db_plan_enabled',
    'max_rows', case when call or method in ('GET', 'HEAD') then config -> 'db_max_rows' end, 'verbosity', config ->> 'client_error_verbosity',
    'accept', fields -> 'accept', 'content_type', fields -> 'content-type', 'preferences', preferences, 'pre_request', request ? 'pre_request', 'epoch', postern.epoch(),
    'profile', case when jsonb_array_length(config -> 'db_schemas') > 1 or fields ?| '{accept-profile,content-profile}' then schema end)
    || case when request ? 'escapes' then '{"escapes": true}' else '{}'::jsonb end;
  if call then
    return postern.compile_call(context, segments[2], trees, request, config);
  elsif method in ('GET', 'HEAD') then
    return postern.compile_read(context, segments[1], trees);
  end if;
  return postern.compile_write(context, segments[1], trees);
end
$$;
comment on function postern.compile(jsonb, text, jsonb) is
  'What a request compiles to. request: as of postern.answer; escapes: some text of the answer needs an escape, so that rows are not written. shape: of its parameters and payload; config: postern.settings. Raises SQLSTATE PNERR for all that is wrong with the request.';

create or replace function postern.path_segments(path text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when ltrim(path, '/') = '' then '{}'
      else array(select case when strpos(segment, '%') > 0 then postern.percent_decode(segment) else segment end
        from string_to_table(substr(path, 2), '/') as segment) end);
end
$$;
comment on function postern.path_segments(text) is 'The decoded segments of a raw URL path; none for the root.';

create or replace function postern.check_method(method text, segments text[])
returns void
language plpgsql immutable strict parallel safe
as $$
begin
  if cardinality(segments) = 2 and method not in ('GET', 'HEAD', 'POST', 'OPTIONS') then
    perform postern.fail('PGRST101', format('A function cannot be called with the method %s', method));
  elsif cardinality(segments) = 0 and method not in ('GET', 'HEAD', 'OPTIONS')
    or method not in ('GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS')
  then
    perform postern.fail('PGRST117', format('The HTTP method is not supported: %s', method));
  end if;
end
$$;
comment on function postern.check_method(text, text[]) is
  'PGRST101 and PGRST117: whether the root, a relation or a routine takes the method.';

create or replace function postern.require_relation(schema text, name text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  found jsonb := postern.find_relation(schema, name);
begin
  if found is null then
    perform postern.fail('PGRST205', format('There is no table or view ''%s.%s''', schema, name), null,
      'Perhaps you meant the table ''' || schema || '.' || postern.relation_hint(schema, name) || '''');
  end if;
  return found;
end
$$;
comment on function postern.require_relation(text, text) is
  'A relation by name (postern.find_relation); PGRST205 when the schema has none of that name.';

create or replace function postern.compile_options(schema text, segments text[])
returns postern.compiled
language plpgsql stable
as $$
declare
  allowed text;
  relation jsonb;
  keyed boolean;
begin
  if cardinality(segments) = 2 then
    allowed := case when postern.plan_routine(schema, segments[2], '{}', null, false) ->> 'volatility' = 'v'
      then 'OPTIONS,POST' else 'OPTIONS,GET,HEAD,POST' end;
  else
    relation := postern.require_relation(schema, segments[1]);
    keyed := postern.relation_pk((relation ->> 'oid')::oid) <> '{}';
    allowed := concat_ws(',', 'OPTIONS,GET,HEAD',
      case when (relation ->> 'insertable')::boolean then 'POST' end,
      case when (relation ->> 'insertable')::boolean and (relation ->> 'updatable')::boolean and keyed then 'PUT' end,
      case when (relation ->> 'updatable')::boolean then 'PATCH' end,
      case when (relation ->> 'deletable')::boolean then 'DELETE' end);
  end if;
  return postern.direct_answer(200, array[['Access-Control-Allow-Origin', '*'], ['Allow', allowed]]);
end
$$;
comment on function postern.compile_options(text, text[]) is
  'The answer to OPTIONS: which methods the relation or function takes. PGRST202, PGRST205. Source: PostgREST docs, references/api/options.';

create or replace function postern.direct_answer(status int, headers text[])
returns postern.compiled
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select row(null, null, null, status, headers, null)::postern.compiled);
end
$$;
comment on function postern.direct_answer(int, text[]) is 'An answer without a statement and without a body.';
