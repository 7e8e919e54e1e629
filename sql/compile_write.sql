-- Writes.

create or replace function postern.compile_write(context jsonb, name text, trees jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  method constant pg_catalog.text := context ->> 'method';
  preferences constant pg_catalog.jsonb := context -> 'preferences';
  wanted constant pg_catalog.text := preferences ->> 'return';
  relation pg_catalog.jsonb := postern.require_relation(context ->> 'schema', name);
  columns pg_catalog.jsonb := postern.relation_columns((relation ->> 'oid')::oid, true);
  pk pg_catalog.text[] := coalesce(postern.relation_pk((relation ->> 'oid')::oid), '{}');
  node pg_catalog.jsonb := postern.plan_root(
    context || '{"writes": true}', relation, columns, postern.written_select(trees, pk));
  conflict pg_catalog.text[] := case when trees ? 'on_conflict' and method = 'POST'
    then array(select jsonb_array_elements_text(trees -> 'on_conflict')) else pk end;
  resolution pg_catalog.text := case method
    when 'PUT' then case when context -> 'if_none_match' is null then 'merge-duplicates' else 'ignore-duplicates' end
    when 'POST' then preferences ->> 'resolution' end;
  form pg_catalog.text := trees -> 'payload' ->> 'form';
  guard pg_catalog.text;
  defaults boolean;
  payload pg_catalog.jsonb;
  body pg_catalog.text;
  media pg_catalog.jsonb;
  headers pg_catalog.text[];
  returning_list pg_catalog.text;
begin
  if method = 'PUT' then
    perform postern.check_upsert(trees, pk);
  elsif postern.is_rows(method, context ->> 'content_type') then
    node := node || jsonb_build_object('key', postern.plan_key(relation, columns, pk, trees));
  elsif method = 'POST' and resolution is not null and trees ? 'on_conflict' then
    node := node || jsonb_strip_nulls(jsonb_build_object(
      'arbiter', postern.arbiter_condition((relation ->> 'oid')::oid, conflict)));
  end if;
  if method <> 'DELETE' then
    payload := postern.plan_payload(name, columns, postern.payload_keys(trees));
    defaults := method in ('POST', 'PATCH') and coalesce(preferences ->> 'missing' = 'default', false);
    body := postern.render_payload(case when defaults
      then postern.written_defaults(node, payload) else payload end, form, defaults);
  end if;
  if method = 'PUT' and not pk <@ postern.payload_keys(trees) then
    perform postern.key_mismatch();
  end if;
  perform postern.check_preferences(preferences);
  media := postern.plan_media(context, node, name);
  perform postern.check_lines(trees -> 'payload', wanted, media);
  node := postern.plan_rows(postern.for_media(node, media), 'write', false);
  if method in ('PATCH', 'DELETE') then
    node := postern.plan_written_rows(node, trees);
  end if;
  if context ? 'tags' then
    node := postern.plan_precondition(context, (relation ->> 'oid')::oid, columns, node,
      coalesce(payload = '[]', false));
    node := node || case when node ? 'put'
      then jsonb_build_object('refusal', postern.render_put_refusal(node, body)) else '{}' end;
  end if;
  -- Certain: no statement of a write answers with an error, but it raises one; a batch commits without looking.
  context := postern.with_code(context, media, postern.write_code(node, method, resolution, preferences, media))
    || case when context ? 'tags' then '{"guarded": true}' else '{"guarded": true, "certain": true}' end::jsonb;
  guard := postern.render_guard(context);
  headers := postern.write_headers(context, node, case when wanted = 'representation' then media end, conflict <> '{}');
  if method = 'POST' and form = '{' and context ->> 'parameters' = '2' and (resolution is null or conflict = '{}')
    and postern.answers_by_row(node, media, wanted)
  then
    return postern.compiled_statement(context, postern.render_insert(node, payload, body, '{}', null, false, false,
        postern.render_inserted(context, node, coalesce(preferences ->> 'count' in ('exact', 'estimated'), false),
          headers, case when wanted = 'representation' then media end), guard),
      media, postern.code_flags(context, node));
  end if;
  returning_list := postern.render_returning(node, pk, wanted);
  return postern.render_write_answer(context, postern.shown_node(node), media, case
      when method = 'PATCH' or method = 'PUT' and node ? 'match'
        then postern.render_update(node, payload, body, returning_list, guard)
      when method = 'DELETE' then postern.render_delete(node, returning_list, guard)
      else postern.render_insert(node, payload, body, conflict, resolution, method = 'PUT',
        resolution = 'merge-duplicates' and (method = 'POST' or wanted = 'representation'), returning_list, guard) end,
    pk, resolution, headers);
end
$$;
comment on function postern.compile_write(jsonb, text, jsonb) is
  'Compiles POST, PATCH, PUT or DELETE of a relation. In: context: postern.request_context; name: of the relation; '
  'trees: postern.query_trees, with payload. Out: the statement and its flags. Raises PGRST115 for a PUT whose body '
  'lacks a column of the key, PGRST205 where there is no such relation, and what postern.check_upsert, plan_key, '
  'plan_payload, check_lines, plan_written_rows, plan_precondition, plan_node and plan_media raise. Source: PostgREST '
  'docs, references/api/tables_views.';

create or replace function postern.written_select(trees jsonb, pk text[])
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return case when trees -> 'select' <> '[]' or pk = '{}' then trees
    else trees || jsonb_build_object('select', (
      select jsonb_agg(jsonb_build_object('type', 'field', 'name', name) order by name collate "C")
      from unnest(pk) as name)) end;
end
$$;
comment on function postern.written_select(jsonb, text[]) is
  'The trees of a write, where an empty select means the primary key, as in PostgREST. In: trees: postern.query_trees; '
  'pk: the key, empty where there is none. Out: the trees. Raises nothing.';

create or replace function postern.write_code(node jsonb, method text, resolution text, preferences jsonb, media jsonb)
returns text
language plpgsql stable parallel safe
as $$
declare
  relation constant pg_catalog.oid := (node ->> 'oid')::oid;
  shown constant boolean := coalesce(preferences ->> 'return' = 'representation', false);
  code pg_catalog.text;
begin
  if method in ('POST', 'PUT') or method = 'PATCH' and preferences ->> 'missing' = 'default' then
    code := postern.user_code(relation, 'insert');
  end if;
  if method = 'PATCH' or resolution = 'merge-duplicates' then
    code := greatest(code, postern.user_code(relation, 'update'));
  elsif method = 'DELETE' then
    code := postern.user_code(relation, 'delete');
  end if;
  code := greatest(code, postern.types_code(relation));
  if method in ('PATCH', 'DELETE') or shown then
    code := greatest(code, postern.node_code(node), case when shown and postern.is_binary(media) then 'volatile' end);
  end if;
  return code;
end
$$;
comment on function postern.write_code(jsonb, text, text, jsonb, jsonb) is
  'What code of the user''s may run in a write and its answer. In: resolution: as of postern.render_insert; media: of '
  'the answer (postern.negotiate). Out: as of postern.user_code: null, stable or volatile, of which the greater allows '
  'more. Raises nothing.';

create or replace function postern.answers_by_row(node jsonb, media jsonb, wanted text)
returns boolean
language plpgsql stable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select wanted is distinct from 'headers-only' and media ->> 'handler' in ('json', 'object')
      and not media ? 'explain' and node -> 'children' = '[]'
      and node -> 'fields' <> '[]' and not node -> 'fields' @? '$[*].aggregate'
      and postern.inserts_plainly((node ->> 'oid')::oid));
