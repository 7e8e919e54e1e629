-- Tokens of pages by cursor: a digest and the values of the row, as JSON, in base64url (RFC 4648, section 5); before
-- it, where some are null, a digit for each value and ~, so that requests of one shape have nulls in the same places.
-- The digest tells what is damaged, or of another order, from what is right. It keeps nothing secret and nobody out:
-- who makes a token of his own gets what a filter would have given him.

create or replace function postern.sort_text(given anyelement)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
as $$
begin
  return given::pg_catalog.text;
end
$$;
comment on function postern.sort_text(anyelement) is
  'A value as text that is read as the same value, whatever the settings of the session. Raises nothing.';

create or replace function postern.cursor_digest(signature text, vals bytea)
returns bytea
language plpgsql immutable strict parallel safe
as $$
begin
  return pg_catalog.substr(pg_catalog.sha256(pg_catalog.decode(signature, 'hex') operator(pg_catalog.||) vals), 1, 9);
end
$$;
comment on function postern.cursor_digest(text, bytea) is
  'The digest of a token: nine bytes. In: signature: postern.plan_cursor; vals: JSON of its values. Raises nothing.';

create or replace function postern.cursor_token(signature text, vals text[])
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := 4096; -- bytes: what a header, and a URL, may have on any way
  kept constant pg_catalog.bytea := pg_catalog.convert_to(pg_catalog.array_to_json(vals)::pg_catalog.text, 'UTF8');
begin
  if pg_catalog.octet_length(kept) operator(pg_catalog.>) most then
    perform postern.fail('PGRST159', 'These rows have no pages by cursor', pg_catalog.format(
      'What a row is ordered by is too long for a cursor: %s bytes, at most %s', pg_catalog.octet_length(kept), most));
  end if;
  return pg_catalog.concat(
    case when pg_catalog.array_position(vals, null) is not null
      then pg_catalog.concat(postern.cursor_nulls(vals), '~') end,
    pg_catalog.rtrim(pg_catalog.translate(pg_catalog.encode(
      postern.cursor_digest(signature, kept) operator(pg_catalog.||) kept, 'base64'), E'+/\n', '-_'), '='));
end
$$;
comment on function postern.cursor_token(text, text[]) is
  'The token of a row. In: signature: of its order; vals: what orders it. Raises PGRST159 where that is too long.';

create or replace function postern.cursor_nulls(vals text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.string_agg(case when val is null then '1' else '0' end, '' order by place)
    from pg_catalog.unnest(vals) with ordinality as listed(val, place));
end
$$;
comment on function postern.cursor_nulls(text[]) is
  'Marks which values are null. Out: a digit for each value, 1 where it is null; null without values. Raises nothing.';

create or replace function postern.cursor_values(token text, signature text, nulls text)
returns text[]
language plpgsql stable strict
as $$
declare
  kept pg_catalog.bytea;
  vals pg_catalog.text[];
begin
  if token operator(pg_catalog.~) '^[A-Za-z0-9_-]+$' then
    begin
      kept := pg_catalog.decode(pg_catalog.rpad(pg_catalog.translate(token, '-_', '+/'),
        (pg_catalog.length(token) operator(pg_catalog.+) 3) operator(pg_catalog./) 4 operator(pg_catalog.*) 4, '='),
        'base64');
      if postern.cursor_digest(signature, pg_catalog.substr(kept, 10)) operator(pg_catalog.=)
        pg_catalog.substr(kept, 1, 9)
      then
        vals := array(select pg_catalog.json_array_elements_text(
          pg_catalog.convert_from(pg_catalog.substr(kept, 10), 'UTF8')::pg_catalog.json));
      end if;
    exception when data_exception then
      vals := null;
    end;
  end if;
  if (case when vals is null then true
    when pg_catalog.strpos(nulls, '1') operator(pg_catalog.=) 0 and pg_catalog.array_position(vals, null) is null
    then pg_catalog.cardinality(vals) operator(pg_catalog.<>) pg_catalog.length(nulls)
    else coalesce(postern.cursor_nulls(vals), '') operator(pg_catalog.<>) nulls end)
  then
    perform postern.foreign_cursor();
  end if;
  return vals;
end
$$;
comment on function postern.cursor_values(text, text, text) is
  'The values of a token. In: token: what stands behind its nulls; signature: of the order; nulls: a digit for each '
  'value, 1 where it is null. Out: the values as text. Raises PGRST158 for what is no token of that order.';

create or replace function postern.page_links(location text, query text, next text, prev text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case when coalesce(next, prev) is not null then pg_catalog.concat(E'\nLink: ', pg_catalog.concat_ws(', ',
    postern.page_link(location, query, 'after.' operator(pg_catalog.||) next, 'next'),
    postern.page_link(location, query, 'before.' operator(pg_catalog.||) prev, 'prev'))) end;
end
$$;
comment on function postern.page_links(text, text, text, text) is
  'The header Link of a page by cursor. In: location: the path; query: that of Content-Location; next, prev: tokens, '
  'or null. Out: a header line, null where nothing is before or behind the page. Raises nothing. Source: RFC 8288.';

create or replace function postern.page_link(location text, query text, wish text, rel text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return pg_catalog.format('<%s%s>; rel="%s"', location, case
      when query collate pg_catalog."C" operator(pg_catalog.~) '[?&]cursor=(?:first|after\.|before\.)'
      then pg_catalog.regexp_replace(query collate pg_catalog."C",
        '(?<=[?&]cursor=)(?:first|after\.|before\.)[^&]*', wish)
      else pg_catalog.concat(query, case when query operator(pg_catalog.=) '' then '?' else '&' end, 'cursor=', wish)
    end, rel);
end
$$;
comment on function postern.page_link(text, text, text, text) is
  'One link: the address with another cursor. In: location, query: as of postern.page_links; wish: the new cursor, '
  'which is added where the query has none, as that of a QUERY may be in the body; rel: its relation type. Raises '
  'nothing. It is called with the collation of what rows are ordered by, which regular expressions may not know.';
