-- Relations as Schema Objects.

create or replace function postern.openapi_definitions(relations oid[])
returns json
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  notes jsonb := postern.openapi_notes(relations);
begin
  return (
    with domain as materialized (
      select t.oid, t.typtypmod, postern.base_type(t.oid) as base
        from pg_catalog.pg_type t
       where t.typtype = 'd'
    ), attribute as (
      select a.attrelid, a.attnum, a.attname, base.oid as base, base.typtype = 'e' as is_enum,
             a.attnotnull or t.typtype = 'd' and t.typnotnull as required,
             case when d.oid is null then a.atttypmod else d.typtypmod end as modifier,
             case when base.typnamespace = 'pg_catalog'::regnamespace
               then pg_catalog.format_type(base.oid, null)
               else pg_catalog.format_type(a.atttypid, a.atttypmod)
             end as type_name,
             case when a.attgenerated = ''
               then coalesce(pg_catalog.pg_get_expr(def.adbin, def.adrelid), pg_catalog.pg_get_expr(t.typdefaultbin, 0::oid))
             end as standard,
             nullif(pg_catalog.concat_ws(e'\n\n', comment.description, notes ->> (a.attrelid || '.' || a.attnum)), '') as description
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join domain d on d.oid = t.oid
        join pg_catalog.pg_type base on base.oid = coalesce(d.base, t.oid)
        left join pg_catalog.pg_attrdef def on def.adrelid = a.attrelid and def.adnum = a.attnum
        left join pg_catalog.pg_description comment
          on comment.objoid = a.attrelid and comment.classoid = 'pg_class'::regclass and comment.objsubid = a.attnum
       where a.attrelid = any (relations)
         and a.attnum > 0
         and not a.attisdropped
    ), definition as (
      select a.attrelid,
             pg_catalog.json_agg(a.attname order by a.attnum) filter (where a.required) as required,
             pg_catalog.json_object_agg(a.attname,
               postern.openapi_property(
                 a.type_name, a.description, postern.openapi_default(a.type_name, a.standard),
                 case when a.is_enum then
                   (select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder)
                      from pg_catalog.pg_enum e where e.enumtypid = a.base)
                 end,
                 case
                   when a.base in ('varchar'::regtype, 'bpchar'::regtype) and a.modifier >= 4 then a.modifier - 4
                   when a.base in ('bit'::regtype, 'varbit'::regtype) and a.modifier >= 0 then a.modifier
                 end)
               order by a.attnum) as properties
        from attribute a
       group by a.attrelid
    )
    select pg_catalog.json_object_agg(c.relname,
             pg_catalog.json_build_object(
               'type', 'object',
               'description', comment.description,
               'required', d.required,
               'properties', d.properties)
             order by c.relname collate "C")
      from pg_catalog.pg_class c
      left join definition d on d.attrelid = c.oid
      left join pg_catalog.pg_description comment
        on comment.objoid = c.oid and comment.classoid = 'pg_class'::regclass and comment.objsubid = 0
     where c.oid = any (relations));
end
$$;
comment on function postern.openapi_definitions(oid[]) is
  'The Definitions Object: each relation''s rows as a Schema Object with its columns in order, required where they cannot be null; null for no relations. Types outside pg_catalog are named with their schema. Fields that are null are to be dropped (postern.openapi).';
