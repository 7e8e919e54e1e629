-- Reads.

create or replace function postern.common_headers(context jsonb, media jsonb, relevant text[])
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  type constant pg_catalog.text := postern.content_type(media -> 'media');
  applied constant pg_catalog.text := postern.applied_preferences(context -> 'preferences', relevant);
begin
  return nullif(case when type is null then '{}' else array[array['Content-Type', type]] end
    || case when media is null or not context ? 'profile' then '{}'
      else array[array['Content-Profile', context ->> 'profile']] end
    || case when applied is null then '{}' else array[array['Preference-Applied', applied]] end, '{}');
end
$$;
comment on function postern.common_headers(jsonb, jsonb, text[]) is
  'The headers that most answers have. In: media: postern.negotiate, null for none; relevant: the preferences that may '
  'have been applied. Out: [name, value] pairs: Content-Type and Content-Profile where media is given, and '
  'Preference-Applied; null where there are none. Raises nothing.';

create or replace function postern.legacy_warning(node jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  if node -> 'children' = '[]' or not node @? '$.**.legacy' then
    return null;
  end if;
  return (
    with recursive nodes(node) as (
      select child from jsonb_array_elements(legacy_warning.node -> 'children') as child
      union all
      select child from nodes, jsonb_array_elements(nodes.node -> 'children') as child)
    select array[array['Warning', format(
      '299 postern "An embed with an alias was named by its relation in a filter, order '
      'or limit, which will stop working. Write: %s"',
      string_agg(format('%s in place of %s', nodes.node ->> 'label', nodes.node ->> 'name'), ', '))]]
    from nodes
    where nodes.node ? 'legacy'
    having count(*) > 0);
end
$$;
comment on function postern.legacy_warning(jsonb) is
  'The Warning header for embeds that were named by relation though they have an alias. In: the node of the resource. '
  'Out: one [name, value] pair in an array, null where there are no such embeds. Raises nothing. Source: PostgREST '
  'docs, references/configuration, url-use-legacy-target-names.';

create or replace function postern.with_code(context jsonb, media jsonb, code text)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  code := greatest(code, postern.common_code());
  if context ? 'pre_request' then
    code := greatest(code, postern.pre_request_code(context ->> 'pre_request'));
  end if;
  return context
    || jsonb_strip_nulls(jsonb_build_object('explain', case when media ? 'explain' then true end, 'code', code));
end
$$;
comment on function postern.with_code(jsonb, jsonb, text) is
  'Adds to the context what code of the user''s may run. In: media: of the answer (postern.negotiate); code: of the '
  'statement, null for none. Out: the context with code?: stable or volatile, the pre-request function and casts and '
  'operators of all types included; explain?: the answer is an execution plan. Raises nothing.';

create or replace function postern.pre_request_code(name text)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  function constant pg_catalog.regprocedure := to_regprocedure((
    select string_agg(quote_ident(part), '.') || '()' from string_to_table(name, '.') as part));
begin
  return case when function is null or strpos(name, '.') = 0 then 'volatile'
    else greatest(postern.function_code(array[function::oid]), 'stable') end;
end
$$;
comment on function postern.pre_request_code(text) is
  'What code db-pre-request is. In: its name. Out: stable or volatile; volatile, too, where there is no such function '
  'without parameters or the name has no schema. Raises nothing.';

create or replace function postern.code_flags(context jsonb, node jsonb)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('code', case when context ? 'code' then true end,
    'dirty', case context ->> 'code' when 'volatile' then true end,
    'generic', case when not context ?| '{code,explain}'
      and (context ->> 'parameters')::int - 2 - coalesce((context ->> 'tag_values')::int, 0)
        <= case when node ? 'single' then jsonb_array_length(coalesce(node -> 'where', '[]')) else 0 end then true end,
    'likes', nullif(postern.plan_likes(node), '[]'),
    'settings', case when context -> 'preferences' ? 'timezone'
      then jsonb_build_object('timezone', context -> 'preferences' -> 'timezone') end));
