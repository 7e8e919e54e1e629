-- Settings: what the shell passes on from its configuration.

create or replace function postern.settings(given jsonb)
returns jsonb
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  defaults constant pg_catalog.jsonb := '{"db_schemas": ["public"], "db_extra_search_path": ["public"],
    "db_max_rows": null, "db_max_operations": 100,
    "db_aggregates_enabled": false, "db_etags_enabled": false, "db_plan_enabled": false,
    "db_stream_csv": false, "db_pre_request": null,
    "db_tx_end": "commit", "db_root_spec": null, "openapi_mode": "follow-privileges",
    "openapi_security_active": false, "openapi_server_proxy_uri": null, "client_error_verbosity": "verbose",
    "url_use_legacy_target_names": true,
    "db_hoisted_tx_settings":
      ["statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation"]}';
  schemas pg_catalog.text := pg_catalog.current_setting('pgrst.db_schemas', true);
begin
  if given is null and schemas operator(pg_catalog.<>) '' then
    return defaults operator(pg_catalog.||) pg_catalog.jsonb_build_object('db_schemas',
      (select pg_catalog.jsonb_agg(pg_catalog.btrim(name)) from pg_catalog.string_to_table(schemas, ',') as name));
  end if;
  return defaults operator(pg_catalog.||) coalesce(given, '{}');
end
$$;
comment on function postern.settings(jsonb) is
  'The settings in force: the defaults, overridden by those given. In: null for none; then the schemas are those of '
  'the setting pgrst.db_schemas, else public. Raises nothing. Source: PostgREST docs, references/configuration.';

create or replace function postern.request_schema(method text, fields jsonb, config jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  profile pg_catalog.text := fields ->> case
    when method in ('POST', 'PATCH', 'PUT', 'DELETE') then 'content-profile' else 'accept-profile' end;
begin
  if profile is null then
    return config -> 'db_schemas' ->> 0;
  elsif not config -> 'db_schemas' ? profile then
    perform postern.fail('PGRST106', 'The schema is not exposed: ' || profile, null, 'The exposed schemas are: '
      || (select string_agg(name, ', ') from jsonb_array_elements_text(config -> 'db_schemas') as name));
  end if;
  return profile;
end
$$;
comment on function postern.request_schema(text, jsonb, jsonb) is
  'The schema that a request is about: named by Content-Profile in POST, PATCH, PUT and DELETE, by Accept-Profile in '
  'others, else the first exposed one. In: fields: headers; config: postern.settings. Raises PGRST106 where it is not '
  'exposed. Source: PostgREST docs, references/api/schemas.';

create or replace function postern.search_path(schema text, config jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.string_agg(pg_catalog.format('"%s"', pg_catalog.replace(name, '"', '""')), ', ' order by place)
    from (
      select schema as name, 0::bigint as place
      union all
      select name, place
      from pg_catalog.jsonb_array_elements_text(config -> 'db_extra_search_path') with ordinality as extra(name, place)
    ) as path);
end
$$;
comment on function postern.search_path(text, jsonb) is
  'The search path for statements about a schema. In: config: postern.settings. Out: a value of search_path: the '
  'schema, then db-extra-search-path. Raises nothing.';

create or replace function postern.max_cost(request jsonb)
returns float8
language plpgsql stable parallel safe
as $$
declare
  most pg_catalog.text := request operator(pg_catalog.#>>) '{settings,db_max_cost}';
begin
  if request operator(pg_catalog.?|) '{shell,max_cost}' then
    return (request operator(pg_catalog.->>) 'max_cost')::pg_catalog.float8;
  elsif not request operator(pg_catalog.?) 'settings' then
    most := pg_catalog.current_setting('pgrst.db_max_cost', true);
  end if;
  return case when most operator(pg_catalog.~) '^[+]?0*[1-9][0-9]{0,14}$' then most::pg_catalog.float8 end;
end
$$;
comment on function postern.max_cost(jsonb) is
  'What the plan of a request''s statement may cost. Out: for the shell, and for the operations of its batches, the '
  'member max_cost, which is the role''s; else db_max_cost of the settings given or, without any, the setting '
  'pgrst.db_max_cost; null for any cost, as for 0 and what is no whole number. Raises nothing.';
