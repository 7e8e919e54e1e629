-- Which columns are unique: the keys that rows are found by, and the partial indexes that an upsert may be about.

create or replace function postern.base_key(relation oid, names text[], out base oid, out key int2[])
returns record
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  wanted constant bigint := (select pg_catalog.count(distinct n) from pg_catalog.unnest(names) as n);
begin
  if (select c.relkind in ('v', 'm') from pg_catalog.pg_class c where c.oid = relation) then
    select v.base_relation, pg_catalog.array_agg(distinct v.base_attnum) into base, key
      from postern.view_columns(relation) v
      join pg_catalog.pg_attribute a on a.attrelid = relation and a.attnum = v.view_attnum
     where a.attname = any (names)
     group by v.base_relation
    having pg_catalog.count(distinct a.attname) = wanted
     order by v.base_relation
     limit 1;
  else
    select relation, pg_catalog.array_agg(a.attnum) into base, key
      from pg_catalog.pg_attribute a
     where a.attrelid = relation and a.attname = any (names) and a.attnum > 0
    having pg_catalog.count(*) = wanted;
  end if;
end
$$;
comment on function postern.base_key(oid, text[]) is
$$Where columns of a relation are stored. In: names, in any order. Out: the table (of a view the one that all of them
come from) and attribute numbers there, null if one is no column or there is no such table. Raises nothing.$$;

create or replace function postern.unique_indexes(base oid, key int2[])
returns setof pg_index
language plpgsql stable strict parallel safe
rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select i.*
    from pg_catalog.pg_index i
   cross join lateral (select (i.indkey::int2[])[0:i.indnkeyatts - 1] as columns) own
   where i.indrelid = base
     and i.indisunique
     and i.indisvalid
     and own.columns @> key
     and own.columns <@ key;
end
$$;
comment on function postern.unique_indexes(oid, int2[]) is
$$The unique indexes, partial ones too, on exactly these columns of a table, in any order. In: what postern.base_key
answers. Out: rows of pg_index. Raises nothing.$$;

create or replace function postern.is_key(relation oid, names text[])
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select from postern.base_key(relation, names) as found, postern.unique_indexes(found.base, found.key) as i
     where i.indpred is null);
end
$$;
comment on function postern.is_key(oid, text[]) is
$$Whether a unique index, not a partial one, is on exactly these columns. In: a relation (for a view, the table that it
shows) and names. Out: true or false. Raises nothing.$$;

create or replace function postern.arbiter_indexes(relation oid, names text[])
returns oid[]
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(i.indexrelid) filter (where found.base = relation or not exists (
             select from pg_catalog.pg_depend d
               join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
              where d.classid = 'pg_class'::regclass
                and d.objid = i.indexrelid
                and d.refobjid = found.base
                and not exists (
                  select from postern.view_columns(relation) v
                    join pg_catalog.pg_attribute s on s.attrelid = relation and s.attnum = v.view_attnum
                   where v.base_relation = found.base and v.base_attnum = a.attnum and s.attname = a.attname)))
      from postern.base_key(relation, names) as found, postern.unique_indexes(found.base, found.key) as i
    having not bool_or(i.indpred is null));
end
$$;
comment on function postern.arbiter_indexes(oid, text[]) is
$$The partial unique indexes on exactly these columns. In: a relation, which may be a view that shows what their
conditions name under the same names, and names. Out: oids; null where there are none, or there is an index that is not
partial, which then alone counts. Raises nothing.$$;

create or replace function postern.arbiter_condition(relation oid, names text[])
returns text
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
declare
  path constant pg_catalog.text := pg_catalog.current_setting('postern.path', true);
  indexes constant pg_catalog.oid[] := postern.arbiter_indexes(relation, names);
begin
  if path operator(pg_catalog.<>) '' then
    perform pg_catalog.set_config('search_path', path, true); -- this holds to the end of the function
  end if;
  return (
    select pg_catalog.string_agg(pg_catalog.concat('(', pg_catalog.pg_get_expr(i.indpred, i.indrelid), ')'), ' and '
             order by i.indexrelid)
      from pg_catalog.pg_index i
     where i.indexrelid operator(pg_catalog.=) any (indexes));
end
$$;
comment on function postern.arbiter_condition(oid, text[]) is
$$The condition of ON CONFLICT by which PostgreSQL finds the indexes of postern.arbiter_indexes, all of them, as without
a condition it finds all that are not partial. As PostgreSQL writes it on the search path of the API (the setting
postern.path), as in postern.default_expressions. In: as of that. Out: SQL, null where there are none. Raises
nothing.$$;
