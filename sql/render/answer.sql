-- The statement that yields a whole response, serialized: the status, a line for each header, an empty line, the body. Where the
-- rows are not what the request allows, what raises the error stands in place of the status.

create or replace function postern.not_single(rows bigint)
returns text
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST116', 'The result is not a single JSON object', format('The result contains %s rows', rows));
end
$$;
comment on function postern.not_single(bigint) is 'Raises PGRST116: a single object was asked for and there are more or fewer rows.';

create or replace function postern.too_many(rows bigint)
returns text
language plpgsql volatile strict
as $$
begin
  perform postern.fail('PGRST124', 'More rows are affected than the preference max-affected allows', format('The query affects %s rows', rows));
end
$$;
comment on function postern.too_many(bigint) is 'Raises PGRST124: Prefer max-affected with handling=strict.';

create or replace function postern.key_mismatch()
returns text
language plpgsql volatile
as $$
begin
  perform postern.fail('PGRST115', 'The primary key in the URL is not that of the payload');
end
$$;
comment on function postern.key_mismatch() is 'Raises PGRST115: the row of a PUT has another key than its URL.';

create or replace function postern.out_of_bounds(first bigint, total bigint, verbosity text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select postern.error_body('PGRST103', 'The requested range is not satisfiable',
      to_json(format('An offset of %s was requested, but there are only %s rows.', first, total)), null, verbosity));
end
$$;
comment on function postern.out_of_bounds(bigint, bigint, text) is 'Body of a 416 for a page behind the last row.';

create or replace function postern.content_range(first bigint, rows bigint, total bigint)
returns text
language sql immutable parallel safe
as $$
  select case when rows > 0 and total is distinct from 0 then first || '-' || first + rows - 1 else '*' end || '/' || coalesce(total::text, '*')
$$;
comment on function postern.content_range(bigint, bigint, bigint) is
  'Value of Content-Range: rows from first on, of a total or * when it is not known. Source: RFC 9110, section 14.4; PostgREST docs, references/api/pagination_count.';

create or replace function postern.render_guarded_status(status text, rows text, single boolean, most text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case when single or most is not null then format('case %s%selse (%s)::text end',
        case when single then format('when %s <> 1 then postern.not_single(%1$s) ', rows) else '' end,
        case when most is not null then format('when %s > %s then postern.too_many(%1$s) ', rows, most::bigint) else '' end, status)
      else status end);
end
$$;
comment on function postern.render_guarded_status(text, text, boolean, text) is
  'The status, unless there is not exactly one row where one was asked for, or more rows than Prefer max-affected allows.';

create or replace function postern.header_lines(headers text[])
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(format(E'\n%s: %s', headers[i][1], postern.header_value(headers[i][2])), '' order by i) from generate_subscripts(headers, 1) as i);
end
$$;
comment on function postern.header_lines(text[]) is 'Headers ([name, value] pairs) as lines, each with the line break before it; null when there are none.';

create or replace function postern.render_headers(fixed text[])
returns text
language sql immutable strict parallel safe
as $$ select quote_literal(postern.header_lines(fixed)) $$;
comment on function postern.render_headers(text[]) is 'Fixed headers as a string constant; null when there are none.';

create or replace function postern.header_value(value text)
returns text
language sql immutable strict parallel safe
as $$ select regexp_replace(value, '[\x01-\x08\x0a-\x1f\x7f]', ' ', 'g') $$;
comment on function postern.header_value(text) is
  'A text as the value of a header: a blank for each control character (RFC 9110, section 5.5).';

create or replace function postern.render_note(context jsonb, code boolean, escapes text default null)
returns text
language plpgsql stable parallel safe
as $$
begin
  return format('case when %s <> %L then ''stale''%s%s%s end', postern.render_epoch(), context ->> 'epoch',
    coalesce(' when ' || escapes || ' then ''escapes''', ''),
    case when code then $sql$ when concat(current_setting('response.status', true), current_setting('response.headers', true)) <> '' then 'own'$sql$ else '' end,
    case when context ->> 'method' not in ('GET', 'HEAD') and postern.may_defer() then $sql$ else 'deferred'$sql$ else '' end);
