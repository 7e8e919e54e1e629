-- Percent-encoding of URLs (RFC 3986, section 2.1).

create or replace function postern.percent_decode(encoded text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  plain constant pg_catalog.text := replace(encoded, '%01', chr(1)); -- placeholders are the most frequent escapes
begin
  return case when strpos(plain, '%') = 0 then plain else postern.decode_escapes(encoded) end;
end
$$;
comment on function postern.percent_decode(text) is
  'Decodes percent-encoding: every %XX is a byte of UTF-8; a percent sign that starts no escape stands for itself. '
  'Raises PGRST100 for NUL, for invalid UTF-8 and for what the encoding of the database does not have.';

create or replace function postern.decode_escapes(encoded text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  bytes pg_catalog.bytea := ''::bytea;
  piece pg_catalog.text;
begin
  if encoded ~ '%00' then
    perform postern.fail('PGRST100', 'The URL contains a NUL character', 'In: ' || encoded);
  end if;
  foreach piece in array string_to_array('25' || regexp_replace(encoded, '%(?![0-9A-Fa-f]{2})', '%25', 'g'), '%') loop
    bytes := bytes || decode(left(piece, 2), 'hex') || convert_to(substr(piece, 3), 'UTF8');
  end loop;
  return convert_from(substr(bytes, 2), 'UTF8'); -- the first piece has no escape before it: a % was put there
exception
  when character_not_in_repertoire then
    perform postern.fail('PGRST100', 'The URL is not valid UTF-8', 'In: ' || encoded);
  when untranslatable_character then
    perform postern.fail('PGRST100', 'The URL has a character that the encoding of the database does not have',
      'In: ' || encoded);
end
$$;
comment on function postern.decode_escapes(text) is
  'Decodes a text that has a percent sign, as postern.percent_decode. Raises what that raises.';

create or replace function postern.query_decode(encoded text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return postern.percent_decode(replace(encoded, '+', ' '));
end
$$;
comment on function postern.query_decode(text) is
  'Decodes a name or value of a query string, where + is a space, as postern.percent_decode. Raises what that raises.';

create or replace function postern.percent_encode(plain text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when plain operator(pg_catalog.~) '^[A-Za-z0-9._~-]*$' then plain else (
    select pg_catalog.string_agg(
      case when piece operator(pg_catalog.~) '^[A-Za-z0-9._~-]$' then piece
        else pg_catalog.regexp_replace(pg_catalog.upper(pg_catalog.encode(pg_catalog.convert_to(piece, 'UTF8'), 'hex')),
          '(..)', '%\1', 'g') end, '' order by place)
    from pg_catalog.regexp_split_to_table(plain, '') with ordinality as pieces(piece, place)) end;
end
$$;
comment on function postern.percent_encode(text) is
  'Encodes a text as one component of a URL: all but the unreserved characters of RFC 3986 as %XX. Raises nothing.';

create or replace function postern.canonical_query(query text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(string_agg(postern.percent_encode(name) || '=' || postern.percent_encode(value), '&'
      order by name collate "C", place), '')
    from (
      select place, postern.query_decode(split_part(pair, '=', 1)) as name,
        postern.query_decode(
          case when strpos(pair, '=') > 0 then substr(pair, strpos(pair, '=') + 1) else '' end) as value
      from string_to_table(query, '&') with ordinality as pairs(pair, place)
      where pair <> ''
    ) as decoded);
end
$$;
comment on function postern.canonical_query(text) is
  'A raw query string with its parameters sorted by name and encoded alike, as Content-Location shows it. Raises what '
  'postern.percent_decode raises.';
