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

create or replace function postern.render_written_value(output jsonb, alias text, plain boolean, out before text, out value text, out after text)
returns record
language plpgsql immutable strict parallel safe
as $$
declare
  form text := case when plain or output ->> 'form' <> 'text' then output ->> 'form' end;
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
comment on function postern.render_written_value(jsonb, text, boolean) is
  'One output of the row alias as JSON: SQL of its value, and the constant text before (with the key) and after it. plain: no text needs an escape.';

create or replace function postern.render_written(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select string_agg(coalesce(quote_literal(after_last || ',' || before) || ' || ', '') || value, ' || ' order by place)
    from (
      select place, before, value, lag(after) over (order by place) as after_last
      from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place), postern.render_written_value(output, alias, (node ->> 'plain_texts')::boolean)) as parts);
end
$$;
comment on function postern.render_written(jsonb, text) is
  'SQL of the row alias of a written node as JSON text, as row_to_json makes it, but for the constant start and end, which postern.render_written_rows puts around it. Null perhaps where a text is null that was not to be expected.';

create or replace function postern.render_texts(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select format('coalesce(%s, E''\n'')', string_agg(format(case when output ->> 'form' = 'rows' then 'coalesce(%1$I.%3$I, '''')' when (output ->> 'nullable')::boolean then 'coalesce(%1$I.%2$I::text, '''')' else '%1$I.%2$I::text' end,
      alias, output ->> 'label', 'pgrst_texts_' || place), ' || ' order by place))
    from jsonb_array_elements(node -> 'written') with ordinality as outputs(output, place)
    where output ->> 'form' = 'text' or output ? 'texts');
end
$$;
comment on function postern.render_texts(jsonb, text) is
  'SQL of all texts of the row alias of a written node, one after the other, and those of its embeds (pgrst_texts_<place>); of a line break, which needs an escape, where there is a null that was not to be expected. Only for a node that has texts (postern.gathers_texts).';

create or replace function postern.render_escapes(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when postern.gathers_texts(node) then
    format('octet_length(to_json(%1$s)::text) <> octet_length(%1$s) + 2', format('string_agg(%s, null::text)', postern.render_texts(node, 'pgrst_answer'))) end;
end
$$;
comment on function postern.render_escapes(jsonb) is
  'SQL of whether among the gathered texts of the rows pgrst_answer there is something to escape: then to_json makes them longer (RFC 8259, section 7). Null where no texts are gathered.';

create or replace function postern.render_written_rows(node jsonb, row_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  plain boolean := (node ->> 'plain_texts')::boolean;
  opening text := '{' || (postern.render_written_value(node -> 'written' -> 0, '', plain)).before;
  closing text := (postern.render_written_value(node -> 'written' -> -1, '', plain)).after || '}';
begin
  return format('%L || string_agg(%s, %L) || %L', opening, row_text, concat(closing, E', \n ', opening), closing);
end
$$;
comment on function postern.render_written_rows(jsonb, text) is
  'SQL of the rows of a group, written one by one (row_text: postern.render_written), with between them what json_agg puts there; without the brackets, null when there are none.';
