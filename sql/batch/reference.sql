-- References of an operation to results before it: JSON pointers (RFC 6901) in the form of a URI fragment.

create or replace function postern.no_reference(pointer text, why text)
returns void
language plpgsql immutable parallel safe
as $$
begin
  perform postern.fail('PGRST151', pg_catalog.concat('The reference leads nowhere: ', pointer), why);
end
$$;
comment on function postern.no_reference(text, text) is
  'Refuses a reference that leads nowhere. In: the pointer; why. Raises PGRST151.';

create or replace function postern.referred(pointer text, results json[], ids text[])
returns json
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  decoded constant text := postern.percent_decode(substr(pointer, 2));
  tokens text[] := string_to_array(substr(decoded, 2), '/');
  place int;
  found json;
  total bigint;
begin
  if pointer not like '#%' or decoded not like '/%' then
    perform postern.no_reference(pointer, 'It does not begin with #/');
  end if;
  tokens := array(select replace(replace(token, '~1', '/'), '~0', '~') from unnest(tokens) as token);
  place := case when tokens[1] ~ '^(0|[1-9][0-9]{0,8})$' then tokens[1]::int + 1
    else array_position(ids, tokens[1]) end;
  if place is null or place > cardinality(results) then
    perform postern.no_reference(pointer, format('No earlier operation is %s', tokens[1]));
  end if;
  found := results[place];
  for level in 2 .. cardinality(tokens) loop
    found := case json_typeof(found)
      when 'object' then found -> tokens[level]
      when 'array' then case when tokens[level] ~ '^(0|[1-9][0-9]{0,8})$' then found -> tokens[level]::int end end;
    if found is null then
      perform postern.no_reference(pointer, format('There is no %s', tokens[level]));
    end if;
  end loop;
  total := coalesce(nullif(current_setting('postern.referred', true), ''), '0')::bigint + octet_length(found::text);
  if total > postern.limit_of('referred bytes') then
    perform postern.no_reference(pointer, 'The values that the batch refers to are too long');
  end if;
  perform set_config('postern.referred', total::text, true);
  return found;
end
$$;
comment on function postern.referred(text, json[], text[]) is
  'What a reference leads to. In: pointer: a JSON pointer as a URI fragment; results: of the operations so far; ids: '
  'of all. Out: a JSON value. Counts the bytes in the setting postern.referred, which bounds what a batch can make of '
  'little. Raises PGRST151 for a pointer that leads nowhere and for too many bytes, PGRST100 for one that does not '
  'decode. Source: RFC 6901.';

create or replace function postern.refer(value json, key text, results json[], ids text[])
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  members json[];
  names text[];
begin
  if json_typeof(value) = 'object' then
    select array_agg(m.value order by place), array_agg(m.key order by place) into members, names
    from json_each(refer.value) with ordinality as m(key, value, place);
    if names = array[refer.key] then
      if json_typeof(members[1]) <> 'string' then
        perform postern.no_reference(members[1]::text, 'It is no string');
      end if;
      return postern.referred(members[1] #>> '{}', results, ids)::text;
    end if;
    return concat('{', (
      select string_agg(concat(to_json(names[i]), ':', postern.refer(members[i], refer.key, results, ids)), ','
        order by i)
      from generate_subscripts(names, 1) as i), '}');
  elsif json_typeof(value) = 'array' then
    return concat('[', (
      select string_agg(postern.refer(element, refer.key, results, ids), ',' order by place)
      from json_array_elements(refer.value) with ordinality as listed(element, place)), ']');
  end if;
  return value::text;
end
$$;
comment on function postern.refer(json, text, json[], text[]) is
  'Replaces the references in a JSON value: each object whose only key is the one given, by what its value refers to. '
  'In: key: the member ref of the operation; results, ids: as of postern.referred. Out: the text of the value. Raises '
  'PGRST151 for a reference that is no string, and what postern.referred raises.';

create or replace function postern.refer_path(path text, results json[], ids text[])
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  made text := '';
  piece text[];
  found json;
begin
  for piece in select regexp_matches(path, '([^{]+|[{](?!#))|[{](#[^}]*)[}]', 'g') loop
    if piece[1] is not null then
      made := made || piece[1];
      continue;
    end if;
    found := postern.referred(piece[2], results, ids);
    if json_typeof(found) not in ('string', 'number', 'boolean') then
      perform postern.no_reference(piece[2], format('A path cannot have a value of the type %s', json_typeof(found)));
    end if;
    made := made || postern.percent_encode(case json_typeof(found)
      when 'string' then postern.quoted_within(made, found #>> '{}') else found #>> '{}' end);
  end loop;
  return made;
end
$$;
comment on function postern.refer_path(text, json[], text[]) is
  'Replaces the references in a path, {#pointer}, by the values, percent-encoded. In: results, ids: as of '
  'postern.referred. Raises PGRST151 for a value that is an object, an array or null, and what that raises.';

create or replace function postern.quoted_within(before text, value text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  text constant pg_catalog.text := regexp_replace(
    postern.query_decode(substring(before from '[?&][^?&=]*=([^&]*)$')), '\\.', '', 'g');
  escaped constant pg_catalog.text := regexp_replace(value, '(["\\])', '\\\1', 'g');
  open constant pg_catalog.text := regexp_replace(text, '"[^"]*("|$)', '', 'g');
begin
  return case
    when length(regexp_replace(open, '[^[({]', '', 'g')) <= length(regexp_replace(open, '[^])}]', '', 'g'))
      or text is null then value
    when length(replace(text, '"', '')) % 2 = length(text) % 2 then '"' || escaped || '"'
    else escaped end;
end
$$;
comment on function postern.quoted_within(text, text) is
  'A text as it must stand in a query so as to remain one value. In: before: the query up to there, encoded. Out: not '
  'encoded; in brackets, as of a list, a logic tree or an array, in quotes. Raises what postern.query_decode raises.';
