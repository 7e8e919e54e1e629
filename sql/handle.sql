-- The entry. What stands here runs on every request, so it has few expressions and few calls: PL/pgSQL initializes each expression
-- anew in every transaction. A request's shape names a prepared statement of this session; what this session has not prepared is
-- postern.answer_new's.

create or replace function postern.handle(
  request jsonb, payload bytea default null, settings text default null,
  out status int, out headers text[], out body bytea)
returns record
language plpgsql volatile
as $$
declare
  fields jsonb := request -> 'headers';
  method text := request ->> 'method';
  call boolean := request ->> 'path' like '/rpc/%';
  query text := '';
  literals text := quote_literal(coalesce(request ->> 'canonical', postern.canonical_query(request ->> 'query'), ''));
  pair text;
  value text;
  piece text[];
  digest text;
  own_status text;
  own_headers text;
  undo boolean;
begin
  value := set_config('request.method', method, true)
    || set_config('request.path', request ->> 'path', true)
    || set_config('request.headers', coalesce(fields::text, '{}'), true)
    || set_config('request.cookies', coalesce(request ->> 'cookies', '{}'), true);
  begin
    if method = 'GET' then
      value := set_config('transaction_read_only', 'on', true);
    end if;
    if request ? 'pre_request' or not request ? 'instance' or fields ?| '{accept-profile,content-profile}'
      or fields ->> 'prefer' like '%timezone=%'
    then
      perform postern.prepare_request(request, settings);
    end if;
    foreach pair in array string_to_array(request ->> 'query', '&') loop
      value := substr(pair, strpos(pair, '=') + 1);
      if call
        or strpos(value, '.') = 0
        or split_part(left(pair, greatest(strpos(pair, '=') - 1, 0)), '.', -1) = any('{select,order,limit,offset,and,or,columns,on_conflict,""}')
        or left(value, 3) = any('{in.,is.,not}')
        or strpos(pair, '%') + strpos(pair, '+') > 0
      then
        piece := postern.shape_parameter(pair, call);
        query := query || piece[1];
        literals := literals || piece[2];
      else
        query := query || '&' || left(pair, strpos(pair, '=') + strpos(value, '.')) || '%01';
        literals := literals || ',' || quote_literal(substr(value, strpos(value, '.') + 1));
      end if;
    end loop;
    if method <> 'GET' or fields ? 'range' then
      piece := postern.shape_body(method, request ->> 'path', fields, query, payload);
      query := query || piece[1];
      literals := literals || piece[2];
    end if;
    select 'postern_' || md5(concat(request ->> 'instance', E'\n', sum(n), E'\n', request ->> 'role', E'\n',
        method, E'\n', request ->> 'path', E'\n', fields ->> 'accept', E'\n', fields ->> 'prefer', E'\n',
        fields ->> 'accept-profile', E'\n', fields ->> 'content-profile', E'\n', request ->> 'hoisted', E'\n', query, settings))
      into digest
      from postern.epoch;
    execute 'execute ' || digest || '(' || literals || ')' into status, headers, body, own_status, own_headers;
    if method <> 'GET' then
      set constraints all immediate;
    end if;
    if coalesce(own_status, own_headers, request ->> 'tx') is not null then
      select a.status, a.headers, a.undo into status, headers, undo
      from postern.conclude(request, status, headers, own_status, own_headers) as a;
      if undo then
        raise sqlstate 'PNRBK';
      end if;
    end if;
  exception
    when invalid_sql_statement_name then
      select a.status, a.headers, a.body into status, headers, body
      from postern.answer_new(request, payload, settings, digest, query, literals) as a;
    when sqlstate 'PNRBK' then
      null;
    when others or query_canceled or assert_failure then
      get stacked diagnostics value = pg_exception_detail, pair = pg_exception_hint;
      select a.status, a.headers, a.body into status, headers, body
      from postern.caught(request, sqlstate, sqlerrm, value, pair) as a;
  end;
end
$$;
comment on function postern.handle(jsonb, bytea, text) is
  'Answers one HTTP request. request: {method, path, query, headers, cookies?, role?, anonymous?, canonical?, instance?, hoisted?, tx?, pre_request?, verbosity?}, path and query raw, header names in lower case; payload: the body; settings: JSON (postern.settings). Out: status (0: repeat with the settings in body), headers as [name, value] pairs, body. Raises nothing that a client can cause; runs with the rights of the caller''s role. Source: PostgREST docs, references/api.';
