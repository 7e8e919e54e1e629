-- What the stages of compiling ask about a request: its settings, preferences, schema, path and relation.

create or replace function postern.request_context(request jsonb, config jsonb, schema text, epoch text, call boolean)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  method constant pg_catalog.text := request ->> 'method';
  fields constant pg_catalog.jsonb := coalesce(request -> 'headers', '{}');
begin
  return postern.statement_context(request, epoch) || jsonb_strip_nulls(jsonb_build_object(
    'schema', schema, 'schemas', config -> 'db_schemas',
    'aggregates', config -> 'db_aggregates_enabled', 'legacy', config -> 'url_use_legacy_target_names',
    'plans', config -> 'db_plan_enabled',
    'max_rows', case when call or method in ('GET', 'HEAD') then config -> 'db_max_rows' end,
    'verbosity', config -> 'client_error_verbosity', 'accept', fields -> 'accept',
    'content_type', fields -> 'content-type',
    'preferences', postern.preferences(fields ->> 'prefer', config ->> 'db_tx_end' like '%-allow-override'),
    'tx_end', config -> 'db_tx_end', 'pre_request', config -> 'db_pre_request',
    'stream_csv', config -> 'db_stream_csv',
    'escapes', request -> 'escapes', 'exact', request -> 'exact', 'bodied', request -> 'bodied',
    'max_cost', postern.max_cost(request), 'asks', fields -> 'access-control-request-method',
    'profile', case when jsonb_array_length(config -> 'db_schemas') > 1 or fields ?| '{accept-profile,content-profile}'
      then schema end));
end
$$;
comment on function postern.request_context(jsonb, jsonb, text, text, boolean) is
  'What all stages of compiling may ask about a request. In: config: postern.settings; schema: postern.request_schema; '
  'call: whether it calls a routine. Out: postern.statement_context with {schema; schemas; aggregates; legacy; plans; '
  'max_rows?; verbosity; accept?; content_type?; preferences; tx_end; pre_request?; stream_csv: db-stream-csv; '
  'escapes?: some text needs an escape; exact?: as of postern.parameter_types; bodied?: as of postern.query_as_get; '
  'max_cost?: postern.max_cost; asks?: the method that OPTIONS asks for; profile?: the schema, where the answer names '
  'it}. Raises nothing.';

create or replace function postern.statement_context(request jsonb, epoch text)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return jsonb_build_object('method', request -> 'method', 'epoch', epoch,
    'described', request ? 'payload' or request ->> 'method' not in ('POST', 'PATCH', 'PUT', 'QUERY'),
    'parameters', coalesce((request ->> 'values')::int, 0) + 2);
end
$$;
comment on function postern.statement_context(jsonb, text) is
  'What every statement has to know of its request. Out: {method; epoch; described: the statement depends on the body '
  'only by what the request says of it; parameters: how many the statement has}. Raises nothing.';

create or replace function postern.range_bounds(range text, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  if number is null or strpos(range, chr(1)) = 0 then
    return postern.parse_range(range);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('first', jsonb_build_object('param', number),
    'last', case when range like '%-_' then jsonb_build_object('param', number + 1) end));
end
$$;
comment on function postern.range_bounds(text, int) is
  'Reads a Range header whose bounds may be placeholders. In: the header; number: of the first placeholder, null where '
  'there are none. Out: {first: {param} or {value}; last?}, null as of postern.parse_range. Raises what that raises.';

create or replace function postern.placeholders(text text)
returns int
language plpgsql immutable strict parallel safe
as $$
begin
  return length(text) - length(replace(text, chr(1), ''));
end
$$;
comment on function postern.placeholders(text) is 'Counts the placeholders, chr(1), in a text. Raises nothing.';

create or replace function postern.api_path(request jsonb, config jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return postern.search_path(coalesce(
    nullif(request -> 'headers' ->> case
      when request ->> 'method' in ('POST', 'PATCH', 'PUT', 'DELETE') then 'content-profile'
      else 'accept-profile' end, ''),
    config -> 'db_schemas' ->> 0), config);
end
$$;
comment on function postern.api_path(jsonb, jsonb) is
  'The search path under which code of the user''s runs in a request, whether or not its schema is exposed. In: '
  'config: postern.settings. Out: a value of search_path. Raises nothing.';

create or replace function postern.path_segments(path text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
begin
  return case when path in ('', '/') then '{}'
    when strpos(path, '%') = 0 then string_to_array(substr(path, 2), '/')
    else array(select postern.percent_decode(segment) from string_to_table(substr(path, 2), '/') as segment) end;
end
$$;
comment on function postern.path_segments(text) is
  'Splits a raw URL path into its segments, decoded. Out: none for the root. Raises what postern.percent_decode '
  'raises.';

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
  'Checks that the root, a relation or a routine takes a method. In: segments: postern.path_segments. Raises PGRST101 '
  'where a routine does not, PGRST117 where the root or nothing does.';

create or replace function postern.require_relation(schema text, name text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  found pg_catalog.jsonb := postern.find_relation(schema, name);
begin
  if found is null then
    perform postern.fail('PGRST205', format('There is no table or view ''%s.%s''', schema, name), null,
      'Perhaps you meant the table ''' || schema || '.' || postern.relation_hint(schema, name) || '''');
  end if;
  return found;
end
$$;
comment on function postern.require_relation(text, text) is
  'Finds an exposed relation that must be there. In: schema and name. Out: as of postern.find_relation. Raises '
  'PGRST205 where the schema has none of that name.';
