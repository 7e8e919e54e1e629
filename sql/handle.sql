-- The entry: one call compiles a request, executes the statement and answers.

create or replace function postern.handle(
  request jsonb, payload bytea default null, vals text[] default null,
  out status int, out headers text[], out body bytea, out statement text, out flags jsonb)
returns record
language plpgsql volatile
as $$
declare
  most constant int := 50; -- times that a statement may turn out to be of no use, under DDL in many sessions
  shell constant boolean := request operator(pg_catalog.?) 'shell';
  prepared boolean;
  stale boolean := false;
  finished boolean := false;
  answer pg_catalog.record;
  state pg_catalog.text;
  message pg_catalog.text;
  detail pg_catalog.text;
  hint pg_catalog.text;
begin
  if request operator(pg_catalog.->>) 'path' operator(pg_catalog.=) '/' and postern.is_batch(request) then
    select b.status, b.headers, b.body into status, headers, body from postern.handle_batch(request, payload) as b;
    return;
  end if;
  for attempt in 1 .. most loop
    begin
      prepared := false;
      vals := case when shell then vals else postern.set_request(request) end;
      select c.statement, postern.timed(request, c.flags) into statement, flags
        from postern.compile(request, payload) as c;
      if shell and (flags operator(pg_catalog.?) 'before' or request operator(pg_catalog.?) 'pieces') then
        return;
      end if;
      perform postern.set_transaction(request, flags);
      execute postern.preparation(statement, flags);
      prepared := true;
      flags := postern.judged(flags, payload, vals);
      answer := postern.execute_prepared(flags, payload, vals);
      if answer.note is null then
        select answer.status::int, postern.header_pairs(answer.headers), answer.body into status, headers, body;
        perform postern.settle(request, flags);
        if flags operator(pg_catalog.?) 'rollback' then
          finished := true;
          raise sqlstate 'PNRBK';
        end if;
        return;
      elsif answer.note operator(pg_catalog.=) 'escapes' then
        request := request operator(pg_catalog.||) '{"escapes": true}';
      else
        stale := true;
      end if;
    exception when others or query_canceled or assert_failure then
      get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
        hint = pg_exception_hint;
      if finished then
        return;
      elsif state operator(pg_catalog.=) '42P18' and not prepared and not request operator(pg_catalog.?) 'exact' then
        request := request operator(pg_catalog.||) '{"exact": true}';
      elsif state operator(pg_catalog.=) '42P05' and not prepared and attempt operator(pg_catalog.=) 1 then
        null; -- code of the user's has used the name
      elsif state operator(pg_catalog.<>) 'PNSTL'
        and (flags is null or flags operator(pg_catalog.->>) 'epoch' operator(pg_catalog.=) postern.planned_epoch(''))
      then
        select e.status, e.headers, e.body, coalesce(e.statement, handle.statement), e.flags
          into status, headers, body, statement, flags
        from postern.handle_error(request, payload, vals, prepared, state, message, detail, hint, flags) as e;
        perform postern.forget_prepared();
        return;
      else
        stale := true;
      end if;
      perform postern.forget_prepared();
    end;
    if stale and shell
      and pg_catalog.current_setting('transaction_isolation') operator(pg_catalog.<>) 'read committed' then
      raise sqlstate 'PNSTL' using message = 'postern: the transaction sees the schema as it was before the latest DDL';
    end if;
  end loop;
  raise exception using errcode = 'serialization_failure',
    message = 'postern: the schema changed while the request was compiled, each time';
end
$$;
comment on function postern.handle(jsonb, bytea, text[]) is
  'Answers one HTTP request, with the rights of the caller. In: request: {method; path, query: raw; headers?: names in '
  'lower case; cookies?; anonymous?; settings?: postern.settings}; payload: the body. The shell adds shell: these '
  'settings, the role and the pre-request function are taken care of; values: how many values it has cut out of the '
  'query, where chr(1) stands for them, and gives in vals behind the query of Content-Location; payload: what '
  'postern.describe_payload would say; escapes: a text needs an escape; timed: as of postern.timed; pieces: the body '
  'comes later, only the statement is wanted. Out: status, headers as [name, value] pairs, body; statement, flags: '
  'what was compiled (the type postern.compiled). The status is null, and nothing was done, with pieces, and for the '
  'shell where something must hold before the statement starts (flags: before). Sets request.method, path, headers and '
  'cookies and the search path. A batch is for postern.handle_batch, whose operations come back with the member batch: '
  'others follow in the transaction. Raises nothing that a client can cause, but 40001 where the schema keeps '
  'changing; to the shell PNSTL where it has changed since the snapshot of a transaction that keeps its snapshot, and '
  'what postern.request_error raises. Source: PostgREST docs, references/api.';

