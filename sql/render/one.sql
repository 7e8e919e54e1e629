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
  'Renders a row (SQL) as a JSON object, without nulls where the media type strips them. Raises nothing.';

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
  'Makes the Content-Range of an answer about one row. In: the method; present: there is the row; counted: the total '
  'is told. Out: 0-0/1 or */0; * for a total that is not told, and for the range after POST or DELETE. Raises nothing.';

create or replace function postern.render_row_answer(
  context jsonb, query text, status text, counted boolean, location text, headers text[], media jsonb)
returns text
language plpgsql immutable parallel safe
as $$
declare
  object constant boolean := media ->> 'handler' = 'object';
  present constant pg_catalog.text := postern.row_range(context ->> 'method', true, counted);
  absent constant pg_catalog.text := postern.row_range(context ->> 'method', false, counted);
begin
  return postern.render_response(context,
    case when object then 'made.body' when media is not null then 'pg_catalog.concat(''['', made.body, '']'')' end,
    case when object then format('case when made.body is null then postern.not_single(0) else %L end', status)
      else status end,
    postern.render_head(case when present = absent then quote_literal(present)
      else format('case when made.body is null then %L else %L end', absent, present) end, location, headers),
    format('(select) as pgrst_one left join lateral (select %s as body from (%s) as pgrst_answer) as made on true',
      case when media is null then 'true' else postern.render_row_object(media, 'pgrst_answer.*') end, query));
end
$$;
comment on function postern.render_row_answer(jsonb, text, text, boolean, text, text[], jsonb) is
  'Renders the response to what has one row at most. In: query: of the row; status: SQL or a number; counted: the '
  'total is told; media: JSON, null for no body; context, location, headers: as of postern.render_response and '
  'render_head. Out: SQL, which raises PGRST116 for an object that is not there. Raises nothing.';

create or replace function postern.render_inserted(
  context jsonb, node jsonb, counted boolean, headers text[], media jsonb)
returns text
language plpgsql stable parallel safe
as $$
declare
  made constant pg_catalog.text := case when node -> 'fields' = '[{"name": "*", "label": "*"}]'
    then postern.render_row_object(media, format('%I.*', node ->> 'alias'))
    else format('(select %s from (select %s) as pgrst_answer)', postern.render_row_object(media, 'pgrst_answer.*'),
      postern.render_fields(node, 'labels')) end;
begin
  return substr(postern.render_response(context,
    case when media ->> 'handler' = 'object' then made
      when media is not null then format('pg_catalog.concat(''['', %s, '']'')', made) end,
    '201', postern.render_head(quote_literal(postern.row_range('POST', true, counted)), null, headers), null), 8);
end
$$;
comment on function postern.render_inserted(jsonb, jsonb, boolean, text[], jsonb) is
  'Renders the response to an INSERT of one row as its RETURNING list. In: counted: the total is told; media: of the '
  'representation, or null; context, headers: as of postern.render_response, render_head. Out: SQL. Raises nothing.';
