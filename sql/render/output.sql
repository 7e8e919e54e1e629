-- What a node yields, as a list for SELECT: its fields, and what its embeds yield.

create or replace function postern.render_field(alias text, field jsonb, grouped boolean default false)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  made pg_catalog.text;
begin
  if field ->> 'name' = '*' then
    return case when field ? 'aggregate' then '1' else format('%I.*', alias) end;
  end if;
  made := postern.render_reference(alias, field);
  if field ? 'transform' then
    made := format('%s(%s)%s', field ->> 'transform', made,
      case when grouped and not field ?| '{cast,aggregate}' then '::pg_catalog.jsonb' else '' end);
  end if;
  return case when field ? 'cast' then format('cast(%s as %s)', made, field ->> 'cast') else made end;
end
$$;
comment on function postern.render_field(text, jsonb, boolean) is
  'Renders a field before aggregation. In: the relation''s alias; the field; grouped: rows are grouped by it, which '
  'json cannot be. Its cast is an identifier of letters, digits, _, space and $ by the grammar. Raises nothing.';

create or replace function postern.render_set(node jsonb, routine jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('%I.%I(%s)', routine ->> 'schema', routine ->> 'name', postern.render_row(node));
end
$$;
comment on function postern.render_set(jsonb, jsonb) is
  'Renders a computed field that is a set (postern.with_sets), from the rows of a call or a write. In: the node; set '
  'of the field. Out: SQL. Raises nothing.';

create or replace function postern.render_fields(node jsonb, names text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(case when field ? 'set' then postern.render_set(node, field -> 'set')
        else postern.render_field(node ->> 'alias', field, node ? 'grouped') end
      || case when field ->> 'name' = '*' and not field ? 'aggregate' then ''
        when names = 'labels' then format(' as %I', field ->> 'label') else ' as f' || place || '$' end, ', '
          order by place)
    from jsonb_array_elements(node -> 'fields') with ordinality as fields(field, place));
end
$$;
comment on function postern.render_fields(jsonb, text) is
  'Renders the fields of a node as a select list, or null. In: names: as of postern.render_rows. Raises nothing.';

create or replace function postern.render_output(node jsonb, output jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  child pg_catalog.jsonb := node -> 'children' -> (output ->> 'child')::int - 1;
  embed pg_catalog.text := 'pgrst_e' || (output ->> 'child');
begin
  if child is null then
    return format(case output ->> 'column' when '*' then '%s.*' else '%s.%s' end, postern.level_alias(node),
      output ->> 'column');
  elsif output ? 'inner' then
    return format('%s.%s%s', embed, output ->> 'inner',
      case when node ? 'grouped' and not (child -> 'relationship' ->> 'to_one')::boolean then '::pg_catalog.jsonb'
        else '' end);
  end if;
  return format(case when child ? 'written' or (child -> 'relationship' ->> 'to_one')::boolean
      then '%s.rows%s' else 'coalesce(%s.rows, ''[]'')%s' end,
    embed, case when node ?| '{grouped,jsonb}' then '::pg_catalog.jsonb' else '' end);
end
$$;
comment on function postern.render_output(jsonb, jsonb) is
  'Renders an output of a node at level 2. Out: SQL; that of a written embed is null without rows. Raises nothing.';

create or replace function postern.render_outputs(node jsonb, names text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select coalesce(string_agg(concat(postern.render_output(node, output),
      case when output ->> 'column' = '*' then '' else format(' as %I', output ->> case names when 'labels'
        then 'label' else 'column' end) end,
      case when output ? 'child' and not output ? 'inner'
          and postern.gathers_texts(node -> 'children' -> (output ->> 'child')::int - 1)
        then format(', pgrst_e%s.texts as pgrst_texts_%s', output ->> 'child', place) end), ', ' order by place), '')
      || coalesce((
        select string_agg(format(', %s.%s', postern.level_alias(node), item ->> 'column'), '')
        from jsonb_array_elements(node -> 'hidden') as item), '')
    from jsonb_array_elements(node -> 'outputs') with ordinality as outputs(output, place));
end
$$;
comment on function postern.render_outputs(jsonb, text) is
  'Renders the select list of level 2. In: names: as of postern.render_rows. Out: SQL of outputs and hidden columns, '
  'with pgrst_texts_<place> for embeds whose texts are gathered. Raises nothing.';
