-- Relations in OpenAPI 3.1. The parts are put together as JSON text: a thousand tables have tens of thousands of them.

create or replace function postern.openapi3_selects(relations oid[], schemas text[], everything boolean default true)
returns table (relation oid, properties text, embeds text, selectors text)
language plpgsql stable strict parallel safe
rows 1000
as $$
declare
  exposed pg_catalog.oid[] := array(
    select u.oid
    from pg_catalog.unnest(schemas) as s (name)
    cross join lateral pg_catalog.unnest(postern.openapi_relations(s.name, true)) as u (oid));
begin
  return query
  with embed as materialized (
    select e.*, e.kind in ('m2o', 'o2o', 'computed-one') as to_one, t.relname::text as target_name,
           '{"$ref":"#/components/schemas/' || postern.openapi3_key(t.relname) || '"}' as reference
      from postern.described_embeds(relations, exposed, everything) e
      join pg_catalog.pg_class t on t.oid = e.target and t.oid = any (relations)
     order by e.origin, e.name collate "C", e.selector collate "C"
  ), extra as (
    select e.origin, e.name, '{"anyOf":[' || pg_catalog.concat_ws(',',
             case when pg_catalog.bool_or(e.to_one) then pg_catalog.min(e.reference) || ',{"type":"null"}' end,
             case when not pg_catalog.bool_and(e.to_one)
               then '{"type":"array","items":' || pg_catalog.min(e.reference) || '}' end) || ']}' as property
      from embed e
     group by e.origin, e.name
    union all
    select c.origin, c.name, (postern.openapi3_nullable(postern.openapi3_type(c.type, relations))
             || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('description', c.description)))::text
      from postern.described_computed(relations) c
      join pg_catalog.pg_type returned on returned.oid = c.type
     where not c.returned_set and returned.typrelid = 0 and returned.typtype <> 'p' and (everything or c.executable)
  ), listed as (
    select x.origin,
           pg_catalog.string_agg(
             pg_catalog.to_json(x.name) || ':' || x.property, ',' order by x.name collate "C") as properties
      from extra x
     where not exists (select from pg_catalog.pg_attribute a where a.attrelid = x.origin and a.attname = x.name)
     group by x.origin
  ), way as (
    select e.origin,
           pg_catalog.string_agg(pg_catalog.concat(
               '{"select":', pg_catalog.to_json(e.selector), ',"relation":', pg_catalog.to_json(e.target_name),
               ',"cardinality":"', case e.kind
                 when 'm2o' then 'many-to-one' when 'o2m' then 'one-to-many'
                 when 'o2o' then 'one-to-one' when 'm2m' then 'many-to-many'
                 when 'computed-one' then 'to-one' else 'to-many' end, '"',
               ',"constraint":' || pg_catalog.to_json(e.constraint_name),
               ',"junction":' || pg_catalog.to_json(e.junction),
               ',"columns":' || pg_catalog.to_json(e.columns), '}'), ',') as embeds,
           pg_catalog.string_agg('`' || e.selector || '(...)`', ', ') as selectors
      from embed e
     group by e.origin
  )
  select coalesce(l.origin, w.origin), l.properties, w.embeds, w.selectors
    from listed l full join way w on w.origin = l.origin;
end
$$;
comment on function postern.openapi3_selects(oid[], text[], boolean) is
  'What select can add to the rows of relations, in JSON text. In: relations: that the role may read; schemas: '
  'exposed; everything: whether privileges are ignored. Out: members of properties for embeds (one level deep) and '
  'computed fields; elements of x-embeds (postern.described_embeds); those also as text to read. Raises nothing.';

create or replace function postern.openapi3_relation_types(relations oid[])
returns oid[]
language plpgsql stable strict parallel safe
as $$
begin
  return array(
    select a.atttypid from pg_catalog.pg_attribute a
     where a.attrelid = any (relations) and a.attnum > 0 and not a.attisdropped
    union
    select c.type from postern.described_computed(relations) c where not c.returned_set);
end
$$;
comment on function postern.openapi3_relation_types(oid[]) is
  'The types of all columns and computed fields of relations, each once. Raises nothing.';

create or replace function postern.openapi3_path(
  name text, key text, described text, filters text, own_select boolean, keys text, reads boolean, inserts boolean,
  updates boolean, deletes boolean, aggregates boolean default false, tagged boolean default false,
  unique_key boolean default false)
