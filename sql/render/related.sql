-- The conditions on the rows that a PATCH or DELETE writes.

create or replace function postern.render_written_where(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return postern.render_where(case when node ? 'by_embeds' then node else node || '{"children": []}' end,
    node ->> 'alias');
end
$$;
comment on function postern.render_written_where(jsonb) is
  'Renders the conditions on the rows that a write changes. Out: SQL, in which embeds count where the node is '
  'by_embeds; null for none. Raises what postern.render_filter raises.';

create or replace function postern.render_key(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  equal pg_catalog.text;
  present pg_catalog.text;
  distinct_keys pg_catalog.text;
begin
  if not node ? 'key' then
    return null;
  end if;
  select string_agg(format('%I.%I %s pgrst_body.%2$I', node ->> 'alias', name, sign), ' and ' order by place),
      string_agg(format('pg_catalog.count(*) operator(pg_catalog.=) pg_catalog.count(pgrst_body.%I)', name), ' and '
        order by place),
      string_agg(format('pgrst_body.%I', name) || coalesce(' collate ' || (part ->> 'collation'), ''), ', '
        order by place)
    into equal, present, distinct_keys
    from jsonb_array_elements(node -> 'key') with ordinality as parts(part, place),
      lateral (
        select part ->> 'name' as name, case when part ? 'builtin' then 'operator(pg_catalog.=)' else '=' end as sign
      ) as named;
  return format('%s and (select case when %s and pg_catalog.count(*) operator(pg_catalog.=) '
    'pg_catalog.count(distinct (%s)) then true else postern.wrong_keys($2::pg_catalog.json, %L) end from pgrst_body)',
    equal, present, distinct_keys,
    array(select part ->> 'name' from jsonb_array_elements(node -> 'key') as part));
end
$$;
comment on function postern.render_key(jsonb) is
  'Renders the condition that ties the rows of a relation to those of the payload by the key of the node. Out: SQL, '
  'which looks once, before any row, whether each row of the payload has a key of its own (else postern.wrong_keys '
  'raises PGRST175); null without a key. Raises nothing.';

create or replace function postern.wrong_keys(payload json, key text[])
returns boolean
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  found record;
begin
  select place, name into found
    from json_array_elements(payload) with ordinality as rows(item, place), unnest(key) as name
    where item ->> name is null
    order by place, array_position(key, name)
    limit 1;
  if found.place is not null then
    perform postern.fail('PGRST175', 'A row of the body lacks its key',
      format('Row %s has no ''%s''', found.place, found.name));
  end if;
  select min(place) as first, max(place) as last into found
    from (
      select place, array(select item ->> name from unnest(key) with ordinality as names(name, n) order by n) as own
      from json_array_elements(payload) with ordinality as rows(item, place)
    ) as keyed
    group by own
    having count(*) > 1
    order by 1
    limit 1;
  perform postern.fail('PGRST175', 'Two rows of the body have the same key',
    'These are rows ' || found.first || ' and ' || found.last);
  return false;
end
$$;
comment on function postern.wrong_keys(json, text[]) is
  'Refuses a payload whose rows do not each have a key of their own. In: an array of objects; the names of the key. '
  'Raises PGRST175, whose details name the row that lacks its key, or two rows whose keys have the same text; none '
  'where only their values are the same.';
