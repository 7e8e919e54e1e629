-- Routines in OpenAPI 3.1.

create or replace function postern.openapi3_query_schema(schema jsonb, is_enum boolean)
returns jsonb
language sql immutable parallel safe
as $$
  select case
    when schema ->> 'type' in ('array', 'object') or not schema ?| '{type,$ref}' or schema ? '$ref' and not is_enum
    then '{"type": "string"}'::jsonb || jsonb_strip_nulls(jsonb_build_object('description', schema -> 'description'))
    else schema end
$$;
comment on function postern.openapi3_query_schema(jsonb, boolean) is
  'The schema of an argument in the query string, where arrays, composite types and JSON are text. In: schema: of the '
  'type (postern.openapi3_type); whether that is an enum. Out: the schema. Raises nothing.';

create or replace function postern.openapi3_answer(item jsonb, handled text, composite boolean, many boolean)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  return case
    when handled is not null then jsonb_build_object(
      'description', 'OK', 'content', jsonb_build_object(handled, '{"schema": {"type": "string"} }'::jsonb))
    when composite and many then postern.openapi3_rows(item::text, 'Rows')::jsonb
    when composite then jsonb_build_object('description', 'OK', 'content', jsonb_build_object(
      'application/json', jsonb_build_object('schema', item),
      'application/vnd.pgrst.object+json', jsonb_build_object('schema', item)))
    when many then jsonb_build_object('description', 'OK', 'content', jsonb_build_object(
      'application/json', jsonb_build_object('schema', jsonb_build_object('type', 'array', 'items', item)),
      'application/x-ndjson', '{"schema": {"type": "string"} }'::jsonb))
    else jsonb_build_object('description', 'OK', 'content', jsonb_build_object(
      'application/json', jsonb_build_object('schema', item))) end;
end
$$;
comment on function postern.openapi3_answer(jsonb, text, boolean, boolean) is
  'The Response Object of a function. In: item: the schema of what it returns, or of one row of that (many); handled: '
  'the media type that the domain it returns is named after, or null; composite: it returns rows. Raises nothing.';

create or replace function postern.openapi3_overloads(schema text, everything boolean, relations oid[])
returns table (
  oid oid, name text, description text, volatile boolean, place bigint, media text, required int, arguments int,
  body jsonb, query jsonb, answer jsonb, rows_of oid, is_rows boolean, types oid[])
