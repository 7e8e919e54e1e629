-- Many-to-many relationships: two foreign keys of a junction, all of whose columns are in the junction's primary key.

create or replace function postern.junction_relationships(
  origin oid, origin_shown jsonb, named oid, named_shown jsonb, schemas text[], hint text)
returns jsonb
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  origin_bases oid[] := postern.shown_relations(origin, origin_shown);
  named_bases oid[] := postern.shown_relations(named, named_shown);
  found_ones jsonb := jsonb '[]';
  nearby oid[];
  far_bases oid[];
  place record;
begin
  -- A table that everything refers to is common: look from the other side then.
  if postern.dependent_count(origin_bases, 200) <= postern.dependent_count(named_bases, 200) then
    nearby := postern.junction_tables(origin_bases);
    far_bases := named_bases;
  else
    nearby := postern.junction_tables(named_bases);
    far_bases := origin_bases;
  end if;
  if nearby = '{}' then
    return found_ones;
  end if;

  for place in
    select c.oid, c.relkind
      from pg_catalog.unnest(nearby || postern.views_over(nearby)) as near (oid)
      join pg_catalog.pg_class c on c.oid = near.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any (schemas)
       and not c.relispartition
       and (hint is null or c.relname = hint)
       and (c.relkind in ('v', 'm') and postern.view_may_join(c.oid, far_bases)
            or c.relkind in ('r', 'p') and postern.table_joins(array[c.oid], far_bases))
  loop
    found_ones := found_ones || postern.relationships_through(
      place.oid, case when place.relkind in ('v', 'm') then postern.shown_columns(place.oid) end,
      origin, origin_shown, named, named_shown);
  end loop;
  return found_ones;
end
$$;

comment on function postern.junction_relationships(oid, jsonb, oid, jsonb, text[], text) is
$$The many-to-many relationships between two relations. In: the origin and, for a view, what postern.shown_columns answers; the
target likewise; the exposed schemas, where the junction has to be; the junction's name or null. Out: elements as of
postern.find_relationships. Raises nothing. A junction is a table or a view on tables.$$;


create or replace function postern.is_leg(relation oid, key int2[])
returns boolean
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return (
    select pg_catalog.bool_or(own.contype = 'p') and not pg_catalog.bool_or(own.conkey <@ key)
      from pg_catalog.pg_constraint own
     where own.conrelid = relation
       and own.contype in ('p', 'u')
       and own.conkey @> key);
end
$$;

comment on function postern.is_leg(oid, int2[]) is
$$Whether a foreign key of these columns can be one of a junction's two: part of its table's primary key, but no key on its
own, which would make it one-to-one. In: the table and attribute numbers. Out: true, false or null, which means false.
Raises nothing.$$;


create or replace function postern.junction_tables(bases oid[])
returns oid[]
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  referring oid[] := postern.dependents(bases, 'pg_class', 'pg_constraint');
begin
  return array(
    select distinct leg.conrelid
      from pg_catalog.pg_constraint leg
     where leg.oid = any (referring)
       and leg.contype = 'f'
       and leg.conparentid = 0
       and leg.confrelid = any (bases)
       and postern.is_leg(leg.conrelid, leg.conkey));
end
$$;

comment on function postern.junction_tables(oid[]) is
$$The tables that may be a junction to any of some tables. In: those tables. Out: the tables with a foreign key to one of them
that postern.is_leg accepts. Raises nothing.$$;


create or replace function postern.table_joins(tables oid[], bases oid[])
returns boolean
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return exists (
    select from pg_catalog.pg_constraint leg
     where leg.conrelid = any (tables)
       and leg.confrelid = any (bases)
       and leg.contype = 'f'
       and leg.conparentid = 0
       and postern.is_leg(leg.conrelid, leg.conkey));
end
$$;

comment on function postern.table_joins(oid[], oid[]) is
$$Whether any of some tables may be a junction to any of others. In: the one and the other. Out: true or false.
Raises nothing.$$;


create or replace function postern.view_may_join(view oid, bases oid[])
returns boolean
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  sources oid[] := array(
    select distinct d.refobjid
      from pg_catalog.pg_rewrite rule
      join pg_catalog.pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = rule.oid
     where rule.ev_class = view
       and rule.rulename = '_RETURN'
       and d.refclassid = 'pg_class'::regclass
       and d.refobjid <> view);
begin
  return postern.table_joins(sources, bases)
      or exists (select from pg_catalog.pg_class c where c.oid = any (sources) and c.relkind in ('v', 'm'));
end
$$;

comment on function postern.view_may_join(oid, oid[]) is
$$Whether it is worth the while to trace a view as a junction. In: the view; tables that a junction has to refer to. Out: false
if it reads neither a table that does, as postern.table_joins tells, nor another view. Raises nothing.$$;


create or replace function postern.relationships_through(
  junction oid, junction_shown jsonb, origin oid, origin_shown jsonb, named oid, named_shown jsonb)
returns jsonb
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  pk text[] := case when junction_shown is not null then postern.view_pk(junction) end;
  bases oid[] := postern.shown_relations(junction, junction_shown);
  origin_bases oid[] := postern.shown_relations(origin, origin_shown);
  named_bases oid[] := postern.shown_relations(named, named_shown);
begin
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        postern.relationship_record('m2m', origin, named, null, null)
        || pg_catalog.jsonb_build_object('junction', pg_catalog.jsonb_build_object(
          'oid', junction::bigint,
          'schema', n.nspname,
          'name', c.relname,
          'constraint1', leg1.conname,
          'constraint2', leg2.conname,
          'source', postern.zip_names(origin_key.names, leg1_key.names),
          'target', postern.zip_names(named_key.names, leg2_key.names)))),
      '[]')
      from pg_catalog.pg_constraint leg1
      join pg_catalog.pg_constraint leg2 on leg2.conname <> leg1.conname
      join pg_catalog.pg_class c on c.oid = junction
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     cross join lateral postern.key_names(junction_shown, leg1.conrelid, leg1.conkey) leg1_key (names)
     cross join lateral postern.key_names(junction_shown, leg2.conrelid, leg2.conkey) leg2_key (names)
     cross join lateral postern.key_names(origin_shown, leg1.confrelid, leg1.confkey) origin_key (names)
     cross join lateral postern.key_names(named_shown, leg2.confrelid, leg2.confkey) named_key (names)
     where leg1.conrelid = any (bases)
       and leg1.confrelid = any (origin_bases)
       and leg1.contype = 'f'
       and leg1.conparentid = 0
       and leg2.conrelid = any (bases)
       and leg2.confrelid = any (named_bases)
       and leg2.contype = 'f'
       and leg2.conparentid = 0
       and postern.is_leg(leg1.conrelid, leg1.conkey)
       and postern.is_leg(leg2.conrelid, leg2.conkey)
       and (pk is null or leg1_key.names <@ pk and leg2_key.names <@ pk));
end
$$;

comment on function postern.relationships_through(oid, jsonb, oid, jsonb, oid, jsonb) is
$$The many-to-many relationships through one junction. In: the junction, the origin and the target, each followed by what
postern.shown_columns answers if it is a view. Out: elements as of postern.find_relationships. Raises nothing.$$;
