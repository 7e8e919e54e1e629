-- The relations that a description of the API is about.

create or replace function postern.openapi_relations(schema text, everything boolean)
returns oid[]
language plpgsql stable strict parallel safe
as $$
begin
  return array(
    select c.oid
      from pg_catalog.pg_class c
     where c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = openapi_relations.schema)
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
  'The relations of a schema that a description names: tables, views, foreign tables, not partitions. In: the schema; '
  'everything: all, not only those on which the current role has any privilege. Out: their oids, sorted by name. '
  'Raises nothing. Source: PostgREST docs, references/configuration, openapi-mode.';

create or replace function postern.described_relations(relations oid[])
returns table (
  oid oid, name text, row_type oid, description text, insertable boolean, updatable boolean, deletable boolean)
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  select c.oid, c.relname::text, c.reltype, comment.description,
         writes.mask & 8 <> 0, writes.mask & 4 <> 0, writes.mask & 16 <> 0
    from pg_catalog.pg_class c
   cross join lateral (
     select case
       when c.relkind in ('r', 'p') then 4 | 8 | 16  -- 1 << CMD_UPDATE | 1 << CMD_INSERT | 1 << CMD_DELETE
       when c.relkind = 'm' then 0
       else pg_catalog.pg_relation_is_updatable(c.oid, true) end
   ) writes (mask)
    left join pg_catalog.pg_description comment
      on comment.objoid = c.oid and comment.classoid = 'pg_class'::regclass and comment.objsubid = 0
   where c.oid = any (relations);
end
$$;
comment on function postern.described_relations(oid[]) is
  'What a description says of relations. In: the relations. Out, in no order: oid, name, row type, comment, and what '
  'they take whatever the role: rows, changes, deletions. Raises nothing.';
