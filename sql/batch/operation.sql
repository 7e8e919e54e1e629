-- What a batch holds: operations, each of which is a request.

create or replace function postern.is_batch(request jsonb)
returns boolean
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return request ->> 'method' = 'POST' and not request ? 'batch'
    and postern.is_batch_type(request -> 'headers' ->> 'content-type')
    and (postern.settings(request -> 'settings') ->> 'db_max_operations')::int > 0;
end
$$;
comment on function postern.is_batch(jsonb) is
  'Whether a request to the root (postern.handle) is a batch. Out: false for an operation of one (batch), and where '
  'db-max-operations is 0. Raises nothing.';

create or replace function postern.is_batch_type(content_type text)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return coalesce(lower(btrim(split_part(content_type, ';', 1), E' \t')) = 'application/vnd.postern.batch+json', false);
end
$$;
comment on function postern.is_batch_type(text) is
  'Whether a Content-Type is that of a batch. Out: false for null. Raises nothing.';

create or replace function postern.batch_operations(payload bytea, most int)
returns json[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  document json;
  many int;
begin
  begin
    document := convert_from(coalesce(payload, ''), 'UTF8')::json;
    many := case json_typeof(document) when 'array' then json_array_length(document) end;
  exception when data_exception or statement_too_complex then
    perform postern.fail('PGRST150', 'The batch is not valid', 'The body is not JSON');
  end;
  if many is null then
    perform postern.fail('PGRST150', 'The batch is not valid', 'The body is not an array');
  elsif many > most then
    perform postern.fail('PGRST152', 'The batch has too many operations',
      format('It has %s, and at most %s are accepted', many, most), 'The setting db-max-operations says how many.');
  end if;
  return array(select json_array_elements(document));
end
$$;
comment on function postern.batch_operations(bytea, int) is
  'The operations that the body of a batch holds, as they came. In: most: how many there may be. Raises PGRST150 for a '
  'body that is not a JSON array, PGRST152 for too many.';

create or replace function postern.operation_fields()
returns text[]
language sql immutable parallel safe
as $$
  select '{accept,accept-profile,content-profile,content-type,if-match,if-none-match,prefer,range}'::pg_catalog.text[]
$$;
comment on function postern.operation_fields() is
  'The header fields that an operation has itself; the others are about the sender, and the batch''s. Raises nothing.';

create or replace function postern.check_operation(operation json, earlier text[])
returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  problem text;
begin
  begin
    problem := case when json_typeof(operation) <> 'object' then 'An operation is not an object'
      else coalesce(postern.member_problem(operation), postern.id_problem(operation, earlier),
        postern.path_problem(operation ->> 'path'), postern.field_problem(operation -> 'headers'),
        postern.body_problem(operation)) end;
  exception when data_exception or statement_too_complex then
    problem := 'A text in it is none to PostgreSQL';
  end;
  if problem is not null then
    perform postern.fail('PGRST150', 'The batch is not valid', problem);
  end if;
end
$$;
comment on function postern.check_operation(json, text[]) is
  'Checks that an operation is {id?, method, path, headers?, body?, ref?}. In: earlier: the ids of those before it. '
  'Raises PGRST150 where it is not.';

create or replace function postern.member_problem(operation json)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select case
        when name not in ('id', 'method', 'path', 'headers', 'body', 'ref')
          then format('An operation has no member %s', name)
        when many > 1 then format('The member %s is there twice', name)
        when name <> 'body' and type <> case name when 'headers' then 'object' else 'string' end
          then format('The member %s is of another type', name) end as problem
    from (
      select key as name, count(*) as many, min(json_typeof(value)) as type, min(place) as place
      from json_each(operation) with ordinality as members(key, value, place)
      group by key
    ) as members
    union all
    select format('An operation has a %s', name)
    from unnest('{method,path}'::text[]) as name
    where operation -> name is null
    order by 1 nulls last
    limit 1);
end
$$;
comment on function postern.member_problem(json) is
  'What is wrong with the members of an operation. Out: a sentence, null for nothing. Raises an error of class 22 for '
  'a text that PostgreSQL cannot have.';

create or replace function postern.id_problem(operation json, earlier text[])
returns text
language plpgsql immutable parallel safe
as $$
declare
  id constant pg_catalog.text := operation ->> 'id';
begin
  return case
    when id ~ '^[0-9]*$' then 'An id has a character that is no digit: numbers are places in the batch'
    when id = any(earlier) then format('There are two operations with the id %s', id)
    when operation ->> 'ref' = '' then 'The member ref is empty'
    when operation ->> 'method' !~ '^[A-Z]+$' then 'The method is not one of HTTP' end;
