create or replace function postern.parse_cursor(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  parts constant pg_catalog.text[] := regexp_match(source, '^(after|before)\.(?:([01]{1,64})~)?(.*)$');
begin
  return case when source = 'first' then '{"way": "first"}'
    else jsonb_strip_nulls(jsonb_build_object('way', parts[1], 'nulls', parts[2], 'value', parts[3])) end;
end
$$;
comment on function postern.parse_cursor(text) is
  'Parses cursor=. In: the text: first, after.TOKEN or before.TOKEN. Out: {"way", "nulls"?: for each sort value 1 '
  'where it is null, else 0, "value"?: rest of the token}; {} for other texts, filters perhaps. Raises nothing.';

create or replace function postern.foreign_cursor()
returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  perform postern.fail('PGRST158', 'The cursor is not one of this request',
    'It is of another relation or another order, or it is damaged', 'Begin again with cursor=first');
end
$$;
comment on function postern.foreign_cursor() is
  'Refuses a token that is not of this order, or damaged. Raises PGRST158, always.';
