create or replace function postern.tokens(source text, what text)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  longest constant int := postern.limit_of(what || ' length');
  refused constant pg_catalog.text := case what when 'logic' then E'\x02' else E'[\x02-\x08\x0a-\x1f\x7f]' end;
begin
  if length(source) > longest then
    perform postern.fail(
      'PGRST100',
      format('Cannot read the %s (longer than %s characters)', what, longest),
      format('found %s characters, expected at most %s', length(source), longest));
  end if;
  -- Any ASCII character that cannot be in an unquoted name becomes a token of its own, what lies between stays whole.
  -- The mark around tokens is a character that no valid text has. Logic trees have values, in which others may be.
  if source ~ refused then
    perform postern.unexpected(
      what,
      regexp_split_to_array(source, '(?=' || refused || ')'),
      2,
      'no control character');
  end if;
  return string_to_array(
    btrim(
      replace(
        regexp_replace(source, E'[\x01-\x1f!-#%-/:-@[-^`{-\x7f]', E'\x02\\&\x02', 'g'),
        E'\x02\x02',
        E'\x02'),
      E'\x02'),
    E'\x02');
end
$$;
comment on function postern.tokens(text, text) is
  'Lexer of the URL grammar. In: a text; what it is, which names its limit ("select", "order", "columns", "logic", '
  '"filter key", "filter"). Out: the text cut into tokens, nothing left out: runs of letters (all beyond ASCII count '
  'as such), digits, "_", "$" and spaces, and single other characters. Raises PGRST100 on a text over its limit and on '
  'control characters: in logic, which has values, on chr(2), else on all but tab and the placeholder, chr(1).';

create or replace function postern.unexpected(what text, tokens text[], at int, expected text)
returns void
language plpgsql immutable parallel safe
as $$
declare
  found_token constant pg_catalog.text := tokens[at];
begin
  perform postern.fail(
    'PGRST100',
    format('Cannot read the %s (line 1, column %s)', what, 1 + length(array_to_string(tokens[1:at - 1], ''))),
    format(
      'found %s, expected %s',
      case
        when found_token is null then 'the end'
        when found_token = chr(1) then 'a value'
        when ascii(found_token) < 32 or ascii(found_token) = 127 then 'control character ' || ascii(found_token)
        else to_json(left(found_token, 40))::text
      end,
      expected));
end
$$;
comment on function postern.unexpected(text, text[], int, text) is
  'Refuses a token. In: what is read, its tokens, the index of the offending one (one past the last for the end), what '
  'was expected there. Raises PGRST100 with the position in characters, what was found and what was expected.';