end
$$;
comment on function postern.id_problem(json, text[]) is
  'What is wrong with id, ref and method of an operation. In: earlier: as of postern.check_operation. Out: as of '
  'postern.member_problem. Raises what that raises.';

create or replace function postern.path_problem(path text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when path !~ '^/' then 'A path begins with /'
    when octet_length(path) > 1048576 then 'A path is too long'
    when path ~ '[\x01- \x7f]' then 'A path has a blank or a control character, which a URL has not'
    when strpos(regexp_replace(path, '[{]#[^}]*[}]', '', 'g'), '#') > 0
      then 'A path has a #, which a URL has not, outside of a reference'
    when (length(path) - length(replace(path, '{#', ''))) / 2 > postern.limit_of('path references')
      then 'A path has too many references' end;
end
$$;
comment on function postern.path_problem(text) is
  'What is wrong with a path, in which {#pointer} is a reference. Out: as of postern.member_problem. Raises nothing.';

create or replace function postern.field_problem(headers json)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select case
        when name <> all (postern.operation_fields())
          then format('The header %s is that of the batch: an operation may have %s', name,
            array_to_string(postern.operation_fields(), ', '))
        when many > 1 then format('The header %s is there twice', name)
        when type <> 'string' then format('The header %s is no string', name)
        when value ~ '[\x01-\x08\x0a-\x1f\x7f]' then format('The header %s has a control character', name)
        when name = 'prefer' and exists (
            select from string_to_table(value, ',') as given where btrim(given, E' \t') like 'tx=%')
          then 'The preference tx is that of the batch' end as problem
    from (
      select lower(key) as name, count(*) as many, min(json_typeof(value)) as type, min(value #>> '{}') as value
      from json_each(headers)
      group by lower(key)
    ) as fields
    order by 1 nulls last
    limit 1);
end
$$;
comment on function postern.field_problem(json) is
  'What is wrong with the headers of an operation. Out: as of postern.member_problem. Raises what that raises.';

create or replace function postern.body_problem(operation json)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  content_type constant pg_catalog.text := postern.operation_headers(operation) ->> 'content-type';
begin
  return case
    when postern.is_batch_type(content_type) then 'A batch holds no batch'
    when json_typeof(operation -> 'body') <> 'string' and not postern.is_json_type(content_type)
      then 'A body that is not JSON is a string' end;
end
$$;
comment on function postern.body_problem(json) is
  'What is wrong with the body of an operation, and with what its Content-Type says of it. Out: as of '
  'postern.member_problem. Raises what that raises.';

create or replace function postern.is_json_type(content_type text)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return lower(btrim(split_part(coalesce(content_type, 'application/json'), ';', 1), E' \t')) ~ '(/|\+)json$';
end
$$;
comment on function postern.is_json_type(text) is
  'Whether a Content-Type is JSON or a type with its syntax. Out: true for null. Raises nothing. Source: RFC 6839, '
  'section 3.1.';

create or replace function postern.operation_headers(operation json)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return coalesce(
    (select jsonb_object_agg(lower(key), value) from json_each(operation -> 'headers')), '{}');
end
$$;
comment on function postern.operation_headers(json) is
  'The headers of an operation, names in lower case. Out: {} for none. Raises what postern.member_problem raises.';

create or replace function postern.operation_request(request jsonb, operation json, target text, fields jsonb)
returns jsonb
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
  path constant text := split_part(target, '?', 1);
begin
  return jsonb_build_object('batch', true, 'method', operation ->> 'method', 'path', path,
      'query', substr(target, length(path) + 2), 'headers', fields || postern.operation_headers(operation))
    || case when request ? 'shell'
      then jsonb_build_object('cookies', current_setting('request.cookies')::jsonb) else '{}' end
    || (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(request)
      where key in ('cookies', 'anonymous', 'settings', 'max_cost'));
end
$$;
comment on function postern.operation_request(jsonb, json, text, jsonb) is
  'The request that an operation is. In: request: of the batch; target: path and query without references; fields: the '
  'headers that it has from the batch (postern.batch_fields). Out: as postern.handle takes it. Raises nothing.';

create or replace function postern.batch_fields(request jsonb)
returns jsonb
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when request ? 'shell' then current_setting('request.headers')::jsonb
    else coalesce(request -> 'headers', '{}') end - postern.operation_fields() - '{content-length,cookie}'::text[];
end
$$;
comment on function postern.batch_fields(jsonb) is
  'The headers of a batch that its operations have as well. In: the request; for the shell (postern.handle) they are '
  'in the setting request.headers. Out: an object. Raises nothing.';
