-- Percent-encoding of URLs (RFC 3986, section 2.1).

create or replace function postern.percent_decode(encoded text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  bytes bytea := ''::bytea;
  piece text;
  first boolean := true;
begin
  if encoded ~ '%(?![0-9A-Fa-f]{2})(?=[0-9A-Za-z]|$)' then
    perform postern.fail('PGRST100', 'Malformed percent-encoding in the URL', 'In: ' || encoded,
      'A percent sign that stands for itself is written %25');
  end if;
  if encoded ~ '%00' then
    perform postern.fail('PGRST100', 'The URL contains a NUL character', 'In: ' || encoded);
  end if;
  foreach piece in array string_to_array(regexp_replace(encoded, '%(?![0-9A-Fa-f]{2})', '%25', 'g'), '%') loop
    if first then
      bytes := convert_to(piece, 'UTF8');
      first := false;
    else
      bytes := bytes || decode(left(piece, 2), 'hex') || convert_to(substr(piece, 3), 'UTF8');
    end if;
  end loop;
  return convert_from(bytes, 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
  perform postern.fail('PGRST100', 'The URL is not valid UTF-8', 'In: ' || encoded);
end
$$;
comment on function postern.percent_decode(text) is
  'Text with every %XX replaced by its byte, read as UTF-8. A percent sign before anything but a letter, a digit or the end stands for itself. PGRST100 for malformed sequences, NUL and invalid UTF-8.';

create or replace function postern.query_decode(encoded text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when strpos(encoded, '%') > 0 then postern.percent_decode(replace(encoded, '+', ' '))
      else replace(encoded, '+', ' ') end);
end
$$;
comment on function postern.query_decode(text) is
  'postern.percent_decode for a name or value of a query string, where + is a space.';

create or replace function postern.percent_encode(plain text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when plain ~ '^[A-Za-z0-9._~-]*$' then plain else (
      select string_agg(
        case when piece ~ '^[A-Za-z0-9._~-]$' then piece
          else regexp_replace(upper(encode(convert_to(piece, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end,
        '' order by place)
      from regexp_split_to_table(plain, '') with ordinality as pieces(piece, place))
    end);
end
$$;
comment on function postern.percent_encode(text) is
  'Text as one component of a URL: all but the unreserved characters of RFC 3986 as %XX.';

create or replace function postern.canonical_query(query text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(string_agg(name || '=' || value, '&' order by decoded collate "C", place), '')
    from (
      select place, postern.query_decode(raw_name) as decoded,
        postern.percent_encode(postern.query_decode(raw_name)) as name,
        postern.percent_encode(postern.query_decode(raw_value)) as value
      from (
        select place, split_part(pair, '=', 1) as raw_name,
          case when strpos(pair, '=') > 0 then substr(pair, strpos(pair, '=') + 1) else '' end as raw_value
        from string_to_table(query, '&') with ordinality as pairs(pair, place)
        where pair <> ''
      ) as split
    ) as pairs);
end
$$;
comment on function postern.canonical_query(text) is
  'A raw query string with its parameters sorted by name and encoded alike, as Content-Location shows it.';
