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
  'Renders the conditions on the rows that a write changes; embeds count only by_embeds. Raises as render_filter does.';

create or replace function postern.render_key(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
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
  'Renders the condition that ties the rows of a relation to those of the payload by the node''s key, or null. It '
  'looks once, before any row, whether each row of the payload has a key of its own (else PGRST175). Raises nothing.';
