-- Header fields of an answer (RFC 9110, section 5).

create or replace function postern.header_lines(headers text[])
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select pg_catalog.string_agg(
      pg_catalog.concat(E'\n', headers[i][1], ': ', postern.header_value(headers[i][2])), '' order by i)
    from pg_catalog.generate_subscripts(headers, 1) as i);
end
$$;
comment on function postern.header_lines(text[]) is
  'Writes headers as lines. In: [name, value] pairs. Out: each behind a line break; null for none. Raises nothing.';

create or replace function postern.header_value(value text)
returns text
language sql immutable strict parallel safe
as $$ select pg_catalog.regexp_replace(value, '[\x01-\x08\x0a-\x1f\x7f]', ' ', 'g') $$;
comment on function postern.header_value(text) is
  'Makes a text the value of a header. Out: it with blanks for control characters, but for tabs. Raises nothing. '
  'Source: RFC 9110, section 5.5.';
