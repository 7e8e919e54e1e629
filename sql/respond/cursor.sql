-- Tokens of pages by cursor: a digest and the values of the row, as JSON, in base64url (RFC 4648, section 5); before
-- it, where some are null, a digit for each value and ~, so that requests of one shape have nulls in the same places.
-- The digest tells what is damaged, or of another order, from what is right. It keeps nothing secret and nobody out:
-- who makes a token of his own gets what a filter would have given him.

create or replace function postern.sort_text(given anyelement)
returns text
language plpgsql stable strict parallel safe
set extra_float_digits = 1
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
as $$
begin
  return given::pg_catalog.text;
end
$$;
comment on function postern.sort_text(anyelement) is
  'A value as text that is read as the same value, whatever the settings of the session.';

create or replace function postern.cursor_digest(signature text, vals text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return left(encode(sha256(convert_to(signature || vals, 'UTF8')), 'hex'), 16);
end
$$;
comment on function postern.cursor_digest(text, text) is
  'The digest of a token. signature: of its order (postern.plan_cursor); vals: the JSON of its values.';

create or replace function postern.cursor_token(signature text, vals text[])
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant int := 4096; -- bytes: what a header, and a URL, may have on any way
  kept constant text := array_to_json(vals);
begin
  if octet_length(kept) > most then
    perform postern.fail('PGRST159', 'These rows have no pages by cursor', format(
      'What a row is ordered by is too long for a cursor: %s bytes, at most %s', octet_length(kept), most));
  end if;
  return case when array_position(vals, null) is not null
      then postern.cursor_nulls(vals) || '~' else '' end
    || rtrim(translate(encode(convert_to(postern.cursor_digest(signature, kept) || kept, 'UTF8'), 'base64'),
      E'+/\n', '-_'), '=');
end
$$;
comment on function postern.cursor_token(text, text[]) is
  'The token of a row. signature: of its order; vals: what it is ordered by, as text. PGRST159 where that is too long.';

create or replace function postern.cursor_nulls(vals text[])
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select string_agg(case when val is null then '1' else '0' end, '' order by place)
    from unnest(vals) with ordinality as listed(val, place));
end
$$;
comment on function postern.cursor_nulls(text[]) is 'A digit for each value, 1 where it is null.';

create or replace function postern.cursor_values(token text, signature text, nulls text)
returns text[]
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
  kept text;
  vals text[];
begin
  if token ~ '^[A-Za-z0-9_-]+$' then
    begin
      kept := convert_from(decode(rpad(translate(token, '-_', '+/'), (length(token) + 3) / 4 * 4, '='), 'base64'),
        'UTF8');
      if left(kept, 16) = postern.cursor_digest(signature, substr(kept, 17)) then
        vals := array(select json_array_elements_text(substr(kept, 17)::json));
      end if;
    exception when data_exception then
      null;
    end;
  end if;
  if postern.cursor_nulls(vals) is distinct from nulls then
    perform postern.foreign_cursor();
  end if;
  return vals;
end
$$;
comment on function postern.cursor_values(text, text, text) is
  'The values of a token. token: what stands behind its nulls; signature: of the order; nulls: a digit for each value, '
  '1 where it is null. PGRST158 for what is no token of that order.';

create or replace function postern.page_links(location text, query text, next text, prev text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return E'\nLink: ' || nullif(concat_ws(', ',
    postern.page_link(location, query, 'after.' || next, 'next'),
    postern.page_link(location, query, 'before.' || prev, 'prev')), '');
end
$$;
comment on function postern.page_links(text, text, text, text) is
  'The header Link of a page by cursor, null where nothing is before or behind it. location: the path; query: that of '
  'Content-Location; next, prev: tokens, or null. Source: RFC 8288.';

create or replace function postern.page_link(location text, query text, wish text, rel text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return format('<%s%s>; rel="%s"', location, regexp_replace(query,
    '([?&]cursor=)(first|(after|before)\.[^&]*)(?=&|$)', '\1' || wish), rel);
end
$$;
comment on function postern.page_link(text, text, text, text) is
  'One link: the address with another cursor. wish: the new cursor.';