create or replace function postern.set_request(request jsonb)
returns text[]
language plpgsql volatile
as $$
declare
  config constant pg_catalog.jsonb := postern.settings(request operator(pg_catalog.->) 'settings');
  method constant pg_catalog.text := request operator(pg_catalog.->>) 'method';
begin
  perform pg_catalog.set_config('request.method', method, true),
    pg_catalog.set_config('request.path', request operator(pg_catalog.->>) 'path', true),
    pg_catalog.set_config('request.headers', coalesce(request operator(pg_catalog.->>) 'headers', '{}'), true),
    pg_catalog.set_config('request.cookies', coalesce(request operator(pg_catalog.->>) 'cookies', '{}'), true),
    pg_catalog.set_config('response.status', '', true), pg_catalog.set_config('response.headers', '', true),
    pg_catalog.set_config('postern.inserted', '', true),
    pg_catalog.set_config('search_path', postern.api_path(request, config), true);
  if config operator(pg_catalog.->>) 'db_pre_request' is not null then
    execute pg_catalog.format('select %s()', (
      select pg_catalog.string_agg(pg_catalog.quote_ident(part), '.')
      from pg_catalog.string_to_table(config operator(pg_catalog.->>) 'db_pre_request', '.') as part));
  end if;
  return array[case when method operator(pg_catalog.=) any ('{GET,HEAD,QUERY}') then pg_catalog.regexp_replace(
    postern.canonical_query(coalesce(request operator(pg_catalog.->>) 'query', '')), '^(?=.)', '?') else '' end];
end
$$;
comment on function postern.set_request(jsonb) is
  'Does for a request in SQL what the shell does before it calls postern.handle: sets request.*, empties response.*, '
  'sets the search path, calls the pre-request function. Out: the first of the values, the query of Content-Location '
  'and of links, without the body of a QUERY. Raises what that function and postern.canonical_query raise. Source: '
  'PostgREST docs, references/transactions.';

create or replace function postern.set_transaction(request jsonb, flags jsonb)
returns void
language plpgsql volatile
as $$
begin
  if flags operator(pg_catalog.?) 'read_only' then
    perform pg_catalog.set_config('transaction_read_only', 'on', true);
  end if;
  if flags operator(pg_catalog.?) 'settings' then
    if request operator(pg_catalog.?) 'batch' then
      perform pg_catalog.set_config('postern.before', pg_catalog.jsonb_object_agg(name,
        coalesce(pg_catalog.current_setting(name, true), ''))::pg_catalog.text, true)
      from pg_catalog.jsonb_object_keys(flags operator(pg_catalog.->) 'settings') as name;
    end if;
    perform pg_catalog.set_config(s.key, s.value, true)
    from pg_catalog.jsonb_each_text(flags operator(pg_catalog.->) 'settings') as s;
  end if;
end
$$;
comment on function postern.set_transaction(jsonb, jsonb) is
  'Sets for the transaction what the flags of a statement (the type postern.compiled) say. For an operation of a batch '
  'the setting postern.before keeps what was set. Raises what setting them raises.';

create or replace function postern.settle(request jsonb, flags jsonb)
returns void
language plpgsql volatile
as $$
begin
  if not request operator(pg_catalog.?|) '{shell,batch}' or flags operator(pg_catalog.?) 'rollback' then
    set constraints all immediate;
  end if;
  if request operator(pg_catalog.?) 'batch' and flags operator(pg_catalog.?) 'settings' then
    perform pg_catalog.set_config(b.key, b.value, true)
    from pg_catalog.jsonb_each_text(pg_catalog.current_setting('postern.before')::pg_catalog.jsonb) as b;
  end if;
end
$$;
comment on function postern.settle(jsonb, jsonb) is
  'Does what is to be done when a statement has been executed. Deferred constraints are checked, unless the '
  'transaction goes on or the shell commits it; an operation of a batch leaves the settings as it found them '
  '(postern.set_transaction). Raises what the constraints raise.';

