-- What surrounds a statement: what is set before it, what becomes of its result, and the first times of a shape.

create or replace function postern.prepare_request(request jsonb, settings text)
returns void
language plpgsql volatile
as $$
declare
  config jsonb := postern.settings(settings);
  fields jsonb := postern.request_fields(request);
  preferences jsonb := postern.preferences(fields ->> 'prefer', false);
begin
  perform set_config('search_path', postern.search_path(postern.request_schema(request ->> 'method', fields, config), config), true);
  if preferences ? 'timezone' then
    perform set_config('timezone', preferences ->> 'timezone', true);
  end if;
  if request ? 'pre_request' then
    execute format('select %s()', (select string_agg(quote_ident(part), '.') from string_to_table(request ->> 'pre_request', '.') as part));
  end if;
end
$$;
comment on function postern.prepare_request(jsonb, text) is
  'Does what must precede the statement and is not the shell''s: the search path of another profile, Prefer: timezone, the pre-request function. Raises PGRST106 and what the function raises. Source: PostgREST docs, references/transactions.';

create or replace function postern.request_fields(request jsonb)
returns jsonb
language plpgsql stable strict
as $$
begin
  return coalesce(request -> 'headers', nullif(current_setting('request.headers', true), '')::jsonb, '{}');
end
$$;
comment on function postern.request_fields(jsonb) is
  'The header fields of a request, which the shell sends only as the setting request.headers.';

create or replace function postern.shape_rest(request jsonb, shape text, payload bytea)
returns text[]
language plpgsql volatile
as $$
begin
  if request ? 'range' then
    return postern.shape_range(request ->> 'range');
  elsif request ->> 'method' in ('POST', 'PATCH', 'PUT') then
    return postern.shape_payload(request ->> 'method', request ->> 'path', request ->> 'content_type', shape, payload);
  end if;
  return '{"",""}';
end
$$;
comment on function postern.shape_rest(jsonb, text, bytea) is
  'The part of a shape that is not in the URL, as [shape piece, literals]: Range of a GET, payload of a POST, PATCH, PUT.';

