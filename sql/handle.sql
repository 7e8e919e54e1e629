-- The entries. A request's shape names a prepared statement of this session; what this session has not prepared is
-- postern.answer_new's. PL/pgSQL initializes each expression anew in every transaction, at about a microsecond a function or
-- operator, so what runs for every request has few of them.

create or replace function postern.serve(request text, payload bytea, settings text, known text)
returns bytea
language plpgsql volatile
as $$
declare
  response bytea;
  note text;
  detail text;
  hint text;
begin
  if known is null then
    return postern.answer(request::jsonb, payload, settings);
  end if;
  begin
    execute known into response, note;
    if note in ('stale', 'escapes') then
      raise sqlstate '26000';
    elsif note is not null then
      response := (postern.conclude(request::jsonb, response, note)).response;
    end if;
    return postern.with_flag(response, '+');
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
    return postern.recover(request::jsonb, payload, settings, known, sqlstate, sqlerrm, detail, hint);
  end;
end
$$;
comment on function postern.serve(text, bytea, text, text) is
  'Answers one HTTP request of the shell. request: JSON (postern.completed); payload: the body; settings: JSON (postern.settings); known: the statement EXECUTE that answers the request if this session has prepared it, null where the shell cannot tell. Then the request has its name as statement, and a body may be in the setting postern.payload. Out: the response (postern.response), status 0: repeat with the settings in the body; a plus among its flags: known is prepared now. Raises nothing that a client can cause; runs with the rights of the caller''s role.';

create or replace function postern.recover(request jsonb, payload bytea, settings text, known text, state text, message text, detail text, hint text)
returns bytea
language plpgsql volatile
as $$
begin
  if state = '26000' or left(state, 2) = any('{0A,21,22,42,XX}') then
    payload := coalesce(payload, convert_to(nullif(current_setting('postern.payload', true), ''), 'UTF8'));
    if state = '26000' or postern.is_stale(split_part(known, '"', 2)) then
      return postern.answer(request, payload, settings);
    elsif payload is not null and left(state, 2) = '22' then -- perhaps it is not the JSON that it looked like
      return postern.answer(request - 'statement', payload, settings);
    end if;
  end if;
  return postern.caught(request, state, message, detail, hint);
end
$$;
comment on function postern.recover(jsonb, bytea, text, text, text, text, text, text) is
  'The response to a request whose known statement has raised this error and left nothing: where the statement was not prepared, or compiled before DDL, that of a new one; else the error''s. Parameters as of postern.serve, then what the error tells.';

create or replace function postern.run(known text)
returns bytea
language plpgsql volatile
as $$
declare
  response bytea;
  note text;
begin
  execute known into response, note;
  if note is null then
    return response;
  elsif note not in ('stale', 'escapes') then
    return (postern.conclude('{"unsafe": true}', response, note)).response;
  elsif current_setting('transaction_read_only') = 'on' then
    return null;
  end if;
  raise exception using errcode = '26000', message = 'postern: this statement was compiled before DDL; it is compiled anew';
end
$$;
comment on function postern.run(text) is
  'postern.serve for a statement that the shell knows to be prepared: no more than its EXECUTE. Out: the response; null where the statement is of no use any more (stale or escapes, postern.render_note) and was a read. Raises 26000 for a stale write and what the statement raises: postern.recover, in another transaction, then has the answer.';

create or replace function postern.answer(request jsonb, payload bytea, settings text)
returns bytea
language plpgsql volatile
as $$
declare
  shape text := '';
  literals text;
  pair text;
  operator text;
  digest text;
  piece text[];
  response bytea;
  note text;
  undo boolean;
