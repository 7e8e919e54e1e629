create or replace function postern.parse_list(source text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  body constant pg_catalog.text := ltrim(substr(ltrim(source, E' \t'), 2), E' \t');
  ending constant int := strpos(body, ')');
  plain pg_catalog.text;
  elements pg_catalog.text[];
  element pg_catalog.text[];
begin
  if ltrim(source, E' \t') not like '(%' then
    perform postern.unexpected('list of in', array[nullif(left(source, 1), '')], 1, '"("');
  end if;

  -- No quotes: the first ")" ends the list.
  plain := left(body, ending - 1);
  if ending > 0 and strpos(plain, '"') = 0 then
    return case when plain = '' then array[]::text[] else string_to_array(plain, ',') end;
  end if;

  for element in
    select regexp_matches(body, E'("(?:[^"\\\\]|\\\\.)*"|[^,)]*)([,)]|$)', 'g')
  loop
    elements := array_append(
      elements,
      case
        when element[1] ~ E'^"(?:[^"\\\\]|\\\\.)*"$'
          then regexp_replace(substr(element[1], 2, length(element[1]) - 2), E'\\\\(.)', E'\\1', 'g')
        else element[1]
      end);
    if element[2] = ')' then
      return case when elements = array[''] then array[]::text[] else elements end;
    end if;
  end loop;
  perform postern.unexpected('list of in', array[source], 2, '"," or ")"');
  return null;
end
$$;
comment on function postern.parse_list(text) is
  'Parses the value of an "in" filter. In: the text, "(1,"a,b",3)". Out: the elements, quoted ones unescaped; none for '
  '"()" and, as in PostgREST, one empty element. What follows the ")" is ignored. Raises PGRST100.';

create or replace function postern.array_literal(elements text[])
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  joined constant pg_catalog.text := array_to_string(elements, '","', E'\\');
begin
  -- The quotes of the separators aside, nothing needs an escape: one pass. A null shows as a backslash.
  if cardinality(elements) = 0 then
    return '{}';
  elsif strpos(joined, E'\\') = 0 and strpos(array_to_string(elements, ''), '"') = 0 then
    return '{"' || joined || '"}';
  end if;
  return (
    select
      '{'
      || string_agg(
        coalesce('"' || replace(replace(e.element, E'\\', E'\\\\'), '"', E'\\"') || '"', 'NULL'), ',' order by e.place)
      || '}'
    from unnest(elements) with ordinality as e (element, place));
end
$$;
comment on function postern.array_literal(text[]) is
  'The array literal of texts: {"1","a,b"}, every element quoted; {} for none; nulls as NULL. Raises nothing.';