end
$$;
comment on function postern.code_flags(jsonb, jsonb) is
  'Flags (the type postern.compiled) that come of the code that may run, of the filters of a node and of Prefer '
  'timezone. Out: {code?; dirty?; generic?: no value is compared with anything but where a unique key says that there '
  'is one row at most; likes?; settings?}. Raises nothing.';

create or replace function postern.compiled_read(context jsonb, relation jsonb, node jsonb, media jsonb, statement text)
returns postern.compiled
language plpgsql stable parallel safe
as $$
begin
  if context ? 'tags' and not media ? 'explain' then
    statement := postern.render_tagged(context, postern.plan_validator((relation ->> 'oid')::oid, node), statement);
  end if;
  return postern.compiled_statement(context, statement, media, postern.code_flags(context, node));
end
$$;
comment on function postern.compiled_read(jsonb, jsonb, jsonb, jsonb, text) is
  'Puts a read that is rendered and its flags together, with an entity tag where one is asked for. In: relation: '
  'postern.find_relation; statement: the read without a tag. Out: the type postern.compiled. Raises nothing.';

create or replace function postern.compile_read(context jsonb, name text, trees jsonb)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  relation pg_catalog.jsonb := postern.require_relation(context ->> 'schema', name);
  node pg_catalog.jsonb := postern.plan_root(
    context, relation, postern.relation_columns((relation ->> 'oid')::oid), trees);
  media pg_catalog.jsonb := postern.plan_media(context, node, name);
  counted pg_catalog.text := context -> 'preferences' ->> 'count';
  headers pg_catalog.text[] := postern.common_headers(context, media, '{count,tx,handling,timezone,etag}')
    || postern.legacy_warning(node);
  location pg_catalog.text := case when not context ? 'bodied' then '/' || postern.percent_encode(name) end;
  body pg_catalog.text;
  source pg_catalog.text;
  rows pg_catalog.text;
  statement pg_catalog.text;
begin
  if context ? 'tags' then
    context := context || postern.shown_anyway(context ->> 'method');
  end if;
  node := postern.plan_rows(postern.with_streams(postern.for_media(node, media), context, media), 'relation',
    postern.writes_text(context, media, node));
  context := postern.with_code(context, media, greatest(postern.node_code(node),
    case when postern.is_binary(media) then 'volatile' end));
  if context ->> 'method' <> 'HEAD' then
    body := postern.render_body(media, 'rows', node);
  end if;
  source := postern.render_source(node, null);
  rows := postern.render_rows(node, source, null, 'labels');
  if node ? 'streams' then
    return postern.compiled_statement(context, postern.render_stream(context, node, media, 'rows', rows, headers,
        location, counted, postern.render_whole_total(node, source, counted), postern.render_count_query(node, source)),
      media, postern.stream_flags(postern.code_flags(context, node), context, media));
  elsif node ? 'single' and counted is null and body is not null and media ->> 'handler' in ('json', 'object')
    and not node ?| '{limit,offset,range,max_rows}'
  then
    statement := postern.render_row_answer(context, rows, '200', false, location, headers, media);
  else
    statement := postern.render_page_answer(context, rows, postern.render_offset(node), body, 'pg_catalog.count(*)',
      headers, location, postern.render_total(node, source, counted), media, null,
      case when body is not null then postern.render_escapes(node) end);
  end if;
  return postern.compiled_read(context, relation, node, media, statement);
end
$$;
comment on function postern.compile_read(jsonb, text, jsonb) is
  'Compiles GET or HEAD of a relation. In: context: postern.request_context; name: of the relation; trees: '
  'postern.query_trees, with range. Out: the statement and its flags. Raises PGRST205 where there is no such relation, '
  'and what postern.plan_node and plan_media raise. Source: PostgREST docs, references/api/tables_views.';