begin
  begin
    if not request ? 'pairs' then
      request := postern.completed(request);
    end if;
    if request ? 'prepare' then
      perform postern.prepare_request(request, settings);
    end if;
    literals := coalesce(',' || quote_literal(request ->> 'location'), '');
    foreach pair in array string_to_array(request ->> 'pairs', E'\x1f') loop
      operator := split_part(pair, E'\x1e', 2);
      if operator = any('{eq,neq,gt,gte,lt,lte}') then
        shape := concat(shape, E'\x1f', split_part(pair, E'\x1e', 1), E'\x1e', operator, E'\x1e\x01');
        literals := concat(literals, ',', quote_literal(split_part(pair, E'\x1e', 3)));
      elsif split_part(pair, E'\x1e', 1) = any('{select,order}') then
        shape := concat(shape, E'\x1f', pair);
      else
        piece := postern.shape_parameter(pair, request);
        shape := shape || piece[1];
        literals := literals || piece[2];
      end if;
    end loop;
    if request ?| '{unsafe,range}' then
      piece := postern.shape_rest(request, shape, payload);
      shape := shape || piece[1];
      literals := literals || piece[2];
    end if;
    digest := coalesce(request ->> 'statement', concat('postern_', left(encode(sha256(convert_to(concat(request ->> 'head', shape), 'UTF8')), 'hex'), 32)));
    execute concat('execute "', digest, '"', postern.arguments(literals)) into response, note;
    if note in ('stale', 'escapes') then
      raise sqlstate '26000';
    elsif note is not null or request ? 'tx' then
      select c.response, c.undo into response, undo from postern.conclude(request, response, note) as c;
      if undo then
        raise sqlstate 'PNRBK';
      end if;
    end if;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics pair = pg_exception_detail, operator = pg_exception_hint;
    if sqlstate = '26000' or postern.is_stale(digest) then
      return postern.answer_new(case note when 'escapes' then request || '{"escapes": true}' else request end, payload, settings, digest, shape, literals);
    elsif sqlstate <> 'PNRBK' or undo is not true then
      return postern.caught(request, sqlstate, sqlerrm, pair, operator);
    end if;
  end;
  return response;
end
$$;
comment on function postern.answer(jsonb, bytea, text) is
  'Answers one HTTP request (postern.completed; completed here where it is not): makes its shape, executes the statement of that shape or has it compiled. Out: the response (postern.response).';

create or replace function postern.handle(
  request jsonb, payload bytea default null, settings text default null,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  response bytea;
  start int;
  detail text;
  hint text;
begin
  begin
    if request ->> 'method' in ('GET', 'HEAD') then
      perform set_config('transaction_read_only', 'on', true);
    end if;
    perform set_config('request.method', request ->> 'method', true), set_config('request.path', request ->> 'path', true),
      set_config('request.headers', coalesce(request ->> 'headers', '{}'), true), set_config('request.cookies', coalesce(request ->> 'cookies', '{}'), true);
    perform set_config('response.status', '', true), set_config('response.headers', '', true);
    request := postern.completed(request);
    response := postern.answer(request || jsonb_build_object('head', concat(request ->> 'head', md5(settings))), payload, settings);
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
    response := postern.caught(request, sqlstate, sqlerrm, detail, hint);
  end;
  select h.status, h.headers, h.length into status, headers, start from postern.response_head(response) as h;
  body := nullif(substr(response, start + 1), '');
end
$$;
comment on function postern.handle(jsonb, bytea, text) is
  'Answers one HTTP request in SQL. request: {method, path, query, headers, cookies?, role?, anonymous?}, path and query raw, header names in lower case; payload: the body; settings: JSON (postern.settings). Sets request.method, path, headers and cookies; GET and HEAD make the transaction read-only. Out: status, headers as [name, value] pairs, body. Raises nothing that a client can cause; runs with the rights of the caller. Source: PostgREST docs, references/api.';

create or replace function postern.get(url text, out status int, out headers text[], out body text)
returns record
language plpgsql volatile strict
as $$
begin
  select a.status, a.headers, convert_from(a.body, 'UTF8') into status, headers, body
  from postern.handle(jsonb_build_object('method', 'GET', 'path', split_part(url, '?', 1),
    'query', replace(substr(url, length(split_part(url, '?', 1)) + 2), ' ', '%20'), 'headers', '{}'::jsonb)) as a;
end
$$;
comment on function postern.get(text) is
  'GET for people at a SQL prompt: select * from postern.get(''/films?select=title&limit=3''). The schema is the first of the setting pgrst.db_schemas, else public; blanks in the query need not be encoded.';
