-- Content negotiation (RFC 9110, section 12): which media type the answer has, and who makes it.

create or replace function postern.negotiate(
  accept text, schemas text[], schema text, name text, default_select boolean, plans boolean)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  accepted pg_catalog.jsonb := postern.accepted_media_types(accept);
  wanted pg_catalog.jsonb;
  chosen pg_catalog.jsonb;
  handlers pg_catalog.jsonb := postern.media_handlers(schemas, name, schema, array(
    select lower(coalesce(media -> 'for' ->> 'name', media ->> 'name')) from jsonb_array_elements(accepted) as media));
begin
  for wanted in select media from jsonb_array_elements(accepted) as media loop
    if wanted ->> 'kind' <> 'plan' then
      chosen := postern.media_producer(wanted, handlers, default_select);
    elsif plans then
      chosen := postern.media_producer(wanted -> 'for', handlers, default_select)
        || jsonb_build_object('media', wanted, 'explain', (
          select string_agg(option, ', ' order by place)
          from (
            select 'format ' || (wanted ->> 'format') as option, 0::bigint as place
            union all
            select option, place
            from jsonb_array_elements_text(wanted -> 'options') with ordinality as options(option, place)
          ) as listed));
    end if;
    if chosen is not null then
      return chosen;
    end if;
  end loop;
  perform postern.fail('PGRST107', 'None of these media types can be produced: ' || (
    select string_agg(media ->> 'name', ', ' order by place)
    from jsonb_array_elements(accepted) with ordinality as listed(media, place)));
end
$$;
comment on function postern.negotiate(text, text[], text, text, boolean, boolean) is
  'The media type to answer with. In: accept: the header, or null; schemas: where handlers are; schema and name: of '
  'the relation or routine; default_select: only * is selected; plans: db-plan-enabled. Out: {media: '
  'postern.media_type; handler: json|object|csv|geojson|ndjson|aggregate|function; strip?; custom?: of media_handlers; '
  'explain?: options of EXPLAIN}. Raises PGRST107 for none. Source: PostgREST docs, '
  'references/api/media_type_handlers.';

create or replace function postern.media_producer(wanted jsonb, handlers jsonb, default_select boolean)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  custom pg_catalog.jsonb;
begin
  if wanted ->> 'kind' in ('object', 'array') then
    return jsonb_build_object('media', wanted,
      'handler', case wanted ->> 'kind' when 'object' then 'object' else 'json' end,
      'strip', coalesce(wanted -> 'strip', 'false'));
  end if;
  if handlers <> '[]' then
    select handler into custom
    from jsonb_array_elements(handlers) as handler
    where (handler ->> 'media' = '*/*' and not (handler ->> 'any')::boolean and default_select)
      or (handler ->> 'media' = lower(wanted ->> 'name') and (default_select or (handler ->> 'any')::boolean))
    order by case
      when handler ->> 'media' = '*/*' and not (handler ->> 'any')::boolean then 1
      when not (handler ->> 'any')::boolean then 2
      else 3 end
    limit 1;
  end if;
  if custom is not null then
    return jsonb_build_object('media', postern.media_type(custom ->> 'resolved'), 'handler', custom ->> 'kind',
      'custom', custom);
  end if;
  return case
    when wanted ->> 'kind' = 'any' or wanted ->> 'name' = 'application/json'
      then '{"media": {"name": "application/json", "charset": true}, "handler": "json", "strip": false}'::jsonb
    when wanted ->> 'name' = 'text/csv' then jsonb_build_object('media', wanted, 'handler', 'csv')
    when wanted ->> 'name' = 'application/x-ndjson' then jsonb_build_object('media', wanted, 'handler', 'ndjson')
    when wanted ->> 'name' = 'application/geo+json' then jsonb_build_object('media', wanted, 'handler', 'geojson')
  end;
end
$$;
comment on function postern.media_producer(jsonb, jsonb, boolean) is
  'Who makes a media type: the vendored JSON forms, a custom handler, or what is built in. In: postern.media_type; '
  'media_handlers; default_select: as of negotiate. Out: {media, handler, strip?, custom?}, or null. Raises nothing.';

create or replace function postern.is_default_select(node jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return node -> 'children' = '[]'
    and coalesce(node -> 'select_items' <@ '[{"type": "field", "name": "*"}]', true);
end
$$;
comment on function postern.is_default_select(jsonb) is
  'Whether the root selects just *: only then do media type handlers of the relation take part. Raises nothing.';

create or replace function postern.plan_media(context jsonb, node jsonb, name text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  media pg_catalog.jsonb := postern.negotiate(
    context ->> 'accept', array(select jsonb_array_elements_text(context -> 'schemas')), context ->> 'schema', name,
    postern.is_default_select(node), (context ->> 'plans')::boolean);
begin
  perform postern.check_preferences(context -> 'preferences');
  return case when media ->> 'handler' = 'geojson'
    then media || jsonb_build_object('function', postern.geojson_function()) else media end;
end
$$;
comment on function postern.plan_media(jsonb, jsonb, text) is
  'Chooses the media type of the answer. In: the root; name: of the relation or routine. Out: postern.negotiate, for '
  'GeoJSON with function: that of PostGIS. Raises PGRST107 for none, 122 for preferences that strict handling refuses.';

create or replace function postern.for_media(node jsonb, media jsonb)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return case when media ->> 'handler' not in ('json', 'object', 'ndjson') then node || '{"jsonb": true}' else node end;
end
$$;
comment on function postern.for_media(jsonb, jsonb) is
  'The node of the resource as a media type wants it: with jsonb where the answer is no JSON, which shows the text of '
  'embeds, and that is jsonb''s, as in PostgREST. In: the node; media: postern.negotiate. Raises nothing.';

create or replace function postern.writes_text(context jsonb, media jsonb, node jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return context ->> 'method' <> 'HEAD'
    and not context ? 'escapes' and media @> '{"handler": "json", "strip": false}' and not node ? 'single';
end
$$;
comment on function postern.writes_text(jsonb, jsonb, jsonb) is
  'Whether a read may write its rows as text (postern.plan_rows). In: media: postern.negotiate. Out: true for plain '
  'JSON of several rows where no text needs an escape. Raises nothing.';
