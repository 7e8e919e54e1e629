-- Rows written as JSON text piece by piece. json_agg looks up the type of each column of each row anew (PostgreSQL 14 to 18), which is
-- about half of the work for a page of rows. So where the types of a node are known, its rows are text: byte by byte what json_agg makes.

create or replace function postern.json_form(type text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when type in ('smallint', 'integer', 'bigint', 'boolean', 'json', 'jsonb') then 'bare'
    when type = 'uuid' then 'quoted'
    when type in ('text', 'character varying') then 'text' end;
end
$$;
comment on function postern.json_form(text) is
  'How a value of a type (format_type) is written as JSON: bare, its text is JSON; quoted, that text in quotes; text, in quotes and escaped; null for all others, whose JSON depends on the value or on settings, which to_json knows. Source: RFC 8259, sections 6 and 7.';

create or replace function postern.gathers_texts(node jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return (node ->> 'plain_texts')::boolean and (node -> 'written' @> '[{"form": "text"} ]' or node -> 'written' @> '[{"texts": true} ]');
end
$$;
comment on function postern.gathers_texts(jsonb) is
  'Whether the texts of a node (postern.plan_written) and of its embeds are to be searched for what must be escaped all at once. Null for a node that is not written.';

create or replace function postern.written_outputs(node jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
declare
  columns jsonb := coalesce(postern.column_map(node -> 'columns'), node -> 'known', '{}');
begin
  return (
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('label', (output ->> 'label')::name, 'nullable', known -> 'nullable',
      'form', case when child ? 'written' then 'rows' else postern.json_form(known ->> 'base') end,
      'texts', case when postern.gathers_texts(child) then true end)) order by place)
    from jsonb_array_elements(postern.node_outputs(node)) with ordinality as outputs(output, place),
      lateral (
        select node -> 'fields' -> (substring(output ->> 'column' from '^f([0-9]+)')::int - 1) as field,
          node -> 'children' -> (substring(output ->> 'column' from '^e([0-9]+)')::int - 1) as child) as source,
      lateral (select case when not field ?| '{path,cast,transform,aggregate}' then columns -> (field ->> 'name') end as known) as plain);
end
$$;
comment on function postern.written_outputs(jsonb) is
  'What a node yields (postern.node_outputs), as it is written: {label: its name in the answer, as long as PostgreSQL leaves it; form: postern.json_form, or rows for an embed that is written itself; texts?: that embed has texts; nullable?}.';

create or replace function postern.plan_written(node jsonb, plain boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
declare
  most constant int := 50; -- outputs: each lengthens an expression that is as deep as it is long
  tried jsonb := node || jsonb_build_object('children', coalesce((
    select jsonb_agg(case when child ? 'spread' then child else postern.plan_written(child, plain) end order by place) from jsonb_array_elements(node -> 'children') with ordinality as children(child, place)), '[]'));
  outputs jsonb;
begin
  if node ?| '{single,grouped}' or node -> 'fields' @> '[{"name": "*"}]'
    or exists (select from jsonb_array_elements(node -> 'children') as child where not child ? 'spread' and not postern.embeds_together(node, child, false))
    or node @? '$.**.aggregate'
  then
    return node;
  end if;
  outputs := postern.written_outputs(tried);
  return (
    select case when count(*) filter (where output ? 'form') > greatest(1, count(*) filter (where not output ? 'form'))
        and count(*) = cardinality(array(select distinct o ->> 'label' from jsonb_array_elements(outputs) as o)) and count(*) <= most
        and ((node -> 'limit' ->> 'value')::bigint * (1 + 4 * count(*) filter (where output ->> 'form' = 'rows')) < 16) is not true
      then tried || jsonb_build_object('written', outputs, 'plain_texts', plain) else node end
    from jsonb_array_elements(outputs) as output);
end
$$;
comment on function postern.plan_written(jsonb, boolean) is
  'A node, and those of its embeds that are read for all parents together, with written: the outputs of rows that are to be written as text (postern.written_outputs), and plain_texts: no text of theirs needs an escape, or the note of the statement tells of it. Unchanged where that is not sure to be right, as with two outputs of one name, or not sure to be quicker: most outputs must have a form, and the limit allow some 16 rows, of which each parent is taken to have four.';

create or replace function postern.render_written_value(output jsonb, alias text, out before text, out value text, out after text)
returns record
language plpgsql immutable strict parallel safe
as $$
declare
  form text := output ->> 'form';
begin
  value := format('%I.%I', alias, output ->> 'label');
  before := case when form = 'rows' then '[' when form = 'text' and not (output ->> 'nullable')::boolean then '"' else '' end;
  after := case before when '[' then ']' else before end;
  value := case
    when form = 'rows' then format('coalesce(%s, '''')', value)
    when before = '"' then value || '::text'
    when form = 'bare' then format('coalesce(%s::text, ''null'')', value)
    when form is not null then format('coalesce(''"'' || %s::text || ''"'', ''null'')', value)
    else format('coalesce(to_json(%s)::text, ''null'')', value) end;
  before := to_json(output ->> 'label')::text || ':' || before;
end
$$;
comment on function postern.render_written_value(jsonb, text) is
  'One output of the row alias as JSON: SQL of its value, in which no text needs an escape, and the constant text before (with the key) and after it.';

create or replace function postern.render_written_parts(node jsonb, alias text, out opening text, out inner_text text, out closing text)
returns record
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  select '{' || (array_agg(before order by place))[1], string_agg(coalesce(quote_literal(after_last || ',' || before) || ' || ', '') || value, ' || ' order by place),
      (array_agg(after order by place desc))[1] || '}'
    into opening, inner_text, closing
    from (
      select place, before, value, after, lag(after) over (order by place) as after_last
      from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place), postern.render_written_value(output, alias)) as parts;
end
$$;
comment on function postern.render_written_parts(jsonb, text) is
  'The row alias of a written node as JSON text: inner_text is SQL of it where no text needs an escape; opening and closing, which are constant, stand before and after that.';

create or replace function postern.render_texts(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select string_agg(format(case when output ->> 'form' = 'rows' then 'coalesce(%1$I.%3$I, '''')' when (output ->> 'nullable')::boolean then 'coalesce(%1$I.%2$I::text, '''')' else '%1$I.%2$I::text' end,
      alias, output ->> 'label', 'pgrst_texts_' || place), ' || ' order by place)
    from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place)
    where output ->> 'form' = 'text' or output ? 'texts');
end
$$;
comment on function postern.render_texts(jsonb, text) is
  'SQL of all texts of the row alias of a written node, one after the other, and those of its embeds (pgrst_texts_<place>) where they are gathered; that SQL is null where a null was not to be expected. Null where there are no texts.';

create or replace function postern.render_gathered_texts(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('coalesce(%s, E''\n'')', postern.render_texts(node, alias));
end
$$;
comment on function postern.render_gathered_texts(jsonb, text) is
  'postern.render_texts, with a line break, which needs an escape, for a row that has an unexpected null.';

create or replace function postern.render_written(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  parts record := postern.render_written_parts(node, alias);
  texts text := postern.render_texts(node, alias);
  made text := concat_ws(' || ', quote_literal(parts.opening), parts.inner_text, quote_literal(parts.closing));
  escaped text := (
    select format('(select row_to_json(made.*)::text from (select %s) as made)', string_agg(format(case when output ->> 'form' = 'rows' then '(''['' || coalesce(%1$I.%2$I, '''') || '']'')::json as %2$I' else '%I.%I' end, alias, output ->> 'label'), ', ' order by place))
    from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place));
begin
  return case when (node ->> 'plain_texts')::boolean then parts.inner_text
    when texts is null then made
    else format('case when (%s) collate "C" !~ %L then %s else %s end', texts, '[\x01-\x1f"\\]', made, escaped) end;
end
$$;
comment on function postern.render_written(jsonb, text) is
  'SQL of the row alias of a written node as JSON text, as row_to_json makes it: with plain_texts without what postern.render_written_rows puts around each. Else all texts of a row are searched at once for what must be escaped (RFC 8259, section 7); where there is something, or a null where none was to be expected, row_to_json makes the row.';

create or replace function postern.render_written_rows(node jsonb, row_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  parts record := postern.render_written_parts(node, '');
begin
  return case when (node ->> 'plain_texts')::boolean
    then format('%L || string_agg(%s, %L) || %L', parts.opening, row_text, concat(parts.closing, E', \n ', parts.opening), parts.closing)
    else format('string_agg(%s, %L)', row_text, E', \n ') end;
end
$$;
comment on function postern.render_written_rows(jsonb, text) is
  'SQL of the rows of a group, written one by one (row_text: postern.render_written), with between them what json_agg puts there; without the brackets, null when there are none.';
