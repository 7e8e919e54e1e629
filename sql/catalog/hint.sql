-- What a client may have meant by a name that is not there. Only what the current role has some right to is told.

create or replace function postern.may_know(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return coalesce(
    pg_catalog.has_table_privilege(relation, 'select, insert, update, delete')
      or pg_catalog.has_any_column_privilege(relation, 'select, insert, update'),
    false);
end
$$;
comment on function postern.may_know(oid) is
$$Whether the current role may do anything with a relation. In: its oid. Out: true or false. Raises nothing.$$;

create or replace function postern.relation_hint(schema text, name text)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  namespace pg_catalog.oid := (select n.oid from pg_catalog.pg_namespace n where n.nspname = relation_hint.schema);
  members pg_catalog.oid[] := postern.dependents(array[namespace], 'pg_namespace', 'pg_class');
  wanted constant pg_catalog.text := pg_catalog.lower(name);
begin
  return postern.closest_name(relation_hint.name, (
    select case when pg_catalog.count(*) <= 500 then pg_catalog.array_agg(r.relname)
             filter (where postern.may_resemble(wanted, r.relname, 0.75)
               and postern.may_know(r.oid)) end
      from (select c.oid, c.relname::text
              from pg_catalog.pg_class c
             where c.oid = any (members)
               and c.relkind in ('r', 'v', 'm', 'f', 'p')
               and not c.relispartition
             limit 501) r), 0.75);
end
$$;
comment on function postern.relation_hint(text, text) is
$$The relation closest to a name. Out: null if none is similar or the schema has more than 500. Raises nothing.$$;

create or replace function postern.relationship_hint(origin oid, schema text, target text)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  names pg_catalog.text[] := array(
    select c.relname::text
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.oid = any (postern.related_relations(origin))
       and n.nspname = relationship_hint.schema
       and not c.relispartition
       and postern.may_know(c.oid)
     limit 501);
begin
  if target = any (names) then
    return null;
  end if;
  return postern.closest_name(target, names, 0.33);
end
$$;
comment on function postern.relationship_hint(oid, text, text) is
$$The relation closest to a name among those the origin has a relationship with. Out: a relation's name; null if none is
similar, or if the name is one of them, so that the hint after "!" must be wrong. Raises nothing.$$;

create or replace function postern.related_relations(origin oid)
returns oid[]
language plpgsql stable strict parallel safe
as $$
declare
  kind pg_catalog."char" := (select c.relkind from pg_catalog.pg_class c where c.oid = origin);
  bases pg_catalog.oid[] := postern.shown_relations(
    origin, case when kind in ('v', 'm') then postern.shown_columns(origin) end);
  keys pg_catalog.oid[] := postern.dependents(bases, 'pg_class', 'pg_constraint');
  tables pg_catalog.oid[];
begin
  with referring as materialized (
    select con.conrelid
      from pg_catalog.pg_constraint con
     where con.oid = any (keys)
       and con.contype = 'f'
       and con.confrelid = any (bases)
     limit 500
  )
  select pg_catalog.array_agg(r.oid)
    into tables
    from (select con.confrelid as oid
            from pg_catalog.pg_constraint con
           where con.conrelid = any (bases) and con.contype = 'f'
          union
          select referring.conrelid from referring
          union
          select con.confrelid
            from referring
            join pg_catalog.pg_constraint con on con.conrelid = referring.conrelid
           where con.contype = 'f'
             and con.confrelid <> all (bases)) r;
  return tables || postern.views_over(tables);
end
$$;
comment on function postern.related_relations(oid) is
$$The relations that an origin may have relationships with: those its foreign keys lead to or come from, those that
share a referring table with it, and views on any of them. In: the origin. Out: oids, null for none. Raises nothing.$$;

create or replace function postern.routine_hint(schema text, name text, arguments text[])
returns text
language plpgsql stable strict parallel safe
as $$
declare
  overloads pg_catalog.jsonb := postern.find_routines(routine_hint.schema, routine_hint.name);
  namespace pg_catalog.oid := (select n.oid from pg_catalog.pg_namespace n where n.nspname = routine_hint.schema);
  members pg_catalog.oid[];
begin
  if overloads <> '[]' then
    return routine_hint.name || postern.closest_name(
      postern.signature(arguments),
      array(select postern.signature(array(select a.value ->> 'name'
                                             from pg_catalog.jsonb_array_elements(o.value -> 'args') a))
              from pg_catalog.jsonb_array_elements(overloads) o
             where pg_catalog.has_function_privilege((o.value ->> 'oid')::oid, 'execute')),
      0.33);
  end if;

  members := postern.dependents(array[namespace], 'pg_namespace', 'pg_proc');
  return postern.closest_name(routine_hint.name, (
    select case when pg_catalog.count(*) <= 500 then pg_catalog.array_agg(distinct r.proname)
             filter (where postern.may_resemble(pg_catalog.lower(routine_hint.name), r.proname, 0.75)
               and pg_catalog.has_function_privilege(r.oid, 'execute')) end
      from (select p.oid, p.proname::text
              from pg_catalog.pg_proc p
             where p.oid = any (members)
               and p.prokind = 'f'
               and p.prorettype <> 'trigger'::regtype
             limit 501) r), 0.75);
end
$$;
comment on function postern.routine_hint(text, text, text[]) is
$$The routine closest to a call. In: schema, name and argument names of the call that matched none. Out: "name(argument,
...)" of the most similar overload if there are routines of that name; else the name of the most similar routine; null
if none is, or the schema has more than 500. Raises nothing.$$;

create or replace function postern.signature(names text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return '(' || coalesce(
    (select pg_catalog.string_agg(n.name, ', ' order by n.name collate "C") from pg_catalog.unnest(names) as n (name)),
    '') || ')';
end
$$;
comment on function postern.signature(text[]) is
$$Argument names as one text, so that calls can be compared. In: the names. Out: "(a, b)", sorted. Raises nothing.$$;