end
$$;
comment on function postern.render_note(jsonb, boolean, text) is
  'SQL of what is left to do with a response: stale, it was compiled at another epoch; escapes, it is wrong, as some text must be escaped (SQL of whether: postern.render_escapes); own, user code has set response.status or response.headers; deferred, there are constraints that may wait for the end of the transaction; null, nothing. code: user code may run.';

create or replace function postern.may_defer()
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return exists (select from pg_trigger where tgdeferrable) or exists (select from pg_constraint where condeferrable);
end
$$;
comment on function postern.may_defer() is 'Whether any table has a constraint or trigger that can be deferred.';

create or replace function postern.has_triggers()
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return exists (select from pg_trigger where not tgisinternal);
end
$$;
comment on function postern.has_triggers() is 'Whether any table has a trigger: then a write may run it, at the table itself or by a cascade.';

create or replace function postern.render_answer(status text, headers text, body text, source text, media jsonb, note text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  head text := concat_ws(', ', case when status ~ '^[0-9]+$' then quote_literal(status) else status end,
    case when (media ->> 'leaves')::boolean then quote_literal(' *') end, headers, quote_literal(E'\n\n'));
begin
  if media ? 'explain' then
    return format('select %s, %s, %s, %s from %s', status, coalesce('concat(' || headers || ')', 'null'), coalesce(body, 'null'), note, source);
  elsif body is not null and postern.is_binary(media) then
    return format('select convert_to(concat(%s), ''UTF8'') || coalesce(%s, ''''), %s from %s', head, body, note, source);
  end if;
  return format('select convert_to(concat(%s), ''UTF8''), %s from %s', concat_ws(', ', head, body), note, source);
end
$$;
comment on function postern.render_answer(text, text, text, text, jsonb, text) is
  'The statement of a response from the SQL of its parts. headers: arguments of concat, each with the line break before it; null for none; body: null for none; source: the FROM items, which are one group (having) where the parts aggregate; note: postern.render_note. media may have leaves: code of the user''s that may leave something in the session runs, which a star behind the status tells. It yields the response (bytea) and the note; where its plan is wanted, the parts.';

create or replace function postern.render_page_answer(
  rows text, first text, body text, row_count text, headers text[], location text, counted text, verbosity text, single boolean, most text, media jsonb, note text, escapes text default null)
returns text
language plpgsql immutable parallel safe
as $$
declare
  made text := concat_ws(', ', location, postern.render_headers(headers));
begin
  if counted is null then
    return postern.render_answer(postern.render_guarded_status('200', row_count, single, most),
      concat_ws(', ', quote_literal(E'\nContent-Range: '), format('case %s when 0 then ''*/*'' else concat(%s) end', row_count,
        case when first = '0' then format('''0-'', %s - 1, ''/*''', row_count) else format('%1$s, ''-'', %1$s + %2$s - 1, ''/*''', first, row_count) end), made),
      body, format('(%s) as pgrst_answer%s', rows, case when row_count = 'count(*)' then '' else ' having count(*) >= 0' end), media, note);
  end if;
  return postern.render_answer(
    postern.render_guarded_status(format('case when %s > total then ''416'' when page < total then ''206'' else ''200'' end', first), 'page', single, most),
    concat_ws(', ', quote_literal(E'\nContent-Range: '), format('postern.content_range(%s, page, total)', first), made),
    format(case when body is not null and postern.is_binary(media) then 'case when %s > total then convert_to(postern.out_of_bounds(%1$s, total, %L), ''UTF8'') else body end'
      else 'case when %s > total then postern.out_of_bounds(%1$s, total, %L) else body::text end' end, first, verbosity),
    format('(select %s as page, %s as body%s from (%s) as pgrst_answer having count(*) >= 0) as made, lateral (select %s as total) as counted', row_count,
      coalesce(body, 'null::text'), coalesce(', ' || escapes || ' as escapes', ''), rows, counted), case when body is not null then media else media - 'handler' end, note);
end
$$;
comment on function postern.render_page_answer(text, text, text, text, text[], text, text, text, boolean, text, jsonb, text, text) is
  'The response of a read. rows: the query of the page; first: SQL of the number of rows skipped; row_count: SQL of how many the page has; location: arguments of concat for the header Content-Location, or null; counted: SQL of the total, page when that is all, null when it is not asked for; single, most: as for postern.render_guarded_status; escapes: SQL of made.escapes, which the note asks for where there is a total.';
