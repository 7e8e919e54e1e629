-- Media types: Accept and Content-Type (RFC 9110, sections 8.3 and 12.5.1).

create or replace function postern.media_parameters(media text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(jsonb_object_agg(lower(found[1]), coalesce(found[2], found[3])), '{}')
    from regexp_matches(media, ';\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([A-Za-z0-9|.-]+))', 'g') as found);
end
$$;
comment on function postern.media_parameters(text) is
  'The parameters of a media type. Out: an object; names in lower case, quotes removed. Raises nothing.';

create or replace function postern.media_type(media text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  name pg_catalog.text := lower(btrim(split_part(media, ';', 1)));
  parameters pg_catalog.jsonb := case when strpos(media, ';') > 0 then postern.media_parameters(media) else '{}' end;
  stripped boolean := parameters ->> 'nulls' = 'stripped';
begin
  case name
    when 'application/vnd.pgrst.object+json', 'application/vnd.pgrst.object' then
      return case when stripped
        then '{"kind": "object", "strip": true, "name": "application/vnd.pgrst.object+json;nulls=stripped", '
          '"charset": true}'::jsonb
        else '{"kind": "object", "name": "application/vnd.pgrst.object+json", "charset": true}'::jsonb end;
    when 'application/vnd.pgrst.array+json', 'application/vnd.pgrst.array' then
      return case when stripped
        then '{"kind": "array", "strip": true, "name": "application/vnd.pgrst.array+json;nulls=stripped", '
          '"charset": true}'::jsonb
        else '{"kind": "named", "name": "application/json", "charset": true}'::jsonb end;
    when 'application/vnd.pgrst.plan', 'application/vnd.pgrst.plan+text', 'application/vnd.pgrst.plan+json' then
      return postern.plan_media_type(case when name like '%json' then 'json' else 'text' end, parameters);
    when 'application/json', 'application/geo+json', 'text/csv', 'text/plain', 'text/xml',
      'application/x-www-form-urlencoded'
    then
      return jsonb_build_object('kind', 'named', 'name', name, 'charset', true);
    when 'application/openapi+json', 'application/vnd.oai.openapi+json' then
      return jsonb_strip_nulls(jsonb_build_object('kind', 'named', 'name', name, 'charset', true,
        'version', parameters -> 'version'));
    when 'application/x-ndjson', 'application/octet-stream' then
      return jsonb_build_object('kind', 'named', 'name', name);
    when '*/*' then
      return '{"kind": "any", "name": "*/*"}'::jsonb;
    else
      return jsonb_build_object('kind', 'named', 'name', btrim(media));
  end case;
end
$$;
comment on function postern.media_type(text) is
  'Reads a media type. Out: {kind: object and array are the vendored JSON forms, plan is the execution plan, any is '
  '*/*, named all others; name; charset?; strip?; version?: of OpenAPI; format?, for?, options?: as of '
  'postern.plan_media_type}. Raises nothing. Source: PostgREST docs, references/api/resource_representation.';

create or replace function postern.plan_media_type(format text, parameters jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  target pg_catalog.jsonb := postern.media_type(coalesce(parameters ->> 'for', 'application/json'));
  options pg_catalog.text[] := array(
    select known from unnest('{analyze,verbose,settings,buffers,wal}'::text[]) as known
    where known = any(string_to_array(parameters ->> 'options', '|')));
begin
  return jsonb_build_object('kind', 'plan', 'format', format, 'for', target, 'options', to_jsonb(options),
    'charset', true,
    'name', format('application/vnd.pgrst.plan+%s; for="%s"%s', format, target ->> 'name',
      case when options = '{}' then '' else '; options=' || array_to_string(options, '|') end));
end
$$;
comment on function postern.plan_media_type(text, jsonb) is
  'Reads the media type of an execution plan, application/vnd.pgrst.plan. In: format: text or json; parameters: '
  'postern.media_parameters. Out: as of postern.media_type, with {format; for: the media type that it is for; options: '
  'those of EXPLAIN that are known}. Raises nothing.';

create or replace function postern.accepted_media_types(accept text)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  if accept is null or accept in ('', '*/*') then
    return '[{"kind": "any", "name": "*/*"}]';
  elsif accept !~ '[ ,;]' then
    return jsonb_build_array(postern.media_type(accept));
  end if;
  return (
    select jsonb_agg(postern.media_type(media) order by quality desc,
      length(media) - length(replace(media, ';', '')) - (length(media) - length(replace(media, '*', ''))) desc, place)
    from (
      select split_part(entry, ';q=', 1) as media, place,
        coalesce(substring(entry from ';q=([0-9]+(?:\.[0-9]+)?)')::numeric, 1) as quality
      from string_to_table(replace(accept, ' ', ''), ',') with ordinality as entries(entry, place)
    ) as weighed);
end
$$;
comment on function postern.accepted_media_types(text) is
  'The media types of an Accept header, most wanted first: by q-value, then specificity (more parameters, fewer '
  'asterisks), then place. Out: an array as of postern.media_type; */* where there is no header. Raises nothing.';

create or replace function postern.content_type(media jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return media ->> 'name' || case when media ? 'charset' then '; charset=utf-8' else '' end;
end
$$;
comment on function postern.content_type(jsonb) is
  'The value of Content-Type for a media type (postern.media_type). Raises nothing.';
