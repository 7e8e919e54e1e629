-- The closest of some names to a mistyped one.

create or replace function postern.edit_distance(a text, b text)
returns int
language plpgsql immutable strict parallel safe
as $$
declare
  left_chars pg_catalog.text[] := pg_catalog.string_to_array(a, null);
  right_chars pg_catalog.text[] := pg_catalog.string_to_array(b, null);
  width int := pg_catalog.cardinality(right_chars);
  above int[] := array(select pg_catalog.generate_series(0, width));
  here int[];
begin
  for i in 1 .. pg_catalog.cardinality(left_chars) loop
    here := array[i];
    for j in 1 .. width loop
      here[j + 1] := least(above[j] + case when left_chars[i] = right_chars[j] then 0 else 1 end,
        above[j + 1] + 1, here[j] + 1);
    end loop;
    above := here;
  end loop;
  return above[width + 1];
end
$$;
comment on function postern.edit_distance(text, text) is
$$How many characters have to be inserted, deleted or replaced to make one text of another (Levenshtein). In: two texts.
Out: the count. Raises nothing. Takes time proportional to the product of their lengths.$$;

create or replace function postern.may_resemble(wanted text, candidate text, least_score numeric)
returns boolean
language sql immutable parallel safe
as $$
  select greatest(pg_catalog.length(wanted) - pg_catalog.length(candidate),
      pg_catalog.length(pg_catalog.translate(pg_catalog.lower(candidate), wanted, '')))
    <= (1 - least_score) * greatest(pg_catalog.length(wanted), pg_catalog.length(candidate))
$$;
comment on function postern.may_resemble(text, text, numeric) is
$$Whether a name is worth a closer look. In: the name looked for, in lower case; a candidate; the least similarity
(postern.closest_name). Out: false where so many characters must be inserted, or replaced or deleted because the name
looked for has none such, that they are not that similar. Raises nothing.$$;

create or replace function postern.closest_name(name text, candidates text[], least_score numeric)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  wanted pg_catalog.text := pg_catalog.lower(name);
begin
  if pg_catalog.length(wanted) > 200 or pg_catalog.cardinality(candidates) not between 1 and 500 then
    return null;
  end if;
  return (
    with gram (text) as materialized (
      select distinct pg_catalog.substr(' ' || wanted || ' ', i, 2)
        from pg_catalog.generate_series(1, pg_catalog.length(wanted) + 1) as i
    ), near as materialized (
      select c.name, pg_catalog.lower(c.name) as text,
             shared.grams::numeric / (pg_catalog.length(c.name) + 1) as overlap
        from pg_catalog.unnest(candidates) as c (name)
       cross join lateral (
         select pg_catalog.count(*) as grams
           from gram g
          where pg_catalog.strpos(' ' || pg_catalog.lower(c.name) || ' ', g.text) > 0
       ) shared
       where pg_catalog.length(c.name) <= 200
         and postern.may_resemble(wanted, c.name, least_score)
         and shared.grams > 0
       order by overlap desc, c.name collate "C"
       limit 8
    )
    select scored.name
      from (select n.name, n.overlap,
                   1 - postern.edit_distance(wanted, n.text)::numeric
                       / greatest(pg_catalog.length(wanted), pg_catalog.length(n.text)) as score
              from near n) scored
     where scored.score >= least_score
     order by scored.score desc, scored.overlap desc, scored.name collate "C"
     limit 1);
end
$$;
comment on function postern.closest_name(text, text[], numeric) is
$$The most similar of some names, or null. In: the name looked for; the candidates, at most 500; the least similarity,
from 0 to 1. It is 1 less the edit distance, case ignored, by the longer name's length, and is computed for the eight
that share most pairs of letters, of those that postern.may_resemble. Raises nothing.$$;
