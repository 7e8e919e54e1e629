-- The description of batches.

create or replace function postern.openapi3_root(paths text, most int)
returns text
language sql immutable parallel safe
as $$
  select case when most > 0 then left(paths, -1) || ', "post": {"operationId": "postern.batch", "tags": ["Batches"],
    "summary": "Several requests in one transaction, all or none", "requestBody": {"required": true, "content": {
      "application/vnd.postern.batch+json": {"schema": {"type": "array", "maxItems": ' || most || ', "items": {
        "type": "object", "required": ["method", "path"], "additionalProperties": false, "properties": {
          "id": {"type": "string", "pattern": "[^0-9]", "description": "A name, for references and the answer."},
          "method": {"type": "string", "enum": ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]},
          "path": {"type": "string", "pattern": "^/", "description": "Path and query. `{#/0/body/0/id}` in it is '
          'replaced by a value of a result before it, named by a JSON pointer whose first part is an id or a place."},
          "headers": {"type": "object", "additionalProperties": {"type": "string"} },
          "body": {"description": "JSON, or a string where Content-Type is another type."},
          "ref": {"type": "string", "minLength": 1, "description": "The key of references in the body: objects with '
          'this key alone, whose value is a JSON pointer such as `#/0/body/0/id`."} } } } } } },
    "responses": {"200": {"description": "All is done", "content": {"application/vnd.postern.batch+json": {
        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/postern.result"} } } } },
      "4XX": {"description": "Nothing is done: the result of the operation that failed, or an error", "content": {
        "application/vnd.postern.batch+json": {"schema": {"$ref": "#/components/schemas/postern.result"} },
        "application/json": {"schema": {"$ref": "#/components/schemas/postern.error"} } } },
      "default": {"$ref": "#/components/responses/postern.error"} } } }' else paths end
$$;
comment on function postern.openapi3_root(text, int) is
  'The paths that every API has, with batches where there may be some. In: paths: of postern.openapi3_common; most: '
  'the most operations of a batch, 0 for no batches. Out: members of paths in JSON text. Raises nothing.';

create or replace function postern.openapi3_result(schemas text, most int)
returns text
language sql immutable parallel safe
as $$
  select case when most > 0 then schemas || ',"postern.result": {"type": "object",
    "description": "The result of an operation of a batch.", "required": ["status", "headers", "body"], "properties": {
      "index": {"type": "integer", "description": "The place of the operation; of one that failed."},
      "id": {"type": "string"}, "status": {"type": "integer"},
      "headers": {"type": "object", "additionalProperties": {"type": "string"} },
      "body": {"description": "JSON as it is; any other text as a string; null for none."},
      "base64": {"const": true, "description": "The body is base64: it is no text."} } }' else schemas end
$$;
comment on function postern.openapi3_result(text, int) is
  'The schemas that every API has, with those of batches where there may be some. In: schemas: of '
  'postern.openapi3_common; most: as of postern.openapi3_root. Out: members of schemas in JSON text. Raises nothing.';
