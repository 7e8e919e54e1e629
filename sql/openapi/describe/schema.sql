-- What there is in the exposed schemas, for people who operate the API: what other programs have in a cache.

create or replace function postern.schema_relations(relations oid[])
returns json
language plpgsql stable strict parallel safe
as $$
begin
  return (
    with attribute as (
      select a.relation, json_agg(json_strip_nulls(json_build_object(
               'name', a.name, 'type', a.type_name, 'key', nullif(k.attnum is not null, false),
               'required', nullif(a.required, false), 'generated', nullif(a.generated, false),
               'default', a.standard, 'comment', a.description)) order by a.attnum) as list
        from postern.described_columns(relations) a
        left join postern.described_keys(relations) k on k.relation = a.relation and k.attnum = a.attnum
       group by a.relation
    ), field as (
      select c.origin, json_agg(c.name order by c.name collate "C") as list
        from postern.described_computed(relations) c
        join pg_catalog.pg_type t on t.oid = c.type
       where not c.returned_set and not t.typrelid = any (relations)
       group by c.origin
    )
    select coalesce(json_agg(json_strip_nulls(json_build_object(
             'schema', n.nspname, 'name', r.name, 'kind', case c.relkind
               when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
             'comment', r.description, 'insertable', r.insertable, 'updatable', r.updatable, 'deletable', r.deletable,
             'columns', coalesce(attribute.list, '[]'), 'computed', field.list))
             order by n.nspname collate "C", r.name collate "C"), '[]')
      from postern.described_relations(relations) r
      join pg_catalog.pg_class c on c.oid = r.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join attribute on attribute.relation = r.oid
      left join field on field.origin = r.oid);
end
$$;
comment on function postern.schema_relations(oid[]) is
  'The member relations of postern.describe_schema. Out: an array, sorted by schema and name, of {schema, name, kind, '
  'comment?, insertable, updatable, deletable, columns, computed?: names of its computed fields}. Raises nothing.';

create or replace function postern.schema_relationships(relations oid[])
returns json
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(json_agg(json_strip_nulls(json_build_object(
             'schema', n.nspname, 'relation', origin.relname, 'select', e.selector, 'target', target.relname,
             'kind', e.kind, 'constraint', e.constraint_name, 'junction', e.junction,
             'columns', e.columns, 'target_columns', e.target_columns))
             order by n.nspname collate "C", origin.relname collate "C", e.selector collate "C",
                      e.constraint_name collate "C"), '[]')
      from postern.described_embeds(relations, relations, true) e
      join pg_catalog.pg_class origin on origin.oid = e.origin
      join pg_catalog.pg_namespace n on n.oid = origin.relnamespace
      join pg_catalog.pg_class target on target.oid = e.target);
end
$$;
comment on function postern.schema_relationships(oid[]) is
  'The member relationships of postern.describe_schema: what can be embedded where. In: the relations. Out: an array '
  'of {schema, relation, select: the text for it, target, kind, constraint?, junction?, columns?, target_columns?}, of '
  'postern.described_embeds. Where several keys lead from one relation to another the text has the hint that it needs. '
  'Raises nothing.';

create or replace function postern.schema_functions(schemas text[])
returns json
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(json_agg(json_strip_nulls(json_build_object(
             'schema', s.name, 'name', r.name, 'volatility', case r.volatility
               when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
             'comment', r.description, 'arguments', argument.list, 'variadic', nullif(r.repeats, false),
             'returns', pg_catalog.format_type(r.returned, null), 'set', nullif(r.returned_set, false),
             'columns', result.list))
             order by s.name collate "C", r.name collate "C", r.names::text collate "C",
                      r.types::text collate "C"), '[]')
      from unnest(schemas) as s (name)
     cross join lateral postern.described_routines(s.name, true) r
     cross join lateral (
       select coalesce(json_agg(json_strip_nulls(json_build_object(
                'name', a.name, 'type', pg_catalog.format_type(a.type, null),
                'required', a.place <= r.required, 'default', a.standard)) order by a.place), '[]') as list
         from rows from (unnest(r.names), unnest(r.types), unnest(r.standards))
              with ordinality as a (name, type, standard, place)) argument
     cross join lateral (
       select json_agg(json_build_object(
                'name', o.name, 'type', pg_catalog.format_type(o.type, null)) order by o.place) as list
         from rows from (unnest(r.out_names), unnest(r.out_types)) with ordinality as o (name, type, place)) result);
end
$$;
comment on function postern.schema_functions(text[]) is
  'The member functions of postern.describe_schema: the functions that can be called, each overload by itself. In: the '
  'schemas. Out: an array, sorted by schema and name, of {schema, name, volatility, comment?, arguments, variadic?, '
  'returns, set?, columns?: OUT and TABLE columns}. Raises nothing.';

create or replace function postern.describe_schema(schemas text[])
returns json
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  relations oid[] := array(
    select r from unnest(schemas) as s (name), unnest(postern.openapi_relations(s.name, true)) as r);
begin
  return json_build_object(
    'version', postern.version(), 'epoch', postern.epoch(), 'watches_ddl', postern.live(),
    'schemas', to_json(schemas),
    'relations', postern.schema_relations(relations), 'relationships', postern.schema_relationships(relations),
    'functions', postern.schema_functions(schemas));
end
$$;
comment on function postern.describe_schema(text[]) is
  'What requests find in schemas, whatever the role may do, for postern dump-schema and the admin server. In: the '
  'schemas. Out: {version, epoch, watches_ddl (postern.live), schemas, relations, relationships, functions}, the last '
  'three arrays of objects. Members that are null, or false where that is usual, are left out. Reads the catalog, of '
  'which there is no cache. Raises nothing.';