language plpgsql stable strict parallel safe
as $$
begin
  return query
  with routine as materialized (
    select r.* from postern.described_routines(openapi3_overloads.schema, everything) r
  ), type as materialized (
    select t.*, p.typtype = 'e' as is_enum, p.typrelid,
           case when p.typtype = 'd' and (p.typname = '*/*' or p.typname ~ '^[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+$')
             then p.typname end as handled
      from postern.openapi3_types(array(
             select u.type
               from routine r
              cross join lateral pg_catalog.unnest(r.types || r.out_types || r.returned) as u (type)), relations) t
      join pg_catalog.pg_type p on p.oid = t.type
  ), argument as (
    select r.oid,
           pg_catalog.jsonb_build_object(
             'type', 'object',
             'required', coalesce(
               pg_catalog.jsonb_agg(a.name order by a.place) filter (where a.place <= r.required), '[]'),
             'properties', pg_catalog.jsonb_object_agg(a.name, t.nullable || a.standard)) as body,
           pg_catalog.jsonb_object_agg(a.name, pg_catalog.jsonb_build_object(
             'name', a.name, 'in', 'query', 'required', a.place <= r.required,
             'schema', case when r.repeats and a.place = pg_catalog.cardinality(r.types) then t.schema
               else postern.openapi3_query_schema(t.schema, t.is_enum) || a.standard end)) as query,
           (pg_catalog.array_agg(t.schema order by a.place))[1] as first_schema
      from routine r
     cross join lateral (
       select given.name, given.type, given.place, given.expression
         from unnest(r.names, r.types, r.standards) with ordinality as given (name, type, expression, place)) declared
      join type t on t.type = declared.type
     cross join lateral (
       select declared.name, declared.place,
              pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                'default', postern.openapi3_default(declared.expression, t.schema))) as standard) a
     group by r.oid
  ), returned as (
    select r.oid, t.handled, t.typrelid,
           case when r.out_names <> '{}' then pg_catalog.jsonb_build_object(
                  'type', 'object', 'required', pg_catalog.to_jsonb(r.out_names),
                  'properties', (select pg_catalog.jsonb_object_agg(o.name, ot.nullable)
                                   from unnest(r.out_names, r.out_types) as o (name, type)
                                   join type ot on ot.type = o.type))
             when r.returned_set or t.typrelid <> 0 then t.schema
             else t.nullable end as item,
           r.out_names <> '{}' or t.typrelid <> 0 or r.returned = 'record'::regtype as composite
      from routine r
      join type t on t.type = r.returned
  )
  select r.oid, r.name, r.description, r.volatility = 'v',
         pg_catalog.row_number() over (partition by r.name order by pg_catalog.cardinality(r.types) desc, r.oid),
         case when not r.unnamed then 'application/json'
           when r.types[1] = 'text'::regtype then 'text/plain' when r.types[1] = 'xml'::regtype then 'text/xml'
           when r.types[1] = 'bytea'::regtype then 'application/octet-stream' else 'application/json' end,
         r.required, pg_catalog.cardinality(r.types),
         case when r.unnamed then a.first_schema else a.body end,
         case when not r.unnamed then coalesce(a.query, '{}') end,
         case when r.returned <> 'void'::regtype
           then postern.openapi3_answer(b.item, b.handled, b.composite, r.returned_set) end,
         case when b.typrelid = any (relations) then b.typrelid end,
         b.composite and b.handled is null, r.types || r.out_types || r.returned
    from routine r
    join returned b on b.oid = r.oid
    left join argument a on a.oid = r.oid;
end
$$;
comment on function postern.openapi3_overloads(text, boolean, oid[]) is
  'The overloads of the functions of a schema, numbered by name, most arguments first. In: the schema; everything: '
  'whether privileges are ignored; relations: the described ones. Out: media type and schema of the body (null without '
  'arguments), arguments in the query string by name (null where the body itself is the argument), the Response Object '
  '(null for void), the described relation whose rows it returns, whether it returns rows at all, the types of all '
  'arguments and results. What a function with OUT or TABLE columns returns is an object of those. Raises nothing.';

create or replace function postern.openapi3_routine_path(
  name text, key text, described text, gets boolean, arguments text, shaping text, body text, responses text)
returns text
language plpgsql stable parallel safe
as $$
declare
  about constant pg_catalog.text := postern.openapi3_about('(rpc) ' || name, described);
begin
  return to_json(postern.openapi_path('/rpc/', name)) || ':{' || concat_ws(',',
    case when gets then '"get":' || postern.openapi3_operation('rpc.' || key || '.get', about,
      concat_ws(',', arguments, shaping, postern.openapi3_parameters('preferCall')), null, responses) end,
    '"post":' || postern.openapi3_operation('rpc.' || key || '.post', about,
      concat_ws(',', shaping, postern.openapi3_parameters('preferCall')), body, responses)) || '}';
end
$$;
comment on function postern.openapi3_routine_path(text, text, text, boolean, text, text, text, text) is
  'The path of a function. In: key: of its name (postern.openapi3_key); described: its comment; gets: whether it can '
  'be called by GET; arguments, shaping: the parameters of the query string that are its own, and those that shape '
  'what it returns; body, responses: of all its overloads. Out: a member of paths in JSON text. Raises nothing.';

