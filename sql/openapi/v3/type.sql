-- PostgreSQL types as JSON Schema (draft 2020-12).

create or replace function postern.openapi3_builtin(type oid)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return case openapi3_builtin.type
    when 'boolean'::regtype then '{"type": "boolean"}'
    when 'smallint'::regtype then '{"type": "integer", "format": "int16"}'
    when 'integer'::regtype then '{"type": "integer", "format": "int32"}'
    when 'bigint'::regtype then '{"type": "integer", "format": "int64"}'
    when 'real'::regtype then '{"type": "number", "format": "float"}'
    when 'double precision'::regtype then '{"type": "number", "format": "double"}'
    when 'numeric'::regtype then '{"type": "number", "format": "decimal"}'
    when 'text'::regtype then '{"type": "string"}'
    when 'varchar'::regtype then '{"type": "string"}'
    when 'bpchar'::regtype then '{"type": "string"}'
    when 'name'::regtype then '{"type": "string"}'
    when 'uuid'::regtype then '{"type": "string", "format": "uuid"}'
    when 'date'::regtype then '{"type": "string", "format": "date"}'
    when 'timestamptz'::regtype then '{"type": "string", "format": "date-time"}'
    when 'timestamp'::regtype then '{"type": "string", "format": "date-time-local"}'
    when 'time'::regtype then '{"type": "string", "format": "time-local"}'
    when 'json'::regtype then '{}'
    when 'jsonb'::regtype then '{}'
    when 'record'::regtype then '{"type": "object"}'
    when 'record[]'::regtype then '{"type": "array", "items": {"type": "object"} }'
  end::jsonb;
end
$$;
comment on function postern.openapi3_builtin(oid) is
  'The JSON Schema of values of a built-in type as PostgreSQL writes them in JSON; null where the general rules of '
  'postern.openapi3_type hold. Formats are those of the OpenAPI Format Registry. Raises nothing.';

create or replace function postern.openapi3_type_key(type oid, relations oid[])
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select case when t.typrelid = any (relations) then postern.openapi3_key(t.typname)
             else pg_catalog.concat_ws(
               '.', 'type', postern.openapi3_key(n.nspname), postern.openapi3_key(t.typname)) end
      from pg_catalog.pg_type t
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     where t.oid = openapi3_type_key.type);
end
$$;
comment on function postern.openapi3_type_key(oid, oid[]) is
  'The key of an enum or composite type among the schemas. In: the type; the described relations. Out: '
  'type.<schema>.<name>; of the rows of one of the relations its name. Raises nothing.';

create or replace function postern.openapi3_type(type oid, relations oid[])
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  given pg_catalog.record;
  made pg_catalog.jsonb := postern.openapi3_builtin(openapi3_type.type);
begin
  if made is not null then
    return made;
  end if;
  select t.typtype, t.typbasetype, t.typtypmod, t.typelem,
         t.typsubscript = 'array_subscript_handler'::regproc as is_array,
         t.typnamespace <> 'pg_catalog'::regnamespace
           and exists (select from pg_catalog.pg_cast c
                        where c.castsource = t.oid and c.casttarget = 'json'::regtype and c.castmethod = 'f'
                      ) as own_json,
         comment.description
    into given
    from pg_catalog.pg_type t
    left join pg_catalog.pg_description comment on comment.objoid = t.oid and comment.classoid = 'pg_type'::regclass
   where t.oid = openapi3_type.type;
  case
    when given.own_json or given.typtype = 'p' then
      return '{}';
    when given.typtype in ('e', 'c') then
      return jsonb_build_object(
        '$ref', '#/components/schemas/' || postern.openapi3_type_key(openapi3_type.type, relations));
    when given.typtype = 'd' then
      return postern.openapi3_type(given.typbasetype, relations)
        || postern.openapi3_length(given.typbasetype, given.typtypmod)
        || postern.openapi3_domain_checks(openapi3_type.type)
        || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('description', given.description));
    when given.is_array then
      return pg_catalog.jsonb_build_object('type', 'array', 'items', postern.openapi3_type(given.typelem, relations));
    when given.typtype = 'r' then
      made := '{"type": "string", "pattern": "^(empty|[\\[(].*,.*[\\])])$"}';
    when given.typtype = 'm' then
      made := '{"type": "string", "pattern": "^\\{.*\\}$"}';
    else
      made := '{"type": "string"}';
  end case;
  return made || pg_catalog.jsonb_build_object('format', pg_catalog.format_type(openapi3_type.type, null));
