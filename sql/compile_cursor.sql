-- Pages that begin at a row: a read with the parameter cursor.

create or replace function postern.compile_cursor(context jsonb, name text, trees jsonb)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  relation constant pg_catalog.jsonb := postern.require_relation(context ->> 'schema', name);
  columns constant pg_catalog.jsonb := postern.relation_columns((relation ->> 'oid')::oid);
  node pg_catalog.jsonb := postern.plan_root(context, relation, columns, trees);
  media constant pg_catalog.jsonb := postern.plan_media(context, node, name);
  location constant pg_catalog.text := '/' || postern.percent_encode(name);
  source pg_catalog.text;
  body pg_catalog.text;
  statement pg_catalog.text;
begin
  if node ?| '{offset,range}' then
    perform postern.fail('PGRST160', 'A cursor does not go with this', 'A page by cursor has no offset and no Range');
  elsif not node ?| '{limit,max_rows}' then
    perform postern.fail('PGRST160', 'A cursor does not go without a limit');
  end if;
  node := postern.plan_cursor(node, columns, trees -> 'cursor');
  node := node || jsonb_build_object('fields', postern.expand_star(columns, node -> 'fields', true));
  node := node || jsonb_build_object('outputs', postern.plan_outputs(node -> 'fields', node -> 'children'));
  if context ? 'tags' then
    context := context || postern.shown_anyway(context ->> 'method');
  end if;
  node := postern.plan_rows(postern.for_media(node, media), 'relation', postern.writes_text(context, media, node));
  context := postern.with_code(context, media, greatest(postern.node_code(node),
    case when postern.is_binary(media) then 'volatile' end));
  if context ->> 'method' <> 'HEAD' then
    body := postern.render_body(media, 'rows', node);
  end if;
  source := postern.render_source(node, null);
  statement := postern.render_cursor(node, source) || postern.render_cursor_answer(
    context, node, body, postern.common_headers(context, media, '{count,tx,handling,timezone,etag}')
      || postern.legacy_warning(node) || array[['Access-Control-Expose-Headers', 'Link']],
    location, postern.render_total(node, source, context -> 'preferences' ->> 'count'), media);
  return postern.compiled_read(context, relation, node, media, statement);
end
$$;
comment on function postern.compile_cursor(jsonb, text, jsonb) is
  'Compiles GET or HEAD of a page of a relation that begins at a row. In: name: of the relation; trees: '
  'postern.query_trees, with cursor. Out: the statement and its flags. Raises PGRST160 for an offset, a Range or no '
  'limit, PGRST158 and PGRST159 as postern.plan_cursor does, and what postern.compile_read raises.';
