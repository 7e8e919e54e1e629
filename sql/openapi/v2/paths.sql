-- Operations on relations.

create or replace function postern.openapi_operation(
  tag text, described text, parameters json, responses json, produces json default null, consumes json default null)
returns json
language plpgsql immutable parallel safe
as $$
begin
  return json_build_object(
    'tags', json_build_array(tag),
    'summary', postern.first_line(described),
    'description', nullif(postern.after_first_line(described), ''),
    'consumes', consumes,
    'produces', produces,
    'parameters', parameters,
    'responses', responses);
end
$$;
comment on function postern.openapi_operation(text, text, json, json, json, json) is
  'An Operation Object. In: described: the comment in the database, whose first line is the summary. Raises nothing.';

create or replace function postern.openapi_relation_path(
  name text, described text, filters text[], insertable boolean, updatable boolean, deletable boolean)
returns json
language plpgsql immutable parallel safe
as $$
declare
  body pg_catalog.text := postern.openapi_pointer('parameters', 'body.' || name);
  done constant pg_catalog.json := '{"204": {"description": "No Content"} }'::json;
begin
  return json_build_object(
    'get', postern.openapi_operation(name, described,
      postern.openapi_references(filters || ('{#/parameters/select,#/parameters/order,#/parameters/range,'
        '#/parameters/rangeUnit,#/parameters/offset,#/parameters/limit,#/parameters/preferCount}')::text[]),
      json_build_object(
        '200', json_build_object(
          'description', 'OK',
          'schema', json_build_object(
            'type', 'array',
            'items', json_build_object('$ref', postern.openapi_pointer('definitions', name)))),
        '206', json_build_object('description', 'Partial Content'))),
    'post', case when insertable then postern.openapi_operation(name, described,
      postern.openapi_references(array[body, '#/parameters/select', '#/parameters/preferPost']),
      '{"201": {"description": "Created"} }') end,
    'delete', case when deletable then postern.openapi_operation(name, described,
      postern.openapi_references(filters || '#/parameters/preferReturn'::text), done) end,
    'patch', case when updatable then postern.openapi_operation(name, described,
      postern.openapi_references(filters || array[body, '#/parameters/preferReturn']), done) end);
end
$$;
comment on function postern.openapi_relation_path(text, text, text[], boolean, boolean, boolean) is
  'The Path Item Object of a relation: GET, and POST, PATCH and DELETE where the relation takes them. In: described: '
  'its comment; filters: pointers to the filters of its columns. Raises nothing.';

create or replace function postern.openapi_relation_paths(relations oid[], everything boolean default true)
returns table (path text, item json)
language plpgsql stable strict parallel safe
as $$
begin
  return query
  with relation as materialized (
    select r.* from postern.described_relations(relations) r
  )
  select postern.openapi_path('/', r.name),
         postern.openapi_relation_path(
           r.name, r.description, coalesce(columns.filters, '{}'), r.insertable, r.updatable, r.deletable)
    from relation r
    left join (
      select a.relation,
             pg_catalog.array_agg(
               postern.openapi_pointer('parameters', 'rowFilter.' || here.name || '.' || a.name)
               order by a.attnum) as filters
        from postern.described_filters(relations, everything) a
        join relation here on here.oid = a.relation
       group by a.relation) columns on columns.relation = r.oid
   order by r.name collate "C";
end
$$;
comment on function postern.openapi_relation_paths(oid[], boolean) is
  'The paths of relations, sorted by name. In: everything: filters by all columns. Raises nothing.';
