-- The columns that a description of the API is about.

create or replace function postern.described_columns(relations oid[], everything boolean default true)
returns table (
  relation oid, attnum int2, name text, type oid, base oid, type_name text, modifier int, required boolean,
  generated boolean, always boolean, standard text, description text)
language plpgsql stable strict parallel safe
rows 10000
as $$
begin
  return query
  with domain as materialized (
    select t.oid, t.typtypmod, postern.base_type(t.oid) as base
      from pg_catalog.pg_type t
     where t.typtype = 'd'
  )
  select a.attrelid, a.attnum, a.attname::text, a.atttypid, base.oid,
         case when base.typnamespace = 'pg_catalog'::regnamespace
           then pg_catalog.format_type(base.oid, null)
           else pg_catalog.format_type(a.atttypid, a.atttypmod)
         end,
         case when d.oid is null then a.atttypmod else d.typtypmod end,
         a.attnotnull or t.typtype = 'd' and t.typnotnull,
         a.attgenerated <> '' or a.attidentity <> '' or a.atthasdef or t.typdefaultbin is not null,
         a.attgenerated <> '' or a.attidentity = 'a',
         case
           when a.attgenerated <> '' then null
           when a.atthasdef then (select pg_catalog.pg_get_expr(def.adbin, def.adrelid)
                                    from pg_catalog.pg_attrdef def
                                   where def.adrelid = a.attrelid and def.adnum = a.attnum)
           else pg_catalog.pg_get_expr(t.typdefaultbin, 0::oid)
         end,
         comment.description
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join domain d on d.oid = t.oid
    join pg_catalog.pg_type base on base.oid = coalesce(d.base, t.oid)
    left join pg_catalog.pg_description comment
      on comment.objoid = a.attrelid and comment.classoid = 'pg_class'::regclass and comment.objsubid = a.attnum
   where a.attrelid = any (relations)
     and a.attnum > 0
     and not a.attisdropped
     and (everything or pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));
end
$$;
comment on function postern.described_columns(oid[], boolean) is
  'What a description says of the columns of relations. In: everything: all columns, not only those on which the '
  'current role has any privilege. Out, in no order: type, the type below a domain, its name (with its schema unless '
  'on the search path), type modifier; required (never null), generated (there is a value where none is given), always '
  '(none can be given); the expression of the default, of the column or of its domain; comment. Raises nothing.';

create or replace function postern.filterable(name text)
returns boolean
language sql immutable parallel safe
as $$
  select name <> all('{select,order,limit,offset,and,or,columns,on_conflict}')
    and strpos(name, '.') = 0 and strpos(name, '->') = 0
$$;
comment on function postern.filterable(text) is
  'Whether a parameter of this name filters by the column of this name: some names mean something else, as do dots and '
  'arrows. In: the name. Out: true or false. Raises nothing.';

create or replace function postern.described_filters(relations oid[], everything boolean default true)
returns table (relation oid, attnum int2, name text, description text)
language plpgsql stable strict parallel safe
rows 10000
as $$
begin
  return query
  select a.attrelid, a.attnum, a.attname::text, comment.description
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_description comment
      on comment.objoid = a.attrelid and comment.classoid = 'pg_class'::regclass and comment.objsubid = a.attnum
   where a.attrelid = any (relations)
     and a.attnum > 0
     and not a.attisdropped
     and (everything or pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))
     and postern.filterable(a.attname);
end
$$;
comment on function postern.described_filters(oid[], boolean) is
  'The columns of relations that a parameter of their name filters by (postern.filterable). In: as of '
  'postern.described_columns. Out: the columns, in no order, with their comments. Raises nothing.';
