-- Pages that begin at a row. pgrst_cursor has the values of the token, pgrst_page the rows of the page and one more, in
-- the order of reading, with their number (pgrst_o1) and what they are ordered by (pgrst_k1, pgrst_k2, ...).
--
-- The rows behind a row are those that are behind it in the first term of the order, and those that are equal in it
-- and behind in the next, and so on. As far as the directions are one, that is one comparison of rows, which an index
-- serves. Where they are not, or nulls are behind values, it is several ranges: each is read by itself, in order, and
-- they are merged (MergeAppend), so that an index serves each and none is read further than the page needs.

create or replace function postern.render_cursor_limit(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('least(%s, 9223372036854775806)',
    postern.render_limit(postern.render_value(node -> 'limit') || '::bigint', node -> 'max_rows'));
end
$$;
comment on function postern.render_cursor_limit(jsonb) is
  'Renders how many rows a page by cursor has at most, less than the largest bigint. Raises nothing.';

create or replace function postern.cursor_terms(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  backward constant boolean := node -> 'cursor' ->> 'way' = 'before';
  wish constant pg_catalog.jsonb := node -> 'cursor';
begin
  return (
    select jsonb_agg(term || jsonb_build_object(
        'direction', case when (term ->> 'direction' = 'desc') <> backward then 'desc' else 'asc' end,
        'nulls', case when (term ->> 'nulls' = 'first') <> backward then 'first' else 'last' end,
        'null', substr(wish ->> 'nulls', place::int, 1) is not distinct from '1',
        'sql', postern.render_term(node, node ->> 'alias', term),
        'compared', postern.render_term(node, node ->> 'alias', term)
          || case when term ? 'domain' then '::' || (term ->> 'type') else '' end,
        'is_null', case when term ? 'composite' then ' is not distinct from null' else ' is null' end,
        'not_null', case when term ? 'composite' then ' is distinct from null' else ' is not null' end,
        'value', format('(select pgrst_cursor.vals[%s] from pgrst_cursor)::%s', place, term ->> 'type'))
      order by place)
    from jsonb_array_elements(node -> 'order') with ordinality as listed(term, place));
end
$$;
comment on function postern.cursor_terms(jsonb) is
  'Lists the order of a node (postern.plan_cursor) in the direction of reading. Out: its terms, each with {direction; '
  'nulls; null: the token''s value is null; and SQL: sql: what is ordered by; compared: that as it is compared; value: '
  'the token''s; is_null, not_null: tests that do not look into composite values}. Raises as render_filter does.';

create or replace function postern.cursor_equal(terms jsonb, first int, last int)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(case when (term ->> 'null')::boolean then (term ->> 'compared') || (term ->> 'is_null')
      else format('%s operator(%I.=) %s', term ->> 'compared', term ->> 'operators', term ->> 'value') end, ' and '
      order by place)
    from jsonb_array_elements(terms) with ordinality as listed(term, place)
    where place between first and last);
end
$$;
comment on function postern.cursor_equal(jsonb, int, int) is
  'Renders the condition that a row equals the token''s in terms first to last, from 1; null for none. Raises nothing.';

create or replace function postern.cursor_behind(terms jsonb, first int, last int, orequal text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select format(case when count(*) = 1 then '%s operator(%I.%s%s) %s' else '(%s) operator(%I.%s%s) (%s)' end,
      string_agg(term ->> 'compared', ', ' order by place), min(term ->> 'operators'),
      case min(term ->> 'direction') when 'desc' then '<' else '>' end, orequal,
      string_agg(term ->> 'value', ', ' order by place))
    from jsonb_array_elements(terms) with ordinality as listed(term, place)
    where place between first and last);
end
$$;
comment on function postern.cursor_behind(jsonb, int, int, text) is
  'Renders that a row is behind the token''s. In: as of cursor_equal, of terms of one direction and values not null; '
  'orequal: = or nothing. Out: SQL, unknown for a null in the first term that differs. Raises nothing.';

create or replace function postern.cursor_ranges(terms jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := jsonb_array_length(terms);
  ranges pg_catalog.text[] := array[]::text[];
  first int := 1;
  last int;
  term pg_catalog.jsonb;
begin
  while first <= most loop
    last := first;
    term := terms -> first - 1;
    if (term ->> 'null')::boolean then
      ranges := ranges || case when term ->> 'nulls' = 'first' then array[concat_ws(' and ',
        postern.cursor_equal(terms, 1, first - 1), (term ->> 'compared') || (term ->> 'not_null'))] else '{}' end;
    else
      while last < most and terms -> last -> 'null' = 'false' and terms -> last -> 'direction' = term -> 'direction'
        and terms -> last -> 'operators' = term -> 'operators'
      loop
        last := last + 1;
      end loop;
      ranges := ranges || concat_ws(' and ', postern.cursor_equal(terms, 1, first - 1),
        postern.cursor_behind(terms, first, last, ''));
      for place in first .. last loop
        term := terms -> place - 1;
        if (term ->> 'nullable')::boolean and term ->> 'nulls' = 'last' then
          ranges := ranges || concat_ws(' and ', postern.cursor_equal(terms, 1, place - 1),
            (term ->> 'compared') || (term ->> 'is_null'));
        end if;
      end loop;
    end if;
    first := last + 1;
  end loop;
  return ranges;
end
$$;
comment on function postern.cursor_ranges(jsonb) is
  'Renders the rows behind the token''s as ranges: conditions, one of them true of a row. Raises nothing.';

create or replace function postern.render_cursor_base(node jsonb, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := 8; -- ranges that are read by themselves: each repeats the filters
  terms constant pg_catalog.jsonb := postern.cursor_terms(node);
  ranges pg_catalog.text[] := case when node -> 'cursor' ->> 'way' <> 'first' then postern.cursor_ranges(terms) end;
  page constant pg_catalog.text := format(' limit %s operator(pg_catalog.+) 1', postern.render_cursor_limit(node));
  keys pg_catalog.text;
  own_order pg_catalog.text;
  merged_order pg_catalog.text;
begin
  select string_agg((term ->> 'sql') || ' as pgrst_k' || place, ', ' order by place),
      ' order by ' || string_agg((term ->> 'sql') || postern.render_direction(term), ', ' order by place),
      ' order by ' || string_agg('pgrst_merged.pgrst_k' || place || postern.render_direction(term), ', ' order by place)
    into keys, own_order, merged_order
    from jsonb_array_elements(terms) with ordinality as listed(term, place);
  if cardinality(ranges) > most or cardinality(ranges) > 1 and not (terms -> 0 ->> 'indexed')::boolean then
    ranges := array[concat_ws(' and ', case
        when terms -> 0 -> 'null' = 'false' and (terms -> 0 -> 'nullable' = 'false' or terms -> 0 ->> 'nulls' = 'first')
        then postern.cursor_behind(terms, 1, 1, '=') end, -- a bound of the first term
      '(' || array_to_string(ranges, ' or ') || ')')];
  elsif cardinality(ranges) > 1 then
    return concat('select pgrst_merged.* from (', (
        select string_agg(concat('(', postern.render_base(node, source, range, 'columns', false, keys), own_order, page,
          ')'), ' union all ' order by place)
        from unnest(ranges) with ordinality as listed(range, place)),
      ') as pgrst_merged', merged_order, page);
  end if;
  return postern.render_base(node, source, ranges[1], 'columns', false, keys) || own_order || page;
end
$$;
comment on function postern.render_cursor_base(jsonb, text) is
  'Renders level 1 (postern.render_rows) of a page by cursor. In: source: FROM items. Out: SQL of the rows of the page '
  'and one more, in the order of reading, with pgrst_k1, ... Raises what postern.render_filter raises.';

create or replace function postern.render_cursor(node jsonb, source text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  wish constant pg_catalog.jsonb := node -> 'cursor';
begin
  return concat('with ', case when wish ->> 'way' <> 'first' then
      format('pgrst_cursor as materialized (select postern.cursor_values(%s::pg_catalog.text, %L, %L) as vals), ',
        postern.render_value(wish), wish ->> 'signature',
        coalesce(wish ->> 'nulls', repeat('0', jsonb_array_length(node -> 'order')))) end,
    format('pgrst_page as materialized (select pgrst_base.*, pg_catalog.row_number() over () as pgrst_o1 '
      'from (%s) as pgrst_base) ', postern.render_cursor_base(node, source)));
end
$$;
comment on function postern.render_cursor(jsonb, text) is
  'Renders the WITH of a page by cursor. In: source: as of render_rows. Out: SQL of pgrst_page and, but for the first '
  'page, pgrst_cursor, which raises PGRST158 for a token that is none of this order. Raises as render_filter does.';

create or replace function postern.render_cursor_rows(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  term constant pg_catalog.jsonb := case node -> 'cursor' ->> 'way' when 'before' then '{"direction": "desc"}'
    else '{}' end;
begin
  return postern.render_level(node || jsonb_build_object('order', jsonb_build_array(term)),
    format('select pgrst_page.* from pgrst_page where pgrst_page.pgrst_o1 operator(pg_catalog.<=) %s%s',
      postern.render_cursor_limit(node),
      case when term <> '{}' then ' order by pgrst_page.pgrst_o1' || postern.render_direction(term) end),
    postern.render_outputs(node, 'labels'));
end
$$;
comment on function postern.render_cursor_rows(jsonb) is
  'Renders the rows of a page by cursor from pgrst_page, ordered as asked. Raises as render_filter does.';

create or replace function postern.render_cursor_token(node jsonb, condition text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select format('(select postern.cursor_token(%L, array[%s]) from pgrst_page where %s)',
      node -> 'cursor' ->> 'signature',
      string_agg(format(case when term ? 'plain' then 'pgrst_page.pgrst_k%s::pg_catalog.text'
        else 'postern.sort_text(pgrst_page.pgrst_k%s)' end, place), ', ' order by place), condition)
    from jsonb_array_elements(node -> 'order') with ordinality as listed(term, place));
end
$$;
comment on function postern.render_cursor_token(jsonb, text) is
  'Renders the token of the row of pgrst_page that a condition chooses, null for none. Raises nothing.';

create or replace function postern.render_cursor_links(node jsonb, location text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  way constant pg_catalog.text := node -> 'cursor' ->> 'way';
  size constant pg_catalog.text := postern.render_cursor_limit(node);
  onward constant pg_catalog.text := postern.render_cursor_token(node, format('pgrst_page.pgrst_o1 '
    'operator(pg_catalog.=) %1$s and exists (select from pgrst_page as pgrst_more '
    'where pgrst_more.pgrst_o1 operator(pg_catalog.>) %1$s)', size));
  back constant pg_catalog.text := case way when 'first' then 'null' else postern.render_cursor_token(node, format(
    'pgrst_page.pgrst_o1 operator(pg_catalog.=) 1 and %s operator(pg_catalog.>) 0', size)) end;
begin
  return format('postern.page_links(%L, $1::pg_catalog.text, %s, %s)', location,
    case way when 'before' then back else onward end, case way when 'before' then onward else back end);
end
$$;
comment on function postern.render_cursor_links(jsonb, text) is
  'Renders the header Link of a page by cursor. In: location: of postern.render_head. Raises nothing.';

create or replace function postern.render_cursor_answer(
  context jsonb, node jsonb, body text, headers text[], location text, total text, media jsonb)
returns text
language plpgsql immutable parallel safe
as $$
declare
  escapes constant pg_catalog.text := case when body is not null then postern.render_escapes(node) end;
  first constant boolean := node -> 'cursor' ->> 'way' = 'first';
begin
  return postern.render_response(context,
    case when postern.is_binary(media) then 'made.body' else 'made.body::pg_catalog.text' end,
    postern.render_guarded_status(case when total is null then '200' else
      'case when made.page operator(pg_catalog.<>) counted.total then ''206'' else ''200'' end' end,
      'made.page', media ->> 'handler' = 'object', null),
    format('pg_catalog.concat(%s, %s)', postern.render_head(
        format('postern.content_range(0, %s, %s)', case when first then 'made.page' else '0' end,
          case when total is null then 'null' else 'counted.total' end),
        case when not context ? 'bodied' then location end, headers),
      postern.render_cursor_links(node, location)),
    format('(select pg_catalog.count(*) as page, %s as body%s from (%s) as pgrst_answer%s) as made%s%s',
      coalesce(body, 'null::pg_catalog.text'), coalesce(', ' || escapes || ' as escapes', ''),
      postern.render_cursor_rows(node), postern.render_having(), case when not first then ', pgrst_cursor' end,
      ', (' || total || ') as counted'),
    case when escapes is not null then 'made.escapes' end);
end
$$;
comment on function postern.render_cursor_answer(jsonb, jsonb, text, text[], text, text, jsonb) is
  'Renders the response of a page by cursor, to stand behind postern.render_cursor. In: as of '
  'postern.render_page_answer. It reads pgrst_cursor, as the rows need not, so that a token that is none is always '
  'refused. Only of the first page it is known where it is, so only there is a range. Raises as render_filter does.';
