-- What compiled statements call to see that their rows are what the request allows, and that they are still fresh.

create or replace function postern.fresh(same boolean)
returns boolean
language plpgsql immutable
as $$
begin
  if same is not true then
    raise exception using errcode = 'PNSTL', message = 'postern: this statement was compiled before the latest DDL';
  end if;
  return true;
end
$$;
comment on function postern.fresh(boolean) is
  'Refuses a statement compiled before the latest DDL. In: whether its epoch is the present one. Out: true. Raises '
  'PNSTL. Immutable, so as to be called when the statement is planned, before anything is done. Not in a branch of a '
  'CASE: Citus calls the functions of all.';

create or replace function postern.not_single(rows bigint)
returns text
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST116', 'The result is not a single JSON object',
    pg_catalog.format('The result contains %s rows', rows));
end
$$;
comment on function postern.not_single(bigint) is
  'Refuses rows that are not the one that a single object needs. In: how many there are. Raises PGRST116.';

create or replace function postern.too_many(rows bigint)
returns text
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST124', 'More rows are affected than the preference max-affected allows',
    pg_catalog.format('The query affects %s rows', rows));
end
$$;
comment on function postern.too_many(bigint) is
  'Refuses more rows than Prefer max-affected allows with handling=strict. In: how many there are. Raises PGRST124.';

create or replace function postern.key_mismatch()
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform postern.fail('PGRST115', 'The primary key in the URL is not that of the payload');
end
$$;
comment on function postern.key_mismatch() is 'Refuses a PUT whose row has another key than its URL. Raises PGRST115.';

create or replace function postern.wrong_keys(payload json, key text[])
returns boolean
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
declare
  found record;
begin
  select place, name into found
    from json_array_elements(payload) with ordinality as rows(item, place), unnest(key) as name
    where item ->> name is null
    order by place, array_position(key, name)
    limit 1;
  if found.place is not null then
    perform postern.fail('PGRST175', 'A row of the body lacks its key',
      format('Row %s has no ''%s''', found.place, found.name));
  end if;
  select min(place) as first, max(place) as last into found
    from (
      select place, array(select item ->> name from unnest(key) with ordinality as names(name, n) order by n) as own
      from json_array_elements(payload) with ordinality as rows(item, place)
    ) as keyed
    group by own
    having count(*) > 1
    order by 1
    limit 1;
  perform postern.fail('PGRST175', 'Two rows of the body have the same key',
    'These are rows ' || found.first || ' and ' || found.last);
  return false;
end
$$;
comment on function postern.wrong_keys(json, text[]) is
  'Refuses a payload whose rows do not each have a key of their own. In: an array of objects; the names of the key. '
  'Raises PGRST175, whose details name the row that lacks its key, or two rows whose keys have the same text; none '
  'where only their values are the same.';

create or replace function postern.precondition_failed()
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform postern.fail('PGRST155', 'The row is not as the request requires it',
    'With If-Match it must be there, in one of the versions given; with If-None-Match it must not.');
end
$$;
comment on function postern.precondition_failed() is
  'Refuses a request whose condition (If-Match, If-None-Match) does not hold. Raises PGRST155.';
