-- Reads.

create or replace function postern.finished(statement text, params int, wanted text)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select statement || case when count(*) = 0 then ''
      else format(' limit case when coalesce(%s) is null then %s else %2$s end', string_agg(format('$%s::text', number), ', '), wanted) end
    from (
      select generate_series(1, params) as number
      except
      select used[1]::int from regexp_matches(regexp_replace(statement, '''(?:[^'']|'''')*''|"(?:[^"]|"")*"', '', 'g'), '\$([0-9]+)', 'g') as used
    ) as unused);
end
$$;
comment on function postern.finished(text, int, text) is
  'A statement in which every parameter up to params occurs, as PREPARE refuses to guess the type of one that does not: they stand in a limit that is always wanted (null: no limit).';

create or replace function postern.is_default_select(node jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select node -> 'children' = '[]' and not exists (
      select from jsonb_array_elements(node -> 'select_items') as item where item <> '{"type": "field", "name": "*"}'::jsonb));
end
$$;
comment on function postern.is_default_select(jsonb) is 'Whether a request selects just *: only then do media type handlers of the relation take part.';

create or replace function postern.plan_root(context jsonb, relation jsonb, columns jsonb, trees jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select postern.plan_node(context, relation, columns, trees -> 'select', trees -> 'entries', 0)
      || jsonb_build_object('select_items', trees -> 'select')
      || case when trees ? 'range' then jsonb_build_object('range', trees -> 'range') else '{}' end);
end
$$;
comment on function postern.plan_root(jsonb, jsonb, jsonb, jsonb) is 'The node of the resource itself, with the Range header of the request.';

create or replace function postern.plan_media(context jsonb, node jsonb, name text)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  media jsonb := postern.negotiate(context ->> 'accept', array(select jsonb_array_elements_text(context -> 'schemas')),
    context ->> 'schema', name, postern.is_default_select(node), (context ->> 'plans')::boolean);
begin
  perform postern.check_preferences(context -> 'preferences');
  return media;
end
$$;
comment on function postern.plan_media(jsonb, jsonb, text) is
  'The media type of the answer (postern.negotiate), and PGRST122 for preferences that strict handling refuses.';

create or replace function postern.for_media(node jsonb, media jsonb)
returns jsonb
language sql immutable parallel safe
as $$ select case when media ->> 'handler' not in ('json', 'object') then node || '{"jsonb": true}' else node end $$;
comment on function postern.for_media(jsonb, jsonb) is
  'The node of the resource as a media type (postern.negotiate) wants it: what is no JSON shows the text of its embeds, which is jsonb''s then, as PostgREST has it.';

create or replace function postern.common_headers(context jsonb, media jsonb, relevant text[])
returns text[]
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select array_agg(array[name, value] order by place)
    from (values
      ('Content-Type', postern.content_type(media -> 'media'), 1),
      ('Content-Profile', case when media is not null then context ->> 'profile' end, 2),
      ('Preference-Applied', postern.applied_preferences(context -> 'preferences', relevant), 3)
    ) as headers(name, value, place)
    where value is not null);
end
$$;
comment on function postern.common_headers(jsonb, jsonb, text[]) is
  'Content-Type and Content-Profile (when media is given) and Preference-Applied for the relevant preferences.';

create or replace function postern.legacy_warning(node jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    with recursive nodes(node) as (
      select child from jsonb_array_elements(legacy_warning.node -> 'children') as child
      union all
      select child from nodes, jsonb_array_elements(nodes.node -> 'children') as child)
    select array['Warning', format('299 postern "An embed with an alias was named by its relation in a filter, order or limit, which will stop working. Write: %s"',
      string_agg(format('%s in place of %s', nodes.node ->> 'label', nodes.node ->> 'name'), ', '))]
    from nodes
    where nodes.node ? 'legacy'
    having count(*) > 0);
end
$$;
comment on function postern.legacy_warning(jsonb) is
  'The Warning header for embeds that were named by relation though they have an alias; null when there are none. Source: PostgREST docs, references/configuration, url-use-legacy-target-names.';

create or replace function postern.compiled_statement(context jsonb, statement text, params int, media jsonb, estimate text)
returns postern.compiled
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select row(postern.finished(statement, params, '1'), postern.finished(estimate, params, 'null::bigint'), media ->> 'explain', null, postern.common_headers(context, media, '{}'), null)::postern.compiled);
end
$$;
comment on function postern.compiled_statement(jsonb, text, int, jsonb, text) is
  'A compiled statement, with the headers of the answer where that is the execution plan.';

create or replace function postern.runs_code(node jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return node ? 'computed' or (node -> 'relationship' ->> 'kind' = 'computed') is true
    or exists (select from pg_class where oid = (node ->> 'oid')::oid and (relkind not in ('r', 'p') or relrowsecurity))
    or exists (select from jsonb_array_elements(node -> 'children') as child where postern.runs_code(child));
end
$$;
comment on function postern.runs_code(jsonb) is
  'Whether reading a node may run code of the user''s (views, row security, computed fields and relationships, representations), which may set response.status or response.headers.';

create or replace function postern.compile_read(context jsonb, name text, trees jsonb)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  relation jsonb := postern.require_relation(context ->> 'schema', name);
  node jsonb := postern.plan_root(context, relation, postern.relation_columns((relation ->> 'oid')::oid), trees);
  media jsonb := postern.plan_media(context, node, name);
  source text := postern.render_source(node, null);
  counted text := context -> 'preferences' ->> 'count';
  headers text[] := postern.common_headers(context, media, '{count,tx,handling,timezone}') || postern.legacy_warning(node);
  body text;
  location text := '/' || postern.header_value(name);
  code boolean := (context ->> 'pre_request')::boolean or postern.is_binary(media) or postern.runs_code(node);
  escapes text;
  note text;
  used jsonb := media || jsonb_build_object('leaves', (context ->> 'pre_request')::boolean);
  statement text;
begin
  node := postern.for_media(node, media);
  node := postern.plan_rows(node, 'relation', context ->> 'method' <> 'HEAD' and media @> '{"handler": "json", "strip": false}'
    and not node ? 'single' and not context ? 'escapes');
  if context ->> 'method' <> 'HEAD' then
    body := postern.render_body(media, 'rows', node);
    escapes := postern.render_escapes(node);
  end if;
  note := postern.render_note(context, code, case when counted is null then escapes when escapes is not null then 'made.escapes' end);
  if node ? 'single' and counted is null and body is not null and media ->> 'handler' in ('json', 'object') and not media ? 'explain'
    and not node ?| '{limit,offset,range,max_rows}'
  then
    statement := postern.render_row_answer(postern.render_rows(node, source, null, 'labels'), postern.with_star('200', (used ->> 'leaves')::boolean),
      postern.row_ranges('GET', false), location, headers, media, note);
  else
    statement := postern.render_page_answer(postern.render_rows(node, source, null, 'labels'), postern.render_offset(node), body, 'count(*)', headers,
      format('%L, $1::text', E'\nContent-Location: ' || location), postern.render_total(node, source, counted), context ->> 'verbosity', media ->> 'handler' = 'object', null, used, note, escapes);
  end if;
  return postern.compiled_statement(context, statement, (trees ->> 'params')::int, media,
    case when counted in ('planned', 'estimated') then postern.render_count_query(node, source) end);
end
$$;
comment on function postern.compile_read(jsonb, text, jsonb) is
  'GET or HEAD of a relation. Source: PostgREST docs, references/api/tables_views.';
