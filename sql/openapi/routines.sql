-- Operations on routines.

create or replace function postern.qualified_type(type oid)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return pg_catalog.format_type(type, null);
end
$$;
comment on function postern.qualified_type(oid) is
  'The name of a type, with its schema unless that is pg_catalog.';

create or replace function postern.openapi_argument(name text, type_name text, required boolean, variadic_ boolean)
returns json
language plpgsql immutable strict parallel safe
as $$
declare
  element text := left(type_name, -2);
  kind text := coalesce(postern.openapi_type(type_name), 'string');
begin
  if variadic_ then
    return json_build_object('name', name, 'in', 'query', 'required', required, 'type', 'array', 'collectionFormat', 'multi',
      'items', json_build_object('type', coalesce(postern.openapi_type(element), 'string'), 'format', postern.openapi_format(element)));
  end if;
  return json_build_object('name', name, 'in', 'query', 'required', required,
    'type', case kind when 'array' then 'string' else kind end, 'format', postern.openapi_format(type_name));
end
$$;
comment on function postern.openapi_argument(text, text, boolean, boolean) is
  'An argument as a query parameter. An array is text, in the form {…}, unless it is variadic: then the parameter repeats.';
