-- What OpenAPI 3.1 says of every API.

create or replace function postern.openapi3_common_parameters()
returns table (key text, item json)
language sql stable parallel safe
as $$
  select key, json_build_object('name', name, 'in', place, 'description', description, 'schema', schema::json)
  from (values
    ('select', 'query', 'select', 'Columns of the answer, such as `a,b:c,d->e`; all columns when it is not given.',
      '{"type": "string"}'),
    ('order', 'query', 'order', 'Order of the rows, such as `a.desc,b.asc.nullslast`.', '{"type": "string"}'),
    ('limit', 'query', 'limit', 'The most rows to answer with.', '{"type": "integer", "minimum": 0}'),
    ('offset', 'query', 'offset', 'How many rows to leave out first.', '{"type": "integer", "minimum": 0}'),
    ('cursor', 'query', 'cursor',
      'Where the page begins, in place of offset: `first`, or `after.` or `before.` with a token, as the links of a '
      'page have it (header Link). Needs limit, and a key of the rows.',
      '{"type": "string", "pattern": "^(first|(after|before)\\..+)$"}'),
    ('and', 'query', 'and', 'Conditions that must all hold, such as `(a.gt.1,or(b.is.null,c.eq.x))`.',
      '{"type": "string"}'),
    ('or', 'query', 'or', 'Conditions of which one must hold, such as `(a.lt.1,a.gt.9)`.', '{"type": "string"}'),
    ('results', 'query', 'results',
      'Conditions on the results of aggregates in `select`, by the name that each has in the answer: `n=gt.1` where '
      'that has `n:count()`. Aggregates are `count()`, and behind a column `.sum()`, `.avg()`, `.min()`, `.max()` and '
      '`.count()`, all with `(distinct)` too; what else is selected groups the rows. `order` may go by their names, '
      '`and` and `or` may have them. `distinct()` in `select` gives each row once.',
      '{"type": "object", "additionalProperties": {"$ref": "#/components/schemas/postern.filter"}, "example": {} }'),
    ('columns', 'query', 'columns', 'Which keys of the body count, such as `a,b`.', '{"type": "string"}'),
    ('on_conflict', 'query', 'on_conflict',
      'Columns of the unique constraint that tells which rows are there; the primary key when it is not given. In '
      'PATCH it counts for bodies of the type `application/vnd.postern.rows+json`.',
      '{"type": "string"}'),
    ('range', 'header', 'Range', 'First and last row, from 0, such as `0-9`.',
      '{"type": "string", "pattern": "^[0-9]*-[0-9]*$"}'),
    ('rangeUnit', 'header', 'Range-Unit', 'The unit of Range.', '{"type": "string", "enum": ["items"]}'),
    ('preferRead', 'header', 'Prefer',
      'Preferences with commas between: `count=exact`, `count=planned` or `count=estimated` (how the total in '
      'Content-Range is known); `handling=strict`; `timezone=...`; `timeout=...` (a number of ms, s or min, or of '
      'seconds).',
      '{"type": "string"}'),
    ('preferInsert', 'header', 'Prefer',
      'Preferences with commas between: `return=representation`, `return=headers-only` or `return=minimal` (the '
      'default); `resolution=merge-duplicates` or `resolution=ignore-duplicates`; `missing=default` (the default of '
      'the column for a missing key); `count=exact`; `handling=strict`; `timezone=...`; `timeout=...`; '
      '`tx=rollback`.',
      '{"type": "string"}'),
    ('preferChange', 'header', 'Prefer',
      'Preferences with commas between: `return=representation`, `return=headers-only` or `return=minimal` (the '
      'default); `count=exact`; `max-affected=...` with `handling=strict`; `missing=default`; `timezone=...`; '
      '`timeout=...`; `tx=rollback`.',
      '{"type": "string"}'),
    ('preferCall', 'header', 'Prefer',
      'Preferences with commas between: `count=exact`, `count=planned` or `count=estimated`; `max-affected=...` with '
      '`handling=strict`; `timezone=...`; `timeout=...`; `tx=rollback`.',
      '{"type": "string"}')
  ) as listed(key, place, name, description, schema)
$$;
comment on function postern.openapi3_common_parameters() is
  'The parameters that do not depend on a relation. Out: keys among the components, and Parameter Objects. Raises '
  'nothing. Source: PostgREST docs, references/api/tables_views, pagination_count, preferences.';