end
$$;
comment on function postern.answers_by_row(jsonb, jsonb, text) is
  'Whether a row that is inserted is inserted for certain (postern.inserts_plainly) and can make the response by '
  'itself (postern.render_inserted). In: media: postern.negotiate; wanted: of Prefer return. Out: true or false. '
  'Raises nothing.';

create or replace function postern.write_headers(context jsonb, node jsonb, media jsonb, resolved boolean)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  method constant pg_catalog.text := context ->> 'method';
begin
  return postern.common_headers(context, media, array['return', 'count', 'tx', 'handling', 'timezone']
    || case when method = 'POST' and resolved then '{resolution}' else '{}'::text[] end
    || case when method in ('POST', 'PATCH') then '{missing}' else '{}'::text[] end
    || case when method in ('PATCH', 'DELETE') then '{max-affected}' else '{}'::text[] end
    || case when node ? 'tagged' then '{etag}' else '{}'::text[] end)
  || postern.legacy_warning(node);
end
$$;
comment on function postern.write_headers(jsonb, jsonb, jsonb, boolean) is
  'The fixed headers of a write''s answer. In: media: of the representation (postern.negotiate), null where there is '
  'none; resolved: there is a key that Prefer resolution can be about. Out: [name, value] pairs, null for none. Raises '
  'nothing.';

