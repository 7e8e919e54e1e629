-- What refers to a relation, by the one index of pg_depend that is about it.

create or replace function postern.dependents(objects oid[], class regclass, kind regclass, attribute int default null)
returns oid[]
language plpgsql stable parallel safe
as $$
begin
  return array(
    with referring as materialized (
      select d.classid, d.objid, d.refobjsubid
        from pg_catalog.pg_depend d
       where d.refclassid = dependents.class
         and d.refobjid = any (objects)
    )
    select distinct r.objid
      from referring r
     where r.classid = dependents.kind
       and (attribute is null or r.refobjsubid = attribute));
end
$$;
comment on function postern.dependents(oid[], regclass, regclass, int) is
$$The objects that depend on others. In: the oids of those others and their catalog; the catalog of the objects wanted;
optionally one attribute number that they have to depend on. Out: their oids, each once. Raises nothing. The index on
pg_depend by what is referred to is the only one used: the planner, left to itself, may also walk through all objects of
a catalog.$$;

create or replace function postern.dependent_count(relations oid[], most int)
returns int
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select pg_catalog.count(*)::int
      from (select
              from pg_catalog.pg_depend d
             where d.refclassid = 'pg_class'::regclass
               and d.refobjid = any (relations)
             limit most) counted);
end
$$;
comment on function postern.dependent_count(oid[], int) is
$$How much there is that depends on relations, to tell the few from the many. In: their oids; where to stop counting.
Out: the number of entries in pg_depend, at most that. Raises nothing.$$;
