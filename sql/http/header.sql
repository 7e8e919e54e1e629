-- Header fields of an answer (RFC 9110, section 5).

create or replace function postern.header_lines(headers text[])
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select string_agg(concat(E'\n', headers[i][1], ': ',
      regexp_replace(headers[i][2], '[\x01-\x08\x0a-\x1f\x7f]', ' ', 'g')), '' order by i)
    from generate_subscripts(headers, 1) as i);
end
$$;
comment on function postern.header_lines(text[]) is
  'Writes headers as lines. In: [name, value] pairs. Out: each behind a line break, with blanks for control characters '
  'other than tabs; null for none. Raises nothing. Source: RFC 9110, section 5.5.';
