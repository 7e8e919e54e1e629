-- The statement that yields a whole response: body, status, headers and note, in that order (the type
-- postern.compiled). The body comes first, as code of the user's that runs in it may set the status and the headers.
-- Where the rows are not what the request allows, what raises the error stands in place of the status. What is called
-- from statements is qualified: they run under the search path of the API.

create or replace function postern.render_guarded_status(status text, rows text, single boolean, most text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case when single or most is not null then format('case %s%selse (%s)::pg_catalog.text end',
      case when single then format('when %s operator(pg_catalog.<>) 1 then postern.not_single(%1$s) ', rows) end,
      case when most is not null
        then format('when %s operator(pg_catalog.>) %s then postern.too_many(%1$s) ', rows, most::bigint) end,
      status)
    else status end;
end
$$;
comment on function postern.render_guarded_status(text, text, boolean, text) is
  'Renders the status behind checks of the number of rows. In: SQL of both; single: one row is needed; most: of Prefer '
  'max-affected, or null. Out: SQL, which may raise PGRST116 or PGRST124. Raises nothing.';

create or replace function postern.render_guard(context jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('postern.fresh(%s operator(pg_catalog.=) %L)', postern.render_epoch(), context ->> 'epoch');
end
$$;
comment on function postern.render_guard(jsonb) is
  'Renders the condition on which writes stand: true, but raises PNSTL when planned after DDL. Raises nothing.';

create or replace function postern.render_response(
  context jsonb, body text, status text, headers text, source text, escapes text default null)
returns text
language plpgsql immutable parallel safe
as $$
declare
  note constant pg_catalog.text := case when context ? 'guarded' then 'null::pg_catalog.text'
    else format('case when %s operator(pg_catalog.<>) %L then ''stale''%s end',
      postern.render_epoch(), context ->> 'epoch', ' when ' || escapes || ' then ''escapes''') end;
begin
  body := coalesce(body, 'null::pg_catalog.text');
  source := coalesce(' from ' || source, '');
  status := case when status ~ '^[0-9]+$' then quote_literal(status) else format('(%s)::pg_catalog.text', status) end;
  if context ? 'explain' then
    return format('select %s as status, %s as headers, %s as body, %s as note%s', status, headers, body, note, source);
  elsif context ? 'code' then
    status := format('case when %s then %s else postern.own_status() end', postern.render_unset('response.status'),
      status);
    headers := format('case when %s then %s else postern.merged_headers(%2$s, %s) end',
      postern.render_unset('response.headers'), headers, 'pg_catalog.current_setting(''response.headers'')');
  end if;
  return format('select %s as body, %s as status, %s as headers, %s as note%s', body, status, headers, note, source);
end
$$;
comment on function postern.render_response(jsonb, text, text, text, text, text) is
  'Renders the statement of a response. In: {epoch, guarded?: it has postern.render_guard, code?: code of the user''s '
  'may set response.status and response.headers in it, explain?: only its plan is wanted: the body is its third '
  'output, as in PostgREST''s}; SQL of body (null: none), status (or a number), headers; source: FROM items, one group '
  '(having) where these aggregate; escapes: whether a text needs an escape, or null. Raises nothing.';

create or replace function postern.render_unset(name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('coalesce(pg_catalog.current_setting(%L, true), '''') operator(pg_catalog.=) ''''', name);
end
$$;
comment on function postern.render_unset(text) is 'Renders the test whether nobody has set a setting. Raises nothing.';

create or replace function postern.render_head(range text, location text, headers text[])
returns text
language plpgsql immutable parallel safe
as $$
declare
  fixed constant pg_catalog.text := postern.header_lines(headers);
begin
  return case when location is null and range ~ '^''[-0-9/*]+''$'
    then quote_literal(concat(E'\nContent-Range: ', btrim(range, ''''), fixed))
    else format('pg_catalog.concat(%s)', concat_ws(', ', quote_literal(E'\nContent-Range: '), range,
      case when location is not null then format('%L, $1::pg_catalog.text', E'\nContent-Location: ' || location) end,
      quote_literal(fixed))) end;
end
$$;
comment on function postern.render_head(text, text, text[]) is
  'Renders the headers of a response. In: the value of Content-Range, as arguments of concat; the path of '
  'Content-Location, whose query is $1, or null; the fixed headers. Out: SQL, a literal where nothing depends on the '
  'rows. Raises nothing.';

create or replace function postern.render_page_answer(
  context jsonb, rows text, first text, body text, row_count text, headers text[], location text, total text,
  media jsonb, most text, escapes text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  single constant boolean := media ->> 'handler' = 'object';
  counted constant pg_catalog.text := case total when 'page' then 'made.page' else 'counted.total' end;
  behind constant pg_catalog.text := format('%s operator(pg_catalog.>) %s', first, counted);
  refusal constant pg_catalog.text := format('postern.out_of_bounds(%s, %s, %L)', first, counted,
    context ->> 'verbosity');
begin
  if total is null then
    return postern.render_response(context, body, postern.render_guarded_status('200', row_count, single, most),
      postern.render_head(
        format('case when %s operator(pg_catalog.=) 0 then ''*/*'' else pg_catalog.concat(%s) end', row_count,
          case first
            when '0' then format('''0-'', %s operator(pg_catalog.-) 1, ''/*''', row_count)
            else format('%1$s, ''-'', %1$s operator(pg_catalog.+) %2$s operator(pg_catalog.-) 1, ''/*''',
              first, row_count) end),
        location, headers),
      format('(%s) as pgrst_answer%s', rows,
        case row_count when 'pg_catalog.count(*)' then '' else postern.render_having() end),
      escapes);
  end if;
  return postern.render_response(context,
    case when postern.is_binary(media)
      then format('case when %s then pg_catalog.convert_to(%s, ''UTF8'') else made.body end', behind, refusal)
      else format('case when %s then %s else made.body::pg_catalog.text end', behind, refusal) end,
    postern.render_guarded_status(
      format('case when %s then ''416'' when made.page operator(pg_catalog.<) %s then ''206'' else ''200'' end',
        behind, counted), 'made.page', single, most),
    postern.render_head(format('postern.content_range(%s, made.page, %s)', first, counted), location, headers),
    format('(select %s as page, %s as body%s from (%s) as pgrst_answer%s) as made', row_count,
      coalesce(body, 'null::pg_catalog.text'), coalesce(', ' || escapes || ' as escapes', ''), rows,
      postern.render_having())
      || case total when 'page' then '' else format(', (%s) as counted', total) end,
    case when escapes is not null then 'made.escapes' end);
end
$$;
comment on function postern.render_page_answer(jsonb, text, text, text, text, text[], text, text, jsonb, text, text) is
  'Renders the response of a read. In: rows: the page''s query; first, row_count: SQL of how many rows it skips and '
  'has; total: of postern.render_total; media: of postern.negotiate; most: of Prefer max-affected, or null; the others '
  'as of postern.render_response and render_head. Out: SQL. Raises nothing.';

create or replace function postern.render_having()
returns text
language plpgsql immutable parallel safe
as $$
begin
  return ' having pg_catalog.count(*) is not null';
end
$$;
comment on function postern.render_having() is
  'Renders a HAVING that makes all rows one group and reads them, even if nothing aggregates. Raises nothing.';

create or replace function postern.render_placeholders(statement text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := 90; -- a function takes 100 arguments, and an array would take values of one type
  found pg_catalog.text[];
  made pg_catalog.text := '';
  used pg_catalog.text[] := '{}'::text[];
  parts pg_catalog.text[] := '{}'::text[];
begin
  for found in
    select regexp_matches(statement,
      '((?:[a-z_][a-z0-9_$]*|[^''"$]|''(?:[^'']|'''')*''|"(?:[^"]|"")*")+)|\$([0-9]+)', 'g')
  loop
    if found[1] is not null then
      made := made || replace(found[1], '%', '%%');
      continue;
    elsif cardinality(used) = most then
      parts := array_append(parts, postern.render_format(made, used));
      made := '';
      used := '{}'::text[];
    end if;
    used := array_append(used, '$' || found[2]::int);
    made := made || '%' || cardinality(used) || '$L';
  end loop;
  return array_to_string(array_append(parts, postern.render_format(made, used)), ' operator(pg_catalog.||) ');
end
$$;
comment on function postern.render_placeholders(text) is
  'Renders the text of a statement. Out: SQL of that text with the parameters'' values as literals. Raises nothing.';

create or replace function postern.render_format(made text, used text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('pg_catalog.format(%s)', array_to_string(quote_literal(made) || used, ', '));
end
$$;
comment on function postern.render_format(text, text[]) is
  'Renders a call of format. In: its format; SQL of its arguments. Out: SQL. Raises nothing.';

create or replace function postern.render_epoch()
returns text
language sql immutable parallel safe
as $$ select $sql$postern.planned_epoch(''::postern.pulse)$sql$ $$;
comment on function postern.render_epoch() is
  'SQL of the epoch when a statement is planned: postern.epoch() unless DDL came in between. Raises nothing.';
