-- The Prefer header (RFC 7240).

create or replace function postern.known_preferences()
returns table (name text, value text, applied_order int)
language sql immutable parallel safe
as $$
  values
    ('resolution', 'merge-duplicates', 1), ('resolution', 'ignore-duplicates', 1),
    ('missing', 'default', 2), ('missing', 'null', 2),
    ('return', 'representation', 3), ('return', 'minimal', 3), ('return', 'headers-only', 3),
    ('count', 'exact', 4), ('count', 'planned', 4), ('count', 'estimated', 4),
    ('tx', 'commit', 5), ('tx', 'rollback', 5),
    ('handling', 'strict', 6), ('handling', 'lenient', 6),
    ('timezone', null, 7),
    ('max-affected', null, 8),
    ('read', 'primary', 9), -- the shell's: no standby is asked
    ('timeout', null, 10), -- the shell's: what is running cannot shorten its own time
    ('etag', '', 11)
$$;
comment on function postern.known_preferences() is
  'Every preference and the values it takes. Out: value: null for any; applied_order: the order in which '
  'Preference-Applied lists them. Raises nothing. Source: PostgREST docs, references/api/preferences.';

create or replace function postern.is_timeout(value text)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return value ~ '^[0-9]{1,9}(ms|s|min)?$' and value ~ '[1-9]';
end
$$;
comment on function postern.is_timeout(text) is
  'Whether the value of Prefer timeout is one: a number of ms, s or min, or of seconds, and not 0. Raises nothing.';

create or replace function postern.preferences(prefer text, transaction_override boolean)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  chosen pg_catalog.jsonb := '{}';
  invalid pg_catalog.jsonb := '[]';
  given pg_catalog.text;
  preference pg_catalog.text;
  wanted pg_catalog.text;
begin
  foreach given in array string_to_array(coalesce(prefer, ''), ',') loop
    given := btrim(given);
    preference := split_part(given, '=', 1);
    wanted := substr(given, length(preference) + 2);
    if not exists (
      select from postern.known_preferences() as known
      where known.name = preference and (known.value = wanted or known.value is null))
      or preference = 'timeout' and not postern.is_timeout(wanted)
    then
      if given <> '' then
        invalid := invalid || to_jsonb(given);
      end if;
    elsif chosen ? preference
      or preference = 'tx' and not transaction_override
      or preference = 'max-affected' and wanted !~ '^-?[0-9]{1,18}$'
    then
      continue;
    else
      chosen := chosen || jsonb_build_object(preference, wanted);
    end if;
  end loop;
  return chosen || jsonb_build_object('invalid', invalid);
end
$$;
comment on function postern.preferences(text, boolean) is
  'Reads the header Prefer. In: its fields, joined by comma; transaction_override: db-tx-end allows tx. Out: an object '
  'of preferences and their values, where the first mention counts, without a tx that is not allowed and a '
  'max-affected that is no integer; invalid: an array of those that are not known. Raises nothing.';

create or replace function postern.applied_preferences(preferences jsonb, relevant text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if not preferences ?| relevant then
    return null;
  end if;
  return (
    select string_agg(name || coalesce('=' || nullif(preferences ->> name, ''), ''), ', ' order by place)
    from (select distinct name, applied_order as place from postern.known_preferences()) as known
    where preferences ? name and name = any(relevant)
      and (name <> 'max-affected' or preferences ->> 'handling' = 'strict'));
end
$$;
comment on function postern.applied_preferences(jsonb, text[]) is
  'The value of Preference-Applied. In: preferences: postern.preferences; relevant: those that matter to this kind of '
  'request. Out: null where none was applied. Raises nothing.';

create or replace function postern.check_preferences(preferences jsonb)
returns void
language plpgsql immutable strict parallel safe
as $$
begin
  if preferences ->> 'handling' = 'strict' and preferences -> 'invalid' <> '[]'::jsonb then
    perform postern.fail('PGRST122', 'The Prefer header has preferences that are not known, and handling=strict',
      'Invalid preferences: '
        || (select string_agg(given, ', ') from jsonb_array_elements_text(preferences -> 'invalid') as given));
  end if;
end
$$;
comment on function postern.check_preferences(jsonb) is
  'Refuses preferences that are not known, where handling=strict was preferred. Raises PGRST122 for them.';
