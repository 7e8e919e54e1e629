-- Relations as Schema Objects.

create or replace function postern.openapi_definitions(relations oid[], everything boolean default true)
returns json
language plpgsql stable strict parallel safe
as $$
declare
  notes pg_catalog.jsonb := postern.openapi_notes(relations, everything);
begin
  return (
    with definition as (
      select a.relation,
             pg_catalog.json_agg(a.name order by a.attnum) filter (where a.required) as required,
             pg_catalog.json_object_agg(a.name,
               postern.openapi_property(
                 a.type_name,
                 nullif(pg_catalog.concat_ws(e'\n\n', a.description, notes ->> (a.relation || '.' || a.attnum)), ''),
                 postern.openapi_default(a.type_name, a.standard), label.labels,
                 case
                   when a.base in ('varchar'::regtype, 'bpchar'::regtype) and a.modifier >= 4 then a.modifier - 4
                   when a.base in ('bit'::regtype, 'varbit'::regtype) and a.modifier >= 0 then a.modifier
                 end)
               order by a.attnum) as properties
        from postern.described_columns(relations, everything) a
        left join (select e.enumtypid, pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) as labels
                     from pg_catalog.pg_enum e
                    group by e.enumtypid) label on label.enumtypid = a.base
       group by a.relation
    )
    select pg_catalog.json_object_agg(r.name,
             pg_catalog.json_build_object(
               'type', 'object',
               'description', r.description,
               'required', d.required,
               'properties', d.properties)
             order by r.name collate "C")
      from postern.described_relations(relations) r
      left join definition d on d.relation = r.oid);
end
$$;
comment on function postern.openapi_definitions(oid[], boolean) is
  'The Definitions Object: the rows of each relation as a Schema Object. In: everything: all columns, not only those '
  'on which the role has a privilege. Out: an object of relation to schema, its columns in order, required where they '
  'cannot be null; null for no relations. Types outside pg_catalog are named with their schema. Raises nothing.';