create or replace function postern.header_pairs(lines text)
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(array[split_part(line, ': ', 1), substr(line, strpos(line, ': ') + 2)] order by place)
    from string_to_table(substr(lines, 2), E'\n') with ordinality as listed(line, place));
end
$$;
comment on function postern.header_pairs(text) is
  'Splits header lines (postern.header_lines). Out: [name, value] pairs; null where there are none. Raises nothing.';

create or replace function postern.handle_error(
  request jsonb, payload bytea, vals text[], prepared boolean, state text, message text, detail text, hint text,
  inout flags jsonb, out statement text, out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  line bigint;
  said pg_catalog.record;
begin
  if prepared and postern.has_lines(request) then
    said := postern.line_error(flags, payload, vals, state, detail);
    line := said.line;
  end if;
  if line is not null then
    message := said.message;
    detail := said.detail;
    hint := said.hint;
  end if;
  if flags is not null and not prepared and state operator(pg_catalog.~) '^(0A|22|42)'
    or prepared and state operator(pg_catalog.=) '42501' and not postern.is_permitted(flags, payload, vals)
  then
    select c.statement, postern.timed(request, c.flags) into statement, flags
    from postern.compile_error(request, postern.settings(request operator(pg_catalog.->) 'settings'),
      flags operator(pg_catalog.->>) 'epoch', state, message, detail, hint) as c;
  end if;
  select e.status, e.headers,
    case when request operator(pg_catalog.->>) 'method' operator(pg_catalog.<>) 'HEAD'
      then postern.with_line(e.body, line) end
    into status, headers, body
  from postern.request_error(request, payload, state, message, detail, hint) as e;
end
$$;
comment on function postern.handle_error(jsonb, bytea, text[], boolean, text, text, text, text, jsonb) is
  'Answers an error that a request has raised. In: prepared: its statement was prepared, and is still; state: the '
  'SQLSTATE; flags: of the statement, null where there is none; others as of postern.handle. Out: status, headers, '
  'body; where the error is one of the shape and not of the values, also the statement that yields it, which is to be '
  'kept in place of the other, and its flags. Raises what postern.is_permitted and request_error raise.';

create or replace function postern.request_error(
  request jsonb, payload bytea, state text, message text, detail text, hint text,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if left(state, 2) = '22' and request ->> 'method' in ('POST', 'PATCH', 'PUT')
    and postern.media_type(coalesce(request -> 'headers' ->> 'content-type', 'application/json'))
      ->> 'name' = 'application/json'
    and not postern.names_columns(request)
    and postern.describe_json(nullif(convert_from(payload, 'UTF8'), '')) ->> 'refused' like 'Empty%'
  then
    state := 'PNERR';
    detail := '{"code": "PGRST102", "message": "Empty or invalid json"}';
  end if;
  select e.status, e.headers, e.body into status, headers, body
  from postern.error_response(state, message, detail, hint, coalesce((request ->> 'anonymous')::boolean, false),
    postern.settings(request -> 'settings') ->> 'client_error_verbosity') as e;
end
$$;
comment on function postern.request_error(jsonb, bytea, text, text, text, text) is
  'The answer to an error that a request has raised. In: request and payload as of postern.handle; the error, as of '
  'postern.error_response. Out: as of that, with PGRST102 where the cause is a body that is not the JSON that it was '
  'taken for. Raises what that and, for a body that the shell has described, postern.describe_json raise.';

create or replace function postern.get(url text, out status int, out headers text[], out body text)
returns record
language sql volatile strict
as $$
  select a.status, a.headers, pg_catalog.convert_from(a.body, 'UTF8')
  from postern.handle(pg_catalog.jsonb_build_object('method', 'GET', 'path', pg_catalog.split_part(url, '?', 1),
    'query', pg_catalog.replace(
      pg_catalog.substr(url, pg_catalog.length(pg_catalog.split_part(url, '?', 1)) operator(pg_catalog.+) 2),
      ' ', '%20'))) as a
$$;
comment on function postern.get(text) is
  'GET for people at a SQL prompt: select * from postern.get(''/films?select=title&limit=3''). In: path and query, in '
  'which blanks need not be encoded. The schema is the first of the setting pgrst.db_schemas, else public. Raises what '
  'postern.handle raises, and 22021 for an answer that is not UTF-8.';
