-- Names of the database where OpenAPI 3.1 has narrower ones.

create or replace function postern.openapi3_encoded(name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(
      case when letter ~ '^[A-Za-z0-9_]$' then letter else '-' || to_hex(ascii(letter)) || '-' end, '' order by place)
    from string_to_table(name, null) with ordinality as letters(letter, place));
end
$$;
comment on function postern.openapi3_encoded(text) is
  'What postern.openapi3_key makes of a name, letter by letter. In: the name. Out: the key. Raises nothing.';

create or replace function postern.openapi3_key(name text)
returns text
language sql immutable parallel safe
as $$
  select case when translate(name, 'abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') = '' then name
    else postern.openapi3_encoded(name) end
$$;
comment on function postern.openapi3_key(text) is
  'A name as a key of the Components Object. In: the name. Out: letters, digits and underscores as they are, all else '
  'as its code point in hexadecimal between hyphens. Two names never have one key; a dot only joins keys. Raises '
  'nothing. Source: OpenAPI Specification 3.1, section 4.8.7.';