create or replace function postern.openapi3_common(whole boolean, aggregates boolean default false)
returns table (section text, members text)
language sql stable parallel safe
as $$
  select 'parameters', string_agg('"' || key || '":' || item, ',' order by key)
  from postern.openapi3_common_parameters()
  where aggregates or key <> 'results'
  union all
  select section, '"' || key || '":' || item
  from (values
    ('headers', 'Content-Range',
      '{"description": "First and last row of the answer, from 0, and the total where Prefer asks for it: `0-9/40`, '
      '`0-9/*`, `*/0`.", "schema": {"type": "string", "pattern": "^([0-9]+-[0-9]+|\\*)/([0-9]+|\\*)$"} }'),
    ('headers', 'Link',
      '{"description": "Of a page by cursor, the next page and the one before: `<...>; rel=\"next\", '
      '<...>; rel=\"prev\"`.", "schema": {"type": "string"} }'),
    ('headers', 'Preference-Applied',
      '{"description": "The preferences that were followed.", "schema": {"type": "string"} }'),
    ('headers', 'Proxy-Status',
      '{"description": "The code of the error, as RFC 9209 has it.", "schema": {"type": "string"} }'),
    ('headers', 'Location',
      '{"description": "Where the new row is (return=headers-only).", "schema": {"type": "string"} }'),
    ('responses', 'postern.done',
      '{"description": "Done, without a body", '
      '"headers": {"Content-Range": {"$ref": "#/components/headers/Content-Range"}, '
      '"Location": {"$ref": "#/components/headers/Location"}, '
      '"Preference-Applied": {"$ref": "#/components/headers/Preference-Applied"} } }'),
    ('responses', 'postern.error',
      '{"description": "An error", "headers": {"Proxy-Status": {"$ref": "#/components/headers/Proxy-Status"} }, '
      '"content": {"application/json": {"schema": {"$ref": "#/components/schemas/postern.error"} } } }'),
    ('schemas', 'postern.error', case when whole
      then '{"type": "object", "description": "What went wrong.", '
        '"required": ["code", "message", "details", "hint"], "properties": {
        "code": {"type": "string", "description": "A SQLSTATE of PostgreSQL, or PGRST and a number.", '
        '"examples": ["42501", "PGRST116"]},
        "message": {"type": "string"},
        "details": {"description": "More about it; of some codes an object or an array."},
        "hint": {"type": ["string", "null"]} } }'
      else '{"type": "object", "description": "What went wrong.", "required": ["code", "message"], "properties": {
        "code": {"type": "string", "description": "A SQLSTATE of PostgreSQL, or PGRST and a number.", '
        '"examples": ["42501", "PGRST116"]},
        "message": {"type": "string"} } }' end),
    ('schemas', 'postern.filter',
      '{"type": "string", "description": "A filter: operator, dot, value, such as `eq.5`, `gte.2024-01-31`, '
      '`like.S*`, `in.(1,2,3)`, `is.null`, `cs.{a,b}`; `not.` before it negates it. '
      'To filter a column twice use `and`."}'),
    ('securitySchemes', 'JWT',
      '{"type": "http", "scheme": "bearer", "bearerFormat": "JWT", '
      '"description": "A token whose claims name the role of the request."}'),
    ('extensions', 'x-query',
      '{"description": "The method QUERY, for which OpenAPI 3.1 has no operation: each path that has get takes it, '
      'with the same answers. Parameters of the query may then be in the body, in place of the URL or behind what that '
      'has.", "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": '
      '{"schema": {"type": "string"}, "example": "select=id&id=in.(1,2,3)"} } } }'),
    ('paths', '/', '{"get": {"operationId": "postern.root", "tags": ["Introspection"], "summary": "OpenAPI description",
      "responses": {"200": {"description": "OpenAPI 2.0, or 3.1 where Accept has version=3.1", "content": {
        "application/openapi+json": {"schema": {"type": "object"} }, '
        '"application/json": {"schema": {"type": "object"} } } },
        "304": {"description": "It is as it was when it had the ETag in If-None-Match"},
        "default": {"$ref": "#/components/responses/postern.error"} } } }')
  ) as listed(section, key, item)
$$;
comment on function postern.openapi3_common(boolean, boolean) is
  'What does not depend on the schema. In: whole: whether errors have all members (client-error-verbosity is verbose); '
  'aggregates: whether they are on. Out: sections of postern.openapi3, and their members in JSON text. Raises nothing.';
