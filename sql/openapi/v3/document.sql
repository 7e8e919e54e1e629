-- The OpenAPI 3.1 description of the API, put together.

create or replace function postern.openapi3(schema text, config jsonb)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set work_mem = '64MB'
as $$
declare
  everything boolean := config ->> 'openapi_mode' = 'ignore-privileges';
  tagged boolean := coalesce((config ->> 'db_etags_enabled')::boolean, false);
  relations oid[] := postern.openapi_relations(schema, everything);
  readable oid[] := postern.openapi3_readable(relations, everything);
  exposed text[] := array(select jsonb_array_elements_text(config -> 'db_schemas'));
  uri text := regexp_replace(config ->> 'openapi_server_proxy_uri', '/$', '');
  aggregates boolean := coalesce((config ->> 'db_aggregates_enabled')::boolean, false);
  most int := (config ->> 'db_max_operations')::int;
  common jsonb := (
    select jsonb_object_agg(section, members)
      from (select section, string_agg(members, ',') as members
              from (
                select c.*
                  from postern.openapi3_common(
                    config ->> 'client_error_verbosity' is distinct from 'minimal', aggregates) as c
                union all
                select t.* from postern.openapi3_tags() as t where tagged) as parts
             group by section) as listed);
begin
  return (
    select concat('{"openapi":"3.1.0","info":', postern.openapi_info(openapi3.schema),
      ',"servers":[{"url":', to_json(coalesce(nullif(uri, ''), '/')),
      '}],"security":',
      case when (config ->> 'openapi_security_active')::boolean then '[{"JWT":[]}]' else '[{},{"JWT":[]}]' end,
      ',"tags":[', r.tags,
      '],"paths":{', postern.openapi3_root(common ->> 'paths', most), ',' || r.paths, ',' || f.paths,
      '},"components":{"headers":{', common ->> 'headers',
      '},"parameters":{', common ->> 'parameters', ',' || r.parameters,
      '},"requestBodies":{', r.request_bodies,
      '},"responses":{', common ->> 'responses', ',' || r.responses,
      '},"schemas":{', postern.openapi3_result(common ->> 'schemas', most), ',' || r.schemas,
      ',' || postern.openapi3_named_types(postern.openapi3_relation_types(relations) || f.types, readable),
      '},"securitySchemes":{', common ->> 'securitySchemes',
      '} },"externalDocs":', postern.openapi_documentation(), ',', common ->> 'extensions', '}')
      from postern.openapi3_relations(relations, readable, exposed, everything, aggregates, tagged) as r,
        postern.openapi3_routines(openapi3.schema, everything, readable) as f);
end
$$;
comment on function postern.openapi3(text, jsonb) is
  'The OpenAPI 3.1 description of a schema for the current role. In: the schema; config: postern.settings. Out: the '
  'OpenAPI Object as JSON text. It knows the same relations, columns and routines as postern.openapi (the functions '
  'postern.described_...). A thousand tables make ten megabytes, for which work_mem is set. Raises what '
  'postern.openapi3_columns raises. Source: OpenAPI Specification 3.1.0; JSON Schema 2020-12.';
