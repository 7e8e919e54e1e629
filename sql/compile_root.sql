-- The root of the API, and the addresses of its description.

create or replace function postern.compile_root(context jsonb, config jsonb, version text)
returns postern.compiled
language plpgsql stable
as $$
declare
  media pg_catalog.text := postern.root_media(case when version is null then context ->> 'accept'
    else 'application/openapi+json;version=' || version end);
  head pg_catalog.text[] := array[['Content-Type', media || '; charset=utf-8']] || case when context ? 'profile'
    then array[['Content-Profile', context ->> 'profile']] end;
begin
  return postern.compiled_statement(context, postern.render_response(context, 'described.body', 'described.status',
    'described.headers', format('postern.described_response(%L, %L, %L, %L, %L) as described',
      case when media like '%version=3%' then '3.1' else '2.0' end, context ->> 'schema', config,
      context ->> 'method' = 'HEAD', head)), null, '{"code": true}'); -- it looks at request.headers
end
$$;
comment on function postern.compile_root(jsonb, jsonb, text) is
  'Answers at the root and at the addresses of descriptions: the OpenAPI description. In: config: postern.settings; '
  'version: that of the address (postern.description_version), null at the root, where Accept chooses. Out: the '
  'statement and its flags. Raises PGRST107 where Accept wants neither version. Source: PostgREST docs, '
  'references/api/openapi.';

create or replace function postern.description_version(segments text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case segments when '{openapi,2.0.json}' then '2.0' when '{openapi,3.1.json}' then '3.1' end;
end
$$;
comment on function postern.description_version(text[]) is
  'The OpenAPI version of the description at a path. In: its segments (postern.path_segments). Out: null for other '
  'paths. No relation and no routine has such a path. Raises nothing.';

create or replace function postern.described_response(
  version text, schema text, config jsonb, head boolean, fixed text[], out body text, out status text, out headers text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := nullif(current_setting('request.headers', true), '')::jsonb ->> 'if-none-match';
  state constant text := postern.description_state(version, schema, config);
  tag text := md5(state);
begin
  perform set_config('postern.path', postern.search_path(schema, config), true); -- for postern.visible_type
  if tag is null or not head and not coalesce(postern.tag_matches(known, tag), false) then
    body := case version when '3.1' then postern.openapi3(schema, config)
      else postern.openapi(schema, config)::text end;
  end if;
  tag := coalesce(tag, md5(body));
  fixed := fixed || array[['ETag', 'W/"' || tag || '"'], ['Cache-Control', 'no-cache']];
  status := '200';
  if postern.tag_matches(known, tag) then
    status := '304';
    fixed := fixed[2:];
  end if;
  if head or status = '304' then
    body := null;
  end if;
  headers := postern.header_lines(fixed);
end
$$;
comment on function postern.described_response(text, text, jsonb, boolean, text[]) is
  'A description as a response, with an ETag; 304 without a body where If-None-Match has that already. In: config: '
  'postern.settings; head: no body is wanted; fixed: headers, the type first. Out: headers as postern.header_lines. '
  'Where event triggers watch the DDL the ETag comes from the state of the catalog (postern.description_state), and a '
  '304 costs no description; else the ETag is a digest of the description. Raises nothing. Source: RFC 9110, sections '
  '8.8.3 and 13.1.2.';

create or replace function postern.tag_matches(known text, tag text)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return btrim(known) = '*'
    or '"' || tag || '"' = any(string_to_array(replace(replace(known, 'W/', ''), ' ', ''), ','));
end
$$;
comment on function postern.tag_matches(text, text) is
  'Whether a value of If-None-Match has an entity tag, by weak comparison. In: tag: without quotes. Out: true, also '
  'for *, or false; null where either is null. Raises nothing. Source: RFC 9110, section 8.8.3.2.';

create or replace function postern.description_state(version text, schema text, config jsonb)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not postern.live() then
    return null;
  end if;
  return (
    with recursive role (oid) as (
      select r.oid from pg_catalog.pg_roles r where r.rolname = current_user
      union
      select m.roleid from role join pg_catalog.pg_auth_members m on m.member = role.oid
    )
    select pg_catalog.concat_ws(e'\n', postern.version(), description_state.version, description_state.schema, config,
             current_setting('datestyle'), current_setting('intervalstyle'), current_setting('timezone'),
             current_setting('extra_float_digits'),
             postern.epoch(),
             (select pg_catalog.concat_ws(' ', d.oid, d.datdba)
                from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
             (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', t.oid, t.xmin), ',' order by t.oid)
                from pg_catalog.pg_event_trigger t),
             (select pg_catalog.md5(pg_catalog.string_agg(c.relowner::text, ',' order by c.oid))
                from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = description_state.schema),
             (select pg_catalog.md5(pg_catalog.string_agg(p.proowner::text, ',' order by p.oid))
                from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
               where n.nspname = description_state.schema),
             (select pg_catalog.string_agg(
                       pg_catalog.concat_ws(' ', r.oid, r.rolname, r.rolsuper, r.rolinherit), ',' order by r.oid)
                from role join pg_catalog.pg_roles r on r.oid = role.oid),
             (select pg_catalog.string_agg(
                       pg_catalog.concat_ws(' ', m.roleid, m.xmin), ',' order by m.roleid, m.xmin::text)
                from role join pg_catalog.pg_auth_members m on m.member = role.oid)));
end
$$;
comment on function postern.description_state(text, text, jsonb) is
  'All that a description depends on, for the current role, as one text: while it stays the same the description does. '
  'In: config: postern.settings. Out: the epoch, the settings, and the roles whose rights the current one has; '
  'memberships, attributes of roles and owners are in it, as no event trigger tells of those (REASSIGN OWNED). Null '
  'where no event triggers watch the DDL (postern.live). Raises nothing.';

create or replace function postern.root_media(accept text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  accepted pg_catalog.jsonb := postern.accepted_media_types(accept);
  media pg_catalog.text := (
    select case
        when wanted ->> 'name' in ('application/openapi+json', 'application/json', '*/*')
          and wanted_version ~ '^2(\.0)?$'
          then 'application/openapi+json'
        when wanted ->> 'name' in ('application/openapi+json', 'application/vnd.oai.openapi+json')
          and wanted_version ~ '^3(\.1(\.[0-9]+)?)?$'
          then (wanted ->> 'name') || ';version=3.1' end
    from jsonb_array_elements(accepted) with ordinality as listed(wanted, place),
      coalesce(wanted ->> 'version',
        case wanted ->> 'name' when 'application/vnd.oai.openapi+json' then '3.1' else '2.0' end) as wanted_version
    where wanted ->> 'name' in ('application/openapi+json', 'application/json', '*/*') and wanted_version ~ '^2(\.0)?$'
      or wanted ->> 'name' in ('application/openapi+json', 'application/vnd.oai.openapi+json')
        and wanted_version ~ '^3(\.1(\.[0-9]+)?)?$'
    order by place
    limit 1);
begin
  if media is null then
    perform postern.fail('PGRST107', 'None of these media types can be produced: ' || (
      select string_agg(wanted ->> 'name', ', ' order by place)
      from jsonb_array_elements(accepted) with ordinality as listed(wanted, place)));
  end if;
  return media;
end
$$;
comment on function postern.root_media(text) is
  'The media type of the description that an Accept header wants. Out: application/openapi+json (also for '
  'application/json and */*), which is version 2.0, or with the parameter version=3.1 that; '
  'application/vnd.oai.openapi+json;version=3.1. Raises PGRST107 where it wants neither.';
