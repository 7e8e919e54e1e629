-- What rows can be told apart by, and how values of a type are compared: for pages that begin at a row.

create or replace function postern.unproven_columns(relation oid)
returns int2[]
language sql stable strict parallel safe
as $$
  select array(
    select pg_catalog.unnest(c.conkey) from pg_catalog.pg_constraint as c
    where c.conrelid operator(pg_catalog.=) relation and c.contype operator(pg_catalog.=) 'n' and not c.convalidated)
$$;
comment on function postern.unproven_columns(oid) is
$$Tells which columns may have nulls though attnotnull is true: their NOT NULL is NOT VALID (PostgreSQL 18). In: a
relation. Out: the numbers of the columns. Raises nothing.$$;

create or replace function postern.stored_columns(relation oid)
returns table (name text, base oid, attnum int2, nullable boolean)
language plpgsql stable strict parallel safe
rows 20
as $$
declare
  unproven constant pg_catalog.int2[] := postern.unproven_columns(relation);
begin
  if (select c.relkind = 'v' from pg_catalog.pg_class c where c.oid = relation) then
    if pg_catalog.pg_relation_is_updatable(relation, false) & 16 <> 0 then
      return query
      select pg_catalog.min(a.attname)::text, b.attrelid, b.attnum,
             not b.attnotnull or b.attnum = any(postern.unproven_columns(b.attrelid))
        from postern.view_columns(relation) v
        join pg_catalog.pg_attribute a on a.attrelid = relation and a.attnum = v.view_attnum
        join pg_catalog.pg_attribute b on b.attrelid = v.base_relation and b.attnum = v.base_attnum
       group by b.attrelid, b.attnum, b.attnotnull;
    end if;
    return;
  end if;
  return query
  select a.attname::text, a.attrelid, a.attnum, not a.attnotnull or a.attnum = any(unproven)
    from pg_catalog.pg_attribute a
   where a.attrelid = relation and a.attnum > 0 and not a.attisdropped;
end
$$;
comment on function postern.stored_columns(oid) is
$$The columns of a relation that are stored, and where. Out: a table's own; of a view those that it shows unchanged, one
name for each, where its rows are rows of one table (one that can be deleted from), else nothing. Raises nothing.$$;

create or replace function postern.row_keys(relation oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    with stored as materialized (
      select s.* from postern.stored_columns(relation) s
    )
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(key.names)
             order by i.indisprimary desc, i.indnkeyatts, key.names), '[]')
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indrelid and (c.relkind = 'p' or not c.relhassubclass)
     cross join lateral (
       select pg_catalog.array_agg(s.name order by k.place) as names
         from pg_catalog.generate_series(0, i.indnkeyatts - 1) as k (place)
         join stored s on s.base = i.indrelid and s.attnum = i.indkey[k.place]
          and (not s.nullable or coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false))
         join pg_catalog.pg_attribute a on a.attrelid = s.base and a.attnum = s.attnum
          and a.attcollation = i.indcollation[k.place]
         join pg_catalog.pg_opclass o on o.oid = i.indclass[k.place] and o.opcdefault) key
     where i.indrelid in (select s.base from stored s)
       and i.indisunique
       and i.indisvalid
       and i.indpred is null
       and pg_catalog.cardinality(key.names) = i.indnkeyatts);
end
$$;
comment on function postern.row_keys(oid) is
$$What tells the rows of a relation apart. In: a relation. Out: arrays of names of its columns in the order of their
index, the primary key first, then unique indexes on columns that are not null (or NULLS NOT DISTINCT), short ones
first; empty if there is none, or if rows of other tables inherit from it. Raises nothing.$$;

create or replace function postern.is_indexed(relation oid, name text)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select from postern.stored_columns(relation) s
      join pg_catalog.pg_index i on i.indrelid = s.base and i.indisvalid
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      join pg_catalog.pg_am m on m.oid = c.relam and m.amname = 'btree'
     where s.name = is_indexed.name
       and s.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]));
end
$$;
comment on function postern.is_indexed(oid, text) is
$$Whether a column of a relation is a key of an ordered index. In: the column's name. Raises nothing.$$;

create or replace function postern.sort_type(type oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  base constant pg_catalog.oid := postern.base_type(type);
  kind constant pg_catalog.text := postern.operator_kind(type);
begin
  return (
    select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
             'type', pg_catalog.format('%I.%I', n.nspname, t.typname),
             'operators', case when kind is null then ordered.schema else 'pg_catalog' end,
             'domain', case when base <> type then true end,
             'composite', case when t.typtype = 'c' then true end,
             'plain', case when base in (16, 20, 21, 23, 25, 1043, 1700, 2950) then true end))
      from pg_catalog.pg_type t
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      left join lateral (
        select pg_catalog.min(o.nspname) as schema
          from pg_catalog.pg_opclass c
          join pg_catalog.pg_am m on m.oid = c.opcmethod and m.amname = 'btree'
          join pg_catalog.pg_amop a on a.amopfamily = c.opcfamily
           and a.amoplefttype = base and a.amoprighttype = base and a.amopstrategy in (1, 3, 5)
          join pg_catalog.pg_operator p on p.oid = a.amopopr
           and p.oprname = (array['<', null, '=', null, '>'])[a.amopstrategy]
          join pg_catalog.pg_namespace o on o.oid = p.oprnamespace
         where c.opcdefault
           and c.opcintype = base
        having pg_catalog.count(*) = 3 and pg_catalog.count(distinct o.nspname) = 1) ordered on true
     where t.oid = base
       and t.typtype in ('b', 'e', 'c', 'r', 'm')
       and (kind is not null or ordered.schema is not null)
       and not exists (
         select from pg_catalog.pg_cast k
          where base >= 16384
            and k.castmethod = 'f'
            and (k.castsource = base and k.casttarget = 'text'::regtype
              or k.casttarget = base and k.castsource = 'text'::regtype)));
end
$$;
comment on function postern.sort_type(oid) is
$$How values of a type are kept as text and compared. In: the type. Out: {"type": the type below a domain, qualified,
"operators": the schema of its operators <, = and >, those of its default btree operator class, "domain"?: it is one,
"composite"?: it is one, or over one, "plain"?: its text is the same under all settings}; null where there is no such
order, or no way to text and back but a function of somebody's. Raises nothing.$$;
