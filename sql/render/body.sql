-- The rows of the answer as its body.

create or replace function postern.render_body(media jsonb, shape text, node jsonb)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  strip constant boolean := coalesce((media ->> 'strip')::boolean, false);
  custom constant pg_catalog.jsonb := media -> 'custom';
begin
  return case media ->> 'handler'
    when 'json' then case when node ? 'written'
      then format('pg_catalog.concat(''['', %s, '']'')',
        postern.render_written_rows(node, postern.render_written(node, 'pgrst_answer')))
      else postern.render_json(shape, strip) end
    when 'object' then postern.render_json(case when shape in ('rows', 'scalars') then 'row' else shape end, strip)
    when 'ndjson' then format(
      'coalesce(pg_catalog.string_agg(%s::pg_catalog.text, E''\n'') operator(pg_catalog.||) E''\n'', '''')',
      postern.render_line(media, shape, node))
    when 'csv' then postern.render_csv()
    when 'geojson' then $sql$pg_catalog.json_build_object('type', 'FeatureCollection', 'features',
      coalesce(pg_catalog.json_agg($sql$ || (media ->> 'function')
      || $sql$(pgrst_answer.*)::pg_catalog.json), '[]'))$sql$
    when 'aggregate' then format('postern.as_body(%I.%I(%s))', custom ->> 'schema', custom ->> 'name', case
      when shape in ('scalar', 'scalars') then 'pgrst_answer.pgrst_scalar'
      when (custom ->> 'any')::boolean then 'pgrst_answer.*'
      else format('(pgrst_answer.*)::%I.%I', node ->> 'schema', node ->> 'relation') end)
    else format('postern.as_body((pg_catalog.array_agg(pgrst_answer.pgrst_scalar))[1]::%s)', custom ->> 'domain') end;
end
$$;
comment on function postern.render_body(jsonb, text, jsonb) is
  'Renders the body of the rows pgrst_answer. In: media: of postern.negotiate; shape: rows, row (of a function that '
  'returns one), scalar(s); node. Out: SQL of bytes if postern.is_binary, else of what has its text. Raises nothing.';

create or replace function postern.is_binary(media jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return coalesce(media ->> 'handler' not in ('json', 'object', 'csv', 'geojson', 'ndjson'), false);
end
$$;
comment on function postern.is_binary(jsonb) is
  'Whether a media type (postern.negotiate, or null) is bytes, which a custom handler made. Raises nothing.';

create or replace function postern.render_json(shape text, strip boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('coalesce(%s, %L)', format(case when strip then 'pg_catalog.json_strip_nulls(%s)' else '%s' end,
      format('pg_catalog.json_agg(pgrst_answer.%s)',
        case when shape in ('scalar', 'scalars') then 'pgrst_scalar' else '*' end)
        || case when shape in ('row', 'scalar') then ' operator(pg_catalog.->) 0' else '' end),
    case when shape in ('row', 'scalar') then 'null' else '[]' end);
end
$$;
comment on function postern.render_json(text, boolean) is
  'Renders the JSON body of the rows pgrst_answer. In: shape, as of postern.render_body; strip: without nulls. Out: '
  'SQL of an array, for the shapes row and scalar of its first element, null if there is none. Raises nothing.';

create or replace function postern.render_csv()
returns text
language plpgsql immutable parallel safe
as $outer$
begin
  return $sql$pg_catalog.concat((select pg_catalog.string_agg(name, ',')
      from pg_catalog.json_object_keys((pg_catalog.array_agg(pg_catalog.row_to_json(pgrst_answer.*)))[1]) as name)$sql$
    || $sql$, E'\n',
    pg_catalog.string_agg(pg_catalog.substr((pgrst_answer.*)::pg_catalog.text, 2,
      pg_catalog.length((pgrst_answer.*)::pg_catalog.text) operator(pg_catalog.-) 2), E'\n'))$sql$::text;
end
$outer$;
comment on function postern.render_csv() is
  'Renders the CSV body of pgrst_answer: names, if there are rows, and lines. Raises nothing. Source: RFC 4180.';