create or replace function postern.shape_of(pairs text, request jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  shape text := '';
  literals text := coalesce(',' || quote_literal(request ->> 'location'), '');
  pair text;
  piece text[];
begin
  foreach pair in array string_to_array(pairs, E'\x1f') loop
    piece := postern.shape_parameter(pair, request);
    shape := shape || piece[1];
    literals := literals || piece[2];
  end loop;
  return array[shape, literals];
end
$$;
comment on function postern.shape_of(text, jsonb) is
  'The parameters of a request as [shape, literals], each looked at with care: the loop in postern.handle takes the column like in order=like.desc for an operator.';

create or replace function postern.response(status int, headers text[], body bytea)
returns bytea
language plpgsql immutable parallel safe
as $$
begin
  if exists (
    select from generate_subscripts(headers, 1) as i
    where headers[i][1] !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+$' or headers[i][2] ~ '[\x01-\x08\x0a-\x1f\x7f]')
  then
    perform postern.fail('PGRST111', 'An error was raised with a header that has a name or a value that no header can have');
  end if;
  return convert_to(concat(status, (
      select string_agg(E'\n' || headers[i][1] || ': ' || headers[i][2], '' order by i) from generate_subscripts(headers, 1) as i), E'\n\n'), 'UTF8')
    || coalesce(body, '');
end
$$;
comment on function postern.response(int, text[], bytea) is
  'A response serialized: the status (behind it flags: a star, user code ran that may have left something in the session; a plus, the session has prepared the statement of this shape), a line for each header ([name, value] pairs; none where either is null), an empty line, the body. PGRST111 for what no header can be.';

create or replace function postern.with_flag(response bytea, flag text)
returns bytea
language sql immutable strict parallel safe
as $$
  select overlay(response placing convert_to(case when get_byte(response, 3) = 10 then ' ' || flag else flag end, 'UTF8') from case when get_byte(response, 3) = 10 then 4 else 6 end for 0)
$$;
comment on function postern.with_flag(bytea, text) is
  'A response with one more flag behind its status, which has three digits.';

create or replace function postern.response_head(response bytea, out status int, out headers text[], out length int)
returns record
language plpgsql immutable strict parallel safe
as $$
declare
  split int := position('\x0a0a'::bytea in response);
  lines text[] := string_to_array(convert_from(substr(response, 1, split - 1), 'UTF8'), E'\n');
begin
  status := split_part(lines[1], ' ', 1)::int;
  headers := (select array_agg(array[split_part(line, ': ', 1), substr(line, strpos(line, ': ') + 2)] order by place)
    from unnest(lines[2:]) with ordinality as listed(line, place));
  length := split + 1;
end
$$;
comment on function postern.response_head(bytea) is
  'The status and headers ([name, value] pairs, null for none) of what postern.response made, and in bytes what stands before the body.';

create or replace function postern.caught(request jsonb, state text, message text, detail text, hint text)
returns bytea
language plpgsql stable
as $$
begin
  begin
    return postern.response(a.status, a.headers, case when request ->> 'method' <> 'HEAD' then a.body end)
    from postern.error_response(state, message, detail, hint,
      coalesce((request ->> 'anonymous')::boolean, false), coalesce(request ->> 'verbosity', 'verbose')) as a;
  exception when sqlstate 'PNERR' then
    get stacked diagnostics detail = pg_exception_detail;
    return postern.caught(request, sqlstate, sqlerrm, detail, '');
  end;
end
$$;
comment on function postern.caught(jsonb, text, text, text, text) is
  'The response to an error of this request (postern.error_response).';

create or replace function postern.conclude(request jsonb, made bytea, note text, out response bytea, out undo boolean)
returns record
language plpgsql volatile
as $$
declare
  tx text := request ->> 'tx';
  wish text := postern.preferences(postern.request_fields(request) ->> 'prefer', coalesce(tx like '%-allow-override', false)) ->> 'tx';
begin
  if note is not null and request ? 'unsafe' then
    set constraints all immediate;
  end if;
  response := made;
  if note = 'own' then
    select postern.response(o.status, o.headers, substr(made, m.length + 1)) into response
    from postern.response_head(made) as m, postern.override(m.status, m.headers, nullif(current_setting('response.status', true), ''),
      nullif(current_setting('response.headers', true), '')) as o;
    response := substr(response, 1, 3) || substr(made, 4, position('\x0a'::bytea in made) - 4) || substr(response, 4); -- the star stays
  end if;
  undo := coalesce(wish = 'rollback' or tx like 'rollback%' and wish is distinct from 'commit', false);
end
$$;
comment on function postern.conclude(jsonb, bytea, text) is
  'A response that a statement has made, with what its note (postern.render_note) leaves to do: deferred constraints, response.status and response.headers. undo says whether what was done is to be rolled back (db-tx-end, Prefer: tx). Raises PGRST111, PGRST112 and what constraints raise.';

create or replace function postern.override(made_status int, made_headers text[], own_status text, own_headers text,
  out status int, out headers text[])
returns record
language plpgsql immutable parallel safe
as $$
declare
  own text[];
begin
  status := made_status;
  headers := made_headers;
  if own_status is not null then
    if own_status !~ '^\s*[1-5][0-9][0-9](?![0-9])' then
      perform postern.fail('PGRST112', 'The setting response.status is not an HTTP status');
    end if;
    status := substring(own_status from '[0-9]{3}')::int;
  end if;
  if own_headers is null then
    return;
  end if;
  begin
    own := (
      select array_agg(array[key, value #>> '{}'] order by place, key)
      from json_array_elements(own_headers::json) with ordinality as entries(entry, place) left join lateral json_each(entry) on true
      where postern.assert_header(entry, key, value));
  exception when data_exception then
    perform postern.fail('PGRST111', 'The setting response.headers is not a JSON array of objects with one key and a string value');
  end;
  headers := own || (
    select array_agg(array[headers[i][1], headers[i][2]] order by i)
    from generate_subscripts(headers, 1) as i
    where not exists (
      select from generate_subscripts(own, 1) as j where lower(own[j][1]) = lower(headers[i][1])));
end
$$;
comment on function postern.override(int, text[], text, text) is
  'Status and headers with those that user code set through response.status and response.headers: they replace headers of the same name. Source: PostgREST docs, references/transactions, "Response Headers".';

create or replace function postern.assert_header(entry json, name text, value json)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  if json_typeof(value) <> 'string' or name !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+$' or value #>> '{}' ~ '[\x01-\x08\x0a-\x1f\x7f]'
    or (select count(*) from json_object_keys(entry)) <> 1
  then
    raise data_exception;
  end if;
  return true;
end
$$;
comment on function postern.assert_header(json, text, json) is
  'True if this entry of response.headers is one header: one key that is a field name (RFC 9110, section 5.1), one string without control characters. Else raises data_exception.';

create or replace function postern.keeps(digest text)
returns boolean
language plpgsql volatile strict
as $$
declare
  seen text := coalesce(current_setting('postern.seen', true), '');
  kept text[] := string_to_array(nullif(current_setting('postern.kept', true), ''), ',');
  most constant int := 256;
begin
  if strpos(seen, digest || ',') = 0 then
    perform set_config('postern.seen', left(digest || ',' || seen, 64 * 29), false);
    return false;
  end if;
  if cardinality(kept) >= most and exists (select from pg_prepared_statements where name = kept[most]) then
    execute format('deallocate %I', kept[most]);
  end if;
  perform set_config('postern.kept', array_to_string(array_prepend(digest, array_remove(kept[:most - 1], digest)), ','), false);
  return true;
end
$$;
comment on function postern.keeps(text) is
  'Whether a shape''s statement is to stay prepared in this session: from the second of its sightings among the last 64 new shapes on. At most 256 stay; the oldest goes.';

create or replace function postern.arguments(literals text)
returns text
language sql immutable strict parallel safe
as $$ select coalesce('(' || nullif(substr(literals, 2), '') || ')', '') $$;
comment on function postern.arguments(text) is
  'Literals, each with a comma before it, as the argument list of EXECUTE, which has no parentheses where there are none.';

create or replace function postern.execute_compiled(
  digest text, literals text, compiled postern.compiled,
  out response bytea, out note text)
returns record
language plpgsql volatile
as $$
declare
  line text;
  plan text := '';
begin
  if exists (select from pg_prepared_statements where name = digest) then
    execute format('deallocate %I', digest);
  end if;
  if compiled.estimate is not null then
    execute format('prepare %I as %s', digest, compiled.estimate);
    execute format('explain (format json) execute %I%s', digest, postern.arguments(literals)) into plan;
    execute format('deallocate %I', digest);
    perform set_config('postern.planned', plan::json -> 0 -> 'Plan' ->> 'Plan Rows', true);
  end if;
  execute format('prepare %I as %s', digest, compiled.statement);
  if compiled.explain is null then
    execute format('execute %I%s', digest, postern.arguments(literals)) into response, note;
    return;
  end if;
  plan := '';
  for line in execute format('explain (%s) execute %I%s', compiled.explain, digest, postern.arguments(literals)) loop
    plan := plan || line || E'\n';
  end loop;
  response := postern.response(200, compiled.headers, convert_to(plan, 'UTF8'));
end
$$;
comment on function postern.execute_compiled(text, text, postern.compiled) is
  'Prepares a compiled statement under the name digest and executes it with the literals: the response and its note; for an execution plan the text of the plan as body.';

create or replace function postern.answer_new(request jsonb, payload bytea, settings text, digest text, shape text, literals text)
returns bytea
language plpgsql volatile
as $$
declare
  config jsonb := postern.settings(settings);
  compiled postern.compiled;
  keep boolean := (config ->> 'db_prepared_statements')::boolean and postern.keeps(digest);
  response bytea;
  note text;
  undo boolean;
  rest text[];
  detail text;
  hint text;
begin
  begin
    perform postern.prepare_request(request, settings);
    rest := postern.shape_rest(request, shape, payload);
    if shape ~ E'(?:^|[.\\x1f])(?:select|order)\\x1e[^\\x1f]*\\x01' then
      shape := (postern.shape_of(request ->> 'pairs', request))[1] || rest[1];
      literals := (postern.shape_of(request ->> 'pairs', request))[2] || rest[2];
      keep := false;
    end if;
    loop
      compiled := postern.compile(request, shape, config);
      exit when compiled.statement is null;
      select e.response, e.note into response, note from postern.execute_compiled(digest, literals, compiled) as e;
      exit when note is distinct from 'escapes';
      request := request || '{"escapes": true}';
    end loop;
    if compiled.statement is null then
      response := postern.response(compiled.status, compiled.headers, compiled.body);
      keep := true;
    else
      keep := keep and compiled.estimate is null and compiled.explain is null;
      select c.response, c.undo into response, undo from postern.conclude(request, response, note) as c;
      if undo then
        raise sqlstate 'PNRBK';
      elsif keep then
        response := postern.with_flag(response, '+');
      end if;
    end if;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
    if sqlstate <> 'PNRBK' or undo is not true then
      response := postern.caught(request, sqlstate, sqlerrm, detail, hint);
    end if;
  end;
  if not keep and exists (select from pg_prepared_statements where name = digest) then
    execute format('deallocate %I', digest);
  end if;
  return response;
end
$$;
comment on function postern.answer_new(jsonb, bytea, text, text, text, text) is
  'postern.answer for a shape that this session has not prepared: compiles, executes, and keeps the statement from the second time on. A statement that is kept takes texts to need no escape until one does (escapes in the request, note of postern.render_note).';
