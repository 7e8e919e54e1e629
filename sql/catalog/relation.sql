-- A relation by name: what kind it is, what may be written to it, what its key is.

create or replace function postern.find_relation(schema text, name text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  relation pg_catalog.record;
  writes int := 4 | 8 | 16;  -- 1 << CMD_UPDATE | 1 << CMD_INSERT | 1 << CMD_DELETE
begin
  select c.oid, c.relname, c.relkind, c.reltype, n.nspname
    into relation
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relname = find_relation.name
     and n.nspname = find_relation.schema
     and n.nspname not in ('pg_catalog', 'information_schema')
     and c.relkind in ('r', 'v', 'm', 'f', 'p')
     and not c.relispartition;
  if not found then
    return null;
  end if;

  if relation.relkind = 'm' then
    writes := 0;
  elsif relation.relkind in ('v', 'f') then
    writes := pg_catalog.pg_relation_is_updatable(relation.oid, true);
  end if;

  return pg_catalog.jsonb_build_object(
    'oid', relation.oid::bigint,
    'reltype', relation.reltype::bigint,
    'schema', relation.nspname,
    'name', relation.relname,
    'kind', relation.relkind,
    'is_view', relation.relkind in ('v', 'm'),
    'insertable', writes & 8 <> 0,
    'updatable', writes & 4 <> 0,
    'deletable', writes & 16 <> 0);
end
$$;

comment on function postern.find_relation(text, text) is
$$The exposed relation of this name: a table, partitioned table, view, materialized view or foreign table; a partition
is not exposed. In: schema and name, unquoted. Out: {"oid", "reltype", "schema", "name", "kind" (pg_class.relkind),
"is_view", "insertable", "updatable", "deletable"}, or null if there is none. Its key: postern.relation_pk. Raises
nothing.
Source: pg_class, pg_relation_is_updatable.$$;


create or replace function postern.relation_pk(relation oid)
returns text[]
language plpgsql stable strict parallel safe
as $$
declare
  kind pg_catalog."char" := (select c.relkind from pg_catalog.pg_class c where c.oid = relation_pk.relation);
begin
  if kind in ('v', 'm') then
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
$$The primary key of a relation. In: its oid. Out: the column names sorted by name, empty if there is no key. A view has
the keys of the tables it shows, each one all of whose columns are among the view's (see postern.view_pk). Raises
nothing.$$;

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
