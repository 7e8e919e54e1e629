-- Header fields of an answer (RFC 9110, section 5).

create or replace function postern.header_lines(headers text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.string_agg(pg_catalog.concat(E'\n', headers[i][1], ': ',
      pg_catalog.regexp_replace(headers[i][2], '[\x01-\x08\x0a-\x1f\x7f]', ' ', 'g')), '' order by i)
    from pg_catalog.generate_subscripts(headers, 1) as i);
end
$$;
comment on function postern.header_lines(text[]) is
  'Writes headers as lines. In: [name, value] pairs. Out: each behind a line break, with blanks for control characters '
  'other than tabs; null for none. Raises nothing. Source: RFC 9110, section 5.5.';
