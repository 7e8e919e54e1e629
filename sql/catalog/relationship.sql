-- What a name in select=name!hint(...) can embed.

create or replace function postern.find_relationships(
  origin oid, schema text, schemas text[], target text, hint text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  home pg_catalog.record;
  named pg_catalog.record;
  home_shown pg_catalog.jsonb;
  named_shown pg_catalog.jsonb;
  computed pg_catalog.jsonb;
  direct pg_catalog.jsonb;
begin
  select c.relname, c.relkind, c.reltype, n.oid as namespace
    into home
    from pg_catalog.pg_class c
    left join pg_catalog.pg_namespace n on n.nspname = find_relationships.schema
   where c.oid = origin;

  select c.oid, c.relkind
    into named
    from pg_catalog.pg_class c
   where c.relname = target
     and c.relnamespace = home.namespace
     and c.relkind in ('r', 'v', 'm', 'f', 'p')
     and not c.relispartition;

  if home.relkind in ('v', 'm') then
    home_shown := postern.shown_columns(origin);
  end if;
  if named.oid = origin then
    named_shown := home_shown;
  elsif named.relkind in ('v', 'm') then
    named_shown := postern.shown_columns(named.oid);
  end if;

  computed := postern.computed_relationships(home.reltype, home.namespace, schemas, target);
  direct := postern.direct_relationships(origin, home_shown, named.oid, named_shown, home.namespace, target, hint);

  if computed <> '[]' or named.oid is null then
    -- It stands in for what is detected to the relation of its own name, whatever that is called.
    direct := (select coalesce(pg_catalog.jsonb_agg(d.value), '[]')
                 from pg_catalog.jsonb_array_elements(direct) d
                where case when (d.value ->> 'target_oid')::oid = named.oid then computed
                  else postern.computed_relationships(home.reltype, home.namespace, schemas, d.value ->> 'target')
                  end = '[]');
  elsif named.oid <> origin then
    direct := direct
      || postern.junction_relationships(origin, home_shown, named.oid, named_shown, schemas, hint);
  end if;
  return postern.sort_relationships(direct || computed);
end
$$;
comment on function postern.find_relationships(oid, text, text[], text, text) is
$$What a name in select= can embed, given where it stands. In: the origin relation; the request's schema, in which
targets are; all exposed schemas, in which junctions are; the name; the hint after "!", or null. The name is that of a
relation, of a function that computes a relationship or, without a hint, of a foreign key or of one of the origin's
columns; the hint that of a foreign key, of a column on either side or of a junction. Out: an array, empty for none,
longer than one if it is ambiguous, in the order in which PostgREST lists candidates, of {"kind": "m2o", "o2m", "o2o",
"m2m" or "computed", "to_one", "is_self", "origin" (name), "target_oid", "target_schema", "target", "target_is_view",
"constraint", "columns": [["origin column", "target column"], ...] (not of m2m and computed),
"own_operators" (true where keys are compared by operators of their own types, postern.operator_kind),
"junction": {"oid", "schema", "name", "constraint1", "constraint2", "source": [["origin column", "junction column"],
...], "target": [["target column", "junction column"], ...]} (m2m),
"function": {"oid", "schema", "name"} (computed)}. Raises nothing. Looks only at what hangs on the two relations.
Source: docs/references/api/resource_embedding.rst of PostgREST.$$;

create or replace function postern.relationship_record(
  kind text, origin oid, target oid, key_name text, columns jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  return (
    select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
             'kind', relationship_record.kind,
             'to_one', relationship_record.kind in ('m2o', 'o2o'),
             'is_self', relationship_record.origin = relationship_record.target,
             'constraint', relationship_record.key_name,
             'columns', relationship_record.columns,
             'origin', here.relname,
             'target_oid', there.oid::bigint,
             'target_schema', n.nspname,
             'target', there.relname,
             'target_is_view', there.relkind in ('v', 'm')))
      from pg_catalog.pg_class here
     cross join pg_catalog.pg_class there
      join pg_catalog.pg_namespace n on n.oid = there.relnamespace
     where here.oid = relationship_record.origin
       and there.oid = relationship_record.target);
end
$$;
comment on function postern.relationship_record(text, oid, oid, text, jsonb) is
$$One element of what postern.find_relationships answers. In: kind, origin, target, name of the foreign key and column
pairs, the last two null where the kind has none. Out: the element, null if a relation is gone. Raises nothing.$$;

