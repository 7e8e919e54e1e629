-- References within the OpenAPI description.

create or replace function postern.openapi_pointer(section text, name text)
returns text
language sql immutable strict parallel safe
as $$
  select '#/' || section || '/'
    || replace(replace(replace(replace(name, '%', '%25'), '#', '%23'), '~', '~0'), '/', '~1')
$$;
comment on function postern.openapi_pointer(text, text) is
  'Where a section of the description has a name. In: section: definitions or parameters; the name. Out: the value of '
  '$ref. Raises nothing. Source: RFC 6901, sections 3 and 6.';

create or replace function postern.openapi_references(pointers text[])
returns json
language plpgsql immutable strict parallel safe
as $$
declare
  listed pg_catalog.text := array_to_json(pointers)::text;
begin
  -- In JSON text a quotation mark within a string has a backslash before it: this sequence only stands between
  -- elements.
  return ('[{"$ref":' || replace(substr(listed, 2, length(listed) - 2), '","', '"},{"$ref":"') || '}]')::json;
end
$$;
comment on function postern.openapi_references(text[]) is
  'Pointers (postern.openapi_pointer), of which there must be one, as Reference Objects. Raises nothing.';
