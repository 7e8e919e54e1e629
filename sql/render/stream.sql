-- Answers that stream: the statement yields the head of the response, then its lines one by one as the rows come. No
-- aggregate holds them, and no CTE: what is read is what the client is sent.

create or replace function postern.with_streams(node jsonb, context jsonb, media jsonb)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return case when context ->> 'method' <> 'HEAD' and not context ? 'tags' and (media ->> 'handler' = 'ndjson'
      or media ->> 'handler' = 'csv' and (context ->> 'stream_csv')::boolean)
    then node || '{"streams": true}' else node end;
end
$$;
comment on function postern.with_streams(jsonb, jsonb, jsonb) is
  'Marks a node whose rows are answered as they come (streams): ndjson, and CSV with db-stream-csv; not with an ETag, '
  'nor for HEAD, whose answer is that of the page, counted. In: media: postern.negotiate. Raises nothing.';

create or replace function postern.stream_flags(flags jsonb, context jsonb, media jsonb)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  undone constant boolean := context -> 'preferences' ->> 'tx' = 'rollback' or context ->> 'tx_end' like 'rollback%'
    and context -> 'preferences' ->> 'tx' is distinct from 'commit';
begin
  return flags || jsonb_strip_nulls(jsonb_build_object('stream', case when not media ? 'explain' then true end,
    'before', case when not media ? 'explain' and (context ->> 'method' = 'GET' or undone is not true) then true end));
end
$$;
comment on function postern.stream_flags(jsonb, jsonb, jsonb) is
  'Sets the flags (the type postern.compiled) of a statement that streams: stream, and before, so that postern.handle '
  'only compiles it for the shell, which reads its rows one by one. A POST that is rolled back afterwards has no '
  'before: handle answers it. An execution plan has neither. Raises nothing.';

