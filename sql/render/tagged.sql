-- Answers with an entity tag (RFC 9110, section 8.8.3): "~VERSION.DIGEST", of the version of the row where the filters
-- name one (postern.render_version), and of the body. The digest makes it the tag of that one representation, the
-- version is what If-Match looks at. W/"~.DIGEST" are rows in an order that is not said to be the same next time.

create or replace function postern.body_digest(body text)
returns text
language sql immutable parallel safe
as $$
  select pg_catalog.substr(
    pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(body, 'UTF8')), 'base64'), 1, 22)
$$;
comment on function postern.body_digest(text) is
  'Makes the digest of a body. Out: 22 characters of base64; null for null. Raises nothing.';

create or replace function postern.body_digest(body bytea)
returns text
language sql immutable parallel safe
as $$ select pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(body), 'base64'), 1, 22) $$;
comment on function postern.body_digest(bytea) is
  'Makes the digest of a body of bytes. Out: as of a text. Raises nothing.';

create or replace function postern.body_digest(body json)
returns text
language sql immutable parallel safe
as $$ select postern.body_digest(body::pg_catalog.text) $$;
comment on function postern.body_digest(json) is
  'Makes the digest of a body of JSON. Out: that of its text. Raises nothing.';

create or replace function postern.known_tags(known text, strongly boolean)
returns text[]
language plpgsql immutable parallel safe
as $$
begin
  return array(
    select hit[2]
    from pg_catalog.regexp_matches(known, '(W/)?("[^"]*")', 'g') as hit
    where not strongly or hit[1] is null);
end
$$;
comment on function postern.known_tags(text, boolean) is
  'Lists the entity tags in a value of If-Match or If-None-Match. In: strongly: without weak ones. Out: the opaque '
  'tags in their quotes, {} for null. Raises nothing.';

create or replace function postern.tagged(
  inout status text, inout headers text, head boolean, digest text, version text, kind text, if_match text,
  if_none_match text, out shown boolean)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  opaque constant text := format('"~%s.%s"', version, digest);
  missing constant boolean := kind = 'row' and version is null;
begin
  shown := not head;
  if status not in ('200', '206') or headers ~* '\netag:' then
    return;
  elsif if_match is not null and (missing
    or if_match <> '*' and (kind = 'weak' or not opaque = any(postern.known_tags(if_match, true))))
  then
    perform postern.precondition_failed();
  elsif if_none_match is not null and not (if_none_match = '*' and missing)
    and (if_none_match = '*' or opaque = any(postern.known_tags(if_none_match, false)))
  then
    status := '304';
    shown := false;
    headers := regexp_replace(headers, '\n(?:Content-Type|Content-Range|Content-Profile): [^\n]*', '', 'g');
  end if;
  headers := concat(headers, case when kind = 'weak' then E'\nETag: W/' else E'\nETag: ' end, opaque,
    case when headers !~* '\ncache-control:' then E'\nCache-Control: no-cache' end);
end
$$;
comment on function postern.tagged(text, text, boolean, text, text, text, text, text) is
  'Gives the answer to a read its entity tag, and looks at the request''s. In: status and headers (lines); head: no '
  'body is wanted; digest: of the body; version: of the row; kind: row (the filters name one), strong or weak (the '
  'order is total or not); If-Match and If-None-Match, or null. Out: status and headers, with ETag and Cache-Control '
  '(a cache must ask each time), or 304 without the headers that are about a body; shown: whether the body is shown. '
  'An answer that is neither 200 nor 206, or has an ETag of the user''s, stays as it is. Raises PGRST155 where '
  'If-Match does not hold. Source: RFC 9110, sections 13.2.2 and 15.4.5.';

create or replace function postern.render_tagged(context jsonb, node jsonb, statement text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  version constant pg_catalog.jsonb := node -> 'version';
begin
  return format('select case when pgrst_tagged.shown then pgrst_plain.body end as body, pgrst_tagged.status, '
      'pgrst_tagged.headers, pgrst_plain.note from (%s offset 0) as pgrst_plain, '
      'lateral postern.tagged(pgrst_plain.status, pgrst_plain.headers, %s, postern.body_digest(pgrst_plain.body), '
      '%s, %L, %s, %s) as pgrst_tagged',
    statement, case when context ? 'head' then 'true' else 'false' end,
    case when version is null then 'null' else format('(select %s from %I.%I as %I where %s)',
      postern.render_version(version, node ->> 'alias'), node ->> 'schema', node ->> 'relation', node ->> 'alias',
      postern.render_where(jsonb_build_object('where', version -> 'where', 'children', '[]'::jsonb),
        node ->> 'alias')) end,
    case when version is not null then 'row' when node ? 'ordered' then 'strong' else 'weak' end,
    coalesce(postern.render_value(context -> 'if_match'), 'null'),
    coalesce(postern.render_value(context -> 'if_none_match'), 'null'));
end
$$;
comment on function postern.render_tagged(jsonb, jsonb, text) is
  'Wraps the statement of a read, so that its answer gets an entity tag and the request''s tags are looked at. In: '
  '{head?: no body is wanted, though the statement makes it; if_match?, if_none_match?: {param} or {value} }; the node '
  'of postern.plan_validator; SQL of the type postern.compiled. Out: SQL of that type, which may raise PGRST155. '
  'Raises what postern.render_filter raises.';

create or replace function postern.with_tag(headers text, version text, digest text)
returns text
language sql immutable parallel safe
as $$
  select case when headers operator(pg_catalog.~*) '\netag:' or version is null then headers
    else pg_catalog.format(E'%s\nETag: "~%s.%s"', headers, version, digest) end
$$;
comment on function postern.with_tag(text, text, text) is
  'Gives the answer to a write the entity tag of the row as it is now. In: headers (lines); version: of the row; '
  'digest: of the representation, null without one, where the tag is only for If-Match. Out: the headers with ETag; '
  'unchanged where they have one, or version is null. Raises nothing.';

create or replace function postern.render_changed(node jsonb, answer text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if not node ? 'tagged' then
    return answer;
  end if;
  return format('select pgrst_plain.body, pgrst_plain.status, postern.with_tag(pgrst_plain.headers, '
    '(select pgrst_source.pgrst_version from pgrst_source), postern.body_digest(pgrst_plain.body)) as headers, '
    'pgrst_plain.note from (%s offset 0) as pgrst_plain', answer);
end
$$;
comment on function postern.render_changed(jsonb, text) is
  'Renders the answer to a write with the entity tag of the row. In: the node; SQL of the answer, over pgrst_source. '
  'Out: SQL; unchanged where no tag is wanted (tagged of the node). Raises nothing.';
