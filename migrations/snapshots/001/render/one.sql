-- Responses that one row makes by itself: an aggregate would cost more than reading the row.

create or replace function postern.render_element(media jsonb, row_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  made text := format(case when (media ->> 'strip')::boolean then 'json_strip_nulls(row_to_json(%s))' else 'row_to_json(%s)' end, row_text);
begin
  return case when media ->> 'handler' = 'object' then made else format('''['', %s, '']''', made) end;
end
$$;
comment on function postern.render_element(jsonb, text) is
  'Arguments of concat: a row (row_text: SQL of it) as the JSON body, an object or an array of it as the media type has it.';

create or replace function postern.render_row_answer(query text, status text, headers text[], location text, media jsonb, note text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  ending constant text := concat(postern.header_lines(headers), E'\n\n');
begin
  return format('select convert_to(coalesce((select concat(%L, $1::text, %L, %s) from (%s) as pgrst_answer), %s), ''UTF8''), %s',
    concat(status, E'\nContent-Range: 0-0/*', location), ending, postern.render_element(media, 'pgrst_answer'), query,
    case when media ->> 'handler' = 'object' then 'postern.not_single(0)'
      else format('concat(%L, $1::text, %L)', concat(status, E'\nContent-Range: */*', location), ending || '[]') end,
    note);
end
$$;
comment on function postern.render_row_answer(text, text, text[], text, jsonb, text) is
  'The response of a read that has one row at most. query: of the row; status, headers, note: as for postern.render_answer; location: the line of Content-Location without its query, which is $1; media: JSON.';

create or replace function postern.render_inserted(node jsonb, status text, range text, headers text[], media jsonb, note text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  head text := quote_literal(concat(status, E'\nContent-Range: ', range, postern.header_lines(headers), E'\n\n'));
begin
  return format('convert_to(%s, ''UTF8''), %s', case
      when media is null then head
      when node -> 'fields' = '[{"name": "*", "label": "*"}]' then format('concat(%s, %s)', head, postern.render_element(media, format('%I.*', node ->> 'relation')))
      else format('(select concat(%s, %s) from (select %s) as pgrst_answer)', head, postern.render_element(media, 'pgrst_answer'), postern.render_labels(node)) end, note);
end
$$;
comment on function postern.render_inserted(jsonb, text, text, text[], jsonb, text) is
  'The RETURNING list of an INSERT of one row that makes the response: range is the value of Content-Range; media: of the representation, null where there is none.';
