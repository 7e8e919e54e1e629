-- What the OpenAPI description says about the API as a whole: title, address, documentation.

create or replace function postern.first_line(described text)
returns text
language sql immutable strict parallel safe
as $$
  select split_part(described, E'\n', 1)
$$;
comment on function postern.first_line(text) is
  'The first line of a comment in the database: a title or summary. Raises nothing.';

create or replace function postern.after_first_line(described text)
returns text
language sql immutable strict parallel safe
as $$
  select ltrim(substr(described, length(split_part(described, E'\n', 1)) + 1), E'\n')
$$;
comment on function postern.after_first_line(text) is
  'The rest of a comment in the database, without the empty lines before it: a description. Raises nothing.';

create or replace function postern.openapi_info(schema text)
returns json
language plpgsql stable strict parallel safe
as $$
declare
  described pg_catalog.text := (
    select obj_description(n.oid, 'pg_namespace')
    from pg_catalog.pg_namespace as n
    where n.nspname = openapi_info.schema);
begin
  return json_build_object(
    'title', coalesce(postern.first_line(described), 'postern API'),
    'description', coalesce(
      postern.after_first_line(described), 'A REST API that postern serves from a PostgreSQL schema'),
    'version', postern.version());
end
$$;
comment on function postern.openapi_info(text) is
  'The Info Object of a schema. In: its name. Out: {title, description, version}: the first and the other lines of the '
  'schema''s comment, or postern''s own words, and the version of postern. Raises nothing. Source: PostgREST docs, '
  'references/api/openapi.';

create or replace function postern.openapi_address(config jsonb)
returns json
language plpgsql immutable strict parallel safe
as $$
declare
  place pg_catalog.text[] := regexp_match(config ->> 'openapi_server_proxy_uri',
    '^(https?)://([^/:?#]+|\[[^]]*\])(?::([0-9]*))?([^?#]*)', 'i');
  host pg_catalog.text := config ->> 'server_host';
begin
  if place is not null then
    return json_build_object(
      'scheme', lower(place[1]),
      'host', place[2] || ':'
        || coalesce(nullif(place[3], ''), case lower(place[1]) when 'https' then '443' else '80' end),
      'path', coalesce(nullif(place[4], ''), '/'));
  end if;
  return json_build_object(
    'scheme', 'http',
    'host', case
      when host in ('*', '*4', '!4', '*6', '!6') then '0.0.0.0'
      when strpos(host, ':') > 0 then '[' || host || ']'
      else host end || ':' || (config ->> 'server_port'),
    'path', '/');
end
$$;
comment on function postern.openapi_address(jsonb) is
  'Where the API is: openapi-server-proxy-uri, else server-host and server-port. Out: {scheme, host: with port, path}; '
  'host is null when neither is known. Raises nothing. Source: PostgREST docs, references/configuration.';

create or replace function postern.openapi_documentation()
returns json
language plpgsql immutable parallel safe
as $$
begin
  return '{"description": "PostgREST Documentation", "url": "https://postgrest.org/en/v16/references/api.html"}'::json;
end
$$;
comment on function postern.openapi_documentation() is
  'The External Documentation Object: the reference of the dialect, of the release that this is like. Raises nothing.';
