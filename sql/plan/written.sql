-- Which rows are written as JSON text piece by piece. json_agg looks up the type of each column of each row anew
-- (PostgreSQL 14 to 18), which is about half of the work for a page of rows. So where the types of a node are known,
-- its rows are text: byte by byte what json_agg makes. Texts are taken to need no escape: all texts of an answer are
-- gathered and searched at once, and where one needs an escape the statement says so (postern.render_escapes) and the
-- request is compiled anew, with nothing written.

create or replace function postern.json_form(type text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when type in ('smallint', 'integer', 'bigint', 'boolean', 'json', 'jsonb') then 'bare'
    when type in ('numeric', 'real', 'double precision') then 'number'
    when type = 'uuid' then 'quoted'
    when type in ('text', 'character varying') then 'text' end;
end
$$;
comment on function postern.json_form(text) is
  'How a value of a type (format_type) is written as JSON: bare, its text is JSON; number, so it is if it is finite; '
  'quoted, its text in quotes; text, in quotes, if it needs no escape; null for all others, whose JSON depends on the '
  'value or on settings. Raises nothing. Source: RFC 8259, sections 6 and 7.';

create or replace function postern.enum_form(type oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return case when not exists (
    select from pg_cast
    where castsource = postern.base_type(type) and casttarget = 'json'::regtype) then 'text' end;
end
$$;
comment on function postern.enum_form(oid) is
  'As postern.json_form, of an enum or a domain over one: null where json_agg uses a cast to json in place of text. '
  'Raises nothing.';

create or replace function postern.gathers_texts(node jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return node -> 'written' @> '[{"form": "text"} ]' or node -> 'written' @> '[{"texts": true} ]';
end
$$;
comment on function postern.gathers_texts(jsonb) is
  'Whether a written node, or an embed of it, has texts that may need an escape; null for others. Raises nothing.';

create or replace function postern.plan_written(node jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  most constant int := 50; -- outputs: each lengthens an expression that is as deep as it is long
  children pg_catalog.jsonb := node -> 'children';
  outputs pg_catalog.jsonb := node -> 'outputs';
  total int := jsonb_array_length(outputs);
  formed int;
begin
  if node ?| '{grouped,folds,jsonb}' or node ? 'single' and not node ? 'relationship'
    or total not between 1 and most or outputs @> '[{"column": "*"}]'
    or jsonb_path_exists(outputs, '$[*] ? (@.label starts with "pgrst_")')
  then
    return node;
  end if;
  if children <> '[]' then
    children := (
      select jsonb_agg(case when child ? 'spread' then child else postern.plan_written(child) end order by place)
      from jsonb_array_elements(children) with ordinality as listed(child, place));
    outputs := (
      select jsonb_agg(case when not output ? 'child' or output ? 'inner' then output
        else jsonb_strip_nulls(jsonb_build_object('label', output -> 'label',
          'form', case when not child ? 'written' then 'bare'
            when (child -> 'relationship' ->> 'to_one')::boolean then 'row' else 'rows' end,
          'type', case when not child ? 'written' then 'json' end, 'nullable', true,
          'texts', case when postern.gathers_texts(child) then true end)) end order by place)
      from jsonb_array_elements(outputs) with ordinality as listed(output, place),
        lateral (select children -> (output ->> 'child')::int - 1 as child) as embeds);
  end if;
  formed := jsonb_array_length(jsonb_path_query_array(outputs, '$[*].form'));
  if formed <= greatest(1, total - formed) or not node ? 'relationship' and (node -> 'limit' ->> 'value')::bigint
      * (1 + 4 * jsonb_array_length(jsonb_path_query_array(outputs, '$[*] ? (@.form == "rows")'))) < 16
  then
    return node;
  elsif total > (select count(distinct output -> 'label') from jsonb_array_elements(outputs) as output) then
    return node;
  end if;
  return node || jsonb_build_object('children', children, 'written', outputs);
end
$$;
comment on function postern.plan_written(jsonb) is
  'Which rows of a node and its embeds are written as text. In: the node. Out: the node with written: the outputs as '
  '{label; form: postern.json_form, row or rows for an embed that is written itself; type?; nullable?; texts?: that '
  'embed has texts}. Unchanged where that is not sure to be right, as with two outputs of one name, or not sure to be '
  'quicker: most outputs must have a form, and the limit of the root allow some 16 rows, of which each parent is taken '
  'to have four. Raises nothing.';
