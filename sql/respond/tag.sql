-- Entity tags (RFC 9110, section 8.8.3): made and compared while a statement runs; render/tagged.sql says of what.

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
