-- Rows written as JSON text (postern.plan_written).

create or replace function postern.render_written_value(output jsonb, alias text, out before text, out value text,
  out after text)
returns record
language plpgsql immutable strict parallel safe
as $$
declare
  form pg_catalog.text := output ->> 'form';
  nullable boolean := coalesce((output ->> 'nullable')::boolean, true);
  type pg_catalog.text;
begin
  value := format('%I.%I', alias, output ->> 'label');
  if form in ('bare', 'quoted', 'number') then
    -- The cast costs nothing, and fails where the type has changed meanwhile.
    type := 'pg_catalog.' || case output ->> 'type' when 'smallint' then 'int2' when 'integer' then 'int4'
      when 'bigint' then 'int8' when 'real' then 'float4' when 'double precision' then 'float8'
      when 'boolean' then 'bool' else output ->> 'type' end;
    value := value || '::' || type;
  end if;
  before := case when form = 'rows' then '[' when form = 'text' and not nullable then '"' else '' end;
  after := case before when '[' then ']' else before end;
  value := case form
    when 'rows' then format('coalesce(%s, '''')', value)
    when 'row' then format('coalesce(%s, ''null'')', value)
    when 'bare' then format('coalesce(%s::pg_catalog.text, ''null'')', value)
    when 'number' then format('coalesce(case when %s then %2$s::pg_catalog.text '
      'else pg_catalog.to_json(%2$s)::pg_catalog.text end, ''null'')', format(case
        when type = 'pg_catalog.numeric' then 'pg_catalog.scale(%1$s) is not null' -- null of what is not finite
        else '%1$s operator(pg_catalog.<) %2$s ''Infinity'' and %1$s operator(pg_catalog.>) %2$s ''-Infinity''' end,
        value, type), value)
    when 'quoted' then format('coalesce(''"'' operator(pg_catalog.||) %s::pg_catalog.text '
      'operator(pg_catalog.||) ''"'', ''null'')', value)
    when 'text' then case when nullable then format(
        'coalesce(''"'' operator(pg_catalog.||) %s::pg_catalog.text operator(pg_catalog.||) ''"'', ''null'')', value)
      else value || '::pg_catalog.text' end
    else format('coalesce(pg_catalog.to_json(%s)::pg_catalog.text, ''null'')', value) end;
  before := to_json(output ->> 'label')::text || ':' || before;
end
$$;
comment on function postern.render_written_value(jsonb, text) is
  'Renders an output of a row as JSON, a text as one that needs no escape. In: one of written of the node; the row''s '
  'alias. Out: SQL of the value; the constant text before it, with the key, and after it. Raises nothing.';

create or replace function postern.render_written(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(coalesce(quote_literal(after_last || ',' || before) || ' operator(pg_catalog.||) ', '') || value,
      ' operator(pg_catalog.||) ' order by place)
    from (
      select place, before, value, lag(after) over (order by place) as after_last
      from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place),
        postern.render_written_value(output, alias)) as parts);
end
$$;
comment on function postern.render_written(jsonb, text) is
  'Renders a row as JSON text, as row_to_json does, but its constant start and end (postern.written_ends). It may be '
  'null where a text unexpectedly is: then render_texts has something to escape. Raises nothing.';

create or replace function postern.written_ends(node jsonb, out opening text, out closing text)
returns record
language plpgsql immutable strict parallel safe
as $$
begin
  opening := '{' || (postern.render_written_value(node -> 'written' -> 0, '')).before;
  closing := (postern.render_written_value(node -> 'written' -> -1, '')).after || '}';
end
$$;
comment on function postern.written_ends(jsonb) is
  'Makes the constant start and end that postern.render_written leaves out of each row. Raises nothing.';

create or replace function postern.render_texts(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select format('coalesce(%s, E''\n'')', string_agg(format(case
        when output ->> 'form' in ('rows', 'row') then 'coalesce(%1$I.%3$I, '''')'
        when (output ->> 'nullable')::boolean then 'coalesce(%1$I.%2$I::pg_catalog.text, '''')'
        else '%1$I.%2$I::pg_catalog.text' end,
      alias, output ->> 'label', 'pgrst_texts_' || place), ' operator(pg_catalog.||) ' order by place))
    from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place)
    where output ->> 'form' = 'text' or output ? 'texts'
    having count(*) > 0);
end
$$;
comment on function postern.render_texts(jsonb, text) is
  'Renders all texts of a row, to search them for what must be escaped. In: a written node; the row''s alias. Out: SQL '
  'of one text after the other, and those of its embeds (pgrst_texts_<place>), or, where one is null against '
  'expectation, of a line break, which must be escaped; null for a node without texts. Raises nothing.';

create or replace function postern.render_escapes(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when postern.gathers_texts(node) then format(
    'pg_catalog.octet_length(pg_catalog.to_json(%1$s)::pg_catalog.text) '
      'operator(pg_catalog.<>) (pg_catalog.octet_length(%1$s) operator(pg_catalog.+) 2)',
    format('pg_catalog.string_agg(%s, null::pg_catalog.text)', postern.render_texts(node, 'pgrst_answer'))) end;
end
$$;
comment on function postern.render_escapes(jsonb) is
  'Renders the test whether a text of the rows pgrst_answer must be escaped: to_json makes it longer. Out: SQL; null '
  'where no texts are gathered. Raises nothing. Source: RFC 8259, section 7.';

create or replace function postern.render_written_rows(node jsonb, row_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  ends constant pg_catalog.record := postern.written_ends(node);
begin
  return format('%L operator(pg_catalog.||) pg_catalog.string_agg(%s, %L) operator(pg_catalog.||) %L',
    ends.opening, row_text, concat(ends.closing, E', \n ', ends.opening), ends.closing);
end
$$;
comment on function postern.render_written_rows(jsonb, text) is
  'Renders the rows of a group as JSON text, as json_agg makes it. In: a written node; row_text: '
  'postern.render_written. Out: SQL of them without the brackets, null for no rows. Raises nothing.';

create or replace function postern.render_written_group(node jsonb, row_text text, texts text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return postern.render_written_rows(node, row_text) || ' as rows' || case when postern.gathers_texts(node)
    then format(', pg_catalog.string_agg(%s, null::pg_catalog.text) as texts', texts) else '' end;
end
$$;
comment on function postern.render_written_group(jsonb, text, text) is
  'Renders the columns of a written to-many embed: rows, and texts where gathered. In: SQL of both. Raises nothing.';

create or replace function postern.render_written_row(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  ends constant pg_catalog.record := postern.written_ends(node);
begin
  return format('%L operator(pg_catalog.||) %s operator(pg_catalog.||) %L as rows%s', ends.opening,
    postern.render_written(node, alias), ends.closing, ', ' || postern.render_texts(node, alias) || ' as texts');
end
$$;
comment on function postern.render_written_row(jsonb, text) is
  'Renders the columns of a written to-one embed: rows (its row as JSON text) and, if any, texts. Raises nothing.';