returns text
language plpgsql stable parallel safe
as $$
declare
  about pg_catalog.text := postern.openapi3_about(name, described);
  brief pg_catalog.text := postern.openapi3_about(name, postern.first_line(described));
  rows pg_catalog.text := case when reads then '{"$ref":"#/components/responses/' || key || '"}' end;
  selects pg_catalog.text := case when reads
    then postern.openapi3_parameters(case when own_select then key || '.select' else 'select' end) end;
  done constant pg_catalog.text := '{"$ref":"#/components/responses/postern.done"}';
  changed constant pg_catalog.text := concat_ws(',', '"200":' || rows, '"204":' || done);
  body constant pg_catalog.text := '{"$ref":"#/components/requestBodies/' || key;
  same constant pg_catalog.text := case when tagged then '"304":{"$ref":"#/components/responses/postern.same"}' end;
  match constant pg_catalog.text := case when tagged and unique_key then postern.openapi3_parameters('ifMatch') end;
  failed constant pg_catalog.text := case when match is not null
    then '"412":{"$ref":"#/components/responses/postern.changed"}' end;
begin
  return '{' || concat_ws(',',
    case when reads then '"get":' || postern.openapi3_operation(key || '.get', about,
      concat_ws(',', filters, selects,
        postern.openapi3_parameters('order', 'limit', 'offset'),
        case when coalesce(strpos(filters, '/' || key || '.cursor"'), 0) = 0 -- else the filter has the name
          then postern.openapi3_parameters('cursor') end,
        postern.openapi3_parameters('and', 'or', 'range', 'rangeUnit', 'preferRead'),
        case when aggregates then postern.openapi3_parameters('results') end,
        case when tagged then postern.openapi3_parameters('ifNoneMatch') end),
      null, concat_ws(',', concat('"200":', rows, ',"206":', rows), same)) end,
    case when inserts then '"post":' || postern.openapi3_operation(key || '.post', brief,
      concat_ws(',', selects, postern.openapi3_parameters('columns', 'on_conflict', 'preferInsert')),
      body || '"}', concat_ws(',', '"201":' || coalesce(rows, done), '"200":' || rows)) end,
    case when inserts and updates and keys is not null then '"put":' || postern.openapi3_operation(key || '.put', brief,
      concat_ws(',', keys, selects, postern.openapi3_parameters('columns', 'preferChange'), match,
        case when match is not null then postern.openapi3_parameters('ifAbsent') end),
      '{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/' || key
        || '.insert"} } } }', concat_ws(',', '"201":' || coalesce(rows, done), changed, failed)) end,
    case when updates then '"patch":' || postern.openapi3_operation(key || '.patch', brief,
      concat_ws(',', filters, selects,
        postern.openapi3_parameters('and', 'or', 'columns', 'on_conflict', 'preferChange'), match),
      body || '.patch"}', concat_ws(',', changed, failed)) end,
    case when deletes then '"delete":' || postern.openapi3_operation(key || '.delete', brief,
      concat_ws(',', filters, selects, postern.openapi3_parameters('and', 'or', 'preferChange'), match), null,
      concat_ws(',', changed, failed)) end)
    || '}';
end
$$;
comment on function postern.openapi3_path(
  text, text, text, text, boolean, text, boolean, boolean, boolean, boolean, boolean, boolean, boolean) is
  'The path of a relation, with the operations that it takes and the role may do, as JSON text. In: key: of its name '
  '(postern.openapi3_key); described: its comment; filters: references to the filters of its columns; own_select: '
  'whether it has its own select parameter; keys: the parameters by which PUT names a row; aggregates: whether they '
  'are on; tagged: whether answers have entity tags; unique_key: whether rows have a key for If-Match. Raises nothing.';

create or replace function postern.openapi3_schemas(
  key text, described text, row_members text, required text, pk text, embeds text, selects text, inserted text,
  insert_required text, updated text)
returns text
language sql stable parallel safe
as $$
  select concat_ws(',',
    '"' || key || '":{"type":"object",' || coalesce('"description":' || to_json(described) || ',', '')
      || '"required":[' || required || '],"properties":{' || row_members || '}'
      || coalesce(',"x-primary-key":[' || pk || ']', '') || coalesce(',"x-embeds":[' || embeds || ']', '') || '}',
    '"' || key || '.select":{"type":"object","properties":{' || selects || '} }',
    '"' || key || '.insert":{"type":"object","required":[' || coalesce(insert_required, '') || '],"properties":{'
      || inserted || '} }',
    '"' || key || '.update":{"type":"object","required":[],"properties":{' || updated || '} }')
$$;
comment on function postern.openapi3_schemas(text, text, text, text, text, text, text, text, text, text) is
  'The schemas of a relation: rows, what select can add, new rows, changes, each only where its properties are given. '
  'In: key and comment; else JSON text. Out: members of schemas in JSON text. Raises nothing.';

