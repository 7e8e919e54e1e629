-- What a write writes: the columns of its payload, its conflict, its conditions.

create or replace function postern.plan_payload(relation text, columns jsonb, names text[])
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  map pg_catalog.jsonb := postern.column_map(columns);
  name pg_catalog.text;
  planned pg_catalog.jsonb := '[]';
  transform pg_catalog.text;
begin
  for name in select distinct n from unnest(names) as n order by n loop
    if not map ? name then
      perform postern.fail('PGRST204', format('The column ''%s'' does not exist in ''%s''', name, relation));
    end if;
    transform := case when (map -> name ->> 'type_oid')::bigint >= 16384
      then postern.representation('json'::regtype, (map -> name ->> 'type_oid')::oid) end;
    planned := planned || jsonb_strip_nulls(jsonb_build_object('name', name, 'transform', transform,
      'type', case when transform is null then map -> name ->> 'type' else 'json' end,
      'default', map -> name -> 'default'));
  end loop;
  return planned;
end
$$;
comment on function postern.plan_payload(text, jsonb, text[]) is
  'The columns that a payload has. In: relation: its name; its columns; names: the keys of the payload. Out: an array '
  'by name of {name, type: to read from JSON, transform?: from JSON to the domain, default?}. Raises PGRST204.';

create or replace function postern.payload_keys(trees jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
begin
  return array(select jsonb_array_elements_text(coalesce(
    trees -> 'payload' -> 'keys',
    case when trees -> 'payload' ->> 'form' in ('{', '[') then trees -> 'columns' end)));
end
$$;
comment on function postern.payload_keys(jsonb) is
  'The keys of a payload. In: postern.query_trees, with payload (postern.describe_payload). Out: those found in the '
  'body, or those of the parameter columns where it was not looked into; none without either. Raises nothing.';

create or replace function postern.check_upsert(trees jsonb, pk text[])
returns void
language plpgsql immutable strict parallel safe
as $$
begin
  if exists (
    select from jsonb_array_elements(trees -> 'entries') as entry
    where entry ->> 'kind' in ('limit', 'offset') and entry -> 'embed' = '[]' and entry ?| '{param,value}')
  then
    perform postern.fail('PGRST114', 'PUT takes no limit and no offset');
  elsif pk = '{}' or exists (
      select from jsonb_array_elements(trees -> 'entries') as entry
      where entry ->> 'kind' = 'logic' or entry ->> 'kind' = 'filter' and (
        entry -> 'embed' <> '[]' or entry ? 'path' or entry -> 'expr' ->> 'operator' <> 'eq'
        or entry -> 'expr' ?| '{not,quantifier}' or not entry ->> 'name' = any(pk)))
    or exists (
      select from unnest(pk) as name
      where not trees -> 'entries' @> jsonb_build_array(jsonb_build_object('kind', 'filter', 'name', name)))
  then
    perform postern.fail('PGRST105',
      'A PUT must have an eq filter on every column of the primary key and no other filter');
  end if;
end
$$;
comment on function postern.check_upsert(jsonb, text[]) is
  'Refuses a PUT that does not name one row by its primary key and nothing else. In: postern.query_trees; key. Raises '
  'PGRST114 for limit or offset, else 105. Source: PostgREST docs, references/api/tables_views, "Single-row upsert".';

create or replace function postern.plan_where(columns jsonb, relation oid, entries jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  map pg_catalog.jsonb := postern.with_computed(postern.column_map(columns), relation, entries);
begin
  return postern.plan_conditions(map, entries, '[]');
end
$$;
comment on function postern.plan_where(jsonb, oid, jsonb) is
  'The conditions on the rows that an UPDATE or DELETE is about. In: the columns; the relation; entries of '
  'postern.query_trees. Out: an array of postern.plan_conditions, null when there are none. They know columns only: '
  'the null test of an embed, which filters what is read, is one of a column here, as in PostgREST. Raises nothing.';
