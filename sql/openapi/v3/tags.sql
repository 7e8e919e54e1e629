-- Entity tags in OpenAPI 3.1, where db-etags-enabled is on.

create or replace function postern.openapi3_tags()
returns table (section text, members text)
language sql stable parallel safe
as $$
  select section, '"' || key || '":' || item
  from (values
    ('parameters', 'ifMatch',
      '{"name": "If-Match", "in": "header", "description": "Entity tags of the row, one of which it must still '
      'have, or `*`: it must be there. Filters must name it by a unique key.", '
      '"schema": {"type": "string"} }'),
    ('parameters', 'ifNoneMatch',
      '{"name": "If-None-Match", "in": "header", "description": "Entity tags of answers that the client has.", '
      '"schema": {"type": "string"} }'),
    ('parameters', 'ifAbsent',
      '{"name": "If-None-Match", "in": "header", "description": "`*`: the row must not be there yet.", '
      '"schema": {"type": "string", "enum": ["*"]} }'),
    ('headers', 'ETag', '{"description": "The entity tag of the answer.", "schema": {"type": "string"} }'),
    ('responses', 'postern.same', '{"description": "The client has this answer (If-None-Match)", '
      '"headers": {"ETag": {"$ref": "#/components/headers/ETag"} } }'),
    ('responses', 'postern.changed', '{"description": "The row is not as If-Match or If-None-Match require it", '
      '"headers": {"Proxy-Status": {"$ref": "#/components/headers/Proxy-Status"} }, '
      '"content": {"application/json": {"schema": {"$ref": "#/components/schemas/postern.error"} } } }')
  ) as listed(section, key, item)
$$;
comment on function postern.openapi3_tags() is
  'What answers with entity tags take, as of postern.openapi3_common. Raises nothing.';
