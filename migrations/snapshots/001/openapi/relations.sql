-- Which relations the OpenAPI description is about.

create or replace function postern.openapi_relations(schema text, everything boolean)
returns oid[]
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return array(
    select c.oid
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = openapi_relations.schema
       and c.relkind in ('r', 'v', 'm', 'f', 'p')
       and not c.relispartition
       and (everything
            or pg_catalog.pg_has_role(c.relowner, 'USAGE')
            or pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
     order by c.relname collate "C");
end
$$;
comment on function postern.openapi_relations(text, boolean) is
  'The relations of a schema that a description names, sorted by name: tables, views, foreign tables, not partitions; unless everything is true, only those on which the current role has any privilege. Source: PostgREST docs, references/configuration, openapi-mode.';

create or replace function postern.openapi_pointer(name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return replace(replace(replace(name, '%', '%25'), '~', '~0'), '/', '~1');
end
$$;
comment on function postern.openapi_pointer(text) is
  'A name as one step of the pointer in a $ref (RFC 6901, sections 3 and 6).';

create or replace function postern.openapi_references(section text, names text[])
returns json
language plpgsql immutable strict parallel safe
as $$
begin
  -- In JSON text a quotation mark within a string has a backslash before it, so this sequence only separates elements.
  return replace(
    replace(array_to_json(names)::text, '","', '"},{"$ref":"#/' || section || '/'),
    '["', '[{"$ref":"#/' || section || '/')::json;
end
$$;