create or replace function postern.render_write_answer(
  context jsonb, node jsonb, media jsonb, mutation text, pk text[], resolution text, headers text[])
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  method constant pg_catalog.text := context ->> 'method';
  preferences constant pg_catalog.jsonb := context -> 'preferences';
  full_answer constant boolean := coalesce(preferences ->> 'return' = 'representation', false);
  most constant pg_catalog.text := case when preferences ->> 'handling' = 'strict' and method in ('PATCH', 'DELETE')
    then preferences ->> 'max-affected' end;
  counted constant boolean := coalesce(preferences ->> 'count' in ('exact', 'estimated'), false);
  rows constant pg_catalog.text := case when full_answer
    then postern.render_rows(
      node - '{where,limit,offset,max_rows}'::text[], format('pgrst_source as %I', node ->> 'alias'), null, 'labels')
    else 'select from pgrst_source' end;
  flags constant pg_catalog.jsonb := postern.code_flags(context, node);
  status pg_catalog.text;
  lines pg_catalog.text;
begin
  if method in ('PATCH', 'DELETE') and node ? 'single' and most is null
    and not (node ? 'match' and media ->> 'handler' = 'object') and not node -> 'fields' @? '$[*].aggregate'
    and (media ->> 'handler' = 'json' or full_answer and media ->> 'handler' = 'object')
  then
    return postern.compiled_statement(context, format('with pgrst_source as (%s) %s', mutation,
      postern.render_changed(node, postern.render_row_answer(context, rows,
        postern.render_required(node, 'made.body is not null', case when full_answer then '200' else '204' end),
        counted, null, headers, case when full_answer then media end))), media, flags);
  end if;
  status := postern.render_guarded_status(case when node ? 'creates' then '201' else postern.render_write_status(
    case when node ? 'put' then 'PATCH' else method end, full_answer, resolution) end,
    'pg_catalog.count(*)', media ->> 'handler' = 'object', most);
  lines := format('pg_catalog.concat(%s)', concat_ws(', ',
    case method when 'PUT' then quote_literal('') else format('%L, postern.content_range(%s, %s)', E'\nContent-Range: ',
      case method when 'PATCH' then '0, pg_catalog.count(*)' else '1, 0' end,
      case when counted then 'pg_catalog.count(*)' else 'null' end) end,
    quote_literal(postern.header_lines(headers)),
    case when method = 'POST' and preferences ->> 'return' = 'headers-only' and pk <> '{}' then
      format('case when pg_catalog.count(*) operator(pg_catalog.=) 1 then pg_catalog.concat(%L, %s) end',
        E'\nLocation: ', postern.render_location(node, pk)) end));
  return postern.compiled_statement(context,
    format('with pgrst_source as (%s) %s', mutation, postern.render_changed(node, postern.render_response(context,
      case when full_answer then postern.render_body(media, 'rows', node) end,
      case when method = 'PUT'
        then format('case when %s operator(pg_catalog.<>) 1 then %s else (%s)::pg_catalog.text end',
          case when node ? 'aggregated' then '(select pg_catalog.count(*) from pgrst_source)'
            else 'pg_catalog.count(*)' end, coalesce(node ->> 'refusal', 'postern.key_mismatch()'), status)
        else postern.render_required(node, 'exists (select from pgrst_source)', status) end,
      lines, format('(%s) as pgrst_answer%s', rows, postern.render_having())))), media, flags);
end
$$;
comment on function postern.render_write_answer(jsonb, jsonb, jsonb, text, text[], text, text[]) is
  'Renders the statement of a write''s answer: the representation, Location or nothing, as Prefer return has it. In: '
  'mutation: the INSERT, UPDATE or DELETE; pk: the primary key; resolution: as of postern.render_insert; headers: the '
  'fixed ones. Out: the statement and its flags. Raises nothing.';