create or replace function postern.computed_relationships(
  row_type oid, namespace oid, schemas text[], name text)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        postern.relationship_record('computed', argument.typrelid, returned.typrelid, null, null)
        || pg_catalog.jsonb_build_object(
          'to_one', not p.proretset or p.prorows = 1,
          'function', pg_catalog.jsonb_build_object(
            'oid', p.oid::bigint,
            'schema', home.nspname,
            'name', p.proname))),
      '[]')
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace home on home.oid = p.pronamespace
      join pg_catalog.pg_type argument on argument.oid = row_type
      join pg_catalog.pg_type returned on returned.oid = p.prorettype
      join pg_catalog.pg_class c on c.oid = returned.typrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where p.proname = computed_relationships.name
       and p.pronamespace = namespace
       and p.pronargs = 1
       and p.proargtypes[0] = row_type
       and p.prokind = 'f'
       and c.relkind in ('r', 'v', 'm', 'f', 'p')
       and n.nspname = any (schemas));
end
$$;
comment on function postern.computed_relationships(oid, oid, text[], text) is
$$The functions of a schema that take a row of a relation and return rows of an exposed one. In: the origin's row type,
the functions' schema, the exposed schemas, the functions' name. Out: elements as of postern.find_relationships; to_one
if it returns no set or is declared ROWS 1. Raises nothing.$$;

create or replace function postern.direct_relationships(
  origin oid, origin_shown jsonb, named oid, named_shown jsonb, namespace oid, target text, hint text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  found_ones pg_catalog.jsonb := jsonb '[]';
  key pg_catalog.record;
  ends pg_catalog.record;
begin
  for key in
    select * from postern.candidate_keys(origin, origin_shown, named, named_shown, namespace, target, hint is null)
  loop
    for ends in
      select here.names as here, there.names as there
        from postern.key_names(origin_shown, key.here, key.here_key) here (names)
       cross join postern.key_names(case key.target when named then named_shown when origin then origin_shown end,
                                    key.there, key.there_key) there (names)
    loop
      if postern.relationship_is_meant(
           key.kind, key.constraint_name, ends.here, ends.there, key.target = origin, key.target = named, target, hint)
      then
        found_ones := found_ones || (postern.relationship_record(
          key.kind, origin, key.target, key.constraint_name, postern.zip_names(ends.here, ends.there))
          || case when postern.has_own_operators(key.here, key.here_key) then '{"own_operators": true}'
            else '{}'::jsonb end);
      end if;
    end loop;
  end loop;
  return found_ones;
end
$$;
comment on function postern.direct_relationships(oid, jsonb, oid, jsonb, oid, text, text) is
$$The relationships by one foreign key that a name means. In: the origin and, for a view, what postern.shown_columns
answers; the relation of that name, if any, likewise; the request's schema; the name; the hint or null. Out: elements as
of postern.find_relationships. Raises nothing.$$;

create or replace function postern.relationship_is_meant(
  kind text, key_name text, here text[], there text[], is_self boolean, by_relation boolean, target text, hint text)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  if is_self then
    -- The same key leads both ways: the relation's name means the way to many, the column's the way to one.
    if hint is null then
      return by_relation and kind = 'o2m' or kind = 'm2o' and here = array[target];
    end if;
    return by_relation and kind = 'o2m' and there = array[hint];
  end if;
  if hint is null then
    return by_relation or key_name = target or here = array[target];
  end if;
  return by_relation and (key_name = hint or here = array[hint] or there = array[hint]);
end
$$;
comment on function postern.relationship_is_meant(text, text, text[], text[], boolean, boolean, text, text) is
$$Whether a name, with or without a hint, means a relationship. In: its kind, foreign key and columns on both sides;
is_self: both sides are one relation; by_relation: the name is the target's; the hint or null. Raises nothing.$$;

create or replace function postern.sort_relationships(relationships jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  if pg_catalog.jsonb_array_length(relationships) < 2 then
    return relationships;
  end if;
  return (
    select pg_catalog.jsonb_agg(r.value order by
             r.value ->> 'kind' = 'computed',
             (r.value ->> 'target') collate "C",
             (r.value ->> 'is_self')::boolean,
             pg_catalog.array_position(array['o2m', 'm2o', 'o2o', 'm2m'], r.value ->> 'kind'),
             (r.value ->> 'constraint') collate "C",
             (r.value ->> 'columns') collate "C",
             (r.value #>> '{junction,schema}') collate "C",
             (r.value #>> '{junction,name}') collate "C",
             (r.value #>> '{junction,constraint1}') collate "C",
             (r.value #>> '{junction,constraint2}') collate "C",
             (r.value #>> '{junction,source}') collate "C",
             (r.value #>> '{junction,target}') collate "C")
      from pg_catalog.jsonb_array_elements(relationships) r);
end
$$;
comment on function postern.sort_relationships(jsonb) is
$$Relationships in the order in which PostgREST lists them: by target, kind, foreign key or junction, and columns;
computed ones last. In: what postern.find_relationships answers, in any order. Out: the same, sorted. Raises nothing.$$;
