-- The foreign keys a name can mean.

create or replace function postern.candidate_keys(
  origin oid, origin_shown jsonb, named oid, named_shown jsonb, namespace oid, name text, by_any_name boolean)
returns table (
  kind text, constraint_name text, target oid, here oid, here_key int2[], there oid, there_key int2[])
language plpgsql stable parallel safe
rows 2
as $$
#variable_conflict use_column
declare
  origin_bases pg_catalog.oid[] := postern.shown_relations(origin, origin_shown);
  named_bases pg_catalog.oid[] := postern.shown_relations(named, named_shown);
  place pg_catalog.record;
begin
  if named is not null then
    return query
    select case when postern.is_unique(con.conrelid, con.conkey) then 'o2o' else 'm2o' end,
           con.conname::text, named, con.conrelid, con.conkey, con.confrelid, con.confkey
      from pg_catalog.pg_constraint con
     where con.conrelid = any (origin_bases)
       and con.confrelid = any (named_bases)
       and con.contype = 'f'
       and con.conparentid = 0
    union all
    select case when postern.is_unique(con.conrelid, con.conkey) then 'o2o' else 'o2m' end,
           con.conname::text, named, con.confrelid, con.confkey, con.conrelid, con.conkey
      from pg_catalog.pg_constraint con
     where con.conrelid = any (named_bases)
       and con.confrelid = any (origin_bases)
       and con.contype = 'f'
       and con.conparentid = 0;
  end if;

  if by_any_name then
    return query
    select * from postern.keys_by_name(origin_bases, named, namespace, candidate_keys.name);

    select c.base, c.attnum into place from postern.base_column(origin, origin_shown, candidate_keys.name) c;
    if found then
      return query
      select * from postern.keys_by_column(place.base, place.attnum, named, namespace, candidate_keys.name);

      -- A view can show both ends of a key; no other name leads from it to itself by its column.
      if origin_shown is not null and origin is distinct from named then
        return query
        select 'm2o', con.conname::text, origin, con.conrelid, con.conkey, con.confrelid, con.confkey
          from pg_catalog.pg_constraint con
         where con.conrelid = place.base
           and con.conkey = array[place.attnum]
           and con.confrelid = any (origin_bases)
           and con.contype = 'f'
           and con.conparentid = 0
           and not postern.is_unique(con.conrelid, con.conkey);
      end if;
    end if;
  end if;
end
$$;

comment on function postern.candidate_keys(oid, jsonb, oid, jsonb, oid, text, boolean) is
$$The foreign keys between an origin and what a name may mean, without regard to a hint. In: the origin; what
postern.shown_columns answers if it is a view; the relation of that name if there is one, and what it shows; the
request's schema; the name; whether it may also be that of a foreign key or a column of the origin. Out, for each key
and direction: m2o, o2m or o2o as seen from the origin, its name, the relation it leads to, base table and attribute
numbers on the origin's side and on the other. A foreign key that a partition has from its parent is left out. Raises
nothing.$$;

create or replace function postern.keys_by_name(origin_bases oid[], named oid, namespace oid, name text)
returns table (
  kind text, constraint_name text, target oid, here oid, here_key int2[], there oid, there_key int2[])
language plpgsql stable parallel safe
rows 1
as $$
begin
  return query
  select case when postern.is_unique(con.conrelid, con.conkey) then 'o2o' when side.outgoing then 'm2o' else 'o2m' end,
         con.conname::text, c.oid, side.here, side.here_key, side.there, side.there_key
    from pg_catalog.pg_constraint con
   cross join lateral (values
     (true, con.conrelid, con.conkey, con.confrelid, con.confkey),
     (false, con.confrelid, con.confkey, con.conrelid, con.conkey)
   ) side (outgoing, here, here_key, there, there_key)
    join pg_catalog.pg_class c on c.oid = side.there
   where con.conname = keys_by_name.name
     and con.contype = 'f'
     and con.conparentid = 0
     and side.here = any (origin_bases)
     and c.relnamespace = namespace
     and not c.relispartition
     and c.oid is distinct from named;
end
$$;
comment on function postern.keys_by_name(oid[], oid, oid, text) is
$$The foreign keys of a name that an origin has or is referred to by. In: its base tables; a relation whose keys are not
wanted, or null; the schema of the tables they lead to. Out: as of postern.candidate_keys. Raises nothing.$$;

create or replace function postern.keys_by_column(base oid, attribute int2, named oid, namespace oid, name text)
returns table (
  kind text, constraint_name text, target oid, here oid, here_key int2[], there oid, there_key int2[])
language plpgsql stable parallel safe
rows 1
as $$
declare
  referring pg_catalog.oid[] := postern.dependents(array[base], 'pg_class', 'pg_constraint', attribute);
begin
  return query
  select case when postern.is_unique(con.conrelid, con.conkey) then 'o2o' when side.outgoing then 'm2o' else 'o2m' end,
         con.conname::text, c.oid, side.here, side.here_key, side.there, side.there_key
    from pg_catalog.pg_constraint con
   cross join lateral (values
     (true, con.conrelid, con.conkey, con.confrelid, con.confkey),
     (false, con.confrelid, con.confkey, con.conrelid, con.conkey)
   ) side (outgoing, here, here_key, there, there_key)
    join pg_catalog.pg_class c on c.oid = side.there
   where (con.conrelid = base or con.oid = any (referring))
     and side.here = base
     and side.here_key = array[attribute]
     and con.contype = 'f'
     and con.conparentid = 0
     and con.conname <> keys_by_column.name
     and c.relnamespace = namespace
     and not c.relispartition
     and c.oid is distinct from named;
end
$$;
comment on function postern.keys_by_column(oid, int2, oid, oid, text) is
$$The foreign keys of one column that an origin has, or is referred to by. In: the column's base table and attribute
number; a relation whose keys are not wanted, or null; the schema of the tables they lead to; a name whose key is not
wanted. Out: as of postern.candidate_keys. Raises nothing.$$;

create or replace function postern.is_unique(relation oid, key int2[])
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select from pg_catalog.pg_constraint con
     where con.conrelid = relation
       and con.contype in ('p', 'u')
       and con.conkey @> key
       and con.conkey <@ key);
end
$$;
comment on function postern.is_unique(oid, int2[]) is
$$Whether columns are, in any order, all the columns of a primary key or unique constraint, so that a foreign key of
them is one-to-one. In: the table and attribute numbers. Out: true or false. Raises nothing.$$;
