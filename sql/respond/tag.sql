-- Entity tags (RFC 9110, section 8.8.3): made and compared while a statement runs; render/tagged.sql says of what.

create or replace function postern.body_digest(body text)
returns text
language sql immutable parallel safe
as $$
  select pg_catalog.substr(
    pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(body, 'UTF8')), 'base64'), 1, 22)
$$;
comment on function postern.body_digest(text) is 'A digest of a body: 22 characters of base64. Null for none.';

create or replace function postern.body_digest(body bytea)
returns text
language sql immutable parallel safe
as $$ select pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(body), 'base64'), 1, 22) $$;
comment on function postern.body_digest(bytea) is 'A digest of a body of bytes, as that of a text.';

create or replace function postern.body_digest(body json)
returns text
language sql immutable parallel safe
as $$ select postern.body_digest(body::pg_catalog.text) $$;
comment on function postern.body_digest(json) is 'A digest of a body of JSON, as that of its text.';

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
  'The opaque tags in a value of If-Match or If-None-Match, in their quotes. strongly: without weak ones.';

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
  'What a read makes of its entity tag. In: status and headers (lines); whether no body is wanted; its digest; the '
  'version of the row; kind: row (the filters name one), strong or weak (the order is total or not); If-Match and '
  'If-None-Match, null for none. Out: the same with ETag, and Cache-Control, as a cache must ask each time; or 304, '
  'without headers that are about a body; and whether the body is shown. An answer that is neither 200 nor 206, or has '
  'an ETag of the user''s, stays as it is. PGRST155 where If-Match does not hold. Source: RFC 9110, '
  'sections 13.2.2 and 15.4.5.';

create or replace function postern.with_tag(headers text, version text, digest text)
returns text
language sql immutable parallel safe
as $$
  select case when headers operator(pg_catalog.~*) '\netag:' or version is null then headers
    else pg_catalog.format(E'%s\nETag: "~%s.%s"', headers, version, digest) end
$$;
comment on function postern.with_tag(text, text, text) is
  'The headers of a write''s answer with the entity tag of the row as it is now. digest: of its representation, null '
  'where the answer has none: such a tag is for If-Match.';
