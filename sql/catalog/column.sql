-- The columns of a relation.

create or replace function postern.base_type(type oid)
returns oid
language plpgsql stable strict parallel safe
as $$
declare
  base pg_catalog.oid := type;
  below pg_catalog.oid;
begin
  loop
    select t.typbasetype into below from pg_catalog.pg_type t where t.oid = base;
    exit when coalesce(below, 0) = 0;
    base := below;
  end loop;
  return base;
end
$$;
comment on function postern.base_type(oid) is
$$The type below a domain, through domains over domains. In: a type. Out: the first type below that is not a domain; any
other type is its own. Raises nothing. (PostgreSQL 17 and later have pg_basetype for it.)$$;

create or replace function postern.kind_of_type(kind "char", subscript oid, namespace oid)
returns text
language sql immutable parallel safe
as $$
  select case kind
    when 'e' then 'enum'
    when 'c' then 'composite'
    when 'r' then 'range'
    when 'm' then 'range'
    when 'b' then case when subscript = 'array_subscript_handler'::regproc then 'array'
      when namespace = 'pg_catalog'::regnamespace then 'builtin' end
  end
$$;
comment on function postern.kind_of_type("char", oid, oid) is
$$As postern.operator_kind, of a type that is no domain. In: as of the columns of pg_type. Raises nothing.$$;

create or replace function postern.operator_kind(type oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select postern.kind_of_type(t.typtype, t.typsubscript, t.typnamespace)
      from pg_catalog.pg_type t
     where t.oid = postern.base_type(type));
end
$$;
comment on function postern.operator_kind(oid) is
$$Whose operators compare the values of a type. In: a type. Out: null if its own, which are where it is (citext); else
PostgreSQL's, as the type is, or is a domain over, one that is "builtin", an "array", "enum", "range" or "composite".
Raises nothing.$$;

create or replace function postern.has_own_operators(relation oid, key int2[])
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select from pg_catalog.pg_attribute a
     where a.attrelid = relation
       and a.attnum = any (key)
       and postern.operator_kind(a.atttypid) is null);
end
$$;
comment on function postern.has_own_operators(oid, int2[]) is
$$Whether a column of a key is of a type with operators of its own (postern.operator_kind). Raises nothing.$$;

create or replace function postern.relation_columns(relation oid, defaults boolean default false)
returns jsonb
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'name', a.attname,
          'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
          'base', case
            when t.typtype = 'd' then postern.domain_base_name(a.atttypid, a.atttypmod)
            when t.typnamespace = 'pg_catalog'::regnamespace then pg_catalog.format_type(a.atttypid, null)
            else pg_catalog.format_type(a.atttypid, a.atttypmod)
          end,
          'type_oid', a.atttypid::bigint,
          'operators', case t.typtype when 'd' then postern.operator_kind(a.atttypid)
            else postern.kind_of_type(t.typtype, t.typsubscript, t.typnamespace) end,
          'default', case
            when not defaults or a.attgenerated <> '' then null
            when a.attidentity = 'd' then postern.identity_default(a.attrelid, a.attnum)
            when a.atthasdef then
              (select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                 from pg_catalog.pg_attrdef d
                where d.adrelid = a.attrelid and d.adnum = a.attnum)
            when t.typtype = 'd' then pg_catalog.pg_get_expr(t.typdefaultbin, 0::oid)
          end,
          'generated', a.attgenerated <> '',
          'nullable', not (a.attnotnull or t.typtype = 'd' and t.typnotnull))
        order by a.attnum),
      '[]')
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
     where a.attrelid = relation_columns.relation
       and a.attnum > 0
       and not a.attisdropped);
end
$$;

comment on function postern.relation_columns(oid, boolean) is
$$The columns of a relation, in their order. In: its oid; whether defaults are wanted. Out: an array of {"name", "type"
(with modifier, schema-qualified outside pg_catalog), "base" (below a domain over a built-in type, that type),
"type_oid", "operators" (postern.operator_kind), "default" (expression or null: of the column, the identity sequence or
the domain; null, too, where not wanted), "generated", "nullable"}; empty if there is no such relation. Raises
nothing.$$;

create or replace function postern.domain_base_name(domain oid, modifier int)
returns text
language plpgsql stable parallel safe
as $$
declare
  base pg_catalog.oid := postern.base_type(domain);
begin
  if exists (select from pg_catalog.pg_type t
              where t.oid = base and t.typnamespace = 'pg_catalog'::regnamespace) then
    return pg_catalog.format_type(base, null);
  end if;
  return pg_catalog.format_type(domain, modifier);
end
$$;
comment on function postern.domain_base_name(oid, int) is
$$What a column of a domain holds. In: the domain and the column's type modifier. Out: the name of the built-in type
below; the domain's own where the type below is not built in. Raises nothing.$$;

create or replace function postern.default_expressions(relation oid, payload jsonb)
returns jsonb
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
begin
  -- This holds to the end of the function.
  perform pg_catalog.set_config('search_path', pg_catalog.current_setting('postern.path'), true);
  return coalesce((
    select pg_catalog.jsonb_agg(case when f.field operator(pg_catalog.?) 'default' and w.expression is not null
             then f.field operator(pg_catalog.||) pg_catalog.jsonb_build_object('default', w.expression)
             else f.field end
             order by f.place)
      from pg_catalog.jsonb_array_elements(payload) with ordinality as f (field, place)
      join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) relation
       and a.attname operator(pg_catalog.=) (f.field operator(pg_catalog.->>) 'name')
      join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
      left join pg_catalog.pg_attrdef d on d.adrelid operator(pg_catalog.=) a.attrelid
        and d.adnum operator(pg_catalog.=) a.attnum
     cross join lateral (
       select coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid),
         case when a.attidentity operator(pg_catalog.=) ''
           then pg_catalog.pg_get_expr(t.typdefaultbin, 0::pg_catalog.oid) end) as expression
       offset 0) as w), '[]');
end
$$;
comment on function postern.default_expressions(oid, jsonb) is
$$A planned payload with its columns' defaults as PostgreSQL writes them on the search path of the API (the setting
postern.path): there what is in pg_catalog is qualified where its name alone means another function or operator. In: the
relation, postern.plan_payload. Out: the latter. Raises nothing.$$;

create or replace function postern.identity_default(relation oid, attribute int2)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select pg_catalog.format('pg_catalog.nextval(%L)', d.objid::regclass)
      from pg_catalog.pg_depend d
     where d.refclassid = 'pg_class'::regclass
       and d.refobjid = relation
       and d.refobjsubid = attribute
       and d.classid = 'pg_class'::regclass
       and d.deptype = 'i');
end
$$;
comment on function postern.identity_default(oid, int2) is
$$The default of a column GENERATED BY DEFAULT AS IDENTITY, for which PostgreSQL keeps no expression. In: relation and
attribute number. Out: the nextval call of the column's own sequence, null if it has none. Raises nothing.$$;
