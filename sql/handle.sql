-- The entry. What stands in postern.handle runs on every request, so it has few function calls: PL/pgSQL initializes each expression
-- anew in every transaction, at about a microsecond a function or operator. A request's shape names a prepared statement of this
-- session; what this session has not prepared is postern.answer_new's.

create or replace function postern.handle(
  request jsonb, payload bytea default null, settings text default null,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  pairs text := request ->> 'pairs';
  literals text := quote_literal(request ->> 'location');
  special boolean := request ?| '{unsafe,range,prepare,tx}';
  shape text := '';
  pair text;
  operator text;
  key text;
  digest text;
  made_for text;
  piece text[];
  own_status text;
  own_headers text;
  undo boolean;
begin
  if pairs is null or literals is null then
    select a.status, a.headers, a.body into status, headers, body
    from postern.handle_plain(request, payload, settings) as a;
    return;
  end if;
  begin
    if special and request ? 'prepare' then
      perform postern.prepare_request(request, settings);
    end if;
    foreach pair in array string_to_array(pairs, E'\x1f') loop
      operator := split_part(pair, E'\x1e', 2);
      if operator = any('{eq,neq,gt,gte,lt,lte,like,ilike}') then
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
    if special then
      piece := postern.shape_rest(request, shape, payload);
      shape := shape || piece[1];
      literals := literals || piece[2];
    end if;
    select concat(request ->> 'head', sum(n), shape) into key from postern.epoch;
    digest := concat('postern_', hashtextextended(key, 0));
    execute concat('execute "', digest, '"(', literals, ')') into status, headers, body, own_status, own_headers, made_for;
    if special or own_status is not null or own_headers is not null or made_for is distinct from key then
      if made_for is distinct from key then
        raise sqlstate '26000';
      elsif request ? 'unsafe' then
        set constraints all immediate;
      end if;
      if own_status is not null or own_headers is not null or request ? 'tx' then
        select a.status, a.headers, a.undo into status, headers, undo
        from postern.conclude(request, status, headers, own_status, own_headers) as a;
        if undo then
          raise sqlstate 'PNRBK';
        end if;
      end if;
    end if;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics pair = pg_exception_detail, operator = pg_exception_hint;
    if sqlstate = '26000' then
      select a.status, a.headers, a.body into status, headers, body
      from postern.answer_new(request, payload, settings, key, shape, literals) as a;
    elsif sqlstate <> 'PNRBK' or undo is not true then
      select a.status, a.headers, a.body into status, headers, body
      from postern.caught(request, sqlstate, sqlerrm, pair, operator) as a;
    end if;
  end;
end
$$;
comment on function postern.handle(jsonb, bytea, text) is
  'Answers one HTTP request. request: {method, path, query, headers, cookies?, role?, anonymous?}, path and query raw, header names in lower case; payload: the body; settings: JSON (postern.settings). The shell sends in place of query and headers what postern.completed makes of them. Out: status (0: repeat with the settings in body), headers as [name, value] pairs, body. Raises nothing that a client can cause; runs with the rights of the caller''s role. Source: PostgREST docs, references/api.';

create or replace function postern.handle_plain(
  request jsonb, payload bytea, settings text,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  whole jsonb;
  detail text;
  hint text;
begin
  begin
    if request ->> 'method' in ('GET', 'HEAD') then
      perform set_config('transaction_read_only', 'on', true);
    end if;
    if request ? 'headers' then
      perform set_config('request.method', request ->> 'method', true), set_config('request.path', request ->> 'path', true),
        set_config('request.headers', request ->> 'headers', true), set_config('request.cookies', coalesce(request ->> 'cookies', '{}'), true);
    end if;
    perform set_config('response.status', '', true), set_config('response.headers', '', true);
    whole := postern.completed(request);
    whole := whole || jsonb_build_object('head', concat(whole ->> 'head', md5(settings)));
    select a.status, a.headers, a.body into status, headers, body from postern.handle(whole, payload, settings) as a;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
    select a.status, a.headers, a.body into status, headers, body
    from postern.caught(request, sqlstate, sqlerrm, detail, hint) as a;
  end;
end
$$;
comment on function postern.handle_plain(jsonb, bytea, text) is
  'postern.handle for a request that the shell has not split into parameters: one from SQL, or one with a query string that does not decode. Sets request.method, path, headers and cookies; GET and HEAD are read-only.';

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
