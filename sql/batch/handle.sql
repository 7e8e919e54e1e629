-- A batch: several requests in one transaction.

create or replace function postern.handle_batch(
  request jsonb, payload bytea, out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  config constant pg_catalog.jsonb := postern.settings(request operator(pg_catalog.->) 'settings');
  fields constant pg_catalog.jsonb := postern.batch_fields(request);
  wish constant pg_catalog.text := postern.batch_end(request, config);
  rolls_back constant boolean := coalesce(wish,
    config operator(pg_catalog.->>) 'db_tx_end') operator(pg_catalog.~~) 'rollback%';
  role constant pg_catalog.text := pg_catalog.current_setting('role');
  claims constant pg_catalog.text := coalesce(pg_catalog.current_setting('request.jwt.claims', true), '');
  operations pg_catalog.json[];
  results pg_catalog.json[] := '{}';
  ids pg_catalog.text[];
  current int;
  answer pg_catalog.record;
  finished boolean := false;
  state pg_catalog.text;
  message pg_catalog.text;
  detail pg_catalog.text;
  hint pg_catalog.text;
begin
  begin
    perform pg_catalog.set_config('postern.referred', '', true);
    operations := postern.batch_operations(payload, (config operator(pg_catalog.->>) 'db_max_operations')::int);
    for place in 1 .. pg_catalog.cardinality(operations) loop
      current := place;
      perform postern.check_operation(operations[place], ids);
      ids := pg_catalog.array_append(ids, operations[place] operator(pg_catalog.->>) 'id');
    end loop;
    for place in 1 .. pg_catalog.cardinality(operations) loop
      current := place;
      perform postern.assume(role, claims);
      answer := postern.handle(
        postern.operation_request(request, operations[place],
          postern.refer_path(operations[place] operator(pg_catalog.->>) 'path', results, ids), fields),
        postern.operation_payload(operations[place], results, ids));
      if postern.is_failure(answer.status, answer.headers) then
        finished := true;
        raise sqlstate 'PNRBK';
      end if;
      results := pg_catalog.array_append(results,
        postern.batch_result(null, ids[place], answer.status, answer.headers, answer.body)::pg_catalog.json);
    end loop;
    current := null;
    if rolls_back or not request operator(pg_catalog.?) 'shell' then
      set constraints all immediate;
    end if;
    if rolls_back then
      finished := true;
      raise sqlstate 'PNRBK';
    end if;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint;
    if not finished then
      select e.status, e.headers, e.body into answer
      from postern.request_error(request, payload, state, message, detail, hint) as e;
    end if;
    if current is not null then
      select b.status, b.headers, b.body into status, headers, body
      from postern.failed_batch(current, ids[current], answer.status, answer.headers, answer.body) as b;
      return;
    elsif not finished then
      status := answer.status;
      headers := answer.headers;
      body := answer.body;
      return;
    end if;
  end;
  status := 200;
  headers := postern.batch_headers(wish);
  body := pg_catalog.convert_to(pg_catalog.concat('[', pg_catalog.array_to_string(results, E',\n '), ']'), 'UTF8');
end
$$;
comment on function postern.handle_batch(jsonb, bytea) is
  'Answers a batch (postern.is_batch): its operations in order, each by postern.handle, all or nothing. In: as of '
  'that. Out: status, headers, body as of that. Its operations are compiled at each call; the server does a batch that '
  'is well-formed itself, by kept statements, and answers the same. Raises nothing that a client can cause.';

create or replace function postern.assume(role text, claims text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('role') <> role then
    perform set_config('role', role, true);
  end if;
  if coalesce(current_setting('request.jwt.claims', true), '') <> claims then
    perform set_config('request.jwt.claims', claims, true);
  end if;
end
$$;
comment on function postern.assume(text, text) is
  'Makes role and claims those of the batch again where code of an operation has changed them. In: the role; the '
  'claims, empty without any. Raises what setting the role raises.';

create or replace function postern.batch_end(request jsonb, config jsonb)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return postern.preferences(request -> 'headers' ->> 'prefer', config ->> 'db_tx_end' like '%-allow-override')
    ->> 'tx';
end
$$;
comment on function postern.batch_end(jsonb, jsonb) is
  'How a batch prefers its transaction to end. In: config: postern.settings. Out: commit or rollback, where Prefer has '
  'tx and db-tx-end lets it; else null. Raises nothing.';

create or replace function postern.operation_payload(operation json, results json[], ids text[])
returns bytea
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  body constant json := operation -> 'body';
begin
  return convert_to(case
      when not postern.is_json_type(postern.operation_headers(operation) ->> 'content-type') then body #>> '{}'
      when operation -> 'ref' is null then body::text
      else postern.refer(body, operation ->> 'ref', results, ids) end, 'UTF8');
end
$$;
comment on function postern.operation_payload(json, json[], text[]) is
  'The body of an operation, its references replaced. In: results, ids: as of postern.referred. Out: null for none. '
  'Raises what postern.refer raises.';

create or replace function postern.is_failure(status int, headers text[])
returns boolean
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return status not between 200 and 399 or exists (
    select from generate_subscripts(headers, 1) as i
    where lower(headers[i][1]) = 'proxy-status' and headers[i][2] like '%postern; error=%');
end
$$;
comment on function postern.is_failure(int, text[]) is
  'Whether an answer is that of an operation which has failed. In: status; headers: [name, value] pairs. Out: true for '
  'a status outside of 200 to 399, and for one with the error in Proxy-Status: what was raised has done nothing, and '
  'can have any status. Raises nothing.';

create or replace function postern.batch_result(place int, id text, status int, headers text[], body bytea)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  media constant text := (
    select headers[i][2] from generate_subscripts(headers, 1) as i where lower(headers[i][1]) = 'content-type' limit 1);
  content text := 'null';
  more text := '';
begin
  if body <> '' then
    begin
      content := convert_from(body, 'UTF8');
      content := case when media is null or not postern.is_json_type(media) then to_json(content)::text
        when postern.is_json(content) then content else to_json(content)::text end;
    exception when character_not_in_repertoire or untranslatable_character then
      content := to_json(translate(encode(body, 'base64'), E'\n', ''))::text;
      more := ',"base64":true';
    end;
  end if;
  return concat('{', '"index":' || (place - 1) || ',', '"id":' || to_json(id) || ',', '"status":', status,
    ',"headers":{', (
      select string_agg(concat(to_json(name), ':', to_json(value)), ',' order by first)
      from (
        select lower(headers[i][1]) as name, string_agg(headers[i][2], ', ' order by i) as value, min(i) as first
        from generate_subscripts(headers, 1) as i
        group by 1
      ) as given), '},"body":', content, more, '}');
end
$$;
comment on function postern.batch_result(int, text, int, text[], bytea) is
  'Renders the result of an operation. In: place: of the operation, from 1 on, null where it is not told; id: null for '
  'none; then its answer. Out: the JSON text of {index?: from 0 on; id?; status; headers; body; base64?}. A body of a '
  'JSON type is what it is, any other a string, in base64 where it is no text. Raises nothing.';

create or replace function postern.is_json(content text)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  perform content::pg_catalog.json;
  return true;
exception when data_exception or statement_too_complex then
  return false;
end
$$;
comment on function postern.is_json(text) is 'Whether a text is JSON. Raises nothing.';

create or replace function postern.batch_headers(wish text)
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[['Content-Type', 'application/vnd.postern.batch+json; charset=utf-8']]
    || case when wish is not null then array[['Preference-Applied', 'tx=' || wish]] end;
end
$$;
comment on function postern.batch_headers(text) is
  'The headers of a batch''s answer. In: wish: postern.batch_end. Out: [name, value] pairs. Raises nothing.';

create or replace function postern.failed_batch(
  place int, id text, failed_status int, failed_headers text[], failed_body bytea,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  status := failed_status;
  headers := postern.batch_headers(null) || (
    select array_agg(array[failed_headers[i][1], failed_headers[i][2]] order by i)
    from generate_subscripts(failed_headers, 1) as i
    where lower(failed_headers[i][1]) in ('proxy-status', 'www-authenticate', 'retry-after'));
  body := convert_to(postern.batch_result(place, id, failed_status, failed_headers, failed_body), 'UTF8');
end
$$;
comment on function postern.failed_batch(int, text, int, text[], bytea) is
  'The answer to a batch of which an operation has failed. In: place, id: of the operation; then its answer. Out: its '
  'status; the headers of a batch, with Proxy-Status, WWW-Authenticate and Retry-After of it; its result with its '
  'index (postern.batch_result). Raises nothing.';