create or replace function postern.openapi3_routines(schema text, everything boolean, relations oid[])
returns table (paths text, types oid[])
language plpgsql stable strict parallel safe
as $$
begin
  return query
  with overload as materialized (
    select o.* from postern.openapi3_overloads(openapi3_routines.schema, everything, relations) o
  ), filter as materialized (
    select a.relation, a.name, postern.openapi3_key(c.relname) || '.' || postern.openapi3_key(a.name) as key
      from postern.described_filters(array(select distinct o.rows_of from overload o where o.rows_of is not null)) a
      join pg_catalog.pg_class c on c.oid = a.relation and c.oid = any (relations)
     where everything or pg_catalog.has_column_privilege(a.relation, a.attnum, 'SELECT')
  ), media as (
    select o.name, o.media,
           case when pg_catalog.count(o.body) > 1
             then pg_catalog.jsonb_build_object('anyOf', pg_catalog.jsonb_agg(o.body order by o.place))
             else (pg_catalog.array_agg(o.body))[1] end as body
      from overload o
     where o.body is not null
     group by o.name, o.media
  ), body as (
    select m.name,
           pg_catalog.json_object_agg(
             m.media, pg_catalog.json_build_object('schema', m.body) order by m.media) as content
      from media m group by m.name
  ), query as (
    select own.name, pg_catalog.string_agg(own.parameter::text, ',' order by own.argument collate "C") as parameters
      from (select o.name, q.key as argument,
                   (pg_catalog.array_agg(q.value order by o.place))[1]
                     || pg_catalog.jsonb_build_object('required', pg_catalog.bool_and((q.value ->> 'required')::boolean)
                       and pg_catalog.count(*) = (
                         select pg_catalog.count(*)
                           from overload other
                          where other.name = o.name and not other.volatile and other.query is not null)) as parameter
              from overload o
             cross join lateral pg_catalog.jsonb_each(o.query) q
             where not o.volatile
             group by o.name, q.key) own
     group by own.name
  ), shaping as (
    select o.name, pg_catalog.string_agg(distinct postern.openapi3_parameters(s.key), ',') as parameters
      from overload o
     cross join lateral (
       select plain.name as key, plain.name
         from pg_catalog.unnest('{select,order,limit,offset,and,or}'::text[]) as plain (name)
       union all
       select f.key, f.name from filter f where f.relation = o.rows_of) s
     where o.is_rows
       and not exists (select from overload other where other.name = o.name and other.query ? s.name)
     group by o.name
  ), routine as (
    select o.name, postern.openapi3_key(o.name) as key,
           (pg_catalog.array_agg(o.description order by o.place))[1] as description,
           pg_catalog.bool_or(not o.volatile and (o.query is not null)) as gets,
           pg_catalog.min(o.required) > 0 as needs,
           pg_catalog.concat_ws(',',
             case pg_catalog.count(distinct o.answer) when 0 then null
               when 1 then '"200":' || ((pg_catalog.array_agg(o.answer) filter (where o.answer is not null))[1])::text
               else '"200":{"description":"OK","content":{"application/json":{} } }' end,
             case when pg_catalog.count(o.answer) < pg_catalog.count(*)
               then '"204":{"$ref":"#/components/responses/postern.done"}' end) as responses
      from overload o
     group by o.name
  )
  select pg_catalog.string_agg(
           postern.openapi3_routine_path(
             r.name, r.key, r.description, r.gets, q.parameters, s.parameters,
             '{"required":' || r.needs || ',"content":' || b.content || '}', r.responses),
           ',' order by r.name collate "C"),
         array(select distinct u.type from overload o cross join lateral pg_catalog.unnest(o.types) as u (type))
    from routine r
    left join body b on b.name = r.name
    left join query q on q.name = r.name
    left join shaping s on s.name = r.name;
end
$$;
comment on function postern.openapi3_routines(text, boolean, oid[]) is
  'All that OpenAPI 3.1 says of the functions of a schema. In: the schema; everything: whether privileges are ignored; '
  'relations: the described ones. Out: members of paths in JSON text (null for none), and the types of arguments and '
  'results. There is a path for each name. Overloads share it: their bodies are alternatives, their arguments in the '
  'query string are listed together. Raises nothing.';
