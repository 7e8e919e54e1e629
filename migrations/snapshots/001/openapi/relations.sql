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
