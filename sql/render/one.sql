-- Responses that one row makes by itself: an aggregate would cost more than reading the row.

create or replace function postern.render_element(media jsonb, made text)
returns text
language sql immutable strict parallel safe
as $$ select case when media ->> 'handler' = 'object' then made else format('''['', %s, '']''', made) end $$;
comment on function postern.render_element(jsonb, text) is
  'Arguments of concat: a row (made: arguments of concat that make an object of it) as the JSON body, an object or an array of it as the media type has it.';

create or replace function postern.render_row_object(media jsonb, row_text text)
returns text
language sql immutable strict parallel safe
as $$ select format(case when (media ->> 'strip')::boolean then 'json_strip_nulls(row_to_json(%s))' else 'row_to_json(%s)' end, row_text) $$;
comment on function postern.render_row_object(jsonb, text) is
  'SQL of a row (row_text) as a JSON object, without its nulls where the media type has it so.';

create or replace function postern.render_object(node jsonb)
returns text
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select string_agg(concat_ws(', ', quote_literal(concat(case place when 1 then '{' else ',' end, to_json((field ->> 'label')::name::text), ':')),
        case when field ->> 'form' = 'bare' then format('coalesce(%s, ''null'')', postern.render_bare(field, postern.render_field(node ->> 'alias', field)))
          else format('coalesce(to_json(%s), ''null'')', postern.render_field(node ->> 'alias', field)) end), ', ' order by place) || ', ''}'''
    from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place));
end
$$;
comment on function postern.render_object(jsonb) is
  'Arguments of concat: the fields of a node, which has no embeds, as a JSON object. They are twice as many as the fields, and one.';

create or replace function postern.with_star(status text, leaves boolean)
returns text
language sql immutable strict parallel safe
as $$ select case when leaves then status || ' *' else status end $$;
comment on function postern.with_star(text, boolean) is
  'A status, with the star of postern.response where user code runs that may have left something in the session.';

create or replace function postern.row_ranges(method text, counted boolean)
returns text[]
language sql immutable strict parallel safe
as $$
  select array[
    postern.content_range(0, (method in ('GET', 'PATCH'))::int, case when counted then 1 end),
    postern.content_range(0, 0, case when counted then 0 end)]
$$;
comment on function postern.row_ranges(text, boolean) is
  'Content-Range (postern.content_range) of one row, and of none; a POST or DELETE tells no range. counted: whether the total is told.';

create or replace function postern.render_head(status text, range text, location text, rest text)
returns text
language sql immutable parallel safe
as $$
  select case when location is null then quote_literal(concat(status, E'\nContent-Range: ', range, rest))
    else format('%L, $1::text, %L', concat(status, E'\nContent-Range: ', range, E'\nContent-Location: ', location), rest) end
$$;
comment on function postern.render_head(text, text, text, text) is
  'Arguments of concat: the status, Content-Range, Content-Location where there is a location (its query is $1), and the rest of the head.';

create or replace function postern.render_row_answer(query text, status text, ranges text[], location text, headers text[], media jsonb, note text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  ending constant text := concat(postern.header_lines(headers), E'\n\n');
begin
  return format('select convert_to(coalesce((select concat(%s) from (%s) as pgrst_answer), %s), ''UTF8''), %s',
    concat_ws(', ', postern.render_head(status, ranges[1], location, ending), postern.render_element(media, postern.render_row_object(media, 'pgrst_answer'))), query,
    case when media ->> 'handler' = 'object' then 'postern.not_single(0)'
      else format('concat(%s)', postern.render_head(status, ranges[2], location, ending || case when media is null then '' else '[]' end)) end,
    note);
end
$$;
comment on function postern.render_row_answer(text, text, text[], text, text[], jsonb, text) is
  'The response to what has one row at most. query: of the row; ranges: Content-Range with the row and without; location: for postern.render_head; media: JSON, null where no body is wanted; status, headers, note: as for postern.render_answer.';

create or replace function postern.render_inserted(node jsonb, status text, range text, headers text[], media jsonb, note text)
returns text
language plpgsql stable parallel safe
as $$
declare
  most constant int := 45; -- fields: a function has 100 arguments at most
  head text := postern.render_head(status, range, null, concat(postern.header_lines(headers), E'\n\n'));
  listed boolean := not (media ->> 'strip')::boolean and not node -> 'fields' @> '[{"name": "*"}]' and jsonb_array_length(node -> 'fields') <= most;
begin
  return format('convert_to(%s, ''UTF8''), %s', case
      when media is null then head
      when node -> 'fields' = '[{"name": "*", "label": "*"}]' then
        format('concat(%s, %s)', head, postern.render_element(media, postern.render_row_object(media, format('%I.*', node ->> 'relation'))))
      when listed then format('concat(%s, %s)', head, postern.render_element(media, postern.render_object(node)))
      else format('(select concat(%s, %s) from (select %s) as pgrst_answer)', head, postern.render_element(media, postern.render_row_object(media, 'pgrst_answer')), postern.render_labels(node)) end, note);
end
$$;
comment on function postern.render_inserted(jsonb, text, text, text[], jsonb, text) is
  'The RETURNING list of an INSERT of one row that makes the response: range is the value of Content-Range; media: of the representation, null where there is none.';
