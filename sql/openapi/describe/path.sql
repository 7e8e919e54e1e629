-- Names of the database in URLs.

create or replace function postern.openapi_path(prefix text, name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if name !~ '[\x01-\x20"#%/<>?\\^`{|}\x7f]' then
    return prefix || name;
  end if;
  return (
    select prefix || string_agg(case when letter !~ '[\x01-\x20"#%/<>?\\^`{|}\x7f]' then letter
      else '%' || upper(lpad(to_hex(ascii(letter)), 2, '0')) end, '' order by place)
    from string_to_table(name, null) with ordinality as letters(letter, place));
end
$$;
comment on function postern.openapi_path(text, text) is
  'A key of the Paths Object. In: a prefix, which stays as it is; a name of the database. Out: both, with what in the '
  'name cannot stand in the path of a URL, or would be a template, percent-encoded. Letters beyond ASCII stay. Raises '
  'nothing. Source: OpenAPI Specification 3.1, section 4.8.8; RFC 3986, section 3.3.';
