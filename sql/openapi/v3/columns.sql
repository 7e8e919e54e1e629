-- The columns of relations in OpenAPI 3.1.

create or replace function postern.openapi3_readable(relations oid[], everything boolean)
returns oid[]
language plpgsql stable strict parallel safe
as $$
begin
  return array(
    select r.oid
      from pg_catalog.unnest(relations) as r (oid)
     where (everything or pg_catalog.has_any_column_privilege(r.oid, 'SELECT'))
       and exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped));
end
$$;
comment on function postern.openapi3_readable(oid[], boolean) is
  'Those of some relations whose rows have a schema of their own. In: the relations; everything: whether privileges '
  'are ignored. Out: those with a column that the role may read. Rows of others are described as composite types where '
  'a function returns them. Raises nothing.';

create or replace function postern.openapi3_columns(relations oid[], own_schema oid[], everything boolean)
returns table (
  relation oid, attnum int2, name text, readable boolean, insertable boolean, updatable boolean, required boolean,
  property jsonb)
language plpgsql stable strict parallel safe
rows 10000
as $$
begin
  return query
  with attribute as materialized (
    select a.* from postern.described_columns(relations) a
  ), type as materialized (
    select t.* from postern.openapi3_types(array(select distinct a.type from attribute a), own_schema) t
  ), checked as (
    select con.conrelid, con.conkey[1] as attnum, pg_catalog.jsonb_object_agg(said.key, said.value) as checks
      from pg_catalog.pg_constraint con
      join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = con.conkey[1]
     cross join lateral pg_catalog.jsonb_each(postern.openapi3_check(
       pg_catalog.pg_get_expr(con.conbin, con.conrelid), pg_catalog.quote_ident(a.attname))) said
     where con.contype = 'c'
       and con.conrelid = any (relations)
       and pg_catalog.cardinality(con.conkey) = 1
     group by con.conrelid, con.conkey[1]
  ), relation as (
    select c.oid, c.relkind,
           everything or pg_catalog.has_table_privilege(c.oid, 'SELECT') as reads,
           everything or pg_catalog.has_table_privilege(c.oid, 'INSERT') as inserts,
           everything or pg_catalog.has_table_privilege(c.oid, 'UPDATE') as updates
      from pg_catalog.pg_class c
     where c.oid = any (relations)
  )
  select a.relation, a.attnum, a.name,
         r.reads or pg_catalog.has_column_privilege(a.relation, a.attnum, 'SELECT'),
         w.writable and (r.inserts or pg_catalog.has_column_privilege(a.relation, a.attnum, 'INSERT')),
         w.writable and (r.updates or pg_catalog.has_column_privilege(a.relation, a.attnum, 'UPDATE')),
         a.required and not a.generated,
         case when a.required then t.schema else t.nullable end
           || coalesce(k.checks, '{}')
           || case when a.modifier >= 0 then postern.openapi3_length(a.base, a.modifier) else '{}' end
           || case when coalesce(a.description, a.standard) is not null or a.always then
                pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                  'description', a.description,
                  'default', postern.openapi3_default(a.standard, t.schema),
                  'readOnly', case when a.always then true end,
                  'examples', case when pg_catalog.strpos(a.description, 'Example:') > 0
                    then pg_catalog.jsonb_build_array(postern.openapi3_example(a.description, t.schema)) end))
              else '{}' end
    from attribute a
    join relation r on r.oid = a.relation
    join type t on t.type = a.type
    left join checked k on k.conrelid = a.relation and k.attnum = a.attnum
   cross join lateral (
     select not a.always
            and (r.relkind <> 'v' or pg_catalog.pg_column_is_updatable(a.relation, a.attnum, true)) as writable
   ) w;
end
$$;
comment on function postern.openapi3_columns(oid[], oid[], boolean) is
  'The columns of relations with their JSON Schema, and what the current role may do with each. In: own_schema: '
  'postern.openapi3_readable; everything: whether privileges are ignored. Out, in no order: required: a new row has to '
  'have it; property: the schema. What PostgreSQL always generates is readOnly. A line "Example: ..." of the comment '
  'is an example. Raises what postern.openapi3_example raises.';

create or replace function postern.openapi3_attributes(relations oid[], readable oid[], everything boolean)
returns table (
  relation oid, read text, columns text, inserted text, required text, updated text, pk text, keyed boolean,
  filters text, keys text, filter_parameters text, key_parameters text)
language plpgsql stable strict parallel safe
rows 1000
as $$
begin
  return query
  with relation as materialized (
    select c.oid, postern.openapi3_key(c.relname) as key
      from pg_catalog.pg_class c
     where c.oid = any (relations)
  ), attribute as (
    select a.relation, a.attnum, a.readable, a.insertable, a.updatable, a.required,
           pg_catalog.to_json(a.name)::text as json_name,
           pg_catalog.to_json(a.name) || ':' || a.property::text as member,
           case when a.property ? 'default'
             then pg_catalog.to_json(a.name) || ':' || (a.property - 'default')::text end as changed,
           (a.property -> 'description')::text as description, a.readable and postern.filterable(a.name) as filters,
           r.key || '.' || postern.openapi3_key(a.name) as key, k.attnum is not null as in_pk
      from postern.openapi3_columns(relations, openapi3_attributes.readable, everything) a
      join relation r on r.oid = a.relation
      left join postern.described_keys(relations) k on k.relation = a.relation and k.attnum = a.attnum
     order by a.relation, a.attnum
  )
  select a.relation,
         pg_catalog.string_agg(a.member, ',') filter (where a.readable) as read,
         pg_catalog.string_agg(a.json_name, ',') filter (where a.readable) as columns,
         pg_catalog.string_agg(coalesce(a.changed, a.member), ',') filter (where a.insertable) as inserted,
         pg_catalog.string_agg(a.json_name, ',') filter (where a.insertable and a.required) as required,
         pg_catalog.string_agg(coalesce(a.changed, a.member), ',') filter (where a.updatable) as updated,
         pg_catalog.string_agg(a.json_name, ',') filter (where a.in_pk) as pk,
         pg_catalog.bool_and(a.filters) filter (where a.in_pk) as keyed,
         pg_catalog.string_agg('{"$ref":"#/components/parameters/' || a.key || '"}', ',')
           filter (where a.filters) as filters,
         pg_catalog.string_agg('{"$ref":"#/components/parameters/' || a.key || '.is"}', ',')
           filter (where a.in_pk) as keys,
         pg_catalog.string_agg('"' || a.key || '":{"name":' || a.json_name || ',"in":"query",'
           || coalesce('"description":' || a.description || ',', '')
           || '"schema":{"$ref":"#/components/schemas/postern.filter"} }', ',')
             filter (where a.filters) as filter_parameters,
         pg_catalog.string_agg('"' || a.key || '.is":{"name":' || a.json_name || ',"in":"query","required":true,'
           || '"description":"`eq.` and the value in the row.","schema":{"type":"string","pattern":"^eq[.]"} }', ',')
           filter (where a.in_pk) as key_parameters
    from attribute a
   group by a.relation;
end
$$;
comment on function postern.openapi3_attributes(oid[], oid[], boolean) is
  'What is said of the columns of each relation, in JSON text (members, or elements of names and references). In: as '
  'of postern.openapi3_relations. Out, null for none: all that can be read, their names, those that can be inserted, '
  'those that must be, those that can be updated, the primary key; whether it can be filtered by; references to the '
  'filters and to the parameters by which PUT names a row, and these. Raises what postern.openapi3_columns raises.';
