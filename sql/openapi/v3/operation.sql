-- Parts of which paths are made.

create or replace function postern.openapi3_operation(id text, about text, parameters text, body text, responses text)
returns text
language sql immutable parallel safe
as $$
  select '{"operationId":"' || id || '",' || about || ',"parameters":[' || coalesce(parameters, '') || ']'
    || coalesce(',"requestBody":' || body, '') || ',"responses":{' || responses
    || ',"default":{"$ref":"#/components/responses/postern.error"} } }'
$$;
comment on function postern.openapi3_operation(text, text, text, text, text) is
  'An Operation Object, put together from JSON text, as thousands are needed. In: id: a key (postern.openapi3_key); '
  'about: members (postern.openapi3_about); parameters: elements (postern.openapi3_parameters); body: an object, null '
  'for none; responses: members. Out: JSON text. Raises nothing.';

create or replace function postern.openapi3_about(tag text, described text)
returns text
language sql stable parallel safe
as $$
  select '"tags":[' || to_json(tag)::text || ']'
    || coalesce(',"summary":' || to_json(postern.first_line(described)), '')
    || coalesce(',"description":' || to_json(nullif(postern.after_first_line(described), '')), '')
$$;
comment on function postern.openapi3_about(text, text) is
  'The members tags, summary and description of an Operation Object. In: the tag; described: the comment in the '
  'database, whose first line is the summary. Out: JSON text. Raises nothing.';

create or replace function postern.openapi3_parameters(variadic keys text[])
returns text
language sql stable parallel safe
as $$
  select '{"$ref":"#/components/parameters/' || array_to_string(keys, '"},{"$ref":"#/components/parameters/') || '"}'
$$;
comment on function postern.openapi3_parameters(text[]) is
  'References to shared parameters, for postern.openapi3_operation. In: keys as of postern.openapi3_key, which need no '
  'escaping. Out: Reference Objects in JSON text, with commas between. Raises nothing.';

create or replace function postern.openapi3_body(key text, many boolean)
returns text
language sql immutable parallel safe
as $$
  select '{"required":true,"content":{"application/json":{"schema":'
    || case when many
      then '{"oneOf":[{"$ref":"#/components/schemas/' || key
        || '"},{"type":"array","items":{"$ref":"#/components/schemas/' || key || '"} }]}'
      else '{"$ref":"#/components/schemas/' || key || '"}' end
    || '},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/' || key || '"} }'
    || case when many
      then ',"text/csv":{"schema":{"type":"string"} },"application/x-ndjson":{"schema":{"type":"string"} }'
      else ',"application/vnd.postern.rows+json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/'
        || key || '"} } }' end || '} }'
$$;
comment on function postern.openapi3_body(text, boolean) is
  'A Request Body Object as JSON text. In: the key of a schema; many: whether there can be many rows: then it may also '
  'be an array, a CSV or lines of them; else, for a PATCH, an array of rows each with its key. Raises nothing.';

create or replace function postern.openapi3_rows(item text, description text)
returns text
language sql stable parallel safe
as $$
  select '{"description":' || to_json(description)
    || ',"headers":{"Content-Range":{"$ref":"#/components/headers/Content-Range"},'
    || '"Link":{"$ref":"#/components/headers/Link"},'
    || '"Preference-Applied":{"$ref":"#/components/headers/Preference-Applied"} },'
      '"content":{"application/json":{"schema":{"type":"array","items":' || item
    || '} },"application/vnd.pgrst.object+json":{"schema":' || item || '},"text/csv":{"schema":{"type":"string"} },'
      '"application/x-ndjson":{"schema":{"type":"string"} } } }'
$$;
comment on function postern.openapi3_rows(text, text) is
  'A Response Object with rows, as JSON text. In: item: the schema of a row, as JSON text. Raises nothing.';

create or replace function postern.openapi3_example(described text, schema jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  given pg_catalog.text := (regexp_match(described, '(?:^|\n)[ \t]*Example:[ \t]*([^\n]+?)[ \t]*(?:\n|$)'))[1];
begin
  return case when schema ->> 'type' = 'string' or schema ? '$ref' then to_jsonb(given) else given::jsonb end;
exception when data_exception then
  return null;
end
$$;
comment on function postern.openapi3_example(text, jsonb) is
  'The example that a comment gives in a line "Example: ...", as JSON. In: the comment; the schema of the type. Out: '
  'the example; what is no JSON counts as text where the schema is one of text or a reference, else for nothing; null '
  'when there is none, or JSON that jsonb does not take: \u0000, a number too large. Raises nothing.';

create or replace function postern.openapi3_default(standard text, schema jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  quoted pg_catalog.text[] := case when strpos(standard, '''') > 0
    then regexp_match(standard, '^(E?)''((?:[^'']|'''')*)''::[^'']*$') end;
  value pg_catalog.text := coalesce(
    case quoted[1] when '' then replace(quoted[2], '''''', '''')
      else replace(replace(quoted[2], '''''', ''''), '\\', '\') end,
    standard);
begin
  return case schema ->> 'type'
    when 'boolean' then case when value in ('true', 'false') then value::jsonb end
    when 'integer' then case when value ~ '^-?(0|[1-9][0-9]*)$' then value::jsonb end
    when 'number' then case when value ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?$' then value::jsonb end
    when 'array' then case when quoted[2] = '{}' then '[]'::jsonb end
    when 'string' then to_jsonb(case when quoted is not null then value end)
    else case when schema ? '$ref' then to_jsonb(case when quoted is not null and quoted[2] !~ '^\(' then value end)
      when quoted is not null and standard like '%::jsonb' then value::jsonb end end;
end
$$;
comment on function postern.openapi3_default(text, jsonb) is
  'The default of a column or argument as JSON. In: its expression, as of pg_get_expr; schema: of its type. Out: the '
  'value where the expression is a constant, else null. Raises nothing.';
