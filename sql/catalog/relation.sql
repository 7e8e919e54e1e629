-- A relation by name: what may be written to it, what its key is.

create or replace function postern.find_relation(schema text, name text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select pg_catalog.jsonb_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname,
             'insertable', writes.mask & 8 <> 0, 'updatable', writes.mask & 4 <> 0, 'deletable', writes.mask & 16 <> 0)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select case
         when c.relkind in ('r', 'p') then 4 | 8 | 16  -- 1 << CMD_UPDATE | 1 << CMD_INSERT | 1 << CMD_DELETE
         when c.relkind = 'm' then 0
         else pg_catalog.pg_relation_is_updatable(c.oid, true) end
       offset 0) writes (mask)
     where c.relname = find_relation.name
       and n.nspname = find_relation.schema
       and n.nspname not in ('pg_catalog', 'information_schema')
       and c.relkind in ('r', 'v', 'm', 'f', 'p')
       and not c.relispartition);
end
$$;
comment on function postern.find_relation(text, text) is
$$The exposed relation of this name: a table, partitioned table, view, materialized view or foreign table, not a
partition. In: schema and name, unquoted. Out: {"oid", "schema", "name", "insertable", "updatable", "deletable"}, null
if there is none. Its key: postern.relation_pk. Raises nothing. Source: pg_class, pg_relation_is_updatable.$$;

create or replace function postern.relation_pk(relation oid)
returns text[]
language plpgsql stable strict parallel safe
as $$
begin
  if (select c.relkind in ('v', 'm') from pg_catalog.pg_class c where c.oid = relation_pk.relation) then
    return postern.view_pk(relation_pk.relation);
  end if;
  return coalesce(
    (select pg_catalog.array_agg(a.attname::text order by a.attname)
       from pg_catalog.pg_constraint con
       join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = any (con.conkey)
      where con.conrelid = relation_pk.relation
        and con.contype = 'p'),
    '{}');
end
$$;
comment on function postern.relation_pk(oid) is
$$The primary key of a relation. Out: the column names sorted by name, empty if there is no key. A view has the keys of
the tables it shows, each one all of whose columns are among the view's (postern.view_pk). Raises nothing.$$;

create or replace function postern.inserts_plainly(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select from pg_class
     where oid = inserts_plainly.relation
       and relkind = 'r'
       and not relhasrules
       and not (relhastriggers and exists (
         select from pg_trigger where tgrelid = inserts_plainly.relation and not tgisinternal)));
end
$$;
comment on function postern.inserts_plainly(oid) is
$$Whether an INSERT inserts just the rows that it has. In: a relation. Out: whether it is a table without rules and
without triggers but those of its constraints. Raises nothing.$$;
