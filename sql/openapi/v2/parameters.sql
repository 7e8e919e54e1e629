-- The parameters that operations on relations share.

create or replace function postern.openapi_parameter(
  place text, name text, description text, allowed text[] default null, standard text default null)
returns json
language sql stable parallel safe
as $$
  select json_build_object(
    'name', name,
    'in', place,
    'description', description,
    'required', false,
    'type', 'string',
    'enum', allowed,
    'default', standard)
$$;
comment on function postern.openapi_parameter(text, text, text, text[], text) is
  'An optional text parameter. In: place: query or header; allowed: its values; standard: its default. Raises nothing.';

create or replace function postern.openapi_common_parameters()
returns table (name text, parameter json)
language plpgsql stable parallel safe
rows 11
as $$
begin
  return query values
    ('preferParams', postern.openapi_parameter('header', 'Prefer', 'Preference')),
    ('preferReturn', postern.openapi_parameter('header', 'Prefer', 'Preference',
      '{return=representation,return=minimal,return=none}')),
    ('preferCount', postern.openapi_parameter('header', 'Prefer', 'Preference', '{count=none}')),
    ('preferPost', postern.openapi_parameter('header', 'Prefer', 'Preference',
      '{return=representation,return=minimal,return=none,resolution=ignore-duplicates,resolution=merge-duplicates}')),
    ('select', postern.openapi_parameter('query', 'select', 'Filtering Columns')),
    ('on_conflict', postern.openapi_parameter('query', 'on_conflict', 'On Conflict')),
    ('order', postern.openapi_parameter('query', 'order', 'Ordering')),
    ('range', postern.openapi_parameter('header', 'Range', 'Limiting and Pagination')),
    ('rangeUnit', postern.openapi_parameter('header', 'Range-Unit', 'Limiting and Pagination', null, 'items')),
    ('offset', postern.openapi_parameter('query', 'offset', 'Limiting and Pagination')),
    ('limit', postern.openapi_parameter('query', 'limit', 'Limiting and Pagination'));
end
$$;
comment on function postern.openapi_common_parameters() is
  'The parameters that do not depend on a relation. Out: the names that operations refer to, and Parameter Objects. '
  'Raises nothing. Source: PostgREST''s OpenAPI output.';

create or replace function postern.openapi_parameters(relations oid[], everything boolean default true)
returns json
language plpgsql stable strict parallel safe
as $$
begin
  return (
    with relation as materialized (
      select r.oid, r.name from postern.described_relations(relations) r
    )
    select pg_catalog.json_object_agg(
             listed.name, listed.parameter order by listed.relation collate "C" nulls first, listed.attnum)
      from (
        select common.name, common.parameter, null::text as relation, 0 as attnum
          from postern.openapi_common_parameters() common
        union all
        select 'body.' || r.name,
               pg_catalog.json_build_object(
                 'name', r.name,
                 'in', 'body',
                 'description', r.name,
                 'required', false,
                 'schema', pg_catalog.json_build_object('$ref', postern.openapi_pointer('definitions', r.name))),
               r.name, 0
          from relation r
        union all
        select 'rowFilter.' || r.name || '.' || a.name,
               postern.openapi_parameter('query', a.name, a.description),
               r.name, a.attnum
          from relation r
          join postern.described_filters(relations, everything) a on a.relation = r.oid
      ) listed);
end
$$;
comment on function postern.openapi_parameters(oid[], boolean) is
  'The Parameters Definitions Object: the common ones, then for each relation its row, as body.<relation>, and a '
  'filter for each column, as rowFilter.<relation>.<column>. In: everything: all columns, not only those on which the '
  'role has a privilege. Raises nothing.';
