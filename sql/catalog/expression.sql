-- What code of the user's functions, expressions, types, operators and casts are: null (none), 'stable' (none that is
-- VOLATILE) or 'volatile', as in catalog/code.sql.

create or replace function postern.function_code(oids oid[])
returns text
language plpgsql stable parallel safe
as $$
declare
  code pg_catalog.text;
  one pg_catalog.oid;
  function pg_catalog.record;
begin
  foreach one in array coalesce(oids, '{}') loop
    select provolatile, prolang, prokind into function from pg_proc where oid = one and oid >= 16384;
    if function.prokind = 'a' then
      code := greatest(code, (
        select postern.function_code(array[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
                 aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[])
          from pg_aggregate
         where aggfnoid = one));
    elsif function.prolang not in (12, 13) then -- internal and C
      code := greatest(code, case function.provolatile when 'v' then 'volatile' else 'stable' end);
    end if;
  end loop;
  return code;
end
$$;
comment on function postern.function_code(oid[]) is
$$What code of the user's some functions are. In: their oids; those that are not there count for nothing. Out: null,
stable or volatile. An aggregate is what its functions are. Raises nothing.$$;

create or replace function postern.tree_code(tree text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when strpos(tree, ':funcid 2') = 0 and strpos(tree, ':funcid 3') = 0 then null
    when tree ~ ':funcid (2078|28[89][0-9]|292[3-9]|293[03-8]|3685|3689|3690) ' then 'volatile'
    when tree ~ ':funcid (2077|2084|3294) ' then 'stable' end;
end
$$;
comment on function postern.tree_code(text) is
$$What an expression does with the functions that PostgreSQL comes with. Out: volatile where it sets a setting, locks
for the session or runs a query in a text (set_config, pg_advisory_lock, query_to_xml, ts_stat and their like), stable
where it reads a setting (current_setting, pg_show_all_settings), else null. Their oids never change. Raises nothing.$$;

create or replace function postern.object_code(class oid, object oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  if class = 'pg_proc'::regclass then
    return postern.function_code(array[object]);
  end if;
  return (
    select max(postern.used_code(u.kind, u.id)) from postern.used_objects(class, object) as u);
end
$$;
comment on function postern.object_code(oid, oid) is
$$What code of the user's runs where an expression uses an object: in the functions of an operator or operator class,
and in the constraints and defaults of domains, in arrays and composite types too. In: a function, operator, operator
class or type, as the oid of its catalog and its own. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.direct_objects(class oid, object oid, part int default null)
returns table (kind oid, id oid)
language sql stable parallel safe
rows 1
as $$
  select refclassid, refobjid
    from pg_depend
   where classid = class
     and objid = object
     and (part is null or objsubid = part)
     and refobjid >= 16384
     and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
  offset 0
$$;
comment on function postern.direct_objects(oid, oid, int) is
$$What of the user's an object uses directly. In: the object, as the oid of its catalog and its own; part: only of this
column, null for all. Out: functions, operators, operator classes and types, likewise. Raises nothing. In FROM it is
part of the query, and offset 0 holds the planner to an index.$$;

create or replace function postern.used_code(kind oid, id oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return case kind
    when 'pg_proc'::regclass then postern.function_code(array[id])
    when 'pg_constraint'::regclass then (
      select postern.tree_code(c.conbin::text) from pg_constraint as c where c.oid = id)
    when 'pg_type'::regclass then (
      select postern.tree_code(t.typdefaultbin::text) from pg_type as t where t.oid = id) end;
end
$$;
comment on function postern.used_code(oid, oid) is
$$What code of the user's a row of postern.used_objects is. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.used_objects(class oid, object oid)
returns table (kind oid, id oid)
language plpgsql stable strict parallel safe
as $$
begin
  if class = 'pg_type'::regclass and exists (select from pg_type where oid = object and typtype = 'e') then
    kind := class; -- an enum uses nothing else
    id := object;
    return next;
    return;
  end if;
  return query
    with recursive used (class, object) as (
      select used_objects.class, used_objects.object
      union
      select below.*
        from used
       cross join lateral (
         select * from postern.direct_objects(used.class, used.object)
         union all
         select 'pg_class'::regclass, typrelid
           from pg_type
          where used.class = 'pg_type'::regclass
            and oid = used.object
         union all
         select 'pg_constraint'::regclass, oid
           from pg_constraint
          where used.class = 'pg_type'::regclass
            and contypid = used.object
         union all
         select 'pg_proc'::regclass, oprcode
           from pg_operator
          where used.class = 'pg_operator'::regclass
            and oid = used.object
         union all
         select 'pg_proc'::regclass, amproc
           from pg_opclass
           join pg_amproc on amprocfamily = opcfamily
          where used.class = 'pg_opclass'::regclass
            and pg_opclass.oid = used.object
         offset 0) as below
       where used.class <> 'pg_proc'::regclass)
    select * from used;
end
$$;
comment on function postern.used_objects(oid, oid) is
$$What an object uses, itself first. In: as of postern.object_code. Out: functions, operators, operator classes, types
and their constraints and rows, as the oid of the catalog and their own. Raises nothing.$$;

create or replace function postern.types_code(relation oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.used_code(u.kind, u.id), case u.kind when 'pg_type'::regclass then greatest(
        postern.function_code(array(select castfunc from pg_cast where u.id in (castsource, casttarget))),
        postern.function_code(array(select oprcode::oid from pg_operator where u.id in (oprleft, oprright)))) end))
    from (
      select distinct atttypid
        from pg_attribute
       where attrelid = types_code.relation
         and attnum > 0
         and not attisdropped
         and atttypid >= 16384
      offset 0) as a
   cross join lateral postern.used_objects('pg_type'::regclass, a.atttypid) as u);
end
$$;
comment on function postern.types_code(oid) is
$$What code of the user's runs where the values of a relation's columns are read from text, cast or compared. In: the
relation. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.common_code()
returns text
language plpgsql stable parallel safe
as $$
begin
  return greatest(
    postern.function_code(array(
      select castfunc
      from pg_cast
      where oid >= 16384 and castfunc >= 16384 and castsource < 16384 and casttarget < 16384)),
    postern.function_code(array(
      select oprcode::oid
      from pg_operator
      where oid >= 16384 and oprcode >= 16384 and oprleft < 16384 and oprright < 16384)));
end
$$;
comment on function postern.common_code() is
$$What code of the user's casts and operators are that are between types that PostgreSQL comes with, so that any
statement may run it. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.defaults_code(function oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select greatest(postern.tree_code(proargdefaults::text), (
        select max(postern.object_code(used.kind, used.id))
          from postern.direct_objects('pg_proc'::regclass, p.oid) as used))
      from pg_proc as p
     where p.oid = defaults_code.function
       and proargdefaults is not null);
end
$$;
comment on function postern.defaults_code(oid) is
$$What code of the user's the defaults of a function are. Out: null, stable or volatile. Raises nothing.$$;