create or replace function postern.openapi3_relations(
  relations oid[], readable oid[], exposed text[], everything boolean, aggregates boolean default false,
  tagged boolean default false)
returns table (paths text, tags text, schemas text, responses text, request_bodies text, parameters text)
language plpgsql stable strict parallel safe
as $$
begin
  return query
  with relation as materialized (
    select r.*, postern.openapi3_key(r.name) as key
      from postern.described_relations(relations) r
  ), usable as (
    select r.oid, r.name, r.key, r.description, g.*,
           g.read is not null as reads,
           r.insertable and (everything or pg_catalog.has_any_column_privilege(r.oid, 'INSERT')) as inserts,
           r.updatable and g.updated is not null as updates,
           r.deletable and (everything or pg_catalog.has_table_privilege(r.oid, 'DELETE')) as deletes
      from relation r
      left join postern.openapi3_attributes(relations, openapi3_relations.readable, everything) g on g.relation = r.oid
  ), whole as (
    select u.*, more.properties as selects, more.embeds, more.selectors,
           u.inserts and u.updates and coalesce(u.keyed, false) as puts
      from usable u
      left join postern.openapi3_selects(openapi3_relations.readable, exposed, everything) more on more.relation = u.oid
     order by u.name collate "C"
  ), made as (
    select pg_catalog.to_json(postern.openapi_path('/', w.name)) || ':' || postern.openapi3_path(
             w.name, w.key, w.description, w.filters, w.selectors is not null or w.selects is not null,
             case when w.keyed then w.keys end, w.reads, w.inserts, w.updates, w.deletes, aggregates, tagged,
             tagged and exists (select from postern.unique_keys(w.oid))) as paths,
           '{"name":' || pg_catalog.to_json(w.name)
             || coalesce(',"description":' || pg_catalog.to_json(w.description), '') || '}' as tags,
           postern.openapi3_schemas(
             w.key, w.description, w.read, w.columns, w.pk, w.embeds, case when w.reads then w.selects end,
             case when w.inserts then coalesce(w.inserted, '') end, w.required,
             case when w.updates then w.updated end) as schemas,
           case when w.reads then '"' || w.key || '":' || postern.openapi3_rows(
             case when w.selects is null then '{"$ref":"#/components/schemas/' || w.key || '"}'
               else '{"allOf":[{"$ref":"#/components/schemas/' || w.key || '"},'
                 '{"$ref":"#/components/schemas/' || w.key || '.select"}]}' end,
             'Rows of ' || w.name) end as responses,
           pg_catalog.concat_ws(',',
             case when w.inserts then '"' || w.key || '":' || postern.openapi3_body(w.key || '.insert', true) end,
             case when w.updates
               then '"' || w.key || '.patch":' || postern.openapi3_body(w.key || '.update', false) end
           ) as request_bodies,
           pg_catalog.concat_ws(',',
             case when w.reads or w.updates or w.deletes then w.filter_parameters end,
             case when w.puts then w.key_parameters end,
             case when w.selectors is not null or w.selects is not null then
               '"' || w.key || '.select":{"name":"select","in":"query","description":'
               || pg_catalog.to_json(pg_catalog.concat_ws(e'\n\n',
                 'Columns of the answer, such as `a,b:c,d->e`; all columns when it is not given.',
                 'Embeds: ' || w.selectors))
               || ',"schema":{"type":"string"} }' end) as parameters
      from whole w
  )
  select pg_catalog.string_agg(m.paths, ','), pg_catalog.string_agg(m.tags, ','),
         pg_catalog.string_agg(nullif(m.schemas, ''), ','),
         pg_catalog.string_agg(m.responses, ','), pg_catalog.string_agg(nullif(m.request_bodies, ''), ','),
         pg_catalog.string_agg(nullif(m.parameters, ''), ',')
    from made m;
end
$$;
comment on function postern.openapi3_relations(oid[], oid[], text[], boolean, boolean, boolean) is
  'All that OpenAPI 3.1 says of relations. In: the relations; those whose rows the role may read '
  '(postern.openapi3_readable); the exposed schemas; whether privileges are ignored, aggregates are on, and answers '
  'have entity tags. Out: one row of members (of tags: elements) in JSON text, null for none: paths, schemas (rows as '
  '<relation>, with the defaults of columns; what can be selected beside as <relation>.select, new rows and changes as '
  '<relation>.insert and .update, without defaults, as generators of types take a property with a default for one that '
  'must be there), responses, bodies and parameters. Raises what postern.openapi3_columns raises.';
