-- Keys as notes on columns, which clients and generators of clients read.

create or replace function postern.described_keys(relations oid[])
returns table (relation oid, attnum int2)
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  with shown as materialized (
    select v.oid as relation, s.view_attnum as attnum, s.base_relation, s.base_attnum
      from pg_catalog.pg_class v
     cross join lateral postern.view_columns(v.oid) s
     where v.oid = any (relations)
       and v.relkind in ('v', 'm')
  ), shown_key as (
    select s.relation, pg_catalog.min(s.attnum) as attnum, pg_catalog.cardinality(con.conkey) as wanted,
           pg_catalog.count(*) over (partition by s.relation, con.oid) as found
      from shown s
      join pg_catalog.pg_constraint con on con.conrelid = s.base_relation and s.base_attnum = any (con.conkey)
     where con.contype = 'p'
     group by s.relation, con.oid, con.conkey, s.base_attnum
  )
  select con.conrelid, key.attnum
    from pg_catalog.pg_constraint con
   cross join lateral pg_catalog.unnest(con.conkey) as key (attnum)
   where con.conrelid = any (relations)
     and con.contype = 'p'
  union
  select k.relation, k.attnum from shown_key k where k.found = k.wanted;
end
$$;
comment on function postern.described_keys(oid[]) is
  'The columns of the primary keys of relations: of a view, those of the tables it shows, each key all of whose '
  'columns the view has, by the first column that shows it (postern.relation_pk). Raises nothing.';

create or replace function postern.openapi_notes(relations oid[], everything boolean default true)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    with shown as materialized (
      select v.oid as relation, s.view_attnum as attnum, s.base_relation, s.base_attnum
        from pg_catalog.pg_class v
       cross join lateral postern.view_columns(v.oid) s
       where v.oid = any (relations)
         and v.relkind in ('v', 'm')
    ), single_key as materialized (
      select con.conname, con.conrelid, con.conkey[1] as attnum, con.confrelid, con.confkey[1] as target_attnum
        from pg_catalog.pg_constraint con
       where con.contype = 'f'
         and con.conparentid = 0
         and pg_catalog.cardinality(con.conkey) = 1
    ), referring as (
      select k.conrelid as relation, k.attnum, k.conname, k.confrelid, k.target_attnum
        from single_key k
        join pg_catalog.unnest(relations) as listed (oid) on listed.oid = k.conrelid
      union all
      select s.relation, s.attnum, k.conname, k.confrelid, k.target_attnum
        from shown s
        join single_key k on k.conrelid = s.base_relation and k.attnum = s.base_attnum
    ), target as (
      select r.relation, r.attnum, r.conname, r.confrelid as oid, r.target_attnum, false as is_view
        from referring r
      union all
      select r.relation, r.attnum, r.conname, s.relation, s.attnum, true
        from referring r
        join shown s on s.base_relation = r.confrelid and s.base_attnum = r.target_attnum
    ), reference as (
      select distinct on (t.relation, t.attnum)
             t.relation, t.attnum, c.relname as target, a.attname as target_column
        from target t
        join pg_catalog.pg_class here on here.oid = t.relation
        join pg_catalog.pg_class c on c.oid = t.oid and c.relnamespace = here.relnamespace
        join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = t.target_attnum
       where everything or pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')
       order by t.relation, t.attnum, t.is_view, c.relname collate "C", t.conname collate "C", a.attname collate "C"
    ), note as (
      select i.relation, i.attnum, 1 as place, 'This is a Primary Key.<pk/>' as content
        from postern.described_keys(relations) i
      union all
      select r.relation, r.attnum, 2, pg_catalog.format(
               'This is a Foreign Key to `%1$s.%2$s`.<fk table=''%1$s'' column=''%2$s''/>', r.target, r.target_column)
        from reference r
    )
    select coalesce(pg_catalog.jsonb_object_agg(per_column.key, per_column.content), '{}')
      from (select n.relation || '.' || n.attnum as key,
                   pg_catalog.concat_ws(
                     e'\n', 'Note:', pg_catalog.string_agg(n.content, e'\n' order by n.place)) as content
              from note n
             group by n.relation, n.attnum) per_column);
end
$$;
comment on function postern.openapi_notes(oid[], boolean) is
  'What there is to note on the columns of relations: part of a primary key, all of a foreign key. Out: an object of '
  '"oid.attnum" to text. A foreign key leads to a table of the same schema, else to a view there that shows its key '
  'and is among the relations; unless everything is true, to one whose key the current role has a privilege on. The '
  '<pk/> and <fk/> elements are for programs. Raises nothing. Source: PostgREST''s OpenAPI output.';