end
$$;
comment on function postern.openapi3_type(oid, oid[]) is
  'The JSON Schema of values of a type that are not null. In: the type; the described relations. Out: enums and '
  'composite types by reference (postern.openapi3_type_key), domains as the type below with their checks, ranges and '
  'all that is unknown as text; {} for what has a cast to json of its own. What an array holds has the type of its '
  'elements, though PostgreSQL allows null there. Raises nothing.';

create or replace function postern.openapi3_length(type oid, modifier int)
returns jsonb
language sql stable parallel safe
as $$
  select case
    when openapi3_length.type in ('pg_catalog.varchar'::regtype, 'pg_catalog.bpchar'::regtype) and modifier >= 4
      then pg_catalog.jsonb_build_object('maxLength', modifier - 4)
    when openapi3_length.type in ('pg_catalog.bit'::regtype, 'pg_catalog.varbit'::regtype) and modifier >= 0
      then pg_catalog.jsonb_build_object('maxLength', modifier)
    else '{}' end
$$;
comment on function postern.openapi3_length(oid, int) is
  'The limit of a type modifier to the length of a text. Out: {maxLength} or {}. Raises nothing.';

create or replace function postern.openapi3_nullable(schema jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when schema ? '$ref' then (schema - '$ref') || jsonb_build_object(
      'anyOf', jsonb_build_array(jsonb_build_object('$ref', schema -> '$ref'), '{"type": "null"}'::jsonb))
    when schema ? 'type' then schema || jsonb_build_object('type', jsonb_build_array(schema -> 'type', 'null'))
      || case when schema ? 'enum' then jsonb_build_object('enum', schema -> 'enum' || 'null'::jsonb) else '{}' end
    else schema end;
end
$$;
comment on function postern.openapi3_nullable(jsonb) is
  'A JSON Schema (postern.openapi3_type) that also allows null. Raises nothing.';

create or replace function postern.openapi3_types(types oid[], relations oid[])
returns table (type oid, schema jsonb, nullable jsonb)
language plpgsql stable strict parallel safe
rows 50
as $$
begin
  return query
  select made.type, made.schema, postern.openapi3_nullable(made.schema)
    from (select distinct_one.type, postern.openapi3_type(distinct_one.type, relations) as schema
            from (select distinct u.type from pg_catalog.unnest(types) as u (type)) distinct_one) made;
end
$$;
comment on function postern.openapi3_types(oid[], oid[]) is
  'The JSON Schemas of types, each type once, without and with null. Raises nothing.';

create or replace function postern.openapi3_named_types(types oid[], relations oid[])
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
  with recursive found (oid) as (
    select u.type from pg_catalog.unnest(types) as u (type)
    union
    select next.oid
      from found f
      join pg_catalog.pg_type t on t.oid = f.oid
     cross join lateral (
       select t.typbasetype where t.typtype = 'd'
       union all
       select t.typelem where t.typelem <> 0
       union all
       select a.atttypid from pg_catalog.pg_attribute a
        where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped
          and t.typrelid <> all (relations)) next (oid)
  )
  select pg_catalog.string_agg('"' || made.key || '":' || made.item, ',' order by made.key collate "C")
    from (
  select postern.openapi3_type_key(t.oid, relations) as key,
         pg_catalog.json_strip_nulls(case t.typtype
           when 'e' then pg_catalog.json_build_object(
             'type', 'string',
             'enum', (select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder)
                        from pg_catalog.pg_enum e where e.enumtypid = t.oid),
             'description', t.description)
           else pg_catalog.json_build_object(
             'type', 'object',
             'description', t.description,
             'required', coalesce(
               pg_catalog.json_agg(a.attname order by a.attnum) filter (where a.attname is not null), '[]'),
             'properties', coalesce(
               pg_catalog.json_object_agg(
                 a.attname, postern.openapi3_nullable(postern.openapi3_type(a.atttypid, relations)) order by a.attnum)
                 filter (where a.attname is not null), '{}'))
           end) as item
    from (select t.oid, t.typtype, t.typrelid, comment.description
            from pg_catalog.pg_type t
            left join pg_catalog.pg_description comment on comment.objoid = t.oid
              and comment.classoid = 'pg_type'::regclass
           where t.oid = any (array(select f.oid from found f)) and t.typtype in ('e', 'c')) t
    left join pg_catalog.pg_attribute a on t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0
      and not a.attisdropped
   where t.typrelid <> all (relations)
   group by t.oid, t.typtype, t.description
    ) made);
end
$$;
comment on function postern.openapi3_named_types(oid[], oid[]) is
  'The schemas of the enums and composite types that types consist of, but for rows of the described relations. In: '
  'the types; those relations. Out: members of schemas in JSON text; null for none. Raises nothing.';
