-- What can be embedded where, for all relations of the exposed schemas together. For one name
-- postern.find_relationships tells it.

create or replace function postern.described_ends(relations oid[])
returns table (key oid, outgoing boolean, relation oid, namespace oid, name text, columns text[], clear boolean)
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  with shown as materialized (
    select v.oid as relation, s.base_relation, s.base_attnum, pg_catalog.min(s.view_attnum) as attnum,
           pg_catalog.count(*) as times
      from pg_catalog.pg_class v
     cross join lateral postern.view_columns(v.oid) s
     where v.oid = any (relations)
       and v.relkind in ('v', 'm')
     group by v.oid, s.base_relation, s.base_attnum
  ), used as (
    select con.oid as key, side.outgoing, side.base, side.attnums
      from pg_catalog.pg_constraint con
     cross join lateral (
       values (true, con.conrelid, con.conkey), (false, con.confrelid, con.confkey)) as side (outgoing, base, attnums)
     where con.contype = 'f'
       and con.conparentid = 0
       and con.conrelid = any (relations || array(select s.base_relation from shown s))
  ), attribute as (
    select u.key, u.outgoing, u.base as relation, pg_catalog.cardinality(u.attnums) as wanted, a.attnum, a.place,
           1::bigint as times
      from used u
     cross join lateral pg_catalog.unnest(u.attnums) with ordinality as a (attnum, place)
      join pg_catalog.unnest(relations) as listed (oid) on listed.oid = u.base
    union all
    select u.key, u.outgoing, s.relation, pg_catalog.cardinality(u.attnums), s.attnum, a.place, s.times
      from used u
     cross join lateral pg_catalog.unnest(u.attnums) with ordinality as a (attnum, place)
      join shown s on s.base_relation = u.base and s.base_attnum = a.attnum
  ), whole as (
    select a.key, a.outgoing, a.relation, pg_catalog.array_agg(named.attname::text order by a.place) as columns,
           pg_catalog.max(a.times) = 1 as clear
      from attribute a
      join pg_catalog.pg_attribute named on named.attrelid = a.relation and named.attnum = a.attnum
     group by a.key, a.outgoing, a.relation, a.wanted
    having pg_catalog.count(*) = a.wanted
  )
  select w.key, w.outgoing, w.relation, c.relnamespace, c.relname::text, w.columns, w.clear
    from whole w
    join pg_catalog.pg_class c on c.oid = w.relation;
end
$$;
comment on function postern.described_ends(oid[]) is
  'The relations that show a foreign key of one of them, at either end of it: a table, and each view that shows all of '
  'its columns. In: the relations. Out: the key; outgoing: whether this is the end that refers; the relation, its '
  'schema, name and columns of the key; clear: false where a view shows one twice. Raises nothing.';

create or replace function postern.described_relationships(relations oid[], everything boolean default true)
returns table (
  origin oid, target oid, name text, kind text, constraint_name text, junction text, columns text[],
  target_columns text[], clear boolean)
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  with ends as materialized (
    select e.* from postern.described_ends(relations) e
  ), key as materialized (
    select con.oid, con.conname::text as name, con.conrelid,
           coalesce(pg_catalog.bool_or(own.conkey @> con.conkey and own.conkey <@ con.conkey), false) as one,
           coalesce(pg_catalog.bool_or(own.contype = 'p' and own.conkey @> con.conkey), false) as in_pk
      from pg_catalog.pg_constraint con
      left join pg_catalog.pg_constraint own on own.conrelid = con.conrelid and own.contype in ('p', 'u')
     where con.oid = any (array(select e.key from ends e where e.outgoing))
     group by con.oid, con.conname, con.conrelid
  ), direct as (
    select here.relation as origin, there.relation as target, there.name as target_name,
           case when k.one then 'o2o' when here.outgoing then 'm2o' else 'o2m' end as kind,
           k.name, here.columns, there.columns as target_columns, here.clear and there.clear as clear
      from ends here
      join ends there on there.key = here.key and there.outgoing <> here.outgoing and there.namespace = here.namespace
      join key k on k.oid = here.key
  ), leg as materialized (
    select k.name, e.relation as junction, e.name as junction_name, e.columns,
           far.relation, far.name as far_name, far.namespace, far.columns as far_columns,
           e.clear and far.clear and (everything or postern.may_know(e.relation)) as clear
      from key k
      join ends e on e.key = k.oid and e.outgoing
      join ends far on far.key = k.oid and not far.outgoing
     where k.in_pk and not k.one
       and (e.relation = k.conrelid or e.columns <@ postern.view_pk(e.relation))
  )
  select d.origin, d.target, d.target_name, d.kind, d.name, null, d.columns, d.target_columns, d.clear
    from direct d
  union all
  select one.relation, other.relation, other.far_name, 'm2m', null, one.junction_name, one.far_columns,
         other.far_columns, one.clear and other.clear
    from leg one
    join leg other on other.junction = one.junction and other.name <> one.name and other.relation <> one.relation
      and other.namespace = one.namespace;
end
$$;
comment on function postern.described_relationships(oid[], boolean) is
  'All relationships by foreign keys between relations of one schema. In: all relations of the exposed schemas, in '
  'which junctions are; everything: whether privileges are ignored. Out: origin, target and its name; kind (m2o, o2m, '
  'o2o, m2m) as seen from the origin, foreign key or junction, the columns on both sides; clear is false where a view '
  'shows a key more than once, and unless everything is true where the junction is none of the current role''s '
  'business. Raises nothing. Source: PostgREST docs, references/api/resource_embedding.';

