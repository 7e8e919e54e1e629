-- Responses of one row at most: an aggregate would cost more than reading the row.

create or replace function postern.render_row_object(media jsonb, row_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format(case when (media ->> 'strip')::boolean then 'pg_catalog.json_strip_nulls(pg_catalog.row_to_json(%s))'
    else 'pg_catalog.row_to_json(%s)' end, row_text);
end
$$;
comment on function postern.render_row_object(jsonb, text) is
  'SQL of a row (row_text) as a JSON object, without its nulls where the media type has it so.';

create or replace function postern.row_range(method text, present boolean, counted boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when present and method in ('GET', 'PATCH') then '0-0/' else '*/' end
    || case when counted then present::int::text else '*' end;
end
$$;
comment on function postern.row_range(text, boolean, boolean) is
  'The value of Content-Range for one row, or for none; a POST or DELETE tells no range. counted: whether the total '
  'is told.';

create or replace function postern.render_row_answer(
  context jsonb, query text, status text, counted boolean, location text, headers text[], media jsonb)
returns text
language plpgsql immutable parallel safe
as $$
declare
  object constant boolean := media ->> 'handler' = 'object';
begin
  return postern.render_response(context,
    case when object then 'made.body' when media is not null then 'pg_catalog.concat(''['', made.body, '']'')' end,
    case when object then format('case when made.body is null then postern.not_single(0) else %L end', status)
      else status end,
    postern.render_head(format('case when made.body is null then %L else %L end',
      postern.row_range(context ->> 'method', false, counted), postern.row_range(context ->> 'method', true, counted)),
      location, headers),
    format('(select (select %s from (%s) as pgrst_answer) as body offset 0) as made',
      case when media is null then 'true' else postern.render_row_object(media, 'pgrst_answer.*') end, query));
end
$$;
comment on function postern.render_row_answer(jsonb, text, text, boolean, text, text[], jsonb) is
  'The response to what has one row at most. query: of the row; counted: whether the total is told; media: JSON, null '
  'where no body is wanted; context, location, headers: as of postern.render_response and postern.render_head.';

create or replace function postern.render_inserted(
  context jsonb, node jsonb, counted boolean, headers text[], media jsonb)
returns text
language plpgsql stable parallel safe
as $$
declare
  made constant pg_catalog.text := case when node -> 'fields' = '[{"name": "*", "label": "*"}]'
    then postern.render_row_object(media, format('%I.*', node ->> 'alias'))
    else format('(select %s from (select %s) as pgrst_answer)', postern.render_row_object(media, 'pgrst_answer.*'),
      postern.render_labels(node)) end;
begin
  return substr(postern.render_response(context,
    case when media ->> 'handler' = 'object' then made
      when media is not null then format('pg_catalog.concat(''['', %s, '']'')', made) end,
    '201', postern.render_head(quote_literal(postern.row_range('POST', true, counted)), null, headers), null), 8);
end
$$;
comment on function postern.render_inserted(jsonb, jsonb, boolean, text[], jsonb) is
  'The RETURNING list of an INSERT of one row that makes the response. media: of the representation, null where there '
  'is none; counted: whether the total is told.';
