-- Keys as a relation shows them: a table its own columns, a view those it takes from base tables.

create or replace function postern.shown_columns(relation oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(pg_catalog.jsonb_object_agg(base.oid, base.columns), '{}')
      from (select attribute.base_relation as oid,
                   pg_catalog.jsonb_object_agg(attribute.base_attnum, attribute.names) as columns
              from (select s.base_relation, s.base_attnum,
                           pg_catalog.jsonb_agg(a.attname order by a.attnum) as names
                      from postern.view_columns(relation) s
                      join pg_catalog.pg_attribute a on a.attrelid = relation and a.attnum = s.view_attnum
                     group by s.base_relation, s.base_attnum) attribute
             group by attribute.base_relation) base);
end
$$;
comment on function postern.shown_columns(oid) is
$$The base columns that a view shows, for the other functions here. Out: an object of base relation oid to an object of
attribute number to the names of the view's columns that show it. Raises nothing.$$;

create or replace function postern.shown_relations(relation oid, shown jsonb)
returns oid[]
language plpgsql immutable parallel safe
as $$
begin
  if shown is null then
    return array[relation];
  end if;
  return array(select base.oid::oid from pg_catalog.jsonb_object_keys(shown) as base (oid));
end
$$;
comment on function postern.shown_relations(oid, jsonb) is
$$The base tables of a relation. In: the relation; what postern.shown_columns answers for a view, null for a table. Out:
a view's base tables, a table itself. Raises nothing.$$;

create or replace function postern.base_column(relation oid, shown jsonb, name text)
returns table (base oid, attnum int2)
language plpgsql stable parallel safe
rows 1
as $$
begin
  if shown is null then
    return query
    select a.attrelid, a.attnum
      from pg_catalog.pg_attribute a
     where a.attrelid = relation and a.attname = base_column.name and a.attnum > 0;
    return;
  end if;

  return query
  select below.oid::oid, attribute.attnum::int2
    from pg_catalog.jsonb_each(shown) as below (oid, columns)
   cross join lateral pg_catalog.jsonb_each(below.columns) as attribute (attnum, names)
   where attribute.names ? base_column.name;
end
$$;
comment on function postern.base_column(oid, jsonb, text) is
$$Where a column comes from. In: shown: postern.shown_columns of a view, null for a table. Out: base table and attribute
number, nothing if there is no such column or it shows none unchanged. Raises nothing.$$;

create or replace function postern.key_names(shown jsonb, base oid, key int2[])
returns setof text[]
language plpgsql stable parallel safe
rows 1
as $$
begin
  if shown is null then
    return next array(
      select a.attname::text
        from pg_catalog.unnest(key) with ordinality as k (attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = base and a.attnum = k.attnum
       order by k.place);
    return;
  end if;

  return query
  with recursive choice (names, place) as (
    select '{}'::text[], 0
    union all
    select c.names || shown_as.name, c.place + 1
      from choice c
     cross join lateral pg_catalog.jsonb_array_elements_text(
       shown -> base::text -> key[c.place + 1]::text) as shown_as (name)
     where c.place < pg_catalog.cardinality(key)
  )
  select c.names from choice c where c.place = pg_catalog.cardinality(key);
end
$$;
comment on function postern.key_names(jsonb, oid, int2[]) is
$$The names that a key of a base table has in a relation. In: what postern.shown_columns answers for a view, null for
the base table itself; the base table; attribute numbers there. Out: one array of names for each way to choose a view
column for every attribute; nothing if the view lacks one. Raises nothing.$$;

create or replace function postern.zip_names(here text[], there text[])
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(pair.here, pair.there) order by pair.place)
      from rows from (pg_catalog.unnest(zip_names.here), pg_catalog.unnest(zip_names.there)) with ordinality
           as pair (here, there, place));
end
$$;
comment on function postern.zip_names(text[], text[]) is
$$Column names in pairs. In: two arrays of one length. Out: [["here", "there"], ...]. Raises nothing.$$;