create or replace function postern.described_computed(relations oid[])
returns table (origin oid, name text, description text, type oid, returned_set boolean, one boolean, executable boolean)
language plpgsql stable strict parallel safe
as $$
begin
  return query
  select c.oid, p.proname::text, comment.description, p.prorettype, p.proretset, not p.proretset or p.prorows = 1,
         pg_catalog.has_function_privilege(p.oid, 'execute')
    from pg_catalog.pg_proc p
    join pg_catalog.pg_class c on c.reltype = p.proargtypes[0] and c.relnamespace = p.pronamespace
    left join pg_catalog.pg_description comment on comment.objoid = p.oid and comment.classoid = 'pg_proc'::regclass
   where c.oid = any (relations)
     and p.pronargs = 1
     and p.prokind = 'f';
end
$$;
comment on function postern.described_computed(oid[]) is
  'The functions that can be computed fields or relationships of relations: of their schema, with a row as the only '
  'argument. In: the relations. Out: relation; name, comment, what it returns, whether it returns sets, whether one '
  'row at most, whether the current role may call it. Raises nothing. Source: PostgREST docs, '
  'references/api/computed_fields and resource_embedding.';

create or replace function postern.described_embeds(described oid[], relations oid[], everything boolean default true)
returns table (
  origin oid, selector text, name text, target oid, kind text, constraint_name text, junction text, columns text[],
  target_columns text[])
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  with computed as materialized (
    select c.origin, c.name, target.oid as target, c.one as to_one, everything or c.executable as clear
      from postern.described_computed(described) c
      join pg_catalog.pg_type returned on returned.oid = c.type
      join pg_catalog.unnest(relations) as target (oid) on target.oid = returned.typrelid
  ), relationship as materialized (
    select r.*, r.origin <> r.target or r.kind = 'o2m' as plain,
           pg_catalog.count(*) filter (where r.origin <> r.target or r.kind = 'o2m')
             over (partition by r.origin, r.target) as times
      from postern.described_relationships(relations, everything) r
      join pg_catalog.unnest(described) as listed (oid) on listed.oid = r.origin
      join pg_catalog.unnest(described) as other (oid) on other.oid = r.target
  ), hinted as (
    select r.*, h.place, h.hint,
           pg_catalog.count(*) over (partition by r.origin, r.target, h.hint) as hint_times
      from relationship r
     cross join lateral (
       select distinct on (n.hint) n.place, n.hint
         from (values
                (1, case when r.origin <> r.target then r.constraint_name end),
                (1, r.junction),
                (2, case when pg_catalog.cardinality(r.columns) = 1 and r.origin <> r.target and r.kind <> 'm2m'
                      then r.columns[1] end),
                (3, case when pg_catalog.cardinality(r.target_columns) = 1 and r.plain and r.kind <> 'm2m'
                      then r.target_columns[1] end)
              ) as n (place, hint)
        where n.hint is not null
        order by n.hint, n.place) h
     where r.times > 1
  ), best as (
    select r.*, null as hint from relationship r where r.plain and r.times = 1 and r.clear
    union all
    (select distinct on (h.origin, h.target, h.kind, h.constraint_name, h.junction, h.columns, h.target_columns)
            h.origin, h.target, h.name, h.kind, h.constraint_name, h.junction, h.columns, h.target_columns, h.clear,
            h.plain, h.times, h.hint
       from hinted h
      where h.hint_times = 1 and h.clear
      order by h.origin, h.target, h.kind, h.constraint_name, h.junction, h.columns, h.target_columns, h.place,
               h.hint collate "C")
  )
  select b.origin, b.name || coalesce('!' || b.hint, ''), b.name, b.target, b.kind, b.constraint_name, b.junction,
         b.columns, b.target_columns
    from best b
   where not exists (select from computed c where c.origin = b.origin and c.name = b.name)
  union all
  select r.origin, r.columns[1], r.columns[1], r.target, r.kind, r.constraint_name, null, r.columns, r.target_columns
    from relationship r
   where r.origin = r.target and r.kind = 'm2o' and pg_catalog.cardinality(r.columns) = 1 and r.clear
     and not exists (select from relationship other
                      where other.origin = r.origin and other.columns = r.columns and other.kind in ('m2o', 'o2o')
                        and other.constraint_name <> r.constraint_name)
  union all
  select c.origin, c.name, c.name, c.target, case when c.to_one then 'computed-one' else 'computed-many' end,
         null, null, null, null
    from computed c
   where c.target = any (described) and c.clear;
end
$$;
comment on function postern.described_embeds(oid[], oid[], boolean) is
  'What can be embedded in the rows of the described relations and leads to one of them. In: those; all relations of '
  'the exposed schemas; whether privileges are ignored. Out: what to write in select (with the hint that it needs), '
  'the key in the answer, kind (m2o, o2m, o2o, m2m; computed-one, computed-many), foreign key, junction, columns on '
  'both sides. What no hint makes unambiguous is left out. Raises nothing. Source: PostgREST docs, '
  'references/api/resource_embedding.';
