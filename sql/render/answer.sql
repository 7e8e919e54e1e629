-- The statement that yields a whole answer: status, headers, body, and what user code set in response.status and response.headers.

create or replace function postern.not_single(rows bigint)
returns bytea
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST116', 'The result is not a single JSON object', format('The result contains %s rows', rows));
end
$$;
comment on function postern.not_single(bigint) is 'Raises PGRST116: a single object was asked for and there are more or fewer rows.';

create or replace function postern.too_many(rows bigint)
returns bytea
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST124', 'More rows are affected than the preference max-affected allows', format('The query affects %s rows', rows));
end
$$;
comment on function postern.too_many(bigint) is 'Raises PGRST124: Prefer max-affected with handling=strict.';

create or replace function postern.key_mismatch()
returns bytea
language plpgsql volatile
as $$
begin
  perform postern.fail('PGRST115', 'The primary key in the URL is not that of the payload');
end
$$;
comment on function postern.key_mismatch() is 'Raises PGRST115: the row of a PUT has another key than its URL.';

create or replace function postern.out_of_bounds(first bigint, total bigint, verbosity text)
returns bytea
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select convert_to(postern.error_body('PGRST103', 'The requested range is not satisfiable',
      to_json(format('An offset of %s was requested, but there are only %s rows.', first, total)), null, verbosity), 'UTF8'));
end
$$;
comment on function postern.out_of_bounds(bigint, bigint, text) is 'Body of a 416 for a page behind the last row.';

create or replace function postern.content_range(first bigint, rows bigint, total bigint)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when rows > 0 and total is distinct from 0 then first || '-' || first + rows - 1 else '*' end || '/' || coalesce(total::text, '*'));
end
$$;
comment on function postern.content_range(bigint, bigint, bigint) is
  'Value of Content-Range: rows from first on, of a total or * when it is not known. Source: RFC 9110, section 14.4; PostgREST docs, references/api/pagination_count.';

create or replace function postern.render_guarded_body(body text, rows text, single boolean, most text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when single or most is not null then format('case %s%selse %s end',
        case when single then format('when %s <> 1 then postern.not_single(%1$s) ', rows) else '' end,
        case when most is not null then format('when %s > %s then postern.too_many(%1$s) ', rows, most::bigint) else '' end, body)
      else body end);
end
$$;
comment on function postern.render_guarded_body(text, text, boolean, text) is
  'The body, unless there is not exactly one row where one was asked for, or more rows than Prefer max-affected allows.';

create or replace function postern.render_headers(fixed text[])
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select string_agg(format('array[%L, %L]', fixed[i][1], fixed[i][2]), ', ' order by i) from generate_subscripts(fixed, 1) as i);
end
$$;
comment on function postern.render_headers(text[]) is 'Fixed headers as elements of an array constructor; null when there are none.';

create or replace function postern.render_answer(status text, headers text, body text, source text, code boolean, key text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return format('select %s, %s, %s, %s, %L from %s', status, headers, body, case when code
    then $sql$nullif(current_setting('response.status', true), ''), nullif(current_setting('response.headers', true), '')$sql$
    else 'null::text, null::text' end, key, source);
end
$$;
comment on function postern.render_answer(text, text, text, text, boolean, text) is
  'The statement of an answer from the SQL of its parts; source: its FROM items, which are one group (having) where the parts aggregate; code: user code may run, so ask for response.status and response.headers; key: what the shape was known by, which the statement yields, so that postern.handle can tell that it found the right statement by its hash.';

create or replace function postern.render_page_answer(
  rows text, first text, body text, row_count text, headers text[], location text, counted text, verbosity text, code boolean, key text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  fixed text := coalesce(', ' || postern.render_headers(headers), '');
  path text := case when location is null then '' else format(', array[''Content-Location'', %s]', location) end;
begin
  if counted is null then
    return postern.render_answer('200',
      format('array[array[''Content-Range'', case %1$s when 0 then ''*/*'' else concat(%2$s) end]%3$s%4$s]', row_count,
        case when first = '0' then format('''0-'', %s - 1, ''/*''', row_count) else format('%1$s, ''-'', %1$s + %2$s - 1, ''/*''', first, row_count) end, path, fixed),
      body, format('(%s) as pgrst_answer%s', rows, case when row_count = 'count(*)' then '' else ' having count(*) >= 0' end), code, key);
  end if;
  return postern.render_answer(
    format('case when %s > total then 416 when page < total then 206 else 200 end', first),
    format('array[array[''Content-Range'', postern.content_range(%s, page, total)]%s%s]', first, path, fixed),
    format('case when %s > total then postern.out_of_bounds(%1$s, total, %L) else body end', first, verbosity),
    format('(select %s as page, %s as body from (%s) as pgrst_answer having count(*) >= 0) as made, lateral (select %s as total) as counted', row_count, body, rows,
      counted), code, key);
end
$$;
comment on function postern.render_page_answer(text, text, text, text, text[], text, text, text, boolean, text) is
  'The answer of a read. rows: the query of the page; first: SQL of the number of rows skipped; row_count: SQL of how many the page has; location: SQL of Content-Location or null; counted: SQL of the total, page when that is all, null when it is not asked for.';
