-- Many-to-many relationships: two foreign keys of a junction, all of whose columns are in the junction's primary key.

create or replace function postern.junction_relationships(
  origin oid, origin_shown jsonb, named oid, named_shown jsonb, schemas text[], hint text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  origin_bases pg_catalog.oid[] := postern.shown_relations(origin, origin_shown);
  named_bases pg_catalog.oid[] := postern.shown_relations(named, named_shown);
  found_ones pg_catalog.jsonb;
  nearby pg_catalog.oid[];
  far_bases pg_catalog.oid[] := named_bases;
  tables pg_catalog.oid[];
  views pg_catalog.oid[];
  viewed pg_catalog.oid;
begin
  if hint is not null then
    nearby := array(select c.oid from pg_catalog.pg_class c where c.relname = hint);
  elsif postern.dependent_count(origin_bases, 200) <= postern.dependent_count(named_bases, 200) then
    nearby := postern.junction_tables(origin_bases);
  else
    -- A table that everything refers to is common: look from the other side then.
    nearby := postern.junction_tables(named_bases);
    far_bases := origin_bases;
  end if;
  if nearby = '{}' then
    return '[]';
  elsif hint is null then
    nearby := nearby || postern.views_over(nearby);
  end if;

  select coalesce(pg_catalog.array_agg(c.oid) filter (where c.relkind in ('r', 'p')), '{}'),
         coalesce(pg_catalog.array_agg(c.oid) filter (where c.relkind in ('v', 'm')), '{}')
    into tables, views
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid = any (nearby)
     and n.nspname = any (schemas)
     and not c.relispartition;
  found_ones := case when tables = '{}' then '[]'
    else postern.relationships_through(tables, null, origin, origin_shown, named, named_shown) end;
  foreach viewed in array views loop
    if postern.view_may_join(viewed, far_bases) then
      found_ones := found_ones || postern.relationships_through(
        array[viewed], postern.shown_columns(viewed), origin, origin_shown, named, named_shown);
    end if;
  end loop;
  return found_ones;
end
$$;
comment on function postern.junction_relationships(oid, jsonb, oid, jsonb, text[], text) is
$$The many-to-many relationships between two relations. In: the origin and, for a view, what postern.shown_columns
answers; the target likewise; the exposed schemas, where the junction has to be; the junction's name or null. Out:
elements as of postern.find_relationships. Raises nothing. A junction is a table or a view on tables.$$;

create or replace function postern.legs(tables oid[], bases oid[])
returns table (junction oid, name name, key int2[], names text[], base oid, base_key int2[])
language plpgsql stable parallel safe
rows 1000
as $$
begin
  return query
  select con.conrelid, con.conname, con.conkey,
         array(select a.attname::text
                 from pg_catalog.unnest(con.conkey) with ordinality as k (attnum, place)
                 join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.attnum
                order by k.place),
         con.confrelid, con.confkey
    from pg_catalog.pg_constraint con
   where con.conrelid = any (tables)
     and con.confrelid = any (bases)
     and con.contype = 'f'
     and con.conparentid = 0
     and (select pg_catalog.bool_or(own.contype = 'p') and not pg_catalog.bool_or(own.conkey <@ con.conkey)
            from pg_catalog.pg_constraint own
           where own.conrelid = con.conrelid
             and own.contype in ('p', 'u')
             and own.conkey @> con.conkey);
end
$$;
comment on function postern.legs(oid[], oid[]) is
$$The foreign keys that can be one of a junction's two: their columns are part of their table's primary key, but no key
on their own, which would make them one-to-one. In: the tables that have them; the tables that they refer to. Out:
table, name, attribute numbers and column names of each, table and attribute numbers it refers to. Raises nothing.$$;

create or replace function postern.junction_tables(bases oid[])
returns oid[]
language plpgsql stable strict parallel safe
as $$
declare
  referring pg_catalog.oid[] := postern.dependents(bases, 'pg_class', 'pg_constraint');
begin
  return array(
    select distinct leg.junction
      from postern.legs(
        array(select distinct con.conrelid
                from pg_catalog.pg_constraint con
               where con.oid = any (referring) and con.contype = 'f' and con.confrelid = any (bases)),
        bases) leg);
end
$$;
comment on function postern.junction_tables(oid[]) is
$$The tables that may be a junction to any of some tables. In: those tables. Out: the tables with a foreign key to one
of them that is among postern.legs. Raises nothing.$$;

create or replace function postern.view_may_join(view oid, bases oid[])
returns boolean
language plpgsql stable strict parallel safe
as $$
declare
  sources pg_catalog.oid[] := array(
    select distinct d.refobjid
      from pg_catalog.pg_rewrite rule
      join pg_catalog.pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = rule.oid
     where rule.ev_class = view
       and rule.rulename = '_RETURN'
       and d.refclassid = 'pg_class'::regclass
       and d.refobjid <> view);
begin
  return exists (select from postern.legs(sources, bases))
      or exists (select from pg_catalog.pg_class c where c.oid = any (sources) and c.relkind in ('v', 'm'));
end
$$;
comment on function postern.view_may_join(oid, oid[]) is
$$Whether it is worth the while to trace a view as a junction. In: the view; tables that a junction has to refer to.
Out: false if it reads neither a table that does, by one of postern.legs, nor another view. Raises nothing.$$;

create or replace function postern.relationships_through(
  junctions oid[], junction_shown jsonb, origin oid, origin_shown jsonb, named oid, named_shown jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  pk pg_catalog.text[] := case when junction_shown is not null then postern.view_pk(junctions[1]) end;
  tables pg_catalog.oid[] := case when junction_shown is null then junctions
    else postern.shown_relations(junctions[1], junction_shown) end;
  record pg_catalog.jsonb := postern.relationship_record('m2m', origin, named, null, null);
begin
  return (
    with leg1 as materialized (
      select leg.*, case when junction_shown is null then leg.junction else junctions[1] end as relation
        from postern.legs(tables, postern.shown_relations(origin, origin_shown)) leg
    ), leg2 as materialized (
      select leg.*, case when junction_shown is null then leg.junction else junctions[1] end as relation
        from postern.legs(tables, postern.shown_relations(named, named_shown)) leg
    ), origin_key as materialized (
      select ends.base, ends.base_key, key.names
        from (select distinct base, base_key from leg1) ends,
             postern.key_names(origin_shown, base, base_key) key (names)
    ), named_key as materialized (
      select ends.base, ends.base_key, key.names
        from (select distinct base, base_key from leg2) ends, postern.key_names(named_shown, base, base_key) key (names)
    )
    select coalesce(
      pg_catalog.jsonb_agg(
        record || pg_catalog.jsonb_build_object('junction', pg_catalog.jsonb_build_object(
          'oid', c.oid::bigint,
          'schema', n.nspname,
          'name', c.relname,
          'constraint1', leg1.name,
          'constraint2', leg2.name,
          'source', postern.zip_names(origin_key.names, leg1_key.names),
          'target', postern.zip_names(named_key.names, leg2_key.names)))
        || case when postern.has_own_operators(leg1.base, leg1.base_key)
               or postern.has_own_operators(leg2.base, leg2.base_key)
             then '{"own_operators": true}' else '{}'::jsonb end),
      '[]')
      from leg1
      join leg2 on leg2.relation = leg1.relation and leg2.name <> leg1.name
      join origin_key on (origin_key.base, origin_key.base_key) = (leg1.base, leg1.base_key)
      join named_key on (named_key.base, named_key.base_key) = (leg2.base, leg2.base_key)
      join pg_catalog.pg_class c on c.oid = leg1.relation
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select leg1.names where junction_shown is null
       union all
       select key.names from postern.key_names(junction_shown, leg1.junction, leg1.key) key (names)
        where junction_shown is not null
     ) leg1_key (names)
     cross join lateral (
       select leg2.names where junction_shown is null
       union all
       select key.names from postern.key_names(junction_shown, leg2.junction, leg2.key) key (names)
        where junction_shown is not null
     ) leg2_key (names)
     where pk is null or leg1_key.names <@ pk and leg2_key.names <@ pk);
end
$$;
comment on function postern.relationships_through(oid[], jsonb, oid, jsonb, oid, jsonb) is
$$The many-to-many relationships through junctions. In: tables, or one view and its postern.shown_columns; the origin
and the target, likewise. Out: elements as of postern.find_relationships. Raises nothing.$$;
