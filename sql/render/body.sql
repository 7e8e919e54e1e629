-- The rows of the answer as its body.

create or replace function postern.as_body(made bytea)
returns bytea
language sql immutable parallel safe
as $$ select made $$;
comment on function postern.as_body(bytea) is 'What a media type handler made, as bytes.';

create or replace function postern.as_body(made anyelement)
returns bytea
language sql stable parallel safe
as $$ select convert_to(concat(made), 'UTF8') $$;
comment on function postern.as_body(anyelement) is 'What a media type handler made, as bytes: text in UTF-8.';

create or replace function postern.render_body(media jsonb, shape text, node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case media ->> 'handler'
      when 'json' then case when node ? 'written' then format('coalesce(''['' || %s || '']'', ''[]'')', postern.render_written_rows(node, postern.render_written(node, 'pgrst_answer')))
        else postern.render_json(shape, (media ->> 'strip')::boolean) end
      when 'object' then postern.render_json(case shape when 'rows' then 'row' when 'scalars' then 'row' else shape end, (media ->> 'strip')::boolean)
      when 'csv' then postern.render_csv()
      when 'geojson' then $sql$json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(st_asgeojson(pgrst_answer)::json), '[]'))$sql$
      when 'aggregate' then format('postern.as_body(%I.%I(%s))', media -> 'custom' ->> 'schema', media -> 'custom' ->> 'name',
        case when shape in ('scalar', 'scalars') then 'pgrst_answer.pgrst_scalar' when (media -> 'custom' ->> 'any')::boolean then 'pgrst_answer'
          else format('pgrst_answer::%I.%I', node ->> 'schema', node ->> 'relation') end)
      else format('postern.as_body((array_agg(pgrst_answer.pgrst_scalar))[1]::%s)', media -> 'custom' ->> 'domain') end);
end
$$;
comment on function postern.render_body(jsonb, text, jsonb) is
  'SQL that makes the body of the rows named pgrst_answer, which no column should be named: bytes where postern.is_binary, else of a type whose text is the body. shape: rows, row (of a function that returns one), scalar, scalars.';

create or replace function postern.is_binary(media jsonb)
returns boolean
language sql immutable parallel safe
as $$ select coalesce(media ->> 'handler' not in ('json', 'object', 'csv', 'geojson'), false) $$;
comment on function postern.is_binary(jsonb) is 'Whether the body of a media type is bytes, which a custom handler made.';

create or replace function postern.render_json(shape text, strip boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select format('coalesce(%s, %L)',
      format(case when strip then 'json_strip_nulls(%s)' else '%s' end,
        'json_agg(' || case when shape in ('scalar', 'scalars') then 'pgrst_answer.pgrst_scalar' else 'pgrst_answer.*' end || ')'
        || case when shape in ('row', 'scalar') then ' -> 0' else '' end),
      case when shape in ('row', 'scalar') then 'null' else '[]' end));
end
$$;
comment on function postern.render_json(text, boolean) is 'SQL of the JSON body: an array, or the first element of it.';

create or replace function postern.render_scalar(strip boolean)
returns text
language sql immutable strict parallel safe
as $$
  select format('coalesce(%s, ''null'')', case when strip then 'json_strip_nulls(to_json(pgrst_answer.pgrst_scalar))' else 'to_json(pgrst_answer.pgrst_scalar)' end)
$$;
comment on function postern.render_scalar(boolean) is 'SQL of the JSON body that is the one value pgrst_scalar.';

create or replace function postern.render_csv()
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select $sql$coalesce((select string_agg(name, ',') from json_object_keys((array_agg(row_to_json(pgrst_answer)))[1]) as name), '')
      || E'\n' || coalesce(string_agg(substr(pgrst_answer::text, 2, length(pgrst_answer::text) - 2), E'\n'), '')$sql$::text);
end
$$;
comment on function postern.render_csv() is 'SQL of the CSV body: a header line with the names, then a line a row. Source: RFC 4180.';
