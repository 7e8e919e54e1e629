-- Fields against the columns of their relation.

create or replace function postern.column_map(columns jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select coalesce(jsonb_object_agg(item ->> 'name', item), '{}') from jsonb_array_elements(columns) as item);
end
$$;
comment on function postern.column_map(jsonb) is
  'The columns of a relation (postern.relation_columns) by name, {} for none. Raises nothing.';

create or replace function postern.with_computed(map jsonb, relation oid, entries jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  if relation is null or not entries @? '$.**.operator ? (@ like_regex "fts$")' then
    return map;
  end if;
  return (
    select coalesce(jsonb_object_agg(p.proname, jsonb_build_object('name', p.proname, 'base', 'tsvector')), '{}')
    from pg_class as c
    join pg_proc as p on p.pronamespace = c.relnamespace and p.pronargs = 1 and p.proargtypes[0] = c.reltype
    where c.oid = relation and p.prorettype = 'tsvector'::regtype) || map;
end
$$;
comment on function postern.with_computed(jsonb, oid, jsonb) is
  'The columns by name and, for a full text search, the computed fields of the type tsvector. In: postern.column_map; '
  'the relation, or null; entries of postern.query_trees. Out: the map, with {name, base} of these. Raises nothing.';

create or replace function postern.with_sets(fields jsonb, columns jsonb, relation oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select jsonb_agg(case when made.set is null then field else field || jsonb_build_object('set', made.set) end
      order by place)
    from jsonb_array_elements(fields) with ordinality as listed(field, place)
    left join lateral (
      select jsonb_build_object('schema', n.nspname, 'name', p.proname) as set
      from pg_class as c
      join pg_proc as p on p.proname = field ->> 'name' and p.pronargs = 1 and p.proargtypes[0] = c.reltype
        and p.proretset
      join pg_namespace as n on n.oid = p.pronamespace
      where c.oid = relation and not columns ? (field ->> 'name')
      order by n.oid = c.relnamespace desc
      limit 1
    ) as made on true);
end
$$;
comment on function postern.with_sets(jsonb, jsonb, oid) is
  'Marks the computed fields that are sets, which no column is. In: fields of a node; its columns '
  '(postern.column_map); its relation. Out: the fields, with set: {schema, name}, the function, in those; of several '
  'functions the one in the relation''s schema. Raises nothing.';

create or replace function postern.folds(fields jsonb, columns jsonb, relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select
    from jsonb_array_elements(fields) as field
    join pg_proc as p on p.proname = field ->> 'name' and p.prokind = 'a' and p.pronargs = 1
      and p.proargtypes[0] in ('"any"'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype)
    where p.pronamespace = 'pg_catalog'::regnamespace and not columns ? (field ->> 'name')
      and not exists (
        select from pg_class as c
        join pg_proc as own on own.proargtypes[0] = c.reltype and own.pronargs = 1 and own.proname = p.proname
        where c.oid = relation));
end
$$;
comment on function postern.folds(jsonb, jsonb, oid) is
  'Whether a field is an aggregate of the row in functional notation, as count in posts(count): no column or computed '
  'field has its name. In: fields of a node; its columns (postern.column_map); its relation. Raises nothing.';

create or replace function postern.plan_reference(columns jsonb, item jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('name', item -> 'name', 'path', item -> 'path',
    'to_json', case when item ? 'path' and (columns -> (item ->> 'name') ->> 'type' in ('json',
      'jsonb')) is not true then true end,
    'tsvector', case when columns -> (item ->> 'name') ->> 'base' = 'tsvector' then true end));
end
$$;
comment on function postern.plan_reference(jsonb, jsonb) is
  'A column with its JSON path, as fields, filters and orders have it. In: postern.column_map; {name, path?}. Out: '
  '{name; path?; to_json?: the path goes through to_jsonb, as the column is no JSON; tsvector?}. Raises nothing.';

create or replace function postern.type_on_path(name text)
returns regtype
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
begin
  -- This holds to the end of the function.
  perform pg_catalog.set_config('search_path',
    pg_catalog.concat(pg_catalog.current_setting('postern.path'), ', pg_temp'), true);
  return pg_catalog.to_regtype(name);
exception when syntax_error_or_access_rule_violation then
  return null; -- up to version 15 for what is not of the form of a type, as "a b"
end
$$;
comment on function postern.type_on_path(text) is
  'Looks up a type on the search path of the API (postern.api_path). Out: null for what is no type. Raises nothing.';

create or replace function postern.cast_type(name text)
returns text
language plpgsql stable strict parallel unsafe
as $$
declare
  type constant pg_catalog.regtype := postern.type_on_path(name);
begin
  if type is null or name ~ '^[0-9]+$' then -- a number is taken for an oid, from version 16 on
    raise exception using errcode = 'undefined_object', message = format('type "%s" does not exist', name);
  end if;
  return case when exists (select from pg_type as t where t.oid = type and t.typnamespace = 'pg_catalog'::regnamespace)
    then postern.type_reference(btrim(name)) else type::text end;
end
$$;
comment on function postern.cast_type(text) is
  'The type of a cast, as it can stand in a statement. In: its name (postern.type_on_path). Out: the name, qualified '
  'if need be. Raises 42704, in PostgreSQL''s words, for a number and what is no type. Source: PostgREST docs, '
  'references/api/tables_views, "Casting Columns".';

create or replace function postern.column_field(item jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  transform constant pg_catalog.text := case when (item ->> 'type_oid')::bigint >= 16384
    then postern.representation((item ->> 'type_oid')::oid, 'json'::regtype) end;
  form constant pg_catalog.text := case when transform is not null then null
    when item ->> 'operators' = 'enum' then postern.enum_form((item ->> 'type_oid')::oid)
    else postern.json_form(item ->> 'base') end;
begin
  return jsonb_strip_nulls(jsonb_build_object('name', item -> 'name', 'label', item -> 'name',
    'tsvector', case when item ->> 'base' = 'tsvector' then true end,
    'transform', transform, 'form', form, 'type', case when form <> 'text' then item -> 'base' end,
    'nullable', case when form is not null then item -> 'nullable' end));
end
$$;
comment on function postern.column_field(jsonb) is
  'A column as a field under its own name. In: one of postern.relation_columns. Out: {name; label; tsvector?; '
  'transform?: the function that represents its domain as JSON; form?: how it is written (postern.json_form); type?: '
  'its base type, unless the form is text; nullable?: where it has a form}. Raises nothing.';

create or replace function postern.plan_field(columns jsonb, item jsonb)
returns jsonb
language plpgsql stable strict parallel unsafe
as $$
declare
  made pg_catalog.jsonb := case when item ? 'path' or not columns ? (item ->> 'name')
    then postern.plan_reference(columns, item)
    else postern.column_field(columns -> (item ->> 'name')) end;
begin
  if item ?| '{cast,aggregate}' then
    made := made - '{form,type,nullable}'::text[] - case when item ? 'distinct' then 'transform' else '' end
      || jsonb_strip_nulls(jsonb_build_object('cast', postern.cast_type(item ->> 'cast'),
        'aggregate', item -> 'aggregate', 'distinct', item -> 'distinct',
        'aggregate_cast', postern.cast_type(item ->> 'aggregate_cast')));
  end if;
  return made || jsonb_build_object('label',
    coalesce(item ->> 'alias', item ->> 'aggregate', postern.last_key(item -> 'path'), item ->> 'name'));
end
$$;
comment on function postern.plan_field(jsonb, jsonb) is
  'An item of select as a field of a node. In: columns by name (postern.column_map); the item (postern.parse_select). '
  'Out: one of fields of a node: its reference, casts, aggregate, the JSON representation of its domain (but for '
  'distinct values, as json has no equality), how it is written, and its label. Raises 42704 for a cast to no type.';

create or replace function postern.no_aggregates()
returns void
language plpgsql immutable parallel safe
as $$
begin
  perform postern.fail('PGRST123', 'Aggregate functions are not allowed', null,
    'The setting db-aggregates-enabled turns them on');
end
$$;
comment on function postern.no_aggregates() is
  'Refuses aggregates where db-aggregates-enabled is off. Raises PGRST123, always.';

create or replace function postern.plan_fields(context jsonb, columns jsonb, items jsonb, all_if_none boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  fields pg_catalog.jsonb := coalesce((
    select jsonb_agg(postern.plan_field(columns, item) order by place)
    from jsonb_array_elements(items) with ordinality as listed(item, place)
    where item ->> 'type' = 'field'), '[]');
begin
  if fields = '[]' and all_if_none then
    return '[{"name": "*", "label": "*"}]';
  elsif fields @? '$[*].aggregate' and not (context ->> 'aggregates')::boolean then
    perform postern.no_aggregates();
  end if;
  return fields;
end
$$;
comment on function postern.plan_fields(jsonb, jsonb, jsonb, boolean) is
  'The fields of a node. In: context: as of postern.plan_node; columns: postern.column_map; items: its part of select; '
  'all_if_none: none means *. Out: fields, or []. Raises PGRST123 where aggregates are off, and as plan_field does.';

create or replace function postern.expand_star(columns jsonb, fields jsonb, forced boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  own pg_catalog.jsonb;
begin
  if not fields @? '$[*] ? (@.name == "*" && !exists (@.aggregate))' then
    return fields;
  elsif columns = '[]' then
    return case when fields @? '$[*].aggregate'
      then jsonb_path_query_array(fields, '$[*] ? (@.name != "*" || exists (@.aggregate))') else fields end;
  end if;
  own := (
    select jsonb_agg(postern.column_field(item) order by place)
    from jsonb_array_elements(columns) with ordinality as listed(item, place));
  if not forced and not own @? '$[*].transform' then
    return fields;
  end if;
  return (
    select jsonb_agg(coalesce(shown, field) order by place, position)
    from jsonb_array_elements(fields) with ordinality as listed(field, place)
    left join jsonb_array_elements(own) with ordinality as owned(shown, position)
      on field ->> 'name' = '*' and not field ? 'aggregate');
end
$$;
comment on function postern.expand_star(jsonb, jsonb, boolean) is
  'Puts the columns in the place of *, where that is forced or a column has a representation of its own. In: the '
  'columns of the relation; fields of a node; whether it is forced. Out: the fields. Where no columns are known, as of '
  'a function that RETURNS TABLE, * is nothing beside an aggregate, as in PostgREST, and else stays. Raises nothing.';

create or replace function postern.type_reference(name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when name ~* '^("char"|[a-z_][a-z_0-9$]*)([(\[ ]|$)'
      and name !~* '^(bigint|bit|boolean|char|character|dec|decimal|double|float|int|integer|interval|national|nchar'
        '|numeric|real|smallint|time|timestamp|varchar)([(\[ ]|$)'
    then 'pg_catalog.' || name else name end;
end
$$;
comment on function postern.type_reference(text) is
$$A type as it stands in a statement, where a name without schema may mean another one. In: its name, which without a
schema is one of pg_catalog, as PostgreSQL writes it (format_type) where nothing else is on the search path. Out: that,
qualified, unless it is a keyword, which means no other type. Raises nothing.$$;
