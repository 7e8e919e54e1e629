-- The OpenAPI 2.0 description of the API, put together.

create or replace function postern.openapi_paths(schema text, everything boolean, relations oid[])
returns json
language plpgsql stable strict parallel unsafe
as $$
begin
  return (
    select json_object_agg(listed.path, listed.item order by listed.part, listed.path collate "C")
    from (
      select '/' as path, json_build_object('get', postern.openapi_operation('Introspection',
          'OpenAPI description (this document)', null, '{"200": {"description": "OK"} }',
          '["application/openapi+json", "application/json"]')) as item, 1 as part
      union all
      select path, item, 2 from postern.openapi_relation_paths(relations, everything)
      union all
      select path, item, 3 from postern.openapi_routine_paths(openapi_paths.schema, everything)
    ) as listed);
end
$$;
comment on function postern.openapi_paths(text, boolean, oid[]) is
  'The Paths Object: the root, the relations, the routines of the schema, each sorted by name. In: everything: whether '
  'privileges are ignored; relations: of the schema. Raises nothing.';

create or replace function postern.openapi(schema text, config jsonb)
returns json
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  everything boolean := config ->> 'openapi_mode' = 'ignore-privileges';
  secured boolean := (config ->> 'openapi_security_active')::boolean;
  relations pg_catalog.oid[] := postern.openapi_relations(schema, everything);
  address pg_catalog.json := postern.openapi_address(config);
  media constant pg_catalog.json :=
    '["application/json", "application/vnd.pgrst.object+json;nulls=stripped", "application/vnd.pgrst.object+json", '
    '"text/csv"]'::json;
begin
  return json_strip_nulls(json_build_object(
    'swagger', '2.0',
    'info', postern.openapi_info(schema),
    'host', address -> 'host',
    'basePath', address -> 'path',
    'schemes', json_build_array(address -> 'scheme'),
    'consumes', media,
    'produces', media,
    'paths', postern.openapi_paths(schema, everything, relations),
    'definitions', postern.openapi_definitions(relations, everything),
    'parameters', postern.openapi_parameters(relations, everything),
    'securityDefinitions', case when secured then '{"JWT": {"description": "Add the token prepending \"Bearer \" '
      '(without quotes) to it", "in": "header", "name": "Authorization", "type": "apiKey"} }'::json end,
    'security', case when secured then '[{"JWT": []}]'::json end,
    'externalDocs', postern.openapi_documentation()));
end
$$;
comment on function postern.openapi(text, jsonb) is
  'The OpenAPI 2.0 description of a schema for the current role. In: the schema; config: postern.settings. Out: the '
  'OpenAPI Object. No value in it is null: the parts leave out fields by null. Raises nothing. Source: OpenAPI '
  'Specification, version 2.0; PostgREST docs, references/api/openapi.';
