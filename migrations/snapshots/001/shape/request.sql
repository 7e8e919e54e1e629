-- A request from SQL made into what the shell sends: its query string as parameters, and the head of its shape.

create or replace function postern.query_pairs(query text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  raw text;
  name text;
  value text;
  pairs text;
  most constant int := postern.limit_of('parameters');
begin
  if length(query) - length(replace(query, '&', '')) >= most then
    perform postern.fail('PGRST100', format('The query string has more than %s parameters', most),
      format('found %s, expected at most %s', length(query) - length(replace(query, '&', '')) + 1, most));
  end if;
  foreach raw in array string_to_array(query, '&') loop
    if strpos(raw, '=') < 2 then
      continue;
    end if;
    name := postern.query_decode(split_part(raw, '=', 1));
    value := postern.query_decode(substr(raw, strpos(raw, '=') + 1));
    if name || value ~ '[\x01\x02\x1e\x1f]' then
      perform postern.fail('PGRST100', 'The query string contains a control character', 'In: ' || raw);
    end if;
    pairs := concat_ws(E'\x1f', pairs, concat(name, E'\x1e', case when strpos(value, '.') > 1
      then overlay(value placing E'\x1e' from strpos(value, '.') for 1) else E'\x1e' || value end));
  end loop;
  return coalesce(pairs, '');
end
$$;
comment on function postern.query_pairs(text) is
  'A raw query string as its parameters, decoded and separated by chr(31), each as name, value up to its first dot, rest of the value, separated by chr(30); a value without a dot is all rest. Parameters without a value count for nothing. PGRST100 for what does not decode, for control characters and beyond the limit "parameters".';

create or replace function postern.is_call(path text)
returns boolean
language sql immutable strict parallel safe
as $$
  select path ~ '^/(?:rpc/|/*$)|^$'
$$;
comment on function postern.is_call(text) is
  'Whether a raw URL path may lead to a function, so that parameters and forms are read as arguments: /rpc/... and the root, which leads to one where db-root-spec is set.';

create or replace function postern.completed(request jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  fields jsonb := coalesce(request -> 'headers', '{}');
  method text := request ->> 'method';
  query text := coalesce(request ->> 'query', '');
  pairs text := postern.query_pairs(query);
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'pairs', pairs,
    'location', case when method in ('GET', 'HEAD') and request ->> 'path' not like '/rpc/%' then coalesce('?' || nullif(postern.canonical_query(query), ''), '') end,
    'range', case when method = 'GET' then fields -> 'range' end,
    'content_type', fields -> 'content-type',
    'prepare', true,
    'unsafe', case when method not in ('GET', 'HEAD', 'OPTIONS') then true end,
    'head', concat_ws(E'\n', '', request ->> 'role', method, request ->> 'path', coalesce(fields ->> 'accept', ''), coalesce(fields ->> 'prefer', ''),
      coalesce(fields ->> 'accept-profile', ''), coalesce(fields ->> 'content-profile', ''), coalesce(fields ->> 'content-type', ''), current_user)))
    || request;
end
$$;
comment on function postern.completed(jsonb) is
  'A request with what postern.handle needs and the shell works out itself: pairs (postern.query_pairs), location (the query of Content-Location; only for reads of a relation), range, the flags unsafe (the method may write) and prepare (the search path is to be set), and head (all that a shape depends on beside the parameters).';
