-- What a view's columns are made of: the columns of base tables that it shows unchanged.

create or replace function postern.view_targets(view oid)
returns table (attnum int2, source oid, source_attnum int2)
language plpgsql stable strict parallel safe
rows 20
as $$
declare
  tree pg_catalog.text := (select r.ev_action::text
                  from pg_catalog.pg_rewrite r
                 where r.ev_class = view and r.rulename = '_RETURN');
begin
  -- Names escape braces and backslashes by a backslash. Without those, every brace left begins or ends a node.
  if pg_catalog.strpos(tree, e'\\') > 0 then
    tree := pg_catalog.replace(tree, e'\\\\', '');
    tree := pg_catalog.replace(pg_catalog.replace(tree, e'\\{', ''), e'\\}', '');
  end if;

  -- Cut before each target entry's number. The entries of the view's own query stand two nodes deep,
  -- {QUERY ... {TARGETENTRY ...; those of subqueries deeper. What follows the number is written without a node between.
  return query
  select pg_catalog.split_part(cut.piece, ' ', 1)::int2,
         pg_catalog.split_part(cut.origin, ' ', 1)::oid,
         pg_catalog.split_part(cut.origin, ' ', 3)::int2
    from (select entry.piece,
                 pg_catalog.split_part(entry.piece, ' :resorigtbl ', 2) as origin,
                 pg_catalog.sum(entry.opened) over (order by entry.place) - entry.opened as depth
            from (select p.piece, p.place,
                         pg_catalog.octet_length(pg_catalog.replace(p.piece, '}', ''))
                         - pg_catalog.octet_length(pg_catalog.replace(p.piece, '{', '')) as opened
                    from pg_catalog.unnest(pg_catalog.string_to_array(tree, ' :resno '))
                           with ordinality as p (piece, place)) entry) cut
   where cut.depth = 2
     and cut.origin <> ''
     and pg_catalog.split_part(cut.origin, ' ', 1) <> '0'
     and pg_catalog.split_part(cut.origin, ' ', 5) like 'false%';
end
$$;
comment on function postern.view_targets(oid) is
$$The columns of a view that are columns of a relation its query reads, unchanged, also through subqueries and CTEs. In:
the oid of a view or materialized view. Out: attribute number, the relation's oid (a view, where the view reads one) and
its attribute number; nothing for what is not a view. Raises nothing. Source: pg_rewrite.ev_action, whose target entries
carry resorigtbl and resorigcol.$$;

create or replace function postern.view_columns(view oid, above oid[] default '{}')
returns table (view_attnum int2, base_relation oid, base_attnum int2)
language plpgsql stable strict parallel safe
rows 20
as $$
begin
  return query
  with direct as materialized (
    select t.attnum, t.source, t.source_attnum from postern.view_targets(view) t
  ), views as materialized (
    select c.oid
      from pg_catalog.pg_class c
     where c.oid in (select d.source from direct d)
       and c.relkind in ('v', 'm')
  )
  select d.attnum, d.source, d.source_attnum
    from direct d
   where d.source not in (select v.oid from views v)
  union all
  select d.attnum, below.base_relation, below.base_attnum
    from views v
   cross join lateral postern.view_columns(v.oid, above || view) below
    join direct d on d.source = v.oid and d.source_attnum = below.view_attnum
   where v.oid <> all (above || view);
end
$$;
comment on function postern.view_columns(oid, oid[]) is
$$The columns of base tables that a view, also a materialized one, shows unchanged, traced through views over views. In:
above: the views above it, which are not traced again, so that a circle ends. Out: its attribute number, the base
relation and the attribute number there. Raises nothing.$$;

create or replace function postern.view_pk(view oid)
returns text[]
language plpgsql stable strict parallel safe
as $$
begin
  return (
    with shown as materialized (
      select s.view_attnum, s.base_relation, s.base_attnum from postern.view_columns(view) s
    )
    select coalesce(pg_catalog.array_agg(a.attname::text order by a.attname), '{}')
      from pg_catalog.pg_constraint con
     cross join lateral (
       select pg_catalog.array_agg(first.attnum) as attnums
         from (select pg_catalog.min(s.view_attnum) as attnum
                 from shown s
                where s.base_relation = con.conrelid and s.base_attnum = any (con.conkey)
                group by s.base_attnum) first
     ) key
      join pg_catalog.pg_attribute a on a.attrelid = view and a.attnum = any (key.attnums)
     where con.conrelid = any (array(select s.base_relation from shown s))
       and con.contype = 'p'
       and pg_catalog.cardinality(key.attnums) = pg_catalog.cardinality(con.conkey));
end
$$;
comment on function postern.view_pk(oid) is
$$The columns that identify a view's rows as far as the catalog can tell: the primary keys of the base tables it shows,
each one all of whose columns the view has; where it shows a key column twice, the first. In: the view. Out: column
names sorted by name, empty if there are none. Raises nothing.$$;

create or replace function postern.views_over(relations oid[])
returns oid[]
language plpgsql stable strict parallel safe
as $$
declare
  below pg_catalog.oid[] := relations;
  views pg_catalog.oid[] := array[]::oid[];
  rules pg_catalog.oid[];
begin
  loop
    rules := postern.dependents(below, 'pg_class', 'pg_rewrite');
    below := array(
      select distinct rule.ev_class
        from pg_catalog.pg_rewrite rule
       where rule.oid = any (rules)
         and rule.rulename = '_RETURN'
         and rule.ev_class <> all (views || relations));
    exit when below = '{}';
    views := views || below;
  end loop;
  return views;
end
$$;
comment on function postern.views_over(oid[]) is
$$The views that read any of these relations, directly or through other views. In: oids of relations. Out: oids of views
and materialized views, without those given. Raises nothing.$$;