create or replace function postern.is_one_line(node jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return node -> 'children' = '[]' and not exists (
    select from jsonb_array_elements(node -> 'fields') as field
    where field ?| '{cast,transform,aggregate,path,set}' or not exists (
      select from pg_attribute as a
      where a.attrelid = (node ->> 'oid')::oid and a.attname = field ->> 'name')
      and field ->> 'name' <> '*')
  and (node ->> 'oid')::oid is not null and not exists (
    select from pg_attribute as a
    join pg_type as t on t.oid = a.atttypid
    where a.attrelid = (node ->> 'oid')::oid and a.attnum > 0 and not a.attisdropped
      and (t.typtype <> 'b' or t.typnamespace <> 'pg_catalog'::regnamespace
        or t.oid in ('json'::regtype, 'json[]'::regtype)));
end
$$;
comment on function postern.is_one_line(jsonb) is
  'Whether the rows of a node are certain to be JSON without line breaks: it has plain columns only, its relation only '
  'types that come with PostgreSQL, but for json, which keeps those between its tokens. Raises nothing.';

create or replace function postern.render_line(media jsonb, shape text, node jsonb)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  made pg_catalog.text := case when shape in ('scalar', 'scalars')
    then 'coalesce(pg_catalog.to_json(pgrst_answer.pgrst_scalar), ''null'')'
    else 'pg_catalog.row_to_json(pgrst_answer.*)' end;
begin
  if media ->> 'handler' = 'csv' then
    return 'pg_catalog.substr((pgrst_answer.*)::pg_catalog.text, 2, '
      'pg_catalog.length((pgrst_answer.*)::pg_catalog.text) operator(pg_catalog.-) 2)';
  end if;
  return case when postern.is_one_line(node) then made
    else format('pg_catalog.replace(pg_catalog.replace(%s::pg_catalog.text, E''\n'', '' ''), E''\r'', '' '')'
      '::pg_catalog.json', made) end;
end
$$;
comment on function postern.render_line(jsonb, text, jsonb) is
  'Renders a row of pgrst_answer as a line, without its end: CSV, or JSON in which line breaks, which are between its '
  'tokens only, are blanks. In: media: of postern.negotiate; shape: of postern.render_body; the node. Raises nothing.';

create or replace function postern.render_names(rows text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('(select pg_catalog.string_agg(pgrst_names.name, '','') from pg_catalog.json_object_keys(('
    'select pg_catalog.row_to_json(pgrst_nulls.*) from (select pgrst_answer.* from (values (1)) as pgrst_one'
    ' left join (select * from (%s) as pgrst_none limit 0) as pgrst_answer on true) as pgrst_nulls'
    ')) as pgrst_names(name))', rows);
end
$$;
comment on function postern.render_names(text) is
  'Renders the header line of CSV. In: a query. Out: SQL of its columns'' names, which reads no row. Raises nothing.';

create or replace function postern.render_stream_head(
  context jsonb, node jsonb, media jsonb, headers text[], location text, counted text, total text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  type constant pg_catalog.text := case media ->> 'handler' when 'csv' then 'text' else 'json' end;
  first constant pg_catalog.text := postern.render_offset(node);
  behind constant pg_catalog.text := format('%s operator(pg_catalog.>) counted.total', first);
  place constant pg_catalog.text := case when location is not null
    then format('%L, $1::pg_catalog.text, ', E'\nContent-Location: ' || location) end;
begin
  if total is null then
    return postern.render_response(context, format('null::pg_catalog.%s', type), '200',
      format('pg_catalog.concat(%s%L)', place, postern.header_lines(headers)), null);
  end if;
  return postern.render_response(context,
    format('case when %s then postern.out_of_bounds(%s, counted.total, %L)::pg_catalog.%s end', behind, first,
      context ->> 'verbosity', type),
    format('case when %s then ''416'' when counted.page operator(pg_catalog.<) counted.total then ''206'' '
      'else ''200'' end', behind),
    format('pg_catalog.concat(%L, postern.content_range(%s, %s, counted.total), %scase when %s then %L else %L end)',
      E'\nContent-Range: ', first, case when counted = 'exact' then 'counted.page' else '0' end, place, behind,
      postern.header_lines(array[['Content-Type', 'application/json; charset=utf-8']] || headers[2:]),
      postern.header_lines(headers)),
    format('(select counts.total, greatest(0, least(counts.total operator(pg_catalog.-) %s%s)) as page'
      ' from (%s) as counts) as counted', first, ', ' || postern.render_most(node), total));
end
$$;
comment on function postern.render_stream_head(jsonb, jsonb, jsonb, text[], text, text, text) is
  'Renders the head of an answer that streams. In: media: of postern.negotiate; headers, location: as of '
  'postern.render_head; counted: of Prefer count; total: of postern.render_whole_total. Out: SQL of a response '
  '(postern.render_response) whose body is null, or says that the page is behind the last row. Only an exact count '
  'tells how many lines follow, so only then Content-Range has a range; without a count there is none. Raises nothing.';

create or replace function postern.render_stream(
  context jsonb, node jsonb, media jsonb, shape text, rows text, headers text[], location text, counted text,
  total text, everything text)
returns text
language plpgsql stable parallel safe
as $$
declare
  type constant pg_catalog.text := case media ->> 'handler' when 'csv' then 'text' else 'json' end;
  go constant pg_catalog.text := nullif(concat_ws(' and ',
    case when not context ? 'guarded' then 'pgrst_head.note is null' end,
    case when total is not null then 'pgrst_head.body is null' end), '');
begin
  return concat('with ',
    case when total is not null and counted <> 'exact' then format('pgrst_typed as (%s), ', everything) end,
    format('pgrst_head as materialized (%s) ',
      postern.render_stream_head(context, node, media, headers, location, counted, total)),
    'select pgrst_head.body, pgrst_head.status, pgrst_head.headers, pgrst_head.note from pgrst_head',
    case when type = 'text' then format(' union all select %s, null, null, null from pgrst_head%s',
      postern.render_names(rows), ' where ' || go) end,
    format(' union all select %s, null, null, null from (%s) as pgrst_answer%s',
      postern.render_line(media, shape, node), rows, ' where (select ' || go || ' from pgrst_head)'));
end
$$;
comment on function postern.render_stream(jsonb, jsonb, jsonb, text, text, text[], text, text, text, text) is
  'Renders the statement of an answer that streams. In: shape: of postern.render_body; rows: the query of the page; '
  'everything: that without the page, which gives an estimated total''s parameters their types; the others as of '
  'render_stream_head. Out: SQL of a row with status, headers and note, then one for each line, with only a body; CSV '
  'begins with its names. The head is a CTE, read first, which keeps the rest from parallel reading. Raises nothing.';

create or replace function postern.render_call_stream(
  context jsonb, node jsonb, media jsonb, shape text, call text, counted boolean, headers text[])
returns text
language plpgsql stable parallel safe
as $$
declare
  source constant pg_catalog.text := format(case when counted then 'pgrst_source as %2$I' else '(%1$s) as %2$I' end,
    call, node ->> 'alias');
  statement constant pg_catalog.text := postern.render_stream(context, node, media, shape,
    postern.render_rows(node, source, null, 'labels'), headers, null, 'exact',
    case when counted then postern.render_whole_total(node, source, 'exact') end, null);
begin
  return case when counted then format('with pgrst_source as materialized (%s), %s', call,
    substr(statement, length('with ') + 1)) else statement end;
end
$$;
comment on function postern.render_call_stream(jsonb, jsonb, jsonb, text, text, boolean, text[]) is
  'Renders the statement of a call whose rows stream. In: counted: they are counted first, and so in a CTE, as the '
  'function is called once; others as of postern.render_call_answer and render_stream. Raises nothing.';
