-- The root of the API.

create or replace function postern.compile_root(request jsonb, shape text, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  fields jsonb := postern.request_fields(request);
  schema text;
begin
  if config ->> 'openapi_mode' = 'disabled' then
    perform postern.fail('PGRST126', 'No description of the API is given');
  elsif config ->> 'db_root_spec' is not null then
    return postern.compile_root_call(request, shape, config);
  end if;
  schema := postern.request_schema(request ->> 'method', fields, config);
  perform postern.check_method(request ->> 'method', '{}');
  perform postern.query_trees((postern.shape_of(request ->> 'pairs', request || '{"path": "/no_call"}'))[1]);
  if request ->> 'method' = 'OPTIONS' then
    return postern.direct_answer(200, array[['Access-Control-Allow-Origin', '*'], ['Allow', 'OPTIONS,GET,HEAD']]);
  end if;
  perform postern.check_root_media(fields ->> 'accept');
  return row(null, null, null, 200,
    array[['Content-Type', 'application/openapi+json; charset=utf-8']]
      || case when jsonb_array_length(config -> 'db_schemas') > 1 or fields ? 'accept-profile' then array[['Content-Profile', schema]] end,
    case when request ->> 'method' <> 'HEAD' then convert_to(postern.openapi(schema, config)::text, 'UTF8') end)::postern.compiled;
end
$$;
comment on function postern.compile_root(jsonb, text, jsonb) is
  'The answer at the root: the OpenAPI description, or what the function db-root-spec answers. shape: as for postern.compile, with parameters as arguments; a description has none, so there they are refused with PGRST100. PGRST106, PGRST107, PGRST117, PGRST126. Source: PostgREST docs, references/api/openapi.';

create or replace function postern.compile_root_call(request jsonb, shape text, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  spec text := config ->> 'db_root_spec';
  name text := case when strpos(spec, '.') > 0 then substr(spec, strpos(spec, '.') + 1) else spec end;
begin
  return postern.compile(request || jsonb_build_object('path', '/rpc/' || postern.percent_encode(name)), shape, config);
end
$$;
comment on function postern.compile_root_call(jsonb, text, jsonb) is
  'The root as a call of the function db-root-spec, whose schema is that of the request. Source: PostgREST docs, references/api/openapi, "Overriding Full OpenAPI Response".';

create or replace function postern.check_root_media(accept text)
returns void
language plpgsql immutable parallel safe
as $$
declare
  accepted jsonb := postern.accepted_media_types(accept);
begin
  if not exists (
    select from jsonb_array_elements(accepted) as media
    where media ->> 'name' in ('application/openapi+json', 'application/json', '*/*'))
  then
    perform postern.fail('PGRST107', 'None of these media types can be produced: ' || (
      select string_agg(media ->> 'name', ', ' order by place) from jsonb_array_elements(accepted) with ordinality as listed(media, place)));
  end if;
end
$$;
comment on function postern.check_root_media(text) is
  'PGRST107 when an Accept header allows none of the media types of the description: application/openapi+json, application/json.';
